//! `zelus courier watch` as operators run it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use model::Clock;
use serde_json::{Value, json};
use testkit::{Database, Gateway, PASSWORD, Server, Setup};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_its_own_delivers_messages_until_it_is_told_to_stop() {
    let (database, gateway) = (Database::sqlite().await, Gateway::start().await);
    let config = json!({
        "dsn": database.dsn(),
        "secrets": { "default": ["a-secret-that-is-long-enough"] },
        "identity": { "default_schema_id": "a", "schemas": [{ "id": "a", "url":
            "base64://eyJwcm9wZXJ0aWVzIjp7InRyYWl0cyI6eyJ0eXBlIjoib2JqZWN0IiwicHJvcGVydGllcyI6eyJlbWFpbCI6eyJ0eXBlIjoic3RyaW5nIn19fX19" }] },
        "selfservice": { "default_browser_return_url": "http://127.0.0.1:1/" },
        "courier": { "delivery_strategy": "http", "worker": { "pull_wait": "50ms" },
            "http": { "request_config": { "url": gateway.url("/mail"), "method": "POST" } } },
    });
    let file = database.folder().join("courier.json");
    std::fs::write(&file, config.to_string()).expect("a file");
    let mut watch = Command::new(env!("CARGO_BIN_EXE_zelus"));
    watch.args(["courier", "watch", "-c"]).arg(&file).env_clear().stdout(Stdio::null()).stderr(Stdio::null());
    let mut watch = watch.spawn().expect("the program runs");

    // The process is there before the message is.
    let server = Server::of(&database, Setup { clock: Clock::system(), ..Setup::default() }).await;
    let mut browser = server.browser();
    let form = browser.open("registration").await;
    let fields = json!({ "method": "password", "traits": { "email": "ann@example.org" }, "password": PASSWORD });
    assert_eq!(browser.submit(&form, fields).await.status, 200);
    let started = Instant::now();
    while gateway.requests().is_empty() {
        assert!(started.elapsed() < PATIENCE, "nothing is delivered");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

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

    Command::new("kill").args(["-TERM", &watch.id().to_string()]).status().expect("a signal");
    let started = Instant::now();
    let status = loop {
        match watch.try_wait().expect("a status") {
            Some(status) => break status,
            None => assert!(started.elapsed() < PATIENCE, "the process does not stop"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(status.code(), Some(0));
    assert_eq!(gateway.requests().len(), 1);
}
