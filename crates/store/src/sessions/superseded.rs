//! Tokens that others have taken the place of: for a few seconds they answer what was under way.

use model::{Secret, SessionId, Timestamp, Uuid};

use crate::error::StoreError;
use crate::statement::Statement;
use crate::{Store, Tx};

pub(super) static SET_TOKEN: Statement = Statement::new(
    "sessions.set_token",
    "UPDATE sessions SET token = ?3, updated_at = ?4 WHERE nid = ?1 AND id = ?2 AND active AND expires_at > ?4",
);

/// Of two changes at once, either has the same token to supersede.
pub(super) static INSERT: Statement = Statement::new(
    "superseded_tokens.insert",
    "INSERT INTO zelus_superseded_tokens (nid, id, session_id, methods, authenticated_at, expires_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
);

pub(super) static BY_ID: Statement = Statement::new(
    "superseded_tokens.by_id",
    "SELECT id, session_id, methods, authenticated_at, expires_at FROM zelus_superseded_tokens
     WHERE nid = ?1 AND id = ?2 AND expires_at > ?3",
);

/// A token that a session had before, with what the session proved by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupersededToken {
    /// Stands for the token, which is not kept.
    pub id: Uuid,
    /// The session.
    pub session_id: SessionId,
    /// How many of the session's authentication methods there were.
    pub methods: i64,
    /// When the session was last proved.
    pub authenticated_at: Timestamp,
    /// From when on the token is worth nothing.
    pub expires_at: Timestamp,
}

impl Tx {
    /// Gives a session another token. The transaction fails as stale when the session has ended or expired.
    pub fn replace_session_token(&mut self, session: SessionId, token: &Secret, now: Timestamp) {
        self.change_one(&SET_TOKEN, [session.into(), token.into(), now.into()]);
    }

    /// Keeps what a token proved that another has taken the place of.
    pub fn keep_superseded_token(&mut self, superseded: &SupersededToken) {
        let SupersededToken { id, session_id, methods, authenticated_at, expires_at } = superseded;
        let kept =
            [(*id).into(), (*session_id).into(), (*methods).into(), (*authenticated_at).into(), (*expires_at).into()];
        self.run(&INSERT, kept);
    }
}

impl Store {
    /// The token that `id` stands for, if another has taken its place and it still answers what is under way.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn superseded_token(&self, id: Uuid, now: Timestamp) -> Result<Option<SupersededToken>, StoreError> {
        let Some(row) = self.fetch_one(&BY_ID, &[id.into(), now.into()]).await? else { return Ok(None) };
        let mut columns = row.columns();
        Ok(Some(SupersededToken {
            id: columns.next()?,
            session_id: columns.next()?,
            methods: columns.next()?,
            authenticated_at: columns.next()?,
            expires_at: columns.next()?,
        }))
    }
}
