//! Signing up.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use engine::{Engine, registration};
use model::FlowClient;
use web::Request;

use super::{
    answered, fetched_id, for_browsers, not_fetched, not_submitted, opened, shown_json, submission, submitted_id,
};

/// `/self-service/registration…`
pub(super) fn router() -> Router {
    Router::new()
        .route("/self-service/registration/browser", get(open_in_browser))
        .route("/self-service/registration/api", get(open_natively))
        .route("/self-service/registration/flows", get(fetch))
        .route("/self-service/registration", get(submit).post(submit))
}

async fn open_in_browser(request: Request) -> web::Result {
    open(request, FlowClient::Browser).await.map_err(for_browsers)
}

async fn open_natively(request: Request) -> web::Result {
    open(request, FlowClient::Api).await
}

async fn open(request: Request, client: FlowClient) -> web::Result {
    let (cx, runtime, asker) = (request.cx(), &request.site().runtime, request.for_flow()?);
    let outcome = registration::open(Engine::new(&cx, runtime, &asker), client).await?;
    opened(&request, runtime, registration::already_signed_in, client, outcome)
}

async fn fetch(request: Request) -> web::Result {
    let id = fetched_id(&request)?;
    let (cx, asker) = (request.cx(), request.for_flow()?);
    let flow = registration::fetch(Engine::new(&cx, &request.site().runtime, &asker), id).await;
    flow.map(|shown| shown_json(StatusCode::OK, &shown)).map_err(not_fetched)
}

async fn submit(mut request: Request) -> web::Result {
    let id = submitted_id(&request)?;
    let submission = submission(&mut request).await?;
    let (cx, runtime, asker) = (request.cx(), request.site().runtime.clone(), request.for_flow()?);
    let answer =
        registration::submit(Engine::new(&cx, &runtime, &asker), id, submission).await.map_err(not_submitted)?;
    answered(&request, &cx, &runtime, answer)
}
