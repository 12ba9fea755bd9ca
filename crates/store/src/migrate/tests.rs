//! Steps to come, on both dialects.

use model::{Timestamp, Uuid};

use super::{STEPS, Step};
use crate::statement::Dialect;
use crate::{Dsn, Store};

/// A step such as the next one will be.
const NEXT: Step = Step {
    name: "9999_test",
    sqlite: "CREATE TABLE zelus_test (id text NOT NULL PRIMARY KEY, at datetime NOT NULL);",
    postgres: "CREATE TABLE zelus_test (id uuid NOT NULL PRIMARY KEY, at timestamp NOT NULL);",
    needed: true,
};

fn now() -> Timestamp {
    "2026-11-21T07:44:37.77Z".parse().expect("a time")
}

async fn open(dsn: &str) -> Store {
    Store::open(&Dsn::parse(dsn).expect("a DSN")).await.expect("opens")
}

/// Takes what is missing of `steps`, and says which they were.
async fn take(store: &Store, steps: &[Step]) -> Vec<&'static str> {
    let mut taken = Vec::new();
    store.take(steps, now(), &mut |name| taken.push(name)).await.expect("migrates");
    taken
}

async fn a_step_is_added(store: &Store) {
    store.migrate_up(Uuid::from_u128(7), now(), &mut |_| {}).await.expect("migrates");
    let steps = [STEPS, &[NEXT]].concat();
    let is_pending = async || store.status_of(&steps).await.expect("answers").iter().any(|step| !step.applied);

    assert!(is_pending().await);
    assert_eq!(take(store, &steps).await, [NEXT.name]);
    assert!(!is_pending().await);
    assert_eq!(take(store, &steps).await, [""; 0]);
    // An older version, which does not know the step, goes on with the database.
    assert!(!store.has_pending_migrations().await.expect("answers"));
    store.run_script("DELETE FROM zelus_test".to_owned()).await.expect("the table is there");
}

#[tokio::test]
async fn a_step_is_added_to_a_database_in_use() {
    a_step_is_added(&open("memory").await).await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "where the server is differs from machine to machine")]
#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know what was not tested")]
async fn a_step_is_added_to_a_database_of_postgresql() {
    let Some(server) = std::env::var("ZELUS_TEST_POSTGRES").ok().filter(|url| !url.is_empty()) else {
        return eprintln!("ZELUS_TEST_POSTGRES is not set: tested with SQLite only");
    };
    let name = format!("zelus_test_step_{}", std::process::id());
    let mut url = url::Url::parse(&server).expect("a URL");
    let administration = open(&server).await;
    administration.run_script(format!("CREATE DATABASE {name}")).await.expect("makes a database");
    url.set_path(&name);
    a_step_is_added(&open(url.as_str()).await).await;
    administration.run_script(format!("DROP DATABASE {name} WITH (FORCE)")).await.expect("removes it");
}

#[test]
fn steps_of_ours_keep_to_tables_of_ours() {
    for (step, dialect) in STEPS[1..].iter().flat_map(|step| [(step, Dialect::Sqlite), (step, Dialect::Postgres)]) {
        let lines = step.text(dialect).lines().filter(|line| !line.trim_start().starts_with("--"));
        let text = lines.collect::<Vec<_>>().join(" ").to_lowercase();
        let words: Vec<_> = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
        for pair in words.windows(2).filter(|pair| matches!(pair[0], "table" | "references")) {
            assert!(pair[1].starts_with("zelus_"), "{} touches {}", step.name, pair[1]);
        }
    }
}

#[test]
fn names_of_steps_sort_in_their_order() {
    assert!(STEPS.is_sorted_by(|one, next| one.name < next.name));
}
