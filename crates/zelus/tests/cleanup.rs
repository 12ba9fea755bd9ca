//! `zelus cleanup sql` as operators run it.

use std::process::{Command, Output};

use model::Clock;
use serde_json::json;
use testkit::{Database, Server, Setup};

/// A configuration beside a database.
fn configured(database: &Database) -> std::path::PathBuf {
    let config = json!({
        "dsn": database.dsn(),
        "database": { "cleanup": { "sleep": { "tables": "0s" }, "older_than": "1h", "batch_size": 1 } },
        "identity": { "default_schema_id": "a", "schemas": [{ "id": "a", "url": "base64://e30=" }] },
        "selfservice": { "default_browser_return_url": "http://127.0.0.1:1/" },
    });
    let file = database.folder().join("cleanup.json");
    std::fs::write(&file, config.to_string()).expect("a file");
    file
}

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zelus"));
    command.args(["cleanup", "sql"]).args(arguments).env_clear().envs(environment.iter().copied());
    command.output().expect("the program runs")
}

/// What the command says when it has worked.
fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn what_has_expired_is_removed_sessions_included() {
    for database in Database::each().await {
        let setup = Setup { clock: Clock::system(), ..Setup::default() };
        let server = Server::of(&database, setup).await;
        for email in ["a@example.org", "b@example.org", "c@example.org"] {
            server.native().sign_up(email).await;
        }
        let counts = async || {
            let mut counts = Vec::new();
            for table in ["selfservice_registration_flows", "sessions", "courier_messages", "identities"] {
                counts.push(database.count(table).await);
            }
            counts
        };
        let expired = "expires_at = '2001-01-01 00:00:00'";
        database.run(&format!("UPDATE selfservice_registration_flows SET {expired}")).await;
        database.run(&format!("UPDATE sessions SET {expired}")).await;
        database.run("UPDATE courier_messages SET status = 2, updated_at = '2001-01-01 00:00:00'").await;
        let whole = counts().await;
        assert!(whole.iter().all(|count| *count >= 3), "{whole:?}");
        let dsn = database.dsn();

        let kept = said(&run(&[dsn, "--keep-last", "2000000h", "--sleep-tables", "0s"], &[]));
        assert!(kept.contains("Done. Removed in all: 0."), "{kept}");
        assert_eq!(counts().await, whole);

        // By the environment, as in Kratos; what is a record stays, since no configuration says otherwise.
        let removed = said(&run(&["-b", "2", "--database.cleanup.sleep.tables", "0s"], &[("DSN", dsn)]));
        let line = |what: &str| removed.lines().find(|line| line.starts_with(what)).unwrap_or_default().to_owned();
        assert!(line("expired sessions").ends_with(" 3") && line("registration flows").ends_with(" 3"), "{removed}");
        assert!(removed.contains("Done. Removed in all: 6."), "{removed}");
        assert_eq!(counts().await, [0, 0, whole[2], whole[3]]);

        // By a configuration, which says how long messages are kept.
        let file = configured(&database);
        let removed = said(&run(&["-c", file.to_str().expect("a path")], &[]));
        assert!(removed.contains("messages that were sent or given up"), "{removed}");
        assert!(removed.contains("has done so within the hour"), "it says that it is not alone: {removed}");
        assert_eq!(counts().await, [0, 0, 0, whole[3]]);
    }
}

#[tokio::test]
async fn nothing_is_removed_from_a_database_that_nobody_meant() {
    let database = Database::sqlite().await;
    let (dsn, file) = (database.dsn(), configured(&database));
    let file = file.to_str().expect("a path");
    for (arguments, says) in [
        (&[][..], "Set DSN in the environment"),
        (&["-e", dsn], "one database"),
        (&["-e=false", "-c", file], "Name the database"),
        (&["people.sqlite"], "has a scheme"),
        (&[dsn, "--keep-last", "a month"], "such as 90s, 15m or 720h"),
        (&[dsn, "-b", "0"], "0 is not in"),
        (&["-c", "/nowhere.yml"], "/nowhere.yml"),
        (&["memory"], "lacks tables"),
    ] {
        let output = run(arguments, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(says), "{arguments:?}: {said}");
    }
}
