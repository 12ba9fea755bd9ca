//! Trading the two codes of a native app's browser sign-in for its session.

use crypto::tokens;
use model::{Cx, Id, Problem, Secret, Session, Uuid};
use store::{TokenExchange, Tx};

use crate::Sessions;

impl Sessions {
    /// A new exchange for a flow, to be written with `Tx::insert_token_exchange`.
    pub fn new_token_exchange(&self, cx: &Cx, flow_id: Uuid) -> TokenExchange {
        TokenExchange {
            id: Id::random(&cx.entropy),
            flow_id,
            session_id: None,
            init_code: tokens::exchange_code(&cx.entropy),
            return_to_code: tokens::exchange_code(&cx.entropy),
        }
    }

    /// `GET /sessions/token-exchange`: the session that two codes are worth; its token is in [`Session::token`].
    ///
    /// The codes are good once, and worth nothing once the session has ended; Kratos goes on handing out its token.
    ///
    /// # Errors
    /// 400 when a code is missing, 404 when the codes are unknown, the sign-in is not done, or its session is over.
    pub async fn exchange_token(
        &self,
        cx: &Cx,
        init_code: &Secret,
        return_to_code: &Secret,
    ) -> Result<Session, Problem> {
        if init_code.expose().is_empty() || return_to_code.expose().is_empty() {
            return Err(Problem::bad_request("Please send both codes, as \"init_code\" and \"return_to_code\"."));
        }
        let not_yet = || Problem::not_found().reason("There is no session for these codes (yet).");
        let id = self.store().session_of_exchange(init_code, return_to_code).await?.ok_or_else(not_yet)?;
        let mut session =
            self.store().session(id).await?.filter(|session| session.is_valid(cx.now())).ok_or_else(not_yet)?;
        let mut tx = Tx::new();
        tx.use_token_exchange(init_code, return_to_code);
        match self.store().commit(tx).await {
            Ok(()) => {}
            Err(error) if error.is_spent() => return Err(not_yet()),
            Err(error) => return Err(error.into()),
        }
        session.devices = Some(Vec::new());
        Ok(session)
    }
}
