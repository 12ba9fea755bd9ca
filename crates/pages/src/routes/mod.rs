//! `/ui/…`

mod error;
mod flows;
mod mailbox;
mod signed_in;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use engine::Runtime;
use model::Problem;
use url::form_urlencoded;
use web::{Failure, Request, see_other};

use crate::assets::Asset;
use crate::render::Page;

/// The routes of the built-in pages, for the public listener.
pub fn router() -> Router {
    Router::new()
        .merge(flows::router())
        .merge(signed_in::router())
        .merge(error::router())
        .merge(mailbox::router())
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

/// What pages may do: show themselves, their stylesheet and pictures, and nothing else.
///
/// There is no `form-action`, on purpose. Chromium applies it to every redirect that answers a form post: to wherever
/// people return to after signing in, to identity providers, and to whatever those redirect to in turn. None of that
/// can be listed here, and a list that is too short leaves people on a page whose button does nothing. What the
/// directive is for, a form that someone smuggles in, cannot be: everything on a page is escaped, and forms lead to
/// where the flow says.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

/// As [`POLICY`], for flows that bring a script of this server along (security keys, passkeys).
const POLICY_WITH_SCRIPTS: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; \
                                   connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Answers with a page.
fn shown<P: Page>(status: StatusCode, page: &P, has_scripts: bool) -> Result<Response, Problem> {
    let html = page
        .render()
        .map_err(|error| Problem::internal(format!("The page {} cannot be drawn: {error}", P::TEMPLATE)))?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, if has_scripts { POLICY_WITH_SCRIPTS } else { POLICY }),
        // The address names a flow; other sites should not read it.
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // After logging out, the Back button must not show what was there before.
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let headers: HeaderMap = headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    Ok((status, headers, html).into_response())
}

/// A file that pages refer to.
async fn asset(Path(file): Path<String>) -> Result<Response, Failure> {
    let asset = Asset::find(&file).ok_or_else(Problem::not_found)?;
    let headers = [
        (CONTENT_TYPE, asset.media_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, asset.content).into_response())
}

/// Where a new flow is opened, with what is to be kept of a query.
fn open(runtime: &Runtime, flow: &str, kept: &[(String, String)]) -> String {
    let url = runtime.public_route(&format!("/self-service/{flow}/browser"));
    if kept.is_empty() {
        return url;
    }
    format!("{url}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish())
}
