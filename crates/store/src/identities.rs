//! Identities with their credentials and addresses.

mod columns;
mod list;
mod write;

pub use list::{IdentityFilter, IdentityList, IdentityPage};

pub(crate) use write::STATEMENTS as WRITES;

pub(crate) use columns::{credentials_column, identity_columns, read, read_credentials};

use model::{
    AddressStatus, Channel, Credential, CredentialType, Credentials, Id, Identity, IdentityId, IdentityState,
    RecoveryAddress, VerifiableAddress, normalise_address,
};

use crate::Store;
use crate::error::StoreError;
use crate::row::{Columns, Row};
use crate::statement::Statement;
use crate::value::Value;

static FIND: Statement = Statement::new(
    "identities.find",
    concat!("SELECT ", identity_columns!(sqlite), " FROM identities i WHERE i.nid = ?1 AND i.id = ?2"),
)
.postgres(concat!("SELECT ", identity_columns!(postgres), " FROM identities i WHERE i.nid = ?1 AND i.id = ?2"));

static FIND_WITH_CREDENTIALS: Statement = Statement::new(
    "identities.find_with_credentials",
    concat!(
        "SELECT ",
        identity_columns!(sqlite),
        ", ",
        credentials_column!(sqlite),
        " FROM identities i WHERE i.nid = ?1 AND i.id = ?2"
    ),
)
.postgres(concat!(
    "SELECT ",
    identity_columns!(postgres),
    ", ",
    credentials_column!(postgres),
    " FROM identities i WHERE i.nid = ?1 AND i.id = ?2"
));

static FIND_BY_EXTERNAL_ID: Statement = Statement::new(
    "identities.find_by_external_id",
    concat!(
        "SELECT ",
        identity_columns!(sqlite),
        ", ",
        credentials_column!(sqlite),
        " FROM identities i WHERE i.nid = ?1 AND i.external_id = ?2"
    ),
)
.postgres(concat!(
    "SELECT ",
    identity_columns!(postgres),
    ", ",
    credentials_column!(postgres),
    " FROM identities i WHERE i.nid = ?1 AND i.external_id = ?2"
));

static FIND_BY_VERIFIABLE_ADDRESS: Statement = Statement::new(
    "identities.find_by_verifiable_address",
    concat!(
        "SELECT ",
        identity_columns!(sqlite),
        " FROM identities i WHERE i.nid = ?1 AND i.id =
            (SELECT identity_id FROM identity_verifiable_addresses WHERE nid = ?1 AND id = ?2)"
    ),
)
.postgres(concat!(
    "SELECT ",
    identity_columns!(postgres),
    " FROM identities i WHERE i.nid = ?1 AND i.id =
        (SELECT identity_id FROM identity_verifiable_addresses WHERE nid = ?1 AND id = ?2)"
));

static FIND_BY_IDENTIFIER: Statement = Statement::new(
    "identities.find_by_identifier",
    "SELECT i.id, i.state, c.id, c.config, c.version, c.created_at, c.updated_at
     FROM identity_credential_identifiers ci
     JOIN identity_credentials c ON c.id = ci.identity_credential_id AND c.nid = ci.nid
     JOIN identities i ON i.id = c.identity_id AND i.nid = c.nid
     WHERE ci.nid = ?1 AND ci.identity_credential_type_id = ?2 AND ci.identifier = ?3",
);

static FIND_BY_ANY_IDENTIFIER: Statement = Statement::new(
    "identities.find_by_any_identifier",
    concat!(
        "SELECT ",
        identity_columns!(sqlite),
        ", ",
        credentials_column!(sqlite),
        " FROM identity_credential_identifiers ci
          JOIN identity_credentials c ON c.id = ci.identity_credential_id AND c.nid = ci.nid
          JOIN identities i ON i.id = c.identity_id AND i.nid = c.nid
          WHERE ci.nid = ?1 AND ci.identifier IN (?2, ?3) ORDER BY i.id LIMIT 1"
    ),
)
.postgres(concat!(
    "SELECT ",
    identity_columns!(postgres),
    ", ",
    credentials_column!(postgres),
    " FROM identity_credential_identifiers ci
      JOIN identity_credentials c ON c.id = ci.identity_credential_id AND c.nid = ci.nid
      JOIN identities i ON i.id = c.identity_id AND i.nid = c.nid
      WHERE ci.nid = ?1 AND ci.identifier IN (?2, ?3) ORDER BY i.id LIMIT 1"
));

static FIND_VERIFIABLE_ADDRESS: Statement = Statement::new(
    "identities.find_verifiable_address",
    "SELECT identity_id, id, value, verified, via, status, verified_at, created_at, updated_at
     FROM identity_verifiable_addresses WHERE nid = ?1 AND via = ?2 AND value = ?3",
);

static FIND_RECOVERY_ADDRESS: Statement = Statement::new(
    "identities.find_recovery_address",
    "SELECT identity_id, id, value, via, created_at, updated_at
     FROM identity_recovery_addresses WHERE nid = ?1 AND via = ?2 AND value = ?3",
);

static FIND_BY_USER_HANDLE: Statement = Statement::new(
    "identities.find_by_user_handle",
    "SELECT identity_id FROM identity_credentials
     WHERE nid = ?1 AND identity_credential_type_id = ?2 AND config ->> '$.user_handle' = ?3 LIMIT 1",
)
.postgres(
    "SELECT identity_id FROM identity_credentials
     WHERE nid = ?1 AND identity_credential_type_id = ?2 AND config ->> 'user_handle' = ?3 LIMIT 1",
);

static COUNT: Statement = Statement::new("identities.count", "SELECT count(*) FROM identities WHERE nid = ?1");

/// The reads of this aggregate; its writes are `WRITES`.
pub(crate) static STATEMENTS: &[&Statement] = &[
    &FIND,
    &FIND_WITH_CREDENTIALS,
    &FIND_BY_EXTERNAL_ID,
    &FIND_BY_VERIFIABLE_ADDRESS,
    &FIND_BY_IDENTIFIER,
    &FIND_BY_ANY_IDENTIFIER,
    &FIND_BY_USER_HANDLE,
    &FIND_VERIFIABLE_ADDRESS,
    &FIND_RECOVERY_ADDRESS,
    &COUNT,
];

/// What a sign-in needs to know about whoever has an identifier.
#[derive(Clone, Debug)]
pub struct FoundCredential {
    /// The identity.
    pub identity_id: IdentityId,
    /// Whether the identity may sign in.
    pub state: IdentityState,
    /// With the identifier that it was found by, and no others.
    pub credential: Credential,
}

impl Store {
    /// The identity with its addresses, without its credentials.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_identity(&self, id: IdentityId) -> Result<Option<Identity>, StoreError> {
        let row = self.fetch_one(&FIND, &[id.into()]).await?;
        row.map(|row| read(&mut row.columns())).transpose()
    }

    /// The identity with its addresses and credentials.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_identity_with_credentials(&self, id: IdentityId) -> Result<Option<Identity>, StoreError> {
        self.fetch_one(&FIND_WITH_CREDENTIALS, &[id.into()]).await?.map(|row| read_all(&row)).transpose()
    }

    /// The identity that the operator knows by `external_id`, with its addresses and credentials.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_identity_by_external_id(&self, external_id: &str) -> Result<Option<Identity>, StoreError> {
        self.fetch_one(&FIND_BY_EXTERNAL_ID, &[external_id.into()]).await?.map(|row| read_all(&row)).transpose()
    }

    /// The identity that has this verifiable address, with its addresses, without its credentials.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_identity_by_verifiable_address(
        &self,
        id: Id<VerifiableAddress>,
    ) -> Result<Option<Identity>, StoreError> {
        let row = self.fetch_one(&FIND_BY_VERIFIABLE_ADDRESS, &[id.into()]).await?;
        row.map(|row| read(&mut row.columns())).transpose()
    }

    /// The credential of type `kind` that `identifier`, normalised here, belongs to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_by_identifier(
        &self,
        kind: CredentialType,
        identifier: &str,
    ) -> Result<Option<FoundCredential>, StoreError> {
        let identifier = kind.normalise(identifier);
        let parameters = [self.credential_type_id(kind).await?.into(), identifier.as_str().into()];
        let Some(row) = self.fetch_one(&FIND_BY_IDENTIFIER, &parameters).await? else { return Ok(None) };
        let mut columns = row.columns();
        Ok(Some(FoundCredential {
            identity_id: columns.next()?,
            state: columns.parsed(IdentityState::parse)?,
            credential: Credential {
                id: columns.next()?,
                kind,
                identifiers: vec![identifier],
                config: columns.next()?,
                version: columns.next()?,
                created_at: columns.next()?,
                updated_at: columns.next()?,
            },
        }))
    }

    /// The identity, with its addresses and credentials, that any of its credentials knows by one of two spellings.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_identity_by_identifier(&self, spellings: [&str; 2]) -> Result<Option<Identity>, StoreError> {
        let row = self.fetch_one(&FIND_BY_ANY_IDENTIFIER, &spellings.map(Value::from)).await?;
        row.map(|row| read_all(&row)).transpose()
    }

    /// Whose security keys (`webauthn`) go by this user handle, in padded base64.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_by_user_handle(&self, user_handle: &str) -> Result<Option<IdentityId>, StoreError> {
        let kind = self.credential_type_id(CredentialType::Webauthn).await?;
        let row = self.fetch_one(&FIND_BY_USER_HANDLE, &[kind.into(), user_handle.into()]).await?;
        row.map(|row| row.columns().next()).transpose()
    }

    /// The verifiable address of this value, normalised here, and whose it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_verifiable_address(
        &self,
        via: Channel,
        value: &str,
    ) -> Result<Option<(IdentityId, VerifiableAddress)>, StoreError> {
        let parameters = [via.as_str().into(), normalise_address(value).into()];
        let row = self.fetch_one(&FIND_VERIFIABLE_ADDRESS, &parameters).await?;
        row.map(|row| read_verifiable_address(&mut row.columns())).transpose()
    }

    /// The recovery address of this value, normalised here, and whose it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_recovery_address(
        &self,
        via: Channel,
        value: &str,
    ) -> Result<Option<(IdentityId, RecoveryAddress)>, StoreError> {
        let parameters = [via.as_str().into(), normalise_address(value).into()];
        let row = self.fetch_one(&FIND_RECOVERY_ADDRESS, &parameters).await?;
        row.map(|row| read_recovery_address(&mut row.columns())).transpose()
    }

    /// How many identities there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_identities(&self) -> Result<u64, StoreError> {
        let row = self.fetch_one(&COUNT, &[]).await?;
        let count: i64 = row.map(|row| row.columns().next()).transpose()?.unwrap_or_default();
        Ok(count.unsigned_abs())
    }
}

fn read_all(row: &Row) -> Result<Identity, StoreError> {
    let mut columns = row.columns();
    let identity = read(&mut columns)?;
    let credentials: Credentials = read_credentials(&mut columns)?;
    Ok(Identity { credentials, ..identity })
}

fn read_verifiable_address(columns: &mut Columns<'_>) -> Result<(IdentityId, VerifiableAddress), StoreError> {
    let identity_id = columns.next()?;
    let address = VerifiableAddress {
        id: columns.next()?,
        value: columns.next()?,
        verified: columns.next()?,
        via: columns.parsed(Channel::parse)?,
        status: columns.parsed(AddressStatus::parse)?,
        verified_at: columns.optional()?,
        created_at: columns.next()?,
        updated_at: columns.next()?,
    };
    Ok((identity_id, address))
}

fn read_recovery_address(columns: &mut Columns<'_>) -> Result<(IdentityId, RecoveryAddress), StoreError> {
    let identity_id = columns.next()?;
    let address = RecoveryAddress {
        id: columns.next()?,
        value: columns.next()?,
        via: columns.parsed(Channel::parse)?,
        created_at: columns.next()?,
        updated_at: columns.next()?,
    };
    Ok((identity_id, address))
}
