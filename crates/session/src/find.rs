//! What a request proves: whoami, and the question that every other route asks first.

use std::sync::Arc;

use model::{Aal, Cx, Identity, Problem, RequiredAal, Secret, Session, factors, is_mailbox_of_first, level_of};
use store::{SecondFactors, SessionLookup, Store};
use url::form_urlencoded;

use crate::credentials::{Presented, PresentedTokens};
use crate::denied::{Denied, RefreshRequired, SecondFactorRequired};
use crate::{Policy, Refusal, RequestCredentials, Sessions, Via};

/// A session that a request proves, alive at this moment.
#[derive(Debug)]
pub struct Found {
    /// With identity, addresses and devices. The identity's `available_aal` is up to date where it is `aal2`.
    pub session: Session,
    /// How the session was proved.
    pub via: Via,
    /// Whether the browser should get a new cookie, since the one it has knows an earlier end of the session.
    pub reissue_cookie: bool,
    /// Whether another token has taken the place of the one that was shown: nobody may keep the answer.
    pub is_superseded: bool,
    /// Whether the row does not know yet that the identity has a second factor.
    found_second_factor: bool,
}

impl Found {
    /// A session that was found by a token which another has taken the place of, and which must not lead to that.
    pub(crate) fn of_superseded(mut session: Session, via: Via) -> Self {
        session.token = None;
        Self { session, via, reissue_cookie: false, is_superseded: true, found_second_factor: false }
    }
}

/// What looking for a session came to.
#[derive(Debug)]
pub enum Lookup {
    /// There is one.
    Found(Box<Found>),
    /// There is none, and why.
    Refused(Refusal),
}

/// What goes along to the sign-in page when a second factor is needed.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepUp<'a> {
    /// Where to come back to: `return_to` of the URL, wherever that is shown.
    pub return_to: Option<&'a str>,
    /// The URL that was asked for. Its `return_to` and `login_challenge` go along too, but only in the top-level
    /// `redirect_browser_to`, as in Kratos.
    pub request_url: Option<&'a str>,
}

impl Sessions {
    /// Looks for a valid session by the credential that counts: `X-Session-Token`, else the cookie, else the bearer
    /// token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, cx: &Cx, credentials: &RequestCredentials) -> Result<Lookup, Problem> {
        match self.presented(cx, credentials) {
            Ok(presented) => self.find_presented(cx, &presented, SecondFactors::Wanted).await,
            Err(refusal) => Ok(Lookup::Refused(refusal)),
        }
    }

    /// As [`Self::find`], for what changes nothing: a token that has just been replaced answers as well.
    pub(crate) async fn find_to_read(
        &self,
        cx: &Cx,
        credentials: &RequestCredentials,
        second_factors: SecondFactors,
    ) -> Result<Lookup, Problem> {
        let presented = match self.presented(cx, credentials) {
            Ok(presented) => presented,
            Err(refusal) => return Ok(Lookup::Refused(refusal)),
        };
        match self.find_presented(cx, &presented, second_factors).await? {
            // Boxed, since it is rare: the future of whoami stays small.
            Lookup::Refused(refusal) if presented.len() > 1 || matches!(refusal, Refusal::Unknown(_)) => {
                let found = Box::pin(self.find_superseded(cx, &presented)).await?;
                Ok(found.map_or(Lookup::Refused(refusal), |found| Lookup::Found(Box::new(found))))
            }
            lookup => Ok(lookup),
        }
    }

    /// The token that counts. There are several where a cookie is there more than once: the first of a living session counts.
    fn presented(&self, cx: &Cx, credentials: &RequestCredentials) -> Result<Vec<Presented>, Refusal> {
        let (presented, cookie_error) = PresentedTokens::read(&self.cookies, cx.now(), credentials).that_count();
        match presented.is_empty() {
            true => Err(cookie_error.map_or(Refusal::NoCredentials, Refusal::UnreadableCookie)),
            false => Ok(presented),
        }
    }

    /// The session that the caller is signed in with; `None` when nobody is signed in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn current(&self, cx: &Cx, credentials: &RequestCredentials) -> Result<Option<Found>, Problem> {
        Ok(match self.find(cx, credentials).await? {
            Lookup::Found(found) => Some(*found),
            Lookup::Refused(_) => None,
        })
    }

    /// The answer to `/sessions/whoami`.
    ///
    /// # Errors
    /// When nobody is signed in, and when `session.whoami.required_aal` asks for more than the session proves.
    pub async fn whoami(&self, cx: &Cx, credentials: &RequestCredentials) -> Result<Box<Found>, Denied> {
        // Where a first factor is enough, no more is asked, nor remembered; as in Kratos.
        let second_factors = match self.policy.whoami_aal {
            RequiredAal::Aal1 => SecondFactors::Unwanted,
            RequiredAal::HighestAvailable => SecondFactors::Wanted,
        };
        let found = match self.find_to_read(cx, credentials, second_factors).await? {
            Lookup::Found(found) => found,
            Lookup::Refused(refusal) => return Err(Denied::SignedOut(refusal)),
        };
        if found.found_second_factor {
            // Kratos remembers it for the next time, here and nowhere else.
            let mut tx = store::Tx::new();
            tx.set_available_aal(found.session.identity_id, Aal::Aal2);
            Box::pin(self.store.commit(tx)).await.map_err(Problem::from)?;
        }
        self.require_aal(&found.session, self.policy.whoami_aal, StepUp::default())?;
        Ok(found)
    }

    /// Checks that a session reaches a level. Its identity must be there, with `available_aal` up to date, as in a
    /// [`Found`] or in a session that was just issued.
    ///
    /// # Errors
    /// When it does not.
    pub fn require_aal(
        &self,
        session: &Session,
        required: RequiredAal,
        on: StepUp<'_>,
    ) -> Result<(), SecondFactorRequired> {
        let available = || session.identity.as_ref().and_then(|identity| identity.available_aal);
        let attainable = session.attainable_aal.or_else(available);
        let enough = match required {
            RequiredAal::Aal1 => session.aal >= Aal::Aal1,
            RequiredAal::HighestAvailable => session.aal == Aal::Aal2 || attainable != Some(Aal::Aal2),
        };
        if enough { Ok(()) } else { Err(second_factor_needed(&self.policy, on)) }
    }

    /// Whether a credential was proved so lately that credentials may be changed.
    pub fn is_privileged(&self, cx: &Cx, session: &Session) -> bool {
        let until = session.authenticated_at.saturating_add(self.policy.privileged_session_max_age);
        until.is_ok_and(|until| until > cx.now())
    }

    /// Checks that a session is privileged. `return_to` says where to come back to after signing in again.
    ///
    /// # Errors
    /// When it is not.
    pub fn require_privileged(
        &self,
        cx: &Cx,
        session: &Session,
        return_to: impl FnOnce() -> String,
    ) -> Result<(), RefreshRequired> {
        if self.is_privileged(cx, session) {
            return Ok(());
        }
        let return_to = return_to();
        let query = [("refresh", "true"), ("return_to", return_to.as_str())];
        Err(RefreshRequired { sign_in_url: self.policy.public_url("/self-service/login/browser", &query) })
    }

    /// What the token proves that counts. There is one at least.
    async fn find_presented(
        &self,
        cx: &Cx,
        presented: &[Presented],
        second_factors: SecondFactors,
    ) -> Result<Lookup, Problem> {
        let found = match presented {
            [only] => self.store.session_by_token(&only.token, second_factors).await?.map(|lookup| (lookup, only)),
            // Boxed, since it is rare: the future of whoami stays small.
            several => Box::pin(self.first_living(cx, several, second_factors)).await?,
        };
        let Some((lookup, presented)) = found else {
            let via = presented.first().map_or(Via::Cookie, |presented| presented.via);
            return Ok(Lookup::Refused(Refusal::Unknown(via)));
        };
        if let Some(refusal) = Refusal::of(&lookup.session, presented.via, cx.now()) {
            return Ok(Lookup::Refused(refusal));
        }
        let mut found = self.found(lookup, presented);
        if second_factors == SecondFactors::Wanted {
            self.work_out_attainable(&mut found.session).await?;
        }
        Ok(Lookup::Found(Box::new(found)))
    }

    /// Of the sessions that several tokens prove, the first living one, or else the first.
    async fn first_living<'a>(
        &self,
        cx: &Cx,
        presented: &'a [Presented],
        second_factors: SecondFactors,
    ) -> Result<Option<(SessionLookup, &'a Presented)>, Problem> {
        let tokens: Vec<&Secret> = presented.iter().map(|presented| &presented.token).collect();
        let lookups = self.store.sessions_by_tokens(&tokens, second_factors).await?;
        let place = |lookup: &SessionLookup| {
            presented.iter().position(|presented| Some(&presented.token) == lookup.session.token.as_ref())
        };
        let placed = lookups.into_iter().filter_map(|lookup| Some((place(&lookup)?, lookup)));
        let first = placed.min_by_key(|(place, lookup)| (!lookup.session.is_valid(cx.now()), *place));
        Ok(first.map(|(place, lookup)| (lookup, &presented[place])))
    }

    /// Works out what a sign-in can come to that has proved nothing but a mailbox, by recovery say: a code to the same mailbox
    /// takes it no further.
    pub(crate) async fn work_out_attainable(&self, session: &mut Session) -> Result<(), Problem> {
        let available = session.identity.as_ref().and_then(|identity| identity.available_aal);
        let steps = &session.authentication_methods;
        let may_be_less = self.policy.factors.code_mfa && is_mailbox_of_first(steps, "");
        if session.aal == Aal::Aal2 || available != Some(Aal::Aal2) || !may_be_less {
            return Ok(());
        }
        // Boxed, since it is rare: the future of whoami stays small.
        let identity = Box::pin(self.store.find_identity_with_credentials(session.identity_id)).await?;
        let attainable =
            |identity: Identity| factors::attainable_aal(&identity.credentials, &self.policy.factors, steps);
        session.attainable_aal = identity.map(attainable);
        Ok(())
    }

    fn found(&self, lookup: SessionLookup, presented: &Presented) -> Found {
        let SessionLookup { mut session, second_factors } = lookup;
        session.aal = level_of(&session.authentication_methods);
        let found_second_factor = factors::second_factors(&second_factors, &self.policy.factors) > 0;
        if let Some(identity) = &mut session.identity
            && found_second_factor
        {
            Arc::make_mut(identity).available_aal = Some(Aal::Aal2);
        }
        let is_older = presented.cookie_expires_at.is_none_or(|expires_at| expires_at < session.expires_at);
        let reissue_cookie = presented.via == Via::Cookie && is_older;
        Found { session, via: presented.via, reissue_cookie, is_superseded: false, found_second_factor }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }
}

fn second_factor_needed(policy: &Policy, on: StepUp<'_>) -> SecondFactorRequired {
    let mut query = vec![("aal", "aal2")];
    query.extend(on.return_to.map(|url| ("return_to", url)));
    let sign_in = |query: &[(&str, &str)]| policy.public_url("/self-service/login/browser", query);
    let plain_sign_in_url = sign_in(&query);
    let asked_for = on.request_url.map(query_of).unwrap_or_default();
    for key in ["login_challenge", "return_to"] {
        if let Some((_, value)) = asked_for.iter().find(|(name, value)| name == key && !value.is_empty()) {
            query.retain(|(name, _)| *name != key);
            query.push((key, value));
        }
    }
    SecondFactorRequired { sign_in_url: sign_in(&query), plain_sign_in_url }
}

/// The query parameters of a URL.
fn query_of(url: &str) -> Vec<(String, String)> {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let query = url.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
