//! Session token exchanges: a native app starts a sign-in in a browser, and later trades two codes for the session's
//! token. One code it got from the flow, the other from the URL that the browser returned to.

use model::{Id, Secret, SessionId, Timestamp, Uuid};

use super::token::is_plausible;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::{Store, Tx};

pub(super) static INSERT: Statement = Statement::new(
    "session_token_exchanges.insert",
    "INSERT INTO session_token_exchanges (nid, id, flow_id, init_code, return_to_code, created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
);

pub(super) static BY_FLOW: Statement = Statement::new(
    "session_token_exchanges.by_flow",
    "SELECT id, flow_id, session_id, init_code, return_to_code FROM session_token_exchanges
     WHERE nid = ?1 AND flow_id = ?2",
);

pub(super) static BY_CODES: Statement = Statement::new(
    "session_token_exchanges.by_codes",
    "SELECT session_id FROM session_token_exchanges
     WHERE nid = ?1 AND init_code = ?2 AND return_to_code = ?3 AND session_id IS NOT NULL",
);

pub(super) static BIND: Statement = Statement::new(
    "session_token_exchanges.bind",
    "UPDATE session_token_exchanges SET session_id = ?3, updated_at = ?4
     WHERE nid = ?1 AND flow_id = ?2 AND session_id IS NULL",
);

pub(super) static MOVE: Statement = Statement::new(
    "session_token_exchanges.move",
    "UPDATE session_token_exchanges SET flow_id = ?3, updated_at = ?4 WHERE nid = ?1 AND flow_id = ?2",
);

pub(super) static USE: Statement = Statement::new(
    "session_token_exchanges.mark_used",
    "DELETE FROM session_token_exchanges
     WHERE nid = ?1 AND init_code = ?2 AND return_to_code = ?3 AND session_id IS NOT NULL",
);

/// An exchange that has been prepared.
#[derive(Clone, Debug)]
pub struct TokenExchange {
    /// The identifier.
    pub id: Id<TokenExchange>,
    /// The flow that the sign-in happens in.
    pub flow_id: Uuid,
    /// Set once the sign-in is done.
    pub session_id: Option<SessionId>,
    /// 64 letters and digits, given to the app as the flow begins.
    pub init_code: Secret,
    /// 64 letters and digits, given to the app by the browser's return.
    pub return_to_code: Secret,
}

impl Tx {
    /// Prepares an exchange.
    pub fn insert_token_exchange(&mut self, exchange: &TokenExchange, now: Timestamp) {
        let TokenExchange { id, flow_id, init_code, return_to_code, .. } = exchange;
        let parameters = [(*id).into(), (*flow_id).into(), init_code.into(), return_to_code.into(), now.into()];
        self.change_one(&INSERT, parameters);
    }

    /// Binds the session of a finished sign-in to the exchange of its flow. The transaction fails as stale when another
    /// sign-in was first.
    pub fn bind_token_exchange(&mut self, flow_id: Uuid, session: SessionId, now: Timestamp) {
        self.change_one(&BIND, [flow_id.into(), session.into(), now.into()]);
    }

    /// Uses the two codes of an exchange up. The transaction fails as spent if that has happened before.
    pub fn use_token_exchange(&mut self, init_code: &Secret, return_to_code: &Secret) {
        self.use_up(&USE, [init_code.into(), return_to_code.into()]);
    }

    /// Hands an exchange on to the flow that takes another's place.
    pub fn move_token_exchange(&mut self, from: Uuid, to: Uuid, now: Timestamp) {
        self.run(&MOVE, [from.into(), to.into(), now.into()]);
    }
}

impl Store {
    /// The exchange of a flow.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn token_exchange_of_flow(&self, flow_id: Uuid) -> Result<Option<TokenExchange>, StoreError> {
        let Some(row) = self.fetch_one(&BY_FLOW, &[flow_id.into()]).await? else { return Ok(None) };
        let mut columns = row.columns();
        Ok(Some(TokenExchange {
            id: columns.next()?,
            flow_id: columns.next()?,
            session_id: columns.optional()?,
            init_code: columns.next()?,
            return_to_code: columns.next()?,
        }))
    }

    /// The session that two codes are worth; `None` also while the sign-in is not done.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn session_of_exchange(
        &self,
        init_code: &Secret,
        return_to_code: &Secret,
    ) -> Result<Option<SessionId>, StoreError> {
        if ![init_code, return_to_code].into_iter().all(|code| is_plausible(code.expose())) {
            return Ok(None);
        }
        let row = self.fetch_one(&BY_CODES, &[init_code.into(), return_to_code.into()]).await?;
        row.map(|row| row.columns().next()).transpose()
    }
}
