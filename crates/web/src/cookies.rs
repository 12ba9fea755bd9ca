//! Reading the `Cookie` header and writing `Set-Cookie`, as Go's `net/http` does.
//!
//! The crate `cookie` writes the attributes in another order.

use std::fmt::Write;

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use config::{Cookies, SameSite, SessionCookie};
use crypto::ContinuityCodec;
use session::SessionCookieValue;

/// More cookies than any browser keeps for a site; the rest is not looked at.
const MAX_COOKIES: usize = 300;

/// The cookies of a request, in order: name and value, without quotes.
pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).map(str::trim).filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.take(MAX_COOKIES).map(|(name, value)| {
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        (name.trim(), quoted.unwrap_or(value))
    })
}

/// The first cookie called `name`.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    cookies(headers).find(|(other, _)| *other == name).map(|(_, value)| value)
}

/// How long a cookie lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// As long as the browser is open.
    Session,
    /// `Max-Age` alone, in seconds.
    MaxAge(i64),
    /// `Expires` and `Max-Age`, in seconds from `now`.
    Until { now: jiff::Timestamp, seconds: i64 },
    /// It is to be forgotten.
    Gone,
}

/// A cookie to be set; always `HttpOnly`.
pub(crate) struct SetCookie<'a> {
    pub name: &'a str,
    pub value: &'a str,
    pub path: &'a str,
    pub domain: Option<&'a str>,
    pub secure: bool,
    pub same_site: SameSite,
    pub lifetime: Lifetime,
}

impl SetCookie<'_> {
    /// Adds the cookie to an answer.
    pub fn append_to(&self, headers: &mut HeaderMap) {
        // Names, paths and domains are configured; a value that no header can hold is a cookie that cannot be set.
        match HeaderValue::from_str(&self.to_text()) {
            Ok(value) => _ = headers.append(SET_COOKIE, value),
            Err(_) => tracing::error!(cookie.name = self.name, "A cookie holds characters that no header can carry."),
        }
    }

    fn to_text(&self) -> String {
        let mut text = format!("{}={}", self.name, self.value);
        // Writing to a string cannot fail.
        if !self.path.is_empty() {
            let _ = write!(text, "; Path={}", self.path);
        }
        if let Some(domain) = self.domain {
            let _ = write!(text, "; Domain={}", domain.trim_start_matches('.'));
        }
        match self.lifetime {
            Lifetime::Session => {}
            Lifetime::MaxAge(seconds) => {
                let _ = write!(text, "; Max-Age={seconds}");
            }
            Lifetime::Until { now, seconds } => {
                let expires =
                    now.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(jiff::Timestamp::MAX);
                let _ = write!(text, "; Expires={}; Max-Age={seconds}", expires.strftime("%a, %d %b %Y %H:%M:%S GMT"));
            }
            Lifetime::Gone => text.push_str("; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0"),
        }
        text.push_str("; HttpOnly");
        if self.secure {
            text.push_str("; Secure");
        }
        text.push_str(match self.same_site {
            SameSite::Lax => "; SameSite=Lax",
            SameSite::Strict => "; SameSite=Strict",
            SameSite::None => "; SameSite=None",
        });
        text
    }
}

/// Sets the session cookie.
pub fn set_session_cookie(
    headers: &mut HeaderMap,
    settings: &SessionCookie,
    cookie: &SessionCookieValue,
    now: jiff::Timestamp,
) {
    let lifetime = cookie.max_age.map_or(Lifetime::Session, |seconds| Lifetime::Until { now, seconds });
    session_cookie(settings, cookie.value.expose(), lifetime).append_to(headers);
}

/// Has the browser forget the session cookie. Kratos sends the dead token along; here the value is empty.
pub fn clear_session_cookie(headers: &mut HeaderMap, settings: &SessionCookie) {
    session_cookie(settings, "", Lifetime::Gone).append_to(headers);
}

/// Sets the cookie that says what the browser has left unfinished. As in Kratos it lives for 30 days at the root of this
/// host, whatever `cookies` says.
pub fn set_continuity_cookie(headers: &mut HeaderMap, settings: &Cookies, value: &str, now: jiff::Timestamp) {
    const SECONDS: i64 = 30 * 24 * 60 * 60;
    SetCookie {
        name: ContinuityCodec::NAME,
        value,
        path: "/",
        domain: None,
        secure: settings.secure,
        same_site: SameSite::Lax,
        lifetime: Lifetime::Until { now, seconds: SECONDS },
    }
    .append_to(headers);
}

fn session_cookie<'a>(settings: &'a SessionCookie, value: &'a str, lifetime: Lifetime) -> SetCookie<'a> {
    SetCookie {
        name: &settings.name,
        value,
        path: &settings.path,
        domain: settings.domain.as_deref(),
        secure: settings.secure,
        same_site: settings.same_site,
        lifetime,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_stand_in_the_order_of_go() {
        let now = "2026-11-21T10:00:00Z".parse().expect("a time");
        let mut cookie = SetCookie {
            name: "s",
            value: "v",
            path: "/",
            domain: Some(".example.org"),
            secure: true,
            same_site: SameSite::Strict,
            lifetime: Lifetime::Until { now, seconds: 60 },
        };
        assert_eq!(
            cookie.to_text(),
            "s=v; Path=/; Domain=example.org; Expires=Sat, 21 Nov 2026 10:01:00 GMT; Max-Age=60; HttpOnly; Secure; SameSite=Strict"
        );
        cookie =
            SetCookie { domain: None, secure: false, lifetime: Lifetime::Gone, same_site: SameSite::None, ..cookie };
        assert_eq!(
            cookie.to_text(),
            "s=v; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; SameSite=None"
        );
    }

    #[test]
    fn cookies_are_read_from_every_header_line() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; b=\"2\";; c ; =x"));
        headers.append(COOKIE, HeaderValue::from_static("d=e=f"));
        let read: Vec<_> = cookies(&headers).collect();
        assert_eq!(read, [("a", "1"), ("b", "2"), ("c", ""), ("", "x"), ("d", "e=f")]);
        assert_eq!(cookie(&headers, "d"), Some("e=f"));
    }
}
