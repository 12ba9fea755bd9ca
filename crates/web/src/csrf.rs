//! Anti-CSRF cookies, in front of routing, as `nosurf` sets them for Kratos.
//!
//! Every visitor of a guarded path gets a cookie. The forms of flows carry the same secret under a mask; that is checked
//! by the flow engine. Here only requests that change something on a guarded path are checked, and since no such route
//! exists, they are refused before anyone asks whether the path does.

use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use config::{Config, SameSite};
use crypto::CsrfToken;
use model::{Entropy, Problem};

use crate::cookies::{Lifetime, SetCookie, cookies};
use crate::scopes::is_repeated;

/// The header in which scripts send their anti-CSRF token.
pub(crate) const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// A year, in seconds.
const MAX_AGE: i64 = 365 * 24 * 60 * 60;

/// What the CSRF layer does with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Nothing at all: health checks, and files that are the same for everyone.
    Off,
    /// Reads the cookie, and neither sets nor checks it.
    Ignored,
    /// Sets the cookie, and refuses requests that change something.
    Guarded,
}

impl Protection {
    /// The rule for a path, as it was sent.
    pub fn of(path: &str) -> Self {
        match path {
            "/health/alive" | "/health/ready" | "/version" | "/metrics/prometheus" => Self::Off,
            // Shared caches may keep these, and must not hand one visitor's cookie to others.
            _ if path.starts_with("/ui/assets/") => Self::Off,
            _ if is_ignored(path) => Self::Ignored,
            _ => Self::Guarded,
        }
    }
}

/// Paths that native clients use, and those that redirect to the admin API.
fn is_ignored(path: &str) -> bool {
    let mut segments = [""; 6];
    let mut count = 0;
    for segment in path.split('/').skip(1) {
        if count == segments.len() {
            return false;
        }
        segments[count] = segment;
        count += 1;
    }
    let is_flow = |name| matches!(name, "login" | "registration" | "settings" | "recovery" | "verification");
    match &segments[..count] {
        ["self-service", "logout", "api"] => true,
        // Ours: its form has a token of its own.
        ["self-service", "confirm"] | ["ui", "sessions"] => true,
        ["self-service", name] => is_flow(*name),
        ["self-service", name, "api"] => is_flow(*name),
        ["self-service", "methods", "oidc", "callback", _] => true,
        ["sessions"] | ["sessions", _] | ["sessions", _, "extend"] => true,
        ["recovery", "link" | "code"] | ["courier", "messages"] | ["admin", "courier", "messages"] => true,
        ["schemas", _] | ["admin", "schemas", _] => true,
        ["identities"] | ["identities", _] | ["identities", _, "sessions"] | ["identities", _, "credentials", _] => {
            true
        }
        ["admin", "identities"] | ["admin", "identities", _] | ["admin", "identities", _, "credentials", _] => true,
        _ => false,
    }
}

/// The anti-CSRF token of a visitor of a guarded path.
#[derive(Debug, Default)]
pub(crate) struct Visitor {
    /// From the cookie, or made just now. `None` only where the path is not guarded.
    pub token: Option<CsrfToken>,
    /// Whether the browser has to be told of it.
    pub is_new: bool,
}

impl Visitor {
    /// Reads the cookie. A visitor without a usable one gets a new one. On other paths whoever needs the token reads
    /// it; most do not.
    pub fn read(headers: &HeaderMap, cookie_name: &str, protection: Protection, entropy: &Entropy) -> Self {
        if protection != Protection::Guarded {
            return Self::default();
        }
        let sent = token_in(headers, cookie_name);
        let is_new = sent.is_none();
        Self { token: Some(sent.unwrap_or_else(|| CsrfToken::generate(entropy))), is_new }
    }

    /// Whether a request may go on: it changes nothing, or brings the token along in the header `X-CSRF-Token`.
    pub fn permits(&self, protection: Protection, method: &Method, headers: &HeaderMap) -> bool {
        let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
        if protection != Protection::Guarded || is_safe {
            return true;
        }
        let sent = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
        sent.is_some_and(|sent| !self.is_new && self.token.as_ref().is_some_and(|token| token.verify(sent)))
    }
}

/// The token of the anti-CSRF cookie. Where there are several cookies there is none, since nobody knows which of them a form
/// belongs to.
pub(crate) fn token_in(headers: &HeaderMap, cookie_name: &str) -> Option<CsrfToken> {
    let mut own = cookies(headers).filter(|(name, _)| *name == cookie_name).map(|(_, value)| value);
    match (own.next(), own.next()) {
        (Some(value), None) => CsrfToken::from_cookie(value),
        _ => None,
    }
}

/// 403 for a request that would change something on a guarded path.
pub(crate) fn violation(headers: &HeaderMap, visitor: &Visitor, csrf_cookie: &str) -> Problem {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    flow::CsrfClues {
        has_cookies: headers.contains_key(COOKIE),
        has_csrf_cookie: !visitor.is_new,
        repeats_csrf_cookie: is_repeated(headers, csrf_cookie),
        has_token: headers.contains_key(CSRF_HEADER) || text(CONTENT_TYPE.as_str()).starts_with("application/json"),
        from_script: matches!(text("sec-fetch-mode"), "cors" | "same-origin"),
    }
    .into()
}

/// Takes all cookies out of an answer.
pub(crate) fn take_cookies(headers: &mut HeaderMap) -> Vec<HeaderValue> {
    let cookies = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    cookies
}

/// Sets the anti-CSRF cookie.
pub(crate) fn set_cookie(headers: &mut HeaderMap, config: &Config, name: &str, token: &CsrfToken) {
    let cookies = &config.cookies;
    SetCookie {
        name,
        value: &token.cookie_value(),
        path: &cookies.path,
        domain: cookies.domain.as_deref(),
        secure: cookies.secure,
        // Browsers drop SameSite=None without Secure.
        same_site: if cookies.secure { cookies.same_site } else { SameSite::Lax },
        lifetime: Lifetime::MaxAge(MAX_AGE),
    }
    .append_to(headers);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_native_clients_are_ignored() {
        let check = |path, expected| assert_eq!(Protection::of(path), expected, "{path}");
        for path in ["/health/alive", "/health/ready", "/version", "/metrics/prometheus", "/ui/assets/pages-1.css"] {
            check(path, Protection::Off);
        }
        for path in [
            "/self-service/login",
            "/self-service/login/api",
            "/self-service/logout/api",
            "/sessions",
            "/sessions/whoami",
            "/sessions/x/extend",
            "/identities/x/sessions",
            "/admin/identities/x",
            "/schemas/x",
            "/recovery/code",
            "/self-service/methods/oidc/callback/google",
            "/self-service/confirm",
        ] {
            check(path, Protection::Ignored);
        }
        for path in [
            "/",
            "/nope",
            "/schemas",
            "/self-service/logout",
            "/self-service/logout/browser",
            "/self-service/login/browser",
            "/self-service/login/flows",
            "/self-service/errors",
            "/self-service/methods/oidc/callback",
            "//sessions//whoami",
            "/sessions/whoami/",
            "/admin/identities/x/sessions",
            "/a/b/c/d/e/f/g",
        ] {
            check(path, Protection::Guarded);
        }
    }

    #[test]
    fn a_visitor_keeps_one_good_cookie_and_loses_bad_or_several() {
        let entropy = Entropy::seeded(1);
        let good = CsrfToken::generate(&entropy).cookie_value();
        let read = |cookie: &str, protection| {
            let mut headers = HeaderMap::new();
            headers.insert("cookie", cookie.parse().expect("a header value"));
            Visitor::read(&headers, "c", protection, &entropy)
        };
        let visitor = read(&format!("c={good}"), Protection::Guarded);
        assert!(!visitor.is_new && visitor.token.is_some_and(|token| token.cookie_value() == good));
        for cookie in ["x=1".to_owned(), "c=short".to_owned(), "c=".to_owned(), format!("c={good}; c={good}")] {
            assert!(read(&cookie, Protection::Guarded).is_new, "{cookie}");
            let ignored = read(&cookie, Protection::Ignored);
            assert!(!ignored.is_new && ignored.token.is_none(), "{cookie}");
        }
    }
}
