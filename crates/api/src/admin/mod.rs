//! What operators may do. Nobody is asked who they are: the admin listener must not be reachable from outside.

mod courier;
mod guard;
mod identities;
mod recovery;
mod sessions;

use axum::Router;

/// `/admin/…`
pub fn router() -> Router {
    Router::new()
        .merge(identities::router())
        .merge(sessions::router())
        .merge(recovery::router())
        .merge(courier::router())
        .merge(guard::router())
}
