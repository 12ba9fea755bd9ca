//! Answers that are not JSON: redirects, Go's plain-text pages, nothing at all; and answers that could not be given.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use crypto::CsrfToken;
use model::Problem;

/// 204.
pub fn no_content() -> Response {
    empty(StatusCode::NO_CONTENT)
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Sends the client to `location`. As in Go, a GET request gets a small page for people whose browser does not follow.
pub fn redirect(method: &Method, status: StatusCode, location: &str) -> Response {
    let location = percent_encode_non_ascii(location);
    let Ok(value) = HeaderValue::from_str(&location) else {
        tracing::error!("A redirect led to an address that no header can carry.");
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = empty(status);
    if matches!(*method, Method::GET | Method::HEAD) {
        let text = status.canonical_reason().unwrap_or_default();
        *response.body_mut() = Body::from(format!("<a href=\"{}\">{text}</a>.\n\n", escape_html(&location)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
    response.headers_mut().insert(LOCATION, value);
    response
}

/// 303, which a browser follows with a GET request.
pub fn see_other(method: &Method, location: &str) -> Response {
    redirect(method, StatusCode::SEE_OTHER, location)
}

/// A page of plain text, as Go's router answers unknown paths and methods.
pub(crate) fn plain_text(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn percent_encode_non_ascii(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() && !character.is_ascii_control() {
            encoded.push(character);
        } else {
            let mut buffer = [0; 4];
            for byte in character.encode_utf8(&mut buffer).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    encoded
}

fn escape_html(text: &str) -> String {
    let escape = |c| match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&#34;",
        '\'' => "&#39;",
        _ => "",
    };
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match escape(c) {
            "" => escaped.push(c),
            entity => escaped.push_str(entity),
        }
        escaped
    })
}

/// The visitor's anti-CSRF cookie is to be replaced by this one. Attached to an answer; at most one cookie is set.
#[derive(Clone)]
pub(crate) struct ReplacesCsrf {
    pub token: CsrfToken,
    /// Whether the cookie stands behind all others, rather than ahead of them.
    pub comes_last: bool,
}

/// Replaces the visitor's anti-CSRF cookie with the answer, behind all other cookies: forms that were open before cannot
/// be sent any more.
pub fn rotate_csrf(response: &mut Response, token: CsrfToken) {
    response.extensions_mut().insert(ReplacesCsrf { token, comes_last: true });
}

/// As [`rotate_csrf`], with a token that was made before, and ahead of all other cookies: as with Kratos, the last cookie
/// of a sign-in is the session's. Some SDKs hand headers to their users as a plain map, which holds the last one only.
pub fn set_csrf(response: &mut Response, token: CsrfToken) {
    response.extensions_mut().insert(ReplacesCsrf { token, comes_last: false });
}

/// A request that could not be answered. It is encoded, logged and, for browsers, stored for the error page at the edge
/// of the server, once.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What went wrong.
    pub problem: Problem,
    /// Whether a browser is sent to the error page; otherwise the answer is JSON, whatever the caller accepts.
    pub for_browsers: bool,
    /// What goes along, such as cookies.
    pub headers: Box<HeaderMap>,
    pub(crate) csrf: Option<CsrfToken>,
}

impl Failure {
    /// An error that browsers are shown on the error page.
    pub fn for_browsers(problem: Problem) -> Self {
        Self { for_browsers: true, ..Self::from(problem) }
    }

    /// Replaces the visitor's anti-CSRF cookie along with the error.
    #[must_use]
    pub fn setting_csrf(mut self, token: CsrfToken) -> Self {
        self.csrf = Some(token);
        self
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, for_browsers: false, headers: Box::default(), csrf: None }
    }
}

impl IntoResponse for Failure {
    /// A stand-in, which the edge of the server turns into the answer.
    fn into_response(self) -> Response {
        let mut response =
            empty(StatusCode::from_u16(self.problem.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_carry_a_page_for_get_only() {
        let page = redirect(&Method::GET, StatusCode::SEE_OTHER, "http://a/?x=1&y=\u{e9}");
        assert_eq!(page.headers()[LOCATION], "http://a/?x=1&y=%C3%A9");
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        let bare = redirect(&Method::POST, StatusCode::SEE_OTHER, "http://a/");
        assert!(!bare.headers().contains_key(CONTENT_TYPE));
        let broken = redirect(&Method::GET, StatusCode::SEE_OTHER, "http://a/\r\nSet-Cookie: x=y");
        assert_eq!(broken.headers()[LOCATION], "http://a/%0D%0ASet-Cookie: x=y");
    }
}
