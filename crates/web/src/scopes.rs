//! Cookies of an earlier scope.
//!
//! A cookie is known by its name, domain and path. Where one of them is configured anew, browsers keep the old cookie beside the
//! new one and send both, in no order that says which is which. A browser that is seen to do so is told to forget each other
//! cookie of the name that can be named, along with the answer that sets or clears it.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use config::{Config, SameSite};
use url::{Host, Url};

use crate::cookies::{Lifetime, SetCookie, cookies};
use crate::csrf::take_cookies;

/// More domains above a host than any is below in practice.
const MAX_DOMAINS: usize = 6;
/// More folders than the public URL has in practice.
const MAX_PATHS: usize = 4;

/// Whether a request brings a cookie of this name more than once.
pub(crate) fn is_repeated(request: &HeaderMap, name: &str) -> bool {
    request.contains_key(COOKIE) && cookies(request).filter(|(other, _)| *other == name).nth(1).is_some()
}

/// Has the browser forget session cookies and anti-CSRF cookies of earlier scopes, where `request` shows that it has any and
/// `answer` sets or clears the one of today. They stand ahead of it: a browser that cannot tell them apart keeps that.
pub(crate) fn clear_earlier(answer: &mut HeaderMap, request: &HeaderMap, config: &Config, csrf_cookie: &str) {
    let session = &config.session.cookie;
    let own = [
        Scope { name: &session.name, path: &session.path, domain: session.domain.as_deref(), secure: session.secure },
        Scope {
            name: csrf_cookie,
            path: &config.cookies.path,
            domain: config.cookies.domain.as_deref(),
            secure: config.cookies.secure,
        },
    ];
    let is_due = |scope: &&Scope<'_>| is_set(answer, scope.name) && is_repeated(request, scope.name);
    let due: Vec<&Scope<'_>> = own.iter().filter(is_due).collect();
    if due.is_empty() {
        return;
    }
    let set = take_cookies(answer);
    for scope in due {
        scope.clear_others(answer, config);
    }
    set.into_iter().for_each(|cookie: HeaderValue| _ = answer.append(SET_COOKIE, cookie));
}

fn is_set(answer: &HeaderMap, name: &str) -> bool {
    let names = answer.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()?.split('=').next());
    names.into_iter().any(|set| set == name)
}

/// A cookie's name, and where it is sent to.
struct Scope<'a> {
    name: &'a str,
    path: &'a str,
    domain: Option<&'a str>,
    secure: bool,
}

impl Scope<'_> {
    fn clear_others(&self, answer: &mut HeaderMap, config: &Config) {
        let (base, cookies, session) = (&config.serve.public.base_url.url, &config.cookies, &config.session.cookie);
        let domains = domains([&cookies.domain, &session.domain].into_iter().flatten(), base);
        let paths = paths([&cookies.path, &session.path], base);
        let own = (self.domain.map(|domain| domain.trim_start_matches('.')), self.path);
        for domain in std::iter::once(None).chain(domains.iter().map(|domain| Some(domain.as_str()))) {
            for path in paths.iter().map(String::as_str).filter(|path| (domain, *path) != own) {
                let (name, secure, same_site) = (self.name, self.secure, SameSite::Lax);
                let lifetime = Lifetime::Gone;
                SetCookie { name, value: "", path, domain, secure, same_site, lifetime }.append_to(answer);
            }
        }
    }
}

/// The domains that a cookie for the public URL may have been set for: those that are configured, its host, and what is above
/// that. Browsers pass over those that belong to nobody (`co.uk`).
fn domains<'a>(configured: impl IntoIterator<Item = &'a String>, base: &Url) -> Vec<String> {
    let configured = configured.into_iter();
    let mut domains: Vec<String> = configured.map(|domain| domain.trim_start_matches('.').to_owned()).collect();
    if let Some(Host::Domain(host)) = base.host() {
        let mut above = Some(host);
        while let Some(domain) = above.filter(|domain| domain.contains('.')) {
            domains.push(domain.to_owned());
            above = domain.split_once('.').map(|(_, above)| above);
        }
    }
    unlike(domains, MAX_DOMAINS)
}

/// The paths that it may have been set for: those that are configured, the root, and each folder of the public URL.
fn paths<'a>(configured: impl IntoIterator<Item = &'a String>, base: &Url) -> Vec<String> {
    let mut paths = vec!["/".to_owned()];
    paths.extend(configured.into_iter().cloned());
    let base = base.path();
    let ends = base.char_indices().filter(|(at, character)| *character == '/' && *at > 0);
    paths.extend(ends.map(|(at, _)| base[..at].to_owned()));
    if !base.ends_with('/') {
        paths.push(base.to_owned());
    }
    unlike(paths, MAX_PATHS)
}

fn unlike(mut texts: Vec<String>, most: usize) -> Vec<String> {
    let mut seen = Vec::new();
    texts.retain(|text| {
        let is_new = !text.is_empty() && !seen.contains(text);
        seen.push(text.clone());
        is_new
    });
    texts.truncate(most);
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(base: &str, domains_configured: &[String], paths_configured: &[String]) -> (Vec<String>, Vec<String>) {
        let base = base.parse().expect("an address");
        (domains(domains_configured, &base), paths(paths_configured, &base))
    }

    #[test]
    fn every_scope_that_may_have_been_is_named_once() {
        let (configured, path) = ([".example.org".to_owned()], ["/".to_owned(), "/auth".to_owned()]);
        let (domains, paths) = of("https://id.shop.example.org/auth/v1/", &configured, &path);
        assert_eq!(domains, ["example.org", "id.shop.example.org", "shop.example.org"]);
        assert_eq!(paths, ["/", "/auth", "/auth/v1"]);
        for host in ["http://127.0.0.1:4433/", "http://[::1]/", "http://localhost/"] {
            assert_eq!(of(host, &[], &[]), (Vec::new(), vec!["/".to_owned()]), "{host}");
        }
        let deep = format!("https://{}example.org/{}", "a.".repeat(50), "b/".repeat(50));
        let (domains, paths) = of(&deep, &[], &[]);
        assert_eq!((domains.len(), paths.len()), (MAX_DOMAINS, MAX_PATHS));
    }
}
