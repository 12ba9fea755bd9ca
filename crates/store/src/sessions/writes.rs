//! Issuing, changing and ending sessions.

use model::{
    Aal, AuthenticationMethod, Device, IdentityId, Secret, Session, SessionId, SignedDuration, Timestamp, beginning,
};

use super::token::is_plausible;
use crate::error::{CommitError, StoreError};
use crate::row::Row;
use crate::statement::Statement;
use crate::value::Value;
use crate::{Store, Tx};

pub(super) static INSERT: Statement = Statement::new(
    "sessions.insert",
    "INSERT INTO sessions
       (nid, id, identity_id, token, logout_token, active, issued_at, expires_at, authenticated_at, aal,
        authentication_methods, created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
);

pub(super) static INSERT_DEVICE: Statement = Statement::new(
    "sessions.insert_device",
    "INSERT INTO session_devices
       (nid, id, session_id, identity_id, ip_address, user_agent, location, created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT DO NOTHING",
);

pub(super) static UPDATE: Statement = Statement::new(
    "sessions.update",
    "UPDATE sessions SET expires_at = ?3, authenticated_at = ?4, aal = ?5, authentication_methods = ?6, updated_at = ?7
     WHERE nid = ?1 AND id = ?2 AND active AND expires_at > ?7",
);

pub(super) static SET_AVAILABLE_AAL: Statement = Statement::new(
    "sessions.set_available_aal",
    "UPDATE identities SET available_aal = ?3
     WHERE nid = ?1 AND id = ?2 AND (available_aal IS NULL OR available_aal <> ?3)",
);

/// Rows of very old Kratos versions have no logout token.
pub(super) static ENSURE_LOGOUT_TOKEN: Statement = Statement::new(
    "sessions.ensure_logout_token",
    "UPDATE sessions SET logout_token = COALESCE(logout_token, ?3) WHERE nid = ?1 AND id = ?2 AND active
     RETURNING logout_token",
);

pub(super) static REVOKE_BY_TOKEN: Statement = Statement::new(
    "sessions.revoke_by_token",
    "UPDATE sessions SET updated_at = CASE WHEN active THEN ?3 ELSE updated_at END, active = false
     WHERE nid = ?1 AND token = ?2 RETURNING id, identity_id",
);

pub(super) static REVOKE_BY_LOGOUT_TOKEN: Statement = Statement::new(
    "sessions.revoke_by_logout_token",
    "UPDATE sessions SET updated_at = ?4, active = false
     WHERE nid = ?1 AND id = ?2 AND logout_token = ?3 AND active RETURNING id, identity_id",
);

pub(super) static REVOKE: Statement = Statement::new(
    "sessions.revoke",
    "UPDATE sessions SET updated_at = CASE WHEN active THEN ?3 ELSE updated_at END, active = false
     WHERE nid = ?1 AND id = ?2 RETURNING id, identity_id",
);

pub(super) static REVOKE_OF_IDENTITY: Statement = Statement::new(
    "sessions.revoke_of_identity",
    "UPDATE sessions SET updated_at = CASE WHEN active THEN ?4 ELSE updated_at END, active = false
     WHERE nid = ?1 AND id = ?2 AND identity_id = ?3 RETURNING id, identity_id",
);

pub(super) static REVOKE_OTHERS: Statement = Statement::new(
    "sessions.revoke_others",
    "UPDATE sessions SET updated_at = CASE WHEN active THEN ?4 ELSE updated_at END, active = false
     WHERE nid = ?1 AND identity_id = ?2 AND id <> ?3 RETURNING id, identity_id",
);

pub(super) static EXTEND: Statement = Statement::new(
    "sessions.extend",
    "UPDATE sessions SET expires_at = ?3, updated_at = ?4
     WHERE nid = ?1 AND id = ?2 AND active AND expires_at > ?4 AND expires_at < ?5 RETURNING id, identity_id",
);

pub(super) static DELETE_OF_IDENTITY: Statement = Statement::new(
    "sessions.delete_of_identity",
    "DELETE FROM sessions WHERE nid = ?1 AND identity_id = ?2 RETURNING id, identity_id",
);

pub(super) static DELETE_EXPIRED: Statement = Statement::new(
    "sessions.delete_expired",
    "DELETE FROM sessions
     WHERE id IN (SELECT id FROM sessions WHERE nid = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3)
     RETURNING id, identity_id",
);

/// The columns of `session_devices` hold no more, in characters.
const MAX_IP_ADDRESS: usize = 50;
const MAX_DEVICE_TEXT: usize = 512;

/// A session that a statement has ended, or found ended already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedSession {
    /// The session.
    pub id: SessionId,
    /// The identity that it signed in.
    pub identity_id: IdentityId,
}

/// What became of an attempt to make a session last longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// It lasts longer now.
    Extended,
    /// It lasts long enough as it is, or is over.
    Unchanged,
    /// There is no such session.
    Unknown,
}

impl Tx {
    /// Adds a new session and the devices it carries.
    pub fn insert_session(&mut self, session: &Session) {
        self.change_one(
            &INSERT,
            [
                session.id.into(),
                session.identity_id.into(),
                session.token.as_ref().into(),
                session.logout_token.as_ref().into(),
                session.active.into(),
                session.issued_at.into(),
                session.expires_at.into(),
                session.authenticated_at.into(),
                session.aal.as_str().into(),
                methods(&session.authentication_methods),
                session.created_at.into(),
                session.updated_at.into(),
            ],
        );
        for device in session.devices.iter().flatten() {
            self.insert_device(session, device);
        }
    }

    /// Adds a device to a session, unless it is known already.
    pub fn insert_device(&mut self, session: &Session, device: &Device) {
        let clip = |text: &Option<String>, length| text.as_deref().map(|text| beginning(text, length)).into();
        self.run(
            &INSERT_DEVICE,
            [
                device.id.into(),
                session.id.into(),
                session.identity_id.into(),
                clip(&device.ip_address, MAX_IP_ADDRESS),
                clip(&device.user_agent, MAX_DEVICE_TEXT),
                clip(&device.location, MAX_DEVICE_TEXT),
                session.updated_at.into(),
            ],
        );
    }

    /// Writes what a further sign-in changes. The transaction fails as stale when the session has ended or
    /// expired meanwhile.
    pub fn update_session(&mut self, session: &Session) {
        self.change_one(
            &UPDATE,
            [
                session.id.into(),
                session.expires_at.into(),
                session.authenticated_at.into(),
                session.aal.as_str().into(),
                methods(&session.authentication_methods),
                session.updated_at.into(),
            ],
        );
    }

    /// Remembers the highest level that an identity's credentials allow. Writes nothing where it is known.
    pub fn set_available_aal(&mut self, identity: IdentityId, aal: Aal) {
        self.run(&SET_AVAILABLE_AAL, [identity.into(), aal.as_str().into()]);
    }

    /// Ends a session. It may have ended already, or never have been.
    pub fn revoke_session(&mut self, id: SessionId, now: Timestamp) {
        self.run(&REVOKE, [id.into(), now.into()]);
    }

    /// Ends all sessions of an identity but `except`.
    pub fn revoke_sessions_of_identity(&mut self, identity: IdentityId, except: Option<SessionId>, now: Timestamp) {
        let except = except.map_or(model::Uuid::nil(), SessionId::uuid);
        self.run(&REVOKE_OTHERS, [identity.into(), except.into(), now.into()]);
    }

    /// Removes all sessions of an identity, with their devices.
    pub fn delete_sessions_of_identity(&mut self, identity: IdentityId) {
        self.run(&DELETE_OF_IDENTITY, [identity.into()]);
    }
}

impl Store {
    /// The logout token of a living session, which becomes `fresh` where it has none. `None` when it lives no more.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn ensure_logout_token(&self, id: SessionId, fresh: &Secret) -> Result<Option<Secret>, CommitError> {
        let rows = self.run_one(&ENSURE_LOGOUT_TOKEN, [id.into(), fresh.into()]).await?;
        Ok(rows.first().map(|row| row.columns().next()).transpose()?)
    }

    /// Ends the session that a token proves, and says which. Ended and expired ones are found too; `None` is for tokens
    /// that there never were.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn revoke_session_by_token(
        &self,
        token: &Secret,
        now: Timestamp,
    ) -> Result<Option<EndedSession>, CommitError> {
        if !is_plausible(token.expose()) {
            return Ok(None);
        }
        first(&self.run_one(&REVOKE_BY_TOKEN, [token.into(), now.into()]).await?)
    }

    /// Ends a living session that has this logout token, and writes `also` in the same transaction. `None` when there is no such
    /// session; `also` is written all the same.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn revoke_session_by_logout_token(
        &self,
        id: SessionId,
        logout_token: &Secret,
        now: Timestamp,
        also: Tx,
    ) -> Result<Option<EndedSession>, CommitError> {
        let mut tx = Tx::new();
        tx.run(&REVOKE_BY_LOGOUT_TOKEN, [id.into(), logout_token.into(), now.into()]);
        tx.append(also);
        first(&self.commit_rows(tx).await?.into_iter().next().unwrap_or_default())
    }

    /// Ends a session. `None` when there is no such session; one that has ended already is found.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn revoke_session(&self, id: SessionId, now: Timestamp) -> Result<Option<EndedSession>, CommitError> {
        first(&self.run_one(&REVOKE, [id.into(), now.into()]).await?)
    }

    /// Ends a session if it belongs to `identity`. `None` when it does not, or is not there.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn revoke_session_of_identity(
        &self,
        id: SessionId,
        identity: IdentityId,
        now: Timestamp,
    ) -> Result<Option<EndedSession>, CommitError> {
        first(&self.run_one(&REVOKE_OF_IDENTITY, [id.into(), identity.into(), now.into()]).await?)
    }

    /// Ends all sessions of an identity but one, and says how many there are, those that had ended before included.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn revoke_other_sessions(
        &self,
        identity: IdentityId,
        except: SessionId,
        now: Timestamp,
    ) -> Result<usize, CommitError> {
        Ok(self.run_one(&REVOKE_OTHERS, [identity.into(), except.into(), now.into()]).await?.len())
    }

    /// Makes a living session last until `lifespan` from now, if no more than `earliest` of its time is left.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn extend_session(
        &self,
        id: SessionId,
        now: Timestamp,
        lifespan: SignedDuration,
        earliest: SignedDuration,
    ) -> Result<Extension, CommitError> {
        let later = |by| now.saturating_add(by).unwrap_or(Timestamp::MAX);
        let parameters = [id.into(), later(lifespan).into(), now.into(), later(earliest).into()];
        if !self.run_one(&EXTEND, parameters).await?.is_empty() {
            return Ok(Extension::Extended);
        }
        let found = self.session(id).await?;
        Ok(found.map_or(Extension::Unknown, |_| Extension::Unchanged))
    }

    /// Removes all sessions of an identity, with their devices, and says how many there were.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn delete_sessions_of_identity(&self, identity: IdentityId) -> Result<usize, CommitError> {
        Ok(self.run_one(&DELETE_OF_IDENTITY, [identity.into()]).await?.len())
    }

    /// Removes up to `limit` sessions that expired at or before `before`, and says how many.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn delete_expired_sessions(&self, before: Timestamp, limit: i64) -> Result<usize, CommitError> {
        Ok(self.run_one(&DELETE_EXPIRED, [before.into(), limit.into()]).await?.len())
    }

    /// Commits one statement and gives back its rows.
    pub(super) async fn run_one<const N: usize>(
        &self,
        statement: &'static Statement,
        parameters: [Value; N],
    ) -> Result<Vec<Row>, CommitError> {
        let mut tx = Tx::new();
        tx.run(statement, parameters);
        Ok(self.commit_rows(tx).await?.pop().unwrap_or_default())
    }
}

fn first(rows: &[Row]) -> Result<Option<EndedSession>, CommitError> {
    let read = |row: &Row| {
        let mut columns = row.columns();
        Ok(EndedSession { id: columns.next()?, identity_id: columns.next()? })
    };
    rows.first().map(read).transpose().map_err(|error: StoreError| error.into())
}

fn methods(methods: &[AuthenticationMethod]) -> Value {
    Value::Json(model::stored_methods(methods))
}
