//! Signing in with a password.

use crypto::{Hasher, PoolLimits};
use serde_json::json;
use testkit::{Database, Form, PASSWORD, Server, Setup};

#[tokio::test]
async fn nobody_learns_which_addresses_have_an_account() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        server.import("known@example.org", PASSWORD).await;
        let passwordless = json!({ "schema_id": "person", "traits": { "email": "bare@example.org" } });
        assert_eq!(server.ask_admin("POST", "/identities").json(&passwordless).send().await.status, 201);

        let mut native = Vec::new();
        let mut browser = Vec::new();
        for email in ["known@example.org", "bare@example.org", "no-one@example.org"] {
            let answer = server.native().try_sign_in(email, "not-the-passw0rd").await;
            assert_eq!((answer.status, Form::of(&answer).messages()), (400, vec![4_000_006]));
            native.push(Form::of(&answer).without_chance().replace(email, "*"));
            let mut visitor = server.browser();
            let form = visitor.open("login").await;
            let answer = visitor.try_sign_in(&form, email, "not-the-passw0rd").await;
            let names: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
            browser.push((Form::of(&answer).without_chance().replace(email, "*"), names));
        }
        assert!(native.iter().all(|answer| *answer == native[0]), "{native:#?}");
        assert!(browser.iter().all(|answer| *answer == browser[0]), "{browser:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_address_costs_a_hash_like_a_known_one() {
    for database in Database::each().await {
        let setup = Setup { pool: PoolLimits { workers: 1, memory_bytes: 1 << 30, queue: 0 }, ..Setup::default() };
        let server = Server::of(&database, setup).await;
        server.import("known@example.org", PASSWORD).await;
        let emails = ["known@example.org", "no-one@example.org"];
        let mut forms = Vec::new();
        for _ in emails {
            forms.push(server.native().open("login").await);
        }
        // One long hash takes all the room there is, so whoever needs one is turned away, and nobody else.
        let runtime = server.app.site().runtime.clone();
        let (entropy, password) = (server.app.entropy().clone(), PASSWORD.into());
        let hasher = Hasher::Bcrypt { cost: 14 };
        let long = runtime.identities.pool().hash(&hasher, &entropy, &password);
        let rivals = async {
            // The long hash has begun when it was polled once.
            tokio::task::yield_now().await;
            let mut statuses = Vec::new();
            for (form, email) in forms.iter().zip(emails) {
                let body = json!({ "method": "password", "identifier": email, "password": "not-the-passw0rd" });
                statuses.push(server.native().submit(form, body).await.status);
            }
            statuses
        };
        let (hash, statuses) = tokio::join!(long, rivals);
        hash.expect("a hash");
        assert_eq!(statuses, [429, 429]);
        for email in emails {
            assert_eq!(server.native().try_sign_in(email, "not-the-passw0rd").await.status, 400);
        }
    }
}

#[tokio::test]
async fn a_password_that_is_too_long_is_wrong_like_any_other() {
    for database in Database::each().await {
        for hashers in ["{}", "{ algorithm: argon2, argon2: { memory: 64KB, iterations: 1, parallelism: 1 } }"] {
            let server = Server::of(
                &database,
                Setup::with(&format!("hashers: {hashers}\nzelus: {{ guard: {{ failures: 50 }} }}")),
            )
            .await;
            let [known, imported] = ["known", "imported"].map(|name| format!("{name}-{}@example.org", hashers.len()));
            server.import(&known, PASSWORD).await;
            // What it is made of makes no difference: the hash is cheaper than one of ours, and wrong.
            let ssha = "{SSHA}9wteQSgK7REC1t8xuZ3qU4NyLFdkZWZnaGlqa2xtbm9wcXJz";
            let body = json!({
                "schema_id": "person", "traits": { "email": imported },
                "credentials": { "password": { "config": { "hashed_password": ssha } } },
            });
            assert_eq!(server.ask_admin("POST", "/admin/identities").json(&body).send().await.status, 201);
            for bytes in [16, 72, 73, 1024, 1025, 100_000] {
                let wrong = "x".repeat(bytes);
                let mut answers = Vec::new();
                for email in [known.as_str(), imported.as_str(), "no-one@example.org"] {
                    let answer = server.native().try_sign_in(email, &wrong).await;
                    assert_eq!((answer.status, Form::of(&answer).messages()), (400, vec![4_000_006]), "{bytes} bytes");
                    answers.push(Form::of(&answer).without_chance().replace(email, "*"));
                }
                assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
            }
        }
    }
}

#[tokio::test]
async fn a_disabled_account_cannot_sign_in() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let id = server.import("a@example.org", PASSWORD).await;
        let set = |state: &'static str| {
            let patch = json!([{ "op": "replace", "path": "/state", "value": state }]);
            server.ask_admin("PATCH", &format!("/admin/identities/{id}")).json(&patch).send()
        };
        assert_eq!(set("inactive").await.status, 200);
        assert_eq!(server.native().try_sign_in("a@example.org", PASSWORD).await.status, 401);
        let mut browser = server.browser();
        let form = browser.open("login").await;
        let answer = browser.try_sign_in(&form, "a@example.org", PASSWORD).await;
        assert_eq!((answer.status, browser.session_cookie()), (401, ""), "{}", answer.body);
        // Who does not know the password is not told that the account is switched off.
        let wrong = server.native().try_sign_in("a@example.org", "not-the-passw0rd").await;
        assert_eq!(Form::of(&wrong).messages(), [4_000_006]);
        assert_eq!(set("active").await.status, 200);
        assert_eq!(server.native().try_sign_in("a@example.org", PASSWORD).await.status, 200);
        assert_eq!(database.count("sessions").await, 1);
    }
}

#[tokio::test]
async fn what_is_missing_is_said_at_the_field() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        server.import("a@example.org", PASSWORD).await;
        let native = server.native();
        for (body, messages) in [
            (json!({}), vec![4_010_002]),
            (json!({ "method": "nothing" }), vec![4_010_002]),
            (json!({ "method": "password" }), vec![4_000_002, 4_000_002]),
            (json!({ "method": "password", "identifier": "a@example.org" }), vec![4_000_002]),
            (json!({ "method": "password", "identifier": ["a"], "password": { "a": 1 } }), vec![4_000_006]),
        ] {
            let form = native.open("login").await;
            let answer = native.submit(&form, body.clone()).await;
            assert_eq!((answer.status, Form::of(&answer).messages()), (400, messages), "{body}");
        }
        assert_eq!(native.try_sign_in("  A@Example.ORG ", PASSWORD).await.status, 200, "addresses are forgiving");
    }
}
