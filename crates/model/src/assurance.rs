//! Authenticator assurance levels (NIST SP 800-63B §4) and what a sign-in proved.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

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
        }
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

/// The level that these steps add up to: two factors need a first-factor step and a second-factor step.
pub fn level_of(methods: &[AuthenticationMethod]) -> Aal {
    let proves = |aal| methods.iter().any(|method| method.level() == Some(aal));
    match (methods.is_empty(), proves(Aal::Aal1) && proves(Aal::Aal2)) {
        (true, _) => Aal::Aal0,
        (false, true) => Aal::Aal2,
        (false, false) => Aal::Aal1,
    }
}
