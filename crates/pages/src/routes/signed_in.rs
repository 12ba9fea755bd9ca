//! `/ui/welcome` and `/ui/signed-out`.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use engine::Runtime;
use model::page::PageQuery;
use model::{Cx, Problem, Session};
use session::{Denied, Found, RequestCredentials, Sessions};
use web::{Request, see_other};

use super::page::{open, shown};
use crate::render::{
    Frame, LogoutForm, Moment, OtherSession, SignedOutPage, WelcomePage, describe_device, display_name, method_names,
};

/// Other sessions that are listed.
const OTHERS: &str = "20";

pub(super) fn router() -> Router {
    Router::new().route("/ui/welcome", get(show_welcome)).route("/ui/signed-out", get(show_signed_out))
}

async fn show_welcome(request: Request) -> web::Result {
    let (cx, runtime, credentials) = (request.cx(), &request.site().runtime, request.credentials());
    let Some(Found { session, .. }) = runtime.sessions.current(&cx, &credentials).await? else {
        // Where people arrive after logging out when nothing else is configured.
        return Ok(see_other(request.method(), &runtime.public_route("/ui/signed-out")));
    };
    let logout = logout_form(&cx, runtime, &credentials).await?;
    let page = WelcomePage {
        frame: Frame::new(runtime.public_url(), WelcomePage::TITLE).wide(),
        person: session.identity.as_deref().map_or_else(|| session.identity_id.to_string(), display_name),
        since: session.authenticated_at.into(),
        until: session.expires_at.into(),
        methods: method_names(&session.authentication_methods),
        device: latest_device(&session),
        logout,
        settings: open(runtime, "settings", &[]),
        sessions: runtime.public_route("/ui/sessions"),
        others: others(&cx, &runtime.sessions, &credentials).await?,
    };
    Ok(shown(StatusCode::OK, &page, false)?)
}

/// What the log-out button sends.
pub(super) async fn logout_form(
    cx: &Cx,
    runtime: &Runtime,
    credentials: &RequestCredentials,
) -> Result<LogoutForm, Problem> {
    let logout = runtime.sessions.create_logout(cx, credentials).await?;
    Ok(LogoutForm { action: runtime.public_route("/self-service/logout"), token: logout.token.expose().clone() })
}

/// Where else the person is signed in. Those who still owe a second factor are not told.
async fn others(cx: &Cx, sessions: &Sessions, credentials: &RequestCredentials) -> Result<Vec<OtherSession>, Problem> {
    let query = PageQuery { page_size: Some(OTHERS.to_owned()), ..PageQuery::default() };
    let page = match sessions.list_own(cx, credentials, &query).await {
        Err(Denied::SecondFactor(_)) => return Ok(Vec::new()),
        page => page?,
    };
    let other = |session: &Session| OtherSession {
        device: latest_device(session),
        since: Moment::from(session.authenticated_at),
    };
    Ok(page.items.iter().map(other).collect())
}

pub(super) fn latest_device(session: &Session) -> String {
    describe_device(session.devices.as_ref().and_then(|devices| devices.last()))
}

async fn show_signed_out(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    if runtime.sessions.current(&request.cx(), &request.credentials()).await?.is_some() {
        return Ok(see_other(request.method(), &runtime.public_route("/ui/welcome")));
    }
    // A second tab, or a link from before.
    let is_already = request.query_if_set("already").is_some();
    let title = if is_already { SignedOutPage::ALREADY } else { SignedOutPage::TITLE };
    let page = SignedOutPage {
        frame: Frame::new(runtime.public_url(), title),
        sign_in: open(runtime, "login", &[]),
        sign_up: runtime.config.selfservice.registration.enabled.then(|| open(runtime, "registration", &[])),
    };
    Ok(shown(StatusCode::OK, &page, false)?)
}
