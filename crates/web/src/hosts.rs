//! The names by which the admin API may be called.
//!
//! Whoever owns a name can have it lead to an address of another network, and then a web page under that name can have the
//! browser of a visitor ask what stands there (DNS rebinding). The admin API asks nobody who they are, so it looks at the
//! name: only those that no stranger can own are its own.

use std::net::IpAddr;

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use config::{Config, Defaults};

/// Ends of names that lead nowhere on the Internet.
const INTERNAL: [&str; 4] = [".svc", ".cluster.local", ".internal", ".local"];

/// From where a listener can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A socket of the file system, which no browser opens.
    File,
    /// This machine.
    Machine,
    /// A network.
    Network,
}

impl Reach {
    /// Where `serve.….host` can be reached from.
    pub fn of(host: &str) -> Self {
        if host.starts_with("unix:") {
            return Self::File;
        }
        if is_loopback(host) { Self::Machine } else { Self::Network }
    }
}

/// The names of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct AdminHosts {
    /// `zelus.admin_hosts`, and the host of the base URL; in lower case.
    own: Vec<String>,
    /// Whether other names are refused, rather than logged.
    pub refuses: bool,
}

impl AdminHosts {
    pub fn new(config: &Config) -> Self {
        let base_url = config.serve.admin.base_url.url.host_str().map(str::to_ascii_lowercase);
        let own = config.zelus.admin_hosts.iter().cloned().chain(base_url).collect();
        Self { own, refuses: config.zelus.defaults == Defaults::Zelus }
    }

    /// The name in a request that is none of ours, as it was sent. A request without any comes from no browser.
    pub fn stranger(&self, uri: &Uri, headers: &HeaderMap, reach: Reach) -> Option<String> {
        if reach == Reach::File {
            return None;
        }
        let sent = headers.get_all(HOST).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let mut sent = sent.chain(uri.authority().map(Authority::to_string)).filter(|host| !host.is_empty());
        sent.find(|host| !self.permit(host, reach))
    }

    fn permit(&self, sent: &str, reach: Reach) -> bool {
        // User names before an @ are nothing that a `Host` has.
        let Some(authority) = sent.parse::<Authority>().ok().filter(|_| !sent.contains('@')) else { return false };
        let host = host_of(&authority);
        let host = host.as_str();
        let is_own = self.own.iter().any(|own| match own.strip_prefix('*') {
            Some(end) => host.ends_with(end) && host.len() > end.len(),
            None => host == own,
        });
        let is_internal = || {
            let is_single_label = !host.is_empty() && !host.contains(['.', '[']);
            is_single_label || ip(host).is_some() || INTERNAL.iter().any(|end| host.ends_with(end))
        };
        is_own || is_loopback(host) || (reach == Reach::Network && is_internal())
    }
}

/// Whether a request names its host, rather than this machine or an address; in any spelling.
pub(crate) fn is_by_name(headers: &HeaderMap) -> bool {
    let sent = headers.get(HOST).and_then(|value| value.to_str().ok()?.parse::<Authority>().ok());
    sent.is_some_and(|authority| {
        let host = host_of(&authority);
        !host.is_empty() && ip(&host).is_none() && host != "localhost" && !host.ends_with(".localhost")
    })
}

/// The host in the one spelling by which names are compared.
fn host_of(authority: &Authority) -> String {
    let mut host = authority.host().to_ascii_lowercase();
    if host.ends_with('.') {
        host.pop();
    }
    host
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || ip(host).is_some_and(|address| address.is_loopback())
}

/// An address, which stands in brackets if it is one of IPv6, unless it is that of a listener.
fn ip(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn strangers<'a>(hosts: &[&'a str], reach: Reach) -> Vec<&'a str> {
        let own = ["admin.example.org", "*.corp.example", "id-admin.example"].map(str::to_owned).to_vec();
        let known = AdminHosts { own, refuses: true };
        let is_stranger = |host: &str| {
            let headers = HeaderMap::from_iter([(HOST, host.parse().expect("a value"))]);
            known.stranger(&Uri::from_static("/admin/identities"), &headers, reach).is_some()
        };
        hosts.iter().copied().filter(|host| is_stranger(host)).collect()
    }

    const OWN: [&str; 9] = [
        "localhost",
        "LOCALHOST:4434",
        "localhost.",
        "127.0.0.1:4434",
        "127.9.9.9",
        "[::1]:4434",
        "[::ffff:127.0.0.1]",
        "Admin.Example.org:80",
        "x.corp.example",
    ];
    const INSIDE: [&str; 8] = [
        "10.0.0.7:4434",
        "192.0.2.1",
        "[2001:db8::1]:4434",
        "kratos",
        "kratos-admin:4434",
        "kratos.auth.svc",
        "kratos.auth.svc.cluster.local:4434",
        "host.docker.internal",
    ];
    const OUTSIDE: [&str; 10] = [
        "evil.example",
        "evil.example:4434",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "corp.example",
        "evilcorp.example",
        "svc.evil.example",
        "a b",
        "localhost@evil.example",
        "evil.example@localhost",
    ];

    #[test]
    fn names_that_strangers_can_own_are_no_names_of_ours() {
        for reach in [Reach::Machine, Reach::Network] {
            assert!(strangers(&OWN, reach).is_empty(), "{:?}", strangers(&OWN, reach));
            assert_eq!(strangers(&OUTSIDE, reach), OUTSIDE);
        }
        assert!(strangers(&INSIDE, Reach::Network).is_empty(), "{:?}", strangers(&INSIDE, Reach::Network));
        assert_eq!(strangers(&INSIDE, Reach::Machine), INSIDE);
        assert!(strangers(&OUTSIDE, Reach::File).is_empty());
    }

    #[test]
    fn every_name_in_a_request_counts() {
        let known = AdminHosts { own: Vec::new(), refuses: true };
        let mut headers = HeaderMap::new();
        let named =
            |uri: &'static str, headers: &HeaderMap| known.stranger(&Uri::from_static(uri), headers, Reach::Machine);
        assert_eq!(named("/", &headers), None, "no browser leaves Host out");
        headers.append(HOST, "localhost".parse().expect("a value"));
        assert_eq!(named("/", &headers), None);
        assert_eq!(named("http://evil.example/", &headers).as_deref(), Some("evil.example"));
        headers.append(HOST, "evil.example".parse().expect("a value"));
        assert_eq!(named("/", &headers).as_deref(), Some("evil.example"));
    }

    #[test]
    fn this_machine_and_addresses_are_no_names() {
        let is_by_name =
            |host: &'static str| is_by_name(&HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]));
        for host in ["id.example.org", "ID.example.org:4433", "id", "localhost.example.org"] {
            assert!(is_by_name(host), "{host}");
        }
        for host in ["localhost", "LocalHost:4433", "app.localhost.", "127.0.0.1", "[2001:db8::1]:4433", "", "a b"] {
            assert!(!is_by_name(host), "{host}");
        }
        assert!(!super::is_by_name(&HeaderMap::new()));
    }

    #[test]
    fn listeners_are_known_by_their_host() {
        for (host, reach) in [
            ("unix:/run/admin.sock", Reach::File),
            ("127.0.0.1", Reach::Machine),
            ("localhost", Reach::Machine),
            ("::1", Reach::Machine),
            ("0.0.0.0", Reach::Network),
            ("", Reach::Network),
            ("::", Reach::Network),
            ("10.0.0.1", Reach::Network),
            ("box", Reach::Network),
        ] {
            assert_eq!(Reach::of(host), reach, "{host}");
        }
    }
}
