//! Winning back access.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use engine::recovery::{self, Opened, Outcome, Recovered};
use engine::{Engine, Runtime};
use model::flow::Recovery;
use model::problem::id;
use model::{Cx, Flow, FlowClient, Problem};
use web::{Failure, Request, redirect, see_other};

use super::verification::with_csrf;
use super::{
    apply, confirmation, failed_with, fetched, fetched_id, flow_json, not_fetched, not_submitted,
    submission_with_query, submitted_id,
};

/// `/self-service/recovery…`
pub(super) fn router() -> Router {
    Router::new()
        .route("/self-service/recovery/browser", get(open_in_browser))
        .route("/self-service/recovery/api", get(open_natively))
        .route("/self-service/recovery/flows", get(fetch))
        .route("/self-service/recovery", get(submit).post(submit))
}

async fn open_in_browser(request: Request) -> web::Result {
    let (cx, runtime, asker) = (request.cx(), &request.site().runtime, request.for_flow()?);
    let opened = recovery::open(Engine::new(&cx, runtime, &asker), FlowClient::Browser).await;
    match opened.map_err(Failure::for_browsers)? {
        Opened::AlreadySignedIn { .. } if request.is_json_request() => Err(recovery::already_signed_in().into()),
        Opened::AlreadySignedIn { return_to } => Ok(redirect(request.method(), StatusCode::FOUND, return_to.as_str())),
        Opened::Flow(flow) if request.accepts_json() => Ok(fetched(&flow)),
        Opened::Flow(flow) => Ok(see_other(request.method(), &runtime.flow_page(&flow))),
    }
}

async fn open_natively(request: Request) -> web::Result {
    let (cx, asker) = (request.cx(), request.for_flow()?);
    match recovery::open(Engine::new(&cx, &request.site().runtime, &asker), FlowClient::Api).await? {
        Opened::AlreadySignedIn { .. } => Err(recovery::already_signed_in().into()),
        Opened::Flow(flow) => Ok(fetched(&flow)),
    }
}

async fn fetch(request: Request) -> web::Result {
    let id = fetched_id(&request)?;
    let (cx, asker) = (request.cx(), request.for_flow()?);
    let flow = recovery::fetch(Engine::new(&cx, &request.site().runtime, &asker), id).await;
    flow.map(|flow| fetched(&flow)).map_err(not_fetched)
}

async fn submit(mut request: Request) -> web::Result {
    let id = submitted_id(&request)?;
    let submission = submission_with_query(&mut request).await?;
    let (cx, runtime, asker) = (request.cx(), request.site().runtime.clone(), request.for_flow()?);
    let outcome = recovery::submit(Engine::new(&cx, &runtime, &asker), id, submission).await.map_err(not_submitted)?;
    answered(&request, &cx, &runtime, outcome)
}

/// Answers a form that was submitted, or a link that was opened.
pub(super) fn answered(request: &Request, cx: &Cx, runtime: &Runtime, outcome: Outcome) -> web::Result {
    let page = |flow: &Flow<Recovery>| see_other(request.method(), &runtime.flow_page(flow));
    let to_fetch = |flow: &Flow<Recovery>| {
        let url = runtime.public_route(&format!("/self-service/recovery/flows?id={}", flow.id));
        see_other(request.method(), &url)
    };
    let is_json = request.is_json_request();
    let goes_to_page = |flow: &Flow<Recovery>| flow.client == FlowClient::Browser && !is_json;
    let has_transitions = runtime.config.feature_flags.use_continue_with_transitions;
    match outcome {
        Outcome::Rejected(flow) | Outcome::NextStep(flow) if goes_to_page(&flow) => Ok(page(&flow)),
        Outcome::Rejected(flow) => Ok(flow_json(StatusCode::BAD_REQUEST, &flow, &[])),
        Outcome::NextStep(flow) => Ok(flow_json(StatusCode::OK, &flow, &[])),
        Outcome::Expired { replacement, .. } if goes_to_page(&replacement) => Ok(page(&replacement)),
        Outcome::Expired { replacement, problem } if has_transitions && replacement.client == FlowClient::Api => {
            Err((*problem).into())
        }
        Outcome::Expired { replacement, .. } => Ok(to_fetch(&replacement)),
        Outcome::Replaced { replacement, problem: Some(problem), csrf } if is_json => match has_transitions {
            true => Err(Failure::from(problem).setting_csrf(csrf)),
            false => Ok(with_csrf(to_fetch(&replacement), csrf)),
        },
        Outcome::Replaced { replacement, problem: None, csrf } if replacement.client == FlowClient::Api => {
            Ok(with_csrf(to_fetch(&replacement), csrf))
        }
        Outcome::Replaced { replacement, csrf, .. } => Ok(with_csrf(page(&replacement), csrf)),
        Outcome::Denied { problem, csrf } => Err(Failure::for_browsers(problem).setting_csrf(csrf)),
        Outcome::AlreadySignedIn { .. } if is_json => Err(recovery::already_signed_in().into()),
        Outcome::AlreadySignedIn { return_to } => Ok(redirect(request.method(), StatusCode::FOUND, return_to.as_str())),
        Outcome::Confirm(asked) => confirmation::asked(request, cx, runtime, asked),
        Outcome::Recovered(recovered) => completed(request, cx, runtime, *recovered),
    }
}

fn completed(request: &Request, cx: &Cx, runtime: &Runtime, recovered: Recovered) -> web::Result {
    let Recovered { flow, settings_page, continue_with, by_link, effects } = recovered;
    let has_transitions = runtime.config.feature_flags.use_continue_with_transitions;
    let wants_json = request.is_json_request() || (has_transitions && flow.client == FlowClient::Api);
    if wants_json && !has_transitions && !by_link {
        let problem = Problem::new(422)
            .with_id(id::BROWSER_LOCATION_CHANGE_REQUIRED)
            .reason("The browser has to go on at the address in redirect_browser_to.")
            .extra("redirect_browser_to", settings_page);
        return Err(failed_with(problem.into(), cx, runtime, effects));
    }
    let mut response: Response = match wants_json && !by_link {
        true => flow_json(StatusCode::OK, &flow, &continue_with),
        false => see_other(request.method(), &settings_page),
    };
    apply(&mut response, cx, runtime, effects);
    Ok(response)
}
