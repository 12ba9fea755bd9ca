//! Signing in.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use flow::login;
use model::FlowClient;
use web::Request;

use super::{
    Manners, answered, fetched_id, for_browsers, input, not_fetched, not_submitted, opened, shown_json, submitted_id,
};

pub(super) const MANNERS: Manners = Manners {
    back_to_form: StatusCode::SEE_OTHER,
    already_signed_in: login::already_signed_in,
    sent_on: StatusCode::SEE_OTHER,
};

/// `/self-service/login…`
pub(super) fn router() -> Router {
    Router::new()
        .route("/self-service/login/browser", get(open_in_browser))
        .route("/self-service/login/api", get(open_natively))
        .route("/self-service/login/flows", get(fetch))
        .route("/self-service/login", get(submit).post(submit))
}

async fn open_in_browser(request: Request) -> web::Result {
    open(request, FlowClient::Browser).await.map_err(for_browsers)
}

async fn open_natively(request: Request) -> web::Result {
    open(request, FlowClient::Api).await
}

async fn open(request: Request, client: FlowClient) -> web::Result {
    let runtime = &request.site().runtime;
    let outcome = login::open(&request.cx(), runtime, &request.for_flow()?, client).await?;
    opened(&request, runtime, &MANNERS, client, outcome)
}

async fn fetch(request: Request) -> web::Result {
    let id = fetched_id(&request)?;
    let flow = login::fetch(&request.cx(), &request.site().runtime, &request.for_flow()?, id).await;
    flow.map(|shown| shown_json(StatusCode::OK, &shown)).map_err(not_fetched)
}

async fn submit(mut request: Request) -> web::Result {
    let id = submitted_id(&request)?;
    let input = input(&mut request).await?;
    let (cx, runtime) = (request.cx(), request.site().runtime.clone());
    let answer = login::submit(&cx, &runtime, &request.for_flow()?, id, input).await.map_err(not_submitted)?;
    answered(&request, &cx, &runtime, &MANNERS, answer)
}
