//! Identities.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::schema_url;
use crate::{Credential, Credentials, Identity};

/// How much of an identity is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityView {
    /// What the person may see.
    Public,
    /// Without credentials, with the operator's metadata.
    Admin(CredentialView),
    /// As [`IdentityView::Admin`]; metadata that is not set is left out instead of `null`: answers to create, put and patch.
    AdminWritten(CredentialView),
    /// As Kratos embeds identities in lists of sessions: bare of addresses, with an empty `schema_url`.
    Embedded,
}

/// How much of the credentials is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialView {
    /// None at all.
    Hidden,
    /// Type, identifiers, version and times.
    WithoutConfig,
    /// The configuration too, of those credentials whose types [`IdentityJson::reveal`] lists.
    WithConfig,
    /// As [`CredentialView::WithoutConfig`], with zero times: Kratos' answer to create.
    JustCreated,
}

/// An identity as the API prints it.
pub struct IdentityJson<'a> {
    /// The identity.
    pub identity: &'a Identity,
    /// The public base URL, below which schemas are found.
    pub public_base_url: &'a str,
    /// What is shown of it.
    pub view: IdentityView,
    /// The credential types whose configuration is shown under [`CredentialView::WithConfig`].
    pub reveal: &'a [crate::CredentialType],
}

impl<'a> IdentityJson<'a> {
    /// What the person may see of themselves.
    pub fn public(identity: &'a Identity, public_base_url: &'a str) -> Self {
        Self { identity, public_base_url, view: IdentityView::Public, reveal: &[] }
    }
}

impl Serialize for IdentityJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let identity = self.identity;
        let embedded = self.view == IdentityView::Embedded;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("id", &identity.id)?;
        if let Some(external_id) = &identity.external_id {
            map.serialize_entry("external_id", external_id)?;
        }
        if let IdentityView::Admin(view) | IdentityView::AdminWritten(view) = self.view
            && view != CredentialView::Hidden
            && !identity.credentials.is_empty()
        {
            let credentials = CredentialsJson { credentials: &identity.credentials, view, reveal: self.reveal };
            map.serialize_entry("credentials", &credentials)?;
        }
        map.serialize_entry("schema_id", &identity.schema_id)?;
        let url = if embedded { String::new() } else { schema_url(self.public_base_url, &identity.schema_id) };
        map.serialize_entry("schema_url", &url)?;
        map.serialize_entry("state", identity.state.as_str())?;
        if let Some(changed) = identity.state_changed_at {
            map.serialize_entry("state_changed_at", &changed)?;
        }
        map.serialize_entry("traits", &identity.traits)?;
        if !embedded && !identity.verifiable_addresses.is_empty() {
            map.serialize_entry("verifiable_addresses", &identity.verifiable_addresses)?;
        }
        if !embedded && !identity.recovery_addresses.is_empty() {
            map.serialize_entry("recovery_addresses", &identity.recovery_addresses)?;
        }
        map.serialize_entry("metadata_public", &identity.metadata_public)?;
        match self.view {
            IdentityView::Admin(_) => map.serialize_entry("metadata_admin", &identity.metadata_admin)?,
            IdentityView::AdminWritten(_) if identity.metadata_admin.is_some() => {
                map.serialize_entry("metadata_admin", &identity.metadata_admin)?;
            }
            _ => {}
        }
        map.serialize_entry("created_at", &identity.created_at)?;
        map.serialize_entry("updated_at", &identity.updated_at)?;
        map.serialize_entry("organization_id", &identity.organization_id)?;
        map.end()
    }
}

struct CredentialsJson<'a> {
    credentials: &'a Credentials,
    view: CredentialView,
    reveal: &'a [crate::CredentialType],
}

impl Serialize for CredentialsJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.credentials.iter().map(|(kind, credential)| {
            let with_config = self.view == CredentialView::WithConfig && self.reveal.contains(kind);
            (
                kind.as_str(),
                CredentialJson { credential, with_config, just_created: self.view == CredentialView::JustCreated },
            )
        }))
    }
}

struct CredentialJson<'a> {
    credential: &'a Credential,
    with_config: bool,
    just_created: bool,
}

impl Serialize for CredentialJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let credential = self.credential;
        let time = |time| if self.just_created { crate::ZERO_TIME } else { time };
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("type", credential.kind.as_str())?;
        map.serialize_entry("identifiers", &credential.identifiers)?;
        if self.with_config {
            map.serialize_entry("config", &credential.config)?;
        }
        map.serialize_entry("version", &credential.version)?;
        map.serialize_entry("created_at", &time(credential.created_at))?;
        map.serialize_entry("updated_at", &time(credential.updated_at))?;
        map.end()
    }
}
