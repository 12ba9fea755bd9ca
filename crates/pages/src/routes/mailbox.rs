//! `/ui/mailbox`: where messages are read with `serve --dev`, when no mail server is configured.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, REFRESH, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use courier::{CourierMessage, MessageFilter};
use engine::Runtime;
use model::{Problem, Uuid};
use web::Request;

use super::page::shown;
use crate::render::{Envelope, Frame, MailboxMessagePage, MailboxPage, Moment, lines};

/// How many messages are listed.
const LISTED: u32 = 50;
/// After how many seconds the list looks for new ones.
const REFRESHED_AFTER: &str = "3";
/// A mail is somebody else's page: it may be looked at, and its links opened, in a world of its own.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'; \
                           sandbox allow-popups allow-top-navigation-by-user-activation";

pub(super) fn router() -> Router {
    Router::new()
        .route("/ui/mailbox", get(list))
        .route("/ui/mailbox/{id}", get(read))
        .route("/ui/mailbox/{id}/html", get(read_html))
}

/// Messages are everyone's to read here, so there is no mailbox anywhere but in development.
fn ensure_mailbox(runtime: &Runtime) -> Result<(), Problem> {
    if runtime.config.courier.mailbox { Ok(()) } else { Err(Problem::not_found()) }
}

async fn list(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    ensure_mailbox(runtime)?;
    let list = runtime.courier.list(&MessageFilter::default(), None, LISTED).await?;
    let envelope = |message: &CourierMessage| Envelope {
        address: address(runtime, &format!("/{}", message.id)),
        subject: subject(message),
        to: message.recipient.clone(),
        at: message.created_at.into(),
    };
    let page = MailboxPage {
        frame: Frame::new(runtime.public_url(), MailboxPage::TITLE).wide(),
        messages: list.messages.iter().map(envelope).collect(),
    };
    let mut response = shown(StatusCode::OK, &page, false)?;
    response.headers_mut().insert(REFRESH, HeaderValue::from_static(REFRESHED_AFTER));
    Ok(response)
}

async fn read(Path(id): Path<String>, request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let message = find(runtime, &id).await?;
    let html = runtime.courier.html(&message).map(|_| address(runtime, &format!("/{id}/html")));
    let page = MailboxMessagePage {
        frame: Frame::new(runtime.public_url(), MailboxMessagePage::TITLE).wide(),
        subject: subject(&message),
        to: message.recipient.clone(),
        at: Moment::from(message.created_at),
        template: message.template_type.clone(),
        code: code(&message),
        lines: lines(&message.body),
        html,
        back: address(runtime, ""),
    };
    Ok(shown(StatusCode::OK, &page, false)?)
}

async fn read_html(Path(id): Path<String>, request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let message = find(runtime, &id).await?;
    let html = runtime.courier.html(&message).ok_or_else(Problem::not_found)?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, MAIL_POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, html).into_response())
}

async fn find(runtime: &Runtime, id: &str) -> Result<CourierMessage, Problem> {
    ensure_mailbox(runtime)?;
    let id: Uuid = id.parse().map_err(|_| Problem::not_found())?;
    runtime.courier.message(id).await
}

fn address(runtime: &Runtime, rest: &str) -> String {
    runtime.public_route(&format!("/ui/mailbox{rest}"))
}

/// The subject; the beginning of a text message, which has none. What old messages said is removed after a while.
fn subject(message: &CourierMessage) -> String {
    let beginning = message.body.lines().next();
    let said = [Some(message.subject.as_str()), beginning].into_iter().flatten().find(|text| !text.is_empty());
    said.unwrap_or("(removed)").to_owned()
}

/// The code that the message holds, if it holds one.
fn code(message: &CourierMessage) -> Option<String> {
    let data = message.template_data.as_ref()?.to_value();
    let names = ["verification_code", "recovery_code", "login_code", "registration_code"];
    names.iter().find_map(|name| data[*name].as_str()).map(str::to_owned)
}
