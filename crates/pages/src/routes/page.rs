//! What all pages share: how they are sent, and where they lead.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use engine::Runtime;
use model::Problem;
use url::form_urlencoded;

use crate::render::Page;

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
pub(super) fn shown<P: Page>(status: StatusCode, page: &P, has_scripts: bool) -> Result<Response, Problem> {
    let html = page
        .render()
        .map_err(|error| Problem::internal(format!("The page {} cannot be drawn: {error}", P::TEMPLATE)))?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, if has_scripts { POLICY_WITH_SCRIPTS } else { POLICY }),
        // The address names a flow; other sites should not read it.
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
        // After logging out, the Back button must not show what was there before.
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let headers: HeaderMap = headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    Ok((status, headers, html).into_response())
}

/// Where a new flow is opened, with what is to be kept of a query.
pub(super) fn open(runtime: &Runtime, flow: &str, kept: &[(String, String)]) -> String {
    let url = runtime.public_route(&format!("/self-service/{flow}/browser"));
    if kept.is_empty() {
        return url;
    }
    format!("{url}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish())
}
