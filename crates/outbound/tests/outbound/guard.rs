use std::net::IpAddr;

use outbound::{Error, Request, is_public};

use crate::peer::{Peer, answer, locally, redirect};
use crate::{LIMIT, client, guarded};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text} is an address"))
}

#[test]
fn special_addresses_are_not_public() {
    let special = [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.9",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.1.2.3",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "4000::1",
        "2001:2::1",
    ];
    for text in special {
        assert!(!is_public(address(text)), "{text}");
    }
}

#[test]
fn ordinary_addresses_are_public() {
    let ordinary = [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2606:4700:4700::1111",
        "2a00:1450:4001:81b::200e",
        "2001:4860:4860::8888",
    ];
    for text in ordinary {
        assert!(is_public(address(text)), "{text}");
    }
}

#[tokio::test]
async fn the_guard_keeps_away_from_loopback_however_it_is_written() {
    locally(async {
        let peer = Peer::saying(answer(200, "", "secret")).await;
        let port = peer.origin.rsplit(':').next().expect("a port");
        for host in [
            "127.0.0.1",
            "localhost",
            "LOCALHOST",
            "2130706433",
            "0x7f.1",
            "017700000001",
            "127.1",
            "[::ffff:127.0.0.1]",
            "[::1]",
            "0",
        ] {
            let outcome = guarded(&[]).fetch(Request::get(&format!("http://{host}:{port}/")), LIMIT).await;
            assert!(matches!(outcome, Err(Error::Refused { .. })), "{host}: {outcome:?}");
        }
        assert!(peer.seen().is_empty(), "nothing was sent");
        assert_eq!(client().fetch(Request::get(&peer.url("/")), LIMIT).await.expect("an answer").body, b"secret");
    })
    .await;
}

#[tokio::test]
async fn exceptions_are_matched_without_query_and_fragment() {
    locally(async {
        let peer = Peer::saying(answer(200, "", "")).await;
        let client = guarded(&[peer.url("/open/*")]);
        let outcome = async |path| client.fetch(Request::get(&peer.url(path)), LIMIT).await;
        assert!(outcome("/open/a?b=c.d/e#f").await.is_ok());
        assert!(matches!(outcome("/open/a/b").await, Err(Error::Refused { .. })));
        assert!(matches!(outcome("/closed?/open/a").await, Err(Error::Refused { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_redirect_is_no_way_around_the_guard() {
    locally(async {
        let inside = Peer::saying(answer(200, "", "secret")).await;
        for target in [inside.url("/admin"), inside.url("/admin").replace("127.0.0.1", "localhost")] {
            let door = Peer::saying(redirect(302, &target)).await;
            let outcome = guarded(&[door.url("/")]).fetch(Request::get(&door.url("/")), LIMIT).await;
            assert!(matches!(outcome, Err(Error::Refused { .. })), "{outcome:?}");
        }
        assert!(inside.seen().is_empty(), "nothing was sent");
    })
    .await;
}
