//! Signing up and in with codes, by mail and by text message, as the only factor and as the second one.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Database, Form, PASSWORD, Server, Setup};

const HOOKS: &str =
    "selfservice: { flows: { registration: { style: unified, after: { code: { hooks: [{ hook: session }] } } } } }";
pub const PASSWORDLESS: &str = "selfservice: { methods: { code: { passwordless_enabled: true } } }";
const SECOND_FACTOR: &str = "selfservice: { methods: { code: { mfa_enabled: true } } }";
pub const MITIGATE: &str = "security: { account_enumeration: { mitigate: true } }";
pub const EMAIL: &str = "a@example.org";

/// People with an email address, a phone number and a user name, any of which will do.
fn people() -> String {
    let text = |keyword: Value, format: Option<&str>| {
        let mut property = json!({ "type": "string", "ory.sh/kratos": keyword });
        if let Some(format) = format {
            property["format"] = format.into();
        }
        property
    };
    let sign_in = |via: &str| json!({ "password": { "identifier": true }, "code": { "identifier": true, "via": via } });
    let reached = |via: &str| json!({ "credentials": sign_in(via), "verification": { "via": via } });
    let with_recovery = |mut keyword: Value| {
        keyword["recovery"] = json!({ "via": "email" });
        keyword
    };
    let schema = json!({ "$id": "people", "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "email": text(with_recovery(reached("email")), Some("email")),
        "phone": text(reached("sms"), Some("tel")),
        "username": text(json!({ "credentials": { "password": { "identifier": true } } }), None),
    }, "additionalProperties": false } } });
    let url = format!("base64://{}", BASE64_STANDARD.encode(schema.to_string()));
    json!({ "identity": { "default_schema_id": "person", "schemas": [{ "id": "person", "url": url }] } }).to_string()
}

/// A server for such people.
pub async fn server(database: &Database, more: &[&str]) -> Server {
    let setup = more.iter().fold(Setup::with(&people()).and(HOOKS), |setup, more| setup.and(more));
    Server::of(database, setup).await
}

/// The code that was sent last to an address. Time goes on, so that there is a last one.
pub async fn code(server: &Server, database: &Database, to: &str) -> String {
    let sql = format!("SELECT body FROM courier_messages WHERE recipient = '{to}' ORDER BY created_at DESC");
    let bodies = database.texts(&sql).await;
    server.wait(SignedDuration::from_secs(1));
    let body = bodies.first().unwrap_or_else(|| panic!("no message to {to}"));
    let digits = body.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
    digits.unwrap_or_else(|| panic!("no code in {body}")).to_owned()
}

fn messages(answer: &Answer) -> Vec<u64> {
    Form::of(answer).messages()
}

/// Signs up with a code sent to `to`; gives back the answer to the code.
pub async fn sign_up(server: &Server, database: &Database, traits: Value, to: &str) -> Answer {
    let native = server.native();
    let form = native.open("registration").await;
    let asked = native.submit(&form, json!({ "method": "code", "traits": traits })).await;
    assert_eq!((asked.status, messages(&asked)), (400, vec![1_040_005]), "{}", asked.body);
    let code = code(server, database, to).await;
    native.submit(&form, json!({ "method": "code", "traits": traits, "code": code })).await
}

#[tokio::test]
async fn a_code_signs_up_and_in_and_verifies_the_address() {
    for database in Database::each().await {
        let server = server(&database, &[PASSWORDLESS]).await;
        let answer = sign_up(&server, &database, json!({ "email": EMAIL }), EMAIL).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let address = &answer.json()["identity"]["verifiable_addresses"][0];
        assert_eq!((&address["verified"], &address["status"]), (&json!(true), &json!("completed")));

        let mut browser = server.browser();
        let form = browser.open("login").await;
        let asked = browser.submit(&form, json!({ "method": "code", "identifier": " A@example.org" })).await;
        assert_eq!((asked.status, messages(&asked)), (400, vec![1_010_014]), "{}", asked.body);
        let sent = code(&server, &database, EMAIL).await;
        let enter = json!({ "method": "code", "identifier": EMAIL, "code": sent });
        // A stranger who has the code and the address, and not the form.
        let stranger = server.ask("POST", form.action()).accept_json().json(&enter).send().await;
        assert_eq!(stranger.status, 403);
        let answer = browser.submit(&form, enter.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let session = &answer.json()["session"];
        assert_eq!(session["authentication_methods"][0]["method"], "code");
        assert_eq!(session["authenticator_assurance_level"], "aal1");
        // No code is good twice.
        let native = server.native();
        let form = native.open("login").await;
        native.submit(&form, json!({ "method": "code", "identifier": EMAIL })).await;
        let sent = code(&server, &database, EMAIL).await;
        let enter = json!({ "method": "code", "identifier": EMAIL, "code": sent });
        assert_eq!(native.submit(&form, enter.clone()).await.status, 200);
        let answer = native.submit(&form, enter).await;
        assert_eq!((answer.status, messages(&answer)), (400, vec![4_010_002]), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_code_is_good_for_five_tries_an_hour_and_one_form() {
    for database in Database::each().await {
        let server = server(&database, &[PASSWORDLESS]).await;
        sign_up(&server, &database, json!({ "email": EMAIL }), EMAIL).await;
        let native = server.native();
        let ask = json!({ "method": "code", "identifier": EMAIL });
        let enter = |code: &str| json!({ "method": "code", "identifier": EMAIL, "code": code });

        let (form, other) = (native.open("login").await, native.open("login").await);
        native.submit(&form, ask.clone()).await;
        let good = code(&server, &database, EMAIL).await;
        native.submit(&other, ask.clone()).await;
        assert_eq!(messages(&native.submit(&other, enter(&good)).await), [4_010_008], "that of another form");
        for _ in 0..5 {
            assert_eq!(messages(&native.submit(&form, enter("none")).await), [4_010_008]);
        }
        assert_eq!(messages(&native.submit(&form, enter(&good)).await), [4_000_001], "too late");

        let form = native.open("login").await;
        native.submit(&form, ask.clone()).await;
        let old = code(&server, &database, EMAIL).await;
        let resend = json!({ "method": "code", "identifier": EMAIL, "resend": "code" });
        assert_eq!(messages(&native.submit(&form, resend).await), [1_010_014]);
        assert_eq!(messages(&native.submit(&form, enter(&old)).await), [4_010_008], "a new one voids it");

        server.wait(SignedDuration::from_secs(1));
        let lasting = "selfservice: { methods: { code: { config: { lifespan: 1m } } } }";
        let server = server.another(&database, lasting).await;
        let native = server.native();
        let form = native.open("login").await;
        native.submit(&form, ask).await;
        let late = code(&server, &database, EMAIL).await;
        server.wait(SignedDuration::from_secs(61));
        let answer = native.submit(&form, enter(&late)).await;
        assert_eq!(answer.status, 410, "{}", answer.body);
        assert!(answer.json()["use_flow_id"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_submissions_with_one_code_one_signs_in() {
    for database in Database::each().await {
        let server = server(&database, &[PASSWORDLESS]).await;
        sign_up(&server, &database, json!({ "email": EMAIL }), EMAIL).await;
        for _ in 0..4 {
            let native = server.native();
            let form = native.open("login").await;
            native.submit(&form, json!({ "method": "code", "identifier": EMAIL })).await;
            let code = code(&server, &database, EMAIL).await;
            let enter = json!({ "method": "code", "identifier": EMAIL, "code": code });
            let (one, two) = tokio::join!(native.submit(&form, enter.clone()), native.submit(&form, enter));
            let mut statuses = [one.status, two.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 400], "{} {}", one.body, two.body);
        }
    }
}

#[tokio::test]
async fn a_code_proves_no_other_address_than_its_own() {
    for database in Database::each().await {
        let server = server(&database, &[PASSWORDLESS]).await;
        let native = server.native();
        let form = native.open("registration").await;
        let mine = json!({ "method": "code", "traits": { "email": "mine@example.org" } });
        native.submit(&form, mine.clone()).await;
        let code = code(&server, &database, "mine@example.org").await;
        let theirs = json!({ "method": "code", "traits": { "email": "theirs@example.org" }, "code": code });
        // The first says that the traits changed, and shows the new ones; the code is not theirs all the same.
        assert_eq!(messages(&native.submit(&form, theirs.clone()).await), [4_000_036]);
        assert_eq!(messages(&native.submit(&form, theirs).await), [4_040_003]);
        assert_eq!(database.count("identities").await, 0);
    }
}

#[tokio::test]
async fn where_codes_sign_nobody_up_nobody_is_signed_up() {
    for database in Database::each().await {
        let server = server(&database, &[]).await;
        let native = server.native();
        let form = native.open("registration").await;
        let answer = native.submit(&form, json!({ "method": "code", "traits": { "email": EMAIL } })).await;
        assert_eq!((answer.status, messages(&answer)), (400, vec![4_010_003]), "{}", answer.body);
        let form = native.open("login").await;
        let answer = native.submit(&form, json!({ "method": "code", "identifier": EMAIL })).await;
        assert_eq!((answer.status, messages(&answer)), (400, vec![4_010_002]), "{}", answer.body);
        assert_eq!(database.count("courier_messages").await, 0);
    }
}

#[tokio::test]
async fn nobody_learns_from_codes_who_has_an_account() {
    for database in Database::each().await {
        for style in ["unified", "identifier_first"] {
            let style = format!("selfservice: {{ flows: {{ login: {{ style: {style} }} }} }}");
            let server = server(&database, &[PASSWORDLESS, MITIGATE, &style]).await;
            sign_up(&server, &database, json!({ "email": EMAIL }), EMAIL).await;
            let mut told = Vec::new();
            for email in [EMAIL, "no-one@example.org"] {
                let native = server.native();
                let form = native.open("login").await;
                let mut shown = Vec::new();
                for body in [
                    json!({ "method": "identifier_first", "identifier": email }),
                    json!({ "method": "code", "identifier": email }),
                    json!({ "method": "code", "identifier": email, "code": "none" }),
                    json!({ "method": "code", "identifier": email, "resend": "code" }),
                    json!({ "method": "code", "identifier": email, "code": "" }),
                ] {
                    let answer = native.submit(&form, body).await;
                    assert_eq!(answer.status, 400, "{}", answer.body);
                    shown.push(Form::of(&answer).without_chance().replace(email, "*"));
                }
                for _ in 0..5 {
                    let guess = json!({ "method": "code", "identifier": email, "code": "none" });
                    shown.push(Form::of(&native.submit(&form, guess).await).without_chance().replace(email, "*"));
                }
                told.push(shown);
            }
            assert_eq!(told[0], told[1]);
            let nobody = "SELECT recipient FROM courier_messages WHERE recipient <> 'a@example.org'";
            assert!(database.texts(nobody).await.is_empty(), "nobody is written to");
        }
    }
}

#[tokio::test]
async fn without_defence_an_unknown_address_is_told_so() {
    for database in Database::each().await {
        let server = server(&database, &[PASSWORDLESS]).await;
        let native = server.native();
        let form = native.open("login").await;
        let answer = native.submit(&form, json!({ "method": "code", "identifier": EMAIL })).await;
        assert_eq!((answer.status, messages(&answer)), (400, vec![4_000_035]));
        assert_eq!(native.submit(&form, json!({ "method": "code" })).await.status, 400);
        assert_eq!(database.count("courier_messages").await, 0);
    }
}

#[tokio::test]
async fn phone_numbers_are_recognised_however_they_are_written() {
    for database in Database::each().await {
        let server = server(&database, &[PASSWORDLESS]).await;
        let traits = json!({ "phone": "+49 151 2345 6789", "username": "Jo" });
        let answer = sign_up(&server, &database, traits, "+4915123456789").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let kind = "SELECT channel FROM courier_messages WHERE recipient = '+4915123456789'";
        assert!(database.texts(kind).await.iter().all(|channel| channel.trim() == "sms"));
        for written in ["+4915123456789", "+49 (151) 2345-6789", " +49 151 23456789 "] {
            let native = server.native();
            let form = native.open("login").await;
            let asked = native.submit(&form, json!({ "method": "code", "identifier": written })).await;
            assert_eq!(messages(&asked), [1_010_014], "{written}");
            let code = code(&server, &database, "+4915123456789").await;
            let answer = native.submit(&form, json!({ "method": "code", "identifier": written, "code": code })).await;
            assert_eq!(answer.status, 200, "{written}: {}", answer.body);
        }
        // A user name is none to send a code to.
        let native = server.native();
        let form = native.open("login").await;
        assert_eq!(messages(&native.submit(&form, json!({ "method": "code", "identifier": "Jo" })).await), [4_000_035]);
    }
}

#[tokio::test]
async fn user_names_sign_in_with_a_password() {
    for database in Database::each().await {
        let server = server(&database, &[]).await;
        let native = server.native();
        let form = native.open("registration").await;
        let body = json!({ "method": "password", "traits": { "username": "Jo" }, "password": PASSWORD });
        assert_eq!(native.submit(&form, body).await.status, 200);
        assert_eq!(native.try_sign_in("JO ", PASSWORD).await.status, 200);
        assert_eq!(messages(&native.try_sign_in("Joe", PASSWORD).await), [4_000_006]);
    }
}

#[tokio::test]
async fn the_only_method_begins_at_once() {
    for database in Database::each().await {
        let style = "selfservice: { flows: { login: { style: identifier_first } } }";
        let server = server(&database, &[PASSWORDLESS, style]).await;
        sign_up(&server, &database, json!({ "email": EMAIL }), EMAIL).await;
        let native = server.native();
        let form = native.open("login").await;
        let answer = native.submit(&form, json!({ "method": "identifier_first", "identifier": EMAIL })).await;
        assert_eq!((answer.status, messages(&answer)), (400, vec![1_010_014]), "{}", answer.body);
        let code = code(&server, &database, EMAIL).await;
        let answer = native.submit(&form, json!({ "method": "code", "identifier": EMAIL, "code": code })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_second_factor_goes_to_an_address_of_the_person_and_to_no_other() {
    for database in Database::each().await {
        let server = server(&database, &[SECOND_FACTOR]).await;
        let native = server.native();
        for (email, phone) in [(EMAIL, "+4915123456789"), ("b@example.org", "+4915123456788")] {
            let form = native.open("registration").await;
            let traits = json!({ "email": email, "phone": phone });
            let body = json!({ "method": "password", "traits": traits, "password": PASSWORD });
            assert_eq!(native.submit(&form, body).await.status, 200);
        }
        let token = native.sign_in(EMAIL).await;
        let send = |form: &Form, body: Value| {
            server.ask("POST", form.action()).header("x-session-token", &token).json(&body).send()
        };
        let open = async || {
            let path = "/self-service/login/api?aal=aal2";
            Form::of(&server.ask("GET", path).header("x-session-token", &token).send().await)
        };
        let form = open().await;
        let buttons = form.body["ui"]["nodes"].as_array().expect("nodes");
        let choices: Vec<_> = buttons.iter().filter_map(|node| node["attributes"]["value"].as_str()).collect();
        assert_eq!(choices, ["+4915123456789", EMAIL]);
        let strangers = send(&form, json!({ "address": "b@example.org" })).await;
        assert_eq!(messages(&strangers), [4_000_035]);
        let stolen =
            "SELECT recipient FROM courier_messages WHERE recipient LIKE 'b@%' AND template_type LIKE 'login%'";
        assert!(database.texts(stolen).await.is_empty());

        server.wait(SignedDuration::from_secs(1));
        let asked = send(&form, json!({ "address": EMAIL })).await;
        assert_eq!(messages(&asked), [1_010_014], "{}", asked.body);
        let code = code(&server, &database, EMAIL).await;
        let answer = send(&form, json!({ "method": "code", "code": code })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["session"]["authenticator_assurance_level"], "aal2");
        // Without a session there is nothing to add a second factor to.
        assert_eq!(native.submit(&form, json!({ "method": "code", "code": code })).await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_submissions_with_one_proof_of_an_address_one_counts() {
    for database in Database::each().await {
        let recovery = "selfservice: { flows: { recovery: { enabled: true, use: code } } }";
        let told = "feature_flags: { use_continue_with_transitions: true }";
        let server = server(&database, &[PASSWORDLESS, recovery, told]).await;
        sign_up(&server, &database, json!({ "email": EMAIL }), EMAIL).await;
        for flow in ["recovery", "verification"] {
            for _ in 0..4 {
                let native = server.native();
                let form = native.open(flow).await;
                server.wait(SignedDuration::from_secs(1));
                native.submit(&form, json!({ "method": "code", "email": EMAIL })).await;
                let enter = json!({ "method": "code", "code": code(&server, &database, EMAIL).await });
                let send = || server.ask("POST", form.action()).accept_json().json(&enter).send();
                let (one, two) = tokio::join!(send(), send());
                let mut statuses = [one.status, two.status];
                statuses.sort_unstable();
                assert_eq!(statuses[0], 200, "{flow}: {} {}", one.body, two.body);
                assert!([400, 410].contains(&statuses[1]), "{flow}: {} {}", one.body, two.body);
            }
        }
    }
}
