//! What the admin API takes: new identities and replacements.

use model::{AddressStatus, Channel, Cx, Id, Identity, IdentityState, Problem, RawJson, Timestamp, Uuid};
use model::{RecoveryAddress, VerifiableAddress};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use store::to_microseconds;

use crate::document;
use crate::import::ImportCredentials;

/// The longest external id, in characters.
const MAX_EXTERNAL_ID: usize = 64;

/// A new identity: the body of `POST /admin/identities`. Unknown members are refused, as in Kratos.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CreateIdentity {
    /// The default schema if empty.
    pub schema_id: String,
    /// `{}` if missing.
    #[serde(deserialize_with = "compact")]
    pub traits: Option<RawJson>,
    /// The operator's own identifier; none if empty.
    pub external_id: String,
    /// The credentials to import.
    pub credentials: Option<ImportCredentials>,
    /// Kept where the schema derives the same address from the traits.
    pub verifiable_addresses: Option<Vec<SuppliedAddress>>,
    /// As `verifiable_addresses`.
    pub recovery_addresses: Option<Vec<SuppliedAddress>>,
    /// What the person may see.
    #[serde(deserialize_with = "even_null")]
    pub metadata_public: Option<RawJson>,
    /// What only operators see.
    #[serde(deserialize_with = "even_null")]
    pub metadata_admin: Option<RawJson>,
    /// `active` or `inactive`; `active` if empty.
    pub state: String,
    /// The organization that the identity belongs to.
    pub organization_id: Option<Uuid>,
}

/// What an identity is to become: the body of `PUT /admin/identities/{id}`. Unknown members are ignored, as in Kratos.
/// Missing traits, metadata and external id are cleared; a missing schema id, state or credentials stay as they are.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct UpdateIdentity {
    /// The schema; as it was if empty.
    pub schema_id: String,
    /// The traits.
    #[serde(deserialize_with = "compact")]
    pub traits: Option<RawJson>,
    /// The operator's own identifier; none if empty.
    pub external_id: String,
    /// The credentials to import. Those that are sent as they were read, without their data or of another kind, stay as they are.
    #[serde(deserialize_with = "importable")]
    pub credentials: Option<ImportCredentials>,
    /// What the person may see.
    #[serde(deserialize_with = "even_null")]
    pub metadata_public: Option<RawJson>,
    /// What only operators see.
    #[serde(deserialize_with = "even_null")]
    pub metadata_admin: Option<RawJson>,
    /// `active` or `inactive`; as it was if empty.
    pub state: String,
}

/// An address with what the operator knows of it.
#[derive(Clone, Debug, Deserialize)]
pub struct SuppliedAddress {
    /// The identifier; a new one if missing.
    pub id: Option<Uuid>,
    /// The address.
    pub value: String,
    /// Whether it is verified.
    #[serde(default)]
    pub verified: bool,
    /// Email if missing.
    pub via: Option<Channel>,
    /// Follows from `verified` if missing.
    #[serde(default, deserialize_with = "status")]
    pub status: Option<AddressStatus>,
    /// When it was verified; now if missing, and it is.
    pub verified_at: Option<Timestamp>,
    /// When it was added; now if missing.
    pub created_at: Option<Timestamp>,
    /// When it was last changed; now if missing.
    pub updated_at: Option<Timestamp>,
}

/// An empty status is none.
fn status<'de, D: Deserializer<'de>>(from: D) -> Result<Option<AddressStatus>, D::Error> {
    let name = Option::<String>::deserialize(from)?.filter(|name| !name.is_empty());
    let unknown = || serde::de::Error::custom("the status of an address is pending, sent or completed");
    name.map(|name| AddressStatus::parse(&name).ok_or_else(unknown)).transpose()
}

impl SuppliedAddress {
    pub(crate) fn verifiable(self, cx: &Cx) -> VerifiableAddress {
        let now = to_microseconds(cx.now());
        let derived = if self.verified { AddressStatus::Completed } else { AddressStatus::Pending };
        VerifiableAddress {
            id: Id::from_uuid(self.id.filter(|id| !id.is_nil()).unwrap_or_else(|| cx.entropy.uuid())),
            value: self.value,
            verified: self.verified,
            via: self.via.unwrap_or(Channel::Email),
            status: self.status.unwrap_or(derived),
            verified_at: self.verified_at,
            created_at: self.created_at.unwrap_or(now),
            updated_at: self.updated_at.unwrap_or(now),
        }
    }

    pub(crate) fn recovery(self, cx: &Cx) -> RecoveryAddress {
        let now = to_microseconds(cx.now());
        RecoveryAddress {
            id: Id::from_uuid(self.id.filter(|id| !id.is_nil()).unwrap_or_else(|| cx.entropy.uuid())),
            value: self.value,
            via: self.via.unwrap_or(Channel::Email),
            created_at: self.created_at.unwrap_or(now),
            updated_at: self.updated_at.unwrap_or(now),
        }
    }

    /// The same as one that is not stored yet.
    pub(crate) fn into_new(self) -> Self {
        Self { id: None, created_at: None, updated_at: None, ..self }
    }
}

/// Sets the state, and notes when it changed.
///
/// # Errors
/// 400 for an unknown state.
pub(crate) fn set_state(cx: &Cx, identity: &mut Identity, name: &str) -> Result<(), Problem> {
    let state = IdentityState::parse(name)
        .ok_or_else(|| Problem::bad_request(format!("The state {name:?} is neither \"active\" nor \"inactive\".")))?;
    if state != identity.state {
        identity.state = state;
        identity.state_changed_at = Some(cx.now());
    }
    Ok(())
}

/// Sets the operator's own id; an empty one is none.
///
/// # Errors
/// 400 for one that is too long.
pub(crate) fn set_external_id(identity: &mut Identity, external_id: String) -> Result<(), Problem> {
    if external_id.chars().count() > MAX_EXTERNAL_ID {
        let reason = format!("The external_id may have at most {MAX_EXTERNAL_ID} characters.");
        return Err(Problem::bad_request(reason));
    }
    identity.external_id = Some(external_id).filter(|id| !id.is_empty());
    Ok(())
}

/// Of credentials as an identity is read with them, those that can be imported.
fn importable<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ImportCredentials>, D::Error> {
    let Some(mut read) = Option::<Map<String, Value>>::deserialize(from)? else { return Ok(None) };
    read.retain(|kind, credential| {
        ImportCredentials::KINDS.contains(&kind.as_str()) && !credential["config"].is_null()
    });
    ImportCredentials::deserialize(Value::Object(read)).map(Some).map_err(serde::de::Error::custom)
}

/// Takes `null` for a value: written down, it is shown again.
fn even_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RawJson>, D::Error> {
    RawJson::deserialize(from).map(|json| Some(document::compact(&json)))
}

/// Takes `null` for nothing.
fn compact<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RawJson>, D::Error> {
    Ok(Option::<RawJson>::deserialize(from)?.map(|json| document::compact(&json)))
}
