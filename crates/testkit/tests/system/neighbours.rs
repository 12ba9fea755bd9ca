//! One client beside others: whatever it does, they are served.

use crypto::PoolLimits;
use serde_json::json;
use testkit::{Database, PASSWORD, Server, Setup};
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
