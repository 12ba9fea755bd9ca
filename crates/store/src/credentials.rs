//! Single credentials, written outside of their identity.

use model::{Credential, Id, RawJson, Timestamp};

use crate::Tx;
use crate::statement::Statement;

static UPDATE_CONFIG: Statement = Statement::new(
    "credentials.update_config",
    "UPDATE identity_credentials SET config = ?3, updated_at = ?4 WHERE nid = ?1 AND id = ?2",
);

pub(crate) static STATEMENTS: &[&Statement] = &[&UPDATE_CONFIG];

impl Tx {
    /// Replaces what a credential holds, such as a password hash of an outdated kind. A credential that is gone
    /// meanwhile is no matter.
    pub fn update_credential_config(&mut self, id: Id<Credential>, config: &RawJson, now: Timestamp) {
        self.run(&UPDATE_CONFIG, [id.into(), config.into(), now.into()]);
    }
}
