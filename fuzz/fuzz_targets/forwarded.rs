//! Nothing that a client sends may choose the address that it is counted by, or upset the reader.
#![no_main]

use std::net::IpAddr;

use config::Networks;
use libfuzzer_sys::fuzz_target;
use web::TrustedProxies;

fuzz_target!(|input: (IpAddr, Vec<&[u8]>)| {
    let (seen, forged) = input;
    let networks = Networks::new(["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"]);
    let proxies = TrustedProxies::of(networks.clone(), "X-Forwarded-For");
    let proxy = IpAddr::from([10, 0, 0, 1]);

    // Whatever comes through a proxy is an address, and never that of another proxy.
    let client = proxies.client(Some(proxy), forged.iter().copied());
    assert!(client.is_some_and(|client| client == proxy || !networks.contain(client)));

    let seen = seen.to_canonical();
    if !networks.contain(seen) {
        let added = format!("{seen}, 10.0.0.2");
        let lists = forged.iter().copied().chain([added.as_bytes()]);
        assert_eq!(proxies.client(Some(proxy), lists.collect::<Vec<_>>().into_iter()), Some(seen));
        assert_eq!(proxies.client(Some(seen), forged.into_iter()), Some(seen));
    }
});
