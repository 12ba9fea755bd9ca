//! Sessions, the devices they were used from, and the codes that native apps trade for them.
//!
//! A session that has ended is never brought back: every statement that changes one, but for those that end it, asks
//! for `active`.

mod exchanges;
mod superseded;
mod token;
mod writes;

#[cfg(test)]
mod tests;

pub use exchanges::TokenExchange;
pub use superseded::SupersededToken;
pub use writes::{EndedSession, Extension};

use std::sync::Arc;

use model::factors::SECOND_FACTOR_TYPES;
use model::{Aal, Credentials, Device, Id, IdentityId, Secret, Session, SessionId, Timestamp};

use token::is_plausible;

use crate::Store;
use crate::error::StoreError;
use crate::identities::{self, identity_columns, read_credentials};
use crate::row::{Columns, Row};
use crate::statement::Statement;
use crate::value::Value;

/// The columns of a session `s`; [`read_session`] reads them.
macro_rules! session_columns {
    () => {
        "s.id, s.identity_id, s.token, s.logout_token, s.active, s.issued_at, s.expires_at, s.authenticated_at, s.aal,
         s.authentication_methods, s.created_at, s.updated_at"
    };
}

/// The devices of a session as an array of arrays; [`read_devices`] reads it.
macro_rules! devices_column {
    // The plus keeps SQLite from the index that holds the devices' descriptions too.
    (sqlite) => {
        "(SELECT json_group_array(json_array(d.id, d.ip_address, d.user_agent, d.location, d.created_at))
          FROM session_devices d WHERE +d.nid = s.nid AND d.session_id = s.id)"
    };
    (postgres) => {
        "(SELECT json_agg(json_build_array(d.id, d.ip_address, d.user_agent, d.location, d.created_at))
          FROM session_devices d WHERE d.nid = s.nid AND d.session_id = s.id)"
    };
}

/// The plus keeps SQLite from the index on `(nid, id)`, which is twice as large as that of the primary key.
macro_rules! from_sessions {
    (sqlite) => {
        "FROM sessions s JOIN identities i ON i.id = s.identity_id AND +i.nid = ?1"
    };
    (postgres) => {
        "FROM sessions s JOIN identities i ON i.id = s.identity_id AND i.nid = ?1"
    };
}

/// What a session proves. The credentials that could be second factors (types `?3` to `?6`) come along only where they are
/// wanted (`?7`) and may change the answer: the session is below `aal2`, and the identity is not yet known to have a second
/// factor.
///
/// For a list of them (`IN`), SQLite would make a table and drop it at each request; the plus keeps it from reading
/// everyone's credentials of a type.
macro_rules! lookup {
    (sqlite, $condition:literal) => {
        concat!(
            "SELECT ",
            session_columns!(),
            ", ",
            identity_columns!(sqlite),
            ", ",
            devices_column!(sqlite),
            ",
           CASE WHEN CAST(?7 AS boolean) AND s.aal <> 'aal2' AND (i.available_aal IS NULL OR i.available_aal <> 'aal2') THEN
             (SELECT json_group_array(json_array(
                c.id, (SELECT t.name FROM identity_credential_types t WHERE t.id = c.identity_credential_type_id),
                c.config, c.version, c.created_at, c.updated_at, NULL))
              FROM identity_credentials c
              WHERE c.identity_id = s.identity_id AND c.nid = s.nid
                AND (+c.identity_credential_type_id = ?3 OR +c.identity_credential_type_id = ?4
                  OR +c.identity_credential_type_id = ?5 OR +c.identity_credential_type_id = ?6)) END
         ",
            from_sessions!(sqlite),
            " WHERE ",
            $condition
        )
    };
    (postgres, $condition:literal) => {
        concat!(
            "SELECT ",
            session_columns!(),
            ", ",
            identity_columns!(postgres),
            ", ",
            devices_column!(postgres),
            ",
       CASE WHEN CAST(?7 AS boolean) AND s.aal <> 'aal2' AND (i.available_aal IS NULL OR i.available_aal <> 'aal2') THEN
         (SELECT json_agg(json_build_array(
            c.id, (SELECT t.name FROM identity_credential_types t WHERE t.id = c.identity_credential_type_id),
            c.config::text, c.version, c.created_at, c.updated_at, NULL))
          FROM identity_credentials c
          WHERE c.identity_id = s.identity_id AND c.nid = s.nid
            AND c.identity_credential_type_id IN (?3, ?4, ?5, ?6)) END
     ",
            from_sessions!(postgres),
            " WHERE ",
            $condition
        )
    };
}

/// The hottest statement of all.
static BY_TOKEN: Statement = Statement::new("sessions.by_token", lookup!(sqlite, "s.token = ?2 AND s.nid = ?1"))
    .postgres(lookup!(postgres, "s.token = ?2 AND s.nid = ?1"));

/// As [`BY_TOKEN`], for [`MAX_TOKENS`] of them. The plus keeps SQLite from the index of everybody's sessions.
static BY_TOKENS: Statement = Statement::new(
    "sessions.by_tokens",
    lookup!(sqlite, "s.token IN (?2, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) AND +s.nid = ?1"),
)
.postgres(lookup!(postgres, "s.token IN (?2, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) AND s.nid = ?1"));

/// How many tokens are looked at together: as many cookies as count of one name.
const MAX_TOKENS: usize = 9;

static BY_ID: Statement = Statement::new(
    "sessions.by_id",
    concat!(
        "SELECT ",
        session_columns!(),
        ", ",
        identity_columns!(sqlite),
        ", ",
        devices_column!(sqlite),
        "
         ",
        from_sessions!(sqlite),
        " WHERE s.id = ?2 AND s.nid = ?1",
    ),
)
.postgres(concat!(
    "SELECT ",
    session_columns!(),
    ", ",
    identity_columns!(postgres),
    ", ",
    devices_column!(postgres),
    "
     ",
    from_sessions!(postgres),
    " WHERE s.id = ?2 AND s.nid = ?1",
));

/// `?3` is a session to leave out, `?4` the current time; `?5` and `?6` say whether the living and the ended are wanted.
macro_rules! of_identity {
    // The plus keeps SQLite from reading everyone's sessions by an index that is in the wanted order.
    (sqlite) => {
        "WHERE +s.nid = ?1 AND s.identity_id = ?2 AND s.id <> ?3
           AND CASE WHEN s.active AND s.expires_at >= ?4 THEN CAST(?5 AS boolean) ELSE CAST(?6 AS boolean) END"
    };
    (postgres) => {
        "WHERE s.nid = ?1 AND s.identity_id = ?2 AND s.id <> ?3
           AND CASE WHEN s.active AND s.expires_at >= ?4 THEN CAST(?5 AS boolean) ELSE CAST(?6 AS boolean) END"
    };
}

static OF_IDENTITY: Statement = Statement::new(
    "sessions.of_identity",
    concat!(
        "SELECT ",
        session_columns!(),
        ", ",
        devices_column!(sqlite),
        " FROM sessions s ",
        of_identity!(sqlite),
        " ORDER BY s.created_at DESC, s.id LIMIT ?7 OFFSET ?8",
    ),
)
.postgres(concat!(
    "SELECT ",
    session_columns!(),
    ", ",
    devices_column!(postgres),
    " FROM sessions s ",
    of_identity!(postgres),
    " ORDER BY s.created_at DESC, s.id LIMIT ?7 OFFSET ?8",
));

static COUNT_OF_IDENTITY: Statement =
    Statement::new("sessions.count_of_identity", concat!("SELECT count(*) FROM sessions s ", of_identity!(sqlite)))
        .postgres(concat!("SELECT count(*) FROM sessions s ", of_identity!(postgres)));

/// `?2` and `?3` are the position of the last row of the page before; `?4` to `?6` as above.
macro_rules! page_of_all {
    () => {
        "WHERE s.nid = ?1 AND s.created_at <= ?2 AND (s.created_at < ?2 OR s.id > ?3)
           AND CASE WHEN s.active AND s.expires_at >= ?4 THEN CAST(?5 AS boolean) ELSE CAST(?6 AS boolean) END
         ORDER BY s.created_at DESC, s.id LIMIT ?7"
    };
}

static ALL: Statement = Statement::new(
    "sessions.all",
    concat!("SELECT ", session_columns!(), ", ", devices_column!(sqlite), " FROM sessions s ", page_of_all!()),
)
.postgres(concat!("SELECT ", session_columns!(), ", ", devices_column!(postgres), " FROM sessions s ", page_of_all!()));

pub(crate) static STATEMENTS: &[&Statement] = &[
    &BY_TOKEN,
    &BY_TOKENS,
    &BY_ID,
    &OF_IDENTITY,
    &COUNT_OF_IDENTITY,
    &ALL,
    &writes::INSERT,
    &writes::INSERT_DEVICE,
    &writes::UPDATE,
    &writes::SET_AVAILABLE_AAL,
    &writes::ENSURE_LOGOUT_TOKEN,
    &writes::REVOKE_BY_TOKEN,
    &writes::REVOKE_BY_LOGOUT_TOKEN,
    &writes::REVOKE,
    &writes::REVOKE_OF_IDENTITY,
    &writes::REVOKE_OTHERS,
    &writes::EXTEND,
    &writes::DELETE_OF_IDENTITY,
    &writes::DELETE_EXPIRED,
    &exchanges::INSERT,
    &exchanges::BY_FLOW,
    &exchanges::BY_CODES,
    &exchanges::BIND,
    &exchanges::MOVE,
    &exchanges::USE,
    &superseded::SET_TOKEN,
    &superseded::INSERT,
    &superseded::BY_ID,
];

/// What a token stands for.
#[derive(Debug)]
pub struct SessionLookup {
    /// With identity, addresses and devices, and without credentials.
    pub session: Session,
    /// Credentials that may be second factors, without their identifiers. Empty unless they are wanted, the session is
    /// below `aal2` and the identity is not known to have a second factor.
    pub second_factors: Credentials,
}

/// Whether credentials that may be second factors come along with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactors {
    /// They may change the answer.
    Wanted,
    /// Nothing depends on them.
    Unwanted,
}

/// Which sessions a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionFilter {
    /// The living ones, the ended ones, or both. Disabled identities make no difference here, as in Kratos.
    pub active: Option<bool>,
    /// One that is left out.
    pub except: Option<SessionId>,
}

impl SessionFilter {
    /// Whether the living and the ended are wanted.
    fn wanted(self) -> (bool, bool) {
        (self.active != Some(false), self.active != Some(true))
    }
}

/// A place in the list of all sessions: the last row of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPosition {
    /// When the session of that row was made.
    pub created_at: Timestamp,
    /// Its identifier.
    pub id: SessionId,
}

impl Store {
    /// The session that a token proves, alive or not, with its identity, addresses and devices: one statement.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn session_by_token(
        &self,
        token: &Secret,
        second_factors: SecondFactors,
    ) -> Result<Option<SessionLookup>, StoreError> {
        if !is_plausible(token.expose()) {
            return Ok(None);
        }
        let row = self.fetch_one(&BY_TOKEN, &self.lookup_parameters(token, second_factors).await?).await?;
        row.map(|row| read_lookup(&row)).transpose()
    }

    /// The sessions that any of these tokens prove, alive or not, in no order: one statement. Of more than nine tokens the rest
    /// is not looked at.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn sessions_by_tokens(
        &self,
        tokens: &[&Secret],
        second_factors: SecondFactors,
    ) -> Result<Vec<SessionLookup>, StoreError> {
        let mut tokens = tokens.iter().copied().filter(|token| is_plausible(token.expose())).take(MAX_TOKENS);
        let Some(first) = tokens.next() else { return Ok(Vec::new()) };
        let mut parameters = self.lookup_parameters(first, second_factors).await?.to_vec();
        // The places of those that are not there hold the first once more.
        let others = tokens.chain(std::iter::repeat(first)).take(MAX_TOKENS - 1);
        parameters.extend(others.map(Value::from));
        self.fetch(&BY_TOKENS, &parameters).await?.iter().map(read_lookup).collect()
    }

    async fn lookup_parameters(&self, token: &Secret, second_factors: SecondFactors) -> Result<[Value; 6], StoreError> {
        let wanted = second_factors == SecondFactors::Wanted;
        let network = self.network().await?;
        let [totp, lookup_secret, webauthn, code] = SECOND_FACTOR_TYPES.map(|kind| {
            // A type that an old database lacks matches nothing.
            let id = || network.credential_types.iter().find(|(name, _)| *name == kind).map(|(_, id)| *id);
            wanted.then(id).flatten().into()
        });
        Ok([token.into(), totp, lookup_secret, webauthn, code, wanted.into()])
    }

    /// A session, alive or not, with its identity, addresses and devices.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let row = self.fetch_one(&BY_ID, &[id.into()]).await?;
        row.map(|row| read(&mut row.columns())).transpose()
    }

    /// Sessions of an identity, the newest first, from `offset` on and at most `limit` of them; with devices, and without
    /// the identity, which would be the same in each.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn sessions_of_identity(
        &self,
        identity: IdentityId,
        filter: SessionFilter,
        now: Timestamp,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Session>, StoreError> {
        let mut parameters = of_identity_parameters(identity, filter, now);
        parameters.extend([limit.into(), offset.into()]);
        read_list(&self.fetch_apart(&OF_IDENTITY, &parameters).await?)
    }

    /// How many sessions [`Store::sessions_of_identity`] would give without a limit.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn count_sessions_of_identity(
        &self,
        identity: IdentityId,
        filter: SessionFilter,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let row = self.fetch_one(&COUNT_OF_IDENTITY, &of_identity_parameters(identity, filter, now)).await?;
        row.map_or(Ok(0), |row| row.columns().next())
    }

    /// Sessions of everyone, the newest first, beginning behind `after`; with devices, and without identities, which may
    /// stand in many of them. `filter.except` is not looked at.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn sessions(
        &self,
        filter: SessionFilter,
        now: Timestamp,
        after: SessionPosition,
        limit: i64,
    ) -> Result<Vec<Session>, StoreError> {
        let (living, ended) = filter.wanted();
        let parameters =
            [after.created_at.into(), after.id.into(), now.into(), living.into(), ended.into(), limit.into()];
        read_list(&self.fetch_apart(&ALL, &parameters).await?)
    }
}

fn of_identity_parameters(identity: IdentityId, filter: SessionFilter, now: Timestamp) -> Vec<Value> {
    let (living, ended) = filter.wanted();
    let except = filter.except.map_or(model::Uuid::nil(), SessionId::uuid);
    vec![identity.into(), except.into(), now.into(), living.into(), ended.into()]
}

fn read_lookup(row: &Row) -> Result<SessionLookup, StoreError> {
    let mut columns = row.columns();
    Ok(SessionLookup { session: read(&mut columns)?, second_factors: read_credentials(&mut columns)? })
}

/// Reads `session_columns!`, `identity_columns!` and `devices_column!`.
fn read(columns: &mut Columns<'_>) -> Result<Session, StoreError> {
    let mut session = read_session(columns)?;
    session.identity = Some(Arc::new(identities::read(columns)?));
    session.devices = Some(read_devices(columns)?);
    Ok(session)
}

fn read_session(columns: &mut Columns<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        id: columns.next()?,
        identity_id: columns.next()?,
        token: columns.optional()?,
        logout_token: columns.optional()?,
        active: columns.optional()?.unwrap_or(false),
        issued_at: columns.next()?,
        expires_at: columns.next()?,
        authenticated_at: columns.next()?,
        aal: columns.parsed(Aal::parse)?,
        authentication_methods: columns.json()?,
        attainable_aal: None,
        created_at: columns.next()?,
        updated_at: columns.next()?,
        devices: None,
        identity: None,
    })
}

/// The devices, the first one first.
fn read_devices(columns: &mut Columns<'_>) -> Result<Vec<Device>, StoreError> {
    type Row = (Id<Device>, Option<String>, Option<String>, Option<String>, String);
    let mut rows: Vec<Row> = columns.json()?;
    // Times sort as their text does, in either database's form.
    rows.sort_by(|a, b| (&a.4, a.0.uuid()).cmp(&(&b.4, b.0.uuid())));
    let device = |(id, ip_address, user_agent, location, _): Row| Device { id, ip_address, user_agent, location };
    Ok(rows.into_iter().map(device).collect())
}

fn read_list(rows: &[Row]) -> Result<Vec<Session>, StoreError> {
    let read = |row: &Row| {
        let mut columns = row.columns();
        let session = read_session(&mut columns)?;
        Ok(Session { devices: Some(read_devices(&mut columns)?), ..session })
    };
    rows.iter().map(read).collect()
}
