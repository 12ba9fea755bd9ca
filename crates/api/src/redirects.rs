//! Routes asked for at the wrong listener: 307 to the right one, which keeps method and body.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get, post};
use url::Url;
use web::{Request, redirect};

/// On the public listener.
pub fn to_admin() -> Router {
    let identity = || get(admin).put(admin).patch(admin).delete(admin);
    let mut routes = Router::new()
        .route("/identities/{id}/sessions", delete(admin))
        .route("/admin/courier/messages", get(admin))
        .route("/admin/courier/messages/{id}", get(admin))
        .route("/recovery/link", post(admin))
        .route("/recovery/code", post(admin));
    for prefix in ["", "/admin"] {
        routes = routes
            .route(&format!("{prefix}/identities"), get(admin).post(admin))
            .route(&format!("{prefix}/identities/{{id}}"), identity())
            .route(&format!("{prefix}/identities/by/external/{{external_id}}"), get(admin))
            .route(&format!("{prefix}/identities/{{id}}/credentials/{{type}}"), delete(admin));
    }
    routes
}

/// On the admin listener.
pub fn to_public() -> Router {
    let mut routes = Router::new()
        .route("/admin/self-service/logout", get(public))
        .route("/admin/self-service/logout/browser", get(public))
        .route("/admin/self-service/logout/api", delete(public))
        .route("/admin/self-service/errors", get(public))
        .route("/admin/sessions/whoami", get(public))
        .route("/admin/schemas", get(public))
        .route("/admin/schemas/{id}", get(public));
    for flow in ["login", "registration", "settings", "recovery", "verification"] {
        let path = format!("/admin/self-service/{flow}");
        routes = routes
            .route(&path, get(public).post(public))
            .route(&format!("{path}/browser"), get(public))
            .route(&format!("{path}/api"), get(public))
            .route(&format!("{path}/flows"), get(public));
    }
    routes
}

async fn admin(request: Request) -> Response {
    let base = &request.site().runtime.config.serve.admin.base_url;
    to(&request, base.join(&format!("/admin{}", bare_path(&request))))
}

/// As a handler beside others, on a path that the admin listener serves by other methods.
pub async fn public(request: Request) -> Response {
    let base = &request.site().runtime.config.serve.public.base_url;
    to(&request, base.join(bare_path(&request)))
}

fn bare_path(request: &Request) -> &str {
    request.path().strip_prefix("/admin").unwrap_or(request.path())
}

fn to(request: &Request, mut url: Url) -> Response {
    url.set_query(request.uri.query());
    redirect(request.method(), StatusCode::TEMPORARY_REDIRECT, url.as_str())
}
