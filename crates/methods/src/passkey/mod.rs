//! Passkeys: keys that a device keeps and that say whose they are, so that nothing needs to be typed.

mod login;
mod registration;
mod settings;

use config::RelyingParty;
use flow::{InputClaims, LoginMethod, Method, RegistrationMethod, SettingsMethod};
use model::{Aal, AuthenticationMethod, CredentialType, Cx, Entropy};

use crate::keys::{Ceremony, Site};

const KIND: CredentialType = CredentialType::Passkey;

/// What is meant for this method.
pub const CLAIMS: InputClaims = InputClaims {
    login: |flow, input| flow.detail.requested_aal == Aal::Aal1 && input.method() == "passkey",
    ..InputClaims::of("passkey")
};

/// The passkey method.
pub struct Passkey {
    site: Site,
}

impl Passkey {
    /// Passkeys of this relying party.
    pub fn new(relying_party: RelyingParty) -> Self {
        Self { site: Site { ceremony: Ceremony::Passkey, relying_party } }
    }
}

impl Method for Passkey {
    fn name(&self) -> &'static str {
        "passkey"
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

/// A new user handle, by which a passkey finds its person: 64 letters and digits, the longest that there may be. It
/// says nothing about the person (Web Authentication §14.6.1).
fn new_handle(entropy: &Entropy) -> String {
    const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    entropy.string(ALPHABET, 64)
}

/// That a passkey was just shown.
fn proved(cx: &Cx) -> AuthenticationMethod {
    AuthenticationMethod::new(KIND.as_str(), Aal::Aal1, cx.now())
}
