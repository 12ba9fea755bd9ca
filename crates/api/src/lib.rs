//! The JSON routes of the public and of the admin listener. One file for each group of endpoints, with its `router()` at
//! the top; handlers decode, call one domain function, and encode.

mod admin;
mod errors;
mod flows;
mod health;
mod logout;
mod metrics;
mod redirects;
mod schemas;
mod script;
mod sessions;

use axum::Router;

/// The routes of the public listener.
pub fn public_router() -> Router {
    Router::new()
        .merge(flows::router())
        .merge(logout::router())
        .merge(sessions::router())
        .merge(errors::router())
        .merge(schemas::router())
        .merge(script::router())
        .merge(health::public_router())
        .merge(redirects::to_admin())
}

/// What a process tells of itself that only delivers messages. They answer with and without `/admin` in front.
pub fn courier_router() -> Router {
    Router::new().merge(health::alive_router()).merge(metrics::router())
}

/// The routes of the admin listener. They answer with and without `/admin` in front.
pub fn admin_router() -> Router {
    Router::new()
        .merge(admin::router())
        .merge(health::admin_router())
        .merge(metrics::router())
        .merge(redirects::to_public())
}
