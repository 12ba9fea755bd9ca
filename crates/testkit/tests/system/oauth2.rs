//! Signing people in on behalf of an OAuth 2.0 server.

use serde_json::{Value, json};
use testkit::{Answer, Browser, Database, Form, Hydra, PASSWORD, Provider, Server, Setup};

async fn server(database: &Database, hydra: &Hydra) -> Server {
    Server::of(database, Setup::with(&hydra.configuration())).await
}

fn verifier(challenge: &str) -> String {
    format!("http://127.0.0.1:4455/oauth2/auth?login_verifier={challenge}")
}

/// Sends the sign-in form as a page does.
async fn send_page(browser: &mut Browser, form: &Form, email: &str) -> Answer {
    let fields =
        [("method", "password"), ("identifier", email), ("password", PASSWORD), ("csrf_token", form.csrf_token())];
    let ask = browser.server.ask("POST", form.action()).accept_html().form(&fields);
    browser.send(ask).await
}

#[tokio::test]
async fn a_sign_in_leads_back_to_the_server() {
    for database in Database::each().await {
        let hydra = Hydra::start().await;
        let server = server(&database, &hydra).await;
        let identity = server.import("a@example.org", PASSWORD).await;

        // A script is told where to go.
        hydra.asks("one", false);
        let mut browser = server.browser();
        let form = browser.open("login?login_challenge=one").await;
        assert_eq!(hydra.authorization(), "Bearer of-zelus");
        assert_eq!(form.body["oauth2_login_challenge"], "one");
        assert_eq!(form.body["oauth2_login_request"]["client"]["client_name"], "An app");
        let wrong = browser.try_sign_in(&form, "a@example.org", "not-the-passw0rd").await;
        assert_eq!((wrong.status, &wrong.json()["oauth2_login_request"]["skip"]), (400, &json!(false)));
        assert_eq!(hydra.told(), [] as [Value; 0]);
        let right = browser.try_sign_in(&form, "a@example.org", PASSWORD).await;
        assert_eq!((right.status, right.error_id().as_str()), (422, "browser_location_change_required"));
        assert_eq!(right.json()["redirect_browser_to"], verifier("one"));
        let session = browser.whoami().await;
        let expected = json!({ "challenge": "one", "subject": identity, "identity_provider_session_id": session["id"],
            "remember": true, "remember_for": 86_400, "amr": ["password"] });
        assert_eq!(hydra.told(), [expected]);

        // A page is sent there; whoever is signed in proves it anew, unless that is not needed.
        hydra.asks("two", false);
        let form = browser.open("login?login_challenge=two").await;
        assert_eq!(form.body["refresh"], true);
        let page = send_page(&mut browser, &form, "a@example.org").await;
        assert_eq!((page.status, page.header("location")), (303, verifier("two").as_str()));
        let told = hydra.told();
        assert_eq!((told.len(), &told[0]["amr"]), (1, &json!(["password", "password"])));
        hydra.asks("three", true);
        let page = browser.visit("/self-service/login/browser?login_challenge=three").await;
        assert_eq!((page.status, page.header("location")), (303, verifier("three").as_str()));
        assert_eq!(hydra.told()[0]["subject"], identity);
        hydra.asks("four", true);
        let form = server.browser().open("login?login_challenge=four").await;
        assert_eq!(form.body["oauth2_login_request"]["skip"], true, "nobody is signed in there");
        assert_eq!(hydra.told(), [] as [Value; 0]);
    }
}

#[tokio::test]
async fn a_second_factor_comes_first() {
    for database in Database::each().await {
        let hydra = Hydra::start().await;
        let server = server(&database, &hydra).await;
        let server = server.another(&database, "selfservice: { methods: { lookup_secret: { enabled: true } } }").await;
        let mut browser = server.browser();
        browser.sign_up("a@example.org").await;
        let form = browser.open("settings").await;
        let codes = browser.submit(&form, json!({ "method": "lookup_secret", "lookup_secret_regenerate": true })).await;
        let codes = Form::of(&codes);
        let mut secrets = codes.body["ui"]["nodes"].as_array().expect("nodes").iter();
        let secrets = secrets.find(|node| node["attributes"]["id"] == "lookup_secret_codes").expect("codes");
        let code = secrets["attributes"]["text"]["context"]["secrets"][0]["context"]["secret"].clone();
        let saved = browser.submit(&codes, json!({ "method": "lookup_secret", "lookup_secret_confirm": true })).await;
        assert_eq!(saved.status, 200, "{}", saved.body);

        hydra.asks("one", false);
        let mut other = server.browser();
        let form = other.open("login?login_challenge=one").await;
        let first = other.try_sign_in(&form, "a@example.org", PASSWORD).await;
        let next = first.json()["redirect_browser_to"].as_str().expect("an address").to_owned();
        assert!(next.contains("aal=aal2") && next.contains("login_challenge=one"), "{next}");
        assert_eq!(hydra.told(), [] as [Value; 0], "one factor is not enough");
        let form = Form::of(&other.fetch(&next).await);
        let second = other.submit(&form, json!({ "method": "lookup_secret", "lookup_secret": code })).await;
        assert_eq!(second.json()["redirect_browser_to"], verifier("one"), "{}", second.body);
        assert_eq!(hydra.told()[0]["amr"], json!(["password", "lookup_secret"]));
    }
}

#[tokio::test]
async fn a_fresh_sign_in_with_a_provider_tells_of_the_whole_session() {
    for database in Database::each().await {
        let hydra = Hydra::start().await;
        let setup = Setup::with(&hydra.configuration());
        let provider = Provider::start(setup.clock.now()).await;
        let server = Server::of(&database, setup.and(&provider.config(""))).await;
        provider.signs_in(json!({ "sub": "alice", "email": "alice@example.org" }));
        let mut browser = server.browser();
        let visit = async |browser: &mut Browser, path: &str| {
            let form = browser.open(path).await;
            let sent = browser.submit(&form, json!({ "method": "oidc", "provider": "local" })).await;
            let back = provider.visit(sent.json()["redirect_browser_to"].as_str().expect("an address"));
            browser.visit(&back).await
        };
        visit(&mut browser, "login").await;
        let session = browser.whoami().await["id"].clone();

        hydra.asks("one", false);
        let answer = visit(&mut browser, "login?login_challenge=one").await;
        assert_eq!((answer.status, answer.header("location")), (303, verifier("one").as_str()), "{}", answer.body);
        let told = hydra.told();
        assert_eq!(told[0]["identity_provider_session_id"], session);
        assert_eq!(told[0]["amr"], json!(["oidc", "oidc"]));
    }
}

#[tokio::test]
async fn a_sign_up_leads_there_too_and_verifies_first_where_that_is_shown() {
    for database in Database::each().await {
        let hydra = Hydra::start().await;
        let server = server(&database, &hydra).await;
        hydra.asks("one", false);
        let mut browser = server.browser();
        let form = browser.open("registration?login_challenge=one").await;
        let body = |email: &str| json!({ "method": "password", "traits": { "email": email }, "password": PASSWORD });
        let done = browser.submit(&form, body("a@example.org")).await;
        assert_eq!(done.status, 200, "{}", done.body);
        let next = json!([{ "action": "redirect_browser_to", "redirect_browser_to": verifier("one") }]);
        assert_eq!(done.json()["continue_with"], next);
        assert_eq!(hydra.told()[0]["subject"], done.json()["identity"]["id"]);

        // Whoever is signed in does not sign up.
        hydra.asks("two", false);
        let page = browser.visit("/self-service/registration/browser?login_challenge=two").await;
        let login = "http://127.0.0.1:4433/self-service/login/browser?login_challenge=two";
        assert_eq!((page.status, page.header("location")), (302, login));

        let shows = "
selfservice:
  flows: { registration: { after: { password: { hooks: [{ hook: session }, { hook: show_verification_ui }] } } } }";
        let server = server.another(&database, shows).await;
        let mut browser = server.browser();
        hydra.asks("three", false);
        let form = browser.open("registration?login_challenge=three").await;
        let done = browser.submit(&form, body("b@example.org")).await;
        assert_eq!(hydra.told(), [] as [Value; 0]);
        let form = verification(&mut browser, &done).await;
        let code = code_sent_to(&database, "b@example.org").await;
        let verified = browser.submit(&form, json!({ "method": "code", "code": code })).await;
        assert_eq!(Form::of(&verified).body["state"], "passed_challenge", "{}", verified.body);
        assert!(verified.body.contains(&verifier("three")), "{}", verified.body);
        assert_eq!(hydra.told()[0]["identity_provider_session_id"], browser.whoami().await["id"]);

        // Another site could have a visitor's browser send the code of an account of its own.
        let mut browser = server.browser();
        hydra.asks("four", false);
        let form = browser.open("registration?login_challenge=four").await;
        let done = browser.submit(&form, body("c@example.org")).await;
        let form = verification(&mut browser, &done).await;
        let mut visitor = server.browser();
        visitor.open("login").await;
        let fields = json!({ "method": "code", "code": code_sent_to(&database, "c@example.org").await });
        let sent = visitor.send(server.ask("POST", form.action()).accept_json().json(&fields)).await;
        assert_eq!(Form::of(&sent).body["state"], "passed_challenge", "{}", sent.body);
        assert!(!visitor.is_signed_in().await);
    }
}

/// The form in which an address is verified that a sign-up has led to.
async fn verification(browser: &mut Browser, done: &Answer) -> Form {
    let next = done.json()["continue_with"][1]["flow"]["id"].as_str().expect("a flow").to_owned();
    Form::of(&browser.fetch(&format!("/self-service/verification/flows?id={next}")).await)
}

async fn code_sent_to(database: &Database, address: &str) -> Value {
    let text = database.pick("CAST(template_data AS text)", "convert_from(template_data, 'UTF8')");
    let sql = format!("SELECT {text} FROM courier_messages WHERE recipient = '{address}'");
    let mail: Value = serde_json::from_str(&database.texts(&sql).await[0]).expect("JSON");
    mail["verification_code"].clone()
}

#[tokio::test]
async fn a_server_that_does_not_know_or_does_not_answer_is_said_so() {
    for database in Database::each().await {
        let hydra = Hydra::start().await;
        let server = server(&database, &hydra).await;
        server.import("a@example.org", PASSWORD).await;
        for flow in ["login", "registration"] {
            let path = format!("/self-service/{flow}/browser?login_challenge=");
            let mut browser = server.browser();
            assert_eq!(browser.fetch(&path).await.status, 400);
            let unknown = browser.fetch(&format!("{path}unknown")).await;
            assert_eq!(unknown.status, 400, "{}", unknown.body);
            let details = json!({ "status_code": 404, "oauth2_error_hint": "It is not here." });
            assert_eq!(unknown.json()["error"]["details"], details);
            let page = browser.visit(&format!("{path}unknown")).await;
            assert!(page.status == 303 && page.header("location").starts_with("http://127.0.0.1:4455/error?id="));
        }

        hydra.asks("one", false);
        let mut browser = server.browser();
        let form = browser.open("login?login_challenge=one").await;
        hydra.set_out_of_order(true);
        let done = browser.try_sign_in(&form, "a@example.org", PASSWORD).await;
        assert_eq!(done.status, 500, "{}", done.body);
        assert!(browser.is_signed_in().await, "here the person is signed in all the same");
        hydra.set_out_of_order(false);
        let form = browser.open("login?login_challenge=one").await;
        assert_eq!(browser.try_sign_in(&form, "a@example.org", PASSWORD).await.status, 422);

        let alone = Server::start(&database).await;
        let refused = alone.browser().fetch("/self-service/login/browser?login_challenge=one").await;
        assert_eq!((refused.status, refused.error_id().as_str()), (500, "invalid_configuration"));
    }
}

#[tokio::test]
async fn the_flow_may_lead_back_to_where_it_began() {
    for database in Database::each().await {
        let hydra = Hydra::start().await;
        let server = server(&database, &hydra).await;
        let server = server.another(&database, "oauth2_provider: { override_return_to: true }").await;
        hydra.asks("one", false);
        let form = server.browser().open("login?login_challenge=one&return_to=http://127.0.0.1:4455/elsewhere").await;
        assert_eq!(form.body["return_to"], "http://127.0.0.1:4455/oauth2/auth?client_id=app");
    }
}
