//! Single credentials, written outside of their identity.

use model::{Credential, Id, RawJson, Timestamp};

use crate::statement::Statement;
use crate::{Tx, to_microseconds};

/// Kratos' rows on SQLite are text that may be spaced otherwise than ours.
static REPLACE_CONFIG: Statement = Statement::new(
    "credentials.replace_config",
    "UPDATE identity_credentials SET config = ?4, updated_at = ?5
     WHERE nid = ?1 AND id = ?2 AND json(config) = json(?3)",
)
.postgres("UPDATE identity_credentials SET config = ?4, updated_at = ?5 WHERE nid = ?1 AND id = ?2 AND config = ?3");

pub(crate) static STATEMENTS: &[&Statement] = &[&REPLACE_CONFIG];

impl Tx {
    /// As [`Tx::replace_credential_config`] for what may be left out: how often a key was used, or
    /// the same password under a newer kind of hash.
    pub fn note_credential_config(&mut self, id: Id<Credential>, before: &RawJson, after: &RawJson, now: Timestamp) {
        self.run(&REPLACE_CONFIG, [id.into(), before.into(), after.into(), to_microseconds(now).into()]);
    }

    /// Replaces what a credential holds, provided it is still `before`: a code that was just used is noted once. Fails
    /// as spent when someone else changed or removed the credential meanwhile.
    pub fn replace_credential_config(&mut self, id: Id<Credential>, before: &RawJson, after: &RawJson, now: Timestamp) {
        self.use_up(&REPLACE_CONFIG, [id.into(), before.into(), after.into(), to_microseconds(now).into()]);
    }
}
