//! Whatever bytes come, on whatever route that takes some: never an error of ours.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use testkit::{Database, PASSWORD, Server, Setup};
use tokio::runtime::Runtime;

/// A server with one person, and the open forms that bodies are sent to.
struct Target {
    server: Server,
    routes: Vec<(bool, &'static str, String)>,
    token: String,
}

impl Target {
    async fn new(database: &Database) -> Self {
        let server = Server::of(database, Setup::with("selfservice: { flows: { recovery: { enabled: true } } }")).await;
        let id = server.import("a@example.org", PASSWORD).await;
        let token = server.native().sign_in("a@example.org").await;
        let native = server.native();
        let mut routes = Vec::new();
        for flow in ["login", "registration", "recovery", "verification"] {
            routes.push((false, "POST", native.open(flow).await.action().to_owned()));
        }
        let settings = server.ask("GET", "/self-service/settings/api").token(&token).send().await;
        routes.push((false, "POST", testkit::Form::of(&settings).action().to_owned()));
        for (admin, method, path) in [
            (false, "DELETE", "/self-service/logout/api".to_owned()),
            (false, "DELETE", "/sessions".to_owned()),
            (false, "DELETE", format!("/sessions/{id}")),
            (false, "POST", "/sessions/whoami".to_owned()),
            (true, "POST", "/admin/identities".to_owned()),
            (true, "PATCH", "/admin/identities".to_owned()),
            (true, "PUT", format!("/admin/identities/{id}")),
            (true, "PATCH", format!("/admin/identities/{id}")),
            (true, "DELETE", format!("/admin/identities/{id}/credentials/password")),
            (true, "PATCH", format!("/admin/sessions/{id}/extend")),
            (true, "DELETE", format!("/admin/sessions/{id}")),
        ] {
            routes.push((admin, method, path));
        }
        Self { server, routes, token }
    }

    /// Sends `body` to every route.
    async fn hit(&self, content_type: &str, body: &[u8]) {
        for (admin, method, path) in &self.routes {
            let ask = if *admin { self.server.ask_admin(method, path) } else { self.server.ask(method, path) };
            let ask = if path.contains("settings") || path.contains("sessions") { ask.token(&self.token) } else { ask };
            let answer = ask.body(content_type, body.to_vec()).send().await;
            assert!(answer.status < 500, "{method} {path} {content_type}: {} {}", answer.status, answer.body);
        }
    }
}

const CONTENT_TYPES: [&str; 5] =
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain", ""];

/// Names that mean something to some route, and some that do not.
const NAMES: [&str; 22] = [
    "method",
    "identifier",
    "password",
    "traits",
    "email",
    "name",
    "age",
    "traits.email",
    "traits.name.x",
    "screen",
    "csrf_token",
    "transient_payload",
    "session_token",
    "schema_id",
    "state",
    "credentials",
    "metadata_public",
    "op",
    "path",
    "value",
    "identities",
    "create",
];

/// JSON that nearly means something.
fn nearly() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "password",
            "profile",
            "previous",
            "a@example.org",
            PASSWORD,
            "person",
            "replace",
            "/traits",
            "\0"
        ])
        .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        let name = prop_oneof![prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned), ".{0,6}"];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name, inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let form = vec((prop::sample::select(NAMES.to_vec()), "[ -~]{0,12}"), 0..6);
    let form = form.prop_map(|fields| {
        let pairs = fields.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("&").into_bytes()
    });
    let multipart = (prop::sample::select(NAMES.to_vec()), vec(any::<u8>(), 0..24)).prop_map(|(name, value)| {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        [head.as_bytes(), &value, b"\r\n--b--\r\n"].concat()
    });
    prop_oneof![
        2 => vec(any::<u8>(), 0..200),
        4 => nearly().prop_map(|value| value.to_string().into_bytes()),
        1 => nearly().prop_map(|value| { let text = value.to_string().into_bytes(); text[..text.len() / 2].to_vec() }),
        1 => form,
        1 => multipart,
    ]
}

#[test]
fn no_body_is_too_odd_for_any_route() {
    let runtime = Runtime::new().expect("a runtime");
    for database in runtime.block_on(Database::each()) {
        let target = runtime.block_on(Target::new(&database));
        let cases = database.pick(48, 16);
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let strategy = (prop::sample::select(CONTENT_TYPES.to_vec()), bodies());
        let outcome = runner.run(&strategy, |(content_type, body)| {
            runtime.block_on(target.hit(content_type, &body));
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }
}
