//! Identities in a real database.

use model::{Aal, AddressStatus, Channel, CredentialType, IdentityState, SignedDuration, Uuid};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::{IdentityFilter, IdentityPage, Tx};

use super::*;
use crate::{CreateIdentity, Document, UpdateIdentity};

fn body<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_str(&json.to_string()).expect("a body")
}

async fn create(identities: &Identities, cx: &Cx, email: &str, password: &str) -> Identity {
    let body = json!({
        "traits": { "email": email }, "metadata_public": { "b": [1] }, "metadata_admin": { "a": 1 },
        "credentials": { "password": { "config": { "password": password } } }
    });
    identities.create(cx, self::body(body)).await.expect("an identity")
}

fn reasons(problem: &model::Problem) -> (u16, bool) {
    (problem.status, problem.reason.is_some())
}

#[tokio::test]
async fn an_identity_is_found_as_it_was_created() {
    let cx = cx();
    let identities = identities(&cx).await;
    let created = create(&identities, &cx, "Ann@Example.org", "secret").await;
    let found = identities.get(created.id).await.expect("found");
    assert_eq!(found.traits.as_str(), r#"{"email":"Ann@Example.org"}"#);
    assert_eq!(found.state_changed_at, Some(cx.now()));
    assert_eq!(found.created_at, store::to_microseconds(cx.now()));
    assert_eq!(found.verifiable_addresses, created.verifiable_addresses);
    assert_eq!(found.recovery_addresses, created.recovery_addresses);
    assert_eq!((found.available_aal, found.metadata_admin), (Some(Aal::Aal2), created.metadata_admin));
    let versions: Vec<_> = found.credentials.iter().map(|(kind, credential)| (*kind, credential.version)).collect();
    let expected = [(CredentialType::Password, 0), (CredentialType::Webauthn, 1), (CredentialType::Code, 1)];
    assert_eq!(versions, expected);
    let handle = found.credentials[&CredentialType::Webauthn].config.to_value();
    assert_eq!(handle["user_handle"].as_str().map(str::len), Some(24));

    let store = &identities.store;
    let by = store.find_by_identifier(CredentialType::Password, " ANN@example.org").await.expect("an answer");
    let by = by.expect("found");
    assert_eq!((by.identity_id, by.state), (created.id, IdentityState::Active));
    let config = by.credential.config.to_value();
    assert!(config["hashed_password"].as_str().expect("a hash").starts_with("$2a$04$"));
    assert!(store.find_by_identifier(CredentialType::Oidc, "ann@example.org").await.expect("an answer").is_none());
    let (owner, address) =
        store.find_verifiable_address(Channel::Email, "ANN@example.org").await.expect("an answer").expect("found");
    assert_eq!((owner, &address), (created.id, &created.verifiable_addresses[0]));
    let (owner, address) =
        store.find_recovery_address(Channel::Email, "ANN@example.org").await.expect("an answer").expect("found");
    assert_eq!((owner, &address), (created.id, &created.recovery_addresses[0]));
}

#[tokio::test]
async fn creating_is_refused_as_in_kratos() {
    let cx = cx();
    let identities = identities(&cx).await;
    create(&identities, &cx, "ann@example.org", "secret").await;
    let refused = async |json: Value| reasons(&identities.create(&cx, body(json)).await.expect_err("a refusal"));
    assert_eq!(refused(json!({ "traits": { "email": "ANN@example.org" } })).await, (409, true));
    assert_eq!(refused(json!({})).await, (400, true));
    assert_eq!(refused(json!({ "schema_id": "none", "traits": {} })).await, (400, true));
    assert_eq!(refused(json!({ "state": "gone", "traits": { "email": "b@example.org" } })).await, (400, true));
    let long = json!({ "external_id": "x".repeat(65), "traits": { "email": "b@example.org" } });
    assert_eq!(refused(long).await, (400, true));
    assert!(serde_json::from_str::<CreateIdentity>(r#"{"unknown":1}"#).is_err());
    assert!(serde_json::from_str::<UpdateIdentity>(r#"{"unknown":1}"#).is_ok());
    assert_eq!(identities.count().await.expect("a number"), 1);
    assert_eq!(reasons(&identities.get(IdentityId::random(&cx.entropy)).await.expect_err("none")), (404, false));
}

#[tokio::test]
async fn supplied_addresses_lend_their_state_to_derived_ones() {
    let cx = cx();
    let identities = identities(&cx).await;
    let json = json!({
        "traits": { "email": "ann@example.org" },
        "verifiable_addresses": [
            { "value": "ANN@example.org", "via": "email", "verified": true, "status": "" },
            { "value": "other@example.org", "via": "email", "verified": true }
        ]
    });
    let created = identities.create(&cx, body(json)).await.expect("an identity");
    assert_eq!(created.verifiable_addresses.len(), 1);
    let address = &created.verifiable_addresses[0];
    assert_eq!(
        (address.value.as_str(), address.verified, address.status),
        ("ann@example.org", true, AddressStatus::Completed)
    );
    assert!(address.verified_at.is_some());
}

#[tokio::test]
async fn put_replaces_and_keeps_what_it_should() {
    let cx = cx();
    let identities = identities(&cx).await;
    let created = create(&identities, &cx, "ann@example.org", "secret").await;
    cx.clock.advance(SignedDuration::from_secs(60));
    let mut tx = Tx::new();
    tx.set_address_verified(created.verifiable_addresses[0].id, cx.now());
    identities.store.commit(tx).await.expect("verified");

    let put = json!({ "traits": { "email": "ann@example.org", "name": { "first": "Ann" } }, "external_id": "7", "state": "inactive" });
    let put = identities.update(&cx, created.id, body(put)).await.expect("changed");
    let found = identities.get(created.id).await.expect("found");
    assert!(found.verifiable_addresses[0].verified);
    assert_eq!(found.verifiable_addresses[0].id, created.verifiable_addresses[0].id);
    assert!(found.metadata_admin.is_none() && found.metadata_public.is_none());
    assert_eq!(found.external_id.as_deref(), Some("7"));
    assert_eq!((found.state, found.state_changed_at), (IdentityState::Inactive, Some(cx.now())));
    assert_eq!((found.created_at, found.updated_at), (created.created_at, put.updated_at));
    assert!(found.updated_at > created.updated_at);
    let hash = |identity: &Identity| identity.credentials[&CredentialType::Password].config.as_str().to_owned();
    assert_eq!(hash(&found), hash(&created));
    assert_eq!(identities.get_by_external_id("7").await.expect("found").id, created.id);

    let moved = json!({ "traits": { "email": "bob@example.org" }, "credentials": { "password": { "config": { "password": "other" } } } });
    let moved = identities.update(&cx, created.id, body(moved)).await.expect("changed");
    assert!(!moved.verifiable_addresses[0].verified && moved.external_id.is_none());
    assert_ne!(hash(&moved), hash(&created));
    let by = |email| identities.store.find_by_identifier(CredentialType::Password, email);
    assert!(by("ann@example.org").await.expect("an answer").is_none());
    assert!(by("bob@example.org").await.expect("an answer").is_some());

    create(&identities, &cx, "cara@example.org", "secret").await;
    let taken = identities.update(&cx, created.id, body(json!({ "traits": { "email": "cara@example.org" } }))).await;
    assert_eq!(reasons(&taken.expect_err("taken")), (409, false));
    let invalid = identities.update(&cx, created.id, body(json!({ "traits": { "email": "x" } }))).await;
    assert_eq!(reasons(&invalid.expect_err("invalid")), (400, true));
    let nobody = identities.update(&cx, IdentityId::random(&cx.entropy), body(json!({}))).await;
    assert_eq!(reasons(&nobody.expect_err("nobody")), (404, false));
}

#[tokio::test]
async fn a_change_of_what_is_outdated_fails() {
    let cx = cx();
    let identities = identities(&cx).await;
    let created = create(&identities, &cx, "ann@example.org", "secret").await;
    let before = identities.get(created.id).await.expect("found");
    let save = async |first: &str| {
        let mut after = before.clone();
        after.traits = RawJson::from_value(&json!({ "email": "ann@example.org", "name": { "first": first } }));
        let mut tx = Tx::new();
        identities.save(&cx, &before, &mut after, &mut tx);
        identities.store.commit(tx).await
    };
    save("A").await.expect("saved");
    assert!(matches!(save("B").await, Err(store::CommitError::Stale(_))), "within the same microsecond");
}

#[tokio::test]
async fn patch_changes_single_members() {
    let cx = cx();
    let identities = identities(&cx).await;
    let created = create(&identities, &cx, "ann@example.org", "secret").await;
    let patch = async |operations: Value| identities.patch(&cx, created.id, &Document::from(&operations)).await;
    let one = |op: &str, path: &str, value: Value| json!([{ "op": op, "path": path, "value": value }]);

    patch(one("replace", "/metadata_public/x", json!(1))).await.expect("changed");
    patch(one("replace", "/verifiable_addresses/0/verified", json!(true))).await.expect("changed");
    patch(one("replace", "/credentials/password/config/hashed_password", json!("$1$x"))).await.expect("changed");
    patch(one("replace", "/external_id", json!("e"))).await.expect("changed");
    let found = identities.get(created.id).await.expect("found");
    assert_eq!(found.metadata_public.expect("metadata").as_str(), r#"{"b":[1],"x":1}"#);
    assert!(found.verifiable_addresses[0].verified && found.verifiable_addresses[0].verified_at.is_some());
    assert_eq!(found.credentials[&CredentialType::Password].config.as_str(), r#"{"hashed_password":"$1$x"}"#);
    assert_eq!((found.external_id.as_deref(), found.credentials.len()), (Some("e"), 3));
    assert_eq!(found.recovery_addresses, created.recovery_addresses);

    for refused in [
        one("replace", "/id", json!("x")),
        one("remove", "/nothing", json!(0)),
        one("replace", "/state", json!("gone")),
        one("replace", "/traits/email", json!("x")),
        one("replace", "/schema_id", json!("none")),
        one("replace", "/verifiable_addresses", json!("x")),
    ] {
        assert_eq!(reasons(&patch(refused).await.expect_err("refused")), (400, true));
    }
    let state = patch(one("replace", "/state", json!("inactive"))).await.expect("changed");
    assert_eq!(state.state, IdentityState::Inactive);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let cx = cx();
    let identities = identities(&cx).await;
    let mut ids = Vec::new();
    for email in ["a_1@example.org", "ab1@example.org", "b@example.org"] {
        ids.push(create(&identities, &cx, email, "secret").await.id);
    }
    ids.sort_by_key(|id| id.uuid());
    let list = async |filter: IdentityFilter, page| identities.list(&filter, page, true).await.expect("a list");
    let after = |after: Uuid, size| IdentityPage::After { after, size };
    let ids_of = |list: &store::IdentityList| list.identities.iter().map(|identity| identity.id).collect::<Vec<_>>();

    let first = list(IdentityFilter::All, after(Uuid::nil(), 2)).await;
    assert_eq!((ids_of(&first), first.next), (ids[..2].to_vec(), Some(ids[1])));
    assert_eq!(first.identities[0].credentials.len(), 3);
    let second = list(IdentityFilter::All, after(ids[1].uuid(), 2)).await;
    assert_eq!((ids_of(&second), second.next), (ids[2..].to_vec(), None));
    let numbered = list(IdentityFilter::All, IdentityPage::Number { page: 1, size: 2 }).await;
    assert_eq!(ids_of(&numbered), ids[2..]);

    let all = after(Uuid::nil(), 250);
    let count = async |filter| list(filter, all).await.identities.len();
    assert_eq!(count(IdentityFilter::Identifier(" A_1@Example.org".to_owned())).await, 1);
    assert_eq!(count(IdentityFilter::Identifier("none".to_owned())).await, 0);
    assert_eq!(count(IdentityFilter::IdentifierPrefix("a".to_owned())).await, 2);
    assert_eq!(count(IdentityFilter::IdentifierPrefix("A_".to_owned())).await, 1, "no wildcard");
    assert_eq!(count(IdentityFilter::IdentifierPrefix("%".to_owned())).await, 0, "no wildcard");
    assert_eq!(count(IdentityFilter::Ids(ids[1..].to_vec())).await, 2);
    assert_eq!(count(IdentityFilter::Ids(Vec::new())).await, 0);
    assert_eq!(count(IdentityFilter::Organization(Uuid::nil())).await, 0);
}

#[tokio::test]
async fn deleting_takes_everything_along() {
    let cx = cx();
    let identities = identities(&cx).await;
    let created = create(&identities, &cx, "ann@example.org", "secret").await;
    identities.delete(created.id).await.expect("deleted");
    assert_eq!(reasons(&identities.delete(created.id).await.expect_err("gone")), (404, false));
    create(&identities, &cx, "ann@example.org", "secret").await;
}

#[tokio::test]
async fn credentials_of_every_known_format_are_imported() {
    let cx = cx();
    let identities = identities(&cx).await;
    let import = async |number: usize, password: Value| {
        let json = json!({
            "traits": { "email": format!("p{number}@example.org") },
            "credentials": { "password": { "config": password } }
        });
        identities.create(&cx, body(json)).await
    };
    let known = [
        "$md5-crypt$",
        "$2$",
        "$2a$",
        "$2b$",
        "$2y$",
        "$2z$",
        "$sha256-crypt$",
        "$sha512-crypt$",
        "$argon2id$v=19$m=64,t=1,p=1$",
        "$argon2i$v=19$m=64,t=1,p=1$",
        "$pbkdf2-sha1$i=1,l=1$",
        "$pbkdf2-sha256$i=1,l=1$",
        "$pbkdf2-sha512$i=1,l=1$",
        "$scrypt$ln=2,r=8,p=1$",
        "{SSHA}",
        "{SSHA256}",
        "{SSHA512}",
        "$sha1$pf=",
        "$sha256$pf=",
        "$sha512$pf=",
        "$firescrypt$ln=1,r=8,p=1$",
        "$md5$",
        "$hmac-md5$",
        "$hmac-sha256$",
        "$hmac-sha512$",
    ];
    for (number, prefix) in known.into_iter().enumerate() {
        let hash = format!("{prefix}Zm9vYmFy$Zm9vYmFy");
        let created = import(number, json!({ "hashed_password": hash })).await;
        let created = created.unwrap_or_else(|problem| panic!("{prefix}: {problem}"));
        let config = created.credentials[&CredentialType::Password].config.to_value();
        assert_eq!(config, json!({ "hashed_password": hash }));
    }
    for refused in [json!({}), json!({ "hashed_password": "plain" }), json!({ "hashed_password": "$nope$x" })] {
        assert_eq!(reasons(&import(99, refused).await.expect_err("refused")), (400, true));
    }
    let too_long = import(99, json!({ "password": "x".repeat(73) })).await;
    assert_eq!(reasons(&too_long.expect_err("refused")), (400, true));
    let hook = import(100, json!({ "use_password_migration_hook": true, "password": "x" })).await.expect("an identity");
    let config = hook.credentials[&CredentialType::Password].config.as_str().to_owned();
    assert_eq!(config, r#"{"hashed_password":"","use_password_migration_hook":true}"#);
}

#[tokio::test]
async fn links_to_providers_are_added_and_taken_away_one_by_one() {
    let cx = cx();
    let identities = identities(&cx).await;
    let created = create(&identities, &cx, "ann@example.org", "secret").await;
    let link = |subject: &str| {
        json!({
            "traits": { "email": "ann@example.org" },
            "credentials": { "oidc": { "config": { "providers": [{ "provider": "p", "subject": subject, "use_auto_link": true }] } } }
        })
    };
    for subject in ["1", "2", "2"] {
        identities.update(&cx, created.id, body(link(subject))).await.expect("changed");
    }
    let oidc =
        identities.get(created.id).await.expect("found").credentials.remove(&CredentialType::Oidc).expect("links");
    assert_eq!(oidc.identifiers, ["p:1", "p:2"]);
    let stored = oidc.config.to_value();
    let expected = r#"{"subject":"1","provider":"p","initial_id_token":"","initial_access_token":"","initial_refresh_token":"","use_auto_link":true}"#;
    assert_eq!(stored["providers"][0].to_string(), expected);

    let remove = async |kind: &str, identifier| identities.delete_credential(&cx, created.id, kind, identifier).await;
    assert_eq!(reasons(&remove("oidc", None).await.expect_err("which")), (400, true));
    assert_eq!(reasons(&remove("oidc", Some("p:3")).await.expect_err("unknown")), (404, true));
    assert_eq!(reasons(&remove("totp", None).await.expect_err("missing")), (404, true));
    assert_eq!(reasons(&remove("code", None).await.expect_err("never")), (400, true));
    remove("password", None).await.expect("removed");
    remove("oidc", Some("p:1")).await.expect("removed");
    assert_eq!(reasons(&remove("oidc", Some("p:2")).await.expect_err("the last one")), (400, true));
    let left = identities.get(created.id).await.expect("found");
    assert_eq!(left.credentials[&CredentialType::Password].config.as_str(), "{}");
    assert_eq!(left.credentials[&CredentialType::Password].identifiers, ["ann@example.org"]);
    assert_eq!(left.credentials[&CredentialType::Oidc].identifiers, ["p:2"]);
}
