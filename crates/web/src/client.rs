//! Who is asking, and for which address: what a request says of itself, directly or by the word of a proxy.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{FORWARDED, HOST, USER_AGENT};
use axum::http::{HeaderMap, Uri};
use model::{ClientInfo, beginning};
use url::Url;

use crate::forwarded::TrustedProxies;

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// `None` for a Unix socket.
    pub address: Option<SocketAddr>,
    /// Whether the connection is encrypted.
    pub is_tls: bool,
}

/// The width of the database columns, in bytes.
const MAX_DESCRIPTION: usize = 512;
const MAX_ADDRESS: usize = 50;

/// What a device is recorded with: its address by the word of a trusted proxy (`True-Client-IP`, `Cf-Connecting-IP`,
/// `X-Real-IP`, the last public address of `X-Forwarded-For`) or of the socket, with its port; its `User-Agent`; its city
/// and country by the word of Cloudflare, if that is trusted.
pub(crate) fn client_info(headers: &HeaderMap, peer: Peer, proxies: &TrustedProxies) -> ClientInfo {
    let is_trusted = proxies.trust(peer.address.map(|address| address.ip()));
    let said = |name| text(headers, name).filter(|_| is_trusted);
    let named = ["true-client-ip", "cf-connecting-ip", "x-real-ip"].into_iter().find_map(said);
    let forwarded = || said("x-forwarded-for").map(|list| last_public_address(&list));
    let socket = || peer.address.map(|address| address.to_string());
    let agents: Vec<_> =
        headers.get_all(USER_AGENT).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let places: Vec<_> = ["cf-ipcity", "cf-ipcountry"].into_iter().filter_map(said).collect();
    ClientInfo {
        ip_address: named.or_else(forwarded).or_else(socket).map(|address| beginning(&address, MAX_ADDRESS).to_owned()),
        user_agent: (!agents.is_empty()).then(|| beginning(&agents.join(" "), MAX_DESCRIPTION).to_owned()),
        location: Some(beginning(&places.join(", "), MAX_DESCRIPTION).to_owned()),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name).filter(|value| !value.is_empty())?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Proxies add the address that they see to the end of the list; private ones are other proxies.
fn last_public_address(list: &str) -> String {
    let addresses = list.rsplit(',').take(32).map(str::trim);
    let public = addresses.filter(|address| address.parse::<IpAddr>().is_ok_and(|address| !is_internal(address)));
    public.map(str::to_owned).next().unwrap_or_default()
}

fn is_internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => {
            let unique_local = v6.segments()[0] & 0xfe00 == 0xfc00;
            unique_local || v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified()
        }
    }
}

/// The address that was asked for, as the client sees it: host by `X-Forwarded-Host` or `Host`, scheme by
/// `X-Forwarded-Proto` or the connection. `None` if these do not make an address.
pub(crate) fn request_url(headers: &HeaderMap, uri: &Uri, peer: Peer) -> Option<Url> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
    let host = uri.authority().map(|authority| authority.as_str());
    let host = host.or_else(|| header("x-forwarded-host")).or_else(|| header(HOST.as_str()))?;
    let scheme = header("x-forwarded-proto").unwrap_or(if peer.is_tls { "https" } else { "http" });
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Url::parse(&format!("{scheme}://{host}{path}")).ok()
}

/// Whether the client itself, as far as anybody says, speaks HTTPS.
pub(crate) fn is_https(headers: &HeaderMap, peer: Peer) -> bool {
    let said = headers.get("x-forwarded-proto").or_else(|| headers.get(FORWARDED));
    said.map_or(peer.is_tls, |value| String::from_utf8_lossy(value.as_bytes()).contains("https"))
}

#[cfg(test)]
mod tests {
    use config::Networks;

    use super::*;

    const PEER: Peer =
        Peer { address: Some(SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1234)), is_tls: false };

    fn info(headers: &HeaderMap, peer: Peer) -> ClientInfo {
        let proxies = TrustedProxies::of(Networks::new(["127.0.0.0/8"]), "X-Forwarded-For");
        client_info(headers, peer, &proxies)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn the_address_comes_from_a_proxy_or_the_socket() {
        let address = |pairs: &[_]| info(&headers(pairs), PEER).ip_address.expect("an address");
        assert_eq!(address(&[]), "127.0.0.1:1234");
        assert_eq!(address(&[("x-forwarded-for", "8.8.8.8, 10.0.0.1, 9.9.9.9, 192.168.0.1")]), "9.9.9.9");
        assert_eq!(address(&[("x-forwarded-for", "10.0.0.1")]), "");
        assert_eq!(address(&[("x-real-ip", "1.2.3.4"), ("x-forwarded-for", "8.8.8.8")]), "1.2.3.4");
        assert_eq!(address(&[("true-client-ip", "5.6.7.8"), ("x-real-ip", "1.2.3.4")]), "5.6.7.8");
        assert_eq!(address(&[("true-client-ip", &"9".repeat(600))]).len(), MAX_ADDRESS);
    }

    #[test]
    fn strangers_are_not_believed() {
        let stranger = Peer { address: Some(([192, 0, 2, 9], 4711).into()), is_tls: false };
        let forged: Vec<_> = ["true-client-ip", "cf-connecting-ip", "x-real-ip", "x-forwarded-for", "cf-ipcity"]
            .map(|name| (name, "8.8.8.8"))
            .to_vec();
        let recorded = info(&headers(&forged), stranger);
        assert_eq!(recorded.ip_address.as_deref(), Some("192.0.2.9:4711"));
        assert_eq!(recorded.location.as_deref(), Some(""));
    }

    #[test]
    fn descriptions_are_cut_to_the_width_of_the_column() {
        let long = "\u{e9}".repeat(400);
        let said = info(&headers(&[("user-agent", &long), ("cf-ipcity", "Bonn"), ("cf-ipcountry", "DE")]), PEER);
        assert_eq!(said.user_agent.map(|agent| agent.len()), Some(512));
        assert_eq!(said.location.as_deref(), Some("Bonn, DE"));
        let none = info(&HeaderMap::new(), PEER);
        assert_eq!((none.user_agent, none.location.as_deref()), (None, Some("")));
    }

    #[test]
    fn the_url_is_the_one_that_the_client_sees() {
        let url = |pairs: &[_]| request_url(&headers(pairs), &Uri::from_static("/a?b=c"), PEER).map(String::from);
        assert_eq!(url(&[("host", "h:1")]).as_deref(), Some("http://h:1/a?b=c"));
        let proxied = [("host", "h"), ("x-forwarded-host", "p"), ("x-forwarded-proto", "https")];
        assert_eq!(url(&proxied).as_deref(), Some("https://p/a?b=c"));
        assert_eq!(url(&[]), None);
    }
}
