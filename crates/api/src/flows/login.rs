//! Signing in.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use engine::{Engine, login};
use model::FlowClient;
use web::Request;

use super::{
    answered, fetched_id, for_browsers, not_fetched, not_submitted, opened, shown_json, submission, submitted_id,
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
    let (cx, runtime, asker) = (request.cx(), &request.site().runtime, request.for_flow()?);
    let outcome = login::open(Engine::new(&cx, runtime, &asker), client).await?;
    opened(&request, runtime, login::already_signed_in, client, outcome)
}

async fn fetch(request: Request) -> web::Result {
    let id = fetched_id(&request)?;
    let (cx, asker) = (request.cx(), request.for_flow()?);
    let flow = login::fetch(Engine::new(&cx, &request.site().runtime, &asker), id).await;
    flow.map(|shown| shown_json(StatusCode::OK, &shown)).map_err(not_fetched)
}

async fn submit(mut request: Request) -> web::Result {
    let id = submitted_id(&request)?;
    let submission = submission(&mut request).await?;
    let (cx, runtime, asker) = (request.cx(), request.site().runtime.clone(), request.for_flow()?);
    let answer = login::submit(Engine::new(&cx, &runtime, &asker), id, submission).await.map_err(not_submitted)?;
    answered(&request, &cx, &runtime, answer)
}
