//! What has expired is removed after a while, and nothing else is.

use model::{RawJson, SignedDuration, Uuid};
use serde_json::json;
use store::{ContinuityContainer, StoredError, Tx};
use testkit::{Database, Server};

use crate::codes::{self, PASSWORDLESS};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const FLOWS: &str = "
database: { cleanup: { batch_size: 2 } }
session: { lifespan: 4800h }
selfservice:
  methods: { link: { enabled: true } }
  flows: { recovery: { enabled: true, use: code }, verification: { enabled: true, use: code } }";
const ZELUS: &str = "zelus: { defaults: zelus }";

/// Tables whose rows go a week after they have expired, whoever's defaults apply.
const EXPIRING: [&str; 11] = [
    "selfservice_login_flows",
    "selfservice_registration_flows",
    "selfservice_settings_flows",
    "selfservice_recovery_flows",
    "selfservice_verification_flows",
    "identity_login_codes",
    "identity_registration_codes",
    "identity_recovery_codes",
    "identity_verification_codes",
    "continuity_containers",
    "selfservice_errors",
];

/// Somebody who signs up with a code, and leaves one row or more in each of the tables; gives back a session token.
async fn visit(server: &Server, database: &Database, email: &str) -> String {
    let traits = json!({ "email": email });
    let form = server.native().open("registration").await;
    server.native().submit(&form, json!({ "method": "code", "traits": traits })).await;
    let code = codes::code(server, database, email).await;
    let answer = server.native().submit(&form, json!({ "method": "code", "traits": traits, "code": code })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.json()["session_token"].as_str().expect("a token").to_owned();
    for (flow, body) in [
        ("login", json!({ "method": "code", "identifier": email })),
        ("recovery", json!({ "method": "code", "email": email })),
        ("verification", json!({ "method": "code", "email": email })),
    ] {
        let form = server.native().open(flow).await;
        server.native().submit(&form, body).await;
    }
    let settings = server.ask("GET", "/self-service/settings/api").header("x-session-token", &token).send().await;
    assert_eq!(settings.status, 200, "{}", settings.body);
    let (now, id) = (server.setup.clock.now(), || server.app.entropy().uuid());
    let mut tx = Tx::new();
    tx.insert_continuity_container(&ContinuityContainer {
        id: id(),
        name: "test".to_owned(),
        identity_id: None,
        payload: RawJson::empty_object(),
        expires_at: now + SignedDuration::from_mins(15),
        created_at: now,
    });
    tx.insert_error(&StoredError { id: id(), error: RawJson::empty_object(), created_at: now, updated_at: now });
    server.store().commit(tx).await.expect("commits");
    token
}

async fn counts(database: &Database, tables: &[&str]) -> Vec<u64> {
    let mut counts = Vec::new();
    for table in tables {
        counts.push(database.count(table).await);
    }
    counts
}

#[tokio::test]
async fn flows_codes_and_what_was_left_unfinished_go_a_week_after_they_have_expired() {
    for database in Database::each().await {
        for defaults in ["{}", ZELUS] {
            let server = codes::server(&database, &[PASSWORDLESS, FLOWS, defaults]).await;
            visit(&server, &database, &format!("old-{}@example.org", defaults.len())).await;
            server.wait(DAY * 6);
            let old = counts(&database, &EXPIRING).await;
            assert!(old.iter().all(|count| *count > 0), "{old:?}");
            server.clean_up().await;
            assert_eq!(counts(&database, &EXPIRING).await, old, "nothing goes before its time");

            visit(&server, &database, &format!("young-{}@example.org", defaults.len())).await;
            let young: Vec<u64> =
                counts(&database, &EXPIRING).await.iter().zip(&old).map(|(all, old)| all - old).collect();
            server.wait(DAY + SignedDuration::from_hours(2));
            let sessions = database.count("sessions").await;
            // Two nodes at once are no trouble.
            let other = server.another(&database, "{}").await;
            tokio::join!(server.clean_up(), other.clean_up());
            assert_eq!(counts(&database, &EXPIRING).await, young, "{defaults}");
            assert_eq!(database.count("sessions").await, sessions);

            server.wait(DAY * 8);
            server.clean_up().await;
            assert!(counts(&database, &EXPIRING).await.iter().all(|count| *count == 0), "{defaults}");
            assert_eq!(database.count("sessions").await, sessions);
        }
    }
}

#[tokio::test]
async fn codes_and_links_go_though_their_flow_lasts() {
    for database in Database::each().await {
        for way in ["code", "link"] {
            let lasting = format!(
                "selfservice: {{ flows: {{ recovery: {{ use: {way}, lifespan: 2000h }}, \
                                           verification: {{ use: {way}, lifespan: 2000h }} }} }}"
            );
            let server = codes::server(&database, &[FLOWS, &lasting]).await;
            let email = format!("{way}@example.org");
            let body = json!({ "schema_id": "person", "traits": { "email": email } });
            assert_eq!(server.ask_admin("POST", "/admin/identities").json(&body).send().await.status, 201);
            for flow in ["recovery", "verification"] {
                let form = server.native().open(flow).await;
                server.native().submit(&form, json!({ "method": way, "email": email })).await;
            }
            let suffix = if way == "code" { "codes" } else { "tokens" };
            let tables = ["recovery", "verification"].map(|flow| format!("identity_{flow}_{suffix}"));
            let tables = tables.each_ref().map(String::as_str);
            assert_eq!(counts(&database, &tables).await, [1, 1], "{way}");
            server.wait(DAY * 7);
            server.clean_up().await;
            assert_eq!(counts(&database, &tables).await, [1, 1], "{way}");
            server.wait(SignedDuration::from_hours(2));
            server.clean_up().await;
            assert_eq!(counts(&database, &tables).await, [0, 0], "{way}");
        }
        let flows = ["selfservice_recovery_flows", "selfservice_verification_flows"];
        assert_eq!(counts(&database, &flows).await, [2, 2], "they have not expired");
    }
}

#[tokio::test]
async fn sessions_and_messages_stay_as_long_as_the_configuration_says() {
    // The configuration, after how many days they are there still, and after how many more they are gone.
    for (config, stays, goes) in [
        ("{}", 300, None),
        (ZELUS, 29, Some(2)),
        ("database: { cleanup: { older_than: 48h } }", 1, Some(2)),
        ("{ zelus: { defaults: zelus }, database: { cleanup: { older_than: 480h } } }", 19, Some(2)),
    ] {
        for database in Database::each().await {
            let server = codes::server(&database, &[PASSWORDLESS, FLOWS, config]).await;
            let ended = visit(&server, &database, "ended@example.org").await;
            let alive = visit(&server, &database, "alive@example.org").await;
            database.run("UPDATE courier_messages SET status = 2 WHERE recipient = 'ended@example.org'").await;
            assert_eq!(server.native().log_out(&ended).await.status, 204);
            let messages = database.count("courier_messages").await;
            server.wait(DAY * stays);
            server.clean_up().await;
            assert_eq!(counts(&database, &["sessions", "courier_messages"]).await, [2, messages], "{config}");
            let Some(goes) = goes else { continue };
            server.wait(DAY * goes);
            server.clean_up().await;
            assert_eq!(database.count("sessions").await, 1, "{config}");
            assert!(server.accepts(&alive).await, "{config}");
            let left = database.texts("SELECT DISTINCT recipient FROM courier_messages").await;
            assert_eq!(left, ["alive@example.org"], "{config}: what waits to be sent stays");
            // An expired session goes as well.
            server.wait(DAY * 231);
            server.clean_up().await;
            assert_eq!(database.count("sessions").await, 0, "{config}");
        }
    }
}

#[tokio::test]
async fn errors_go_a_week_after_they_were_made() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let (now, id) = (server.setup.clock.now(), Uuid::from_u128(1));
        let mut tx = Tx::new();
        tx.insert_error(&StoredError { id, error: RawJson::empty_object(), created_at: now, updated_at: now });
        server.store().commit(tx).await.expect("commits");
        server.wait(DAY * 7 - SignedDuration::from_secs(1));
        server.clean_up().await;
        assert!(server.store().error(id).await.expect("reads").is_some());
        server.wait(SignedDuration::from_secs(1));
        server.clean_up().await;
        assert!(server.store().error(id).await.expect("reads").is_none());
    }
}

#[tokio::test]
async fn what_messages_said_goes_when_their_codes_have_expired_and_the_record_stays() {
    const LIFESPANS: &str =
        "selfservice: { methods: { code: { config: { lifespan: 3h } }, link: { config: { lifespan: 30m } } } }";
    let hour = SignedDuration::from_hours(1);
    for (own, stays) in [("{}", false), (ZELUS, false), ("zelus: { keep_message_texts: true }", true)] {
        for database in Database::each().await {
            let server = codes::server(&database, &[PASSWORDLESS, FLOWS, LIFESPANS, own]).await;
            visit(&server, &database, "sent@example.org").await;
            visit(&server, &database, "given-up@example.org").await;
            visit(&server, &database, "waits@example.org").await;
            database.run("UPDATE courier_messages SET status = 2 WHERE recipient = 'sent@example.org'").await;
            database.run("UPDATE courier_messages SET status = 4 WHERE recipient = 'given-up@example.org'").await;
            // Kratos names the code in the subject, and so may templates of one's own.
            database.run("UPDATE courier_messages SET subject = 'Use 123456' WHERE status IN (2, 4)").await;
            let with_text = async || {
                let saying = "status IN (1, 2, 4) AND body <> '' AND subject <> '' AND template_data IS NOT NULL";
                let sql = format!("SELECT DISTINCT recipient FROM courier_messages WHERE {saying} ORDER BY recipient");
                database.texts(&sql).await
            };
            let everyone = ["given-up@example.org", "sent@example.org", "waits@example.org"];
            let rows = database.count("courier_messages").await;
            server.wait(hour * 4 - SignedDuration::from_mins(1));
            server.clean_up().await;
            assert_eq!(with_text().await, everyone, "the code may still be good, or was so a moment ago");
            server.wait(SignedDuration::from_mins(1));
            // Two nodes at once are no trouble.
            let other = server.another(&database, own).await;
            tokio::join!(server.clean_up(), other.clean_up());
            let left = if stays { &everyone[..] } else { &everyone[2..] };
            assert_eq!(with_text().await, left, "{own}: what waits to be sent is whole");
            assert_eq!(database.count("courier_messages").await, rows);
            let leftovers = "SELECT id FROM courier_messages WHERE recipient <> 'waits@example.org'
                             AND (body <> '' OR subject <> '' OR template_data IS NOT NULL)";
            assert_eq!(database.texts(leftovers).await.is_empty(), !stays);

            let path = "/admin/courier/messages?recipient=sent@example.org";
            let listed = server.ask_admin("GET", path).send().await.json();
            let first = &listed[0];
            assert_eq!((first["body"] != "", first["subject"] != ""), (stays, stays), "{first}");
            assert_eq!((&first["status"], &first["recipient"]), (&json!("sent"), &json!("sent@example.org")));
            assert!(first["template_type"].as_str().is_some_and(|kind| kind.ends_with("_valid")), "{first}");
        }
    }
}

#[tokio::test]
async fn nodes_take_turns_at_cleaning_up() {
    let minutes = SignedDuration::from_mins;
    for database in Database::each().await {
        let server = codes::server(&database, &[PASSWORDLESS, FLOWS]).await;
        let other = server.another(&database, "{}").await;
        visit(&server, &database, "old@example.org").await;
        server.wait(DAY * 9);
        let (one, another) = tokio::join!(server.clean_up_in_turn(), other.clean_up_in_turn());
        assert!(one ^ another, "one of them does it");
        assert_eq!(database.count("selfservice_login_flows").await, 0);
        server.wait(minutes(54));
        assert!(!server.clean_up_in_turn().await && !other.clean_up_in_turn().await, "it was done within the hour");
        server.wait(minutes(2));
        assert!(other.clean_up_in_turn().await && !server.clean_up_in_turn().await);

        // A node that died at it is waited for no longer than ten minutes.
        server.wait(minutes(60));
        let (now, dead) = (server.setup.clock.now(), Uuid::from_u128(7));
        assert!(server.store().take_lease("clean_up", dead, now, now + minutes(10)).await.expect("a lease"));
        server.wait(minutes(9));
        assert!(!server.clean_up_in_turn().await);
        server.wait(minutes(1));
        assert!(server.clean_up_in_turn().await);

        // A database that was migrated by the version before has no such table.
        database.run("DROP TABLE zelus_leases").await;
        visit(&server, &database, "young@example.org").await;
        server.wait(DAY * 9);
        assert!(server.clean_up_in_turn().await && other.clean_up_in_turn().await);
        assert_eq!(database.count("selfservice_login_flows").await, 0);
    }
}

#[tokio::test]
async fn a_lease_is_one_holders_until_it_expires() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let (store, clock) = (server.store(), &server.setup.clock);
        let take = async |name: &str, holder: u128, until: SignedDuration| {
            let taken = store.take_lease(name, Uuid::from_u128(holder), clock.now(), clock.now() + until).await;
            taken.expect("a lease")
        };
        assert!(take("a", 1, DAY).await && take("a", 1, DAY * 2).await, "whoever has it may have it longer");
        assert!(!take("a", 2, DAY * 3).await);
        server.wait(DAY * 2);
        assert!(take("a", 2, DAY).await, "it has expired");
        assert!(!take("a", 1, DAY).await, "and is somebody else's now");
        assert!(take("b", 1, DAY).await, "another is another");
        assert_eq!(database.count("zelus_leases").await, 2);
    }
}
