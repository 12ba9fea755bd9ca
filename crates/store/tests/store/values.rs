//! Values of every type go in and come back the same, and lie in the database as Kratos would have put them.

use model::{CredentialType, Entropy, Id, Identity, IdentityState, RawJson, SignedDuration, Timestamp};
use store::{CommitError, Tx};

use crate::backend::{NETWORK, migrated, now};
use crate::people::{identity, json, session};

#[tokio::test]
async fn what_is_written_is_read_back() {
    for backend in migrated().await {
        let (store, entropy) = (&backend.store, Entropy::seeded(1));
        let written = identity(&entropy, "ann@example.org");
        let mut session = session(&entropy, &written);
        // SQLite keeps nanoseconds, PostgreSQL microseconds.
        session.expires_at = "2036-11-18T08:07:33.123456789Z".parse().expect("a time");
        let mut tx = Tx::new();
        tx.insert_identity(&entropy, &written);
        tx.insert_session(&session);
        store.commit(tx).await.expect("is written");

        let read = store.find_identity_with_credentials(written.id).await.expect("answers").expect("is there");
        assert_eq!(format!("{read:#?}"), format!("{written:#?}").replace_lengths(&written.traits, &read.traits));
        assert_eq!(read.traits, written.traits);
        assert_eq!(read.metadata_public, written.metadata_public);
        assert_eq!(read.metadata_admin, None);
        assert_eq!(read.credentials[&CredentialType::Password].config, json(r#"{"hashed_password": "$2a$04$x"}"#));

        let read = store.session(session.id).await.expect("answers").expect("is there");
        assert_eq!(
            read.token.as_ref().map(|token| token.expose().clone()),
            session.token.as_ref().map(|token| token.expose().clone())
        );
        assert_eq!(read.authentication_methods.len(), 1);
        let expected = backend.pick("2036-11-18T08:07:33.123456789Z", "2036-11-18T08:07:33.123456Z");
        assert_eq!(read.expires_at, expected.parse::<Timestamp>().expect("a time"));
    }
}

/// PostgreSQL lays JSON out in its own way; everything else has to be the same.
trait ReplaceLengths {
    fn replace_lengths(self, written: &RawJson, read: &RawJson) -> String;
}

impl ReplaceLengths for String {
    fn replace_lengths(self, written: &RawJson, read: &RawJson) -> String {
        self.replace(&format!("{written:?}"), &format!("{read:?}"))
    }
}

#[tokio::test]
async fn values_lie_in_the_database_as_kratos_puts_them() {
    for backend in migrated().await {
        let entropy = Entropy::seeded(2);
        let identity = identity(&entropy, "ben@example.org");
        let mut session = session(&entropy, &identity);
        session.issued_at = "2026-01-02T03:04:05Z".parse().expect("a time");
        let mut tx = Tx::new();
        tx.insert_identity(&entropy, &identity);
        tx.insert_session(&session);
        backend.store.commit(tx).await.expect("is written");

        for (column, sqlite, postgres) in [
            ("id FROM identities", identity.id.to_string(), identity.id.to_string()),
            ("nid FROM sessions", NETWORK.to_string(), NETWORK.to_string()),
            ("created_at FROM identities", "2026-11-21 07:44:37.77+00:00".into(), "2026-11-21 07:44:37.77".into()),
            ("issued_at FROM sessions", "2026-01-02 03:04:05+00:00".into(), "2026-01-02 03:04:05".into()),
            ("active FROM sessions", "1".into(), "true".into()),
            ("verified FROM identity_verifiable_addresses", "1".into(), "true".into()),
            ("version FROM identity_credentials", "0".into(), "0".into()),
            ("traits FROM identities", identity.traits.as_str().into(), String::new()),
            ("state FROM identities", "active".into(), "active".into()),
            ("identifier FROM identity_credential_identifiers", "ben@example.org".into(), "ben@example.org".into()),
        ] {
            let (column, table) = column.split_once(' ').expect("two words");
            let found = backend.texts(&format!("SELECT CAST({column} AS text) {table}")).await;
            let expected = backend.pick(sqlite, postgres);
            assert!(found == [expected.as_str()] || expected.is_empty(), "{column} {table}: {found:?}, not {expected}");
        }
        if let "sqlite" = backend.pick("sqlite", "postgres") {
            let types = "SELECT typeof(id) || ' ' || typeof(created_at) || ' ' || typeof(traits) FROM identities";
            assert_eq!(backend.texts(types).await, ["text text text"]);
        }
        // As Kratos looks for a living session.
        let alive = format!(
            "SELECT aal FROM sessions WHERE token = '{}' AND nid = '{NETWORK}' AND active AND expires_at > '{}'",
            session.token.as_ref().expect("has one").expose(),
            backend.pick("2026-11-22 07:44:37.769999999+00:00", "2026-11-22 07:44:37.769999"),
        );
        assert_eq!(backend.texts(&alive).await, ["aal1"]);
        assert!(backend.texts(&alive.replace("37.769999", "37.77")).await.is_empty());
    }
}

#[tokio::test]
async fn a_second_owner_of_an_identifier_is_refused_and_leaves_nothing() {
    for backend in migrated().await {
        let (store, entropy) = (&backend.store, Entropy::seeded(3));
        let insert = |email: &str| {
            let mut tx = Tx::new();
            tx.insert_identity(&entropy, &identity(&entropy, email));
            tx
        };
        store.commit(insert("cat@example.org")).await.expect("the first");
        let mut second = identity(&entropy, "cat@example.org");
        second.external_id = None;
        let mut tx = Tx::new();
        tx.insert_identity(&entropy, &second);
        match store.commit(tx).await {
            Err(CommitError::Unique(what)) => assert!(what.contains("identity_credential_identifiers"), "{what}"),
            other => panic!("{other:?}"),
        }
        assert!(store.find_identity(second.id).await.expect("answers").is_none());
        store.commit(insert("dog@example.org")).await.expect("another");
        assert_eq!(store.count_identities().await.expect("answers"), 2);
    }
}

#[tokio::test]
async fn an_identity_can_be_changed_however_the_time_of_its_row_is_spelled() {
    const SPELLINGS: [&str; 7] = [
        "2026-11-21 07:44:37.120000+00:00",
        "2026-11-21T07:44:37.12Z",
        "2026-11-21 08:44:37.12+01:00",
        "2026-11-21 07:44:37.12",
        "2026-11-21 07:44:37.123456+00:00",
        "2026-11-21 07:44:30",
        "2026-11-21 07:44:30+00:00",
    ];
    for backend in migrated().await {
        let (store, entropy) = (&backend.store, Entropy::seeded(5));
        for (number, spelling) in SPELLINGS.into_iter().enumerate() {
            let made = identity(&entropy, &format!("eve{number}@example.org"));
            let mut tx = Tx::new();
            tx.insert_identity(&entropy, &Identity { external_id: None, ..made.clone() });
            store.commit(tx).await.expect("is written");
            backend.run(&format!("UPDATE identities SET updated_at = '{spelling}' WHERE id = '{}'", made.id)).await;

            let found = store.find_identity_with_credentials(made.id).await.expect("answers");
            let before = found.expect("is there");
            let mut after = before.clone();
            after.state = IdentityState::Inactive;
            after.updated_at = before.updated_at + SignedDuration::from_micros(10);
            let update = || {
                let mut tx = Tx::new();
                tx.update_identity(&entropy, &before, &after);
                store.commit(tx)
            };
            update().await.expect(spelling);
            assert!(matches!(update().await, Err(CommitError::Stale(_))), "{spelling}");
        }
    }
}

#[tokio::test]
async fn a_transaction_that_meets_a_change_is_stale_and_leaves_nothing() {
    for backend in migrated().await {
        let (store, entropy) = (&backend.store, Entropy::seeded(4));
        let before = identity(&entropy, "eve@example.org");
        let mut tx = Tx::new();
        tx.insert_identity(&entropy, &before);
        store.commit(tx).await.expect("is written");
        let mut after = before.clone();
        after.state = IdentityState::Inactive;
        after.updated_at = now() + SignedDuration::from_secs(1);

        let update = || {
            let mut tx = Tx::new();
            tx.insert_session(&session(&entropy, &before));
            tx.update_identity(&entropy, &before, &after);
            tx
        };
        store.commit(update()).await.expect("nobody was faster");
        assert!(matches!(store.commit(update()).await, Err(CommitError::Stale(_))));
        assert_eq!(backend.texts("SELECT CAST(count(*) AS text) FROM sessions").await, ["1"]);

        let mut alone = Tx::new();
        alone.delete_identity(Id::random(&entropy));
        assert!(matches!(store.commit(alone).await, Err(CommitError::Stale(_))));
        let mut orphan = Tx::new();
        orphan.insert_session(&session(&entropy, &identity(&entropy, "nobody@example.org")));
        assert!(matches!(store.commit(orphan).await, Err(CommitError::ForeignKey)));
    }
}

#[tokio::test]
async fn an_empty_external_id_is_refused_by_the_schema() {
    for backend in migrated().await {
        let entropy = Entropy::seeded(5);
        let mut identity = identity(&entropy, "fay@example.org");
        identity.external_id = Some(String::new());
        let mut tx = Tx::new();
        tx.insert_identity(&entropy, &identity);
        assert!(matches!(backend.store.commit(tx).await, Err(CommitError::Store(_))));
    }
}
