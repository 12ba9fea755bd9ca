//! Sessions: issuing them, telling what a request proves, and ending them.
//!
//! A session is one row of the database, for browsers and native apps alike. Its token proves it, in a cookie or in a
//! header, and changes as the person proves more; its logout token, which stays the same for the session's whole life,
//! ends it in a browser. Nothing is cached: a session that has ended, in whatever way, is dead at that instant on every
//! route and on every node.

mod admin;
mod credentials;
mod denied;
mod exchange;
mod find;
mod issue;
mod logout;
mod own;
mod page;
mod policy;
mod refusal;
mod rotation;
mod tokenize;

#[cfg(test)]
mod tests;

pub use admin::{AdminListQuery, Expand};
pub use credentials::{RequestCredentials, Via};
pub use denied::{Denied, RefreshRequired, SecondFactorRequired, session_inactive};
pub use find::{Found, Lookup, StepUp};
pub use issue::SessionCookieValue;
pub use logout::{Ended, LogoutToken};
pub use policy::Policy;
pub use refusal::Refusal;
pub use tokenize::Tokenizer;

use config::Config;
use crypto::CookieCodec;
use model::SignedDuration;
use store::Store;

/// How long a cookie that ends with the browser is accepted, however long its session lives.
const TRANSIENT_COOKIE_LIFESPAN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Everything that can be done with sessions, under one configuration.
pub struct Sessions {
    store: Store,
    policy: Policy,
    cookies: CookieCodec,
}

impl Sessions {
    /// Sessions of `store`, under a configuration.
    pub fn new(store: Store, config: &Config) -> Self {
        Self::with_policy(store, Policy::of(config))
    }

    /// Sessions of `store`, under `policy`.
    pub fn with_policy(store: Store, policy: Policy) -> Self {
        let max_age = if policy.cookie_persistent { policy.lifespan } else { TRANSIENT_COOKIE_LIFESPAN };
        let cookies = CookieCodec::new(&policy.cookie_name, &policy.cookie_secrets, max_age);
        Self { store, policy, cookies }
    }

    /// The rules that sessions are under.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}
