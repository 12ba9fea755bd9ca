//! Many people at once.

use crypto::PoolLimits;
use serde_json::{Value, json};
use testkit::{Answer, Database, Form, PASSWORD, Server, Setup};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_people_sign_in_at_once() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        for n in 0..8 {
            server.import(&format!("p{n}@example.org"), PASSWORD).await;
        }
        let mut tasks = JoinSet::new();
        for n in 0..64 {
            let server = server.clone();
            // Eight of them are the same person each, so that they meet at the same rows.
            let email = format!("p{}@example.org", n % 8);
            tasks.spawn(async move {
                if n % 2 == 0 {
                    let token = server.native().sign_in(&email).await;
                    assert!(server.accepts(&token).await);
                } else {
                    let mut browser = server.browser();
                    browser.sign_in(&email).await;
                    assert!(browser.is_signed_in().await);
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(database.count("sessions").await, 64);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_signed_up_once_however_many_try() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let mut tasks = JoinSet::new();
        for n in 0..64 {
            let server = server.clone();
            // An address means the same in capital letters.
            let email = if n % 2 == 0 { "one@example.org" } else { "One@Example.org" };
            tasks.spawn(async move { server.native().try_sign_up(email).await });
        }
        let answers = tasks.join_all().await;
        let winners = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(winners, 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!((answer.status, Form::of(answer).messages()), (400, vec![4_000_007]), "{}", answer.body);
        }
        for table in ["identities", "sessions", "identity_verifiable_addresses", "courier_messages"] {
            assert_eq!(database.count(table).await, 1, "{table}");
        }
        assert_eq!(database.count("identity_verification_codes").await, 1);
        assert_eq!(server.native().try_sign_in("one@example.org", PASSWORD).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_sent_many_times_at_once_signs_up_once() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let mut browser = server.browser();
        let form = browser.open("registration").await;
        let mut tasks = JoinSet::new();
        for _ in 0..16 {
            let (mut browser, form) = (browser.clone(), form.clone());
            let body = json!({ "method": "password", "traits": { "email": "a@example.org" }, "password": PASSWORD });
            tasks.spawn(async move { browser.submit(&form, body).await.status });
        }
        let statuses = tasks.join_all().await;
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 200 | 400)), "{statuses:?}");
        assert_eq!(database.count("identities").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_passwords_than_can_be_checked_are_turned_away() {
    for database in Database::each().await {
        let pool = PoolLimits { workers: 1, memory_bytes: 1 << 30, queue: 4 };
        let setup = Setup { pool, ..Setup::with("hashers: { bcrypt: { cost: 9 } }") };
        let server = Server::of(&database, setup).await;
        server.import("a@example.org", PASSWORD).await;
        let mut forms = Vec::new();
        for _ in 0..64 {
            forms.push(server.native().open("login").await);
        }
        let mut tasks = JoinSet::new();
        for form in forms.clone() {
            let native = server.native();
            let body = json!({ "method": "password", "identifier": "a@example.org", "password": PASSWORD });
            tasks.spawn(async move { native.submit(&form, body).await });
        }
        let answers = tasks.join_all().await;
        let with = |status: u16| answers.iter().filter(|answer| answer.status == status).collect::<Vec<&Answer>>();
        assert!(!with(200).is_empty());
        let busy = with(429);
        assert!(!busy.is_empty(), "nobody was turned away");
        assert_eq!(with(200).len() + busy.len(), 64);
        assert_eq!(busy[0].json()["error"]["code"], 429);
        assert!(busy[0].json()["error"]["reason"].is_string(), "{}", busy[0].body);
        // Nothing is lost: the form that was turned away can be sent again.
        let body = json!({ "method": "password", "identifier": "a@example.org", "password": PASSWORD });
        for form in forms.iter().take(8) {
            let again = server.native().submit(form, body.clone()).await;
            assert_eq!(again.status, 200, "{}", again.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_new_passwords_than_can_be_hashed_are_turned_away_and_leave_nothing() {
    for database in Database::each().await {
        // One hash fits into the memory, and four more may wait.
        let argon2 = "hashers: { algorithm: argon2, argon2: { memory: 4MB, iterations: 1, parallelism: 1 } }";
        let pool = PoolLimits { workers: 8, memory_bytes: 4 << 20, queue: 4 };
        let server = Server::of(&database, Setup { pool, ..Setup::with(argon2) }).await;
        let mut forms = Vec::new();
        for _ in 0..64 {
            forms.push(server.native().open("registration").await);
        }
        let send = |n: usize, form: Form| {
            let native = server.native();
            let traits = json!({ "email": format!("p{n}@example.org") });
            let body = json!({ "method": "password", "traits": traits, "password": PASSWORD });
            async move { (n, native.submit(&form, body).await) }
        };
        let mut tasks = JoinSet::new();
        for (n, form) in forms.iter().enumerate() {
            tasks.spawn(send(n, form.clone()));
        }
        let answers = tasks.join_all().await;
        let turned_away: Vec<usize> =
            answers.iter().filter(|(_, answer)| answer.status == 429).map(|(n, _)| *n).collect();
        let made = answers.iter().filter(|(_, answer)| answer.status == 200).count();
        assert!(made >= 5 && !turned_away.is_empty(), "{made} of 64");
        assert_eq!(made + turned_away.len(), 64);
        for table in ["identities", "sessions", "courier_messages"] {
            assert_eq!(database.count(table).await, made as u64, "{table}");
        }
        for n in turned_away.into_iter().take(8) {
            let (_, again) = send(n, forms[n].clone()).await;
            assert_eq!(again.status, 200, "{}", again.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_once_however_many_log_out() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let mut browser = server.browser();
        browser.sign_up("a@example.org").await;
        let other = server.native().sign_in("a@example.org").await;
        let url = browser.logout_url().await;
        let mut tasks = JoinSet::new();
        for _ in 0..16 {
            let (mut browser, url) = (browser.clone(), url.clone());
            tasks.spawn(async move { browser.fetch(&url).await });
        }
        let answers = tasks.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 204) {
            assert_eq!((answer.status, answer.error_id().as_str()), (401, "session_inactive"));
        }
        assert!(!browser.is_signed_in().await && server.accepts(&other).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_happens_meanwhile_brings_a_session_back() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        for round in 0..8 {
            let mut browser = server.browser();
            let session = browser.sign_up(&format!("p{round}@example.org")).await;
            let form = browser.open("login?refresh=true").await;
            let url = browser.logout_url().await;
            let (mut again, mut leaves) = (browser.clone(), browser.clone());
            let body = json!({ "method": "password", "password": PASSWORD,
                "identifier": format!("p{round}@example.org") });
            let extend = server.ask_admin("PATCH", &format!("/admin/sessions/{}/extend", id(&session))).send();
            let (refreshed, extended, left) = tokio::join!(again.submit(&form, body), extend, leaves.fetch(&url));
            assert_eq!(left.status, 204, "{}", left.body);
            assert!(refreshed.status < 500 && extended.status < 500, "{refreshed:?} {extended:?}");
            // A refresh that came too late may have been a sign-in of its own, but this session is over.
            assert!(!browser.is_signed_in().await);
            let shown = server.ask_admin("GET", &format!("/admin/sessions/{}", id(&session))).send().await;
            assert_eq!(shown.json()["active"], false);
        }
    }
}

fn id(session: &Value) -> &str {
    session["id"].as_str().expect("an id")
}
