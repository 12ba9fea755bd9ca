//! `/ui/confirm`: asks before a browser goes on that somebody else may have led there. The answer goes to
//! `/self-service/confirm`; this page never does anything.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use engine::confirmation::{self, Open};
use engine::question::{AppQuestion, Question};
use engine::{Engine, Runtime};
use model::Session;
use web::{Failure, Request};

use super::page::{open, shown};
use crate::render::{AppRequest, ConfirmPage, ConnectedAccounts, ErrorKind, ErrorPage, Frame, details, display_name};

pub(super) fn router() -> Router {
    Router::new().route("/ui/confirm", get(show))
}

async fn show(request: Request) -> web::Result {
    let (cx, runtime, asker) = (request.cx(), request.site().runtime.clone(), request.for_flow()?);
    let asked = confirmation::open(Engine::new(&cx, &runtime, &asker)).await.map_err(Failure::for_browsers)?;
    let Some(asked) = asked else {
        let page = ErrorPage::new(runtime.public_url(), ErrorKind::NotAsked, None, open(&runtime, "login", &[]));
        return Ok(shown(StatusCode::GONE, &page, false)?);
    };
    Ok(shown(StatusCode::OK, &page(&runtime, asked), false)?)
}

fn page(runtime: &Runtime, Open { question, session, csrf_token }: Open) -> ConfirmPage {
    let (app, account) = match question {
        Question::App(app) => (Some(app_request(app)), None),
        Question::Recovery { account } => (None, account),
    };
    ConfirmPage {
        frame: Frame::new(runtime.public_url(), ConfirmPage::TITLE),
        person: session.as_ref().map(name_of),
        app,
        account,
        action: runtime.public_route("/self-service/confirm"),
        csrf_token,
    }
}

fn app_request(app: AppQuestion) -> AppRequest {
    let (details, more_details) = details(&app.typed);
    let connects = app.connects.map(|both| ConnectedAccounts { account: both.account, provider: both.provider });
    AppRequest { host: app.app, provider: app.provider, hands_over: app.hands_over, details, more_details, connects }
}

fn name_of(session: &Session) -> String {
    session.identity.as_ref().map_or_else(|| session.identity_id.to_string(), |identity| display_name(identity))
}
