//! What a server counts while people use it.

use serde_json::json;
use testkit::{Database, PASSWORD, Server};

use crate::codes::{self, PASSWORDLESS};

const FLOWS: &str = "
selfservice:
  flows: { recovery: { enabled: true, use: code }, verification: { enabled: true, use: code } }";

async fn metrics(server: &Server) -> String {
    let answer = server.ask_admin("GET", "/metrics/prometheus").send().await;
    assert_eq!(answer.status, 200);
    answer.body
}

/// The value of a series; `None` when it is not there.
async fn value(server: &Server, series: &str) -> Option<f64> {
    let told = metrics(server).await;
    told.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

async fn assert_counts(server: &Server, expected: &[(&str, f64)]) {
    for (series, expected) in expected {
        assert_eq!(value(server, series).await, Some(*expected), "{series}");
    }
}

#[tokio::test]
async fn people_are_counted_by_how_they_sign_in_and_fail_to() {
    for database in Database::each().await {
        let server = codes::server(&database, &[PASSWORDLESS, FLOWS]).await;
        let (ann, ben) = ("ann@example.org", "ben@example.org");
        let mut browser = server.browser();
        browser.sign_up(ann).await;
        assert_eq!(codes::sign_up(&server, &database, json!({ "email": ben }), ben).await.status, 200);
        for password in [PASSWORD, "wrong", "wrong"] {
            let form = server.native().open("login").await;
            let body = json!({ "method": "password", "identifier": ann, "password": password });
            server.native().submit(&form, body).await;
        }
        // Asking for a code is neither a success nor a failure.
        let form = server.native().open("login").await;
        server.native().submit(&form, json!({ "method": "code", "identifier": ben })).await;
        let right = codes::code(&server, &database, ben).await;
        for code in ["000000", &right] {
            let body = json!({ "method": "code", "identifier": ben, "code": code });
            server.native().submit(&form, body).await;
        }
        for (flow, address) in [("verification", ann), ("recovery", ben)] {
            let form = server.native().open(flow).await;
            server.native().submit(&form, json!({ "method": "code", "email": address })).await;
            let right = codes::code(&server, &database, address).await;
            for code in ["000000", &right] {
                server.native().submit(&form, json!({ "method": "code", "code": code })).await;
            }
        }
        // A native sign-in ends by its token, a browser's by its link, and one more by an operator.
        let token = server.native().sign_in(ann).await;
        assert_eq!(server.native().log_out(&token).await.status, 204);
        let own = server.ask("DELETE", "/sessions").accept_json();
        assert_eq!(browser.send(own).await.status, 200);
        let url = browser.logout_url().await;
        browser.visit(&url).await;
        server.native().sign_in(ann).await;
        let session = server.ask_admin("GET", "/admin/sessions?active=true").send().await.json();
        let path = format!("/admin/sessions/{}", session[0]["id"].as_str().expect("a session"));
        assert_eq!(server.ask_admin("DELETE", &path).send().await.status, 204);
        assert_counts(
            &server,
            &[
                ("zelus_sign_ups_total{method=\"password\"}", 1.0),
                ("zelus_sign_ups_total{method=\"code\"}", 1.0),
                ("zelus_sign_ins_total{method=\"password\"}", 3.0),
                ("zelus_sign_ins_total{method=\"code\"}", 1.0),
                ("zelus_sign_in_failures_total{method=\"password\"}", 2.0),
                ("zelus_sign_in_failures_total{method=\"code\"}", 1.0),
                ("zelus_verifications_total{method=\"code\"}", 1.0),
                ("zelus_verification_failures_total{method=\"code\"}", 1.0),
                ("zelus_recoveries_total{method=\"code\"}", 1.0),
                ("zelus_recovery_failures_total{method=\"code\"}", 1.0),
                ("zelus_logouts_total{client=\"browser\"}", 1.0),
                ("zelus_logouts_total{client=\"native\"}", 1.0),
                ("zelus_logouts_total{client=\"admin\"}", 1.0),
                ("zelus_logouts_total{client=\"elsewhere\"}", 1.0),
            ],
        )
        .await;
        let all = metrics(&server).await;
        for private in [ann, ben, PASSWORD, "000000"] {
            assert!(!all.contains(private), "{private}: {all}");
        }
    }
}

#[tokio::test]
async fn what_may_become_tight_is_told() {
    for database in Database::each().await {
        // Nobody takes the mail.
        let courier =
            json!({ "courier": { "message_retries": 1, "smtp": { "connection_uri": "smtp://127.0.0.1:1/" } } });
        let server = codes::server(&database, &[PASSWORDLESS, FLOWS, &courier.to_string()]).await;
        server.native().sign_up("ann@example.org").await;
        assert_counts(&server, &[("zelus_messages_waiting", 1.0), ("zelus_password_hashes_waiting", 0.0)]).await;
        let deliver = async || {
            server.app.site().runtime.courier.deliver_due().await.expect("a round");
            server.wait(model::SignedDuration::from_hours(1));
        };
        deliver().await;
        let delivered =
            |outcome: &str| format!("zelus_message_deliveries_total{{channel=\"email\",outcome=\"{outcome}\"}}");
        assert_counts(&server, &[(&delivered("failed"), 1.0), ("zelus_messages_waiting", 1.0)]).await;
        deliver().await;
        assert_counts(&server, &[(&delivered("abandoned"), 1.0), ("zelus_messages_waiting", 0.0)]).await;
        let connections = value(&server, "zelus_database_connections").await;
        let in_use = value(&server, "zelus_database_connections_in_use").await;
        let is_sqlite = database.pick(true, false);
        assert_eq!((connections.is_none(), in_use), (is_sqlite, (!is_sqlite).then_some(0.0)));
        if cfg!(target_os = "linux") {
            for series in ["process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds"] {
                assert!(value(&server, series).await.is_some_and(|value| value > 0.0), "{series}");
            }
        }
    }
}

#[tokio::test]
async fn dashboards_of_kratos_find_its_names() {
    let database = Database::sqlite().await;
    let own = Server::start(&database).await;
    let kratos = own.another(&database, "zelus: { metrics: { names: kratos } }").await;
    for server in [&own, &kratos] {
        server.ask("GET", "/health/alive").send().await;
        server.ask("GET", "/nope").send().await;
    }
    let version = env!("CARGO_PKG_VERSION");
    let labels = format!("app=\"kratos\",version=\"{version}\",hash=\"\",buildTime=\"\"");
    let rest = "code=\"200\",method=\"get\",endpoint=\"/health/alive\"";
    assert_counts(&own, &[(&format!("http_requests_total{{{rest}}}"), 1.0)]).await;
    assert!(!metrics(&own).await.contains("http_requests_duration"));
    assert_counts(
        &kratos,
        &[
            (&format!("http_requests_total{{{labels},{rest}}}"), 1.0),
            (&format!("http_requests_duration_seconds_count{{{labels},{rest}}}"), 1.0),
            (&format!("http_response_size_bytes_count{{{labels},code=\"404\",method=\"get\"}}"), 1.0),
        ],
    )
    .await;
}
