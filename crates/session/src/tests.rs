//! Sessions on a real database, with a clock that the tests turn.

mod logout;
mod paging;
mod properties;
mod rotation;
mod whoami;

use crypto::KeyRing;
use model::factors::FactorRules;
use model::{
    Aal, AuthenticationMethod, ClientInfo, Clock, Credential, CredentialType, Cx, Entropy, Id, Identity, IdentityState,
    Problem, RawJson, RequiredAal, Secret, Session, SignedDuration, Timestamp,
};
use store::{Dsn, Store, Tx};

use crate::{Policy, RequestCredentials, Sessions};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const LIFESPAN: SignedDuration = SignedDuration::from_hours(24);

/// A service with its database.
pub(super) struct World {
    pub store: Store,
    pub sessions: Sessions,
    pub cx: Cx,
    secrets: Vec<Secret>,
}

/// Where requests come from.
fn client() -> ClientInfo {
    ClientInfo { ip_address: Some("192.0.2.1:4711".to_owned()), user_agent: Some("browser".to_owned()), location: None }
}

impl World {
    pub async fn new() -> Self {
        let now: Timestamp = "2026-11-21T07:44:37.5Z".parse().expect("a time");
        let cx = Cx { clock: Clock::manual(now), entropy: Entropy::seeded(7) };
        let store = Store::open(&Dsn::parse("memory").expect("a DSN")).await.expect("a database");
        store.migrate_up(cx.entropy.uuid(), now, &mut |_| {}).await.expect("a schema");
        let secrets = vec![Secret::from("a secret of at least 16 bytes")];
        let sessions = Sessions::with_policy(store.clone(), policy(&secrets));
        Self { store, sessions, cx, secrets }
    }

    /// Puts a new secret in front, as a restart with another configuration does.
    pub fn rotate_secret(&mut self) {
        self.secrets.insert(0, Secret::new(self.cx.entropy.string(b"abcdefghij", 32)));
        self.restart();
    }

    /// Starts anew on the same database; a second node does the same.
    pub fn restart(&mut self) {
        self.sessions = Sessions::with_policy(self.store.clone(), policy(&self.secrets));
    }

    pub async fn person(&self, config: &[(CredentialType, &str)]) -> Identity {
        let now = self.cx.now();
        let id = Id::random(&self.cx.entropy);
        let mut identity = Identity::new(id, "person".to_owned(), RawJson::empty_object(), now);
        for (kind, config) in config {
            let credential = Credential {
                id: Id::random(&self.cx.entropy),
                kind: *kind,
                identifiers: vec![format!("{id}@example.org")],
                config: RawJson::parse((*config).to_owned()).expect("JSON"),
                version: 0,
                created_at: now,
                updated_at: now,
            };
            identity.credentials.insert(*kind, credential);
        }
        let mut tx = Tx::new();
        tx.insert_identity(&self.cx.entropy, &identity);
        self.store.commit(tx).await.expect("an identity");
        identity
    }

    pub async fn someone(&self) -> Identity {
        self.person(&[(CredentialType::Password, r#"{"hashed_password":"x"}"#)]).await
    }

    pub async fn sign_in(&self, identity: &Identity) -> Session {
        let method = AuthenticationMethod::new("password", Aal::Aal1, self.cx.now());
        let session =
            self.sessions.new_session(&self.cx, &client(), identity, vec![method]).expect("an active identity");
        let mut tx = Tx::new();
        self.sessions.insert(&mut tx, &session);
        self.store.commit(tx).await.expect("a session");
        session
    }

    pub async fn set_state(&self, identity: &Identity, state: IdentityState) {
        let before = self.store.find_identity_with_credentials(identity.id).await.expect("a database").expect("one");
        let mut after = before.clone();
        after.state = state;
        after.updated_at = self.cx.now();
        let mut tx = Tx::new();
        tx.update_identity(&self.cx.entropy, &before, &after);
        self.store.commit(tx).await.expect("an update");
    }

    pub fn advance(&self, by: SignedDuration) {
        self.cx.clock.advance(by);
    }

    pub fn cookie(&self, session: &Session) -> RequestCredentials {
        RequestCredentials::of_cookie(self.sessions.cookie(&self.cx, session).value.expose().clone())
    }

    pub async fn is_signed_in(&self, credentials: &RequestCredentials) -> bool {
        self.sessions.current(&self.cx, credentials).await.expect("a database").is_some()
    }
}

fn policy(secrets: &[Secret]) -> Policy {
    Policy {
        public_base_url: "http://127.0.0.1:4433/".to_owned(),
        cookie_name: "ory_kratos_session".to_owned(),
        cookie_persistent: true,
        cookie_secrets: KeyRing::new(secrets.to_vec()).expect("a secret"),
        lifespan: LIFESPAN,
        earliest_possible_extend: LIFESPAN,
        whoami_aal: RequiredAal::HighestAvailable,
        privileged_session_max_age: HOUR,
        rotate_native_tokens: false,
        factors: FactorRules::default(),
    }
}

pub(super) fn token_of(session: &Session) -> Secret {
    session.token.clone().expect("a token")
}

pub(super) fn logout_token_of(session: &Session) -> Secret {
    session.logout_token.clone().expect("a logout token")
}

pub(super) fn header(session: &Session) -> RequestCredentials {
    RequestCredentials::of_token(token_of(session))
}

pub(super) fn bearer(session: &Session) -> RequestCredentials {
    RequestCredentials { bearer: session.token.clone(), ..RequestCredentials::default() }
}

/// The status and the error id that a caller gets.
#[track_caller]
pub(super) fn refused<T>(result: Result<T, impl Into<Problem>>) -> (u16, Option<&'static str>) {
    match result {
        Ok(_) => panic!("this should have been refused"),
        Err(problem) => {
            let problem: Problem = problem.into();
            (problem.status, problem.id)
        }
    }
}
