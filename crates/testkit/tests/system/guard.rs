//! Guessing costs more than it brings, and keeps nobody out of their own account.

use crypto::TotpSecret;
use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Browser, Database, Form, PASSWORD, Server, Setup};
use tokio::task::JoinSet;

use crate::codes::{self, EMAIL, MITIGATE, PASSWORDLESS};
use crate::logout::give_totp;

/// A password that is nobody's.
const WRONG: &str = "not-the-password-of-anybody";
/// What a form says that nothing may be tried.
const RESTING: u64 = 4_900_001;
const CODES: &str = "selfservice: { methods: { link: { enabled: true } }, \
                     flows: { recovery: { enabled: true, use: code }, verification: { enabled: true, use: code } } }";

/// The messages of a form; none of an answer that is no form.
fn says(answer: &Answer) -> Vec<u64> {
    if answer.json()["ui"].is_null() { Vec::new() } else { Form::of(answer).messages() }
}

fn is_resting(answer: &Answer) -> bool {
    let is = says(answer).contains(&RESTING);
    if is {
        let seconds: u64 = answer.header("retry-after").parse().expect("seconds");
        assert!((1..=86_400).contains(&seconds) && answer.status == 400, "{}", answer.body);
    }
    is
}

/// Guesses at somebody's password until nothing may be tried. Gives back how many guesses were looked at.
async fn exhaust(server: &Server, email: &str) -> usize {
    for guesses in 0..200 {
        if is_resting(&server.native().try_sign_in(email, WRONG).await) {
            return guesses;
        }
    }
    panic!("somebody may guess for ever");
}

#[tokio::test]
async fn passwords_cannot_be_guessed_for_long_by_anybody_of_anybody() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        server.import(EMAIL, PASSWORD).await;
        let mut seen = Vec::new();
        for email in [EMAIL, "no-one@example.org"] {
            let mut answers = Vec::new();
            for _ in 0..13 {
                let answer = server.native().try_sign_in(email, WRONG).await;
                let headers = answer.header("retry-after").to_owned();
                answers.push((answer.status, headers, Form::of(&answer).without_chance().replace(email, "*")));
            }
            seen.push(answers);
        }
        assert_eq!(seen[0], seen[1], "known and unknown accounts are told apart");
        assert_eq!(seen[0].iter().filter(|(_, retry_after, _)| retry_after.is_empty()).count(), 10);
        // Case and blanks make no other account, and neither does an address that the client makes up.
        assert!(is_resting(&server.native().try_sign_in(&format!(" {}", EMAIL.to_uppercase()), PASSWORD).await));
        for n in 0..20 {
            let form = server.native().open("login").await;
            let body = json!({ "method": "password", "identifier": EMAIL, "password": PASSWORD });
            let forged = format!("198.51.{n}.7, 2001:db8:{n}::1");
            assert!(is_resting(&form.ask(&server, body).header("x-forwarded-for", forged).send().await));
        }
        // Each further failure doubles the rest; a success ends it all.
        for rest in [5, 10, 20] {
            server.wait(SignedDuration::from_secs(rest));
            assert_eq!(says(&server.native().try_sign_in(EMAIL, WRONG).await), [4_000_006]);
            server.wait(SignedDuration::from_secs(rest));
            assert!(is_resting(&server.native().try_sign_in(EMAIL, PASSWORD).await));
        }
        server.wait(SignedDuration::from_secs(40));
        assert_eq!(server.native().try_sign_in(EMAIL, PASSWORD).await.status, 200);
        assert_eq!(exhaust(&server, EMAIL).await, 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_people_sign_in_to_one_account_from_many_places_at_once() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        server.import(EMAIL, PASSWORD).await;
        let mut tasks = JoinSet::new();
        for _ in 0..48 {
            let native = server.native();
            tasks.spawn(async move { native.try_sign_in(EMAIL, PASSWORD).await.status });
        }
        assert!(tasks.join_all().await.into_iter().all(|status| status == 200));
    }
}

async fn sign_out(browser: &mut Browser) {
    let url = browser.logout_url().await;
    assert_eq!(browser.visit(&url).await.status, 303);
}

#[tokio::test]
async fn the_owner_is_not_kept_out_by_others() {
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(CODES)).await;
        server.import(EMAIL, PASSWORD).await;
        server.import("other@example.org", PASSWORD).await;
        let mut owner = server.browser();
        let planted = server.browser();
        for email in [EMAIL, "other@example.org"] {
            owner.sign_in(email).await;
            sign_out(&mut owner).await;
        }
        // A form that another site sends renews the cookie.
        let form = owner.open("recovery").await;
        let forged = server.ask("POST", form.action()).accept_json();
        let forged = forged.json(&json!({ "method": "code", "email": EMAIL, "csrf_token": "forged" }));
        assert_eq!(owner.send(forged).await.status, 403);
        exhaust(&server, EMAIL).await;

        for (browser, may) in [(&mut server.browser(), false), (&mut planted.clone(), false), (&mut owner, true)] {
            let form = browser.open("login").await;
            let answer = browser.try_sign_in(&form, EMAIL, PASSWORD).await;
            assert_eq!((answer.status == 200, is_resting(&answer)), (may, !may), "{}", answer.body);
        }
        // Both accounts know the browser still, however often its cookie was renewed.
        sign_out(&mut owner).await;
        exhaust(&server, "other@example.org").await;
        let form = owner.open("login").await;
        assert_eq!(owner.try_sign_in(&form, "other@example.org", PASSWORD).await.status, 200);
        // It has a budget of its own, not an endless one.
        sign_out(&mut owner).await;
        let form = owner.open("login").await;
        let mut guesses = 0;
        while !is_resting(&owner.try_sign_in(&form, EMAIL, WRONG).await) {
            guesses += 1;
        }
        assert_eq!(guesses, 10);
    }
}

#[tokio::test]
async fn a_browser_in_which_somebody_else_signs_up_is_known_to_its_first_owner_still() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        server.import(EMAIL, PASSWORD).await;
        let mut browser = server.browser();
        browser.sign_in(EMAIL).await;
        sign_out(&mut browser).await;
        browser.sign_up("other@example.org").await;
        sign_out(&mut browser).await;
        for email in [EMAIL, "other@example.org"] {
            exhaust(&server, email).await;
            let form = browser.open("login").await;
            assert_eq!(browser.try_sign_in(&form, email, PASSWORD).await.status, 200, "{email}");
            sign_out(&mut browser).await;
        }
    }
}

#[tokio::test]
async fn a_cookie_that_somebody_planted_makes_no_known_browser() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        server.import(EMAIL, PASSWORD).await;
        let mut attacker = server.browser();
        attacker.open("login").await;
        let mut victim = attacker.clone();
        victim.sign_in(EMAIL).await;
        exhaust(&server, EMAIL).await;
        let form = attacker.open("login").await;
        assert!(is_resting(&attacker.try_sign_in(&form, EMAIL, PASSWORD).await));
    }
}

#[tokio::test]
async fn an_app_is_known_by_its_last_session_and_by_its_address() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        server.import(EMAIL, PASSWORD).await;
        let sign_in = async |address: &str, token: Option<&str>| {
            let form = server.native().open("login").await;
            let body = json!({ "method": "password", "identifier": EMAIL, "password": PASSWORD });
            let ask = form.ask(&server, body).header("x-forwarded-for", address);
            match token {
                Some(token) => ask.token(token).send().await,
                None => ask.send().await,
            }
        };
        let token = sign_in("192.0.2.1", None).await.json()["session_token"].as_str().expect("one").to_owned();
        assert_eq!(server.native().log_out(&token).await.status, 204);
        exhaust(&server, EMAIL).await;
        assert!(is_resting(&sign_in("192.0.2.2", None).await));
        assert!(is_resting(&sign_in("192.0.2.2", Some("ory_st_of_nobody")).await));
        assert_eq!(sign_in("192.0.2.2", Some(&token)).await.status, 200, "the session is over, and says who it was");
        assert_eq!(sign_in("192.0.2.1", None).await.status, 200);
        server.wait(SignedDuration::from_hours(24 * 31));
        exhaust(&server, EMAIL).await;
        assert!(is_resting(&sign_in("192.0.2.1", None).await), "others may have the address by now");
    }
}

const SECOND_FACTORS: &str = "selfservice: { methods: { totp: { enabled: true }, lookup_secret: { enabled: true } } }";

/// A browser that has shown the first factor, at the form for the second.
async fn at_the_second_step(server: &Server) -> (Browser, Form) {
    let mut browser = server.browser();
    let form = second_step_of(&mut browser).await;
    (browser, form)
}

async fn second_step_of(browser: &mut Browser) -> Form {
    let form = browser.open("login").await;
    browser.try_sign_in(&form, EMAIL, PASSWORD).await;
    Form::of(&browser.fetch("/self-service/login/browser?aal=aal2").await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_the_password_cannot_guess_the_second_factor() {
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(SECOND_FACTORS)).await;
        let identity = server.import(EMAIL, PASSWORD).await;
        give_totp(&database, &identity).await;
        let secret = TotpSecret::from_base32("JBSWY3DPEHPK3PXP").expect("base32");
        let right = || json!({ "method": "totp", "totp_code": secret.code_at(server.setup.clock.now()) });
        let (mut owner, form) = at_the_second_step(&server).await;
        assert_eq!(owner.submit(&form, right()).await.status, 200);

        // In many browsers at once, each of which has signed in with the password.
        let mut thieves = Vec::new();
        for _ in 0..6 {
            thieves.push(at_the_second_step(&server).await);
        }
        let mut tasks = JoinSet::new();
        for (browser, form) in &thieves {
            for n in 0..10 {
                let (mut browser, form) = (browser.clone(), form.clone());
                let body = json!({ "method": "totp", "totp_code": format!("{:06}", 7 * n) });
                tasks.spawn(async move { browser.submit(&form, body).await });
            }
        }
        let answers = tasks.join_all().await;
        let looked_at = answers.iter().filter(|answer| says(answer) == [4_000_008]).count();
        assert!(looked_at <= 10, "{looked_at} guesses were looked at");
        server.wait(SignedDuration::from_secs(1));
        let (browser, form) = &mut thieves[0];
        assert!(is_resting(&browser.submit(form, right()).await));
        // The rests grow until next to nothing is left.
        let mut day = 0;
        for _ in 0..24 * 60 {
            server.wait(SignedDuration::from_mins(1));
            let (mut browser, form) = at_the_second_step(&server).await;
            day += u32::from(!is_resting(
                &browser.submit(&form, json!({ "method": "totp", "totp_code": "000000" })).await,
            ));
            if day > 60 {
                break;
            }
        }
        assert!(day < 40, "{day} guesses in a day");

        let form = second_step_of(&mut owner).await;
        assert_eq!(owner.submit(&form, right()).await.status, 200, "the owner goes on where they were before");
    }
}

/// Asks for a code to win back access, and gives back the answer.
async fn ask_for_code(server: &Server, email: &str) -> (Form, Answer) {
    let form = server.native().open("recovery").await;
    let answer = server.native().submit(&form, json!({ "method": "code", "email": email })).await;
    (form, answer)
}

#[tokio::test]
async fn forms_without_number_give_no_more_tries_at_recovery_codes() {
    for database in Database::each().await {
        let server = codes::server(&database, &[CODES]).await;
        server.import(EMAIL, PASSWORD).await;
        let mut seen = Vec::new();
        for email in [EMAIL, "no-one@example.org"] {
            let mut answers = Vec::new();
            for _ in 0..4 {
                let (form, asked) = ask_for_code(&server, email).await;
                assert_eq!(asked.status, 200, "{}", asked.body);
                for _ in 0..4 {
                    let guess = json!({ "method": "code", "code": "000000" });
                    let answer = server.native().submit(&form, guess).await;
                    answers.push((answer.status, says(&answer), answer.header("retry-after").to_owned()));
                }
            }
            seen.push(answers);
        }
        assert_eq!(seen[0], seen[1], "known and unknown addresses are told apart");
        assert_eq!(seen[0].iter().filter(|(_, said, _)| *said == [4_060_006]).count(), 10);
        // Not even the right code is taken before the rest is over.
        server.wait(SignedDuration::from_secs(1));
        let (form, _) = ask_for_code(&server, EMAIL).await;
        let right = json!({ "method": "code", "code": codes::code(&server, &database, EMAIL).await });
        assert!(is_resting(&server.native().submit(&form, right.clone()).await));
        server.wait(SignedDuration::from_secs(5));
        let answer = server.native().submit(&form, right).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
    }
}

#[tokio::test]
async fn an_address_gets_so_many_messages_an_hour() {
    for database in Database::each().await {
        let server = codes::server(&database, &[CODES, PASSWORDLESS, MITIGATE]).await;
        server.import(EMAIL, PASSWORD).await;
        let ask = async |email: &str| {
            let (_, recovery) = ask_for_code(&server, email).await;
            let form = server.native().open("login").await;
            let login = server.native().submit(&form, json!({ "method": "code", "identifier": email })).await;
            [recovery, login].map(|answer| (answer.status, Form::of(&answer).without_chance().replace(email, "*")))
        };
        let first = ask(EMAIL).await;
        for _ in 0..14 {
            assert_eq!(ask(EMAIL).await, first, "the answer tells that nothing was sent");
            assert_eq!(ask("no-one@example.org").await, first);
        }
        assert_eq!(database.count("courier_messages").await, 20);
        // The last code that was sent is good.
        server.wait(SignedDuration::from_hours(1));
        let form = server.native().open("login").await;
        server.native().submit(&form, json!({ "method": "code", "identifier": EMAIL })).await;
        assert_eq!(database.count("courier_messages").await, 21);
        let code = codes::code(&server, &database, EMAIL).await;
        for _ in 0..25 {
            ask_for_code(&server, EMAIL).await;
        }
        assert_eq!(database.count("courier_messages").await, 40);
        server.native().submit(&form, json!({ "method": "code", "identifier": EMAIL, "resend": "code" })).await;
        let enter = json!({ "method": "code", "identifier": EMAIL, "code": code });
        assert_eq!(server.native().submit(&form, enter).await.status, 200);
    }
}

/// Something that can be tried: `wrong` again and again, and at last what would be `right`.
struct Way {
    name: &'static str,
    tried: Vec<(Form, Value)>,
    right: (Form, Value),
}

#[tokio::test]
async fn limited_means_limited_on_every_path() {
    const LEAST: &str = "zelus: { guard: { failures: 3 } }";
    for database in Database::each().await {
        let server = codes::server(&database, &[CODES, PASSWORDLESS, SECOND_FACTORS, LEAST]).await;
        let native = server.native();
        server.import(EMAIL, PASSWORD).await;
        let form = native.open("registration").await;
        native
            .submit(
                &form,
                json!({ "method": "password", "traits": { "email": "b@example.org" }, "password": PASSWORD }),
            )
            .await;
        server.wait(SignedDuration::from_secs(1));
        let mut ways = Vec::new();

        let password = |password: &str| json!({ "method": "password", "identifier": EMAIL, "password": password });
        let form = native.open("login").await;
        let tried = vec![(form.clone(), password(WRONG)); 3];
        ways.push(Way { name: "password", tried, right: (form, password(PASSWORD)) });

        let form = native.open("login").await;
        native.submit(&form, json!({ "method": "code", "identifier": "b@example.org" })).await;
        let sent = codes::code(&server, &database, "b@example.org").await;
        let code = |code: &str| json!({ "method": "code", "identifier": "b@example.org", "code": code });
        ways.push(Way { name: "code", tried: vec![(form.clone(), code("000000")); 3], right: (form, code(&sent)) });

        let traits = json!({ "email": "new@example.org" });
        let form = native.open("registration").await;
        native.submit(&form, json!({ "method": "code", "traits": traits })).await;
        let sent = codes::code(&server, &database, "new@example.org").await;
        let code = |code: &str| json!({ "method": "code", "traits": traits, "code": code });
        ways.push(Way {
            name: "signing up",
            tried: vec![(form.clone(), code("000000")); 3],
            right: (form, code(&sent)),
        });

        for flow in ["recovery", "verification"] {
            let form = native.open(flow).await;
            native.submit(&form, json!({ "method": "code", "email": EMAIL })).await;
            let sent = codes::code(&server, &database, EMAIL).await;
            let code = |code: &str| json!({ "method": "code", "code": code });
            ways.push(Way { name: flow, tried: vec![(form.clone(), code("000000")); 3], right: (form, code(&sent)) });
        }
        for Way { name, tried, right: (form, right) } in ways {
            for (form, wrong) in tried {
                let answer = native.submit(&form, wrong).await;
                assert!(!is_resting(&answer), "{name}: {}", answer.body);
            }
            let answer = native.submit(&form, right.clone()).await;
            assert!(is_resting(&answer), "{name}: {}", answer.body);
            server.wait(SignedDuration::from_secs(5));
            let answer = native.submit(&form, right).await;
            assert!(
                !is_resting(&answer) && !says(&answer).iter().any(|id| (4_000_000..5_000_000).contains(id)),
                "{name}: {}",
                answer.body
            );
        }
        let exchange = "/sessions/token-exchange?init_code=made-up&return_to_code=made-up";
        for status in [404, 404, 404, 429] {
            let answer = server.ask("GET", exchange).send().await;
            assert_eq!((answer.status, answer.header("retry-after").is_empty()), (status, status != 429));
        }
    }
}

#[tokio::test]
async fn links_are_limited_too() {
    const BY_LINK: &str = "selfservice: { flows: { recovery: { use: link }, verification: { use: link } } }";
    const LEAST: &str = "zelus: { guard: { failures: 3 } }";
    for database in Database::each().await {
        let server = codes::server(&database, &[CODES, BY_LINK, LEAST]).await;
        let native = server.native();
        server.import(EMAIL, PASSWORD).await;
        for flow in ["recovery", "verification"] {
            let form = native.open(flow).await;
            native.submit(&form, json!({ "method": "link", "email": EMAIL })).await;
            let sent = database.texts("SELECT body FROM courier_messages ORDER BY created_at DESC").await.remove(0);
            server.wait(SignedDuration::from_secs(1));
            let token = sent.split("token=").nth(1).expect("a link").chars().take_while(char::is_ascii_alphanumeric);
            let right = json!({ "method": "link", "token": token.collect::<String>() });
            for _ in 0..3 {
                let answer = native.submit(&form, json!({ "method": "link", "token": "x".repeat(32) })).await;
                assert!(!is_resting(&answer), "{flow}: {}", answer.body);
            }
            assert!(is_resting(&native.submit(&form, right.clone()).await), "{flow}");
            server.wait(SignedDuration::from_secs(5));
            let answer = native.submit(&form, right).await;
            assert!(!is_resting(&answer) && answer.status < 400, "{flow}: {} {}", answer.status, answer.body);
        }
    }
}

#[tokio::test]
async fn operators_see_who_is_held_up_and_let_them_go_on() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let identity = server.import(EMAIL, PASSWORD).await;
        exhaust(&server, EMAIL).await;
        let of = format!("/admin/zelus/guard?identity={identity}");
        for path in ["/admin/zelus/guard", &of] {
            let rows = server.ask_admin("GET", path).send().await;
            assert_eq!(rows.json()[0]["kind"], "password", "{}", rows.body);
            assert_eq!((&rows.json()[0]["failures"], &rows.json()[0]["known_device"]), (&json!(10), &json!(false)));
            assert!(!rows.body.contains(EMAIL) && !rows.body.contains(&identity));
        }
        assert_eq!(server.ask_admin("DELETE", "/admin/zelus/guard").send().await.status, 400);
        let nobody = of.replace(&identity[..8], "00000000");
        assert_eq!(server.ask_admin("DELETE", &nobody).send().await.status, 404);
        assert_eq!(server.ask_admin("DELETE", &of).send().await.json(), json!({ "cleared": 1 }));
        assert_eq!(server.native().try_sign_in(EMAIL, PASSWORD).await.status, 200);
        exhaust(&server, EMAIL).await;
        assert_eq!(server.ask_admin("DELETE", "/admin/zelus/guard?all=true").send().await.status, 200);
        assert_eq!(server.native().try_sign_in(EMAIL, PASSWORD).await.status, 200);
    }
}

#[tokio::test]
async fn without_the_guard_nobody_is_held_up() {
    for database in Database::each().await {
        let off = Server::of(&database, Setup::with("zelus: { guard: { enabled: false } }")).await;
        off.import(EMAIL, PASSWORD).await;
        // A database that Kratos migrated lacks the table, and people sign in and out all the same.
        let lacking = off.another(&database, "zelus: { guard: { enabled: true } }").await;
        database.run("DROP TABLE zelus_guard").await;
        for server in [off, lacking] {
            for _ in 0..12 {
                assert_eq!(says(&server.native().try_sign_in(EMAIL, WRONG).await), [4_000_006]);
            }
            let mut browser = server.browser();
            browser.sign_in(EMAIL).await;
            sign_out(&mut browser).await;
            server.clean_up().await;
        }
    }
}
