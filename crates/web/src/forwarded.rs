//! Whose address it is: whom the server believes about the address of a client.
//!
//! Anybody can send `X-Forwarded-For`. Each proxy adds the address that it sees to the end of the list, so the right-most
//! address that is no proxy's own is the last one that somebody trustworthy has seen; everything to the left of it is what
//! the client says.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use config::{Networks, Zelus};

use crate::client::Peer;

/// How many addresses of a list are looked at. Nobody has as many proxies.
const MAX_PROXIES: usize = 32;

/// The proxies in front of the server, and where they say whom they serve.
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    networks: Networks,
    header: String,
}

impl TrustedProxies {
    /// As `zelus.trusted_proxies` and `zelus.client_ip_header` have it.
    pub fn new(zelus: &Zelus) -> Self {
        Self::of(zelus.trusted_proxies.clone(), &zelus.client_ip_header)
    }

    /// Proxies in these networks, which list addresses in this header.
    pub fn of(networks: Networks, header: &str) -> Self {
        Self { networks, header: header.to_ascii_lowercase() }
    }

    /// Whether somebody is believed. Whoever can open a socket of the file system is.
    pub(crate) fn trust(&self, peer: Option<IpAddr>) -> bool {
        peer.is_none_or(|peer| self.networks.contain(peer))
    }

    /// The address by which requests of the same client are counted; `None` if it came by a Unix socket and nobody says
    /// more.
    pub(crate) fn client_of(&self, headers: &HeaderMap, peer: Peer) -> Option<IpAddr> {
        let lists = headers.get_all(self.header.as_str()).iter().map(|value| value.as_bytes());
        self.client(peer.address.map(|address| address.ip()), lists)
    }

    /// The address by which requests are counted that came from `peer` with these values of the header, in their order: the
    /// right-most address that is not a trusted proxy's, if the peer is trusted; otherwise, and where there is none, the
    /// peer. What stands to the left of something that is no address counts for nothing.
    pub fn client<'a>(&self, peer: Option<IpAddr>, lists: impl DoubleEndedIterator<Item = &'a [u8]>) -> Option<IpAddr> {
        let peer = peer.map(|peer| peer.to_canonical());
        if !self.trust(peer) {
            return peer;
        }
        let entries = lists.rev().flat_map(|list| list.rsplit(|byte| *byte == b',')).take(MAX_PROXIES);
        let mut addresses = entries.map_while(address);
        addresses.find(|address| !self.networks.contain(*address)).or(peer)
    }
}

/// An entry of a list: an address, which may have a port; one of IPv6 may stand in brackets.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let entry = str::from_utf8(entry).ok()?.trim();
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies() -> TrustedProxies {
        TrustedProxies::of(Networks::new(["127.0.0.0/8", "10.0.0.0/8", "::1", "fd00::/8"]), "X-Forwarded-For")
    }

    fn client(peer: &str, lists: &[&str]) -> String {
        let peer = Some(peer.parse().expect("an address"));
        let client = proxies().client(peer, lists.iter().map(|list| list.as_bytes()));
        client.expect("there is a peer").to_string()
    }

    #[test]
    fn the_last_address_that_a_proxy_saw_counts() {
        for (peer, lists, expected) in [
            ("127.0.0.1", &[][..], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            // Other proxies are passed over; what stands before the client is its own word.
            ("10.0.0.1", &["198.51.100.1, 192.0.2.1, 10.0.0.2, 10.0.0.3"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.1", "192.0.2.1,10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["192.0.2.1", "10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["garbage, 192.0.2.1"], "192.0.2.1"),
            // Strangers are not believed.
            ("192.0.2.9", &["198.51.100.1"], "192.0.2.9"),
            ("::ffff:192.0.2.9", &["198.51.100.1"], "192.0.2.9"),
            // Ports, brackets and both spellings of IPv4.
            ("127.0.0.1", &["192.0.2.1:4711"], "192.0.2.1"),
            ("127.0.0.1", &["[2001:db8::1]:4711, [fd00::1]"], "2001:db8::1"),
            ("::ffff:127.0.0.1", &["2001:DB8:0::1, ::ffff:10.0.0.1"], "2001:db8::1"),
            ("::1", &["::ffff:192.0.2.1"], "192.0.2.1"),
            // Nothing that could be used.
            ("127.0.0.1", &["10.0.0.2, 10.0.0.3"], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.1, unknown"], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.1, , 10.0.0.1"], "127.0.0.1"),
            ("127.0.0.1", &["", "192.0.2.1:", "1.2.3"], "127.0.0.1"),
        ] {
            assert_eq!(client(peer, lists), expected, "{peer} {lists:?}");
        }
        assert_eq!(proxies().client(None, [b"192.0.2.1".as_slice()].into_iter()), Some(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(proxies().client(None, [].into_iter()), None);
    }

    proptest! {
        #[test]
        fn no_client_chooses_the_address_that_it_is_counted_by(
            forged in proptest::collection::vec("\\PC{0,40}|[0-9a-f.:, \\[\\]]{0,40}", 0..4),
            seen: IpAddr,
            proxies_between in proptest::collection::vec("10\\.0\\.0\\.[1-9]", 0..3),
        ) {
            let seen = seen.to_canonical();
            prop_assume!(!proxies().networks.contain(seen));
            // The proxy adds what it saw in a line of its own, or to the last one.
            let chain = std::iter::once(seen.to_string()).chain(proxies_between).collect::<Vec<_>>().join(", ");
            let lines: Vec<&[u8]> = forged.iter().map(String::as_bytes).chain([chain.as_bytes()]).collect();
            let joined = forged.iter().map(String::as_str).chain([chain.as_str()]).collect::<Vec<_>>().join(",");
            let peer = Some(IpAddr::from([127, 0, 0, 1]));
            prop_assert_eq!(proxies().client(peer, lines.iter().copied()), Some(seen));
            prop_assert_eq!(proxies().client(peer, [joined.as_bytes()].into_iter()), Some(seen));
            // Without a proxy in front, nothing in the header counts.
            prop_assert_eq!(proxies().client(Some(seen), lines.into_iter()), Some(seen));
        }

        #[test]
        fn entries_are_read_with_and_without_a_port(ip: IpAddr, port: u16) {
            let written = SocketAddr::new(ip, port).to_string();
            prop_assert_eq!(address(written.as_bytes()), Some(ip.to_canonical()));
            prop_assert_eq!(address(format!(" {ip} ").as_bytes()), Some(ip.to_canonical()));
        }
    }
}
