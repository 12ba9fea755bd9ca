//! The questions that browsers are asked, and the checks of their answers (Web Authentication §7).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use config::RelyingParty;
use crypto::webauthn::{ALGORITHMS, Assertion, Creation, Expected, NewKey, WebAuthnError};
use model::{CredentialType, Cx, Timestamp, ZERO_TIME};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::stored::{Bytes, Key, Keys};

/// How long a browser waits for the person, in milliseconds: shorter where nobody has to be recognised.
const TIMEOUT: u32 = 300_000;
const TIMEOUT_WITHOUT_VERIFICATION: u32 = 120_000;

/// Which method asks: they differ in what they want of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ceremony {
    /// Any key, which need not check who uses it.
    SecurityKey,
    /// A key that this device keeps, by which people are found.
    Passkey,
}

impl Ceremony {
    pub fn credential_type(self) -> CredentialType {
        match self {
            Self::SecurityKey => CredentialType::Webauthn,
            Self::Passkey => CredentialType::Passkey,
        }
    }

    fn user_verification(self) -> &'static str {
        match self {
            Self::SecurityKey => "discouraged",
            Self::Passkey => "preferred",
        }
    }

    fn timeout(self) -> u32 {
        match self {
            Self::SecurityKey => TIMEOUT_WITHOUT_VERIFICATION,
            Self::Passkey => TIMEOUT,
        }
    }

    fn selection(self) -> Value {
        let user_verification = self.user_verification();
        match self {
            Self::SecurityKey => json!({ "userVerification": user_verification }),
            Self::Passkey => json!({
                "authenticatorAttachment": "platform",
                "requireResidentKey": true,
                "residentKey": "required",
                "userVerification": user_verification,
            }),
        }
    }
}

/// A method and the relying party that it acts for.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub ceremony: Ceremony,
    pub relying_party: RelyingParty,
}

/// What a flow keeps of a question, in the form of Kratos' library: forms that were opened before one server took the
/// other's place can be answered after.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Challenge {
    challenge: String,
    #[serde(rename = "rpId", default)]
    rp_id: String,
    /// Whose keys may answer, or whose the new key will be; none where anybody may.
    #[serde(default)]
    user_id: Bytes,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allowed_credentials: Vec<Bytes>,
    /// Never: the flow itself expires.
    #[serde(default = "never")]
    expires: Timestamp,
    #[serde(rename = "userVerification", default)]
    user_verification: String,
}

impl Site {
    /// Asks for a new key of the person who goes by `handle`, called `name` in the browser; gives back the options of
    /// `navigator.credentials.create`.
    pub fn ask_for_new_key(&self, cx: &Cx, handle: &[u8], name: Option<&str>) -> (Value, Challenge) {
        let RelyingParty { id, display_name, .. } = &self.relying_party;
        let name = name.unwrap_or(display_name);
        let challenge = self.challenge(cx, handle);
        let algorithms: Vec<Value> =
            ALGORITHMS.iter().map(|algorithm| json!({ "type": "public-key", "alg": algorithm })).collect();
        let options = json!({
            "rp": { "name": display_name, "id": id },
            "user": { "name": name, "displayName": name, "id": BASE64_URL_SAFE_NO_PAD.encode(handle) },
            "challenge": challenge.challenge,
            "pubKeyCredParams": algorithms,
            "timeout": self.ceremony.timeout(),
            "authenticatorSelection": self.ceremony.selection(),
        });
        (json!({ "publicKey": options }), challenge)
    }

    /// Asks for one of these keys of the person who goes by `handle`, or for any passkey without them; gives back the
    /// options of `navigator.credentials.get`.
    pub fn ask_for_key(&self, cx: &Cx, handle: &[u8], keys: &[&Key]) -> (Value, Challenge) {
        let mut challenge = self.challenge(cx, handle);
        challenge.allowed_credentials = keys.iter().map(|key| key.id.clone()).collect();
        let mut options = json!({
            "challenge": challenge.challenge,
            "timeout": self.ceremony.timeout(),
            "rpId": self.relying_party.id,
            "userVerification": self.ceremony.user_verification(),
        });
        if !keys.is_empty() {
            let allowed = |key: &&Key| {
                let mut allowed = json!({ "type": "public-key", "id": BASE64_URL_SAFE_NO_PAD.encode(&key.id.0) });
                if let Some(transports) = key.transport.as_ref().filter(|transports| !transports.is_empty()) {
                    allowed["transports"] = json!(transports);
                }
                allowed
            };
            options["allowCredentials"] = keys.iter().map(allowed).collect();
        }
        (json!({ "publicKey": options }), challenge)
    }

    fn challenge(&self, cx: &Cx, handle: &[u8]) -> Challenge {
        Challenge {
            challenge: BASE64_URL_SAFE_NO_PAD.encode(cx.entropy.bytes::<32>()),
            rp_id: self.relying_party.id.clone(),
            user_id: Bytes(handle.to_vec()),
            allowed_credentials: Vec::new(),
            expires: ZERO_TIME,
            user_verification: self.ceremony.user_verification().to_owned(),
        }
    }

    /// Checks the answer to [`Site::ask_for_new_key`].
    pub fn new_key(&self, challenge: &Challenge, creation: &Creation) -> Result<NewKey, WebAuthnError> {
        creation.verify(&self.expected(challenge))
    }

    /// Checks the answer to [`Site::ask_for_key`] by the keys of whoever it says it is, of which `may_answer` picks
    /// those that count, and notes the use. Gives back the key.
    pub fn used_key<'a>(
        &self,
        challenge: &Challenge,
        assertion: &Assertion,
        keys: &'a mut Keys,
        may_answer: impl Fn(&Key) -> bool,
    ) -> Result<&'a Key, WebAuthnError> {
        let allowed = &challenge.allowed_credentials;
        let is_allowed = allowed.is_empty() || allowed.iter().any(|id| id.0 == assertion.credential_id);
        let used = keys.credentials.iter_mut().find(|key| key.id.0 == assertion.credential_id);
        let used = used.filter(|key| is_allowed && may_answer(key)).ok_or(WebAuthnError::UnknownKey)?;
        assertion.verify(&self.expected(challenge), &used.public_key.0)?;
        if !used.has_same_backup(assertion) {
            return Err(WebAuthnError::WrongBackupFlags);
        }
        used.note_use(assertion);
        Ok(used)
    }

    fn expected<'a>(&'a self, challenge: &'a Challenge) -> Expected<'a> {
        Expected {
            challenge: &challenge.challenge,
            rp_id: &self.relying_party.id,
            origins: &self.relying_party.origins,
            user_verification: challenge.user_verification == "required",
        }
    }

    /// Keeps a question in a flow.
    pub fn keep(&self, context: &mut Map<String, Value>, challenge: &Challenge) {
        context.insert(self.member(), json!(challenge));
    }

    /// The question that a flow has asked and that was not answered yet.
    pub fn kept(&self, context: &Map<String, Value>) -> Option<Challenge> {
        serde_json::from_value(context.get(&self.member())?.clone()).ok()
    }

    /// Takes a question out of a flow: it is answered.
    pub fn forget(&self, context: &mut Map<String, Value>) {
        context.remove(&self.member());
    }

    /// Kratos' name for it.
    fn member(&self) -> String {
        format!("{}_session_data", self.ceremony.credential_type().as_str())
    }

    /// Where a sign-up keeps the options that it shows, which stay the same from screen to screen.
    pub fn options_member(&self) -> String {
        format!("{}_session_options", self.ceremony.credential_type().as_str())
    }
}

impl Challenge {
    /// Whom a new key will belong to, or whose keys may answer.
    pub fn handle(&self) -> &[u8] {
        &self.user_id.0
    }
}

fn never() -> Timestamp {
    ZERO_TIME
}
