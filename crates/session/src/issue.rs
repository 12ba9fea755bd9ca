//! Issuing sessions, and proving more with the ones there are.

use std::sync::Arc;

use crypto::{SessionCookie, tokens};
use model::{
    AuthenticationMethod, ClientInfo, Cx, Device, Id, Identity, Problem, Secret, Session, Timestamp, Uuid, factors,
    level_of,
};
use store::Tx;

use crate::Sessions;

/// The session cookie for a browser. Its other attributes come from the configuration.
#[derive(Clone, Debug)]
pub struct SessionCookieValue {
    /// The encoded value.
    pub value: Secret,
    /// Whole seconds that the cookie lasts (`Max-Age`); `None` for one that ends with the browser.
    pub max_age: Option<i64>,
}

impl Sessions {
    /// A new session for an identity that has completed `methods` from `client` just now, ready to be written with
    /// [`Sessions::insert`]. The identity must carry its credentials: its `available_aal` is worked out from them.
    ///
    /// # Errors
    /// 401 when the identity is disabled.
    pub fn new_session(
        &self,
        cx: &Cx,
        client: &ClientInfo,
        identity: &Identity,
        methods: Vec<AuthenticationMethod>,
    ) -> Result<Session, Problem> {
        require_active(identity)?;
        let now = cx.now();
        let mut identity = identity.clone();
        identity.available_aal = Some(factors::available_aal(&identity.credentials, &self.policy.factors));
        Ok(Session {
            id: Id::random(&cx.entropy),
            identity_id: identity.id,
            token: Some(tokens::session_token(&cx.entropy)),
            logout_token: Some(tokens::logout_token(&cx.entropy)),
            active: true,
            issued_at: now,
            expires_at: self.end_of_session(now),
            authenticated_at: now,
            aal: level_of(&methods),
            attainable_aal: Some(factors::attainable_aal(&identity.credentials, &self.policy.factors, &methods)),
            authentication_methods: methods,
            created_at: now,
            updated_at: now,
            devices: Some(vec![device(cx, client)]),
            identity: Some(Arc::new(identity)),
        })
    }

    /// Adds a completed sign-in to a session: a refresh, or a step up to a second factor. The session stays itself, with
    /// its id and logout token; its time begins anew. Write it with [`Sessions::update`], and see [`Sessions::rotate`].
    ///
    /// As in Kratos, `issued_at` and the device of this sign-in are shown in the answer, and are not stored.
    ///
    /// # Errors
    /// 401 when the identity is disabled.
    pub fn strengthen(
        &self,
        cx: &Cx,
        client: &ClientInfo,
        session: &mut Session,
        identity: &Identity,
        method: AuthenticationMethod,
    ) -> Result<(), Problem> {
        require_active(identity)?;
        let now = cx.now();
        let mut identity = identity.clone();
        identity.available_aal = Some(factors::available_aal(&identity.credentials, &self.policy.factors));
        self.add_step(session, &identity, method);
        session.issued_at = now;
        session.authenticated_at = now;
        session.expires_at = self.end_of_session(now);
        session.updated_at = now;
        // Kratos shows it without an id too.
        session.devices.get_or_insert_default().push(Device { id: Id::from_uuid(Uuid::nil()), ..device(cx, client) });
        session.identity = Some(Arc::new(identity));
        Ok(())
    }

    /// Adds what a person proved without signing in, by setting up a second factor, say. Unlike after
    /// [`Sessions::strengthen`] the session's time goes on. Write it with [`Sessions::update`].
    pub fn add_method(&self, cx: &Cx, session: &mut Session, identity: &Identity, method: AuthenticationMethod) {
        let mut identity = identity.clone();
        identity.available_aal = Some(factors::available_aal(&identity.credentials, &self.policy.factors));
        self.add_step(session, &identity, method);
        session.updated_at = cx.now();
        session.identity = Some(Arc::new(identity));
    }

    fn add_step(&self, session: &mut Session, identity: &Identity, method: AuthenticationMethod) {
        session.authentication_methods.push(method);
        let steps = &session.authentication_methods;
        session.aal = level_of(steps);
        session.attainable_aal = Some(factors::attainable_aal(&identity.credentials, &self.policy.factors, steps));
    }

    /// Adds a new session to a transaction.
    pub fn insert(&self, tx: &mut Tx, session: &Session) {
        tx.insert_session(session);
        remember_available_aal(tx, session);
    }

    /// Adds what [`Sessions::strengthen`] changed to a transaction, which fails as stale if the session was ended
    /// meanwhile: nothing brings a session back.
    pub fn update(&self, tx: &mut Tx, session: &Session) {
        tx.update_session(session);
        remember_available_aal(tx, session);
    }

    /// The cookie that proves a session in a browser. No two are alike.
    pub fn cookie(&self, cx: &Cx, session: &Session) -> SessionCookieValue {
        let now = cx.now();
        let session_token = session.token.clone().unwrap_or_else(|| "".into());
        let cookie = SessionCookie { session_token, expires_at: Some(session.expires_at) };
        let value = Secret::new(self.cookies.encode(now, &cx.entropy, &cookie));
        let left = session.expires_at.duration_since(now).as_secs();
        SessionCookieValue { value, max_age: self.policy.cookie_persistent.then_some(left) }
    }

    fn end_of_session(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.policy.lifespan).unwrap_or(Timestamp::MAX)
    }
}

/// The device that a request comes from.
fn device(cx: &Cx, client: &ClientInfo) -> Device {
    Device {
        id: Id::random(&cx.entropy),
        ip_address: Some(client.ip_address.clone().unwrap_or_default()),
        user_agent: client.user_agent.clone(),
        location: Some(client.location.clone().unwrap_or_default()),
    }
}

fn remember_available_aal(tx: &mut Tx, session: &Session) {
    if let Some(aal) = session.identity.as_ref().and_then(|identity| identity.available_aal) {
        tx.set_available_aal(session.identity_id, aal);
    }
}

fn require_active(identity: &Identity) -> Result<(), Problem> {
    if identity.is_active() {
        return Ok(());
    }
    Err(Problem::unauthorized("This account is switched off. Please ask the people who run this service.")
        .message("This account cannot sign in.")
        .detail("identity_id", identity.id.to_string()))
}
