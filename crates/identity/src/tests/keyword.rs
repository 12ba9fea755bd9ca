//! The `ory.sh/kratos` keyword: what it makes of traits, and what of a schema is refused.

use model::{AddressStatus, CredentialType};
use serde_json::{Value, json};

use super::*;

/// Validates `traits` on `identity`; gives the message ids that say what is wrong.
fn apply(schema: &Value, identity: &mut Identity, traits: Value) -> Result<(), Vec<(String, u32)>> {
    let schemas = schemas(schema);
    let schema = schemas.default_schema();
    let document = json!({ "traits": traits });
    assert_eq!(schema.check(&document), []);
    let result = crate::derive::apply(&cx(), schema, &document, identity);
    result.map_err(|errors| errors.into_iter().map(|error| (error.pointer, error.message.id)).collect())
}

fn identifiers(identity: &Identity, kind: CredentialType) -> Vec<&str> {
    let credential = identity.credentials.get(&kind);
    credential.map_or(Vec::new(), |credential| credential.identifiers.iter().map(String::as_str).collect())
}

fn keyword(keyword: Value) -> Value {
    json!({ "type": "string", "ory.sh/kratos": keyword })
}

#[test]
fn a_trait_becomes_identifiers_and_addresses() {
    let mut identity = identity(&cx(), &json!({}));
    apply(&person(), &mut identity, json!({ "email": " Ann@Example.org" })).expect("valid");
    for kind in [CredentialType::Password, CredentialType::Webauthn, CredentialType::Code] {
        assert_eq!(identifiers(&identity, kind), ["ann@example.org"]);
    }
    assert_eq!(identity.credentials.len(), 3);
    assert_eq!(identity.credentials[&CredentialType::Password].config.as_str(), "{}");
    let code = &identity.credentials[&CredentialType::Code];
    assert_eq!(code.config.as_str(), r#"{"addresses":[{"channel":"email","address":"ann@example.org"}]}"#);
    assert_eq!((code.version, identity.credentials[&CredentialType::Webauthn].version), (1, 0));
    assert_eq!(identity.verifiable_addresses[0].value, "ann@example.org");
    assert_eq!(identity.verifiable_addresses[0].status, AddressStatus::Pending);
    assert_eq!(identity.recovery_addresses[0].value, "ann@example.org");
}

#[test]
fn what_stays_keeps_its_state_and_what_goes_takes_its_identifiers_along() {
    let mut identity = identity(&cx(), &json!({}));
    apply(&person(), &mut identity, json!({ "email": "ann@example.org" })).expect("valid");
    identity.verifiable_addresses[0].verified = true;
    identity.verifiable_addresses[0].status = AddressStatus::Completed;
    let password = identity.credentials.get_mut(&CredentialType::Password).expect("a password");
    password.config = RawJson::parse(r#"{"hashed_password":"$2a$"}"#.to_owned()).expect("JSON");
    let before = identity.clone();

    apply(&person(), &mut identity, json!({ "email": "ANN@example.org" })).expect("valid");
    assert_eq!(identity.verifiable_addresses[0].id, before.verifiable_addresses[0].id);
    assert!(identity.verifiable_addresses[0].verified && identity.verifiable_addresses[0].verified_at.is_some());

    apply(&person(), &mut identity, json!({ "email": "bob@example.org" })).expect("valid");
    assert_ne!(identity.verifiable_addresses[0].id, before.verifiable_addresses[0].id);
    assert!(!identity.verifiable_addresses[0].verified);
    assert_eq!(identifiers(&identity, CredentialType::Password), ["bob@example.org"]);

    let mut optional = person();
    optional["properties"]["traits"]["required"] = json!([]);
    apply(&optional, &mut identity, json!({})).expect("valid");
    assert!(identity.verifiable_addresses.is_empty() && identity.recovery_addresses.is_empty());
    let kinds: Vec<_> = identity.credentials.keys().copied().collect();
    assert_eq!(kinds, [CredentialType::Password], "only what holds data stays");
    assert_eq!(identifiers(&identity, CredentialType::Password), [""; 0]);
}

#[test]
fn identifiers_of_other_origin_stay() {
    let schema = schema_of(json!({ "nickname": { "type": "string" } }));
    let mut identity = identity(&cx(), &json!({}));
    let mut password = crate::derive::new_credential(&cx(), CredentialType::Password, 0);
    password.identifiers = vec!["ann".to_owned()];
    identity.credentials.insert(CredentialType::Password, password);
    apply(&schema, &mut identity, json!({ "nickname": "x" })).expect("valid");
    assert_eq!(identifiers(&identity, CredentialType::Password), ["ann"]);
}

#[test]
fn the_items_of_arrays_count_one_by_one_at_any_depth() {
    let each = keyword(json!({
        "credentials": { "password": { "identifier": true } }, "verification": { "via": "email" }
    }));
    let schema = schema_of(json!({
        "a": { "type": "object", "properties": { "mails": { "type": "array", "items": each } } },
        "b": { "anyOf": [{ "type": "number" }, each] },
        "c": { "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } }
    }));
    let mut identity = identity(&cx(), &json!({}));
    let traits =
        json!({ "a": { "mails": ["x@example.org", "y@example.org", "X@example.org"] }, "b": "z@example.org", "c": 42 });
    apply(&schema, &mut identity, traits).expect("valid");
    let expected = ["42", "x@example.org", "y@example.org", "z@example.org"];
    assert_eq!(identifiers(&identity, CredentialType::Password), expected);
    assert_eq!(identity.verifiable_addresses.len(), 3);
}

#[test]
fn phone_numbers_become_e164_for_codes_only() {
    let phone = json!({
        "type": "string", "format": "tel",
        "ory.sh/kratos": {
            "credentials": { "code": { "identifier": true, "via": "sms" } },
            "verification": { "via": "sms" }, "recovery": { "via": "sms" }
        }
    });
    let mut identity = identity(&cx(), &json!({}));
    apply(&schema_of(json!({ "phone": phone })), &mut identity, json!({ "phone": "+49 176 671 11 638" }))
        .expect("valid");
    assert_eq!(identifiers(&identity, CredentialType::Code), ["+4917667111638"]);
    assert_eq!(identity.verifiable_addresses[0].value, "+49 176 671 11 638");
    assert_eq!(identity.recovery_addresses[0].value, "+49 176 671 11 638");
    assert_eq!(crate::identifier_for_code(" +49 176 671 11 638"), "+4917667111638");
    assert_eq!(crate::identifier_for_code(" A@B "), "a@b");
    assert_eq!(crate::identifier_for_code(" A "), "A");
}

#[test]
fn values_that_are_unfit_for_their_purpose_are_refused() {
    let check = |rule: Value, value: &str, id: u32| {
        let result = apply(&schema_of(json!({ "x": rule })), &mut identity(&cx(), &json!({})), json!({ "x": value }));
        assert_eq!(result, Err(vec![("traits.x".to_owned(), id)]));
    };
    check(keyword(json!({ "recovery": { "via": "email" } })), "nobody", 4000040);
    check(keyword(json!({ "recovery": { "via": "sms" } })), "nobody", 4000041);
    check(keyword(json!({ "verification": { "via": "email" } })), "nobody", 4000040);
    check(keyword(json!({ "verification": { "via": "sms" } })), "+4917667111638", 4000001);
    check(keyword(json!({ "credentials": { "code": { "identifier": true, "via": "sms" } } })), "nobody", 4000001);
    check(keyword(json!({ "credentials": { "code": { "identifier": true } } })), "nobody", 4000001);
    check(keyword(json!({ "credentials": { "password": { "identifier": true } } })), &"a".repeat(256), 4000017);
}

#[test]
fn a_format_takes_the_place_of_the_check() {
    let schema = schema_of(json!({ "x": {
        "type": "string", "format": "no-validate", "ory.sh/kratos": { "verification": { "via": "email" } }
    } }));
    let mut identity = identity(&cx(), &json!({}));
    apply(&schema, &mut identity, json!({ "x": " Anything " })).expect("valid");
    assert_eq!(identity.verifiable_addresses[0].value, "anything");
}

#[test]
fn documents_that_are_no_identity_schemas_are_refused_with_the_place() {
    let check = |document: Value, place: &str| {
        let error = load(&document).expect_err("an error").to_string();
        assert!(error.starts_with(&format!("identity schema person: {place}")), "{error}");
    };
    check(json!([]), "");
    check(json!({ "properties": {} }), "/properties: ");
    check(
        json!({ "properties": { "traits": { "type": "array", "properties": { "a": {} } } } }),
        "/properties/traits/type: ",
    );
    check(json!({ "properties": { "traits": { "type": "object" } } }), "/properties/traits/properties: ");
    check(schema_of(json!({ "a": { "type": "nonsense" } })), "/properties/traits/properties/a/type: ");
    check(
        schema_of(json!({ "a": keyword(json!({ "typo": {} })) })),
        "/properties/traits/properties/a/ory.sh~1kratos: ",
    );
    check(
        schema_of(json!({ "a": keyword(json!({ "recovery": { "via": "pigeon" } })) })),
        "/properties/traits/properties/a/",
    );
    check(schema_of(json!({ "a": { "$ref": "#/nowhere" } })), "a $ref leads nowhere");
    let missing = load(&schema_of(json!({ "a": { "$ref": "https://example.org/a.json" } }))).expect_err("an error");
    assert!(matches!(missing, SchemaError::NotFetched { url, .. } if url == "https://example.org/a.json"));
}

#[test]
fn documents_come_from_files_and_from_what_was_fetched() {
    let folder = tempfile::tempdir().expect("a folder");
    let mail = json!({ "type": "string", "format": "email" });
    std::fs::write(folder.path().join("mail.json"), mail.to_string()).expect("a file");
    let schema =
        schema_of(json!({ "mail": { "$ref": "mail.json" }, "far": { "$ref": "https://example.org/far.json" } }));
    let path = folder.path().join("person.schema.json");
    std::fs::write(&path, schema.to_string()).expect("a file");
    let one = config::IdentitySchema {
        id: "a b".to_owned(),
        url: format!("file://{}", path.display()),
        selfservice_selectable: false,
    };
    let config = config::Identity { default_schema_id: "a b".to_owned(), schemas: vec![one] };
    let source = SchemaSource::new();
    source.add("https://example.org/far.json", mail.to_string());
    let schemas = Schemas::load(&config, &source).expect("a schema");
    assert_eq!(schemas.default_schema().document(), schema.to_string());
    assert_eq!(schemas.default_schema().check(&json!({ "traits": { "mail": "x", "far": "y" } })).len(), 2);
    assert_eq!(schemas.get("YSBi").map(|schema| schema.id()), Some("a b"));
    assert!(schemas.get("c").is_none() && schemas.selectable("c").is_err());
    assert!(schemas.selectable(schemas.default_schema().id()).is_ok());
}

#[test]
fn what_an_account_is_known_by_stands_where_the_schema_says() {
    let address =
        json!({ "type": "string", "format": "email", "ory.sh/kratos": { "verification": { "via": "email" } } });
    let named = json!({ "type": "object", "properties": { "address": address, "note": { "type": "string" } } });
    let schema = json!({ "type": "object", "properties": { "traits": {
        "type": "object",
        "definitions": { "unused": address },
        "properties": {
            "email": address, "list": { "type": "array", "items": named }, "deep": { "allOf": [named] },
            "user": keyword(json!({ "credentials": { "password": { "identifier": true } } })),
            "phone": keyword(json!({ "recovery": { "via": "sms" } })),
            "shown": keyword(json!({ "credentials": { "totp": { "account_name": true } } })),
            "name": { "type": "string" },
        },
        "required": ["name"],
    } } });
    let schemas = schemas(&schema);
    let check = |traits: Value, expected: &[&str]| {
        let mut found = schemas.known_by(None, &traits);
        found.sort();
        assert_eq!(found, expected, "{traits}");
    };
    // What is missing elsewhere is no reason to forget it.
    let said = json!({ "email": "a@b.c", "list": [{ "address": "b@b.c" }], "deep": { "address": "c@b.c", "note": "n" },
        "user": "u", "phone": "+4915112345678", "shown": "s" });
    check(said, &["/deep/address", "/email", "/list", "/phone", "/user"]);
    let missing = json!({ "email": "", "list": [{ "address": "" }], "deep": {}, "user": "  ", "phone": null });
    check(missing, &[]);
    // Somebody has to put right what is wrong.
    check(json!({ "email": "nonsense", "list": [{ "address": "nonsense" }], "phone": "1", "user": "u" }), &["/user"]);
    check(json!({ "user": "u".repeat(300) }), &[]);
}
