//! Whose tries are counted together.

use model::{Aal, IdentityId, SignedDuration, Timestamp, Uuid};
use store::{MOST_FAILURES, Try};

use crate::client::{Client, Hashes};

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Factor {
    /// A password.
    Password,
    /// A code that was sent, to sign in or up.
    Code,
    /// The code of an authenticator app.
    Totp,
    /// A backup code.
    LookupSecret,
    /// A security key.
    Webauthn,
    /// A passkey.
    Passkey,
    /// What a provider says.
    Oidc,
    /// A code or link that was sent, to win back access.
    Recovery,
    /// A code or link that was sent, to verify an address.
    Verification,
    /// The codes that a native app gets a session for.
    Exchange,
}

impl Factor {
    /// The kind of the rows that count messages.
    pub(crate) const MESSAGES: &'static str = "messages";

    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Password,
        Self::Code,
        Self::Totp,
        Self::LookupSecret,
        Self::Webauthn,
        Self::Passkey,
        Self::Oidc,
        Self::Recovery,
        Self::Verification,
        Self::Exchange,
    ];

    /// How many tries may be under way at once. Honest people sign in to one account from several places at the same moment,
    /// with its password; nothing else is proved like that.
    pub(crate) const fn burst(self) -> i32 {
        match self {
            Self::Password => MOST_FAILURES,
            _ => 1,
        }
    }

    /// The name in logs, metrics and lists.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
            Self::Totp => "totp",
            Self::LookupSecret => "lookup_secret",
            Self::Webauthn => "webauthn",
            Self::Passkey => "passkey",
            Self::Oidc => "oidc",
            Self::Recovery => "recovery",
            Self::Verification => "verification",
            Self::Exchange => "token_exchange",
        }
    }
}

/// How long failures are remembered after the last of them.
const MEMORY: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The same where what is guessed is not there for long.
const SHORT_MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// Whose tries are counted together: somebody's with one factor, those at one address, those in one flow.
#[derive(Clone, Debug)]
pub struct Subject {
    pub(crate) factor: Factor,
    /// Whose account it is, as far as there is one.
    pub(crate) account: Option<IdentityId>,
    /// The row of those who were never here.
    row: String,
    /// By what known devices are looked for; empty where none can be.
    known: String,
    memory: SignedDuration,
}

impl Subject {
    pub(crate) fn account(hashes: &Hashes, factor: Factor, aal: Aal, identity: IdentityId) -> Self {
        Self {
            factor,
            account: Some(identity),
            row: hashes.factor(factor, aal, identity),
            known: hashes.account(aal, identity),
            memory: MEMORY,
        }
    }

    pub(crate) fn nobody(hashes: &Hashes, factor: Factor, typed: &str) -> Self {
        let row = hashes.address(factor.as_str(), typed, false);
        Self { factor, account: None, row, known: String::new(), memory: MEMORY }
    }

    pub(crate) fn address(
        hashes: &Hashes,
        factor: Factor,
        address: &str,
        (is_known, owner): (bool, Option<IdentityId>),
    ) -> Self {
        Self {
            factor,
            account: owner,
            row: hashes.address(factor.as_str(), address, is_known),
            known: owner.map(|owner| hashes.account(Aal::Aal1, owner)).unwrap_or_default(),
            memory: MEMORY,
        }
    }

    pub(crate) fn passing(hashes: &Hashes, factor: Factor, id: Uuid) -> Self {
        let row = hashes.passing(factor, id);
        Self { factor, account: None, row, known: String::new(), memory: SHORT_MEMORY }
    }

    pub(crate) fn reserving<'a>(&'a self, client: &'a Client, now: Timestamp) -> Try<'a> {
        Try {
            kind: self.factor.as_str(),
            subject: &self.row,
            known: &self.known,
            devices: client.devices(),
            prefix: client.prefix(),
            expires_at: now.saturating_add(self.memory).unwrap_or(now),
            burst: self.factor.burst(),
        }
    }
}
