//! `/ui/…`

mod confirm;
mod error;
mod flows;
mod mailbox;
mod page;
mod sessions;
mod signed_in;
mod well_known;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use model::Problem;
use web::{Failure, Request, see_other};

use crate::assets::Asset;

/// The routes of the built-in pages, for the public listener.
pub fn router() -> Router {
    Router::new()
        .merge(flows::router())
        .merge(signed_in::router())
        .merge(sessions::router())
        .merge(confirm::router())
        .merge(error::router())
        .merge(mailbox::router())
        .merge(well_known::router())
        .route("/ui/assets/{file}", get(asset))
        .route("/ui", get(lead_on))
        .route("/ui/", get(lead_on))
}

/// `GET /` leads to the welcome page, in development. In production nothing stands there, as in Kratos.
pub fn home() -> Router {
    Router::new().route("/", get(lead_on))
}

async fn lead_on(request: Request) -> Response {
    see_other(request.method(), &request.site().runtime.public_route("/ui/welcome"))
}

/// A file that pages refer to.
async fn asset(Path(file): Path<String>) -> Result<Response, Failure> {
    let asset = Asset::find(&file).ok_or_else(Problem::not_found)?;
    let headers = [(CONTENT_TYPE, asset.media_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content).into_response())
}
