//! Networks of the Internet Protocol.

use std::net::IpAddr;

use ipnet::IpNet;

/// A set of networks, of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// The networks that are written as CIDR (`10.0.0.0/8`), or as a single address. Others are left out, see
    /// [`Networks::is_network`].
    pub fn new<'a>(networks: impl IntoIterator<Item = &'a str>) -> Self {
        Self(networks.into_iter().filter_map(parse).collect())
    }

    /// Whether the text is a network, or a single address.
    pub fn is_network(text: &str) -> bool {
        parse(text).is_some()
    }

    /// Whether an address lies in one of them. An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`), as sockets of
    /// both families give them, counts as IPv4.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn parse(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_in_networks_of_their_family() {
        let networks = Networks::new(["10.0.0.0/8", "192.0.2.7", "fc00::/7", "nonsense"]);
        for (address, lies_within) in [
            ("10.255.0.1", true),
            ("::ffff:10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("fd12::1", true),
            ("2001:db8::1", false),
            ("::10.0.0.1", false),
        ] {
            assert_eq!(networks.contain(address.parse().expect("an address")), lies_within, "{address}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "localhost", "10.0.0.1:80", " 10.0.0.1"] {
            assert!(!Networks::is_network(text), "{text}");
        }
        assert!(!Networks::default().contain(IpAddr::from([127, 0, 0, 1])));
    }
}
