use model::{Entropy, Id, RawJson};

use super::*;

/// As Kratos v26.2 wrote it.
const STORED: &str = r#"{"credentials":[{"id":"atr3gzIGKsQlMQqaVTK9cN3ZMHhgccu55Q0K1xQZXe8=","public_key":"pQECAyYgASFYIF+Xrkh/U0OLi9Z58Msp3vOHC0TzYsqN3D3b65Mth9iyIlgg3oRtnpfA2eOXlw5NVJiVKrL+5fIAl7U8oezm5kaM4/8=","attestation_type":"none","authenticator":{"aaguid":"AAAAAAAAAAAAAAAAAAAAAA==","sign_count":1,"clone_warning":false},"display_name":"","added_at":"2026-11-21T08:07:35Z","is_passwordless":true,"flags":{"user_present":true,"user_verified":true,"backup_eligible":false,"backup_state":false}}],"user_handle":"b0kyQjAwSmtMWXpHdERoZWxYZ05XakRsaEJxdk9jaTVVb242Z1NxVXp6bXd1OXpWUHAwWGJGTEwyaXNIQzQ5bg=="}"#;

fn keys(config: &str) -> Keys {
    let now = "2026-11-21T08:07:35Z".parse().expect("a time");
    Keys::of(&Credential {
        id: Id::random(&Entropy::seeded(1)),
        kind: CredentialType::Passkey,
        identifiers: Vec::new(),
        config: RawJson::parse(config.to_owned()).expect("JSON"),
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

#[test]
fn what_kratos_stored_is_written_back_byte_by_byte() {
    let stored = keys(STORED);
    assert_eq!(stored.credentials[0].id_in_hex().len(), 64);
    assert_eq!(stored.user_handle.0.len(), 64);
    assert_eq!(stored.to_json().expect("JSON").as_str(), STORED);
}

#[test]
fn members_that_nobody_knows_stay() {
    let config =
        STORED.replace(r#""is_passwordless":true"#, r#""is_passwordless":true,"attestation":{"object":"AA=="}"#);
    let written = keys(&config).to_json().expect("JSON").to_value();
    assert_eq!(written["credentials"][0]["attestation"]["object"], "AA==");
}

#[test]
fn credentials_without_keys_are_no_error() {
    for config in ["{}", "null", r#"{"credentials":null,"user_handle":null}"#, r#"{"credentials":"?"}"#] {
        assert_eq!(keys(config).credentials, []);
    }
}
