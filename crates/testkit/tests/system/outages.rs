//! Databases that are full, locked or gone, and come back.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Answer, Database, PASSWORD, Proxy, Server, Setup};
use tokio::time::sleep;
use url::Url;

/// Checks that a request was refused for now, in clear words that tell nothing about the inside.
fn is_unavailable(answer: &Answer) {
    let body = answer.json();
    assert_eq!((answer.status, &body["error"]["code"]), (503, &json!(503)), "{}", answer.body);
    assert!(body["error"]["message"].as_str().is_some_and(|text| text.len() > 10), "{}", answer.body);
    for word in ["sqlite", "postgres", "database is", "disk", "127.0.0.1:", "INSERT", "/tmp"] {
        assert!(!answer.body.contains(word), "{}", answer.body);
    }
}

/// Asks until it works, for no longer than five seconds.
async fn recovers(server: &Server, email: &str) {
    let start = Instant::now();
    while server.ask("GET", "/self-service/login/api").send().await.status != 200 {
        assert!(start.elapsed() < Duration::from_secs(5), "it does not recover");
        sleep(Duration::from_millis(20)).await;
    }
    let token = server.native().sign_in(email).await;
    assert_eq!(server.native().log_out(&token).await.status, 204);
    assert!(!server.accepts(&token).await);
    assert_eq!(server.ask("GET", "/health/ready").send().await.status, 200);
}

#[tokio::test]
async fn a_locked_file_is_waited_for_and_then_reported() {
    let database = Database::sqlite().await;
    let server = Server::start(&database).await;
    let mut browser = server.browser();
    browser.sign_up("a@example.org").await;
    let token = server.native().sign_in("a@example.org").await;
    let url = browser.logout_url().await;
    let form = server.native().open("login").await;
    let other = database.connect();
    other.execute_batch("BEGIN EXCLUSIVE").expect("locks");

    assert!(server.accepts(&token).await, "readers are not held up");
    assert_eq!(server.ask("GET", "/health/ready").send().await.status, 200);
    is_unavailable(&server.ask("GET", "/self-service/login/api").send().await);
    is_unavailable(&server.native().log_out(&token).await);
    is_unavailable(&browser.clone().fetch(&url).await);
    let body = json!({ "method": "password", "identifier": "a@example.org", "password": PASSWORD });
    is_unavailable(&server.native().submit(&form, body).await);
    // A browser cannot be sent to the error page, since no error can be kept for it.
    is_unavailable(&browser.clone().visit(&url).await);
    assert!(server.accepts(&token).await && browser.is_signed_in().await, "nobody was half signed out");

    other.execute_batch("ROLLBACK").expect("unlocks");
    recovers(&server, "a@example.org").await;
    assert_eq!(browser.visit(&url).await.header("location"), "http://127.0.0.1:4455/bye");
}

/// A small disk in memory, which goes with the value.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None`, and a line that says so, where this process may not mount one.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests has to know what was not tested")]
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(folder.path()).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("a disk of four megabytes cannot be mounted: a full disk was not tested");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A disk that stays behind holds four megabytes until the machine stops.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_reported_and_nothing_is_lost() {
    let Some(disk) = Disk::new() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::sqlite_in(disk.0.path().to_owned(), folder).await;
    let server = Server::start(&database).await;
    let mut browser = server.browser();
    browser.sign_up("a@example.org").await;
    let url = browser.logout_url().await;
    let filler = disk.0.path().join("filler");
    // The last bytes too: a write-ahead log grows page by page.
    let mut size = 4 << 20;
    while size > 0 {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(&filler).expect("a file");
        if std::io::Write::write_all(&mut &file, &vec![0; size]).is_err() {
            size /= 2;
        }
    }
    // The log that is there already is used up first.
    let mut refused = None;
    for _ in 0..2000 {
        let answer = server.ask("GET", "/self-service/registration/api").send().await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    is_unavailable(&refused.expect("the disk is full"));
    is_unavailable(&browser.clone().fetch(&url).await);
    assert!(browser.is_signed_in().await, "readers go on, and nobody is half signed out");
    assert_eq!(server.ask("GET", "/health/alive").send().await.status, 200);

    std::fs::remove_file(&filler).expect("is removed");
    recovers(&server, "a@example.org").await;
    assert_eq!(browser.visit(&url).await.status, 303);
    assert!(!browser.is_signed_in().await);
    let check = database.texts("PRAGMA integrity_check").await;
    assert_eq!(check, ["ok"]);
}

#[tokio::test]
async fn a_database_server_that_stops_is_reported_and_found_again() {
    let Some(database) = Database::postgres().await else { return };
    let mut url = Url::parse(database.dsn()).expect("a URL");
    let target = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
    let mut proxy = Proxy::new(target).await;
    url.set_host(Some("127.0.0.1")).expect("a host");
    url.set_port(Some(proxy.port())).expect("a port");
    let server = Server::of(&database, Setup { dsn: Some(url.to_string()), ..Setup::default() }).await;
    let mut browser = server.browser();
    browser.sign_up("a@example.org").await;
    let logout_url = browser.logout_url().await;
    let token = server.native().sign_in("a@example.org").await;
    let form = server.native().open("login").await;
    assert_eq!(server.ask("GET", "/health/ready").send().await.status, 200);

    for round in 0..2 {
        proxy.stop().await;
        let start = Instant::now();
        is_unavailable(&server.ask("GET", "/sessions/whoami").token(&token).send().await);
        is_unavailable(&server.native().log_out(&token).await);
        is_unavailable(&browser.clone().fetch(&logout_url).await);
        is_unavailable(&browser.clone().visit(&logout_url).await);
        is_unavailable(&server.ask("GET", "/self-service/login/api").send().await);
        is_unavailable(&server.native().submit(&form, json!({ "method": "password" })).await);
        is_unavailable(&server.ask_admin("GET", "/admin/identities").send().await);
        assert!(start.elapsed() < Duration::from_secs(20), "callers do not wait for ever");
        let metrics = server.ask_admin("GET", "/metrics/prometheus").send().await;
        assert_eq!((metrics.status, metrics.body.contains("zelus_messages_waiting")), (200, false), "the rest is told");
        assert!(metrics.body.contains("zelus_sign_ins_total{method=\"password\"}"), "{}", metrics.body);
        let ready = server.ask("GET", "/health/ready").send().await;
        assert_eq!(
            (ready.status, ready.json()),
            (503, json!({ "errors": { "database": ready.json()["errors"]["database"] } }))
        );
        assert!(
            ready.json()["errors"]["database"].as_str().is_some_and(|why| !why.contains("127.0.0.1")),
            "{}",
            ready.body
        );
        assert!(server.ask_admin("GET", "/admin/health/ready").send().await.json()["errors"]["database"].is_string());
        assert_eq!(server.ask("GET", "/health/alive").send().await.status, 200);
        proxy.start().await;
        recovers(&server, "a@example.org").await;
        assert!(server.accepts(&token).await && browser.is_signed_in().await, "round {round}: nobody was signed out");
    }
    assert_eq!(browser.visit(&logout_url).await.status, 303);
}
