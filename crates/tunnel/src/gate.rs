//! Who may come through: pages of the app and of the tunnel itself, under the tunnel's own names.
//!
//! The tunnel stands on a machine that visits any web site. A site that gives its own name the address 127.0.0.1 (DNS
//! rebinding) is refused for its `Host`, and pages that are not the app's for their `Origin`, so that none of them reaches a
//! server which this machine alone can see.

use hyper::Method;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// How long browsers remember what they may do, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const TRUE: HeaderValue = HeaderValue::from_static("true");
/// Browsers read these without leave, and `Location` and such concern nobody who follows redirects.
const EXPOSED: HeaderValue = HeaderValue::from_static("Content-Type, X-Request-Id");

/// What comes through.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    port: u16,
    /// A domain that the tunnel is visited under besides this machine's own names.
    domain: Option<String>,
    /// The origins of the app.
    pub apps: Vec<String>,
}

/// Why a request is refused; each is a sentence for whoever develops the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub String);

impl Gate {
    pub fn new(port: u16, domain: Option<String>, apps: Vec<String>) -> Self {
        Self { port, domain, apps }
    }

    /// The tunnel's origin by the name that a request has for it.
    pub fn here(&self, head: &Parts) -> Result<String, Refusal> {
        let mut sent: Vec<&str> =
            head.headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default()).collect();
        sent.extend(head.uri.authority().map(|authority| authority.as_str()));
        let first = sent.first().copied().unwrap_or_default().to_ascii_lowercase();
        match sent.iter().all(|host| host.eq_ignore_ascii_case(&first)) && self.is_own(&first) {
            true => Ok(format!("http://{first}")),
            false => {
                Err(Refusal(format!("The tunnel is at http://localhost:{}, and answers to no other name.", self.port)))
            }
        }
    }

    fn is_own(&self, host: &str) -> bool {
        let bare = match host.strip_suffix(&format!(":{}", self.port)) {
            Some(bare) => bare,
            None if self.port == 80 => host,
            None => return false,
        };
        let is_below = |domain: &str| bare == domain || bare.strip_suffix(domain).is_some_and(is_subdomain);
        matches!(bare, "localhost" | "127.0.0.1" | "[::1]") || self.domain.as_deref().is_some_and(is_below)
    }

    /// The origin that an answer is for, if a page of the app asks; `None` for everybody else who may ask.
    pub fn app_of<'h>(&self, headers: &'h HeaderMap, here: &str) -> Result<Option<&'h HeaderValue>, Refusal> {
        let mut sent = headers.get_all(header::ORIGIN).iter();
        let (origin, another) = (sent.next(), sent.next());
        let Some(origin) = origin else { return Ok(None) };
        if another.is_none() && self.apps.iter().any(|app| origin == app) {
            return Ok(Some(origin));
        }
        // Pages that tell nobody where they are, as those of the server do, send forms with no origin.
        let is_from_elsewhere = headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "cross-site");
        if another.is_none() && (origin == here || origin == "null" && !is_from_elsewhere) {
            return Ok(None);
        }
        let shown: String = String::from_utf8_lossy(origin.as_bytes()).chars().take(200).collect();
        Err(Refusal(format!(
            "Pages of {shown:?} may not use this tunnel. If it is your app, start the tunnel with its address, or with \
             --allowed-cors-origins."
        )))
    }
}

fn is_subdomain(label: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    label.ends_with('.') && label.len() > 1 && label.bytes().all(is_plain)
}

/// Whether a request asks what it may do, rather than doing it.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a page of the app may do: anything, with its cookies.
pub(crate) fn preflight(asked: &HeaderMap) -> HeaderMap {
    let mut answer = HeaderMap::new();
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    for names in asked.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.append(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    answer
}

/// Lets the app's page read an answer.
pub(crate) fn share(answer: &mut HeaderMap, app: Option<&HeaderValue>) {
    answer.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(app) = app {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, app.clone());
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn gate(domain: Option<&str>) -> Gate {
        Gate::new(4000, domain.map(str::to_owned), vec!["http://localhost:3000".to_owned()])
    }

    fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn the_tunnel_answers_to_names_of_this_machine_alone() {
        let here = |gate: &Gate, host: &str| gate.here(&head("/", &[("host", host)])).ok();
        for host in ["localhost:4000", "LocalHost:4000", "127.0.0.1:4000", "[::1]:4000"] {
            assert_eq!(here(&gate(None), host), Some(format!("http://{}", host.to_ascii_lowercase())));
        }
        for host in [
            "localhost",
            "localhost:4001",
            "evil.example:4000",
            "localhost.evil.example:4000",
            "evil.localhost:4000",
            "127.0.0.1.evil.example:4000",
            "localhost:4000@evil.example",
            "evil.example@localhost:4000",
            "a/localhost:4000",
            "localhost.:4000",
            "0.0.0.0:4000",
            "",
        ] {
            assert_eq!(here(&gate(Some("app.local")), host), None, "{host}");
        }
        for (host, is_own) in [
            ("app.local:4000", true),
            ("id.app.local:4000", true),
            ("evilapp.local:4000", false),
            ("a b.app.local:4000", false),
            (".app.local:4000", false),
            ("\"><.app.local:4000", false),
        ] {
            assert_eq!(here(&gate(Some("app.local")), host).is_some(), is_own, "{host}");
        }
    }

    #[test]
    fn every_name_in_a_request_counts() {
        let is_refused = |uri, headers: &[(&str, &str)]| gate(None).here(&head(uri, headers)).is_err();
        assert!(!is_refused("http://localhost:4000/", &[("host", "localhost:4000")]));
        assert!(is_refused("/", &[]));
        assert!(is_refused("http://evil:4000/", &[("host", "localhost:4000")]));
        assert!(is_refused("/", &[("host", "localhost:4000"), ("host", "evil:4000")]));
        assert!(is_refused("/", &[("host", "localhost:4000"), ("host", "127.0.0.1:4000")]));
    }

    #[test]
    fn pages_of_others_are_refused() {
        let ask = |headers: &[(&str, &str)]| {
            let headers = head("/", headers).headers;
            gate(None).app_of(&headers, "http://localhost:4000").map(|app| app.is_some())
        };
        assert_eq!(ask(&[]), Ok(false));
        assert_eq!(ask(&[("origin", "http://localhost:3000")]), Ok(true));
        assert_eq!(ask(&[("origin", "http://localhost:4000")]), Ok(false));
        assert_eq!(ask(&[("origin", "null"), ("sec-fetch-site", "same-origin")]), Ok(false));
        for headers in [
            &[("origin", "http://evil.example")][..],
            &[("origin", "https://localhost:3000")],
            &[("origin", "http://localhost:30000")],
            &[("origin", "http://LOCALHOST:3000")],
            &[("origin", "http://127.0.0.1:4000")],
            &[("origin", "null"), ("sec-fetch-site", "cross-site")],
            &[("origin", "http://localhost:3000"), ("origin", "http://evil.example")],
            &[("origin", "")],
        ] {
            assert!(ask(headers).is_err(), "{headers:?}");
        }
    }
}
