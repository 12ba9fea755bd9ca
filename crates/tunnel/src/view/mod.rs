//! How the server and the tunnel name each other, and what requests and answers look like on the other side.

use std::borrow::Cow;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::{Url, form_urlencoded};

use crate::address::Address;
use crate::cookies::CookieRules;
use crate::text::{self, Names};

/// Headers that belong to one connection (RFC 9110 §7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers by which proxies tell where a request is from; what a browser says there is its own word.
const FORWARDED: [&str; 5] = ["forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip", "via"];

/// Headers of requests that the tunnel sets itself, or that would have the server send a part of something, or packed.
const NOT_ASKED: [&str; 6] = ["host", "content-length", "accept-encoding", "range", "if-range", "expect"];

/// Headers of answers that only concern the server's own name, or that the tunnel sets itself.
const NOT_TOLD: [&str; 3] = ["strict-transport-security", "alt-svc", "content-length"];

/// Pages of a server that people are led to when nobody has said where to: after signing in, up or out.
const LANDINGS: [&str; 6] = ["", "/", "/ui", "/ui/", "/ui/welcome", "/ui/signed-out"];

/// What is known of the server.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// Where it is asked.
    pub remote: Address,
    /// What it calls itself; the same, unless it has said otherwise.
    pub own: Address,
    names: Names,
    cookies: CookieRules,
    default_redirect: Option<Url>,
}

/// One request's side of the tunnel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Here<'a> {
    /// The tunnel as the browser calls it, such as `http://localhost:4000`.
    pub origin: &'a str,
    /// The origins of the app.
    pub apps: &'a [String],
}

impl View {
    pub fn new(remote: Address, own: Address, cookie_domain: Option<String>, default_redirect: Option<Url>) -> Self {
        let names = Names::new([&own, &remote]);
        let cookies = CookieRules::new([&own, &remote], cookie_domain);
        Self { remote, own, names, cookies, default_redirect }
    }

    /// Where the server has a path of the tunnel. `None` if nothing of the server is there.
    pub fn locate(&self, path: &str, query: Option<&str>, here: Here<'_>) -> Option<Url> {
        let query = query.map(|query| format!("?{}", self.query(query, here))).unwrap_or_default();
        self.remote.locate(&format!("{path}{query}"))
    }

    /// A query in which addresses of the tunnel are those of the server: an app that was told where to return to says so
    /// again. All else stays byte for byte.
    fn query<'q>(&self, query: &'q str, here: Here<'_>) -> Cow<'q, str> {
        let Ok(tunnel) = Address::parse(here.origin) else { return query.into() };
        let there = |pair: &str| {
            let (name, _) = pair.split_once('=')?;
            let (_, value) = form_urlencoded::parse(pair.as_bytes()).next()?;
            let url = self.there(&tunnel, &value)?;
            Some(format!("{name}={}", form_urlencoded::byte_serialize(url.as_bytes()).collect::<String>()))
        };
        let pairs: Vec<Cow<'q, str>> =
            query.split('&').map(|pair| there(pair).map_or(Cow::Borrowed(pair), Cow::Owned)).collect();
        match pairs.iter().any(|pair| matches!(pair, Cow::Owned(_))) {
            true => pairs.join("&").into(),
            false => query.into(),
        }
    }

    /// The address that the server has for one of the tunnel.
    fn there(&self, tunnel: &Address, text: &str) -> Option<String> {
        let url = Url::parse(text).ok()?;
        Some(format!("{}{}", self.own.text(), tunnel.below(&url)?))
    }

    /// The headers of a request, as the server is sent them.
    pub fn asked(&self, headers: &HeaderMap, here: Here<'_>) -> Vec<(String, Vec<u8>)> {
        let of_connection = of_connection(headers);
        let is_dropped = |name: &str| {
            of_connection.iter().any(|dropped| dropped == name)
                || NOT_ASKED.contains(&name)
                || FORWARDED.contains(&name)
                || name.starts_with("x-forwarded-")
                || name.starts_with("access-control-request-")
        };
        let kept = headers.iter().filter(|(name, _)| !is_dropped(name.as_str()));
        let asked = kept.map(|(name, value)| {
            let value = match *name {
                header::ORIGIN => self.origin(value, here),
                header::REFERER => self.referer(value, here),
                _ => value.as_bytes().to_vec(),
            };
            (name.as_str().to_owned(), value)
        });
        asked.chain([("accept-encoding".to_owned(), b"identity".to_vec())]).collect()
    }

    fn origin(&self, value: &HeaderValue, here: Here<'_>) -> Vec<u8> {
        let is_known = value == here.origin || here.apps.iter().any(|app| value == app);
        if is_known { self.own.origin().into_bytes() } else { value.as_bytes().to_vec() }
    }

    fn referer(&self, value: &HeaderValue, here: Here<'_>) -> Vec<u8> {
        let there = || {
            let text = value.to_str().ok()?;
            let of_tunnel = Address::parse(here.origin).ok().and_then(|tunnel| self.there(&tunnel, text));
            let of_app = || {
                let origin = Url::parse(text).ok()?.origin().ascii_serialization();
                here.apps.contains(&origin).then(|| self.own.url().to_string())
            };
            of_tunnel.or_else(of_app)
        };
        there().map_or_else(|| value.as_bytes().to_vec(), String::into_bytes)
    }

    /// The headers of an answer to a request for `asked`, as the browser is sent them.
    pub fn told(&self, headers: &HeaderMap, asked: &Url, here: Here<'_>) -> HeaderMap {
        let of_connection = of_connection(headers);
        let is_dropped = |name: &str| {
            of_connection.iter().any(|dropped| dropped == name)
                || NOT_TOLD.contains(&name)
                || name.starts_with("access-control-")
        };
        let mut told = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers.iter().filter(|(name, _)| !is_dropped(name.as_str())) {
            let value = match *name {
                header::SET_COOKIE => self.cookies.rewrite(value.as_bytes()),
                header::LOCATION => self.location(value.as_bytes(), asked, here),
                _ => self.text(value.as_bytes(), here).into_owned(),
            };
            // What was a header before is one still: nothing that is put in breaks a line.
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                told.append(name, value);
            }
        }
        told
    }

    /// Where a redirect leads. What is relative is so to the server, and is written out: a browser would read it from where
    /// the tunnel is.
    fn location(&self, value: &[u8], asked: &Url, here: Here<'_>) -> Vec<u8> {
        // Bytes that are no UTF-8 are characters of Latin-1, as to browsers.
        let text =
            str::from_utf8(value).map_or_else(|_| value.iter().map(|byte| char::from(*byte)).collect(), Cow::from);
        let Ok(url) = asked.join(&text) else { return value.to_vec() };
        if let Some(below) = [&self.own, &self.remote].iter().find_map(|address| address.below(&url)) {
            let path = below.split(['?', '#']).next().unwrap_or_default();
            return match self.default_redirect.as_ref().filter(|_| LANDINGS.contains(&path)) {
                Some(elsewhere) => elsewhere.as_str().as_bytes().to_vec(),
                None => format!("{}{below}", here.origin).into_bytes(),
            };
        }
        let begins = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
        let is_of_web = matches!(url.scheme(), "http" | "https");
        let is_written_out = !is_of_web || begins("http://") || begins("https://");
        if is_written_out { value.to_vec() } else { String::from(url).into_bytes() }
    }

    /// Text of the server, with the tunnel's address in the place of its own.
    pub fn text<'t>(&self, text: &'t [u8], here: Here<'_>) -> Cow<'t, [u8]> {
        text::rewrite(text, &self.names, here.origin)
    }
}

/// The names of the headers that belong to a connection, those that it names itself included.
fn of_connection(headers: &HeaderMap) -> Vec<String> {
    let named = headers.get_all(header::CONNECTION).iter().flat_map(|value| {
        let names = value.to_str().unwrap_or_default().split(',');
        names.map(|name| name.trim().to_ascii_lowercase()).collect::<Vec<_>>()
    });
    named.chain(HOP_BY_HOP.map(str::to_owned)).collect()
}

/// Whether addresses are looked for in a body of this type: JSON, and pages.
pub(crate) fn is_rewritten(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind == "text/html" || kind.starts_with("application/") && kind.ends_with("+json")
}

/// Whether a body is packed in some way.
pub(crate) fn is_packed(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let mut names = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    names.any(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"))
}

/// Headers from names and values; those that HTTP does not allow are left out.
pub(crate) fn headers(pairs: &[(String, Vec<u8>)]) -> HeaderMap {
    let pairs = pairs.iter().filter_map(|(name, value)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value).ok()?))
    });
    let mut headers = HeaderMap::new();
    pairs.for_each(|(name, value)| _ = headers.append(name, value));
    headers
}

#[cfg(test)]
mod tests;
