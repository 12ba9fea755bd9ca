//! Changing one's own account.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use flow::Runtime;
use flow::settings::{self, Failed, Outcome, Saved, Shown};
use model::problem::id;
use model::wire::{ContinueWith, FlowJson, FlowJsonParts, IdentityJson};
use model::{Cx, FlowClient, Problem};
use serde_json::Value;
use web::{Failure, Request, json, redirect, see_other};

use super::{apply, failed_with, fetched_id, for_browsers, input, navigate, submitted_id};

/// `/self-service/settings…`
pub(super) fn router() -> Router {
    Router::new()
        .route("/self-service/settings/browser", get(open_in_browser))
        .route("/self-service/settings/api", get(open_natively))
        .route("/self-service/settings/flows", get(fetch))
        .route("/self-service/settings", get(submit).post(submit))
}

async fn open_in_browser(request: Request) -> web::Result {
    let (cx, runtime) = (request.cx(), request.site().runtime.clone());
    match settings::open(&cx, &runtime, &request.for_flow()?, FlowClient::Browser).await {
        Ok((shown, effects)) => {
            let mut response = match request.accepts_json() {
                true => shown_json(&runtime, StatusCode::OK, &shown, &[]),
                false => see_other(request.method(), &runtime.flow_page(&shown.flow)),
            };
            apply(&mut response, &cx, &runtime, effects);
            Ok(response)
        }
        Err(problem) if problem.id == Some(id::SESSION_INACTIVE) && !request.is_json_request() => {
            Ok(see_other(request.method(), &sign_in_first(&request, &runtime)))
        }
        // Kratos prints a member of its own here by accident, and clients have seen it.
        Err(problem) if problem.id == Some(id::SESSION_INACTIVE) => {
            Err(problem.extra("CredentialsMissing", false).into())
        }
        Err(problem) => go_where_it_says(&request, problem).map_err(for_browsers),
    }
}

async fn open_natively(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let (shown, _) = settings::open(&request.cx(), runtime, &request.for_flow()?, FlowClient::Api).await?;
    Ok(shown_json(runtime, StatusCode::OK, &shown, &[]))
}

async fn fetch(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let id = fetched_id(&request)?;
    match settings::fetch(&request.cx(), runtime, &request.for_flow()?, id).await {
        Ok(shown) => Ok(shown_json(runtime, StatusCode::OK, &shown, &[])),
        Err(failed) if failed.not_signed_in => not_signed_in(&request, failed.problem),
        Err(failed) => Err(failed.problem.into()),
    }
}

async fn submit(mut request: Request) -> web::Result {
    let id = submitted_id(&request)?;
    let input = input(&mut request).await?;
    let (cx, runtime) = (request.cx(), request.site().runtime.clone());
    let outcome = match settings::submit(&cx, &runtime, &request.for_flow()?, id, input).await {
        Ok(outcome) => outcome,
        Err(failed) if failed.not_signed_in => return not_signed_in(&request, failed.problem),
        Err(Failed { problem, client: Some(FlowClient::Api), .. }) => return Err(problem.into()),
        Err(failed) => return go_where_it_says(&request, failed.problem).map_err(for_browsers),
    };
    answered(&request, &cx, &runtime, outcome)
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
            Err(flow::expired_on_submit(&replacement, expired_at, cx.now()).into())
        }
        Outcome::Expired { replacement, .. } => Ok(see_other(request.method(), &runtime.flow_page(&replacement))),
        Outcome::NotPrivileged { problem, effects } => {
            match problem.extra.get("redirect_browser_to").and_then(Value::as_str) {
                Some(url) if !effects.continuity.is_empty() && !request.is_json_request() => {
                    let mut response = see_other(request.method(), url);
                    apply(&mut response, cx, runtime, *effects);
                    Ok(response)
                }
                _ => Err(failed_with(problem.into(), cx, runtime, *effects)),
            }
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

/// Sends a browser to the address that a problem names: to sign in again, or further.
fn go_where_it_says(request: &Request, problem: Problem) -> web::Result {
    match problem.extra.get("redirect_browser_to").and_then(Value::as_str) {
        Some(url) if !request.is_json_request() => Ok(see_other(request.method(), url)),
        _ => Err(Failure::from(problem)),
    }
}
