//! The script that sign-in pages load for security keys and passkeys.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use crypto::webauthn::{SCRIPT, SCRIPT_PATH};

/// `/.well-known/ory/webauthn.js`, whether or not a method needs it.
pub fn router() -> Router {
    Router::new().route(SCRIPT_PATH, get(script))
}

async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=UTF-8")], SCRIPT).into_response()
}
