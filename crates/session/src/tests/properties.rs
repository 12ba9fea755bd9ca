//! Whatever happens, in whatever order: a session that has ended never answers again, nothing ends another one, and a
//! logout token asked for at sign-in works to the end.

use model::SessionId;
use proptest::prelude::*;

use super::*;

/// What may happen. Numbers pick a person or a session out of those there are.
#[derive(Clone, Debug)]
enum Event {
    SignIn(usize),
    Refresh(usize),
    /// A sign-in that loaded its session long ago is completed only now.
    LateRefresh(usize),
    StepUp(usize),
    Extend(usize),
    LogOutInBrowser(usize, usize),
    LogOutNatively(usize),
    RevokeOwn(usize, usize),
    RevokeOthers(usize),
    RevokeByOperator(usize),
    DeleteAllOf(usize),
    Disable(usize),
    Enable(usize),
    Wait(u8),
    RotateSecret,
    CleanUp,
}

fn event() -> impl Strategy<Value = Event> {
    let any = 0..8usize;
    prop_oneof![
        4 => any.clone().prop_map(Event::SignIn),
        2 => any.clone().prop_map(Event::Refresh),
        1 => any.clone().prop_map(Event::LateRefresh),
        2 => any.clone().prop_map(Event::StepUp),
        2 => any.clone().prop_map(Event::Extend),
        2 => (any.clone(), any.clone()).prop_map(|(session, way)| Event::LogOutInBrowser(session, way)),
        1 => any.clone().prop_map(Event::LogOutNatively),
        1 => (any.clone(), any.clone()).prop_map(|(by, session)| Event::RevokeOwn(by, session)),
        1 => any.clone().prop_map(Event::RevokeOthers),
        1 => any.clone().prop_map(Event::RevokeByOperator),
        1 => any.clone().prop_map(Event::DeleteAllOf),
        1 => any.clone().prop_map(Event::Disable),
        1 => any.prop_map(Event::Enable),
        2 => (1..20u8).prop_map(Event::Wait),
        1 => Just(Event::RotateSecret),
        1 => Just(Event::CleanUp),
    ]
}

/// What the test believes about a session.
struct Believed {
    session: Session,
    person: usize,
    /// Not revoked and not deleted.
    stands: bool,
    expires_at: Timestamp,
    /// Asked for right after signing in.
    logout_token: Secret,
    /// The browser's, and when it was written.
    cookie: (RequestCredentials, Timestamp),
}

struct Test {
    world: World,
    people: Vec<(Identity, bool)>,
    sessions: Vec<Believed>,
}

impl Test {
    async fn new() -> Self {
        let world = World::new().await;
        let people = vec![(world.someone().await, true), (world.someone().await, true)];
        Self { world, people, sessions: Vec::new() }
    }

    fn lives(&self, session: &Believed) -> bool {
        session.stands && session.expires_at > self.world.cx.now() && self.people[session.person].1
    }

    fn pick(&self, number: usize) -> Option<usize> {
        (!self.sessions.is_empty()).then(|| number % self.sessions.len())
    }

    async fn apply(&mut self, event: &Event) {
        let now = self.world.cx.now();
        match *event {
            Event::SignIn(person) => self.sign_in(person % self.people.len()).await,
            Event::Refresh(number) => self.prove(number, "password", Aal::Aal1, false).await,
            Event::LateRefresh(number) => self.prove(number, "password", Aal::Aal1, true).await,
            Event::StepUp(number) => self.prove(number, "totp", Aal::Aal2, false).await,
            Event::Extend(number) => {
                let Some(at) = self.pick(number) else { return };
                let id = self.sessions[at].session.id.to_string();
                let _ = self.world.sessions.extend(&self.world.cx, &id).await;
                let session = &mut self.sessions[at];
                if session.stands && session.expires_at > now {
                    session.expires_at = now + LIFESPAN;
                }
            }
            Event::LogOutInBrowser(number, way) => {
                let Some(at) = self.pick(number) else { return };
                self.log_out(at, way).await;
            }
            Event::LogOutNatively(number) => {
                let Some(at) = self.pick(number) else { return };
                let token = token_of(&self.sessions[at].session);
                let _ = self.world.sessions.logout_native(&self.world.cx, &token).await;
                self.sessions[at].stands = false;
            }
            Event::RevokeOwn(by, number) => {
                let (Some(by), Some(at)) = (self.pick(by), self.pick(number)) else { return };
                let id = self.sessions[at].session.id.to_string();
                let credentials = header(&self.sessions[by].session);
                let done = self.world.sessions.revoke_own(&self.world.cx, &credentials, &id).await.is_ok();
                assert_eq!(done, by != at && self.lives(&self.sessions[by]));
                if done && self.sessions[by].person == self.sessions[at].person {
                    self.sessions[at].stands = false;
                }
            }
            Event::RevokeOthers(by) => {
                let Some(by) = self.pick(by) else { return };
                let credentials = header(&self.sessions[by].session);
                let done = self.world.sessions.revoke_others(&self.world.cx, &credentials).await.is_ok();
                assert_eq!(done, self.lives(&self.sessions[by]));
                if done {
                    let person = self.sessions[by].person;
                    self.end_where(|at, session| at != by && session.person == person);
                }
            }
            Event::RevokeByOperator(number) => {
                let Some(at) = self.pick(number) else { return };
                let _ = self.world.sessions.revoke(&self.world.cx, &self.sessions[at].session.id.to_string()).await;
                self.sessions[at].stands = false;
            }
            Event::DeleteAllOf(person) => {
                let person = person % self.people.len();
                let _ = self.world.sessions.delete_of_identity(&self.people[person].0.id.to_string()).await;
                self.end_where(|_, session| session.person == person);
            }
            Event::Disable(person) => self.set_state(person, IdentityState::Inactive).await,
            Event::Enable(person) => self.set_state(person, IdentityState::Active).await,
            Event::Wait(hours) => self.world.advance(SignedDuration::from_hours(hours.into())),
            Event::RotateSecret => self.world.rotate_secret(),
            Event::CleanUp => {
                self.world.store.delete_expired_sessions(now, 100).await.expect("a clean-up");
                self.end_where(|_, session| session.expires_at <= now);
            }
        }
    }

    fn end_where(&mut self, ends: impl Fn(usize, &Believed) -> bool) {
        for (at, session) in self.sessions.iter_mut().enumerate() {
            session.stands &= !ends(at, session);
        }
    }

    async fn set_state(&mut self, person: usize, state: IdentityState) {
        let person = person % self.people.len();
        // Two changes of one identity at the same instant would be taken for one.
        self.world.advance(SignedDuration::from_millis(1));
        self.world.set_state(&self.people[person].0, state).await;
        self.people[person].1 = state == IdentityState::Active;
        self.people[person].0.state = state;
    }

    async fn sign_in(&mut self, person: usize) {
        let (identity, enabled) = &self.people[person];
        if !enabled {
            return;
        }
        let session = self.world.sign_in(identity).await;
        let cookie = self.world.cookie(&session);
        let logout = self.world.sessions.create_logout(&self.world.cx, &cookie).await.expect("a logout token");
        self.sessions.push(Believed {
            person,
            stands: true,
            expires_at: session.expires_at,
            logout_token: logout.token,
            cookie: (cookie, self.world.cx.now()),
            session,
        });
    }

    /// Completes one more sign-in step for a session; `late` with what was known of it at the beginning.
    async fn prove(&mut self, number: usize, method: &str, aal: Aal, late: bool) {
        let Some(at) = self.pick(number) else { return };
        let now = self.world.cx.now();
        let session = &self.sessions[at];
        let identity = self.people[session.person].0.clone();
        let mut proved = match self.world.sessions.current(&self.world.cx, &header(&session.session)).await {
            Ok(Some(found)) => found.session,
            _ if late => session.session.clone(),
            _ => return,
        };
        let method = AuthenticationMethod::new(method, aal, now);
        if self.world.sessions.strengthen(&self.world.cx, &client(), &mut proved, &identity, method).is_err() {
            return;
        }
        let mut tx = Tx::new();
        self.world.sessions.update(&mut tx, &proved);
        let done = self.world.store.commit(tx).await.is_ok();
        assert_eq!(done, self.lives(&self.sessions[at]), "a sign-in step brings nothing back");
        if done {
            self.sessions[at].expires_at = proved.expires_at;
            self.sessions[at].cookie = (self.world.cookie(&proved), now);
        }
    }

    /// Logs out with the token from sign-in, and one of several sets of credentials.
    async fn log_out(&mut self, at: usize, way: usize) {
        let session = &self.sessions[at];
        let other = &self.sessions[way % self.sessions.len()].session;
        let cookie = &session.cookie.0;
        let credentials = match way % 6 {
            0 => cookie.clone(),
            1 => header(&session.session),
            2 => bearer(&session.session),
            3 => RequestCredentials { bare_cookie: cookie.cookie.clone(), ..RequestCredentials::default() },
            4 => RequestCredentials { bearer: session.session.token.clone(), ..header(other) },
            _ => RequestCredentials { bearer: other.token.clone(), ..cookie.clone() },
        };
        let by_cookie = matches!(way % 6, 0 | 3 | 5);
        let is_proved = !by_cookie || self.is_readable(session) || (way % 6 == 5 && other.id == session.session.id);
        let expected = is_proved && self.lives(session);
        let outcome =
            self.world.sessions.logout_browser(&self.world.cx, &credentials, &session.logout_token, Tx::new()).await;
        assert_eq!(outcome.is_ok(), expected, "{outcome:?}");
        if let Ok(ended) = outcome {
            assert_eq!(ended.session.id, session.session.id, "no other session ends");
            self.sessions[at].stands = false;
        }
    }

    /// Cookies are refused once they are older than a session lasts, though the session may have been extended.
    fn is_readable(&self, session: &Believed) -> bool {
        session.cookie.1.as_second() >= self.world.cx.now().as_second() - LIFESPAN.as_secs()
    }

    /// Compares what is believed with what every route answers.
    async fn check(&self) {
        for session in &self.sessions {
            let lives = self.lives(session);
            let id = session.session.id;
            for (route, credentials, readable) in [
                ("header", header(&session.session), true),
                ("bearer", bearer(&session.session), true),
                ("cookie", session.cookie.0.clone(), self.is_readable(session)),
            ] {
                let found = self.world.sessions.current(&self.world.cx, &credentials).await.expect("a database");
                let found: Option<SessionId> = found.map(|found| found.session.id);
                assert_eq!(found, (lives && readable).then_some(id), "{route}");
            }
            let shown = self.world.sessions.create_logout(&self.world.cx, &header(&session.session)).await;
            assert_eq!(shown.ok().map(|logout| logout.token), lives.then(|| session.logout_token.clone()));
            let stored = self.world.store.session(id).await.expect("a database");
            assert_eq!(stored.is_some_and(|stored| stored.is_valid(self.world.cx.now())), lives);
        }
    }

    /// Ends what is still there with the tokens from sign-in, one after another.
    async fn log_everyone_out(&mut self) {
        for at in 0..self.sessions.len() {
            self.log_out(at, 1).await;
            self.check().await;
        }
        for session in &self.sessions {
            assert!(!self.lives(session));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn ended_sessions_stay_ended_and_no_other_ends(events in proptest::collection::vec(event(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut test = Test::new().await;
            for event in &events {
                test.apply(event).await;
                test.check().await;
            }
            test.log_everyone_out().await;
        });
    }
}
