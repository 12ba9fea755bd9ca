//! Errors that a browser was sent to the error page with.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use engine::error_page;
use model::{Problem, RawJson, Timestamp, Uuid, ZERO_TIME};
use serde::Serialize;
use serde_json::Value;
use web::{Request, json};

/// `/self-service/errors`
pub fn router() -> Router {
    Router::new().route("/self-service/errors", get(fetch))
}

#[derive(Serialize)]
struct FlowError<'a> {
    id: Uuid,
    error: &'a RawJson,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// `GET /self-service/errors?id=…`, for whoever knows the id. `id=stub:500` is a sample to build pages with.
async fn fetch(request: Request) -> web::Result {
    let id = request.query_if_set("error").filter(|id| !id.is_empty()).unwrap_or_else(|| request.query("id"));
    if id == "stub:500" {
        let sample = Problem::new(500).reason("This is a sample error, to try out error pages with.");
        let error = RawJson::from_value(&Value::Object(sample.to_json(None)));
        let id = request.app().entropy().uuid();
        return Ok(json(
            StatusCode::OK,
            &FlowError { id, error: &error, created_at: ZERO_TIME, updated_at: ZERO_TIME },
        ));
    }
    let id: Uuid = id.parse().map_err(|_| Problem::not_found())?;
    let stored = error_page::fetch(&request.cx(), &request.site().runtime, id).await?;
    Ok(json(
        StatusCode::OK,
        &FlowError { id, error: &stored.error, created_at: stored.created_at, updated_at: stored.updated_at },
    ))
}
