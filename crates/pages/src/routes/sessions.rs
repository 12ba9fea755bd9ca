//! `/ui/sessions`: where somebody is signed in, and leaving there. People below the required assurance level are not told where,
//! and may leave all the same.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use flow::csrf_clues;
use model::page::PageQuery;
use model::{Cx, Problem, Session};
use session::{Denied, Found, RequestCredentials, Sessions};
use url::form_urlencoded;
use web::{Failure, Request, see_other, set_csrf};

use super::page::shown;
use super::signed_in::{latest_device, logout_form};
use crate::render::{Frame, Place, SessionsPage, method_names};

/// Other sessions that are listed.
const LISTED: &str = "100";

pub(super) fn router() -> Router {
    Router::new().route("/ui/sessions", get(show).post(end))
}

async fn show(request: Request) -> web::Result {
    let (cx, runtime, credentials) = (request.cx(), &request.site().runtime, request.credentials());
    let Some(Found { session, .. }) = runtime.sessions.current(&cx, &credentials).await? else {
        return Ok(see_other(request.method(), &runtime.public_route("/ui/signed-out")));
    };
    let asker = request.for_flow()?;
    let others = others(&cx, &runtime.sessions, &credentials).await?;
    let page = SessionsPage {
        frame: Frame::new(runtime.public_url(), SessionsPage::TITLE).wide(),
        done: match &*request.query("done") {
            "one" => Some("You are logged out there."),
            "others" => Some("You are logged out everywhere else."),
            _ => None,
        },
        here: place(&session),
        has_more: others.as_ref().is_some_and(|(_, has_more)| *has_more),
        owes_second_factor: others.is_none(),
        others: others.map(|(others, _)| others).unwrap_or_default(),
        action: runtime.public_route("/ui/sessions"),
        csrf_token: asker.csrf.masked(&cx.entropy),
        logout: logout_form(&cx, runtime, &credentials).await?,
        back: runtime.public_route("/ui/welcome"),
    };
    let mut response = shown(StatusCode::OK, &page, false)?;
    if !asker.has_csrf_cookie {
        set_csrf(&mut response, asker.csrf);
    }
    Ok(response)
}

/// The person's other sessions, and whether there are more; `None` for those who still owe a second factor.
async fn others(
    cx: &Cx,
    sessions: &Sessions,
    credentials: &RequestCredentials,
) -> Result<Option<(Vec<Place>, bool)>, Problem> {
    let query = PageQuery { page_size: Some(LISTED.to_owned()), ..PageQuery::default() };
    match sessions.list_own(cx, credentials, &query).await {
        Err(Denied::SecondFactor(_)) => Ok(None),
        page => {
            let page = page?;
            let has_more = page.links.iter().any(|link| link.rel == "next");
            Ok(Some((page.items.iter().map(place).collect(), has_more)))
        }
    }
}

fn place(session: &Session) -> Place {
    let location = session.devices.as_ref().and_then(|devices| devices.last()?.location.clone());
    Place {
        id: session.id.to_string(),
        device: latest_device(session),
        location: location.filter(|location| !location.trim().is_empty()),
        methods: method_names(&session.authentication_methods),
        since: session.authenticated_at.into(),
    }
}

async fn end(mut request: Request) -> web::Result {
    let body = request.body().await?;
    let field = |name: &str| {
        let (_, value) = form_urlencoded::parse(&body).find(|(key, _)| key == name)?;
        Some(value.into_owned())
    };
    let (token, which) = (field("csrf_token").unwrap_or_default(), field("end").unwrap_or_default());
    let asker = request.for_flow()?;
    if !asker.has_csrf_cookie || !asker.csrf.verify(&token) {
        return Err(Failure::for_browsers(csrf_clues(&asker, &token).into()));
    }
    let (cx, runtime, credentials) = (request.cx(), request.site().runtime.clone(), request.credentials());
    let sessions = &runtime.sessions;
    let ended = match which.as_str() {
        "others" | "all" => sessions.revoke_others(&cx, &credentials).await.map(|_| ()),
        id => sessions.revoke_own(&cx, &credentials, id).await,
    };
    match ended {
        Ok(()) => runtime.metrics.logouts.count(["elsewhere"]),
        // Somebody has logged out here meanwhile, in another window.
        Err(problem) if problem.status == 401 => return Ok(lead_to(&request, "/ui/signed-out")),
        Err(problem) => return Err(Failure::for_browsers(problem)),
    }
    tracing::info!(http.request_id = request.id(), "Signed out elsewhere, from the page of one's sessions.");
    match which.as_str() {
        // What is left is this browser, which leaves as always.
        "all" => {
            let logout = logout_form(&cx, &runtime, &credentials).await?;
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("token", &logout.token).finish();
            Ok(see_other(request.method(), &format!("{}?{query}", logout.action)))
        }
        "others" => Ok(lead_to(&request, "/ui/sessions?done=others")),
        _ => Ok(lead_to(&request, "/ui/sessions?done=one")),
    }
}

fn lead_to(request: &Request, path: &str) -> Response {
    see_other(request.method(), &request.site().runtime.public_route(path))
}
