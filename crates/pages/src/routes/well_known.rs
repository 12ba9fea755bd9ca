//! Addresses by which password managers find their way.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use model::Problem;
use serde::Serialize;
use web::{Request, json, see_other};

use super::page::open;

pub(super) fn router() -> Router {
    Router::new()
        .route("/.well-known/change-password", get(change_password))
        .route("/.well-known/passkey-endpoints", get(passkey_endpoints))
}

/// Where a password is changed (W3C, "A Well-Known URL for Changing Passwords").
async fn change_password(request: Request) -> Response {
    see_other(request.method(), &open(&request.site().runtime, "settings", &[]))
}

/// Where passkeys are added and removed (W3C, "A Well-Known URL for Relying Party Passkey Endpoints").
#[derive(Serialize)]
struct PasskeyEndpoints<'a> {
    enroll: &'a str,
    manage: &'a str,
}

/// 404 where there are no passkeys.
async fn passkey_endpoints(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    if !runtime.config.selfservice.methods.passkey.enabled {
        return Err(Problem::not_found().into());
    }
    let settings = open(runtime, "settings", &[]);
    Ok(json(StatusCode::OK, &PasskeyEndpoints { enroll: &settings, manage: &settings }))
}
