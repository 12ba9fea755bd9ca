//! What a browser has left unfinished: one row for each thing that it may come back to (`continuity_containers`).

use model::{IdentityId, RawJson, Timestamp, Uuid};

use crate::error::StoreError;
use crate::statement::Statement;
use crate::{Store, Tx};

/// Something that a browser will go on with. Its cookie knows the id by the name.
#[derive(Clone, Debug)]
pub struct ContinuityContainer {
    /// The identifier.
    pub id: Uuid,
    /// What it is for, such as `ory_kratos_settings_password`; at most 255 characters.
    pub name: String,
    /// Who may go on with it; anybody with the cookie when `None`.
    pub identity_id: Option<IdentityId>,
    /// What is needed to go on.
    pub payload: RawJson,
    /// When it is too late to go on.
    pub expires_at: Timestamp,
    /// When it was left.
    pub created_at: Timestamp,
}

static BY_ID: Statement = Statement::new(
    "continuity_containers.by_id",
    "SELECT id, name, identity_id, payload, expires_at, created_at
     FROM continuity_containers WHERE nid = ?1 AND id = ?2",
);

static INSERT: Statement = Statement::new(
    "continuity_containers.insert",
    "INSERT INTO continuity_containers (nid, id, name, identity_id, payload, expires_at, created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
);

static EXPIRE: Statement = Statement::new(
    "continuity_containers.expire",
    "UPDATE continuity_containers SET expires_at = ?3, updated_at = ?4 WHERE nid = ?1 AND id = ?2 AND expires_at > ?3",
);

static DELETE: Statement =
    Statement::new("continuity_containers.delete", "DELETE FROM continuity_containers WHERE nid = ?1 AND id = ?2");

static DELETE_EXPIRED: Statement = Statement::new(
    "continuity_containers.delete_expired",
    "DELETE FROM continuity_containers WHERE +nid = ?1 AND identity_id = ?2 AND expires_at <= ?3",
);

pub(crate) static STATEMENTS: &[&Statement] = &[&BY_ID, &INSERT, &EXPIRE, &DELETE, &DELETE_EXPIRED];

impl Store {
    /// A container by its id, expired ones too; `None` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn continuity_container(&self, id: Uuid) -> Result<Option<ContinuityContainer>, StoreError> {
        let row = self.fetch_one(&BY_ID, &[id.into()]).await?;
        row.map(|row| {
            let mut columns = row.columns();
            Ok(ContinuityContainer {
                id: columns.next()?,
                name: columns.next()?,
                identity_id: columns.optional()?,
                payload: columns.optional()?.unwrap_or_else(|| RawJson::from_value(&serde_json::Value::Null)),
                expires_at: columns.next()?,
                created_at: columns.next()?,
            })
        })
        .transpose()
    }
}

impl Tx {
    /// Keeps a new container.
    pub fn insert_continuity_container(&mut self, container: &ContinuityContainer) {
        self.run(
            &INSERT,
            [
                container.id.into(),
                container.name.as_str().into(),
                container.identity_id.into(),
                (&container.payload).into(),
                container.expires_at.into(),
                container.created_at.into(),
            ],
        );
    }

    /// Uses a container up. The transaction fails as spent if that has happened before.
    pub fn use_continuity_container(&mut self, id: Uuid) {
        self.use_up(&DELETE, [id.into()]);
    }

    /// Uses a container up, and leaves it to be found until `expires_at`: a browser that comes back a second time can be
    /// told apart from one that was never here. The transaction fails as spent if this has happened before.
    pub fn expire_continuity_container(&mut self, id: Uuid, expires_at: Timestamp, now: Timestamp) {
        self.use_up(&EXPIRE, [id.into(), expires_at.into(), now.into()]);
    }

    /// Forgets a container, if it is there.
    pub fn delete_continuity_container(&mut self, id: Uuid) {
        self.run(&DELETE, [id.into()]);
    }

    /// Forgets what a person can no longer go on with.
    pub fn delete_expired_continuity_containers(&mut self, identity: IdentityId, now: Timestamp) {
        self.run(&DELETE_EXPIRED, [identity.into(), now.into()]);
    }
}
