//! Everyone's sessions.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, patch};
use model::Session;
use model::wire::{IdentityView, SessionJson};
use session::{AdminListQuery, Expand};
use web::{Request, json, no_content};

use crate::redirects;
use crate::sessions::{no_content_as_json, page_query, session_page};

/// `/admin/sessions…` and `/admin/identities/{id}/sessions`
pub fn router() -> Router {
    Router::new()
        // Ending one's own other sessions is a matter of the public listener.
        .route("/admin/sessions", get(list).delete(redirects::public))
        .route("/admin/sessions/{id}", get(fetch).delete(revoke))
        .route("/admin/sessions/{id}/extend", patch(extend))
        .route("/admin/identities/{id}/sessions", get(list_of_identity).delete(delete_of_identity))
}

/// `GET /admin/sessions`
async fn list(request: Request) -> web::Result {
    let get = |name| request.query_if_set(name).map(|value| value.into_owned());
    let query = AdminListQuery {
        active: get("active"),
        page_size: get("page_size"),
        page_token: get("page_token"),
        expand: request.query_all("expand"),
    };
    let page = request.site().runtime.sessions.list_all(&request.cx(), &query).await?;
    Ok(session_page(&request, page, IdentityView::Public))
}

/// `GET /admin/sessions/{id}`
async fn fetch(Path(id): Path<String>, request: Request) -> web::Result {
    let expand = request.query_all("expand");
    let expand = Expand::parse(expand.iter().map(String::as_str))?;
    let session = request.site().runtime.sessions.get(&id, expand).await?;
    Ok(shown(&request, &session))
}

fn shown(request: &Request, session: &Session) -> Response {
    let base = request.site().runtime.public_url();
    json(StatusCode::OK, &SessionJson::public(session, base, request.app().clock().now()))
}

/// `DELETE /admin/sessions/{id}`: ends a session; its row stays.
async fn revoke(Path(id): Path<String>, request: Request) -> web::Result {
    request.site().runtime.sessions.revoke(&request.cx(), &id).await?;
    count_logout(&request);
    Ok(no_content_as_json())
}

fn count_logout(request: &Request) {
    request.app().metrics().logouts.count(["admin"]);
}

/// `PATCH /admin/sessions/{id}/extend`
async fn extend(Path(id): Path<String>, request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let session = runtime.sessions.extend(&request.cx(), &id).await?;
    match runtime.config.feature_flags.faster_session_extend {
        true => Ok(no_content()),
        false => Ok(shown(&request, &session)),
    }
}

/// `GET /admin/identities/{id}/sessions`
async fn list_of_identity(Path(id): Path<String>, request: Request) -> web::Result {
    let active = request.query_if_set("active");
    let query = page_query(&request);
    let sessions = &request.site().runtime.sessions;
    let page = sessions.list_of_identity(&request.cx(), &id, active.as_deref(), &query).await?;
    Ok(session_page(&request, page, IdentityView::Embedded))
}

/// `DELETE /admin/identities/{id}/sessions`: removes the rows.
async fn delete_of_identity(Path(id): Path<String>, request: Request) -> web::Result {
    request.site().runtime.sessions.delete_of_identity(&id).await?;
    count_logout(&request);
    Ok(no_content())
}
