//! What one node does at a time (`zelus_leases`): whoever holds the lease may go on until it expires. Clocks of nodes differ,
//! so a lease saves work that would be done twice; it keeps nothing safe.

use model::{Timestamp, Uuid};

use crate::Store;
use crate::error::CommitError;
use crate::statement::Statement;
use crate::tx::Tx;

static TAKE: Statement = Statement::new(
    "leases.take",
    "INSERT INTO zelus_leases (nid, name, holder, expires_at) VALUES (?1, ?2, ?3, ?5)
     ON CONFLICT (nid, name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
     WHERE zelus_leases.holder = excluded.holder OR zelus_leases.expires_at <= ?4
     RETURNING name",
);

pub(crate) static STATEMENTS: &[&Statement] = &[&TAKE];

impl Store {
    /// Takes the lease of this name until a time, or takes it for longer; whether it is the holder's now. It is not if
    /// somebody else's has not expired.
    ///
    /// # Errors
    /// See [`CommitError`]; also when the table is not there, which servers do without.
    pub async fn take_lease(
        &self,
        name: &str,
        holder: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, CommitError> {
        let mut tx = Tx::new();
        tx.run(&TAKE, [name.into(), holder.into(), now.into(), until.into()]);
        Ok(self.commit_rows(tx).await?.iter().any(|rows| !rows.is_empty()))
    }
}
