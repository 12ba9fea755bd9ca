//! The network that this process serves. Kratos keeps several tenants apart by it; a process serves the oldest.

use model::{CredentialType, Timestamp, Uuid};

use crate::error::{CommitError, StoreError};
use crate::statement::Statement;
use crate::store::{Network, Store};
use crate::tx::Tx;
use crate::value::Value;

static OLDEST: Statement =
    Statement::of_no_network("networks.oldest", "SELECT id FROM networks ORDER BY created_at, id LIMIT 1");

/// Of several processes at once only the first is to find that there is none. SQLite has one writer at a time.
static LOCK: Statement =
    Statement::of_no_network("networks.lock", "SELECT 1").postgres("SELECT pg_advisory_xact_lock(525687616883)");

static INSERT: Statement = Statement::of_no_network(
    "networks.insert",
    "INSERT INTO networks (id, created_at, updated_at) SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM networks)",
)
.postgres(
    "INSERT INTO networks (id, created_at, updated_at)
     SELECT ?1::uuid, ?2::timestamp, ?3::timestamp WHERE NOT EXISTS (SELECT 1 FROM networks)",
);

static CREDENTIAL_TYPES: Statement =
    Statement::of_no_network("networks.credential_types", "SELECT id, name FROM identity_credential_types");

pub(crate) static STATEMENTS: &[&Statement] = &[&OLDEST, &LOCK, &INSERT, &CREDENTIAL_TYPES];

impl Store {
    /// Makes the network that this process serves, if the database has none yet.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn ensure_network(&self, id: Uuid, now: Timestamp) -> Result<(), CommitError> {
        let mut tx = Tx::new();
        tx.run(&LOCK, []);
        tx.run(&INSERT, [id.into(), now.into(), now.into()]);
        self.commit_without_network(tx).await
    }

    /// The network of this process and the numbering of credential types, looked up once.
    pub(crate) async fn network(&self) -> Result<&Network, StoreError> {
        let once = self.network_once();
        match once.get() {
            Some(network) => Ok(network),
            // Boxed, since it happens once, and every read would have room for it.
            None => Box::pin(once.get_or_try_init(|| load(self))).await,
        }
    }

    /// The id of a credential type in this database.
    pub(crate) async fn credential_type_id(&self, kind: CredentialType) -> Result<Uuid, StoreError> {
        let types = &self.network().await?.credential_types;
        let found = types.iter().find(|(name, _)| *name == kind).map(|(_, id)| *id);
        found.ok_or_else(|| StoreError::Corrupt(format!("there is no credential type {}", kind.as_str())))
    }
}

async fn load(store: &Store) -> Result<Network, StoreError> {
    let rows = store.fetch_without_network(&OLDEST, &[] as &[Value]).await?;
    let Some(row) = rows.first() else {
        return Err(StoreError::Unavailable("the database has no network yet".to_owned()));
    };
    let nid = row.columns().next()?;
    let mut credential_types = Vec::new();
    for row in store.fetch_without_network(&CREDENTIAL_TYPES, &[]).await? {
        let mut columns = row.columns();
        let (id, name): (Uuid, String) = (columns.next()?, columns.next()?);
        credential_types.extend(CredentialType::parse(&name).map(|kind| (kind, id)));
    }
    Ok(Network { nid, credential_types })
}
