//! `zelus migrate sql` as operators and containers run it.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testkit::Database;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

/// Longer than anything here takes, and shorter than a database may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts `zelus migrate sql`, with what it says in two files of `folder`.
fn start(arguments: &[&str], folder: &Path) -> Child {
    let output = |name| Stdio::from(File::create(folder.join(name)).expect("a file"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_zelus"));
    command.args(["migrate", "sql"]).args(arguments).env_clear();
    command.stdout(output("out")).stderr(output("err")).spawn().expect("the program runs")
}

fn said(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("text")
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for a process, and gives its exit status.
async fn ended(child: &mut Child) -> Option<i32> {
    let mut status = None;
    until("the process ends", || {
        status = child.try_wait().expect("a status");
        status.is_some()
    })
    .await;
    status.and_then(|status| status.code())
}

#[tokio::test]
async fn block_waits_until_somebody_else_has_completed_the_tables() {
    let (waiting, working) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let dsn = format!("sqlite://{}/db.sqlite?mode=rwc", working.path().display());
    let mut status = start(&["status", &dsn, "--block"], waiting.path());
    until("it says that it waits", || said(waiting.path(), "err").contains("Waiting until the tables are complete"))
        .await;
    assert!(status.try_wait().expect("a status").is_none());
    assert_eq!(ended(&mut start(&["up", &dsn, "--yes"], working.path())).await, Some(0));
    assert_eq!(ended(&mut status).await, Some(0));
    let (listed, told) = (said(waiting.path(), "out"), said(waiting.path(), "err"));
    assert!(listed.contains("0001_schema") && !listed.contains("pending"), "{listed}");
    assert_eq!(told.lines().count(), 1, "{told}");
    // With nothing to wait for, nothing is said.
    assert_eq!(ended(&mut start(&["status", &dsn, "--block"], waiting.path())).await, Some(0));
    assert_eq!(said(waiting.path(), "err"), "");
}

#[tokio::test]
async fn a_database_that_is_still_starting_is_waited_for() {
    let Some(database) = Database::postgres().await else { return };
    let mut url = Url::parse(database.dsn()).expect("a URL");
    let target = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
    let free = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = free.local_addr().expect("is bound").port();
    drop(free);
    url.set_host(Some("127.0.0.1")).expect("a host");
    url.set_port(Some(port)).expect("a port");

    let folder = tempfile::tempdir().expect("a folder");
    let mut up = start(&["up", url.as_str(), "--yes"], folder.path());
    until("it says that it waits", || said(folder.path(), "err").contains("the next try is in 1 s.")).await;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("binds");
    let mut proxy = JoinSet::new();
    proxy.spawn(async move {
        let mut links = JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = TcpStream::connect(&target).await.expect("connects");
            links.spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    assert_eq!(ended(&mut up).await, Some(0), "{}", said(folder.path(), "err"));
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_not_waited_for() {
    let Some(database) = Database::postgres().await else { return };
    let mut url = Url::parse(database.dsn()).expect("a URL");
    url.set_path("/no-such-database");
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [["up", url.as_str(), "--yes"], ["status", url.as_str(), "--block"]] {
        assert_eq!(ended(&mut start(&arguments, folder.path())).await, Some(1));
        let told = said(folder.path(), "err");
        assert!(told.contains("no-such-database") && !told.contains("Waiting"), "{told}");
    }
}
