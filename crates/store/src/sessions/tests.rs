use model::{
    Aal, AuthenticationMethod, Credential, CredentialType, Entropy, IdentityState, RawJson, SignedDuration,
    VerifiableAddress, ZERO_TIME,
};
use model::{AddressStatus, Channel, Identity};

use super::*;
use crate::{CommitError, Dialect, Dsn, Tx};

struct Fixture {
    store: Store,
    entropy: Entropy,
    now: Timestamp,
    identity: Identity,
}

impl Fixture {
    async fn new(kind: CredentialType) -> Self {
        let entropy = Entropy::seeded(1);
        let now: Timestamp = "2026-11-21T07:44:37.5Z".parse().expect("a time");
        let store = Store::open(&Dsn::parse("memory").expect("a DSN")).await.expect("a database");
        store.migrate_up(entropy.uuid(), now, &mut |_| {}).await.expect("a schema");
        let traits = RawJson::parse(r#"{"email":"a@example.org"}"#.to_owned()).expect("JSON");
        let mut identity = Identity::new(Id::random(&entropy), "person".to_owned(), traits, now);
        identity.available_aal = Some(Aal::Aal1);
        identity.verifiable_addresses.push(VerifiableAddress {
            id: Id::random(&entropy),
            value: "a@example.org".to_owned(),
            verified: true,
            via: Channel::Email,
            status: AddressStatus::Completed,
            verified_at: Some(now),
            created_at: now,
            updated_at: now,
        });
        let config = RawJson::parse(r#"{"quote":"\""}"#.to_owned()).expect("JSON");
        let credential = Credential {
            id: Id::random(&entropy),
            kind,
            identifiers: vec!["a@example.org".to_owned()],
            config,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        identity.credentials.insert(kind, credential);
        let mut tx = Tx::new();
        tx.insert_identity(&entropy, &identity);
        store.commit(tx).await.expect("an identity");
        Self { store, entropy, now, identity }
    }

    fn session(&self) -> Session {
        let device = Device {
            id: Id::random(&self.entropy),
            ip_address: Some("192.0.2.1:4711".to_owned()),
            user_agent: Some("ü".repeat(400)),
            location: Some(String::new()),
        };
        Session {
            id: Id::random(&self.entropy),
            identity_id: self.identity.id,
            token: Some(Secret::new(format!("ory_st_{}", self.entropy.string(b"abcdef0123456789", 32)))),
            logout_token: Some(Secret::new(format!("ory_lo_{}", self.entropy.string(b"abcdef0123456789", 32)))),
            active: true,
            issued_at: self.now,
            expires_at: self.now + SignedDuration::from_hours(24),
            authenticated_at: self.now,
            aal: Aal::Aal1,
            authentication_methods: vec![AuthenticationMethod::new("password", Aal::Aal1, self.now)],
            attainable_aal: None,
            created_at: self.now,
            updated_at: self.now,
            devices: Some(vec![device]),
            identity: None,
        }
    }

    async fn insert(&self, session: &Session) {
        let mut tx = Tx::new();
        tx.insert_session(session);
        self.store.commit(tx).await.expect("a session");
    }

    async fn lookup(&self, session: &Session) -> SessionLookup {
        let token = session.token.as_ref().expect("a token");
        self.store.session_by_token(token, SecondFactors::Wanted).await.expect("a database").expect("a session")
    }
}

#[tokio::test]
async fn a_session_is_read_as_it_was_written() {
    let fixture = Fixture::new(CredentialType::Password).await;
    let session = fixture.session();
    fixture.insert(&session).await;
    let SessionLookup { session: read, second_factors } = fixture.lookup(&session).await;

    assert!(second_factors.is_empty());
    assert_eq!((read.id, read.identity_id, &read.token), (session.id, session.identity_id, &session.token));
    assert_eq!((&read.logout_token, read.active, read.aal), (&session.logout_token, true, Aal::Aal1));
    assert_eq!((read.issued_at, read.expires_at), (session.issued_at, session.expires_at));
    assert_eq!(read.authentication_methods, session.authentication_methods);
    let identity = read.identity.expect("an identity");
    assert_eq!((identity.state, &identity.traits), (IdentityState::Active, &fixture.identity.traits));
    assert_eq!(identity.verifiable_addresses, fixture.identity.verifiable_addresses);
    let device = &read.devices.expect("devices")[0];
    assert_eq!(device.user_agent.as_ref().map(String::len), Some(512), "the column holds no more");
    assert_eq!((device.ip_address.as_deref(), device.location.as_deref()), (Some("192.0.2.1:4711"), Some("")));

    let by_id = fixture.store.session(session.id).await.expect("a database").expect("a session");
    assert_eq!((by_id.id, by_id.devices.map(|devices| devices.len())), (session.id, Some(1)));
}

#[tokio::test]
async fn second_factors_come_along_where_they_may_matter() {
    let fixture = Fixture::new(CredentialType::Webauthn).await;
    let mut session = fixture.session();
    fixture.insert(&session).await;
    let found = fixture.lookup(&session).await.second_factors;
    assert_eq!(found[&CredentialType::Webauthn].config.as_str(), r#"{"quote":"\""}"#);

    session.aal = Aal::Aal2;
    session.updated_at = fixture.now + SignedDuration::from_secs(1);
    let mut tx = Tx::new();
    tx.update_session(&session);
    fixture.store.commit(tx).await.expect("an update");
    assert!(fixture.lookup(&session).await.second_factors.is_empty(), "the session has used one");

    let other = Session { id: Id::random(&fixture.entropy), ..fixture.session() };
    fixture.insert(&other).await;
    let mut tx = Tx::new();
    tx.set_available_aal(fixture.identity.id, Aal::Aal2);
    fixture.store.commit(tx).await.expect("an update");
    let found = fixture.lookup(&other).await;
    assert!(found.second_factors.is_empty(), "it is known that there is one");
    assert_eq!(found.session.identity.and_then(|identity| identity.available_aal), Some(Aal::Aal2));
}

#[tokio::test]
async fn devices_are_kept_once() {
    let fixture = Fixture::new(CredentialType::Password).await;
    let session = fixture.session();
    fixture.insert(&session).await;
    let mut device = session.devices.as_ref().expect("devices")[0].clone();
    device.id = Id::random(&fixture.entropy);
    let mut tx = Tx::new();
    tx.insert_device(&session, &device);
    device.id = Id::random(&fixture.entropy);
    device.ip_address = Some("192.0.2.2".to_owned());
    tx.insert_device(&session, &device);
    fixture.store.commit(tx).await.expect("devices");
    assert_eq!(fixture.lookup(&session).await.session.devices.expect("devices").len(), 2);
}

#[tokio::test]
async fn ended_and_expired_sessions_cannot_be_changed() {
    let fixture = Fixture::new(CredentialType::Password).await;
    let update = async |session: &Session, at| {
        let mut tx = Tx::new();
        tx.update_session(&Session {
            updated_at: at,
            expires_at: at + SignedDuration::from_hours(24),
            ..session.clone()
        });
        fixture.store.commit(tx).await
    };
    let session = fixture.session();
    fixture.insert(&session).await;
    assert!(update(&session, fixture.now).await.is_ok());
    let expired = update(&session, fixture.now + SignedDuration::from_hours(24)).await;
    assert!(matches!(expired, Err(CommitError::Stale("sessions.update"))));
    let ended = fixture.store.revoke_session(session.id, fixture.now).await.expect("a database");
    assert_eq!(ended, Some(EndedSession { id: session.id, identity_id: session.identity_id }));
    assert!(matches!(update(&session, fixture.now).await, Err(CommitError::Stale("sessions.update"))));
    let hour = SignedDuration::from_hours(1000);
    let extended = fixture.store.extend_session(session.id, fixture.now, hour, hour).await.expect("a database");
    assert_eq!(extended, Extension::Unchanged);
    let fresh = Secret::from("ory_lo_fresh");
    assert_eq!(fixture.store.ensure_logout_token(session.id, &fresh).await.expect("a database"), None);
}

#[tokio::test]
async fn extension_waits_for_its_time() {
    let fixture = Fixture::new(CredentialType::Password).await;
    let session = fixture.session();
    fixture.insert(&session).await;
    let (day, hour) = (SignedDuration::from_hours(24), SignedDuration::from_hours(1));
    let extend = async |at| fixture.store.extend_session(session.id, at, day, hour).await.expect("a database");
    assert_eq!(extend(fixture.now).await, Extension::Unchanged);
    assert_eq!(extend(fixture.now + hour * 23).await, Extension::Unchanged);
    let late = fixture.now + hour * 23 + SignedDuration::from_secs(1);
    assert_eq!(extend(late).await, Extension::Extended);
    assert_eq!(fixture.lookup(&session).await.session.expires_at, late + day);
    let unknown = fixture.store.extend_session(Id::random(&fixture.entropy), late, day, hour).await;
    assert_eq!(unknown.expect("a database"), Extension::Unknown);
}

#[tokio::test]
async fn cleaning_up_takes_the_oldest_first_and_no_living_one() {
    let fixture = Fixture::new(CredentialType::Password).await;
    let mut ids = Vec::new();
    for hours in [1, 2, 3] {
        let session = Session { expires_at: fixture.now + SignedDuration::from_hours(hours), ..fixture.session() };
        fixture.insert(&session).await;
        ids.push(session.id);
    }
    let at = fixture.now + SignedDuration::from_hours(2);
    let clean = async |limit| fixture.store.delete_expired_sessions(at, limit).await.expect("a database");
    assert_eq!(clean(1).await, 1);
    assert!(fixture.store.session(ids[0]).await.expect("a database").is_none());
    assert_eq!(clean(100).await, 1);
    assert_eq!(clean(100).await, 0);
    assert!(fixture.store.session(ids[2]).await.expect("a database").is_some());
    assert_eq!(fixture.store.delete_sessions_of_identity(fixture.identity.id).await.expect("a database"), 1);
}

#[tokio::test]
async fn tokens_that_cannot_be_are_not_looked_up() {
    let fixture = Fixture::new(CredentialType::Password).await;
    for token in ["", "a\0b", "ü", &"x".repeat(65)] {
        assert!(
            fixture.store.session_by_token(&token.into(), SecondFactors::Wanted).await.expect("a database").is_none()
        );
        let ended = fixture.store.revoke_session_by_token(&token.into(), ZERO_TIME).await;
        assert!(ended.expect("a database").is_none());
    }
}

/// What is asked at every request, and what grows with the number of sessions, must go by an index.
#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let fixture = Fixture::new(CredentialType::Password).await;
    for statement in STATEMENTS {
        let text = statement.text(Dialect::Sqlite);
        if text.starts_with("INSERT") {
            continue;
        }
        let highest = (2..20).take_while(|n| text.contains(&format!("?{n}"))).count();
        let rows = fixture
            .store
            .fetch_text(&format!("EXPLAIN QUERY PLAN {text}"), &vec![Value::Null; highest])
            .await
            .expect("a plan");
        for row in rows {
            let mut columns = row.columns();
            let _: (i64, i64, i64) =
                (columns.next().expect("id"), columns.next().expect("parent"), columns.next().expect("not used"));
            let step: String = columns.next().expect("a detail");
            // Exchanges are few and short-lived, and have no index on their time.
            let is_small = statement.name == "session_token_exchanges.delete_old";
            let reads_all = step.starts_with("SCAN") || step.ends_with("(nid=?)");
            assert!(is_small || !reads_all, "{}: {step}", statement.name);
        }
    }
}
