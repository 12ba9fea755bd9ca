//! Mallory, who wants Alice's account: she has an account at a provider, a page that Alice's browser opens, and nothing
//! of Alice's but her address.

use crypto::TotpSecret;
use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Ask, Browser, Database, Form, Native, PASSWORD, Provider, Server, Setup};

use crate::logout::give_totp;

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const EXCHANGE: &str = "login?return_session_token_exchange_code=true&return_to=http://127.0.0.1:4455/app";
/// The page on which people are asked.
const ASKS: &str = "http://127.0.0.1:4433/ui/confirm";
const EVIL: &str = "https://evil.example";

/// A server, and the two providers that people sign in to it with.
struct Site {
    server: Server,
    /// Where Alice has an account, and is signed in: `local`.
    hers: Provider,
    /// Where Mallory has one: `other`. It says no address of hers, so she is asked for it.
    mallorys: Provider,
}

impl Site {
    /// Alice has signed up.
    async fn new(database: &Database, more: &str) -> Self {
        let setup = Setup::default();
        let (hers, mallorys) = (Provider::start(setup.clock.now()).await, Provider::start(setup.clock.now()).await);
        let server = Server::of(database, setup.and(&hers.config_beside(&mallorys)).and(more)).await;
        hers.signs_in(json!({ "sub": "alice", "email": ALICE }));
        mallorys.signs_in(json!({ "sub": "mallory" }));
        let site = Self { server, hers, mallorys };
        let mut alice = site.server.browser();
        let form = alice.open("registration").await;
        let to = alice.submit(&form, json!({ "provider": "local" })).await;
        alice.visit(&site.hers.visit(&address(&to))).await;
        assert!(alice.is_signed_in().await);
        site
    }

    /// Mallory signs up with her provider and Alice's address: the form that asks her to sign in as Alice.
    async fn pending(&self, mallory: &mut Browser) -> Form {
        let form = mallory.open("registration").await;
        let body = json!({ "provider": "other", "traits": { "email": ALICE } });
        let to = mallory.submit(&form, body).await;
        let met = mallory.visit(&self.mallorys.visit(&address(&to))).await;
        let form = shown(mallory, &met).await;
        assert_eq!(form.messages(), [1_010_016]);
        form
    }

    /// What Mallory's page has a browser send: a form, which needs nobody's leave.
    fn forged(&self, form: &Form, fields: &[(&str, &str)]) -> Ask {
        self.server.ask("POST", form.action()).header("origin", EVIL).accept_html().form(fields)
    }

    /// Asserts that a browser is sent to no provider, and has begun nothing.
    async fn is_kept_here(&self, browser: &mut Browser, answer: &Answer) {
        let location = answer.header("location");
        let left = [&self.hers, &self.mallorys].iter().any(|provider| location.starts_with(&provider.issuer()));
        assert!(!left && answer.json()["redirect_browser_to"].is_null(), "{answer:?}");
        assert!(answer.cookies().iter().all(|(name, _)| name != "ory_kratos_continuity"), "{answer:?}");
        assert!(!browser.is_signed_in().await);
    }

    /// Whom an account at a provider signs in to; `null` for nobody.
    async fn who_signs_in(&self, provider: &Provider, id: &str) -> Value {
        let mut browser = self.server.browser();
        let form = browser.open("login").await;
        let to = browser.submit(&form, json!({ "provider": id })).await;
        browser.visit(&provider.visit(&address(&to))).await;
        browser.whoami().await["identity"]["traits"]["email"].clone()
    }
}

/// Where a script is told that the browser has to go.
fn address(answer: &Answer) -> String {
    assert_eq!(answer.error_id(), "browser_location_change_required", "{}", answer.body);
    answer.json()["redirect_browser_to"].as_str().expect("an address").to_owned()
}

/// The sign-in form that a redirect leads to.
async fn shown(browser: &mut Browser, answer: &Answer) -> Form {
    let page = url::Url::parse(answer.header("location")).expect("an address");
    let (_, id) = page.query_pairs().find(|(name, _)| name == "flow").expect("a flow");
    Form::of(&browser.fetch(&format!("/self-service/login/flows?id={id}")).await)
}

/// What somebody answers who is asked.
async fn say(site: &Site, browser: &mut Browser, answer: &str) -> Answer {
    let page = browser.visit(ASKS).await;
    let (_, rest) = page.body.split_once("name=\"csrf_token\" value=\"").expect("a question");
    let token = rest.split('"').next().expect("a value");
    let ask = site.server.ask("POST", "/self-service/confirm").accept_html();
    browser.send(ask.form(&[("csrf_token", token), ("answer", answer)])).await
}

fn is_refused(answer: &Answer) {
    assert_eq!((answer.status, answer.error_id().as_str()), (403, "security_csrf_violation"), "{}", answer.body);
}

#[tokio::test]
async fn no_page_of_another_site_sends_a_browser_to_a_provider() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        let mut mallory = site.server.browser();
        let pending = site.pending(&mut mallory).await;
        for form in [&pending, &mallory.open("login").await, &mallory.open("registration").await] {
            // Alice was never here, or has a form of her own open, with its cookie.
            let mut with_cookie = site.server.browser();
            let own = with_cookie.open("login").await;
            for mut alice in [site.server.browser(), with_cookie.clone()] {
                let traits = ("traits.email", "mallory@example.org");
                for token in [None, Some(form.csrf_token()), Some("AAAA"), Some("")] {
                    let mut fields = vec![("provider", "local"), ("method", "oidc"), traits];
                    fields.extend(token.map(|token| ("csrf_token", token)));
                    let answer = alice.send(site.forged(form, &fields)).await;
                    assert!(answer.header("location").starts_with("http://127.0.0.1:4455/error?id="), "{answer:?}");
                    site.is_kept_here(&mut alice, &answer).await;
                    let script = site.server.ask("POST", form.action()).header("origin", EVIL).accept_json();
                    is_refused(&alice.send(script.form(&fields)).await);
                }
                // A link says the same, and is no submission at all.
                for token in ["", form.csrf_token()] {
                    let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
                    let link = format!("{}&provider=local&method=oidc&csrf_token={token}", form.action());
                    let answer = alice.visit(&link).await;
                    site.is_kept_here(&mut alice, &answer).await;
                }
            }
            // Not even Alice herself goes on with a form that somebody else has opened.
            let body = json!({ "provider": "local", "csrf_token": own.csrf_token() });
            let ask = site.server.ask("POST", form.action()).accept_json().json(&body);
            is_refused(&with_cookie.send(ask).await);
        }
        assert_eq!(database.count("identities").await, 1);
    }
}

#[tokio::test]
async fn no_page_of_another_site_connects_or_disconnects_an_account() {
    let database = Database::sqlite().await;
    let site = Site::new(&database, "").await;
    let mut alice = site.server.browser();
    alice.sign_up("a@example.org").await;
    let form = alice.open("settings").await;
    for field in ["link", "unlink"] {
        let forged = site.forged(&form, &[(field, "local")]);
        let answer = alice.send(forged).await;
        assert!(answer.header("location").starts_with("http://127.0.0.1:4455/error?id="), "{answer:?}");
        let script = site.server.ask("POST", form.action()).accept_json().json(&json!({ field: "local" }));
        is_refused(&alice.send(script).await);
    }
    site.mallorys.signs_in(json!({ "sub": "a2", "email": "a2@example.org" }));
    let to = alice.submit(&form, json!({ "link": "other" })).await;
    assert_eq!(alice.visit(&site.mallorys.visit(&address(&to))).await.status, 303);
    let form = alice.open("settings").await;
    assert_eq!(alice.submit(&form, json!({ "unlink": "other" })).await.status, 200);
}

#[tokio::test]
async fn people_leave_by_their_own_forms_with_the_token_in_a_field_or_a_header() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        for flow in ["login", "registration"] {
            let mut alice = site.server.browser();
            let form = alice.open(flow).await;
            let in_field = site.server.ask("POST", form.action()).accept_html();
            let sent = alice.send(in_field.form(&[("provider", "local"), ("csrf_token", form.csrf_token())])).await;
            assert_eq!(sent.status, 303, "{}", sent.body);
            assert!(sent.header("location").starts_with(&site.hers.issuer()), "{sent:?}");
            let in_header = site.server.ask("POST", form.action()).accept_json().json(&json!({ "provider": "local" }));
            let sent = alice.send(in_header.header("x-csrf-token", form.csrf_token())).await;
            alice.visit(&site.hers.visit(&address(&sent))).await;
            assert_eq!(alice.whoami().await["identity"]["traits"]["email"], ALICE);
        }
        // Apps have neither, and may have picked up cookies.
        let app = site.server.native();
        let form = app.open("login").await;
        let ask = site.server.ask("POST", form.action()).header("cookie", "a=b");
        address(&ask.json(&json!({ "provider": "local" })).send().await);
        // A page is no app, unless an app is made of pages, and asked for codes.
        for (flow, is_let) in [("login", false), ("registration", false), (EXCHANGE, true)] {
            let form = app.open(flow).await;
            let ask = site.server.ask("POST", form.action()).header("origin", EVIL);
            let sent = ask.json(&json!({ "provider": "local" })).send().await;
            match is_let {
                true => drop(address(&sent)),
                false => assert_eq!((sent.status, Form::of(&sent).messages()), (400, vec![4_000_001])),
            }
        }
    }
}

#[tokio::test]
async fn nobody_types_over_the_address_that_a_provider_gives() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        for (said, typed, known_by) in [
            (json!("mallory@example.org"), ALICE, "mallory@example.org"),
            (json!("nonsense"), "typed@example.org", "typed@example.org"),
            (json!(null), "filled@example.org", "filled@example.org"),
        ] {
            site.mallorys.signs_in(json!({ "sub": known_by, "email": said }));
            let mut mallory = site.server.browser();
            let form = mallory.open("registration").await;
            let body = json!({ "provider": "other", "traits": { "email": typed, "name": "Mallory" } });
            let to = mallory.submit(&form, body).await;
            mallory.visit(&site.mallorys.visit(&address(&to))).await;
            let traits = mallory.whoami().await["identity"]["traits"].clone();
            assert_eq!(traits, json!({ "email": known_by, "name": "Mallory" }));
        }
    }
}

/// The form that asks Bob, who has a password, to sign in so that his account at Mallory's provider is connected.
async fn bobs(site: &Site, browser: &mut Browser) -> Form {
    site.mallorys.signs_in(json!({ "sub": "bob", "email": BOB }));
    let form = browser.open("login").await;
    let to = browser.submit(&form, json!({ "provider": "other" })).await;
    let met = browser.visit(&site.mallorys.visit(&address(&to))).await;
    shown(browser, &met).await
}

#[tokio::test]
async fn an_account_is_connected_in_the_browser_that_began_it() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        site.server.import(BOB, PASSWORD).await;
        let mut bob = site.server.browser();
        let form = bobs(&site, &mut bob).await;
        // With a token of its own, and the right password.
        let mut other = site.server.browser();
        let own = other.open("login").await;
        let body = json!({ "method": "password", "identifier": BOB, "password": PASSWORD });
        let mut sent = body.clone();
        sent["csrf_token"] = own.csrf_token().into();
        let ask = site.server.ask("POST", form.action()).accept_json().json(&sent);
        is_refused(&other.send(ask).await);
        assert!(!other.is_signed_in().await);
        let links =
            "SELECT CAST(config AS text) FROM identity_credentials WHERE CAST(config AS text) LIKE '%\"other\"%'";
        assert_eq!(database.texts(links).await.len(), 0);
        assert_eq!(bob.submit(&form, body).await.status, 200);
        assert_eq!(site.who_signs_in(&site.mallorys, "other").await, BOB);
    }
}

#[tokio::test]
async fn a_provider_that_the_owner_goes_to_connects_another() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        // It is Alice's own account there this time.
        site.mallorys.signs_in(json!({ "sub": "alice2", "email": ALICE }));
        let mut alice = site.server.browser();
        let form = alice.open("login").await;
        let to = alice.submit(&form, json!({ "provider": "other" })).await;
        let met = alice.visit(&site.mallorys.visit(&address(&to))).await;
        let form = shown(&mut alice, &met).await;
        let to = alice.submit(&form, json!({ "provider": "local" })).await;
        let back = site.hers.visit(&address(&to));
        // A browser that has lost its anti-CSRF cookie on the way is another one.
        let mut other = alice.clone();
        other.jar.retain(|name, _| !name.starts_with("csrf_token"));
        assert_eq!(other.fetch(&back).await.error_id(), "security_csrf_violation");
        assert!(!other.is_signed_in().await);
        let to = alice.submit(&form, json!({ "provider": "local" })).await;
        assert_eq!(alice.visit(&site.hers.visit(&address(&to))).await.status, 303);
        assert_eq!(alice.whoami().await["identity"]["traits"]["email"], ALICE);
        assert_eq!(site.who_signs_in(&site.mallorys, "other").await, ALICE);
    }
}

#[tokio::test]
async fn an_account_waits_for_the_second_factor_of_the_same_browser() {
    for database in Database::each().await {
        let more = "selfservice: { methods: { totp: { enabled: true } } }
session: { whoami: { required_aal: highest_available } }";
        let site = Site::new(&database, more).await;
        let identity = site.server.import(BOB, PASSWORD).await;
        give_totp(&database, &identity).await;
        let mut bob = site.server.browser();
        let form = bobs(&site, &mut bob).await;
        let body = json!({ "method": "password", "identifier": BOB, "password": PASSWORD });
        let to = address(&bob.submit(&form, body).await);
        let (_, id) = to.split_once("flow=").expect("a flow");
        let form = Form::of(&bob.fetch(&format!("/self-service/login/flows?id={id}")).await);
        assert_eq!(form.body["requested_aal"], "aal2");
        let secret = TotpSecret::from_base32("JBSWY3DPEHPK3PXP").expect("base32");
        let code = || json!({ "method": "totp", "totp_code": secret.code_at(site.server.setup.clock.now()) });
        // Bob's own session in another browser, with a token of its own.
        let mut other = site.server.browser();
        let own = other.open("login").await;
        let body = json!({ "method": "password", "identifier": BOB, "password": PASSWORD });
        other.submit(&own, body).await;
        let own = other.open("login?aal=aal2").await;
        let mut sent = code();
        sent["csrf_token"] = own.csrf_token().into();
        is_refused(&other.send(site.server.ask("POST", form.action()).accept_json().json(&sent)).await);
        site.server.wait(SignedDuration::from_secs(30));
        assert_eq!(bob.submit(&form, code()).await.status, 200);
        assert_eq!(bob.whoami().await["authenticator_assurance_level"], "aal2");
    }
}

/// Mallory's app meets Alice's account, whose address her provider gives: the form that asks to sign in to it.
async fn natively(site: &Site, app: &Native, flow: &str) -> Form {
    site.mallorys.signs_in(json!({ "sub": "mallory", "email": ALICE }));
    let form = app.open(flow).await;
    let to = app.submit(&form, json!({ "provider": "other" })).await;
    let mut browser = site.server.browser();
    // Without an exchange the app is a browser itself, and has its cookies.
    for (name, value) in to.cookies() {
        browser.jar.insert(name, value.expect("a value"));
    }
    let met = browser.visit(&site.mallorys.visit(&address(&to))).await;
    let form = shown(&mut browser, &met).await;
    assert_eq!((form.messages(), &form.body["type"]), (vec![1_010_016], &json!("api")));
    form
}

#[tokio::test]
async fn no_browser_connects_what_an_app_has_begun() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        let app = site.server.native();
        for flow in [EXCHANGE, "login"] {
            let form = natively(&site, &app, flow).await;
            let to = app.submit(&form, json!({ "provider": "local" })).await;
            let mut alice = site.server.browser();
            for (name, value) in to.cookies() {
                alice.jar.insert(name, value.expect("a value"));
            }
            // Alice is sent there, by a link say, and is signed in at her provider. She is asked, and says no.
            let answer = alice.visit(&site.hers.visit(&address(&to))).await;
            assert_eq!(answer.header("location"), ASKS);
            let page = alice.visit(ASKS).await;
            assert!(page.body.contains("other") && page.body.contains(ALICE), "{}", page.body);
            let answer = say(&site, &mut alice, "no").await;
            assert!(!answer.header("location").contains("code="), "{answer:?}");
            assert!(!alice.is_signed_in().await);
            let fetched = site.server.ask("GET", &format!("/self-service/login/flows?id={}", form.id())).send().await;
            assert_eq!(Form::of(&fetched).messages(), [4_000_001]);
            assert_ne!(site.who_signs_in(&site.mallorys, "other").await, ALICE);
        }
    }
}

#[tokio::test]
async fn an_app_connects_two_accounts_once_their_owner_has_agreed() {
    for flow in [EXCHANGE, "login"] {
        for database in Database::each().await {
            let site = Site::new(&database, "").await;
            let app = site.server.native();
            let form = natively(&site, &app, flow).await;
            let to = app.submit(&form, json!({ "provider": "local" })).await;
            let mut alice = site.server.browser();
            for (name, value) in to.cookies() {
                alice.jar.insert(name, value.expect("a value"));
            }
            alice.visit(&site.hers.visit(&address(&to))).await;
            let answer = say(&site, &mut alice, "yes").await;
            match flow {
                EXCHANGE => assert!(answer.header("location").contains("app?code="), "{answer:?}"),
                _ => assert!(answer.json()["session_token"].is_string(), "{answer:?}"),
            }
            assert_eq!(site.who_signs_in(&site.mallorys, "other").await, ALICE);
        }
    }
}

#[tokio::test]
async fn an_app_connects_nothing_by_way_of_a_browser_where_nobody_is_asked() {
    let database = Database::sqlite().await;
    let site = Site::new(&database, "zelus: { confirm: false }").await;
    let app = site.server.native();
    let form = natively(&site, &app, EXCHANGE).await;
    let to = app.submit(&form, json!({ "provider": "local" })).await;
    let answer = site.server.browser().visit(&site.hers.visit(&address(&to))).await;
    assert!(!answer.header("location").contains("code="), "{answer:?}");
    let fetched = site.server.ask("GET", &format!("/self-service/login/flows?id={}", form.id())).send().await;
    assert_eq!(Form::of(&fetched).messages(), [4_000_001]);
    assert_ne!(site.who_signs_in(&site.mallorys, "other").await, ALICE);
}

#[tokio::test]
async fn an_app_connects_by_what_it_sends_itself() {
    for database in Database::each().await {
        let site = Site::new(&database, "").await;
        site.server.import(BOB, PASSWORD).await;
        let app = site.server.native();
        let form = app.open("registration").await;
        let to = app.submit(&form, json!({ "provider": "other", "traits": { "email": BOB } })).await;
        let mut web_view = site.server.browser();
        for (name, value) in to.cookies() {
            web_view.jar.insert(name, value.expect("a value"));
        }
        let met = web_view.fetch(&site.mallorys.visit(&address(&to))).await;
        let form = Form::of(&met);
        let body = json!({ "method": "password", "identifier": BOB, "password": PASSWORD });
        assert_eq!(app.submit(&form, body).await.status, 200);
        assert_eq!(site.who_signs_in(&site.mallorys, "other").await, BOB);
    }
}
