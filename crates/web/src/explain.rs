//! In development, a sentence for everyone who was refused: what was read, why it did not do, and what to change.

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use model::Problem;
use url::Url;

use crate::Site;
use crate::client::{self, Peer};
use crate::cookies::cookies;

/// What a request tells about the reasons for which it may be refused.
pub(crate) struct Clues {
    path: String,
    hints: Vec<String>,
}

impl Clues {
    pub fn read(site: &Site, head: &Parts, peer: Peer) -> Self {
        Self { path: head.uri.path().to_owned(), hints: hints(site, &head.headers, peer) }
    }

    /// Logs the explanation of a 401 or 403.
    pub fn explain(self, method: &Method, problem: &Problem) {
        if !matches!(problem.http_status(), 401 | 403) {
            return;
        }
        let Self { path, hints } = self;
        let own = problem.log.as_deref().or(problem.reason.as_deref()).unwrap_or(&problem.message);
        let detail = problem.details.get("reject_reason").and_then(serde_json::Value::as_str).unwrap_or_default();
        let sentences: Vec<&str> = [own, detail].into_iter().chain(hints.iter().map(String::as_str)).collect();
        let explanation = sentences.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
        tracing::warn!("{method} {path} was answered with {}: {explanation}", problem.http_status());
    }
}

/// Everything that commonly keeps a browser's cookies from arriving, as far as this request shows it.
fn hints(site: &Site, headers: &HeaderMap, peer: Peer) -> Vec<String> {
    let config = &site.runtime.config;
    let session = &config.session.cookie;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let mut hints = Vec::new();

    let count = |wanted: &str| cookies(headers).filter(|(name, _)| *name == wanted).count();
    let (sessions, csrf) = (count(&session.name), count(&site.csrf_cookie));
    for (what, count) in [("session", sessions), ("anti-CSRF", csrf)] {
        if count > 1 {
            hints.push(format!(
                "There are {count} {what} cookies, which happens when cookies.domain or cookies.path was changed: delete \
                 this site's cookies in the browser."
            ));
        }
    }
    if headers.contains_key("x-session-token") && (sessions > 0 || headers.contains_key(AUTHORIZATION)) {
        hints.push(
            "The header X-Session-Token counts alone, whatever else is sent along: leave it out to use the cookie."
                .to_owned(),
        );
    }
    if sessions > 0 || headers.contains_key("x-session-token") || headers.contains_key(AUTHORIZATION) {
        return hints;
    }

    let base = &config.serve.public.base_url.url;
    let host = text(HOST.as_str()).and_then(|host| Url::parse(&format!("http://{host}")).ok());
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
    let own = base.host_str().unwrap_or_default();
    if is_loopback(host) && is_loopback(own) && host != own {
        hints.push(format!("Cookies of {own} are not sent to {host}: call {base} instead."));
    }
    if session.secure && !client::is_https(headers, peer) {
        hints.push(
            "The session cookie is marked Secure, so browsers do not send it over http://: use https, or set \
             session.cookie.secure and cookies.secure to false for development."
                .to_owned(),
        );
    }
    if let Some(origin) = text(ORIGIN.as_str()) {
        let from = Url::parse(origin).ok().and_then(|origin| origin.host_str().map(str::to_owned)).unwrap_or_default();
        if !headers.contains_key(COOKIE) {
            hints.push(format!(
                "The script at {origin} sent no cookies: call fetch with credentials: \"include\", and allow the origin \
                 with credentials under serve.public.cors."
            ));
        }
        if from != host && is_loopback(&from) != is_loopback(host) {
            hints.push(format!("{from} and {host} are different sites, between which browsers keep cookies back: serve both below one domain."));
        }
    } else if headers.contains_key(COOKIE) {
        let others: Vec<&str> = cookies(headers).map(|(name, _)| name).take(8).collect();
        hints.push(format!("The cookies that came along ({}) do not include {}.", others.join(", "), session.name));
    }
    hints
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}
