//! Somebody to store.

use model::{
    Aal, AddressStatus, AuthenticationMethod, Channel, Credential, CredentialType, Device, Entropy, Id, Identity,
    RawJson, RecoveryAddress, Secret, Session, SignedDuration, VerifiableAddress,
};

use crate::backend::now;

pub fn json(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).expect("JSON")
}

/// An identity with every field set, which signs in with `email`.
pub fn identity(entropy: &Entropy, email: &str) -> Identity {
    let now = now();
    let traits = json(&format!(r#"{{"email": "{email}", "zoë": [1, null, 1.50, "\u00e9 '?1"]}}"#));
    let mut identity = Identity::new(Id::random(entropy), "person".to_owned(), traits, now);
    identity.external_id = Some(format!("ext {email}"));
    identity.metadata_public = Some(json(r#"{"a": {}}"#));
    identity.available_aal = Some(Aal::Aal1);
    identity.organization_id = Some(entropy.uuid());
    let config = json(r#"{"hashed_password": "$2a$04$x"}"#);
    let (kind, identifiers) = (CredentialType::Password, vec![email.to_owned()]);
    let id = Id::random(entropy);
    identity
        .credentials
        .insert(kind, Credential { id, kind, identifiers, config, version: 0, created_at: now, updated_at: now });
    identity.verifiable_addresses.push(VerifiableAddress {
        id: Id::random(entropy),
        value: email.to_owned(),
        verified: true,
        via: Channel::Email,
        status: AddressStatus::Completed,
        verified_at: Some(now),
        created_at: now,
        updated_at: now,
    });
    identity.recovery_addresses.push(RecoveryAddress {
        id: Id::random(entropy),
        value: email.to_owned(),
        via: Channel::Email,
        created_at: now,
        updated_at: now,
    });
    identity
}

/// A session of `identity` on one device.
pub fn session(entropy: &Entropy, identity: &Identity) -> Session {
    let now = now();
    let token =
        |prefix| Secret::new(format!("{prefix}{}", entropy.string(b"abcdefghijklmnopqrstuvwxyz0123456789", 32)));
    let device = Device {
        id: Id::random(entropy),
        ip_address: Some("192.0.2.1:4711".to_owned()),
        user_agent: Some("tests".to_owned()),
        location: Some("Zürich, CH".to_owned()),
    };
    Session {
        id: Id::random(entropy),
        identity_id: identity.id,
        token: Some(token("ory_st_")),
        logout_token: Some(token("ory_lo_")),
        active: true,
        issued_at: now,
        expires_at: now + SignedDuration::from_hours(24),
        authenticated_at: now,
        aal: Aal::Aal1,
        authentication_methods: vec![AuthenticationMethod::new("password", Aal::Aal1, now)],
        attainable_aal: None,
        created_at: now,
        updated_at: now,
        devices: Some(vec![device]),
        identity: None,
    }
}
