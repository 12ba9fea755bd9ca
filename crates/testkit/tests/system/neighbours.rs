//! One client beside others: whatever it does, they are served.

use axum::body::{Body, Bytes};
use crypto::PoolLimits;
use futures_util::{StreamExt, stream};
use serde_json::json;
use testkit::{Ask, Database, Form, PASSWORD, Server, Setup};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_network_that_guesses_passwords_turns_away_nobody_else() {
    for database in Database::each().await {
        let pool = PoolLimits { workers: 1, memory_bytes: 1 << 30, queue: 4 };
        let setup = Setup { pool, ..Setup::with("hashers: { bcrypt: { cost: 9 } }") };
        let server = Server::of(&database, setup).await;
        server.import("a@example.org", PASSWORD).await;
        let mut forms = Vec::new();
        for _ in 0..72 {
            forms.push(server.native().open("login").await);
        }
        let mut tasks = JoinSet::new();
        for (n, form) in forms.iter().enumerate() {
            // Eight honest people, each from a network of their own, among 64 guesses from one.
            let is_honest = n % 9 == 8;
            let address = if is_honest { format!("203.0.{n}.1") } else { format!("192.0.2.{n}, 10.0.0.1") };
            let password = if is_honest { PASSWORD } else { "not-the-passw0rd" };
            let body = json!({ "method": "password", "identifier": "a@example.org", "password": password });
            let ask = form.ask(&server, body).header("x-forwarded-for", address);
            tasks.spawn(async move { (is_honest, ask.send().await.status) });
        }
        let answers = tasks.join_all().await;
        let count = |answer: (bool, u16)| answers.iter().filter(|other| **other == answer).count();
        assert_eq!(count((true, 200)), 8, "{answers:?}");
        assert!(count((false, 429)) > 0, "{answers:?}");
        assert_eq!(count((false, 400)) + count((false, 429)), 64, "{answers:?}");
    }
}

/// A form that never ends, of which so many bytes have come.
fn unfinished(form: &Form, server: &Server, bytes: usize) -> Ask {
    let beginning = Ok::<_, std::io::Error>(Bytes::from(vec![b' '; bytes]));
    let body = Body::from_stream(stream::iter([beginning]).chain(stream::pending()));
    server.ask("POST", form.action()).body("application/json", body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_never_end_take_a_part_of_the_memory_and_turn_away_nobody_else() {
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with("zelus: { limits: { bodies: 256KB } }")).await;
        server.import("a@example.org", PASSWORD).await;
        let form = server.native().open("login").await;
        let mut slow = JoinSet::new();
        for n in 0..8 {
            let ask = unfinished(&form, &server, 60_000).header("x-forwarded-for", format!("192.0.2.{n}"));
            slow.spawn(ask.send());
        }
        // One of them finds room. The others are turned away, and told when to come again.
        for _ in 0..7 {
            let answer = slow.join_next().await.expect("one of eight").expect("no panic");
            assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{}", answer.body);
        }
        let large = |address: &str| {
            let body = json!({ "method": "password", "identifier": "x".repeat(60_000), "password": PASSWORD });
            form.ask(&server, body).header("x-forwarded-for", address).send()
        };
        assert_eq!(large("192.0.2.9").await.status, 503);
        // What others send is read, and so is an ordinary form of that network.
        assert_eq!(large("203.0.113.1").await.status, 400);
        let sign_in = json!({ "method": "password", "identifier": "a@example.org", "password": PASSWORD });
        let honest = form.ask(&server, sign_in).header("x-forwarded-for", "192.0.2.9").send().await;
        assert_eq!(honest.status, 200, "{}", honest.body);
        // Once the slow one has hung up, there is room again; and whoever has been answered holds none.
        slow.shutdown().await;
        for _ in 0..8 {
            assert_ne!(large("192.0.2.9").await.status, 503);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_are_as_large_as_they_need_to_be_and_operators_send_more() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let form = server.native().open("login").await;
        let login = |bytes| json!({ "method": "password", "identifier": "x".repeat(bytes), "password": PASSWORD });
        for (server, bytes, status) in [
            (server.clone(), 500_000, 400),
            (server.clone(), 600_000, 413),
            (server.another(&database, "zelus: { limits: { traits: 128KB } }").await, 600_000, 400),
        ] {
            assert_eq!(form.ask(&server, login(bytes)).send().await.status, status, "{bytes}");
        }
        let name = "n".repeat(1_000_000);
        let identity = json!({ "schema_id": "person", "traits": { "email": "a@example.org", "name": name } });
        let created = server.ask_admin("POST", "/admin/identities").json(&identity).send().await;
        assert_ne!(created.status, 413, "{}", created.body);
    }
}
