//! What a request shows of the browser or app that it comes from.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use config::Networks;
use crypto::{CsrfToken, tokens};
use model::{Aal, Identity, IdentityId, Secret, Uuid, client_network, normalise_address};

use crate::subject::Factor;

/// In so many buckets is counted what concerns nobody: accounts and addresses that there are not. Filling them all takes
/// millions of tries, each as dear as one at somebody's account.
const BUCKETS: u32 = 1 << 18;

/// Makes the keyed hashes that stand in the database.
#[derive(Clone)]
pub(crate) struct Hashes(Secret);

impl Hashes {
    pub fn new(key: Secret) -> Self {
        Self(key)
    }

    fn hash(&self, what: &str, whose: &str) -> String {
        tokens::pseudonym(&self.0, &format!("guard {what}"), whose)
    }

    /// The row of one factor of an account.
    pub fn factor(&self, factor: Factor, aal: Aal, identity: IdentityId) -> String {
        self.hash(factor.as_str(), &format!("{} {identity}", aal.as_str()))
    }

    /// By what known devices of an account are looked for. One that has shown the first factor alone is none that has shown
    /// the second.
    pub fn account(&self, aal: Aal, identity: IdentityId) -> String {
        self.hash("account", &format!("{} {identity}", aal.as_str()))
    }

    /// The row of an address or identifier: of its own if somebody has it, otherwise one of a fixed number.
    pub fn address(&self, what: &str, address: &str, is_known: bool) -> String {
        let own = self.hash(&format!("address {what}"), &normalise_address(address));
        if is_known {
            return own;
        }
        self.bucket(what, bucket_of(&own))
    }

    fn bucket(&self, what: &str, bucket: u32) -> String {
        self.hash(&format!("bucket {what}"), &bucket.to_string())
    }

    pub fn passing(&self, factor: Factor, id: Uuid) -> String {
        self.hash(&format!("passing {}", factor.as_str()), &id.to_string())
    }

    pub fn browser(&self, csrf: &CsrfToken) -> String {
        self.hash("browser", &csrf.cookie_value())
    }

    pub fn app(&self, token: &Secret) -> String {
        self.hash("app", token.expose())
    }

    pub fn client_address(&self, address: IpAddr) -> String {
        self.hash("client address", &address.to_string())
    }

    fn prefix(&self, prefix: Prefix) -> String {
        self.hash("prefix", &prefix.to_string())
    }

    /// Every row that concerns an account, which comes with its credentials, or one of its addresses and identifiers.
    pub fn all_of(&self, identity: &Identity) -> Vec<String> {
        let identifiers = identity.credentials.values().flat_map(|credential| &credential.identifiers);
        let verifiable = identity.verifiable_addresses.iter().map(|address| &address.value);
        let recovery = identity.recovery_addresses.iter().map(|address| &address.value);
        let addresses: BTreeSet<&String> = identifiers.chain(verifiable).chain(recovery).collect();
        let levels = [Aal::Aal1, Aal::Aal2];
        let mut rows: Vec<String> = levels.iter().map(|aal| self.account(*aal, identity.id)).collect();
        for factor in Factor::ALL {
            rows.extend(levels.iter().map(|aal| self.factor(factor, *aal, identity.id)));
            rows.extend(addresses.iter().map(|address| self.address(factor.as_str(), address, true)));
        }
        rows.extend(addresses.iter().map(|address| self.address(Factor::MESSAGES, address, true)));
        rows
    }
}

/// In which bucket something is counted that has this hash.
fn bucket_of(hash: &str) -> u32 {
    hash.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % BUCKETS
}

/// A network that one client is taken to have to itself: a /24 of IPv4, a /48 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix(IpAddr);

impl Prefix {
    pub fn of(address: IpAddr) -> Self {
        Self(client_network(address))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.0.is_ipv4() { 24 } else { 48 };
        write!(f, "{}/{bits}", self.0)
    }
}

/// What a request shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown<'a> {
    /// The anti-CSRF cookie of a browser.
    pub csrf: Option<&'a CsrfToken>,
    /// The session token that an app sends along, be the session over or not.
    pub token: Option<&'a Secret>,
    /// The client's address, as it is counted.
    pub address: Option<IpAddr>,
    /// Whether a native app sent it, which is known by its address too.
    pub is_native: bool,
}

/// What tries of a client are counted by.
#[derive(Clone, Debug)]
pub struct Client {
    browser: String,
    app: String,
    address: String,
    prefix: Option<(Prefix, String)>,
}

impl Client {
    /// Addresses of proxies and services of one's own say nothing of who is behind them.
    pub(crate) fn new(hashes: &Hashes, shown: &Shown<'_>, own_networks: &Networks) -> Self {
        let address = shown.address.filter(|address| !own_networks.contain(*address));
        let prefix = address.map(Prefix::of);
        Self {
            browser: shown.csrf.map(|csrf| hashes.browser(csrf)).unwrap_or_default(),
            app: shown.token.map(|token| hashes.app(token)).unwrap_or_default(),
            address: address.filter(|_| shown.is_native).map(|it| hashes.client_address(it)).unwrap_or_default(),
            prefix: prefix.map(|prefix| (prefix, hashes.prefix(prefix))),
        }
    }

    /// What the client may be known by, what says most first. Empty texts are nothing.
    pub(crate) fn devices(&self) -> [&str; 3] {
        [&self.browser, &self.app, &self.address]
    }

    pub(crate) fn browser(&self) -> &str {
        &self.browser
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The row of the client's prefix; empty if it has none.
    pub(crate) fn prefix(&self) -> &str {
        self.prefix.as_ref().map_or("", |(_, row)| row)
    }

    pub(crate) fn prefix_shown(&self) -> Option<Prefix> {
        self.prefix.as_ref().map(|(prefix, _)| *prefix)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clients_are_told_apart_by_their_networks() {
        let shown = |address: &str| Prefix::of(address.parse().expect("an address")).to_string();
        assert_eq!(shown("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(shown("::ffff:192.0.2.77"), "192.0.2.0/24");
        assert_eq!(shown("2001:db8:1:2:3::4"), "2001:db8:1::/48");
    }

    proptest! {
        #[test]
        fn nobody_fills_no_more_than_the_buckets(typed: String, other: String) {
            let hashes = Hashes::new(Secret::from("a-secret-of-the-guard-of-32-bytes"));
            let bucket = hashes.address("password", &typed, false);
            let own = hashes.address("password", &typed, true);
            prop_assert!(bucket_of(&own) < BUCKETS);
            prop_assert_eq!(&bucket, &hashes.bucket("password", bucket_of(&own)));
            prop_assert_eq!(own.len(), bucket.len());
            prop_assert_ne!(own, bucket);
            if normalise_address(&typed) != normalise_address(&other) {
                prop_assert_ne!(hashes.address("code", &typed, true), hashes.address("code", &other, true));
            }
        }
    }
}
