//! Every statement that is not put together at run time, on every backend.

use std::collections::{BTreeSet, HashSet};

use store::{Dialect, Statement, statements};

use crate::backend::{Backend, migrated};

/// Those that run at every request, or under a person's eyes.
const HOTTEST: [&str; 15] = [
    "sessions.by_token",
    "sessions.by_tokens",
    "sessions.insert",
    "sessions.revoke_by_token",
    "sessions.revoke_by_logout_token",
    "sessions.revoke_others",
    "sessions.extend",
    "sessions.of_identity",
    "identities.find_with_credentials",
    "identities.find_by_identifier",
    "identities.find_verifiable_address",
    "login_flows.by_id",
    "login_flows.update",
    "login_flows.count_attempt",
    "session_token_exchanges.by_codes",
];

/// Those that count or clear away everybody's rows, and those that Kratos' tables have no index for.
const OF_ALL: [&str; 12] = [
    "guard.clear_all_devices",
    "guard.clear_all_strangers",
    "guard.list",
    "identities.count",
    // Scans what an index has found of the messages that wait.
    "courier_messages.count_waiting",
    "identities.delete",
    "identities.find_by_user_handle",
    "networks.credential_types",
    "networks.insert",
    "networks.oldest",
    "own_tables.exists",
    "session_token_exchanges.delete_old",
];

#[test]
fn names_are_unique() {
    let mut names = HashSet::new();
    for statement in statements() {
        assert!(names.insert(statement.name), "two statements are named {}", statement.name);
    }
}

#[test]
fn dialects_agree_on_the_parameters() {
    for statement in statements() {
        let numbers = |dialect, sign| {
            let numbers: BTreeSet<usize> = statement
                .text(dialect)
                .split(sign)
                .skip(1)
                .filter_map(|rest| rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok())
                .collect();
            assert!(numbers.iter().copied().eq(1..=numbers.len()), "{} leaves out a parameter", statement.name);
            numbers.len()
        };
        assert_eq!(numbers(Dialect::Sqlite, '?'), numbers(Dialect::Postgres, '$'), "{}", statement.name);
    }
}

#[tokio::test]
async fn every_statement_prepares() {
    for backend in migrated().await {
        for statement in statements() {
            prepare(&backend, statement).await;
        }
    }
}

async fn prepare(backend: &Backend, statement: &'static Statement) {
    let name = statement.name;
    let text = statement.text(backend.store.dialect());
    match backend.store.dialect() {
        Dialect::Sqlite => {
            let connection = rusqlite::Connection::open(backend.file()).expect("opens");
            connection.prepare(text).map(drop).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        Dialect::Postgres => drop(backend.texts(&format!("PREPARE p AS {text}")).await),
    }
}

#[tokio::test]
async fn the_hottest_statements_never_scan_a_table() {
    for backend in migrated().await {
        for name in HOTTEST {
            let statement = statements().find(|statement| statement.name == name).expect(name);
            let text = statement.text(backend.store.dialect());
            let plan = match backend.store.dialect() {
                Dialect::Sqlite => sqlite_plan(&backend, text),
                Dialect::Postgres => postgres_plan(&backend, text).await,
            };
            let scans: Vec<_> = (0..plan.len()).filter(|&at| is_scan(&plan, at)).map(|at| &plan[at]).collect();
            assert!(scans.is_empty(), "{name} scans: {scans:?}\n{}", plan.join("\n"));
        }
    }
}

/// The indexes on `nid` alone are a trap for SQLite's planner: nearly every row is of one network.
#[tokio::test]
async fn statements_read_a_whole_network_only_where_they_mean_to() {
    let backend = &migrated().await[0];
    for statement in statements().filter(|statement| !OF_ALL.contains(&statement.name)) {
        let plan = sqlite_plan(backend, statement.text(Dialect::Sqlite));
        // What is out of date is looked for in whole tables, apart from what people wait for.
        if statement.name.ends_with(".find_outdated") {
            continue;
        }
        let is_table = |line: &str| !line.ends_with(" VALUES CLAUSE") && line != "SCAN CONSTANT ROW";
        let is_scan = |line: &str| line.starts_with("SCAN ") && is_table(line);
        let all: Vec<_> = plan.iter().filter(|line| line.ends_with("(nid=?)") || is_scan(line)).collect();
        assert!(all.is_empty(), "{} reads: {all:?}", statement.name);
    }
}

/// What SQLite makes of a statement, a step a line. Tables hold nothing yet, which its planner does not look at.
fn sqlite_plan(backend: &Backend, text: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(backend.file()).expect("opens");
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).expect(text);
    // The parameters stay NULL.
    let rows = statement.raw_query().mapped(|row| row.get::<_, String>("detail"));
    rows.collect::<Result<_, _>>().expect("explains")
}

/// PostgreSQL's plan for any value of the parameters. Small tables would be scanned in any case, unless that is
/// forbidden: what is then still scanned has no index.
async fn postgres_plan(backend: &Backend, text: &str) -> Vec<String> {
    let count = (1..).take_while(|n| text.contains(&format!("${n}"))).count();
    let nulls = vec!["NULL"; count].join(", ");
    let sql = format!(
        "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; PREPARE p AS {text}; EXPLAIN EXECUTE p({nulls})"
    );
    backend.texts(&sql).await
}

/// Whether a step of the plan goes through a whole table or index. Rows that the statement itself makes, such as those of
/// `json_each` or a subquery, may be gone through.
fn is_scan(plan: &[String], at: usize) -> bool {
    let line = plan[at].trim_start_matches([' ', '-', '>']);
    if let Some(table) = line.strip_prefix("SCAN ") {
        return !table.starts_with("CONSTANT ROW") && !table.starts_with('(') && !line.contains("VIRTUAL TABLE");
    }
    let by_index = line.starts_with("Index Scan using") || line.starts_with("Index Only Scan using");
    let has_condition = plan.get(at + 1).is_some_and(|next| next.trim_start().starts_with("Index Cond:"));
    line.starts_with("Seq Scan on ") || (by_index && !has_condition)
}
