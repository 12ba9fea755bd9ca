//! Identities, their addresses and their credentials.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::go::to_lower;
use crate::id::Id;
use crate::json::RawJson;
use crate::{Aal, Timestamp, Uuid};

/// The identifier of an [`Identity`].
pub type IdentityId = Id<Identity>;

/// A person (or a thing) that can sign in.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The identifier.
    pub id: IdentityId,
    /// The operator's own identifier, unique within the network, at most 64 characters.
    pub external_id: Option<String>,
    /// Which identity schema the traits follow.
    pub schema_id: String,
    /// Whether the identity may sign in.
    pub state: IdentityState,
    /// When `state` was last changed.
    pub state_changed_at: Option<Timestamp>,
    /// What the person says of themselves, as the schema has it.
    pub traits: RawJson,
    /// The addresses that can be verified, as the schema derives them from the traits.
    pub verifiable_addresses: Vec<VerifiableAddress>,
    /// The addresses that access can be won back by, as the schema derives them from the traits.
    pub recovery_addresses: Vec<RecoveryAddress>,
    /// Visible to the person, written by the operator.
    pub metadata_public: Option<RawJson>,
    /// Visible on the admin API only.
    pub metadata_admin: Option<RawJson>,
    /// Empty unless they were asked for.
    pub credentials: Credentials,
    /// The highest level that the credentials allow, as cached in the row.
    pub available_aal: Option<Aal>,
    /// The organization that the identity belongs to.
    pub organization_id: Option<Uuid>,
    /// When the identity was made, in microseconds.
    pub created_at: Timestamp,
    /// When the identity was last changed, in microseconds. Each change is checked against it.
    pub updated_at: Timestamp,
}

impl Identity {
    /// A new, active identity without credentials or addresses.
    pub fn new(id: IdentityId, schema_id: String, traits: RawJson, now: Timestamp) -> Self {
        Self {
            id,
            external_id: None,
            schema_id,
            state: IdentityState::Active,
            state_changed_at: Some(now),
            traits,
            verifiable_addresses: Vec::new(),
            recovery_addresses: Vec::new(),
            metadata_public: None,
            metadata_admin: None,
            credentials: Credentials::new(),
            available_aal: None,
            organization_id: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether the identity may sign in.
    pub fn is_active(&self) -> bool {
        self.state == IdentityState::Active
    }
}

/// Whether an identity may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityState {
    /// May sign in.
    Active,
    /// Cannot sign in; its sessions read as inactive.
    Inactive,
}

impl IdentityState {
    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "active" => Some(Self::Active),
            "inactive" => Some(Self::Inactive),
            _ => None,
        }
    }
}

/// How an address is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// By e-mail.
    Email,
    /// By text message.
    Sms,
}

impl Channel {
    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "email" => Some(Self::Email),
            "sms" => Some(Self::Sms),
            _ => None,
        }
    }
}

/// An address that the person can prove to own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiableAddress {
    /// The identifier.
    pub id: Id<VerifiableAddress>,
    /// The address itself, normalised: an e-mail address in lower case, or a phone number.
    pub value: String,
    /// Whether the person has proved that it is theirs.
    pub verified: bool,
    /// The channel that reaches it.
    pub via: Channel,
    /// How far its verification has come.
    pub status: AddressStatus,
    /// When it was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How far the verification of an address has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressStatus {
    /// Nothing was sent yet.
    Pending,
    /// A code or link is on its way.
    Sent,
    /// The address is verified.
    Completed,
}

impl AddressStatus {
    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Completed => "completed",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "pending" => Some(Self::Pending),
            "sent" => Some(Self::Sent),
            "completed" => Some(Self::Completed),
            _ => None,
        }
    }
}

/// An address through which access can be won back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryAddress {
    /// The identifier.
    pub id: Id<RecoveryAddress>,
    /// The address itself, normalised: an e-mail address in lower case, or a phone number.
    pub value: String,
    /// The channel that reaches it.
    pub via: Channel,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The credentials of an identity, at most one of each type.
pub type Credentials = BTreeMap<CredentialType, Credential>;

/// Something that a person signs in with. The same type may hold several keys or providers in its `config`.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The identifier.
    pub id: Id<Credential>,
    /// The type.
    pub kind: CredentialType,
    /// What the person types to be recognised; normalised.
    pub identifiers: Vec<String>,
    /// The type's own data, see the `identity_credentials.config` column of Kratos.
    pub config: RawJson,
    /// The version of the form that `config` has.
    pub version: i32,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The credential types of Kratos that are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialType {
    /// A password.
    Password,
    /// Accounts at OpenID and OAuth providers.
    Oidc,
    /// An authenticator app.
    Totp,
    /// Codes for the day when the authenticator app is lost.
    LookupSecret,
    /// Security keys.
    Webauthn,
    /// Codes that are sent to an address.
    Code,
    /// Passkeys.
    Passkey,
    /// Accounts at SAML providers, which can be imported.
    Saml,
}

impl CredentialType {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Password,
        Self::Oidc,
        Self::Totp,
        Self::LookupSecret,
        Self::Webauthn,
        Self::Code,
        Self::Passkey,
        Self::Saml,
    ];

    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Oidc => "oidc",
            Self::Totp => "totp",
            Self::LookupSecret => "lookup_secret",
            Self::Webauthn => "webauthn",
            Self::Code => "code",
            Self::Passkey => "passkey",
            Self::Saml => "saml",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// An identifier of this type as it is stored and looked up: what people type is trimmed and lower-cased, what
    /// programs made is left alone.
    pub fn normalise(self, identifier: &str) -> String {
        match self {
            Self::Password | Self::Webauthn | Self::Code => normalise_address(identifier),
            Self::Oidc | Self::Totp | Self::LookupSecret | Self::Passkey | Self::Saml => identifier.to_owned(),
        }
    }
}

/// An address or identifier as it is stored, looked up and counted.
pub fn normalise_address(value: &str) -> String {
    to_lower(value.trim())
}
