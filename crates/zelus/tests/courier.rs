//! `zelus courier watch` as operators run it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use model::{Clock, SignedDuration};
use serde_json::{Value, json};
use testkit::{Database, Gateway, Peer, Reply, Server, Setup};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// How messages are sent: to a web service.
fn courier(url: &str) -> Value {
    json!({ "courier": { "delivery_strategy": "http", "worker": { "pull_wait": "50ms", "pull_count": 4 },
        "http": { "request_config": { "url": url, "method": "POST" } } } })
}

/// Starts a process that delivers the messages of a database to a web service.
fn watch(database: &Database, url: &str) -> Child {
    watch_with(database, url, &[])
}

/// As [`watch`], with more of a command line.
fn watch_with(database: &Database, url: &str, arguments: &[&str]) -> Child {
    let config = json!({
        "dsn": database.dsn(),
        "secrets": { "default": ["a-secret-that-is-long-enough"] },
        "identity": { "default_schema_id": "a", "schemas": [{ "id": "a", "url":
            "base64://eyJwcm9wZXJ0aWVzIjp7InRyYWl0cyI6eyJ0eXBlIjoib2JqZWN0IiwicHJvcGVydGllcyI6eyJlbWFpbCI6eyJ0eXBlIjoic3RyaW5nIn19fX19" }] },
        "selfservice": { "default_browser_return_url": "http://127.0.0.1:1/" },
        "serve": { "admin": { "host": "127.0.0.1" } },
        "courier": courier(url)["courier"],
    });
    let file = database.folder().join("courier.json");
    std::fs::write(&file, config.to_string()).expect("a file");
    let mut watch = Command::new(env!("CARGO_BIN_EXE_zelus"));
    watch
        .args(["courier", "watch", "-c"])
        .arg(&file)
        .args(arguments)
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    watch.spawn().expect("the program runs")
}

/// Tells a process to stop, and waits until it has.
async fn stop(mut watch: Child) {
    Command::new("kill").args(["-TERM", &watch.id().to_string()]).status().expect("a signal");
    let mut status = None;
    until("the process stops", || {
        status = watch.try_wait().expect("a status");
        status.is_some()
    })
    .await;
    assert_eq!(status.and_then(|status| status.code()), Some(0));
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Signs somebody up, which queues a message.
async fn sign_up(server: &Server, email: &str) {
    server.native().sign_up(email).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_its_own_delivers_messages_until_it_is_told_to_stop() {
    let (database, gateway) = (Database::sqlite().await, Gateway::start().await);
    let watch = watch(&database, &gateway.url("/mail"));
    // The process is there before the message is.
    let server = Server::of(&database, Setup { clock: Clock::system(), ..Setup::default() }).await;
    sign_up(&server, "ann@example.org").await;
    until("a message is delivered", || !gateway.requests().is_empty()).await;

    // What a service gets that has no Jsonnet snippet.
    let body = gateway.requests()[0].json();
    let keys: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "recipient",
            "template_type",
            "subject",
            "body",
            "to",
            "recovery_code",
            "recovery_url",
            "verification_url",
            "verification_code",
        ]
    );
    assert_eq!((&body["to"], &body["recovery_code"]), (&"ann@example.org".into(), &Value::Null));

    stop(watch).await;
    assert_eq!(gateway.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_one_queue() {
    const MESSAGES: usize = 40;
    for database in Database::each().await {
        let gateway = Gateway::start().await;
        let server = Server::of(&database, Setup { clock: Clock::system(), ..Setup::default() }).await;
        let processes = [(); 2].map(|()| watch(&database, &gateway.url("/mail")));
        for n in 0..MESSAGES {
            sign_up(&server, &format!("p{n}@example.org")).await;
        }
        until("all messages are delivered", || gateway.requests().len() >= MESSAGES).await;
        for process in processes {
            stop(process).await;
        }
        let mut recipients: Vec<String> = gateway.requests().iter().map(|sent| sent.json()["to"].to_string()).collect();
        recipients.sort();
        let delivered = recipients.len();
        recipients.dedup();
        assert_eq!((delivered, recipients.len()), (MESSAGES, MESSAGES), "each goes out once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_outlives_the_process_that_was_sending_it() {
    for database in Database::each().await {
        let peer = Peer::start().await;
        peer.reply("/mail", Reply::Silence);
        let mut dying = watch(&database, &peer.url("/mail"));
        let server = Server::of(&database, Setup { clock: Clock::system(), ..Setup::default() }).await;
        sign_up(&server, "ann@example.org").await;
        until("the process is sending", || !peer.take("/mail").is_empty()).await;
        dying.kill().expect("it dies");
        dying.wait().expect("it is dead");

        peer.reply_json("/mail", 200, &json!({}));
        let clock = Clock::manual(Clock::system().now() + SignedDuration::from_mins(1));
        let setup = Setup { clock, ..Setup::with(&courier(&peer.url("/mail")).to_string()) };
        let survivor = Server::of(&database, setup).await;
        let deliver = async || {
            survivor.app.site().runtime.courier.deliver_due().await.expect("a round");
            peer.take("/mail").len()
        };
        assert_eq!(deliver().await, 0, "it may still be alive");
        survivor.wait(SignedDuration::from_mins(3));
        assert_eq!(deliver().await, 1);
        assert_eq!(deliver().await, 0);
        let sent = "SELECT CAST(count(*) AS text) FROM courier_messages WHERE status = 2";
        assert_eq!(database.texts(sent).await, ["1"]);
    }
}

/// The answer to a GET request, or nothing while nobody listens.
fn get(port: u16, path: &str) -> String {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return String::new() };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    free.local_addr().expect("an address").port()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_serves_its_metrics_and_nothing_else() {
    let (database, gateway) = (Database::sqlite().await, Gateway::start().await);
    let port = free_port();
    let watch = watch_with(&database, &gateway.url("/mail"), &["--expose-metrics-port", &port.to_string()]);
    until("it listens", || get(port, "/health/alive").starts_with("HTTP/1.1 200 ")).await;
    let server = Server::of(&database, Setup { clock: Clock::system(), ..Setup::default() }).await;
    sign_up(&server, "ann@example.org").await;
    until("a delivery is counted", || {
        let metrics = get(port, "/metrics/prometheus");
        let delivered = |line: &str| line.starts_with("zelus_message_deliveries_total{") && line.ends_with(" 1");
        metrics.starts_with("HTTP/1.1 200 ") && metrics.lines().any(delivered)
    })
    .await;
    for path in [
        "/admin/identities",
        "/identities",
        "/admin/sessions",
        "/admin/courier/messages",
        "/sessions/whoami",
        "/health/ready",
        "/health/config",
        "/version",
        "/self-service/login/api",
        "/",
    ] {
        assert!(get(port, path).starts_with("HTTP/1.1 404 "), "{path}");
    }
    stop(watch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_may_stand_in_the_configuration_and_the_flag_counts_more() {
    let (database, gateway) = (Database::sqlite().await, Gateway::start().await);
    let (in_file, by_flag) = (free_port(), free_port());
    let more = database.folder().join("more.json");
    std::fs::write(&more, json!({ "expose-metrics-port": in_file }).to_string()).expect("a file");
    let more = more.to_str().expect("a path");
    let watch = watch_with(&database, &gateway.url("/mail"), &["-c", more]);
    until("it listens", || get(in_file, "/health/alive").starts_with("HTTP/1.1 200 ")).await;
    stop(watch).await;
    let by_flag_text = by_flag.to_string();
    let watch = watch_with(&database, &gateway.url("/mail"), &["-c", more, "--expose-metrics-port", &by_flag_text]);
    until("it listens", || get(by_flag, "/health/alive").starts_with("HTTP/1.1 200 ")).await;
    assert_eq!(get(in_file, "/health/alive"), "");
    stop(watch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_says_which_port_it_cannot_have() {
    let (database, gateway) = (Database::sqlite().await, Gateway::start().await);
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let mut refused = watch_with(&database, &gateway.url("/mail"), &["--expose-metrics-port", &port]);
    assert_eq!(refused.wait().expect("it ends").code(), Some(1));
    // None is asked for.
    let watch = watch_with(&database, &gateway.url("/mail"), &["--expose-metrics-port", "0"]);
    let server = Server::of(&database, Setup { clock: Clock::system(), ..Setup::default() }).await;
    sign_up(&server, "ann@example.org").await;
    until("a message is delivered", || !gateway.requests().is_empty()).await;
    stop(watch).await;
}
