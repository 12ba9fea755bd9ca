//! Rows that Kratos wrote.

use model::{Aal, Channel, CredentialType, IdentityState, Secret};
use store::SecondFactors;

use crate::backend::{Backend, migrated};
use crate::people::json;

/// Migrated databases with Kratos' rows in them, and Kratos' network as their own.
async fn taken_over() -> Vec<Backend> {
    let backends = migrated().await;
    for backend in &backends {
        backend.run("DELETE FROM networks").await;
        backend.run(backend.pick(include_str!("kratos/sqlite.sql"), include_str!("kratos/postgres.sql"))).await;
    }
    backends
}

#[tokio::test]
async fn a_session_is_found_by_its_token() {
    for backend in taken_over().await {
        let token = backend.texts("SELECT token FROM sessions").await.remove(0);
        let found = backend
            .store
            .session_by_token(&Secret::new(token), SecondFactors::Wanted)
            .await
            .expect("answers")
            .expect("is there");
        let session = found.session;
        assert!(session.active && session.expires_at.to_string().starts_with("2036-11-18T08:07:3"));
        assert_eq!((session.aal, session.authentication_methods[0].method.as_str()), (Aal::Aal1, "password"));
        let identity = session.identity.expect("comes with it");
        assert_eq!(identity.traits, json(r#"{"email": "native.a@example.org", "name": {}}"#));
        assert_eq!(identity.verifiable_addresses[0].value, "native.a@example.org");
        let devices = session.devices.expect("come with it");
        assert_eq!(devices[0].user_agent.as_deref(), Some("wirecheck"));
    }
}

#[tokio::test]
async fn identities_are_found_by_what_they_sign_in_with() {
    for backend in taken_over().await {
        let store = &backend.store;
        for (kind, identifier, email) in [
            (CredentialType::Password, " Native.A@example.org", true),
            (CredentialType::Oidc, "local:s-a", true),
            (CredentialType::Oidc, "LOCAL:S-A", false),
        ] {
            let found = store.find_by_identifier(kind, identifier).await.expect("answers");
            assert_eq!(found.is_some(), email, "{identifier}");
        }
        let (id, address) = store
            .find_recovery_address(Channel::Email, "imported.a@example.org")
            .await
            .expect("answers")
            .expect("is there");
        assert_eq!(address.value, "imported.a@example.org");
        let imported = store.find_identity_with_credentials(id).await.expect("answers").expect("is there");
        assert_eq!(imported.metadata_public, Some(json(r#"{"x": [1, null, "\u00e9"]}"#)));
        assert_eq!(imported.external_id.as_deref(), Some("ext-a"));
        assert!(imported.verifiable_addresses[0].verified && imported.verifiable_addresses[0].verified_at.is_some());
        let oidc = &imported.credentials[&CredentialType::Oidc];
        assert_eq!((oidc.version, oidc.identifiers.as_slice()), (0, &["local:s-a".to_owned()][..]));
        let (phone, _) =
            store.find_verifiable_address(Channel::Sms, "+4915199999999").await.expect("answers").expect("is there");
        let disabled = store.find_identity(phone).await.expect("answers").expect("is there");
        assert_eq!(disabled.state, IdentityState::Inactive);
    }
}
