//! Winning back access with a choice of addresses: who sees the form learns no address that they do not know.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::{Database, Form, Server, Setup};

const EMAIL: &str = "a@example.org";
const PHONE: &str = "+4915123456789";

/// A server of somebody with an e-mail address and a phone number, who may choose between the two.
async fn server(database: &Database) -> Server {
    let reached = |format: &str, via: &str| json!({ "type": "string", "format": format, "ory.sh/kratos": { "recovery": { "via": via } } });
    let traits = json!({ "type": "object",
        "properties": { "email": reached("email", "email"), "phone": reached("tel", "sms") } });
    let schema = json!({ "$id": "people", "properties": { "traits": traits } }).to_string();
    let config = json!({
        "identity": {
            "default_schema_id": "person",
            "schemas": [{ "id": "person", "url": format!("base64://{}", BASE64_STANDARD.encode(schema)) }],
        },
        "selfservice": { "flows": { "recovery": { "enabled": true, "use": "code" } } },
        "feature_flags": { "use_continue_with_transitions": true, "choose_recovery_address": true },
    });
    let server = Server::of(database, Setup::with(&config.to_string())).await;
    let person = json!({ "schema_id": "person", "traits": { "email": EMAIL, "phone": PHONE } });
    assert_eq!(server.ask_admin("POST", "/admin/identities").json(&person).send().await.status, 201);
    server
}

/// The form on which an address is chosen, and what stands there for the phone number and for the e-mail address.
async fn choices(server: &Server) -> (Form, [String; 2]) {
    let native = server.native();
    let form = native.open("recovery").await;
    let answer = native.submit(&form, json!({ "method": "code", "recovery_address": EMAIL })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let form = Form::of(&answer);
    let nodes = form.body["ui"]["nodes"].as_array().expect("nodes").iter().map(|node| &node["attributes"]);
    let named = nodes.filter(|attributes| attributes["name"] == "recovery_select_address");
    let found: Vec<String> = named.map(|attributes| attributes["value"].as_str().expect("a text").to_owned()).collect();
    (form, found.try_into().expect("two addresses to choose from"))
}

/// Chooses; gives back the status and the state of the form then.
async fn choose(server: &Server, form: &Form, choice: &str) -> (u16, Value) {
    let body = json!({ "method": "code", "recovery_address": EMAIL, "recovery_select_address": choice });
    let answer = server.native().submit(form, body).await;
    (answer.status, answer.json()["state"].clone())
}

#[tokio::test]
async fn what_stands_for_an_address_tells_nobody_which_it_is() {
    for database in Database::each().await {
        let server = server(&database).await;
        let (form, [phone, email]) = choices(&server).await;
        for (choice, address) in [(&phone, PHONE), (&email, EMAIL)] {
            assert_eq!(BASE64_STANDARD.decode(choice).expect("base64").len(), 32);
            assert_ne!(*choice, BASE64_STANDARD.encode(Sha256::digest(address)), "a guess is not confirmed");
        }
        let (_, [other_phone, other_email]) = choices(&server).await;
        assert!(phone != other_phone && email != other_email, "each form has its own");
        for (choice, state) in [
            (&*other_phone, "recovery_awaiting_address_choice"),
            (PHONE, "recovery_awaiting_address_choice"),
            (&*phone, "recovery_confirming_address"),
        ] {
            assert_eq!(choose(&server, &form, choice).await.1, state);
        }
    }
}

#[tokio::test]
async fn a_choice_outlives_the_rotation_of_the_secret() {
    for database in Database::each().await {
        let server = server(&database).await;
        let (form, [phone, _]) = choices(&server).await;
        let rotated = "secrets: { cookie: [a-newer-cookie-secret, the-first-cookie-secret-of-tests] }";
        let server = server.another(&database, rotated).await;
        assert_eq!(choose(&server, &form, &phone).await, (200, json!("recovery_confirming_address")));
    }
}
