//! Logging out.
//!
//! A browser asks for a logout token (or a URL that carries it), at any time after signing in, and later opens it. The
//! token belongs to one session for all its life: it outlives refreshes, second factors, extensions, new cookies,
//! restarts and the rotation of secrets, and it ends that session and no other. It works at every assurance level.
//! A native app ends its session by the session token itself.

use model::{Cx, Problem, Secret, Session};
use store::{EndedSession, SecondFactors, Tx};
use subtle::ConstantTimeEq;

use crate::credentials::{Presented, PresentedTokens};
use crate::denied::session_inactive;
use crate::{Lookup, Refusal, RequestCredentials, Sessions, Via};

/// What ends a session in a browser.
#[derive(Clone, Debug)]
pub struct LogoutToken {
    /// `ory_lo_…`, the same at every call for the session's whole life.
    pub token: Secret,
    /// The session that it ends.
    pub session: Session,
}

/// A session that a logout has ended.
#[derive(Debug)]
pub struct Ended {
    /// As it was before, but for `active`.
    pub session: Session,
    /// The credential that the session was found by.
    pub via: Via,
    /// Whether the browser's cookie belongs to this session, and is to be removed.
    pub clear_cookie: bool,
    /// Other sessions that were shown by a cookie of the same name, and have ended with it.
    pub others: Vec<Session>,
}

impl Sessions {
    /// `GET /self-service/logout/browser`: the token to log out with. Native apps get one too.
    ///
    /// # Errors
    /// 401 `session_inactive` when nobody is signed in.
    pub async fn create_logout(&self, cx: &Cx, credentials: &RequestCredentials) -> Result<LogoutToken, Problem> {
        let mut session = match self.find(cx, credentials).await? {
            Lookup::Found(found) => found.session,
            Lookup::Refused(refusal) => return Err(session_inactive(&refusal)),
        };
        let token = match session.logout_token.clone() {
            Some(token) => token,
            None => self.make_logout_token(cx, &session).await?,
        };
        session.logout_token = Some(token.clone());
        Ok(LogoutToken { token, session })
    }

    /// `GET /self-service/logout`: ends the session whose logout token `token` is, if the request proves that session
    /// by any of its credentials.
    ///
    /// Kratos compares the token with the session of the first credential and then ends that of another, or none. Here
    /// the session that matches is the one that ends. Where the session cookie is there more than once, as it stays behind when
    /// its scope changes, all sessions that it shows end: the person would be signed in again by another one.
    ///
    /// # Errors
    /// In this order: 400 without a token; 401 `session_inactive` when the request proves no living session, or the
    /// matching one has ended before; 403 when the token belongs to none of the sessions that the request proves.
    pub async fn logout_browser(
        &self,
        cx: &Cx,
        credentials: &RequestCredentials,
        token: &Secret,
        also: Tx,
    ) -> Result<Ended, Problem> {
        if token.expose().is_empty() {
            return Err(Problem::bad_request(
                "The logout token is missing. Please add it to the address as \"token\".",
            ));
        }
        let tokens = PresentedTokens::read(&self.cookies, cx.now(), credentials);
        if tokens.all.is_empty() {
            let refusal = tokens.cookie_error.map_or(Refusal::NoCredentials, Refusal::UnreadableCookie);
            return Err(session_inactive(&refusal));
        }

        let mut first_refusal = None;
        let mut any_living = false;
        for presented in &tokens.all {
            let (session, refusal) = match self.session_shown(cx, presented).await? {
                Some(session) => {
                    let refusal = Refusal::of(&session, presented.via, cx.now());
                    (Some(session), refusal)
                }
                None => (None, Some(Refusal::Unknown(presented.via))),
            };
            let matching = session.filter(|session| matches(session, token));
            match (matching, refusal) {
                (Some(session), None) => return self.end(cx, session, (presented, &tokens), token, also).await,
                (Some(_), Some(refusal)) => return Err(session_inactive(&refusal)),
                (None, None) => any_living = true,
                (None, Some(refusal)) => _ = first_refusal.get_or_insert(refusal),
            }
        }
        match first_refusal {
            Some(refusal) if !any_living => Err(session_inactive(&refusal)),
            _ => Err(Problem::forbidden(
                "This logout link belongs to another sign-in than yours, so nobody was signed out. Please ask for a new one.",
            )),
        }
    }

    /// `DELETE /self-service/logout/api`: ends the session that `token` proves. One that has ended before is fine.
    ///
    /// # Errors
    /// 403 without an id when there never was such a session.
    pub async fn logout_native(&self, cx: &Cx, token: &Secret) -> Result<EndedSession, Problem> {
        let ended = self.store().revoke_session_by_token(token, cx.now()).await?;
        ended.ok_or_else(|| Problem::forbidden("There is no session with this session token."))
    }

    /// The session, alive or not, of a token. One that has just been replaced counts: somebody who logs out while they prove
    /// in another window who they are leaves nevertheless.
    async fn session_shown(&self, cx: &Cx, presented: &Presented) -> Result<Option<Session>, Problem> {
        if let Some(lookup) = self.store().session_by_token(&presented.token, SecondFactors::Unwanted).await? {
            return Ok(Some(lookup.session));
        }
        Ok(self.superseded(cx, &presented.token).await?.map(|(_, session)| session))
    }

    /// Ends the session, unless someone else did it in the meantime.
    async fn end(
        &self,
        cx: &Cx,
        mut session: Session,
        (presented, tokens): (&Presented, &PresentedTokens),
        token: &Secret,
        mut also: Tx,
    ) -> Result<Ended, Problem> {
        let mut others = Vec::new();
        if presented.via == Via::Cookie {
            others = self.others_shown(cx, presented, tokens).await?;
            others.iter().for_each(|other| also.revoke_session(other.id, cx.now()));
        }
        let ended = self.store().revoke_session_by_logout_token(session.id, token, cx.now(), also).await?;
        if ended.is_none() {
            return Err(session_inactive(&Refusal::Revoked(presented.via, session.id)));
        }
        session.active = false;
        let clear_cookie = tokens.all.iter().any(|other| other.via == Via::Cookie && other.token == presented.token);
        Ok(Ended { session, via: presented.via, clear_cookie, others })
    }

    /// The living sessions of all other cookies of the name.
    async fn others_shown(
        &self,
        cx: &Cx,
        ended: &Presented,
        tokens: &PresentedTokens,
    ) -> Result<Vec<Session>, Problem> {
        let others = tokens.all.iter().filter(|other| other.via == Via::Cookie && other.token != ended.token);
        let others: Vec<&Secret> = others.map(|other| &other.token).collect();
        let found = self.store().sessions_by_tokens(&others, SecondFactors::Unwanted).await?;
        Ok(found.into_iter().map(|lookup| lookup.session).filter(|session| session.is_valid(cx.now())).collect())
    }

    /// Gives a session of a very old Kratos version the logout token that it lacks.
    async fn make_logout_token(&self, cx: &Cx, session: &Session) -> Result<Secret, Problem> {
        let fresh = crypto::tokens::logout_token(&cx.entropy);
        let token = self.store().ensure_logout_token(session.id, &fresh).await?;
        token.ok_or_else(|| session_inactive(&Refusal::Revoked(Via::Cookie, session.id)))
    }
}

/// Whether `token` is the session's logout token, in the same time either way.
fn matches(session: &Session, token: &Secret) -> bool {
    let own = session.logout_token.as_ref();
    own.is_some_and(|own| own.expose().as_bytes().ct_eq(token.expose().as_bytes()).into())
}
