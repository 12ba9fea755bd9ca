//! Questions that people are asked before their browser goes on: Mallory, who has sent it there, waits for an answer.

use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Ask, Browser, Database, Form, Native, Provider, Server, Setup};
use url::Url;

const ALICE: &str = "alice@example.org";
const EXCHANGE: &str = "return_session_token_exchange_code=true&return_to=http://127.0.0.1:4455/app";
const APP: &str = "http://127.0.0.1:4455/app";
const PAGE: &str = "http://127.0.0.1:4433/ui/confirm";
const RECOVERY: &str =
    "selfservice: { methods: { link: { enabled: true } }, flows: { recovery: { enabled: true, use: link } } }";

struct Site {
    server: Server,
    provider: Provider,
}

impl Site {
    async fn new(database: &Database, more: &str) -> Self {
        let setup = Setup::default();
        let provider = Provider::start(setup.clock.now()).await;
        let server = Server::of(database, setup.and(&provider.config("")).and(RECOVERY).and(more)).await;
        provider.signs_in(json!({ "sub": "alice", "email": ALICE }));
        Self { server, provider }
    }

    /// Alice, signed in.
    async fn alice(&self) -> Browser {
        let mut alice = self.server.browser();
        alice.sign_up("a@example.org").await;
        alice
    }

    /// An app that waits for a session, and the address by which a browser comes back for it from the provider.
    async fn begun(&self, flow: &str, more: Value) -> (Waiting, String) {
        let native = self.server.native();
        let form = native.open(&format!("{flow}?{EXCHANGE}")).await;
        let code = form.body["session_token_exchange_code"].as_str().expect("a code").to_owned();
        let app = Waiting { native, form, code };
        let back = self.leave(&app, more).await;
        (app, back)
    }

    /// The app's form sends a browser to the provider.
    async fn leave(&self, app: &Waiting, mut more: Value) -> String {
        more["provider"] = "local".into();
        let sent = app.native.submit(&app.form, more).await;
        self.provider.visit(sent.json()["redirect_browser_to"].as_str().expect("an address"))
    }

    /// A link that an operator has made for `identity`.
    async fn link(&self, identity: &str) -> String {
        let ask = self.server.ask_admin("POST", "/admin/recovery/link").json(&json!({ "identity_id": identity }));
        ask.send().await.json()["recovery_link"].as_str().expect("a link").to_owned()
    }

    fn answer(&self, fields: &[(&str, &str)]) -> Ask {
        self.server.ask("POST", "/self-service/confirm").accept_html().form(fields)
    }
}

/// An app that waits for a session.
struct Waiting {
    native: Native,
    form: Form,
    code: String,
}

impl Waiting {
    /// Trades its code and the one of the address that the browser was sent to.
    async fn session(&self, answer: &Answer) -> Value {
        let location = Url::parse(answer.header("location")).expect("an address");
        let code = location.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
        let path =
            format!("/sessions/token-exchange?init_code={}&return_to_code={}", self.code, code.unwrap_or("x".into()));
        self.native.server.ask("GET", &path).send().await.json()["session"].clone()
    }

    /// What its form says.
    async fn messages(&self, kind: &str) -> Vec<u64> {
        let path = format!("/self-service/{kind}/flows?id={}", self.form.id());
        Form::of(&self.native.server.ask("GET", &path).send().await).messages()
    }
}

/// The token of the page that asks.
async fn token(browser: &mut Browser) -> String {
    let page = browser.visit(PAGE).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let (_, rest) = page.body.split_once("name=\"csrf_token\" value=\"").expect("a token");
    rest.split('"').next().expect("a value").to_owned()
}

async fn say(site: &Site, browser: &mut Browser, answer: &str) -> Answer {
    let token = token(browser).await;
    browser.send(site.answer(&[("csrf_token", &token), ("answer", answer)])).await
}

fn is_asked(answer: &Answer) {
    assert_eq!((answer.status, answer.header("location")), (303, PAGE), "{}", answer.body);
}

/// Nobody here is asked anything.
async fn is_over(site: &Site, browser: &mut Browser, token: &str) {
    let page = browser.visit(PAGE).await;
    assert_eq!(page.status, 410);
    assert!(page.body.contains("start again") && !page.body.contains("<form"), "{}", page.body);
    let answered = browser.send(site.answer(&[("csrf_token", token), ("answer", "yes")])).await;
    is_asked(&answered);
    let script = site.server.ask("POST", "/self-service/confirm").accept_json();
    let script = script.json(&json!({ "csrf_token": token, "answer": "yes" }));
    assert_eq!(browser.send(script).await.status, 410);
}

#[tokio::test]
async fn an_app_gets_a_browsers_session_by_a_yes_of_its_person_alone() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        let mut alice = site.alice().await;
        let id = alice.whoami().await["id"].clone();
        let (app, back) = site.begun("login", json!({})).await;
        let asked = alice.visit(&back).await;
        is_asked(&asked);
        assert!(app.session(&asked).await.is_null());

        // Looking does nothing, and the page says who, what and where to.
        for _ in 0..2 {
            let page = alice.visit(PAGE).await;
            for words in ["a@example.org", "127.0.0.1:4455", "is signed in as you", "local"] {
                assert!(page.body.contains(words), "{words}: {}", page.body);
            }
            assert!(!page.header("content-security-policy").contains("script-src"));
            assert_eq!((page.header("cache-control"), page.header("x-frame-options")), ("no-store", "DENY"));
        }
        let token = token(&mut alice).await;
        // Another browser is not asked, be it Mallory's or that of somebody with the page's address and token.
        let mut mallory = site.server.browser();
        mallory.sign_up("m@example.org").await;
        is_over(&site, &mut mallory, &token).await;
        is_over(&site, &mut site.server.browser(), &token).await;
        // Nor does another site answer for her.
        for fields in [
            vec![("answer", "yes")],
            vec![("answer", "yes"), ("csrf_token", "")],
            vec![("answer", "yes"), ("csrf_token", "guessed")],
        ] {
            let forged = site.answer(&fields).header("origin", "https://evil.example");
            let refused = alice.send(forged).await;
            assert!(refused.header("location").starts_with("http://127.0.0.1:4455/error?id="), "{refused:?}");
            let script = site.server.ask("POST", "/self-service/confirm").accept_json().form(&fields);
            assert_eq!(alice.send(script).await.error_id(), "security_csrf_violation");
        }
        let link = format!("/self-service/confirm?answer=yes&csrf_token={token}");
        assert_eq!(alice.visit(&link).await.status, 405);
        let kept = database.texts("SELECT CAST(payload AS text) FROM continuity_containers").await.concat();
        assert!(!kept.contains("code") && !kept.contains(&token), "{kept}");
        assert!(app.session(&asked).await.is_null(), "nothing was handed over so far");

        // Of two answers at once, one counts.
        let (mut tab, fields) = (alice.clone(), [("csrf_token", token.as_str()), ("answer", "yes")]);
        let (one, other) = tokio::join!(alice.send(site.answer(&fields)), tab.send(site.answer(&fields)));
        let (given, late) = if one.header("location") == PAGE { (other, one) } else { (one, other) };
        is_asked(&late);
        assert!(given.header("location").starts_with(&format!("{APP}?code=")), "{given:?}");
        assert_eq!(app.session(&given).await["id"], id);
        is_over(&site, &mut alice, &token).await;
        assert!(alice.is_signed_in().await);
    }
}

#[tokio::test]
async fn a_no_hands_nothing_over() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        let mut alice = site.alice().await;
        for kind in ["login", "registration"] {
            for said in ["no", "", "YES"] {
                let (app, back) = site.begun(kind, json!({})).await;
                is_asked(&alice.visit(&back).await);
                let answer = say(&site, &mut alice, said).await;
                assert_eq!((answer.status, answer.header("location")), (303, APP), "{}", answer.body);
                assert!(app.session(&answer).await.is_null());
                assert_eq!(app.messages(kind).await, [4_000_001]);
                assert_eq!(alice.visit(PAGE).await.status, 410);
            }
        }
        assert!(alice.is_signed_in().await);
    }
}

#[tokio::test]
async fn a_question_is_over_in_time_and_with_what_it_was_about() {
    for database in Database::each().await {
        let site = Site::new(&database, "selfservice: { flows: { login: { lifespan: 1h } } }").await;
        let mut alice = site.alice().await;
        // After ten minutes.
        let (app, back) = site.begun("login", json!({})).await;
        let asked = alice.visit(&back).await;
        let old = token(&mut alice).await;
        site.server.wait(SignedDuration::from_mins(10));
        is_over(&site, &mut alice, &old).await;
        assert!(app.session(&asked).await.is_null());
        // When somebody else is signed in.
        alice.visit(&back).await;
        let old = token(&mut alice).await;
        let mut other = site.server.browser();
        other.sign_up("b@example.org").await;
        let mut shared = alice.clone();
        shared.jar.insert("ory_kratos_session".to_owned(), other.session_cookie().to_owned());
        is_over(&site, &mut shared, &old).await;
        shared.jar.remove("ory_kratos_session");
        is_over(&site, &mut shared, &old).await;
        // When another question has taken its place.
        let (another, back) = site.begun("login", json!({})).await;
        alice.visit(&back).await;
        let late = alice.send(site.answer(&[("csrf_token", &old), ("answer", "yes")])).await;
        assert!(late.header("location").contains("/error?id="), "{late:?}");
        let answer = say(&site, &mut alice, "yes").await;
        assert!(app.session(&asked).await.is_null() && another.session(&answer).await.is_object());
    }
}

#[tokio::test]
async fn scripts_are_told_where_the_question_is() {
    let database = Database::sqlite().await;
    let site = Site::new(&database, "selfservice: { flows: { login: { ui_url: 'https://app.example/login' } } }").await;
    let mut alice = site.alice().await;
    let id = alice.whoami().await["identity"]["id"].as_str().expect("an id").to_owned();
    let (app, back) = site.begun("login", json!({})).await;
    for address in [back, site.link(&id).await] {
        let told = alice.fetch(&address).await;
        assert_eq!((told.status, &told.json()["redirect_browser_to"]), (403, &json!(PAGE)), "{}", told.body);
        assert!(told.header("location").is_empty());
        token(&mut alice).await;
    }
    assert!(app.messages("login").await.is_empty());
}

#[tokio::test]
async fn what_was_typed_in_an_app_counts_once_it_is_confirmed() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        site.provider.signs_in(json!({ "sub": "new" }));
        let typed = |email: &str| json!({ "traits": { "email": email } });
        let mut person = site.server.browser();

        let (app, back) = site.begun("registration", typed("mallory@example.org")).await;
        is_asked(&person.visit(&back).await);
        assert!(person.visit(PAGE).await.body.contains("mallory@example.org"));
        say(&site, &mut person, "no").await;
        assert_eq!((app.messages("registration").await, database.count("identities").await), (vec![4_000_001], 0));

        // A no holds, though there is nothing to ask about any more.
        site.provider.signs_in(json!({ "sub": "known", "email": "known@example.org" }));
        let (app, back) = site.begun("registration", typed("me@example.org")).await;
        is_asked(&person.visit(&back).await);
        let own = token(&mut person).await;
        site.leave(&app, json!({})).await;
        let answer = person.send(site.answer(&[("csrf_token", &own), ("answer", "no")])).await;
        assert_eq!((answer.header("location"), database.count("identities").await), (APP, 0));
        assert!(app.session(&answer).await.is_null());
        site.provider.signs_in(json!({ "sub": "new" }));

        // What is typed after the question is another question.
        let (app, back) = site.begun("registration", typed("me@example.org")).await;
        is_asked(&person.visit(&back).await);
        let own = token(&mut person).await;
        site.leave(&app, typed("mallory@example.org")).await;
        let asked = person.send(site.answer(&[("csrf_token", &own), ("answer", "yes")])).await;
        is_asked(&asked);
        assert_eq!(database.count("identities").await, 0);
        assert!(person.visit(PAGE).await.body.contains("mallory@example.org"));

        site.leave(&app, typed("me@example.org")).await;
        is_asked(&person.visit(&back).await);
        let answer = say(&site, &mut person, "yes").await;
        let session = app.session(&answer).await;
        assert_eq!(session["identity"]["traits"]["email"], "me@example.org", "{answer:?}");
        assert!(!person.is_signed_in().await, "the session is the app's alone");

        // What tells nobody apart is forgotten, as ever, and nobody is asked.
        site.provider.signs_in(json!({ "sub": "third", "email": "third@example.org" }));
        for traits in [json!({ "name": "Mallory" }), json!({ "email": "" }), json!({ "email": "nonsense" }), json!({})]
        {
            let (app, back) = site.begun("login", json!({ "traits": traits })).await;
            let answer = site.server.browser().visit(&back).await;
            let traits = app.session(&answer).await["identity"]["traits"].clone();
            assert_eq!(traits, json!({ "email": "third@example.org" }), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn an_app_that_is_asked_for_a_trait_gets_the_session_by_its_first_code() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        for (flow, sub) in [("registration", "up"), ("login", "in")] {
            site.provider.signs_in(json!({ "sub": sub }));
            let (mut app, back) = site.begun(flow, json!({})).await;
            let mut person = site.server.browser();
            let answer = person.visit(&back).await;
            // A sign-in goes on as a sign-up, whose form the app has not seen yet.
            let location = Url::parse(answer.header("location")).expect("an address");
            assert!(location.as_str().starts_with(APP), "{answer:?}");
            let told = location.query_pairs().find(|(name, _)| name == "flow").map(|(_, id)| id.into_owned());
            assert_eq!(told.is_some(), flow == "login", "{location}");
            assert!(app.session(&answer).await.is_null());
            let id = told.unwrap_or_else(|| app.form.id().to_owned());
            let path = format!("/self-service/registration/flows?id={id}");
            app.form = Form::of(&site.server.ask("GET", &path).send().await);
            assert_eq!((app.form.messages(), &app.form.body["type"]), (vec![4_000_002], &json!("api")));

            let email = format!("{flow}@example.org");
            let back = site.leave(&app, json!({ "traits.email": email })).await;
            is_asked(&person.visit(&back).await);
            assert!(person.visit(PAGE).await.body.contains(&email), "what was typed in an app is asked about");
            let answer = say(&site, &mut person, "yes").await;
            assert_eq!(app.session(&answer).await["identity"]["traits"]["email"], email, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_form_that_replaces_one_that_was_too_old_goes_on_with_the_apps_first_code() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        for flow in ["registration", "login"] {
            site.provider.signs_in(json!({ "sub": flow, "email": format!("{flow}@example.org") }));
            let (mut app, _) = site.begun(flow, json!({})).await;
            site.server.wait(SignedDuration::from_mins(10));
            let old = app.native.submit(&app.form, json!({ "provider": "local" })).await;
            let id = old.json()["use_flow_id"].as_str().expect("an id").to_owned();
            let path = format!("/self-service/{flow}/flows?id={id}");
            app.form = Form::of(&site.server.ask("GET", &path).send().await);
            assert_eq!((old.status, &app.form.body["type"]), (410, &json!("api")));
            let back = site.leave(&app, json!({})).await;
            let answer = site.server.browser().visit(&back).await;
            let session = app.session(&answer).await;
            assert_eq!(session["identity"]["traits"]["email"], format!("{flow}@example.org"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_recovery_link_takes_the_place_of_a_session_by_a_yes_alone() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        let mut alice = site.alice().await;
        let mut mallory = site.server.browser();
        let hers = mallory.sign_up("m@example.org").await["identity"]["id"].as_str().expect("an id").to_owned();
        let link = site.link(&hers).await;
        // Alice opens Mallory's link.
        let before = alice.whoami().await["id"].clone();
        for (said, to) in [("no", "http://127.0.0.1:4455/welcome"), ("yes", "http://127.0.0.1:4433/ui/settings?flow=")]
        {
            is_asked(&alice.visit(&link).await);
            assert_eq!(alice.whoami().await["id"], before);
            let answer = say(&site, &mut alice, said).await;
            assert!(answer.header("location").starts_with(to), "{said}: {answer:?}");
        }
        assert_eq!(alice.whoami().await["identity"]["traits"]["email"], "m@example.org");
        // Whoever is signed out is not asked, and a link is good once, whoever agrees.
        let link = site.link(&hers).await;
        is_asked(&alice.visit(&link).await);
        let opened = site.server.browser().visit(&link).await;
        assert!(opened.header("location").contains("/ui/settings?flow="), "{opened:?}");
        let answer = say(&site, &mut alice, "yes").await;
        assert!(answer.header("location").contains("/ui/recovery?flow="), "{answer:?}");
    }
}

#[tokio::test]
async fn nobody_is_asked_where_that_is_switched_off() {
    let database = Database::sqlite().await;
    let site = Site::new(&database, "zelus: { confirm: false }").await;
    let mut alice = site.alice().await;
    let id = alice.whoami().await["identity"]["id"].as_str().expect("an id").to_owned();
    let (app, back) = site.begun("login", json!({})).await;
    let answer = alice.visit(&back).await;
    assert!(app.session(&answer).await.is_object(), "{answer:?}");
    let opened = alice.visit(&site.link(&id).await).await;
    assert!(opened.header("location").contains("/ui/settings?flow="), "{opened:?}");
    // What was typed elsewhere does not count then.
    site.provider.signs_in(json!({ "sub": "new" }));
    let (app, back) = site.begun("registration", json!({ "traits": { "email": "t@example.org" } })).await;
    let answer = site.server.browser().visit(&back).await;
    assert_eq!(answer.header("location"), APP);
    assert!(app.session(&answer).await.is_null());
    assert_eq!(database.count("identities").await, 1);
}
