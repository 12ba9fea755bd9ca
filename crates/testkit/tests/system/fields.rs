//! What the fields of forms mean: dotted names, names that stand several times, and lists, in JSON and on the pages.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use testkit::{Answer, Browser, Database, Form, Native, PASSWORD, Server, Setup};

use super::codes;

/// A server whose people have lists; `style` is how they sign up.
async fn server(database: &Database, style: &str) -> Server {
    let address = json!({ "type": "string", "format": "email", "ory.sh/kratos": { "credentials": {
        "password": { "identifier": true }, "code": { "identifier": true, "via": "email" } } } });
    let homes =
        json!({ "type": "object", "properties": { "street": { "type": "string" }, "number": { "type": "integer" } } });
    let traits = json!({ "type": "object", "required": ["email"], "additionalProperties": false, "properties": {
        "email": address,
        "emails": { "title": "More", "type": "array", "minItems": 2, "items": { "type": "string", "format": "email" } },
        "numbers": { "type": "array", "items": { "type": "integer" } },
        "homes": { "type": "array", "items": homes },
        "age": { "type": "integer" },
        "tos": { "type": "boolean" },
        "consent": { "type": "string" },
    } });
    let schema = json!({ "$id": "lists", "type": "object", "properties": { "traits": traits } }).to_string();
    let session = json!({ "hooks": [{ "hook": "session" }] });
    let more = json!({
        "identity": {
            "default_schema_id": "person",
            "schemas": [{ "id": "person", "url": format!("base64://{}", BASE64_STANDARD.encode(schema)) }],
        },
        "selfservice": {
            "methods": { "profile": { "enabled": true }, "code": { "passwordless_enabled": true } },
            "flows": { "registration": { "style": style, "after": { "code": session } } },
        },
    });
    Server::of(database, Setup::with(&more.to_string())).await
}

async fn sign_up(native: &Native, mut body: Value) -> Answer {
    let form = native.open("registration").await;
    (body["method"], body["password"]) = ("password".into(), PASSWORD.into());
    native.submit(&form, body).await
}

fn traits(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["identity"]["traits"].clone()
}

/// The fields of a page's forms that have a button of this name and value, as a browser sends them: names and values.
fn fields_of(page: &str, button: (&str, &str)) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        let value = tag.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0;
        Some(value.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&amp;", "&").replace("&#x27;", "'"))
    };
    let has_button = |form: &&str| form.contains(&format!("name=\"{}\" value=\"{}\"", button.0, button.1));
    let form = page.split("<form ").find(has_button).unwrap_or_else(|| panic!("{button:?}: {page}"));
    let form = form.split_once("</form>").expect("its end").0;
    let sent = form.split("<input ").skip(1).map(|tag| format!(" {}", tag.split_once('>').expect("an end").0));
    let sent = sent.filter(|tag| !tag.contains("type=\"checkbox\"") || tag.contains(" checked"));
    let sent = sent.filter_map(|tag| Some((attribute(&tag, "name")?, attribute(&tag, "value").unwrap_or_default())));
    sent.chain([(button.0.to_owned(), button.1.to_owned())]).collect()
}

/// Opens the page of a form.
async fn page_of(browser: &mut Browser, flow: &str, form: &Form) -> String {
    let answer = browser.visit(&format!("/ui/{flow}?flow={}", form.id())).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// Types texts into the first empty fields of these names.
fn fill(fields: &mut [(String, String)], typed: &[(&str, &str)]) {
    for (name, text) in typed {
        let field = fields.iter_mut().find(|(other, value)| other == name && value.is_empty());
        field.unwrap_or_else(|| panic!("no empty field {name}")).1 = (*text).to_owned();
    }
}

async fn send(browser: &mut Browser, form: &Form, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let ask = browser.server.ask("POST", form.action()).accept_html().form(&fields);
    browser.send(ask).await
}

#[tokio::test]
async fn dotted_names_in_json_are_fields_and_nested_ones_are_strict() {
    for database in Database::each().await {
        let server = server(&database, "unified").await;
        let native = server.native();
        let fields =
            json!({ "traits.email": "a@example.org", "traits.age": "30", "traits.tos": "true", "traits.consent": "" });
        let done = sign_up(&native, fields).await;
        assert_eq!(traits(&done), json!({ "email": "a@example.org", "age": 30, "tos": true }));
        let fields =
            json!({ "traits.email": "b@example.org", "traits.tos": 1, "traits.numbers": "3", "traits.x": "dropped" });
        assert_eq!(
            traits(&sign_up(&native, fields).await),
            json!({ "email": "b@example.org", "tos": true, "numbers": [3] })
        );

        let nested = sign_up(&native, json!({ "traits": { "email": "c@example.org", "age": "30" } })).await;
        assert_eq!((nested.status, Form::of(&nested).messages()), (400, vec![4_000_026]), "{}", nested.body);
        let unreadable = sign_up(&native, json!({ "traits.email": "c@example.org", "traits.age": "thirty" })).await;
        assert_eq!((unreadable.status, Form::of(&unreadable).messages()), (400, vec![4_000_026]));
        assert_eq!(Form::of(&unreadable).field("traits.age")["value"], "thirty");

        // The same in the settings.
        let token = done.json()["session_token"].as_str().expect("a token").to_owned();
        let form = Form::of(&server.ask("GET", "/self-service/settings/api").token(&token).send().await);
        let body = json!({ "method": "profile", "traits.email": "a@example.org", "traits.age": "31" });
        let saved = server.ask("POST", form.action()).token(&token).json(&body).send().await;
        assert_eq!(traits(&saved), json!({ "email": "a@example.org", "age": 31 }));
    }
}

#[tokio::test]
async fn of_fields_of_one_name_a_text_is_the_first_and_a_box_the_last() {
    for database in Database::each().await {
        let server = server(&database, "unified").await;
        let form = server.native().open("registration").await;
        let fields = [
            ("method", "password"),
            ("method", "code"),
            ("password", PASSWORD),
            ("password", "another"),
            ("traits.email", "a@example.org"),
            ("traits.email", ""),
            ("traits.age", "1"),
            ("traits.age", "2"),
            ("traits.tos", "false"),
            ("traits.tos", "true"),
            ("traits.consent", ""),
            ("traits.consent", "b"),
            ("traits.emails", "x@example.org"),
            ("traits.emails", "y@example.org"),
        ];
        let done = server.ask("POST", form.action()).accept_json().form(&fields).send().await;
        let expected =
            json!({ "email": "a@example.org", "age": 1, "tos": true, "emails": ["x@example.org", "y@example.org"] });
        assert_eq!(traits(&done), expected);
        server.native().sign_in("a@example.org").await;
    }
}

#[tokio::test]
async fn the_query_counts_behind_a_verification_form_and_not_for_a_sign_up() {
    for database in Database::each().await {
        let server = server(&database, "unified").await;
        let native = server.native();
        for (query, fields, address) in [
            ("email=a@example.org", [("method", "code"), ("x", "")], "a@example.org"),
            ("email=a@example.org", [("method", "code"), ("email", "b@example.org")], "b@example.org"),
            ("method=code&method=link", [("email", "b@example.org"), ("x", "")], "b@example.org"),
        ] {
            let form = native.open("verification").await;
            let ask = server.ask("POST", &format!("{}&{query}", form.action())).accept_json().form(&fields);
            let sent = ask.send().await;
            assert_eq!((sent.status, Form::of(&sent).messages()), (200, vec![1_080_003]), "{query}: {}", sent.body);
            assert_eq!(Form::of(&sent).field("email")["value"], address, "{query}");
        }
        let form = native.open("registration").await;
        let fields = [("method", "password"), ("password", PASSWORD)];
        let ask = server.ask("POST", &format!("{}&traits.email=a@example.org", form.action()));
        let refused = ask.accept_json().form(&fields).send().await;
        assert_eq!((refused.status, Form::of(&refused).messages()), (400, vec![4_000_002]), "{}", refused.body);
    }
}

#[tokio::test]
async fn lists_are_entered_kept_and_changed_on_the_pages() {
    for database in Database::each().await {
        let server = server(&database, "unified").await;
        let mut browser = server.browser();
        let form = browser.open("registration").await;
        let mut fields = fields_of(&page_of(&mut browser, "registration", &form).await, ("method", "password"));
        fill(
            &mut fields,
            &[("traits.email", "a@example.org"), ("traits.emails", "x@example.org"), ("password", PASSWORD)],
        );
        fill(&mut fields, &[("traits.numbers", "5"), ("traits.numbers", "6")]);
        let one_too_few = send(&mut browser, &form, &fields).await;
        assert_eq!(one_too_few.status, 302, "{}", one_too_few.body);
        // What was typed is there, and there is room for more.
        let mut fields = fields_of(&page_of(&mut browser, "registration", &form).await, ("method", "password"));
        assert!(fields.contains(&("traits.emails.0".to_owned(), "x@example.org".to_owned())), "{fields:?}");
        fill(&mut fields, &[("traits.emails", "y@example.org"), ("password", PASSWORD)]);
        let done = send(&mut browser, &form, &fields).await;
        assert_eq!((done.status, done.header("location")), (303, "http://127.0.0.1:4455/welcome"), "{}", done.body);
        let lists = |traits: &Value| (traits["emails"].clone(), traits["numbers"].clone());
        let expected = (json!(["x@example.org", "y@example.org"]), json!([5, 6]));
        assert_eq!(lists(&browser.whoami().await["identity"]["traits"]), expected);

        // Saving the form as it stands changes nothing, one more is one more, and one that is emptied is gone.
        let form = browser.open("settings").await;
        let fields = fields_of(&page_of(&mut browser, "settings", &form).await, ("method", "profile"));
        assert_eq!(send(&mut browser, &form, &fields).await.status, 303);
        assert_eq!(lists(&browser.whoami().await["identity"]["traits"]), expected);
        let form = browser.open("settings").await;
        let mut fields = fields_of(&page_of(&mut browser, "settings", &form).await, ("method", "profile"));
        fill(&mut fields, &[("traits.emails", "z@example.org")]);
        fields.iter_mut().filter(|(name, _)| name == "traits.emails.0").for_each(|(_, value)| value.clear());
        fields.iter_mut().filter(|(name, _)| name.starts_with("traits.numbers")).for_each(|(_, value)| value.clear());
        assert_eq!(send(&mut browser, &form, &fields).await.status, 303);
        let expected = (json!(["y@example.org", "z@example.org"]), Value::Null);
        assert_eq!(lists(&browser.whoami().await["identity"]["traits"]), expected);
    }
}

#[tokio::test]
async fn lists_of_objects_are_kept_and_changed_on_the_settings_page() {
    for database in Database::each().await {
        let server = server(&database, "unified").await;
        let mut browser = server.browser();
        let session = browser.sign_up("a@example.org").await;
        let id = session["identity"]["id"].as_str().expect("an id");
        let homes = json!([{ "street": "A", "number": 1 }, { "street": "B", "number": 2 }]);
        let patch = json!([{ "op": "add", "path": "/traits/homes", "value": homes }]);
        server.ask_admin("PATCH", &format!("/admin/identities/{id}")).json(&patch).send().await;
        let form = browser.open("settings").await;
        let mut fields = fields_of(&page_of(&mut browser, "settings", &form).await, ("method", "profile"));
        fields
            .iter_mut()
            .filter(|(name, _)| name == "traits.homes.1.street")
            .for_each(|(_, value)| *value = "C".to_owned());
        let saved = send(&mut browser, &form, &fields).await;
        assert_eq!(saved.status, 303, "{}", saved.body);
        let expected = json!([{ "street": "A", "number": 1 }, { "street": "C", "number": 2 }]);
        assert_eq!(browser.whoami().await["identity"]["traits"]["homes"], expected);
    }
}

#[tokio::test]
async fn lists_come_along_to_the_second_screen_and_to_that_of_the_code() {
    for database in Database::each().await {
        let server = server(&database, "profile_first").await;
        let mut browser = server.browser();
        let form = browser.open("registration").await;
        let mut fields = fields_of(&page_of(&mut browser, "registration", &form).await, ("method", "profile"));
        let list = [("traits.emails", "x@example.org"), ("traits.emails", "y@example.org"), ("traits.numbers", "7")];
        fill(&mut fields, &[("traits.email", "a@example.org")]);
        fill(&mut fields, &list);
        send(&mut browser, &form, &fields).await;
        let mut fields = fields_of(&page_of(&mut browser, "registration", &form).await, ("method", "password"));
        fill(&mut fields, &[("password", PASSWORD)]);
        let done = send(&mut browser, &form, &fields).await;
        assert_eq!((done.status, done.header("location")), (303, "http://127.0.0.1:4455/welcome"), "{}", done.body);
        let expected = json!({ "email": "a@example.org", "emails": ["x@example.org", "y@example.org"], "numbers": [7], "tos": false });
        assert_eq!(browser.whoami().await["identity"]["traits"], expected);

        // Back on the first screen an item is taken out, and stays out.
        let mut browser = server.browser();
        let form = browser.open("registration").await;
        let mut fields = fields_of(&page_of(&mut browser, "registration", &form).await, ("method", "profile"));
        fill(&mut fields, &[("traits.email", "c@example.org"), ("traits.numbers", "7"), ("traits.numbers", "8")]);
        send(&mut browser, &form, &fields).await;
        let fields = fields_of(&page_of(&mut browser, "registration", &form).await, ("screen", "previous"));
        send(&mut browser, &form, &fields).await;
        let mut fields = fields_of(&page_of(&mut browser, "registration", &form).await, ("method", "profile"));
        fields.iter_mut().filter(|(name, _)| name == "traits.numbers.0").for_each(|(_, value)| value.clear());
        send(&mut browser, &form, &fields).await;
        let mut fields = fields_of(&page_of(&mut browser, "registration", &form).await, ("method", "password"));
        fill(&mut fields, &[("password", PASSWORD)]);
        send(&mut browser, &form, &fields).await;
        assert_eq!(browser.whoami().await["identity"]["traits"]["numbers"], json!([8]));

        let server = self::server(&database, "unified").await;
        let mut browser = server.browser();
        let form = browser.open("registration").await;
        let mut fields = fields_of(&page_of(&mut browser, "registration", &form).await, ("method", "code"));
        fill(&mut fields, &[("traits.email", "b@example.org")]);
        fill(&mut fields, &list);
        send(&mut browser, &form, &fields).await;
        let code = codes::code(&server, &database, "b@example.org").await;
        let mut fields = fields_of(&page_of(&mut browser, "registration", &form).await, ("method", "code"));
        fill(&mut fields, &[("code", &code)]);
        let done = send(&mut browser, &form, &fields).await;
        assert_eq!((done.status, done.header("location")), (303, "http://127.0.0.1:4455/welcome"), "{}", done.body);
        let expected = json!({ "email": "b@example.org", "emails": ["x@example.org", "y@example.org"], "numbers": [7], "tos": false });
        assert_eq!(browser.whoami().await["identity"]["traits"], expected);
    }
}

#[tokio::test]
async fn fields_are_bounded_in_number_and_depth_and_their_indices_cost_nothing() {
    let database = &Database::each().await[0];
    let server = server(database, "unified").await;
    let native = server.native();
    let form = native.open("registration").await;
    let ask = |fields: String| {
        server.ask("POST", form.action()).accept_json().body("application/x-www-form-urlencoded", fields).send()
    };
    for fields in [
        "traits.numbers=1&".repeat(2000),
        (0..2000).map(|index| format!("traits.homes.{index}.number=1&")).collect(),
        "a=1&".repeat(2000),
        format!("traits.{}=1", "a.".repeat(100)),
        (0..20_000).map(|index| format!("{index}=&")).collect(),
    ] {
        let answer = ask(fields.clone()).await;
        assert_eq!((answer.status, Form::of(&answer).messages()), (400, vec![4_000_001]), "{}", &fields[..30]);
        assert!(answer.body.len() < 20_000, "{}", &fields[..30]);
    }
    let sparse = "traits.emails.4000000000=x@example.org&traits.emails.18446744073709551615=y@example.org";
    let fields = format!("method=password&password={PASSWORD}&traits.email=a@example.org&{sparse}");
    let done = ask(fields).await;
    assert_eq!(traits(&done)["emails"], json!(["x@example.org", "y@example.org"]));
}

#[tokio::test]
async fn json_in_the_text_of_a_field_holds_nothing_that_json_may_not() {
    for database in Database::each().await {
        let server = server(&database, "unified").await;
        let native = server.native();
        let form = native.open("registration").await;
        let deep = format!("{{\"email\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
        let nul = r#"{"email":"a@example.org","consent":"\u0000"}"#;
        for (name, text) in [
            ("traits", nul),
            ("traits", r#"{"email":"a@example.org","email":"b@example.org"}"#),
            ("traits", &deep),
            ("traits.homes", r#"{"street":"\u0000"}"#),
            ("transient_payload", r#"{"a":"\u0000"}"#),
            ("transient_payload", r#"{"a":1,"a":2}"#),
        ] {
            let fields =
                [("method", "password"), ("password", PASSWORD), ("traits.email", "a@example.org"), (name, text)];
            let answer = server.ask("POST", form.action()).accept_json().form(&fields).send().await;
            assert_eq!(answer.status, 400, "{name} {}: {}", &text[..20.min(text.len())], answer.body);
            assert!(!Form::of(&answer).messages().is_empty(), "{name}: {}", answer.body);
        }
        let fields = [("method", "password"), ("password", PASSWORD), ("traits", r#"{"email":"a@example.org"}"#)];
        assert_eq!(server.ask("POST", form.action()).accept_json().form(&fields).send().await.status, 200);
    }
}
