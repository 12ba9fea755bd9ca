//! Another token for a session whose owner signs in again or proves more: whoever got hold of the one before is left with
//! nothing.
//!
//! A page asks for several things at once, so for some seconds the token before still answers what changes nothing. It goes on
//! proving what it proved until then, and no more. The one thing that it changes is that a logout which is under way ends the
//! session, for which the logout token has to be known too.

use crypto::tokens;
use model::{Cx, FlowClient, Problem, Secret, Session, SignedDuration, level_of};
use store::{OwnTable, SupersededToken, Tx};

use crate::credentials::Presented;
use crate::{Found, Sessions, Via};

/// How long a token still answers what was under way when another took its place.
const UNDER_WAY: SignedDuration = SignedDuration::from_secs(10);

impl Sessions {
    /// Gives a session that was found by `via` another token, before [`Sessions::strengthen`] adds what is proved in a flow of
    /// `client`. The answer has to carry it. The logout token stays.
    ///
    /// Native apps keep the token that they have, as in Kratos, unless they are set to get another. So does whoever shows a
    /// credential of one kind and is answered by another: somebody else may go by the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate(
        &self,
        cx: &Cx,
        session: &mut Session,
        via: Via,
        client: FlowClient,
        tx: &mut Tx,
    ) -> Result<(), Problem> {
        let is_due = match (client, via) {
            (FlowClient::Browser, Via::Cookie | Via::BareCookie) => true,
            (FlowClient::Api, Via::SessionTokenHeader | Via::Bearer) => self.policy.rotate_native_tokens,
            (FlowClient::Browser | FlowClient::Api, _) => false,
        };
        let Some(token) = session.token.as_ref().filter(|_| is_due) else { return Ok(()) };
        let now = cx.now();
        let superseded = SupersededToken {
            id: tokens::fingerprint(token),
            session_id: session.id,
            methods: i64::try_from(session.authentication_methods.len()).unwrap_or(i64::MAX),
            authenticated_at: session.authenticated_at,
            expires_at: now + UNDER_WAY,
        };
        let fresh = tokens::session_token(&cx.entropy);
        tx.replace_session_token(session.id, &fresh, now);
        if self.store().has_own_table(OwnTable::SupersededTokens).await? {
            tx.keep_superseded_token(&superseded);
        }
        session.token = Some(fresh);
        Ok(())
    }

    /// What a token still answers that is no session's any more: the session as the token proved it. Of several tokens the first
    /// counts that does; `None` if none does.
    pub(crate) async fn find_superseded(&self, cx: &Cx, presented: &[Presented]) -> Result<Option<Found>, Problem> {
        for presented in presented {
            if let Some((token, session)) = self.superseded(cx, &presented.token).await?
                && session.is_valid(cx.now())
            {
                return Ok(Some(self.as_proved(session, &token, presented.via).await?));
            }
        }
        Ok(None)
    }

    async fn as_proved(&self, mut session: Session, token: &SupersededToken, via: Via) -> Result<Found, Problem> {
        session.authentication_methods.truncate(usize::try_from(token.methods).unwrap_or_default());
        session.aal = level_of(&session.authentication_methods);
        session.authenticated_at = token.authenticated_at;
        self.work_out_attainable(&mut session).await?;
        Ok(Found::of_superseded(session, via))
    }

    /// The session, alive or not, that had this token until some seconds ago.
    pub(crate) async fn superseded(
        &self,
        cx: &Cx,
        token: &Secret,
    ) -> Result<Option<(SupersededToken, Session)>, Problem> {
        if !self.store().has_own_table(OwnTable::SupersededTokens).await? {
            return Ok(None);
        }
        let Some(token) = self.store().superseded_token(tokens::fingerprint(token), cx.now()).await? else {
            return Ok(None);
        };
        let session = self.store().session(token.session_id).await?;
        Ok(session.map(|session| (token, session)))
    }
}
