//! Verifying addresses.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use engine::verification::{self, OpenError, Outcome};
use engine::{Engine, Runtime};
use model::flow::Verification;
use model::{Flow, FlowClient, Problem};
use web::{Failure, Request, see_other, set_csrf};

use super::{apply, fetched, fetched_id, flow_json, not_fetched, not_submitted, submission_with_query, submitted_id};

/// `/self-service/verification…`
pub(super) fn router() -> Router {
    Router::new()
        .route("/self-service/verification/browser", get(open_in_browser))
        .route("/self-service/verification/api", get(open_natively))
        .route("/self-service/verification/flows", get(fetch))
        .route("/self-service/verification", get(submit).post(submit))
}

async fn open_in_browser(request: Request) -> web::Result {
    let (cx, runtime, asker) = (request.cx(), &request.site().runtime, request.for_flow()?);
    let opened = verification::open(Engine::new(&cx, runtime, &asker), FlowClient::Browser).await;
    // Kratos shows a bad return_to as JSON here, unlike in all other flows.
    let for_browsers = |error| match error {
        OpenError::ReturnTo(bad) if bad.is_forbidden() => Failure::from(Problem::from(bad)),
        error => Failure::for_browsers(error.into()),
    };
    match opened.map_err(for_browsers)? {
        flow if request.accepts_json() => Ok(fetched(&flow)),
        flow => Ok(see_other(request.method(), &runtime.flow_page(&flow))),
    }
}

async fn open_natively(request: Request) -> web::Result {
    let (cx, asker) = (request.cx(), request.for_flow()?);
    let engine = Engine::new(&cx, &request.site().runtime, &asker);
    let flow = verification::open(engine, FlowClient::Api).await.map_err(Problem::from)?;
    Ok(fetched(&flow))
}

async fn fetch(request: Request) -> web::Result {
    let id = fetched_id(&request)?;
    let (cx, asker) = (request.cx(), request.for_flow()?);
    let flow = verification::fetch(Engine::new(&cx, &request.site().runtime, &asker), id).await;
    flow.map(|flow| fetched(&flow)).map_err(not_fetched)
}

async fn submit(mut request: Request) -> web::Result {
    let id = submitted_id(&request)?;
    let submission = submission_with_query(&mut request).await?;
    let (cx, runtime, asker) = (request.cx(), request.site().runtime.clone(), request.for_flow()?);
    let outcome =
        verification::submit(Engine::new(&cx, &runtime, &asker), id, submission).await.map_err(not_submitted)?;
    let page = |flow: &Flow<Verification>| see_other(request.method(), &runtime.flow_page(flow));
    match outcome {
        Outcome::Rejected(flow) if flow.client == FlowClient::Browser && !request.is_json_request() => Ok(page(&flow)),
        Outcome::Rejected(flow) => Ok(flow_json(StatusCode::BAD_REQUEST, &flow, &[])),
        // Mails are opened in browsers, so even a native app's flow may have to answer one.
        Outcome::NextStep(flow) if request.prefers_html() => Ok(page(&flow)),
        Outcome::NextStep(flow) => Ok(flow_json(StatusCode::OK, &flow, &[])),
        Outcome::ToldWho { flow, to, effects } => {
            let mut response = match request.is_json_request() {
                true => flow_json(StatusCode::OK, &flow, &[]),
                false => see_other(request.method(), &to),
            };
            apply(&mut response, &cx, &runtime, *effects);
            Ok(response)
        }
        Outcome::FilledIn { flow, csrf } => Ok(with_csrf(page(&flow), csrf)),
        Outcome::Expired { replacement, csrf } if request.is_json_request() => {
            Ok(with_csrf(to_fetch(&request, &runtime, &replacement), csrf))
        }
        Outcome::Expired { replacement, csrf } => Ok(with_csrf(page(&replacement), csrf)),
        Outcome::Replaced { replacement, problem: Some(problem), csrf } if request.is_json_request() => {
            let problem = problem.extra("use_flow_id", replacement.id.to_string());
            Err(Failure::from(problem).setting_csrf(csrf))
        }
        Outcome::Replaced { replacement, problem: None, csrf } if replacement.client == FlowClient::Api => {
            Ok(with_csrf(to_fetch(&request, &runtime, &replacement), csrf))
        }
        Outcome::Replaced { replacement, csrf, .. } => Ok(with_csrf(page(&replacement), csrf)),
    }
}

/// Sends a JSON client to the flow that it is to go on with.
fn to_fetch(request: &Request, runtime: &Runtime, flow: &Flow<Verification>) -> Response {
    let url = runtime.public_route(&format!("/self-service/verification/flows?id={}", flow.id));
    see_other(request.method(), &url)
}

pub(super) fn with_csrf(mut response: Response, token: crypto::CsrfToken) -> Response {
    set_csrf(&mut response, token);
    response
}
