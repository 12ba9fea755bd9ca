//! Changing one's own account.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use engine::settings::{self, Outcome, Saved, Shown, SubmitError};
use engine::{Engine, FetchError, Runtime, expired_on_submit};
use model::wire::{ContinueWith, FlowJson, FlowJsonParts, IdentityJson};
use model::{Cx, FlowClient, Problem};
use session::{Denied, SecondFactorRequired, session_inactive};
use web::{Failure, MAX_BODY, Request, json, redirect, see_other};

use super::{apply, decoded, failed_with, fetched_id, navigate, submitted_id};

/// `/self-service/settings…`
pub(super) fn router() -> Router {
    Router::new()
        .route("/self-service/settings/browser", get(open_in_browser))
        .route("/self-service/settings/api", get(open_natively))
        .route("/self-service/settings/flows", get(fetch))
        .route("/self-service/settings", get(submit).post(submit))
}

async fn open_in_browser(request: Request) -> web::Result {
    let (cx, runtime, asker) = (request.cx(), request.site().runtime.clone(), request.for_flow()?);
    match settings::open(Engine::new(&cx, &runtime, &asker), FlowClient::Browser).await {
        Ok((shown, effects)) => {
            let mut response = match request.accepts_json() {
                true => shown_json(&runtime, StatusCode::OK, &shown, &[]),
                false => see_other(request.method(), &runtime.flow_page(&shown.flow)),
            };
            apply(&mut response, &cx, &runtime, effects);
            Ok(response)
        }
        Err(Denied::SignedOut(_)) if !request.is_json_request() => {
            Ok(see_other(request.method(), &sign_in_first(&request, &runtime)))
        }
        // Kratos prints a member of its own here by accident, and clients have seen it.
        Err(Denied::SignedOut(refusal)) => Err(session_inactive(&refusal).extra("CredentialsMissing", false).into()),
        Err(Denied::SecondFactor(required)) => step_up(&request, required),
        Err(Denied::Failed(problem)) => Err(Failure::for_browsers(problem)),
    }
}

async fn open_natively(request: Request) -> web::Result {
    let (cx, runtime, asker) = (request.cx(), &request.site().runtime, request.for_flow()?);
    let (shown, _) =
        settings::open(Engine::new(&cx, runtime, &asker), FlowClient::Api).await.map_err(|denied| match denied {
            Denied::SignedOut(refusal) => session_inactive(&refusal),
            denied => denied.into(),
        })?;
    Ok(shown_json(runtime, StatusCode::OK, &shown, &[]))
}

async fn fetch(request: Request) -> web::Result {
    let id = fetched_id(&request)?;
    let (cx, runtime, asker) = (request.cx(), &request.site().runtime, request.for_flow()?);
    match settings::fetch(Engine::new(&cx, runtime, &asker), id).await {
        Ok(shown) => Ok(shown_json(runtime, StatusCode::OK, &shown, &[])),
        Err(error @ FetchError::SignedOut) => not_signed_in(&request, error.into()),
        Err(error) => Err(Problem::from(error).into()),
    }
}

async fn submit(mut request: Request) -> web::Result {
    let id = submitted_id(&request)?;
    // Whoever has more traits than people may send now can still save them.
    let body = request.body_up_to(MAX_BODY).await?;
    let submission = decoded(&request, body).await;
    let (cx, runtime, asker) = (request.cx(), request.site().runtime.clone(), request.for_flow()?);
    match settings::submit(Engine::new(&cx, &runtime, &asker), id, submission).await {
        Ok(outcome) => answered(&request, &cx, &runtime, outcome),
        Err(error @ SubmitError::SignedOut) => not_signed_in(&request, error.into()),
        Err(SubmitError::SecondFactor { required, client: FlowClient::Browser }) => step_up(&request, required),
        Err(SubmitError::SecondFactor { required, client: FlowClient::Api }) => Err(Problem::from(required).into()),
        Err(SubmitError::Failed { problem, client: Some(FlowClient::Api) }) => Err(problem.into()),
        Err(SubmitError::Failed { problem, .. }) => Err(Failure::for_browsers(problem)),
    }
}

/// Answers a submission.
pub(super) fn answered(request: &Request, cx: &Cx, runtime: &Runtime, outcome: Outcome) -> web::Result {
    let wants_json = |client| client == FlowClient::Api || request.is_json_request();
    match outcome {
        Outcome::Form { shown, status } if wants_json(shown.flow.client) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            Ok(shown_json(runtime, status, &shown, &[]))
        }
        Outcome::Form { shown, .. } => Ok(see_other(request.method(), &runtime.flow_page(&shown.flow))),
        Outcome::Expired { replacement, expired_at } if wants_json(replacement.client) => {
            Err(expired_on_submit(&replacement, expired_at, cx.now()).into())
        }
        Outcome::Expired { replacement, .. } => Ok(see_other(request.method(), &runtime.flow_page(&replacement))),
        Outcome::NotPrivileged { refresh, effects } => {
            if effects.continuity.is_empty() || request.is_json_request() {
                return Err(failed_with(Problem::from(refresh).into(), cx, runtime, *effects));
            }
            let mut response = see_other(request.method(), &refresh.sign_in_url);
            apply(&mut response, cx, runtime, *effects);
            Ok(response)
        }
        Outcome::Elsewhere { to, effects } => navigate(request, cx, runtime, &to, *effects),
        Outcome::Saved(saved) => {
            let Saved { shown, continue_with, redirect_to, effects } = *saved;
            let mut response = match wants_json(shown.flow.client) {
                true => shown_json(runtime, StatusCode::OK, &shown, &continue_with),
                false => see_other(request.method(), &redirect_to),
            };
            apply(&mut response, cx, runtime, effects);
            Ok(response)
        }
    }
}

fn shown_json(runtime: &Runtime, status: StatusCode, shown: &Shown, continue_with: &[ContinueWith]) -> Response {
    let identity = Some(IdentityJson::public(&shown.identity, runtime.public_url()));
    let parts = FlowJsonParts { continue_with, identity, ..FlowJsonParts::default() };
    json(status, &FlowJson { flow: &shown.flow, parts })
}

/// Nobody is signed in who could fetch or submit: a browser is shown the sign-in page.
fn not_signed_in(request: &Request, problem: Problem) -> web::Result {
    if request.is_json_request() {
        return Err(problem.into());
    }
    let page = request.site().runtime.ui_url(model::FlowName::Login);
    Ok(redirect(request.method(), StatusCode::FOUND, page.as_str()))
}

/// Where a browser signs in that wants to open its settings; `return_to` goes along.
fn sign_in_first(request: &Request, runtime: &Runtime) -> String {
    let mut url = runtime.config.serve.public.base_url.join("/self-service/login/browser");
    if let Some(return_to) = request.query_if_set("return_to") {
        url.query_pairs_mut().append_pair("return_to", &return_to);
    }
    url.into()
}

/// Sends a browser to confirm its sign-in with a second factor.
fn step_up(request: &Request, required: SecondFactorRequired) -> web::Result {
    match request.is_json_request() {
        true => Err(Failure::for_browsers(required.into())),
        false => Ok(see_other(request.method(), &required.sign_in_url)),
    }
}
