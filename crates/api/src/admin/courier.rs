//! The messages that were queued, and what became of them.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use courier::{CourierMessage, Dispatch, MessageFilter, MessageList, MessagePosition, MessageStatus};
use crypto::{PageTokenCodec, PageTokenError};
use model::page::{Page, PageLink, Sizes};
use model::{Problem, RawJson, Timestamp, Uuid};
use serde::{Deserialize, Serialize};
use web::{Request, json};

use crate::sessions::add_page_headers;

/// How many messages a page has.
const SIZES: Sizes = Sizes { default: 10, most: 500 };
/// Before the first page: later than any message.
const BEGINNING: MessagePosition =
    MessagePosition { created_at: Timestamp::constant(7_289_654_399, 0), id: Uuid::nil() };
/// What stands for texts outside development mode: they hold codes and links.
const REDACTED: &str = "<redacted-unless-dev-mode>";

/// `/admin/courier/messages…`
pub fn router() -> Router {
    Router::new().route("/admin/courier/messages", get(list)).route("/admin/courier/messages/{id}", get(fetch))
}

/// `GET /admin/courier/messages`, the newest first
async fn list(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let filter = filter(&request)?;
    let tokens = PageTokenCodec::new(&runtime.config.secrets.pagination, &runtime.config.secrets.default[0]);
    let after = match &*request.query("page_token") {
        "" => BEGINNING,
        token => position(&tokens, token, request.app().clock().now())?,
    };
    let size = SIZES.read(&request.query("page_size"));
    let size = size.map_err(|_| unreadable("\"page_size\" is not a whole number."))?;
    let MessageList { messages, next } = runtime.courier.list(&filter, Some(after), size).await?;

    let link = |rel, position: MessagePosition| {
        let token = tokens.seal(request.app().clock().now(), request.app().entropy(), &columns(position));
        let token = token.map_err(Problem::internal)?;
        Ok(PageLink { rel, parameters: vec![("page_token", token), ("page_size", size.to_string())] })
    };
    let mut links = vec![link("first", BEGINNING)];
    links.extend(next.map(|next| link("next", next)));
    let links = links.into_iter().collect::<Result<Vec<_>, Problem>>()?;

    let shown: Vec<_> = messages.iter().map(|message| shown(&request, message, None)).collect();
    let mut response = json(StatusCode::OK, &shown);
    add_page_headers(&request, request.query_text(), &Page { items: messages, total: None, links }, &mut response);
    Ok(response)
}

/// `GET /admin/courier/messages/{id}`, with all attempts at it
async fn fetch(Path(id): Path<String>, request: Request) -> web::Result {
    let not_an_id = |_| Problem::new(400).message("The id in the path is not a UUID.");
    let id: Uuid = id.parse().map_err(not_an_id)?;
    let (message, dispatches) = request.site().runtime.courier.message_with_dispatches(id).await?;
    Ok(json(StatusCode::OK, &shown(&request, &message, Some(&dispatches))))
}

fn filter(request: &Request) -> Result<MessageFilter, Problem> {
    let unknown = || Problem::bad_request("The status is none of queued, sent, processing and abandoned.");
    let status = request.query_if_set("status").map(|name| MessageStatus::parse(&name).ok_or_else(unknown));
    let recipient = request.query("recipient");
    Ok(MessageFilter {
        status: status.transpose()?,
        recipient: (!recipient.is_empty()).then(|| recipient.into_owned()),
    })
}

/// What cannot be read is answered with 400 and the code 500, as in Kratos.
fn unreadable(what: &'static str) -> Problem {
    Problem::new(500).message(what).over_http(400)
}

/// A column of a page token, in Kratos' form.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Column {
    #[serde(rename = "n")]
    name: String,
    #[serde(rename = "o", default, skip_serializing_if = "String::is_empty")]
    order: String,
    #[serde(rename = "vt", skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    #[serde(rename = "vu", skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
}

fn columns(position: MessagePosition) -> [Column; 2] {
    let MessagePosition { created_at, id } = position;
    [
        Column { name: "created_at".to_owned(), order: "DESC".to_owned(), time: Some(created_at), id: None },
        Column { name: "id".to_owned(), order: String::new(), time: None, id: Some(id) },
    ]
}

fn position(tokens: &PageTokenCodec, token: &str, now: Timestamp) -> Result<MessagePosition, Problem> {
    let columns: Vec<Column> = tokens.open(now, token).map_err(|error| match error {
        PageTokenError::Expired => Problem::bad_request("The page token is too old. Please start from the first page."),
        _ => unreadable("\"page_token\" is not valid. Please start from the first page."),
    })?;
    let of_another_list = || Problem::bad_request("The page token belongs to another list.");
    match columns.as_slice() {
        [Column { time: Some(created_at), .. }, Column { id: Some(id), .. }] => {
            let position = MessagePosition { created_at: *created_at, id: *id };
            if columns == self::columns(position) { Ok(position) } else { Err(of_another_list()) }
        }
        _ => Err(of_another_list()),
    }
}

/// A message on the wire.
#[derive(Serialize)]
struct MessageJson<'a> {
    id: Uuid,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    recipient: &'a str,
    body: &'a str,
    subject: &'a str,
    template_type: &'a str,
    channel: &'a str,
    send_count: i32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dispatches: Vec<DispatchJson<'a>>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// An attempt on the wire.
#[derive(Serialize)]
struct DispatchJson<'a> {
    id: Uuid,
    message_id: Uuid,
    status: &'static str,
    error: Option<&'a RawJson>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

fn shown<'a>(request: &Request, message: &'a CourierMessage, dispatches: Option<&'a [Dispatch]>) -> MessageJson<'a> {
    let text = |text: &'a str| if request.site().runtime.config.dev { text } else { REDACTED };
    MessageJson {
        id: message.id,
        status: message.status.as_str(),
        kind: message.kind.as_str(),
        recipient: &message.recipient,
        // What was removed is not hidden.
        body: if message.body.is_empty() { "" } else { text(&message.body) },
        subject: text(&message.subject),
        template_type: &message.template_type,
        channel: message.channel.as_deref().unwrap_or_default(),
        send_count: message.send_count,
        dispatches: dispatches.unwrap_or_default().iter().map(attempt).collect(),
        created_at: message.created_at,
        updated_at: message.updated_at,
    }
}

fn attempt(dispatch: &Dispatch) -> DispatchJson<'_> {
    DispatchJson {
        id: dispatch.id,
        message_id: dispatch.message_id,
        status: if dispatch.error.is_none() { "success" } else { "failed" },
        error: dispatch.error.as_ref(),
        created_at: dispatch.created_at,
        updated_at: dispatch.updated_at,
    }
}
