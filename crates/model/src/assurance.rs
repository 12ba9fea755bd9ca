//! Authenticator assurance levels (NIST SP 800-63B §4) and what a sign-in proved.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::go::to_lower;

/// How sure a sign-in is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aal {
    /// Nothing was proved.
    Aal0,
    /// One factor.
    #[default]
    Aal1,
    /// Two factors.
    Aal2,
}

impl Aal {
    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aal0 => "aal0",
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "aal0" => Some(Self::Aal0),
            "aal1" => Some(Self::Aal1),
            "aal2" => Some(Self::Aal2),
            _ => None,
        }
    }
}

/// Which level a route asks for (`session.whoami.required_aal`, `selfservice.flows.settings.required_aal`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredAal {
    /// One factor will do.
    Aal1,
    /// As many factors as the person has set up.
    HighestAvailable,
}

/// One completed step of a sign-in, as kept in `sessions.authentication_methods`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationMethod {
    /// The method's name: `password`, `totp`, `code_recovery` …
    pub method: String,
    /// The level that the step proves. Rows older than Kratos v0.9 lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aal: Option<Aal>,
    /// When the step was completed. Rows older than Kratos v0.9 may lack it.
    #[serde(default = "zero_time")]
    pub completed_at: Timestamp,
    /// The social provider, for `oidc`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider: String,
    /// The organization that the provider belongs to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub organization: String,
    /// The level that the social provider says it has assured (`acr`), where it says one. Ours; Kratos passes over it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acr: String,
    /// The address that the code or link was sent to, where the step proves one. Ours, kept with the session (see
    /// [`stored_methods`]); clients are not told.
    #[serde(default, skip_serializing)]
    pub address: String,
}

fn zero_time() -> Timestamp {
    crate::ZERO_TIME
}

impl AuthenticationMethod {
    /// A step completed with `method` at `completed_at`.
    pub fn new(method: impl Into<String>, aal: Aal, completed_at: Timestamp) -> Self {
        Self {
            method: method.into(),
            aal: Some(aal),
            completed_at,
            provider: String::new(),
            organization: String::new(),
            acr: String::new(),
            address: String::new(),
        }
    }

    /// Whether the step proves that somebody reads what is sent to an address.
    fn is_by_message(&self) -> bool {
        matches!(self.method.as_str(), "code" | "code_recovery" | "link_recovery")
    }

    /// Whether this proves, as far as is known, that somebody reads what is sent to `address`.
    fn may_prove(&self, address: &str) -> bool {
        let is_unknown = self.address.is_empty() || address.is_empty();
        self.is_by_message() && (is_unknown || to_lower(&self.address) == to_lower(address))
    }

    /// The level of this step; for old rows it follows from the method.
    fn level(&self) -> Option<Aal> {
        self.aal.or(match self.method.as_str() {
            "oidc" | "password" | "code_recovery" | "link_recovery" | "v0.6_legacy_session" => Some(Aal::Aal1),
            "webauthn" | "totp" | "lookup_secret" => Some(Aal::Aal2),
            _ => None,
        })
    }
}

/// Whether a code that is sent to `address` would prove no more than the first factor of these steps has proved: a code or a
/// link that was sent there, and nothing else. Of steps that do not say where that was it is assumed.
pub fn is_mailbox_of_first(methods: &[AuthenticationMethod], address: &str) -> bool {
    let mut first = methods.iter().filter(|method| method.level() == Some(Aal::Aal1)).peekable();
    first.peek().is_some() && first.all(|method| method.may_prove(address))
}

/// The steps as they are kept with a session, in JSON: with the addresses that they prove.
pub fn stored_methods(methods: &[AuthenticationMethod]) -> String {
    #[derive(Serialize)]
    struct Stored<'a> {
        #[serde(flatten)]
        method: &'a AuthenticationMethod,
        #[serde(skip_serializing_if = "str::is_empty")]
        address: &'a str,
    }
    let stored = |method| Stored { method, address: &method.address };
    let stored: Vec<_> = methods.iter().map(stored).collect();
    serde_json::to_string(&stored).unwrap_or_else(|_| "[]".to_owned())
}

/// The level that these steps add up to: two factors need a first-factor step and a second-factor step. Two proofs of one
/// mailbox are one factor.
pub fn level_of(methods: &[AuthenticationMethod]) -> Aal {
    let has_first = methods.iter().any(|method| method.level() == Some(Aal::Aal1));
    let is_second = |method: &AuthenticationMethod| {
        let adds = !method.is_by_message() || !is_mailbox_of_first(methods, &method.address);
        method.level() == Some(Aal::Aal2) && adds
    };
    match (methods.is_empty(), has_first && methods.iter().any(is_second)) {
        (true, _) => Aal::Aal0,
        (false, true) => Aal::Aal2,
        (false, false) => Aal::Aal1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(method: &str, aal: Aal, address: &str) -> AuthenticationMethod {
        AuthenticationMethod { address: address.to_owned(), ..AuthenticationMethod::new(method, aal, crate::ZERO_TIME) }
    }

    #[test]
    fn two_proofs_of_one_mailbox_are_one_factor() {
        let check = |first: (&str, &str), second: (&str, &str), expected| {
            let steps = [step(first.0, Aal::Aal1, first.1), step(second.0, Aal::Aal2, second.1)];
            assert_eq!(level_of(&steps), expected, "{first:?} {second:?}");
        };
        for recovery in ["code_recovery", "link_recovery", "code"] {
            check((recovery, "a@b.c"), ("code", "a@b.c"), Aal::Aal1);
            check((recovery, "A@b.c"), ("code", "a@B.c"), Aal::Aal1);
            check((recovery, "a@b.c"), ("code", "+491"), Aal::Aal2);
            check((recovery, "a@b.c"), ("totp", ""), Aal::Aal2);
            // As Kratos keeps them: it may have been the same.
            check((recovery, ""), ("code", ""), Aal::Aal1);
            check((recovery, ""), ("code", "a@b.c"), Aal::Aal1);
        }
        check(("password", ""), ("code", "a@b.c"), Aal::Aal2);
        check(("password", ""), ("code", ""), Aal::Aal2);
        let mut steps = vec![step("code_recovery", Aal::Aal1, "a@b.c"), step("code", Aal::Aal2, "a@b.c")];
        steps.push(step("password", Aal::Aal1, ""));
        assert_eq!(level_of(&steps), Aal::Aal2, "with the password the mailbox is a second factor");
    }

    #[test]
    fn addresses_are_stored_and_not_shown() {
        let steps = vec![step("code", Aal::Aal1, "a@b.c"), step("password", Aal::Aal1, "")];
        let stored = stored_methods(&steps);
        assert_eq!(serde_json::from_str::<Vec<AuthenticationMethod>>(&stored).expect("steps"), steps);
        assert_eq!(stored.matches("address").count(), 1);
        assert!(!serde_json::to_string(&steps).expect("JSON").contains("address"));
    }
}
