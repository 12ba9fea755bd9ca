//! With `security.account_enumeration.mitigate`, answers are the same for people with and without an account, and so is
//! the work that they take.

use serde_json::{Value, json};
use testkit::{Answer, Browser, Database, Form, PASSWORD, Server};

use crate::codes::{self, MITIGATE, PASSWORDLESS};

/// Of one length, as everything is that is compared.
const KNOWN: &str = "known@example.org";
const UNKNOWN: &str = "nobdy@example.org";
/// Somebody for whom an operator has made an account, who has no credential yet.
const INVITED: &str = "guest@example.org";
/// Somebody whose password hash comes from another system, and is cheaper than ours.
const IMPORTED: &str = "moved@example.org";
/// Somebody who signs in with a code alone.
const BY_CODE: &str = "coder@example.org";

/// All that somebody can see of an answer, without what chance makes of it, and the statements that it took.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    headers: Vec<String>,
    body: String,
    statements: u64,
}

impl Seen {
    fn new(answer: &Answer, form: &Form, statements: u64) -> Self {
        let is_form = answer.json()["ui"].is_object();
        let body = if is_form { Form::of(answer).without_chance() } else { answer.body.clone() };
        let without_chance = |text: &str| {
            [form.id(), KNOWN, UNKNOWN, INVITED, IMPORTED, BY_CODE]
                .iter()
                .fold(text.to_owned(), |text, chance| text.replace(chance, "*"))
        };
        let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            let value = value.to_str().expect("text");
            // Of a cookie, its value is chance.
            let value = match (name.as_str(), value.split_once('=')) {
                ("set-cookie", Some((cookie, rest))) => {
                    format!("{cookie} {}", rest.split_once(';').unwrap_or_default().1)
                }
                _ => value.to_owned(),
            };
            without_chance(&format!("{name}: {value}"))
        };
        // Which request it was is by chance.
        let told = answer.headers.iter().filter(|(name, _)| *name != "x-request-id");
        let mut headers: Vec<String> = told.map(header).collect();
        headers.sort();
        Self { status: answer.status, headers, body: without_chance(&body), statements }
    }
}

/// A way to ask about somebody: the flow, more configuration, and what is sent to the form in turn.
struct Way {
    name: &'static str,
    flow: &'static str,
    config: &'static str,
    steps: fn(&str) -> Vec<Value>,
}

const WAYS: &[Way] = &[
    Way {
        name: "a wrong password",
        flow: "login",
        config: "",
        steps: |email| vec![json!({ "method": "password", "identifier": email, "password": "not-the-passw0rd" }); 2],
    },
    Way {
        name: "a password that is longer than any",
        flow: "login",
        config: "",
        steps: |email| {
            let long = |bytes| json!({ "method": "password", "identifier": email, "password": "x".repeat(bytes) });
            vec![long(72), long(73), long(1024), long(1025), long(100_000)]
        },
    },
    Way {
        name: "the identifier, then a wrong password",
        flow: "login",
        config: "selfservice: { flows: { login: { style: identifier_first } } }",
        steps: |email| {
            vec![
                json!({ "method": "identifier_first", "identifier": email }),
                json!({ "method": "password", "identifier": email, "password": "not-the-passw0rd" }),
            ]
        },
    },
    Way { name: "a code to sign in", flow: "login", config: "", steps: ask_for_code_to_sign_in },
    Way {
        name: "the identifier, then a code",
        flow: "login",
        config: "selfservice: { flows: { login: { style: identifier_first } } }",
        steps: |email| {
            let first = json!({ "method": "identifier_first", "identifier": email });
            [vec![first], ask_for_code_to_sign_in(email)].concat()
        },
    },
    Way { name: "a recovery code", flow: "recovery", config: "", steps: ask_for_code },
    Way {
        name: "a recovery link",
        flow: "recovery",
        config: "selfservice: { flows: { recovery: { use: link } } }",
        steps: ask_for_link,
    },
    Way { name: "a verification code", flow: "verification", config: "", steps: ask_for_code },
    Way {
        name: "a verification link",
        flow: "verification",
        config: "selfservice: { flows: { verification: { use: link } } }",
        steps: ask_for_link,
    },
];

fn ask_for_code_to_sign_in(email: &str) -> Vec<Value> {
    vec![
        json!({ "method": "code", "identifier": email }),
        json!({ "method": "code", "identifier": email, "code": "000000" }),
        json!({ "method": "code", "identifier": email, "resend": "code" }),
    ]
}

fn ask_for_code(email: &str) -> Vec<Value> {
    let guess = json!({ "method": "code", "code": "000000" });
    let again = json!({ "method": "code", "email": email });
    vec![again.clone(), guess.clone(), again, guess]
}

fn ask_for_link(email: &str) -> Vec<Value> {
    vec![json!({ "method": "link", "email": email }); 2]
}

/// How the form is sent.
#[derive(Clone, Copy, Debug)]
enum Client {
    Native,
    Script,
    Page,
}

/// Opens a form, sends the steps, and gives back what is seen each time.
async fn ask(server: &Server, client: Client, way: &Way, email: &str) -> Vec<Seen> {
    let mut browser = server.browser();
    let form = match client {
        Client::Native => server.native().open(way.flow).await,
        Client::Script | Client::Page => browser.open(way.flow).await,
    };
    let mut seen = Vec::new();
    for step in (way.steps)(email) {
        let before = server.store().statements_run();
        let answer = match client {
            Client::Native => server.native().submit(&form, step).await,
            Client::Script => browser.submit(&form, step).await,
            Client::Page => send_page(&mut browser, &form, &step).await,
        };
        assert!(answer.status < 410, "{} {client:?}: {}", way.name, answer.body);
        seen.push(Seen::new(&answer, &form, server.store().statements_run() - before));
        if let Client::Page = client {
            let answer = browser.fetch(&format!("/self-service/{}/flows?id={}", way.flow, form.id())).await;
            seen.push(Seen::new(&answer, &form, 0));
        }
    }
    seen
}

/// Sends the form as a browser does that shows a page.
async fn send_page(browser: &mut Browser, form: &Form, step: &Value) -> Answer {
    let fields = step.as_object().expect("fields").iter();
    let mut fields: Vec<(&str, &str)> =
        fields.map(|(name, value)| (name.as_str(), value.as_str().expect("text"))).collect();
    fields.push(("csrf_token", form.csrf_token()));
    let ask = browser.server.ask("POST", form.action()).accept_html().form(&fields);
    browser.send(ask).await
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    const RECOVERY: &str = "selfservice: { flows: { recovery: { enabled: true, use: code } } }";
    // More tries than anybody makes. What they are told who make too many is compared in `guard`.
    const PATIENT: &str = "zelus: { guard: { failures: 50, messages_per_hour: 1000 } }";
    const LINKS: &str = "selfservice: { methods: { link: { enabled: true } } }";
    for database in Database::each().await {
        let server = codes::server(&database, &[PASSWORDLESS, MITIGATE, RECOVERY, LINKS, PATIENT]).await;
        let form = server.native().open("registration").await;
        let body = json!({ "method": "password", "traits": { "email": KNOWN }, "password": PASSWORD });
        assert_eq!(server.native().submit(&form, body).await.status, 200);
        let ssha = "{SSHA}9wteQSgK7REC1t8xuZ3qU4NyLFdkZWZnaGlqa2xtbm9wcXJz";
        let hashed = json!({ "password": { "config": { "hashed_password": ssha } } });
        for (email, credentials) in [(INVITED, Value::Null), (IMPORTED, hashed)] {
            let body = json!({ "schema_id": "person", "traits": { "email": email }, "credentials": credentials });
            let made = server.ask_admin("POST", "/admin/identities").json(&body).send().await;
            assert_eq!(made.status, 201, "{}", made.body);
        }
        let signed_up = codes::sign_up(&server, &database, json!({ "email": BY_CODE }), BY_CODE).await;
        assert_eq!(signed_up.status, 200, "{}", signed_up.body);
        for way in WAYS {
            let server = server.another(&database, way.config).await;
            // The first request of a connection is not like the others.
            ask(&server, Client::Script, way, UNKNOWN).await;
            for client in [Client::Native, Client::Script, Client::Page] {
                let known = ask(&server, client, way, KNOWN).await;
                let unknown = ask(&server, client, way, UNKNOWN).await;
                for (step, (known, unknown)) in known.iter().zip(&unknown).enumerate() {
                    assert_eq!(known, unknown, "{} by {client:?}, step {step}", way.name);
                }
            }
            let unknown = ask(&server, Client::Native, way, UNKNOWN).await;
            for somebody in [INVITED, IMPORTED, BY_CODE] {
                let answers = ask(&server, Client::Native, way, somebody).await;
                for (step, (known, unknown)) in answers.iter().zip(&unknown).enumerate() {
                    assert_eq!(known, unknown, "{} of {somebody}, step {step}", way.name);
                }
            }
        }
    }
}
