//! `/ui/error?id=`: an error that was stored when it happened; and what is not there at all.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use engine::error_page;
use model::Uuid;
use web::Request;

use super::page::{open, shown};
use crate::render::{ErrorKind, ErrorPage};

pub(super) fn router() -> Router {
    Router::new().route("/ui/error", get(show)).route("/ui/{*rest}", get(show_nothing))
}

/// Any other address below `/ui`.
async fn show_nothing(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let kind = ErrorKind::Stored { code: 404, id: None };
    let page = ErrorPage::new(runtime.public_url(), kind, None, runtime.public_route("/ui/welcome"));
    Ok(shown(StatusCode::NOT_FOUND, &page, false)?)
}

async fn show(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let id = Uuid::parse_str(&request.query("id")).ok();
    let stored = match id {
        // A database that fails here must not lead to this very page again.
        Some(id) => error_page::find(runtime, id).await?,
        None => None,
    };
    let (status, kind) = match &stored {
        // The page is found, whatever became of the request that led here.
        Some(stored) => (StatusCode::OK, ErrorKind::read(&stored.error.to_value())),
        None => (StatusCode::NOT_FOUND, ErrorKind::Unknown),
    };
    let id = stored.map(|stored| stored.id.to_string());
    let page = ErrorPage::new(runtime.public_url(), kind, id.as_deref(), open(runtime, "login", &[]));
    Ok(shown(status, &page, false)?)
}
