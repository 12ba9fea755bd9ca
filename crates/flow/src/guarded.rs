//! Trying what can be guessed.

use crypto::CsrfToken;
use guard::{Attempt, Client, Refused, Shown, SignedIn, Subject};
use model::{FlowClient, Problem, Session};
use store::Tx;

use crate::context::Context;
use crate::effects::Effects;
use crate::form::Rejection;

/// Whether something may be tried: the try, or what is said instead.
pub type Tried = Result<Attempt, Rejection>;

impl Context<'_> {
    /// Reserves a try in a flow of `client`, before anything of it is checked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempt(self, client: FlowClient, subject: &Subject) -> Result<Tried, Problem> {
        match self.services.guard.attempt(&self, &self.guarded_client(client), subject).await {
            Ok(attempt) => Ok(Ok(attempt)),
            Err(Refused::Resting(resting)) => Ok(Err(Rejection::whole(resting.into()))),
            Err(Refused::Problem(problem)) => Err(problem),
        }
    }

    /// What tries are counted by. A browser's is never the session token that it may send along, nor an app's the cookie: each
    /// proves who it is in its own way.
    fn guarded_client(self, client: FlowClient) -> Client {
        let (request, credentials) = (self.request, &self.request.credentials);
        let is_native = client == FlowClient::Api;
        self.services.guard.client(&Shown {
            csrf: (request.has_csrf_cookie && !is_native).then_some(&request.csrf),
            token: credentials.session_token.as_ref().or(credentials.bearer.as_ref()).filter(|_| is_native),
            address: request.client_address,
            is_native,
        })
    }

    /// The browser's anti-CSRF cookie is replaced by another: what it is known by moves on with it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn csrf_renewed(self, to: &CsrfToken) -> Result<Tx, Problem> {
        self.services.guard.renewed(self.request.has_csrf_cookie.then_some(&self.request.csrf), to).await
    }

    /// What a browser or an app of `client` is known by from now on, that was just signed in with `session`. `effects` are those
    /// of the answer.
    pub fn signed_in<'s>(self, client: FlowClient, session: &'s Session, effects: &'s Effects) -> SignedIn<'s>
    where
        Self: 's,
    {
        SignedIn {
            client,
            csrf: effects.csrf.as_ref().unwrap_or(&self.request.csrf),
            renewed: effects.csrf.is_some(),
            token: session.token.as_ref(),
        }
    }
}
