//! The JSON routes.

mod flows;

use axum::Router;
use web::App;

/// The routes of the public listener.
pub fn public_router() -> Router<App> {
    Router::new().merge(flows::router())
}

/// The routes of the admin listener.
pub fn admin_router() -> Router<App> {
    Router::new()
}
