//! The `config` of a webauthn or passkey credential, as Kratos keeps it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crypto::webauthn::{Assertion, Flags, NewKey};
use model::go::null_is_empty;
use model::{Credential, CredentialType, Cx, Identity, Message, Problem, RawJson, Timestamp, ZERO_TIME, message};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::aaguid;

/// All keys of a person of one type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Keys {
    #[serde(default, deserialize_with = "null_is_empty")]
    pub credentials: Vec<Key>,
    /// Whom the keys say they belong to. Passkeys each have a handle of their own; this is the last one's.
    #[serde(default)]
    pub user_handle: Bytes,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub id: Bytes,
    /// A COSE key.
    pub public_key: Bytes,
    #[serde(default)]
    attestation_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authenticator: Option<Authenticator>,
    #[serde(default)]
    pub display_name: String,
    #[serde(default = "never")]
    pub added_at: Timestamp,
    /// Whether the key is a first factor.
    #[serde(default)]
    pub is_passwordless: bool,
    /// Missing in what older versions of Kratos stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flags: Option<StoredFlags>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Vec<String>>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Authenticator {
    #[serde(default)]
    aaguid: Bytes,
    #[serde(default)]
    sign_count: u32,
    #[serde(default)]
    clone_warning: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct StoredFlags {
    user_present: bool,
    user_verified: bool,
    backup_eligible: bool,
    backup_state: bool,
}

/// Bytes in padded base64, as Go writes them; `null` for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes(pub Vec<u8>);

impl Keys {
    pub fn of(credential: &Credential) -> Self {
        serde_json::from_str(credential.config.as_str()).unwrap_or_default()
    }

    /// The keys of this kind that a person has.
    pub fn held_by(identity: &Identity, kind: CredentialType) -> Self {
        identity.credentials.get(&kind).map(Self::of).unwrap_or_default()
    }

    /// A person's first key, which says that it belongs to `handle`.
    pub fn first(key: Key, handle: &[u8]) -> Self {
        Self { credentials: vec![key], user_handle: Bytes(handle.to_vec()), ..Self::default() }
    }

    /// Adds a key, which says that it belongs to `handle`.
    ///
    /// # Errors
    /// What to say when the key is there already.
    pub fn add(&mut self, key: Key, handle: &[u8]) -> Result<(), Message> {
        if self.credentials.iter().any(|known| known.id == key.id) {
            return Err(message::generic("This key is in use for your account already."));
        }
        self.user_handle = Bytes(handle.to_vec());
        self.credentials.push(key);
        Ok(())
    }

    pub fn to_json(&self) -> Result<RawJson, Problem> {
        serde_json::to_value(self).map(|config| RawJson::from_value(&config)).map_err(Problem::internal)
    }
}

impl Key {
    /// A key that was just made.
    pub fn new(cx: &Cx, key: NewKey, display_name: Option<&str>, is_passwordless: bool) -> Self {
        let now = cx.now();
        let name = display_name.or_else(|| aaguid::name_of(&key.aaguid));
        Self {
            id: Bytes(key.id),
            public_key: Bytes(key.public_key),
            attestation_type: key.attestation_format,
            authenticator: Some(Authenticator {
                aaguid: Bytes(key.aaguid.to_vec()),
                sign_count: key.sign_count,
                clone_warning: false,
            }),
            display_name: name.unwrap_or_default().to_owned(),
            added_at: Timestamp::from_second(now.as_second()).unwrap_or(now),
            is_passwordless,
            flags: Some(key.flags.into()),
            transport: None,
            others: Map::new(),
        }
    }

    /// What a settings form calls the key by.
    pub fn id_in_hex(&self) -> String {
        self.id.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether the key says the same of its backup as it always did (Web Authentication §6.1.3).
    pub fn has_same_backup(&self, assertion: &Assertion) -> bool {
        self.flags.is_none_or(|flags| flags.backup_eligible == assertion.flags.backup_eligible)
    }

    /// Notes a use of the key. A counter that does not go on may mean that there is a copy of the key (§6.1.1); as in
    /// Kratos that is noted and no more, since some authenticators count wrongly.
    pub fn note_use(&mut self, assertion: &Assertion) {
        self.flags = Some(assertion.flags.into());
        let authenticator = self.authenticator.get_or_insert_default();
        let counts = assertion.sign_count != 0 || authenticator.sign_count != 0;
        if counts && assertion.sign_count <= authenticator.sign_count {
            tracing::warn!(
                stored = authenticator.sign_count,
                sent = assertion.sign_count,
                "The counter of a key did not go on: there may be a copy of the key."
            );
            authenticator.clone_warning = true;
        } else {
            authenticator.sign_count = assertion.sign_count;
        }
    }
}

impl From<Flags> for StoredFlags {
    fn from(flags: Flags) -> Self {
        let Flags { user_present, user_verified, backup_eligible, backup_state } = flags;
        Self { user_present, user_verified, backup_eligible, backup_state }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() { to.serialize_none() } else { to.serialize_str(&BASE64_STANDARD.encode(&self.0)) }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(from)?.unwrap_or_default();
        BASE64_STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

fn never() -> Timestamp {
    ZERO_TIME
}
