//! Security keys and passkeys, used by an authenticator in software.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Authenticator, Browser, Database, Form, Server, Setup};

const ORIGIN: &str = "https://app.example.org";

/// A server whose people have keys; `passwordless` is what security keys are.
async fn server(database: &Database, passwordless: bool) -> Server {
    let address = json!({ "type": "string", "format": "email", "ory.sh/kratos": { "credentials": {
        "password": { "identifier": true }, "webauthn": { "identifier": true }, "passkey": { "display_name": true } } } });
    let traits = json!({ "type": "object", "properties": { "email": address }, "required": ["email"] });
    let schema = json!({ "properties": { "traits": traits } }).to_string();
    let relying_party = json!({ "id": "example.org", "display_name": "Example", "origins": [ORIGIN] });
    let session = json!({ "hooks": [{ "hook": "session" }] });
    let more = json!({
        "identity": {
            "default_schema_id": "person",
            "schemas": [{ "id": "person", "url": format!("base64://{}", BASE64_STANDARD.encode(schema)) }],
        },
        "session": { "whoami": { "required_aal": "highest_available" } },
        "selfservice": {
            "methods": {
                "webauthn": { "enabled": true, "config": { "passwordless": passwordless, "rp": relying_party } },
                "passkey": { "enabled": true, "config": { "rp": relying_party } },
            },
            "flows": {
                "registration": { "style": "unified", "after": { "webauthn": session, "passkey": session } },
                "settings": { "required_aal": "highest_available" },
            },
        },
    });
    Server::of(database, Setup::with(&more.to_string())).await
}

/// The options that a field of a form carries.
fn options(form: &Form, field: &str) -> Value {
    serde_json::from_str(form.field(field)["value"].as_str().expect("a value")).expect("JSON")
}

fn messages(answer: &Answer) -> Vec<u64> {
    Form::of(answer).messages()
}

async fn sign_up_with_passkey(browser: &mut Browser, key: &mut Authenticator, email: &str) {
    let form = browser.open("registration").await;
    let asked = options(&form, "passkey_create_data");
    assert_eq!(asked["displayNameFieldName"], "traits.email");
    let answer = key.create(&asked["credentialOptions"]);
    let body = json!({ "passkey_register": answer, "traits": { "email": email } });
    let answer = browser.submit(&form, body.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // Nobody signs up twice with one answer, whatever they call themselves.
    let mut stranger = browser.server.browser();
    stranger.jar = browser.jar.clone();
    stranger.jar.retain(|name, _| name.starts_with("csrf_token"));
    let body = json!({ "passkey_register": body["passkey_register"], "traits": { "email": "second@example.org" } });
    assert_ne!(stranger.submit(&form, body).await.status, 200);
}

#[tokio::test]
async fn a_passkey_signs_up_and_in_and_no_answer_is_good_twice() {
    for database in Database::each().await {
        let server = server(&database, false).await;
        let (mut browser, mut key) = (server.browser(), Authenticator::at(ORIGIN));
        sign_up_with_passkey(&mut browser, &mut key, "a@example.org").await;
        let session = browser.whoami().await;
        assert_eq!(session["authentication_methods"][0]["method"], "passkey");
        assert_eq!(session["authenticator_assurance_level"], "aal1");

        // Nothing is typed: the passkey says who it is. Of many who send one answer, one is let in.
        let mut visitor = server.browser();
        let form = visitor.open("login").await;
        let answer = json!({ "passkey_login": key.get(&options(&form, "passkey_challenge")) });
        let mut thief = visitor.clone();
        let (first, second) = tokio::join!(visitor.submit(&form, answer.clone()), thief.submit(&form, answer.clone()));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses[0], 200, "{}", first.body);
        assert_ne!(statuses[1], 200, "{}", second.body);
        let mut late = server.browser();
        late.jar = thief.jar.clone();
        late.jar.retain(|name, _| name.starts_with("csrf_token"));
        assert_ne!(late.submit(&form, answer.clone()).await.status, 200);
        // Nor is it the answer to another form.
        let mut other = server.browser();
        let form = other.open("login").await;
        assert_eq!(messages(&other.submit(&form, answer).await), [4_000_008]);

        // A native app does the same.
        let native = server.native();
        let form = native.open("login").await;
        assert!(form.field("passkey_login_trigger")["onclick"].is_null(), "no code for native apps");
        let answer = key.get(&options(&form, "passkey_challenge"));
        let answer = native.submit(&form, json!({ "method": "passkey", "passkey_login": answer })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn passkeys_are_added_and_removed_but_for_the_last_way_to_sign_in() {
    for database in Database::each().await {
        let server = server(&database, false).await;
        let (mut browser, mut key) = (server.browser(), Authenticator::at(ORIGIN));
        sign_up_with_passkey(&mut browser, &mut key, "a@example.org").await;
        let first = key.last_id();
        let form = browser.open("settings").await;
        assert_eq!(form.field("passkey_remove")["disabled"], true);
        let answer = browser.submit(&form, json!({ "passkey_remove": first })).await;
        assert_eq!((answer.status, messages(&answer)), (400, vec![4_000_001]));

        let answer = key.create(&options(&form, "passkey_create_data"));
        let body = json!({ "passkey_settings_register": answer });
        assert_eq!(browser.submit(&form, body.clone()).await.status, 200);
        assert_eq!(browser.submit(&form, body).await.status, 400, "the question is answered");
        let form = browser.open("settings").await;
        assert_eq!(browser.submit(&form, json!({ "passkey_remove": first })).await.status, 200);
        // The one that is left has a handle of its own, by which it finds its person.
        let mut visitor = server.browser();
        let form = visitor.open("login").await;
        let answer = key.get(&options(&form, "passkey_challenge"));
        assert_eq!(visitor.submit(&form, json!({ "passkey_login": answer })).await.status, 200);
        let form = browser.open("settings").await;
        assert!(!form.body.to_string().contains(&first), "it is gone");
        assert_eq!(browser.submit(&form, json!({ "passkey_remove": first })).await.status, 400);
    }
}

/// Signs up with a password, and adds a security key.
async fn with_security_key(server: &Server, key: &mut Authenticator) -> Browser {
    let mut browser = server.browser();
    browser.sign_up("a@example.org").await;
    let form = browser.open("settings").await;
    let answer = key.create(&options(&form, "webauthn_register_trigger"));
    let unnamed = browser.submit(&form, json!({ "webauthn_register": answer })).await;
    assert_eq!(messages(&unnamed), [4_000_002]);
    let body = json!({ "webauthn_register": answer, "webauthn_register_displayname": "Blue key" });
    let added = browser.submit(&form, body.clone()).await;
    assert_eq!(added.status, 200, "{}", added.body);
    assert_eq!(browser.submit(&form, body).await.status, 400, "the question is answered");
    assert_eq!(browser.whoami().await["authenticator_assurance_level"], "aal2");
    browser
}

#[tokio::test]
async fn a_security_key_is_a_second_factor() {
    for database in Database::each().await {
        let server = server(&database, false).await;
        let mut key = Authenticator::at(ORIGIN);
        let mut owner = with_security_key(&server, &mut key).await;

        let mut browser = server.browser();
        let form = browser.open("login").await;
        let answer = browser.try_sign_in(&form, "a@example.org", testkit::PASSWORD).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert_eq!(browser.fetch("/sessions/whoami").await.status, 403);
        let form = browser.open("login?aal=aal2").await;
        let asked = options(&form, "webauthn_login_trigger");
        let body = |answer: String| json!({ "webauthn_login": answer, "identifier": "a@example.org" });

        key.origin = "https://evil.example".to_owned();
        assert_eq!(messages(&browser.submit(&form, body(key.get(&asked))).await), [4_000_008]);
        key.origin = ORIGIN.to_owned();
        let mut stale = asked.clone();
        stale["publicKey"]["challenge"] = json!("c3RhbGU");
        assert_eq!(messages(&browser.submit(&form, body(key.get(&stale))).await), [4_000_008]);
        let mut other = Authenticator::at(ORIGIN);
        other.create(&options(&owner.open("settings").await, "webauthn_register_trigger"));
        let mut anybody = asked.clone();
        anybody["publicKey"].as_object_mut().expect("options").remove("allowCredentials");
        assert_eq!(messages(&browser.submit(&form, body(other.get(&anybody))).await), [4_000_008]);
        assert_eq!(browser.fetch("/sessions/whoami").await.status, 403, "none of that was a second factor");

        let answer = browser.submit(&form, body(key.get(&asked))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let session = browser.whoami().await;
        assert_eq!(session["authenticator_assurance_level"], "aal2");

        // The counter goes on; where it does not, that is noted for the operator.
        let identity = session["identity"]["id"].as_str().expect("an id");
        let stored = async || {
            let uri = format!("/admin/identities/{identity}?include_credential=webauthn");
            let answer = server.ask_admin("GET", &uri).send().await.json();
            answer["credentials"]["webauthn"]["config"]["credentials"][0]["authenticator"].clone()
        };
        assert_eq!((&stored().await["sign_count"], &stored().await["clone_warning"]), (&json!(4), &json!(false)));
        key.turn_back();
        let form = browser.open("login?aal=aal2&refresh=true").await;
        let answer = browser.submit(&form, body(key.get(&options(&form, "webauthn_login_trigger")))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!((&stored().await["sign_count"], &stored().await["clone_warning"]), (&json!(4), &json!(true)));

        let form = owner.open("settings").await;
        assert_eq!(owner.submit(&form, json!({ "webauthn_remove": key.last_id() })).await.status, 200);
        let mut browser = server.browser();
        browser.sign_in("a@example.org").await;
        assert!(browser.is_signed_in().await, "one factor is all there is again");
    }
}

/// A form that says that nothing may be tried for a while, and by how many seconds, comes after ten wrong answers.
const RESTING: [u64; 1] = [4_900_001];

#[tokio::test]
async fn wrong_answers_of_keys_are_limited_too() {
    for database in Database::each().await {
        let server = server(&database, false).await;
        let mut key = Authenticator::at(ORIGIN);
        with_security_key(&server, &mut key).await;
        let mut thief = server.browser();
        let form = thief.open("login").await;
        thief.try_sign_in(&form, "a@example.org", testkit::PASSWORD).await;
        let form = thief.open("login?aal=aal2").await;
        let asked = options(&form, "webauthn_login_trigger");
        let body = |answer: String| json!({ "webauthn_login": answer, "identifier": "a@example.org" });
        key.origin = "https://evil.example".to_owned();
        for _ in 0..10 {
            assert_eq!(messages(&thief.submit(&form, body(key.get(&asked))).await), [4_000_008]);
        }
        key.origin = ORIGIN.to_owned();
        assert_eq!(messages(&thief.submit(&form, body(key.get(&asked))).await), RESTING);
        server.wait(SignedDuration::from_secs(5));
        assert_eq!(thief.submit(&form, body(key.get(&asked))).await.status, 200);

        let mut passkey = Authenticator::at(ORIGIN);
        sign_up_with_passkey(&mut server.browser(), &mut passkey, "b@example.org").await;
        let native = server.native();
        let stale = passkey.get(&options(&native.open("login").await, "passkey_challenge"));
        let body = |answer: &str| json!({ "method": "passkey", "passkey_login": answer });
        for _ in 0..10 {
            let form = native.open("login").await;
            assert_eq!(messages(&native.submit(&form, body(&stale)).await), [4_000_008]);
        }
        let form = native.open("login").await;
        let right = passkey.get(&options(&form, "passkey_challenge"));
        assert_eq!(messages(&native.submit(&form, body(&right)).await), RESTING);
        server.wait(SignedDuration::from_secs(5));
        assert_eq!(native.submit(&form, body(&right)).await.status, 200);
    }
}

#[tokio::test]
async fn a_security_key_can_be_all_that_is_needed() {
    for database in Database::each().await {
        let server = server(&database, true).await;
        let (mut browser, mut key) = (server.browser(), Authenticator::at(ORIGIN));
        let form = browser.open("registration").await;
        let answer = key.create(&options(&form, "webauthn_register_trigger"));
        let name = "webauthn_register_displayname";
        let body = json!({ "webauthn_register": answer, name: "Key", "traits": { "email": "a@example.org" } });
        let answer = browser.submit(&form, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(browser.whoami().await["authenticator_assurance_level"], "aal1");
        let form = browser.open("settings").await;
        let answer = browser.submit(&form, json!({ "webauthn_remove": key.last_id() })).await;
        assert_eq!((answer.status, messages(&answer)), (400, vec![4_000_001]), "it is the last way to sign in");

        // A second key of the same person leaves the first one good.
        let answer = key.create(&options(&form, "webauthn_register_trigger"));
        let body = json!({ "webauthn_register": answer, name: "Spare" });
        assert_eq!(browser.submit(&form, body).await.status, 200);

        let mut visitor = server.browser();
        let form = visitor.open("login").await;
        let unknown = json!({ "method": "webauthn", "identifier": "b@example.org" });
        assert_eq!(messages(&visitor.submit(&form, unknown).await), [4_000_015]);
        let named = json!({ "method": "webauthn", "identifier": " A@example.org" });
        let answer = visitor.submit(&form, named).await;
        assert_eq!((answer.status, answer.error_id().as_str()), (422, "browser_location_change_required"));
        let form = Form::of(&visitor.fetch(&format!("/self-service/login/flows?id={}", form.id())).await);
        let mut asked = options(&form, "webauthn_login_trigger");
        let allowed = asked["publicKey"]["allowCredentials"].as_array_mut().expect("a list");
        assert_eq!(allowed.len(), 2);
        allowed.truncate(1);
        let answer = json!({ "webauthn_login": key.get(&asked), "identifier": "a@example.org" });
        let answer = visitor.submit(&form, answer).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(visitor.whoami().await["authentication_methods"][0]["method"], "webauthn");
    }
}

#[tokio::test]
async fn nobody_learns_from_keys_who_has_an_account() {
    for database in Database::each().await {
        let server = server(&database, true).await;
        let (mut browser, mut key) = (server.browser(), Authenticator::at(ORIGIN));
        let form = browser.open("registration").await;
        let answer = key.create(&options(&form, "webauthn_register_trigger"));
        let name = "webauthn_register_displayname";
        let body = json!({ "webauthn_register": answer, name: "Key", "traits": { "email": "known@example.org" } });
        assert_eq!(browser.submit(&form, body).await.status, 200);
        // Somebody with a password and no key is nobody here.
        server.browser().sign_up("no-key@example.org").await;

        let server = server.another(&database, "security: { account_enumeration: { mitigate: true } }").await;
        server.ask("GET", "/health/ready").send().await;
        let mut seen = Vec::new();
        for email in ["known@example.org", "nobdy@example.org", "no-key@example.org", "nobdy@example.org"] {
            let mut visitor = server.browser();
            let form = visitor.open("login").await;
            let before = server.store().statements_run();
            let asked = visitor.submit(&form, json!({ "method": "webauthn", "identifier": email })).await;
            let statements = server.store().statements_run() - before;
            assert_eq!((asked.status, asked.error_id().as_str()), (422, "browser_location_change_required"), "{email}");
            let form = Form::of(&visitor.fetch(&format!("/self-service/login/flows?id={}", form.id())).await);
            let asked = options(&form, "webauthn_login_trigger");
            let allowed = &asked["publicKey"]["allowCredentials"];
            let id = allowed[0]["id"].as_str().expect("an id").to_owned();
            // A key that answers to the id it was asked for, and signs with something else.
            let mut liar = Authenticator::at(ORIGIN);
            liar.create(&options(&browser.open("settings").await, "webauthn_register_trigger"));
            liar.call_last(&id);
            let mut answer: Value = serde_json::from_str(&liar.get(&asked)).expect("JSON");
            // A liar need not say whose key it is.
            answer["response"].as_object_mut().expect("an answer").remove("userHandle");
            let body = json!({ "webauthn_login": answer.to_string(), "identifier": email });
            let refused = visitor.submit(&form, body).await;
            assert!(!visitor.is_signed_in().await);
            let shown = |form: &Form| {
                let challenge = asked["publicKey"]["challenge"].as_str().expect("a challenge");
                let nodes = form.body["ui"]["nodes"].as_array().expect("nodes");
                let script = nodes.iter().find(|node| node["type"] == "script").expect("a script");
                let nonce = script["attributes"]["nonce"].as_str().expect("a nonce");
                let text = form.without_chance().replace(email, "*").replace(nonce, "*");
                text.replace(&id, "*").replace(challenge, "*")
            };
            seen.push((statements, id.len(), shown(&form), shown(&Form::of(&refused)), id.clone()));
        }
        let [known, nobody, no_key, again] = seen.as_slice() else { panic!("four people") };
        assert_eq!(nobody, again, "whoever asks again is shown the same key");
        for other in [nobody, no_key] {
            assert_eq!((known.0, known.1, &known.2, &known.3), (other.0, other.1, &other.2, &other.3));
        }
        assert_ne!(nobody.4, no_key.4);
    }
}

#[tokio::test]
async fn a_form_that_holds_the_answer_of_a_key_and_an_empty_field_of_that_name_signs_up() {
    for database in Database::each().await {
        let server = server(&database, true).await;
        let mut browser = server.browser();
        let mut key = Authenticator::at(ORIGIN);
        let form = browser.open("registration").await;
        let answer = key.create(&options(&form, "webauthn_register_trigger"));
        let fields = [
            ("csrf_token", form.csrf_token()),
            ("traits.email", "a@example.org"),
            ("webauthn_register_displayname", "Key"),
            ("webauthn_register", &answer),
            ("webauthn_register", ""),
        ];
        let ask = server.ask("POST", form.action()).accept_json().form(&fields);
        let answer = browser.send(ask).await;
        assert_eq!((answer.status, browser.is_signed_in().await), (200, true), "{}", answer.body);
    }
}

#[tokio::test]
async fn the_built_in_pages_bind_their_buttons_without_inline_scripts() {
    let database = &Database::each().await[0];
    let server = server(database, true).await;
    let mut browser = server.browser();
    for (page, triggers) in [
        ("registration", ["oryPasskeyRegistration", "oryWebAuthnRegistration"]),
        ("login", ["oryPasskeyLogin", "oryPasskeyLoginAutocompleteInit"]),
        ("settings", ["oryPasskeySettingsRegistration", "oryWebAuthnRegistration"]),
    ] {
        if page == "settings" {
            browser.sign_up("a@example.org").await;
        }
        let form = browser.open(page).await;
        let answer = browser.visit(&format!("/ui/{page}?flow={}", form.id())).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(!answer.body.contains("onclick") && !answer.body.contains("onload="), "{page}");
        assert!(answer.body.contains("webauthn.js"), "{page}");
        assert!(answer.header("content-security-policy").contains("script-src 'self'"), "{page}");
        for trigger in triggers {
            assert!(answer.body.contains(&format!("trigger=\"{trigger}\"")), "{page} {trigger}");
        }
    }
}

#[tokio::test]
async fn the_script_is_the_one_that_forms_vouch_for() {
    let database = &Database::each().await[0];
    let server = server(database, false).await;
    let form = server.browser().open("login").await;
    let nodes = form.body["ui"]["nodes"].as_array().expect("nodes");
    let script = nodes.iter().find(|node| node["type"] == "script").expect("a script");
    let answer = server.ask("GET", script["attributes"]["src"].as_str().expect("an address")).send().await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/javascript; charset=UTF-8"));
    let digest = <sha2::Sha512 as sha2::Digest>::digest(&answer.body);
    assert_eq!(script["attributes"]["integrity"], format!("sha512-{}", BASE64_STANDARD.encode(digest)));
    for trigger in ["oryWebAuthnLogin", "oryWebAuthnRegistration", "oryPasskeyLogin", "oryPasskeyRegistration"] {
        assert!(answer.body.contains(trigger), "{trigger}");
    }
}
