//! Whose an address is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network by which a client is told apart from others: 24 bits of an IPv4 address, 48 of an IPv6 address. A provider
/// gives a customer as much to choose addresses from.
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & (!0 << 8)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 80)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_a_network() {
        for (address, network) in [
            ("192.0.2.77", "192.0.2.0"),
            ("::ffff:192.0.2.1", "192.0.2.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            ("::1", "::"),
        ] {
            let network: IpAddr = network.parse().expect("an address");
            assert_eq!(client_network(address.parse().expect("an address")), network, "{address}");
        }
    }
}
