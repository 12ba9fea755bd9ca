//! Many writers at once.

use std::time::Duration;

use model::{Aal, Entropy};
use store::Tx;
use tokio::task::JoinSet;

use crate::backend::{Backend, migrated};
use crate::people::{identity, session};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_writers_never_find_the_database_locked() {
    for backend in migrated().await {
        let mut tasks = JoinSet::new();
        for n in 0..64 {
            let store = backend.store.clone();
            tasks.spawn(async move {
                let entropy = Entropy::seeded(n);
                let identity = identity(&entropy, &format!("{n}@example.org"));
                let mut tx = Tx::new();
                tx.insert_identity(&entropy, &identity);
                tx.insert_session(&session(&entropy, &identity));
                store.commit(tx).await?;
                let mut tx = Tx::new();
                tx.set_available_aal(identity.id, Aal::Aal2);
                store.commit(tx).await?;
                let read = store.find_identity(identity.id).await?;
                Ok::<_, store::CommitError>(read.expect("is there").available_aal)
            });
        }
        for outcome in tasks.join_all().await {
            assert_eq!(outcome.expect("is written"), Some(Aal::Aal2));
        }
        assert_eq!(backend.store.count_identities().await.expect("answers"), 64);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_that_wait_for_each_other_are_run_again() {
    for backend in migrated().await {
        let entropy = Entropy::seeded(1);
        let (ann, ben) = (identity(&entropy, "ann@example.org"), identity(&entropy, "ben@example.org"));
        let mut tx = Tx::new();
        tx.insert_identity(&entropy, &ann);
        tx.insert_identity(&entropy, &ben);
        backend.store.commit(tx).await.expect("are written");
        let store = quick_to_find_deadlocks(&backend).await;
        let mut tasks = JoinSet::new();
        for n in 0..16 {
            let store = store.clone();
            let order = if n % 2 == 0 { [ann.id, ben.id] } else { [ben.id, ann.id] };
            tasks.spawn(async move {
                let mut tx = Tx::new();
                order.into_iter().cycle().take(8).for_each(|id| tx.set_available_aal(id, Aal::Aal2));
                store.commit(tx).await
            });
        }
        for outcome in tasks.join_all().await {
            outcome.expect("is written in the end");
        }
    }
}

/// By itself PostgreSQL takes a second to notice that two transactions wait for each other.
async fn quick_to_find_deadlocks(backend: &Backend) -> store::Store {
    let setting = backend.pick("", "&deadlock_timeout=10ms");
    crate::backend::open(&format!("{}{setting}", backend.dsn)).await
}

#[tokio::test]
async fn a_caller_that_stops_waiting_leaves_no_transaction_behind() {
    for backend in migrated().await {
        let entropy = Entropy::seeded(2);
        for n in 0..32_u64 {
            let mut tx = Tx::new();
            let email = format!("{n}@example.org");
            tx.insert_identity(&entropy, &identity(&entropy, &email));
            let commit = backend.store.commit(tx);
            let _ = tokio::time::timeout(Duration::from_micros(100 * n), commit).await;
            // Nor is the next caller given the connection that it was on.
            let mut tx = Tx::new();
            tx.insert_identity(&entropy, &identity(&entropy, &format!("after-{n}@example.org")));
            backend.store.commit(tx).await.expect("is written");
        }
        let orphans = "SELECT CAST(count(*) AS text) FROM identities i
            WHERE NOT EXISTS (SELECT 1 FROM identity_credentials c WHERE c.identity_id = i.id)";
        assert_eq!(backend.texts(orphans).await, ["0"]);
    }
}

/// The writer holds the lock of readers while nobody writes.
#[tokio::test]
async fn others_write_and_empty_the_log_while_nobody_here_writes() {
    let (backend, entropy) = (&migrated().await[0], Entropy::seeded(1));
    let someone = identity(&entropy, "ann@example.org");
    let mut tx = Tx::new();
    tx.insert_identity(&entropy, &someone);
    backend.store.commit(tx).await.expect("is written");
    let log = || std::fs::metadata(backend.file().with_extension("sqlite-wal")).map_or(0, |file| file.len());
    assert!(log() > 0);
    tokio::time::sleep(Duration::from_millis(300)).await;

    backend.run("UPDATE identities SET external_id = 'elsewhere'").await;
    let found = backend.store.find_identity(someone.id).await.expect("answers").expect("is there");
    assert_eq!(found.external_id.as_deref(), Some("elsewhere"), "is seen at once");

    let other = rusqlite::Connection::open(backend.file()).expect("opens");
    other.busy_timeout(Duration::from_secs(10)).expect("is set");
    let is_busy = || other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    assert_eq!(is_busy().expect("runs"), 0, "waits until the writer lets go");
    assert_eq!(log(), 0);
    let mut tx = Tx::new();
    tx.set_available_aal(someone.id, Aal::Aal2);
    backend.store.commit(tx).await.expect("is written");
}
