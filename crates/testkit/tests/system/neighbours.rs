//! One client beside others: whatever it does, they are served.

use axum::body::{Body, Bytes};
use crypto::PoolLimits;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use testkit::{Ask, Database, Form, PASSWORD, Server, Setup};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_network_that_guesses_passwords_turns_away_nobody_else() {
    for database in Database::each().await {
        let pool = PoolLimits { workers: 1, memory_bytes: 1 << 30, queue: 4 };
        let setup = Setup { pool, ..Setup::with("hashers: { bcrypt: { cost: 9 } }") };
        let server = Server::of(&database, setup).await;
        server.import("a@example.org", PASSWORD).await;
        server.import("guessed@example.org", PASSWORD).await;
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
            let email = if is_honest { "a@example.org" } else { "guessed@example.org" };
            let body = json!({ "method": "password", "identifier": email, "password": password });
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hangs_up_takes_no_place_in_the_queue() {
    for database in Database::each().await {
        let pool = PoolLimits { workers: 1, memory_bytes: 1 << 30, queue: 4 };
        let server = Server::of(&database, Setup { pool, ..Setup::with("hashers: { bcrypt: { cost: 11 } }") }).await;
        let form = server.native().open("login").await;
        let guess = || {
            let body = json!({ "method": "password", "identifier": "no-one@example.org", "password": "wrong" });
            form.ask(&server, body).send()
        };
        let mut guesses: JoinSet<_> = (0..12).map(|_| guess()).collect();
        // One is computed, four wait, and the others are turned away at once.
        let first = guesses.join_next().await.expect("one of twelve").expect("no panic");
        assert_eq!(first.status, 429, "{}", first.body);
        guesses.shutdown().await;
        for _ in 0..2 {
            assert_eq!(guess().await.status, 400);
        }
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

/// Whose sessions a list shows, each once, and how many there are.
fn owners(list: &Value) -> (Vec<Value>, usize) {
    let sessions = list.as_array().expect("a list");
    let mut owners: Vec<_> = sessions.iter().map(|session| session["identity"].clone()).collect();
    owners.sort_by_key(Value::to_string);
    owners.dedup();
    (owners, sessions.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_written_in_pieces_and_says_of_each_session_whose_it_is() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let id = server.import("a@example.org", PASSWORD).await;
        server.import("b@example.org", PASSWORD).await;
        // Browsers see these characters escaped, wherever a list is cut.
        let name = "<&\u{2028}>".repeat(25_000);
        let traits = json!({ "email": "a@example.org", "name": name });
        let put = json!({ "schema_id": "person", "state": "active", "traits": traits });
        let put = server.ask_admin("PUT", &format!("/admin/identities/{id}")).json(&put).send().await;
        assert_eq!(put.status, 200, "{}", put.body);
        let mut token = String::new();
        for _ in 0..12 {
            token = server.native().sign_in("a@example.org").await;
        }
        server.native().sign_in("b@example.org").await;

        let own = server.ask("GET", "/sessions?per_page=1000").token(&token).send();
        let of_identity = server.ask_admin("GET", &format!("/admin/identities/{id}/sessions")).send();
        let (own, of_identity) = tokio::join!(own, of_identity);
        for (list, count) in [(&own, 11), (&of_identity, 12)] {
            assert_eq!((list.status, list.header("x-total-count")), (200, count.to_string().as_str()));
            assert!(list.body.starts_with("[{\"id\":") && list.body.ends_with("]}]\n") && !list.body.contains('<'));
            let (identities, sessions) = owners(&list.json());
            assert_eq!((identities.len(), sessions), (1, count));
            assert_eq!((&identities[0]["traits"], &identities[0]["schema_url"]), (&traits, &json!("")));
        }
        let list = server.ask_admin("GET", "/admin/sessions?expand=identity&expand=devices").send().await;
        let (identities, sessions) = owners(&list.json());
        assert_eq!((identities.len(), sessions), (2, 13));
        assert!(identities.iter().any(|identity| identity["traits"] == traits));
        assert!(list.json()[0]["devices"].is_array(), "{}", &list.body[..500]);
        let list = server.ask_admin("GET", "/admin/sessions").send().await;
        assert_eq!(owners(&list.json()), (vec![Value::Null], 13));

        let list = server.ask_admin("GET", "/admin/identities").send().await.json();
        let one = server.ask_admin("GET", &format!("/admin/identities/{id}")).send().await.json();
        let listed = list.as_array().expect("a list").iter().find(|identity| identity["id"] == id.as_str());
        assert_eq!(listed.expect("is listed")["traits"], one["traits"]);
        // Nobody's list is a list.
        let unknown = "/admin/identities/1f2f3f4f-0000-4000-8000-000000000000/sessions";
        assert_eq!(server.ask_admin("GET", unknown).send().await.body, "[]\n");
    }
}
