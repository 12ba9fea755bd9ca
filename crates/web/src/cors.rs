//! Cross-origin requests (the Fetch standard), answered as `rs/cors` answers them for Kratos.
//!
//! The layer of `tower-http` answers preflight requests with other headers and another status, and has no wildcards
//! within origins.

use std::collections::HashSet;

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use model::go::canonical_header_name;

/// `serve.public.cors`, prepared for comparing.
#[derive(Debug)]
pub(crate) struct CorsPolicy {
    origins: Origins,
    methods: Vec<String>,
    /// In lower case; `None` allows any.
    headers: Option<HashSet<String>>,
    exposed: Option<HeaderValue>,
    credentials: bool,
    max_age: Option<HeaderValue>,
    /// Whether preflight requests are handed on after they were answered.
    pub passthrough: bool,
}

/// Which pages may ask. Compared without regard to case, as in Kratos.
#[derive(Debug)]
enum Origins {
    Any,
    Listed {
        exact: HashSet<String>,
        /// What stands before and after the asterisk.
        wildcards: Vec<(String, String)>,
    },
}

impl CorsPolicy {
    pub fn new(cors: &config::Cors) -> Self {
        let exposed: Vec<String> = cors.exposed_headers.iter().map(|name| canonical_header_name(name)).collect();
        let max_age = cors.max_age.map(|seconds| HeaderValue::from(u64::from(seconds)));
        Self {
            origins: Origins::new(&cors.allowed_origins),
            methods: cors.allowed_methods.clone(),
            headers: (!cors.allowed_headers.iter().any(|name| name == "*"))
                .then(|| cors.allowed_headers.iter().map(|name| name.to_ascii_lowercase()).collect()),
            exposed: HeaderValue::from_str(&exposed.join(", ")).ok().filter(|value| !value.is_empty()),
            credentials: cors.allow_credentials,
            max_age,
            passthrough: cors.options_passthrough,
        }
    }

    /// Whether a request asks what it may do, rather than doing it.
    pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
        *method == Method::OPTIONS && headers.get(ACCESS_CONTROL_REQUEST_METHOD).is_some_and(|value| !value.is_empty())
    }

    /// The headers of the answer to a preflight request. Without `Access-Control-Allow-Origin` it says no.
    pub fn preflight(&self, request: &HeaderMap) -> HeaderMap {
        const VARIES: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        let mut answer = HeaderMap::new();
        answer.insert(VARY, HeaderValue::from_static(VARIES));
        let Some(origin) = self.allowed_origin(request) else { return answer };
        let Some(method) = request.get(ACCESS_CONTROL_REQUEST_METHOD) else { return answer };
        let wanted: Vec<&HeaderValue> = request.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter().collect();
        if !self.allows_method(method.as_bytes()) || !wanted.iter().all(|names| self.allows_headers(names)) {
            return answer;
        }
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, method.clone());
        for names in wanted.into_iter().filter(|names| !names.is_empty()) {
            answer.append(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        if self.credentials {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if let Some(max_age) = &self.max_age {
            answer.insert(ACCESS_CONTROL_MAX_AGE, max_age.clone());
        }
        answer
    }

    /// The headers of any other answer.
    pub fn actual(&self, method: &Method, request: &HeaderMap) -> HeaderMap {
        let mut answer = HeaderMap::new();
        answer.insert(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = self.allowed_origin(request) else { return answer };
        if !self.allows_method(method.as_str().as_bytes()) {
            return answer;
        }
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if let Some(exposed) = &self.exposed {
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
        if self.credentials {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        answer
    }

    /// What `Access-Control-Allow-Origin` says to this request; `None` says no.
    fn allowed_origin(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let origin = request.get(ORIGIN).filter(|origin| !origin.is_empty())?;
        match &self.origins {
            Origins::Any => Some(HeaderValue::from_static("*")),
            listed => listed.contain(origin.to_str().ok()?).then(|| origin.clone()),
        }
    }

    fn allows_method(&self, method: &[u8]) -> bool {
        !self.methods.is_empty() && (method == b"OPTIONS" || self.methods.iter().any(|name| name.as_bytes() == method))
    }

    fn allows_headers(&self, names: &HeaderValue) -> bool {
        let Some(allowed) = &self.headers else { return true };
        let Ok(names) = names.to_str() else { return false };
        let mut names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.all(|name| allowed.contains(&name.to_ascii_lowercase()))
    }
}

impl Origins {
    /// An empty list allows any origin, as `*` does.
    fn new(entries: &[String]) -> Self {
        if entries.is_empty() || entries.iter().any(|entry| entry == "*") {
            return Self::Any;
        }
        let entries = entries.iter().map(|entry| entry.to_ascii_lowercase());
        let (wildcards, exact): (Vec<_>, Vec<_>) = entries.partition(|entry| entry.contains('*'));
        let wildcards = wildcards.iter().filter_map(|entry| entry.split_once('*'));
        Self::Listed {
            wildcards: wildcards.map(|(before, after)| (before.to_owned(), after.to_owned())).collect(),
            exact: exact.into_iter().collect(),
        }
    }

    fn contain(&self, origin: &str) -> bool {
        let Self::Listed { exact, wildcards } = self else { return true };
        let origin = origin.to_ascii_lowercase();
        let fits = |(before, after): &(String, String)| {
            origin.len() >= before.len() + after.len() && origin.starts_with(before) && origin.ends_with(after)
        };
        exact.contains(&origin) || wildcards.iter().any(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(origins: &[&str]) -> CorsPolicy {
        CorsPolicy::new(&config::Cors {
            allowed_origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            allowed_methods: ["GET", "POST", "PUT", "PATCH", "DELETE"].map(str::to_owned).into(),
            allowed_headers: ["Authorization", "Content-Type", "X-Session-Token"].map(str::to_owned).into(),
            exposed_headers: vec!["content-type".to_owned()],
            allow_credentials: true,
            options_passthrough: false,
            max_age: Some(600),
            debug: false,
        })
    }

    fn request(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn origins_are_listed_or_match_a_wildcard() {
        for (entries, origin, expected) in [
            (vec!["http://a.example"], "http://a.example", true),
            (vec!["http://a.example"], "http://A.example", true),
            (vec!["http://a.example"], "http://b.example", false),
            (vec!["http://localhost:*"], "http://localhost:5173", true),
            (vec!["http://localhost:*"], "http://localhost.evil", false),
            (vec!["https://*.example"], "https://a.b.example", true),
            (vec!["https://*.example"], "https://.example", true),
            (vec!["https://*.example"], "https://example", false),
        ] {
            let headers = policy(&entries).actual(&Method::GET, &request(&[("origin", origin)]));
            assert_eq!(headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), expected, "{entries:?} {origin}");
        }
        let any = policy(&["*"]).actual(&Method::GET, &request(&[("origin", "null")]));
        assert_eq!(any[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    }

    #[test]
    fn a_preflight_request_is_told_what_it_asked_for_or_nothing() {
        let policy = policy(&["http://a"]);
        let ask = |method, headers| {
            let asked = [
                ("origin", "http://a"),
                ("access-control-request-method", method),
                ("access-control-request-headers", headers),
            ];
            policy.preflight(&request(&asked))
        };
        let yes = ask("DELETE", "content-type,x-session-token");
        assert_eq!(yes[ACCESS_CONTROL_ALLOW_METHODS], "DELETE");
        assert_eq!(yes[ACCESS_CONTROL_ALLOW_HEADERS], "content-type,x-session-token");
        assert_eq!(yes[ACCESS_CONTROL_MAX_AGE], "600");
        for (method, headers) in [("TRACE", ""), ("GET", "x-other"), ("get", "")] {
            assert_eq!(ask(method, headers).len(), 1, "{method} {headers}");
        }
    }

    #[test]
    fn requests_without_an_origin_only_vary_by_it() {
        let headers = policy(&["http://a"]).actual(&Method::GET, &HeaderMap::new());
        assert_eq!((headers.len(), &headers[VARY]), (1, &HeaderValue::from_static("Origin")));
    }
}
