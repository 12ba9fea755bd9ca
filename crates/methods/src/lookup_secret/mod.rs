//! Backup codes as a second factor, each good once (NIST SP 800-63B §3.1.2, "look-up secrets").

mod login;
mod settings;
#[cfg(test)]
mod tests;

use flow::{InputClaims, LoginMethod, Method, SettingsMethod};
use model::go::null_is_empty;
use model::{Aal, Credential, Entropy, Group, Node, Problem, RawJson, Timestamp, ZERO_TIME, message};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is meant for this method.
pub const CLAIMS: InputClaims = InputClaims {
    login: |flow, input| flow.detail.requested_aal == Aal::Aal2 && input.method() == "lookup_secret",
    settings: |input| BUTTONS.iter().any(|button| input.flag(button)),
    ..InputClaims::of("lookup_secret")
};

/// The buttons of the settings form.
const BUTTONS: [&str; 4] =
    ["lookup_secret_confirm", "lookup_secret_disable", "lookup_secret_regenerate", "lookup_secret_reveal"];

/// The lookup_secret method.
pub struct LookupSecret;

impl Method for LookupSecret {
    fn name(&self) -> &'static str {
        "lookup_secret"
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

/// How many codes a person gets.
const COUNT: usize = 12;
/// 8 of 36 characters carry 41 bits.
const LENGTH: usize = 8;
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The `config` of a lookup_secret credential, as Kratos keeps it.
#[derive(Default, Serialize, Deserialize)]
struct LookupConfig {
    #[serde(default, deserialize_with = "null_is_empty")]
    recovery_codes: Vec<RecoveryCode>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// One code, in clear text: people may want to see those that are left.
#[derive(Serialize, Deserialize)]
struct RecoveryCode {
    code: String,
    /// When it was used; null until then.
    #[serde(default)]
    used_at: Option<Timestamp>,
}

/// What became of an attempt to use a code.
#[derive(Debug, PartialEq, Eq)]
enum Use {
    /// It was good, and is not any more.
    Spent,
    AlreadyUsed,
    Unknown,
}

impl LookupConfig {
    /// New codes.
    fn generate(entropy: &Entropy) -> Self {
        let code = |_| RecoveryCode { code: entropy.string(ALPHABET, LENGTH), used_at: None };
        Self { recovery_codes: (0..COUNT).map(code).collect(), others: Map::new() }
    }

    fn of(credential: &Credential) -> Self {
        serde_json::from_str(credential.config.as_str()).unwrap_or_default()
    }

    /// Uses a code up, if it is one of these. The time that this takes does not tell which.
    fn spend(&mut self, code: &str, now: Timestamp) -> Use {
        let mut same: Vec<&mut RecoveryCode> =
            self.recovery_codes.iter_mut().filter(|known| crypto::tokens::same(&known.code, code)).collect();
        if code.is_empty() || same.is_empty() {
            return Use::Unknown;
        }
        let Some(unused) = same.iter_mut().find(|known| known.used_at().is_none()) else { return Use::AlreadyUsed };
        unused.used_at = Some(Timestamp::from_second(now.as_second()).unwrap_or(now));
        Use::Spent
    }

    /// The node that shows the codes; of those that are used up it says when that was.
    fn node(&self) -> Node {
        let said = |known: &RecoveryCode| match known.used_at() {
            Some(used_at) => message::lookup_secret_used(used_at),
            None => message::lookup_secret(&known.code),
        };
        let codes: Vec<_> = self.recovery_codes.iter().map(said).collect();
        Node::text("lookup_secret_codes", Group::LookupSecret, message::lookup_secret_list(&codes))
            .with_label(message::lookup_secrets_label())
    }

    fn to_json(&self) -> Result<RawJson, Problem> {
        serde_json::to_value(self).map(|config| RawJson::from_value(&config)).map_err(Problem::internal)
    }
}

impl RecoveryCode {
    /// When it was used. Some clients of the admin API write "never" as Go's zero time.
    fn used_at(&self) -> Option<Timestamp> {
        self.used_at.filter(|time| *time != ZERO_TIME)
    }
}
