//! The schema that the migrations make, and the databases that they refuse.

use store::{Dialect, MigrateError, Store};

use crate::backend::{NETWORK, empty, migrated, now};

async fn migrate(store: &Store) -> Result<Vec<&'static str>, MigrateError> {
    let mut taken = Vec::new();
    store.migrate_up(NETWORK, now(), &mut |name| taken.push(name)).await?;
    Ok(taken)
}

#[tokio::test]
async fn the_catalogue_is_that_of_kratos() {
    for backend in migrated().await {
        let (query, expected) = match backend.store.dialect() {
            Dialect::Sqlite => (
                include_str!("../../../../migrations/sqlite/catalogue.sql"),
                include_str!("../../../../migrations/sqlite/catalogue.txt"),
            ),
            Dialect::Postgres => (
                include_str!("../../../../migrations/postgres/catalogue.sql"),
                include_str!("../../../../migrations/postgres/catalogue.txt"),
            ),
        };
        let found = backend.texts(query).await;
        let expected: Vec<_> = expected.lines().collect();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn a_fresh_database_is_migrated_once() {
    for backend in empty().await {
        let store = &backend.store;
        assert!(store.has_pending_migrations().await.expect("answers"));
        let all = ["0001_schema", "0002_zelus", "0003_guard", "0004_superseded_tokens", "0005_leases"];
        assert_eq!(migrate(store).await.expect("migrates"), all);
        assert!(!store.has_pending_migrations().await.expect("answers"));
        assert_eq!(migrate(store).await.expect("migrates again"), [""; 0]);
        assert!(store.migration_status().await.expect("answers").iter().all(|step| step.applied));
        let networks = backend.texts("SELECT CAST(id AS text) FROM networks").await;
        assert_eq!(networks, [NETWORK.to_string()]);
        assert_eq!(backend.texts("SELECT name FROM identity_credential_types").await.len(), 8);
        let own = backend.texts("SELECT version FROM zelus_schema_migration ORDER BY version").await;
        assert_eq!(own, all[1..]);
    }
}

#[tokio::test]
async fn several_processes_may_migrate_at_once() {
    for backend in empty().await {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let store = backend.reopen().await;
            tasks.spawn(async move { migrate(&store).await });
        }
        for outcome in tasks.join_all().await {
            outcome.expect("migrates");
        }
        let networks = backend.texts("SELECT 'a network' FROM networks").await;
        assert_eq!(networks.len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_in_a_line() {
    for (change, words) in [
        ("DELETE FROM schema_migration WHERE version = '20191100000001000000'", "older Kratos (1 of "),
        ("INSERT INTO schema_migration (version) VALUES ('29990101000000000000'); ALTER TABLE sessions DROP COLUMN aal", "sessions.aal is missing"),
        (
            "INSERT INTO schema_migration (version) VALUES ('29990101000000000000');
             ALTER TABLE sessions ADD COLUMN colour varchar(9) NOT NULL DEFAULT 'red'; ALTER TABLE sessions RENAME COLUMN token TO secret",
            "sessions.token is missing",
        ),
        ("DROP TABLE schema_migration", "that Kratos' migrations did not make"),
    ] {
        for backend in migrated().await {
            backend.run(change).await;
            let error = migrate(&backend.store).await.expect_err(change);
            assert!(matches!(&error, MigrateError::Refused(why) if why.contains(words) && !why.contains('\n')), "{error}");
        }
    }
}

#[tokio::test]
async fn a_newer_kratos_that_only_adds_is_served() {
    for backend in migrated().await {
        backend
            .run(
                "INSERT INTO schema_migration (version) VALUES ('29990101000000000000');
                 ALTER TABLE sessions ADD COLUMN colour varchar(9) NOT NULL DEFAULT 'red';
                 CREATE TABLE novelties (id integer NOT NULL)",
            )
            .await;
        assert!(!backend.store.has_pending_migrations().await.expect("is served"));
    }
}

#[tokio::test]
async fn a_new_column_without_a_default_is_refused() {
    // SQLite adds no such column to a table that exists, so a table is replaced.
    for backend in migrated().await {
        backend
            .run(
                "INSERT INTO schema_migration (version) VALUES ('29990101000000000000');
                 DROP TABLE courier_message_dispatches;
                 CREATE TABLE courier_message_dispatches (id uuid PRIMARY KEY, message_id uuid NOT NULL,
                     status varchar(20) NOT NULL, error json, nid uuid NOT NULL, created_at timestamp NOT NULL,
                     updated_at timestamp NOT NULL, attempt integer NOT NULL)",
            )
            .await;
        let error = backend.store.migration_status().await.expect_err("refused").to_string();
        assert!(error.contains("courier_message_dispatches.attempt is new"), "{error}");
    }
}

#[tokio::test]
async fn versions_of_fourteen_digits_count() {
    for backend in migrated().await {
        backend
            .run(
                "UPDATE schema_migration SET version = substr(version, 1, 14)
                 WHERE version IN ('20150100000001000000', '20260114175904000000')",
            )
            .await;
        assert!(!backend.store.has_pending_migrations().await.expect("is served"));
    }
}
