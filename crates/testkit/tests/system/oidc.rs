//! Signing in with accounts elsewhere, at a provider that may lie.

use std::time::Duration;

use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Browser, Database, Form, Lie, Native, PASSWORD, Provider, Server, Setup};
use tokio::task::JoinSet;

const CALLBACK: &str = "/self-service/methods/oidc/callback/local";
const EMAIL: &str = "alice@example.org";

async fn start(database: &Database, more: &str) -> (Server, Provider) {
    let setup = Setup::default();
    let provider = Provider::start(setup.clock.now()).await;
    let server = Server::of(database, setup.and(&provider.config(more))).await;
    provider.signs_in(json!({ "sub": "alice", "email": EMAIL }));
    (server, provider)
}

/// Presses the provider's button; gives back the address that the provider sends the browser to.
async fn leave(browser: &mut Browser, provider: &Provider, form: &Form) -> String {
    let sent = browser.submit(form, json!({ "method": "oidc", "provider": "local" })).await;
    assert_eq!((sent.status, sent.error_id().as_str()), (422, "browser_location_change_required"), "{}", sent.body);
    provider.visit(sent.json()["redirect_browser_to"].as_str().expect("an address"))
}

async fn sign_in(server: &Server, provider: &Provider) -> (Browser, Answer) {
    let mut browser = server.browser();
    let form = browser.open("login").await;
    let back = leave(&mut browser, provider, &form).await;
    let answer = browser.visit(&back).await;
    (browser, answer)
}

/// The form that a redirect leads to.
async fn shown(browser: &mut Browser, flow: &str, answer: &Answer) -> Form {
    let page = url::Url::parse(answer.header("location")).expect("an address");
    let (_, id) = page.query_pairs().find(|(name, _)| name == "flow").expect("a flow");
    Form::of(&browser.fetch(&format!("/self-service/{flow}/flows?id={id}")).await)
}

#[tokio::test]
async fn somebody_new_signs_up_and_is_known_from_then_on() {
    for database in Database::each().await {
        let (server, provider) = start(&database, "").await;
        let (mut browser, answer) = sign_in(&server, &provider).await;
        assert_eq!((answer.status, answer.header("location")), (303, "http://127.0.0.1:4455/welcome"));
        let session = browser.whoami().await;
        assert_eq!(session["authentication_methods"][0]["provider"], "local");
        assert_eq!(session["identity"]["traits"]["email"], EMAIL);
        let (mut again, _) = sign_in(&server, &provider).await;
        assert_eq!(again.whoami().await["identity"]["id"], session["identity"]["id"]);

        let stored = database
            .texts("SELECT CAST(config AS text) FROM identity_credentials WHERE config IS NOT NULL")
            .await
            .concat();
        assert!(
            stored.contains("initial_access_token") && !stored.contains("\"at\""),
            "tokens are encrypted: {stored}"
        );
        let url = browser.logout_url().await;
        browser.visit(&url).await;
        assert!(!browser.is_signed_in().await && again.is_signed_in().await);
    }
}

#[tokio::test]
async fn an_answer_is_good_for_the_browser_that_left_and_for_one_sign_in() {
    for database in Database::each().await {
        let (server, provider) = start(&database, "").await;
        let mut browser = server.browser();
        let form = browser.open("login").await;
        let before = browser.clone();
        let back = leave(&mut browser, &provider, &form).await;

        for mut thief in [server.browser(), before] {
            let stolen = thief.fetch(&back).await;
            assert_eq!(stolen.status, 400, "{}", stolen.body);
            assert!(!thief.is_signed_in().await);
        }
        let state = back.split("state=").nth(1).expect("a state");
        for bad in [
            CALLBACK.to_owned(),
            format!("{CALLBACK}?code=x&state=00"),
            format!("{CALLBACK}?code=x&state={}", state.chars().rev().collect::<String>()),
            format!("/self-service/methods/oidc/callback/other?code=x&state={state}"),
        ] {
            assert_eq!(browser.fetch(&bad).await.status, 400, "{bad}");
        }
        let mut twin = browser.clone();
        assert_eq!(browser.visit(&back).await.status, 303);
        assert!(browser.is_signed_in().await);
        // Pressing reload is no fault; the same answer in another hand is.
        assert_eq!(browser.visit(&back).await.header("location"), "http://127.0.0.1:4455/welcome");
        let replayed = twin.visit(&back).await;
        assert_eq!(shown(&mut twin, "login", &replayed).await.messages(), [4_000_001]);
        assert!(!twin.is_signed_in().await);
    }
}

#[tokio::test]
async fn a_provider_that_lies_signs_nobody_in() {
    for database in Database::each().await {
        let (server, provider) = start(&database, "").await;
        sign_in(&server, &provider).await;
        for lie in [Lie::Issuer, Lie::Audience, Lie::Expired, Lie::Unsigned, Lie::Signature] {
            provider.lies(lie);
            let (mut browser, answer) = sign_in(&server, &provider).await;
            assert_eq!(answer.status, 303, "{lie:?}");
            assert_eq!(shown(&mut browser, "login", &answer).await.messages(), [4_000_001], "{lie:?}");
            assert!(!browser.is_signed_in().await, "{lie:?}");
        }
        for lie in [Lie::Fails, Lie::Endless, Lie::Nonsense] {
            provider.lies(lie);
            let (mut browser, answer) = sign_in(&server, &provider).await;
            assert!(answer.header("location").starts_with("http://127.0.0.1:4455/error?id="), "{lie:?}: {answer:?}");
            assert!(!browser.is_signed_in().await, "{lie:?}");
        }
    }
}

#[tokio::test]
async fn what_a_provider_says_of_a_sign_in_that_it_declines_stands_on_the_form_as_text() {
    for database in Database::each().await {
        let (server, provider) = start(&database, "").await;
        for flow in ["login", "registration"] {
            let mut browser = server.browser();
            let form = browser.open(flow).await;
            let back = leave(&mut browser, &provider, &form).await;
            let state = back.split("state=").nth(1).expect("a state").split('&').next().expect("a value");
            let words = format!("%3Cb%3EYou%3C/b%3E+are+no+member%0a%e2%80%ae{}", "x".repeat(5000));
            let declined = format!("{CALLBACK}?error=access_denied&error_description={words}&state={state}");
            let answer = browser.visit(&declined).await;
            let form = shown(&mut browser, flow, &answer).await;
            assert_eq!(form.messages(), [4_000_001]);
            let text = form.body["ui"]["messages"][0]["text"].as_str().expect("a text");
            assert!(text.contains("access_denied (<b>You</b> are no member xxx"), "{text}");
            assert!(text.len() < 1000 && !text.contains(['\n', '\u{202e}']), "{text}");
            let page = browser.visit(&format!("/ui/{flow}?flow={}", form.id())).await.body;
            assert!(page.contains("&lt;b&gt;You&lt;") && !page.contains("<b>You"), "{page}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_hangs_holds_up_nobody_else() {
    let database = Database::sqlite().await;
    let (server, provider) = start(&database, "").await;
    let mut browser = server.browser();
    let form = browser.open("login").await;
    let back = leave(&mut browser, &provider, &form).await;
    provider.lies(Lie::Hangs);
    let waiting = async {
        let answer = browser.visit(&back).await;
        assert!(answer.header("location").starts_with("http://127.0.0.1:4455/error?id="), "{answer:?}");
    };
    let others = async {
        let mut other = server.browser();
        tokio::time::timeout(Duration::from_secs(5), other.sign_up("b@example.org")).await.expect("in time");
    };
    tokio::join!(waiting, others);
}

#[tokio::test]
async fn nobody_is_sent_to_a_provider_that_describes_itself_badly() {
    for database in Database::each().await {
        let (server, provider) = start(&database, "").await;
        for lie in [Lie::Fails, Lie::Endless, Lie::Nonsense, Lie::Impostor] {
            provider.lies(lie);
            let mut browser = server.browser();
            let form = browser.open("login").await;
            let sent = browser.submit(&form, json!({ "method": "oidc", "provider": "local" })).await;
            assert!(sent.status >= 400 && sent.json()["redirect_browser_to"].is_null(), "{lie:?}: {}", sent.body);
        }
        // Once it is well, so is everything: its failure is not remembered.
        provider.lies(Lie::None);
        assert!(sign_in(&server, &provider).await.0.is_signed_in().await);
    }
}

/// More than there are connections to the database, so that none can be held meanwhile.
const CROWD: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_waits_for_its_provider_holds_up_nobody_else() {
    for database in Database::each().await {
        let (server, provider) = start(&database, "").await;
        let person = server.native().sign_up("b@example.org").await;
        let mut crowd = JoinSet::new();
        let mut backs = Vec::new();
        for _ in 0..CROWD {
            let mut browser = server.browser();
            let form = browser.open("login").await;
            backs.push((leave(&mut browser, &provider, &form).await, browser));
        }
        provider.lies(Lie::Hangs);
        for (back, mut browser) in backs {
            crowd.spawn(async move { browser.visit(&back).await });
        }
        while provider.hanging() < CROWD {
            assert!(crowd.try_join_next().is_none(), "nobody is answered");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (mut other, native) = (server.browser(), server.native());
        let work = async {
            assert!(server.accepts(&person).await);
            other.sign_up("c@example.org").await;
            native.sign_in("b@example.org").await
        };
        tokio::select! {
            answer = crowd.join_next() => panic!("{answer:?}"),
            token = work => assert!(server.accepts(&token).await),
        }
    }
}

#[tokio::test]
async fn what_the_provider_does_not_say_is_asked_for() {
    for database in Database::each().await {
        let (server, provider) = start(&database, "").await;
        provider.signs_in(json!({ "sub": "nobody-knows" }));
        let (mut browser, answer) = sign_in(&server, &provider).await;
        assert_eq!(answer.status, 302);
        let form = shown(&mut browser, "registration", &answer).await;
        assert_eq!((form.messages(), &form.body["active"]), (vec![4_000_002], &json!("oidc")));
        let body = json!({ "provider": "local", "traits": { "email": "typed@example.org" } });
        let sent = browser.submit(&form, body).await;
        let back = provider.visit(sent.json()["redirect_browser_to"].as_str().expect("an address"));
        browser.visit(&back).await;
        assert_eq!(browser.whoami().await["identity"]["traits"]["email"], "typed@example.org");
    }
}

#[tokio::test]
async fn an_address_that_has_an_account_is_linked_by_its_owner_alone() {
    for database in Database::each().await {
        let (server, provider) = start(&database, "").await;
        server.browser().sign_up(EMAIL).await;
        server.browser().sign_up("mallory@example.org").await;
        let (mut browser, answer) = sign_in(&server, &provider).await;
        assert!(answer.header("location").ends_with("&no_org_ui=true"), "{answer:?}");
        assert!(!browser.is_signed_in().await);
        let form = shown(&mut browser, "login", &answer).await;
        assert_eq!((form.messages(), form.field("provider")), (vec![1_010_016], &Value::Null));
        let other = browser.try_sign_in(&form, "mallory@example.org", PASSWORD).await;
        assert_eq!(Form::of(&other).messages(), [4_010_009]);
        assert!(!browser.is_signed_in().await, "whoever signs in to another account is not signed in at all");
        assert_eq!(browser.try_sign_in(&form, EMAIL, PASSWORD).await.status, 200);
        let methods = browser.whoami().await["authentication_methods"].clone();
        assert_eq!((&methods[0]["method"], &methods[1]["method"]), (&json!("password"), &json!("oidc")));
        let (mut again, _) = sign_in(&server, &provider).await;
        assert_eq!(again.whoami().await["identity"]["traits"]["email"], EMAIL);
    }
}

#[tokio::test]
async fn accounts_are_linked_and_unlinked_in_the_settings() {
    for database in Database::each().await {
        let (server, provider) = start(&database, "").await;
        let mut browser = server.browser();
        browser.sign_up("b@example.org").await;
        let form = browser.open("settings").await;
        let sent = browser.submit(&form, json!({ "link": "local" })).await;
        let back = provider.visit(sent.json()["redirect_browser_to"].as_str().expect("an address"));
        // Somebody else's browser cannot finish it, and nobody does without a session.
        let mut thief = server.browser();
        thief.sign_up("thief@example.org").await;
        assert_eq!(thief.fetch(&back).await.status, 403);
        assert_eq!(server.browser().fetch(&back).await.status, 401);
        assert_eq!(browser.visit(&back).await.status, 303);
        let (mut again, _) = sign_in(&server, &provider).await;
        assert_eq!(again.whoami().await["identity"]["traits"]["email"], "b@example.org");

        let form = browser.open("settings").await;
        assert_eq!(form.field("unlink")["value"], "local");
        assert_eq!(browser.submit(&form, json!({ "unlink": "local" })).await.status, 200);
        let (mut stranger, _) = sign_in(&server, &provider).await;
        assert_eq!(stranger.whoami().await["identity"]["traits"]["email"], EMAIL);
        let form = stranger.open("settings").await;
        assert_eq!(form.field("unlink"), &Value::Null);
        let last = stranger.submit(&form, json!({ "unlink": "local" })).await;
        assert_eq!((last.status, Form::of(&last).messages()), (400, vec![4_000_001]));
    }
}

async fn begin_natively(app: &Native, provider: &Provider) -> (String, String) {
    let form = app.open("login?return_session_token_exchange_code=true&return_to=http://127.0.0.1:4455/app").await;
    let code = form.body["session_token_exchange_code"].as_str().expect("a code").to_owned();
    let body = json!({ "method": "oidc", "provider": "local" });
    let sent = app.server.ask("POST", form.action()).accept_json().json(&body).send().await;
    (code, provider.visit(sent.json()["redirect_browser_to"].as_str().expect("an address")))
}

#[tokio::test]
async fn a_native_app_gets_the_session_of_its_browser() {
    for database in Database::each().await {
        let (server, provider) = start(&database, "").await;
        let app = server.native();
        let (code, back) = begin_natively(&app, &provider).await;
        let mut browser = server.browser();
        let answer = browser.visit(&back).await;
        let to = answer.header("location");
        let second = to.strip_prefix("http://127.0.0.1:4455/app?code=").expect("the app");
        assert!(!browser.is_signed_in().await, "the session is the app's alone");
        // The answer is used up: the provider's code too.
        assert_ne!(server.browser().visit(&back).await.header("location"), to);

        let trade = |first: &str, second: &str| {
            server.ask("GET", &format!("/sessions/token-exchange?init_code={first}&return_to_code={second}"))
        };
        assert_eq!(trade(&code, "x").send().await.status, 404);
        let traded = trade(&code, second).send().await;
        let token = traded.json()["session_token"].as_str().expect("a token").to_owned();
        assert!(server.accepts(&token).await);
        assert_eq!(trade(&code, second).send().await.status, 404, "the codes are good once");

        // Two apps cannot swap their answers.
        let (_, first) = begin_natively(&app, &provider).await;
        let (_, second) = begin_natively(&app, &provider).await;
        let (_, state) = first.split_once("state=").expect("a state");
        let (address, _) = second.split_once("state=").expect("a state");
        let mixed = server.browser().visit(&format!("{address}state={state}")).await;
        assert_eq!((mixed.status, mixed.header("location")), (500, ""), "{}", mixed.body);
    }
}

#[tokio::test]
async fn userinfo_has_to_be_about_the_same_person() {
    let database = Database::sqlite().await;
    let (server, provider) = start(&database, ", claims_source: userinfo, pkce: force").await;
    let mut browser = server.browser();
    let form = browser.open("login").await;
    let back = leave(&mut browser, &provider, &form).await;
    assert!(back.starts_with("http://127.0.0.1:4433/self-service/methods/oidc/callback?"), "{back}");
    provider.signs_in(json!({ "sub": "bob", "email": "bob@example.org" }));
    let answer = browser.visit(&back).await;
    assert_eq!(shown(&mut browser, "login", &answer).await.messages(), [4_000_001]);
    assert!(!browser.is_signed_in().await);
    let (mut bob, _) = sign_in(&server, &provider).await;
    assert_eq!(bob.whoami().await["identity"]["traits"]["email"], "bob@example.org");
}

/// A token of the visitor's own choice would sign them in to an account that is not theirs.
#[tokio::test]
async fn an_id_token_is_taken_from_the_browsers_own_form_only() {
    let database = Database::sqlite().await;
    let (server, _provider) = start(&database, "").await;
    for flow in ["login", "registration"] {
        let mut browser = server.browser();
        let form = browser.open(flow).await;
        let body = json!({ "method": "oidc", "provider": "local", "id_token": "a.b.c" });
        let forged = browser.send(server.ask("POST", form.action()).accept_json().json(&body)).await;
        assert_eq!((forged.status, forged.error_id().as_str()), (403, "security_csrf_violation"), "{}", forged.body);
        // This provider's are not accepted at all, which is as far as the right form comes.
        assert_eq!(browser.submit(&form, body.clone()).await.status, 502);
        let app = server.native();
        assert_eq!(app.submit(&app.open(flow).await, body).await.status, 502);
    }
}

#[tokio::test]
async fn who_is_asked_anew_signs_in_anew_at_the_provider() {
    for database in Database::each().await {
        for more in ["", ", claims_source: userinfo"] {
            let (server, provider) = start(&database, more).await;
            let (mut browser, _) = sign_in(&server, &provider).await;
            let before = browser.whoami().await["authentication_methods"].as_array().map(Vec::len);
            server.wait(SignedDuration::from_mins(30));
            let now = server.setup.clock.now().as_second();
            let form = browser.open("login?refresh=true").await;
            for (auth_time, is_good) in
                [(Some(now - 1800), false), (Some(now - 61), false), (Some(now), true), (None, true)]
            {
                let mut claims = json!({ "sub": "alice", "email": EMAIL });
                if let Some(time) = auth_time {
                    claims["auth_time"] = time.into();
                }
                provider.signs_in(claims);
                let back = leave(&mut browser, &provider, &form).await;
                // What is said in another place proves nothing.
                if more.contains("userinfo") {
                    provider.signs_in(json!({ "sub": "alice", "email": EMAIL, "auth_time": now }));
                }
                let answer = browser.visit(&back).await;
                let methods = browser.whoami().await["authentication_methods"].as_array().map(Vec::len);
                if is_good {
                    assert_eq!(answer.header("location"), "http://127.0.0.1:4455/welcome");
                    assert!(methods > before, "{methods:?}");
                } else {
                    assert_eq!(shown(&mut browser, "login", &answer).await.messages()[0], 4_000_001);
                    assert_eq!(methods, before);
                }
            }
        }
    }
}

#[tokio::test]
async fn what_a_provider_sends_as_a_form_is_bounded() {
    let database = Database::sqlite().await;
    let (server, _provider) = start(&database, "").await;
    let send = |body: String| server.ask("POST", CALLBACK).body("application/x-www-form-urlencoded", body).send();
    let passed_on = send("state=x&code=y&code=z".to_owned()).await;
    assert_eq!(
        (passed_on.status, passed_on.header("location")),
        (302, format!("http://127.0.0.1:4433{CALLBACK}?code=z&state=x").as_str())
    );
    let many: String = (0..100_000).map(|n| format!("{n}&")).collect();
    assert_eq!(send(many).await.status, 413);
}

#[tokio::test]
async fn an_id_token_belongs_to_the_sign_in_that_asked_for_it() {
    const ASKS: &str = ", pkce: never, zelus_nonce: true";
    for database in Database::each().await {
        let (server, provider) = start(&database, ASKS).await;
        let (mut browser, _) = sign_in(&server, &provider).await;
        assert!(browser.is_signed_in().await);
        for lie in [Lie::Nonce, Lie::NoNonce] {
            provider.lies(lie);
            let (mut browser, answer) = sign_in(&server, &provider).await;
            assert_eq!(shown(&mut browser, "login", &answer).await.messages(), [4_000_001], "{lie:?}");
            assert!(!browser.is_signed_in().await);
        }
        provider.lies(Lie::None);
        // Somebody who got hold of another's code hands it in with a state of their own.
        let (mut alice, mut mallory) = (server.browser(), server.browser());
        let form = alice.open("login").await;
        let stolen = leave(&mut alice, &provider, &form).await;
        let form = mallory.open("login").await;
        let own = leave(&mut mallory, &provider, &form).await;
        let code = |back: &str| back.split("code=").nth(1).and_then(|rest| rest.split('&').next()).map(str::to_owned);
        let injected = own.replace(&code(&own).expect("a code"), &code(&stolen).expect("a code"));
        let answer = mallory.visit(&injected).await;
        assert_eq!(shown(&mut mallory, "login", &answer).await.messages(), [4_000_001]);
        assert!(!mallory.is_signed_in().await);
    }
}

#[tokio::test]
async fn a_nonce_is_sent_where_it_is_asked_for() {
    let database = Database::sqlite().await;
    let zelus = "zelus: { defaults: zelus }";
    for (more, defaults, is_sent) in [
        ("", "{}", false),
        (", zelus_nonce: true", "{}", true),
        ("", zelus, true),
        (", zelus_nonce: false", zelus, false),
    ] {
        let (server, _provider) = start(&database, more).await;
        let server = server.another(&database, defaults).await;
        let mut browser = server.browser();
        let form = browser.open("login").await;
        let sent = browser.submit(&form, json!({ "method": "oidc", "provider": "local" })).await;
        let to = sent.json()["redirect_browser_to"].as_str().expect("an address").to_owned();
        assert_eq!(to.contains("&nonce="), is_sent, "{more} {defaults}");
    }
}

#[tokio::test]
async fn a_session_knows_how_well_the_provider_knows_who_it_is() {
    for database in Database::each().await {
        let (server, provider) = start(&database, "").await;
        let long = "x".repeat(256);
        for (said, kept) in [(json!("phr"), json!("phr")), (json!(long), json!(null)), (json!(["phr"]), json!(null))] {
            provider.signs_in(json!({ "sub": "alice", "email": EMAIL, "acr": said }));
            let (mut browser, _) = sign_in(&server, &provider).await;
            let session = browser.whoami().await;
            assert_eq!(
                (&session["authentication_methods"][0]["method"], &session["authentication_methods"][0]["acr"]),
                (&json!("oidc"), &kept)
            );
        }
    }
}
