//! Authenticator apps as a second factor (RFC 6238, NIST SP 800-63B §3.1.4).

mod key;
mod login;
mod qr;
mod settings;
#[cfg(test)]
mod tests;

use crypto::TotpSecret;
use flow::{InputClaims, LoginMethod, Method, SettingsMethod};
use model::{Aal, Credential, Problem, RawJson};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is meant for this method.
pub const CLAIMS: InputClaims = InputClaims {
    login: |flow, input| flow.detail.requested_aal == Aal::Aal2 && input.method() == "totp",
    settings: |input| input.method() == "totp" || input.flag("totp_unlink"),
    ..InputClaims::of("totp")
};

/// The totp method.
pub struct Totp;

impl Method for Totp {
    fn name(&self) -> &'static str {
        "totp"
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

/// The `config` of a totp credential, as Kratos keeps it, and one member more.
#[derive(Default, Serialize, Deserialize)]
struct TotpConfig {
    /// The key URI that the app was given, in clear text.
    totp_url: String,
    /// The step of time whose code was used last: no code is good twice (RFC 6238 §5.2). Kratos ignores it and keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zelus_last_step: Option<u64>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl TotpConfig {
    fn new(totp_url: String, step: u64) -> Self {
        Self { totp_url, zelus_last_step: Some(step), others: Map::new() }
    }

    fn of(credential: &Credential) -> Self {
        serde_json::from_str(credential.config.as_str()).unwrap_or_default()
    }

    fn secret(&self) -> Option<TotpSecret> {
        key::secret_of(&self.totp_url)
    }

    fn to_json(&self) -> Result<RawJson, Problem> {
        serde_json::to_value(self).map(|config| RawJson::from_value(&config)).map_err(Problem::internal)
    }
}
