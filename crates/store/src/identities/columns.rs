//! How an identity is read: one column list that other aggregates can select too, and its reader.
//!
//! Addresses and credentials come as JSON arrays in columns of their own, so that an identity is always one row.

use model::{
    Aal, AddressStatus, Channel, Credential, CredentialType, Credentials, Id, Identity, IdentityState, RawJson,
    RecoveryAddress, Timestamp, VerifiableAddress,
};
use serde::{Deserialize, Deserializer};

use crate::error::StoreError;
use crate::row::Columns;
use crate::time::parse_sqlite_time;

/// The columns of an identity `i` (an alias of `identities`) with its addresses, for `concat!`; see [`read`].
///
/// The plus before `nid` keeps SQLite from the unique index on `(nid, via, value)`, by which it would read the addresses
/// of everyone. Addresses are sorted as they are read, which is cheaper than to sort each list in the database.
macro_rules! identity_columns {
    (sqlite) => {
        "i.id, i.external_id, i.schema_id, i.state, i.state_changed_at, i.traits, i.metadata_public, i.metadata_admin,
         i.available_aal, i.organization_id, i.created_at, i.updated_at,
         (SELECT json_group_array(json_array(v.id, v.value, v.verified, v.via, v.status, v.verified_at, v.created_at,
                                             v.updated_at))
          FROM identity_verifiable_addresses v WHERE v.identity_id = i.id AND +v.nid = i.nid),
         (SELECT json_group_array(json_array(r.id, r.value, r.via, r.created_at, r.updated_at))
          FROM identity_recovery_addresses r WHERE r.identity_id = i.id AND +r.nid = i.nid)"
    };
    (postgres) => {
        "i.id, i.external_id, i.schema_id, i.state, i.state_changed_at, i.traits, i.metadata_public, i.metadata_admin,
         i.available_aal, i.organization_id, i.created_at, i.updated_at,
         (SELECT json_agg(json_build_array(v.id, v.value, v.verified, v.via, v.status, v.verified_at, v.created_at,
                                           v.updated_at))
          FROM identity_verifiable_addresses v WHERE v.identity_id = i.id AND v.nid = i.nid),
         (SELECT json_agg(json_build_array(r.id, r.value, r.via, r.created_at, r.updated_at))
          FROM identity_recovery_addresses r WHERE r.identity_id = i.id AND r.nid = i.nid)"
    };
}

/// One more column for an identity `i`: its credentials with their identifiers; see [`read_credentials`].
macro_rules! credentials_column {
    (sqlite) => {
        "(SELECT json_group_array(json_array(c.id, t.name, c.config, c.version, c.created_at, c.updated_at,
              json((SELECT json_group_array(ci.identifier) FROM identity_credential_identifiers ci
                    WHERE ci.identity_credential_id = c.id AND ci.nid = c.nid))))
          FROM identity_credentials c JOIN identity_credential_types t ON t.id = c.identity_credential_type_id
          WHERE c.identity_id = i.id AND c.nid = i.nid)"
    };
    (postgres) => {
        "(SELECT json_agg(json_build_array(c.id, t.name, c.config::text, c.version, c.created_at, c.updated_at,
              (SELECT json_agg(ci.identifier) FROM identity_credential_identifiers ci
               WHERE ci.identity_credential_id = c.id AND ci.nid = c.nid)))
          FROM identity_credentials c JOIN identity_credential_types t ON t.id = c.identity_credential_type_id
          WHERE c.identity_id = i.id AND c.nid = i.nid)"
    };
}

pub(crate) use {credentials_column, identity_columns};

/// Reads the columns of `identity_columns!`. The credentials are left empty.
pub(crate) fn read(columns: &mut Columns<'_>) -> Result<Identity, StoreError> {
    let mut identity = Identity {
        id: columns.next()?,
        external_id: columns.optional()?,
        schema_id: columns.next()?,
        state: columns.parsed(IdentityState::parse)?,
        state_changed_at: columns.optional()?,
        traits: columns.next()?,
        metadata_public: columns.optional()?,
        metadata_admin: columns.optional()?,
        available_aal: columns.optional::<String>()?.and_then(|name| Aal::parse(&name)),
        organization_id: columns.optional()?,
        created_at: columns.next()?,
        updated_at: columns.next()?,
        verifiable_addresses: columns.json::<Vec<VerifiableRow>>()?.into_iter().map(Into::into).collect(),
        recovery_addresses: columns.json::<Vec<RecoveryRow>>()?.into_iter().map(Into::into).collect(),
        credentials: Credentials::new(),
    };
    identity.verifiable_addresses.sort_by_key(|address| address.id.uuid());
    identity.recovery_addresses.sort_by_key(|address| address.id.uuid());
    Ok(identity)
}

/// Reads the column of `credentials_column!`. Credentials of types that Zelus does not know are left out.
pub(crate) fn read_credentials(columns: &mut Columns<'_>) -> Result<Credentials, StoreError> {
    let mut credentials = Credentials::new();
    for row in columns.json::<Vec<CredentialRow>>()? {
        let CredentialRow(id, name, config, version, created_at, updated_at, identifiers) = row;
        let Some(kind) = CredentialType::parse(&name) else { continue };
        let config = RawJson::parse(config)
            .map_err(|error| StoreError::corrupt(format!("a {name} credential is not JSON: {error}")))?;
        let mut identifiers = identifiers.unwrap_or_default();
        identifiers.sort_unstable();
        let credential =
            Credential { id, kind, identifiers, config, version, created_at: created_at.0, updated_at: updated_at.0 };
        credentials.insert(kind, credential);
    }
    Ok(credentials)
}

/// A row of `identity_verifiable_addresses` as a JSON array.
#[derive(Deserialize)]
struct VerifiableRow(Id<VerifiableAddress>, String, Flag, Channel, AddressStatus, Option<Time>, Time, Time);

impl From<VerifiableRow> for VerifiableAddress {
    fn from(row: VerifiableRow) -> Self {
        let VerifiableRow(id, value, verified, via, status, verified_at, created_at, updated_at) = row;
        Self {
            id,
            value,
            verified: verified.0,
            via,
            status,
            verified_at: verified_at.map(|time| time.0),
            created_at: created_at.0,
            updated_at: updated_at.0,
        }
    }
}

/// A row of `identity_recovery_addresses` as a JSON array.
#[derive(Deserialize)]
struct RecoveryRow(Id<RecoveryAddress>, String, Channel, Time, Time);

impl From<RecoveryRow> for RecoveryAddress {
    fn from(row: RecoveryRow) -> Self {
        let RecoveryRow(id, value, via, created_at, updated_at) = row;
        Self { id, value, via, created_at: created_at.0, updated_at: updated_at.0 }
    }
}

/// A row of `identity_credentials`, with the name of its type and its identifiers, as a JSON array. The configuration
/// is text within it, so that it stays as it is.
#[derive(Deserialize)]
struct CredentialRow(Id<Credential>, String, String, i32, Time, Time, Option<Vec<String>>);

/// A time as either database puts it into JSON.
struct Time(Timestamp);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        parse_sqlite_time(text.as_bytes()).map(Self).ok_or_else(|| serde::de::Error::custom("not a time"))
    }
}

/// A truth value: PostgreSQL has booleans, SQLite numbers, and old SQLite rows words.
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Any {
            Bool(bool),
            Number(i64),
            Word(String),
        }
        Ok(Self(match Any::deserialize(from)? {
            Any::Bool(value) => value,
            Any::Number(value) => value != 0,
            Any::Word(word) => matches!(word.as_str(), "true" | "TRUE" | "1"),
        }))
    }
}
