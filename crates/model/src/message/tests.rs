use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The blocks of ids that Kratos v26.2 can send (its `text/id.go`, less the ids it never uses), and ours, which begin with 49.
const IDS: [RangeInclusive<u32>; 17] = [
    1010001..=1010019,
    1010021..=1010023,
    1040001..=1040009,
    1050001..=1050020,
    1060001..=1060007,
    1070000..=1070017,
    1080001..=1080003,
    4000001..=4000041,
    4010001..=4010010,
    4040001..=4040003,
    4050001..=4050001,
    4060001..=4060002,
    4060004..=4060006,
    4070001..=4070003,
    4070005..=4070006,
    4900001..=4900001,
    5000001..=5000002,
];

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/messages.md");

const INTRODUCTION: &str = "# Messages

Everything a form can say to a person. Clients should match on the id and fill their own words from the context;
ids, types and contexts are those of Ory Kratos v26.2, but for ids that begin with 49, which Kratos does not have.
The words are Zelus' and may change.
Words in braces stand for a value of the context. Times are RFC 3339 in UTC, and again as Unix seconds.

| Id | Type | Context | Text |
|---|---|---|---|
";

/// One of each message, in the order of the ids. Texts that come from outside are in braces.
fn samples() -> Vec<Message> {
    let at: Timestamp = "2026-01-02T03:04:05.5Z".parse().expect("a time");
    let types = ["password", "oidc"];
    vec![
        login_button(),
        login_with_provider("{provider}", "{provider_id}"),
        login_refresh(),
        login_aal2(),
        login_verify(),
        login_totp_label(),
        login_lookup_secret_label(),
        login_with_webauthn(),
        login_with_totp(),
        login_with_lookup_secret(),
        login_continue_with_webauthn(),
        login_prepare_webauthn(),
        login_continue(),
        login_code_sent(),
        login_send_code(),
        login_link("{duplicate_identifier}", "{provider}", "{new_login_url}", &types, &["google"]),
        login_and_link(),
        login_with_provider_and_link("{provider}"),
        login_request_code(),
        login_with_passkey(),
        login_with_password(),
        login_send_code_to("{address}", "{channel}"),
        registration_button(),
        registration_with_provider("{provider}", "{provider_id}"),
        registration_continue(),
        registration_with_webauthn(),
        registration_code_sent(),
        registration_send_code(),
        registration_with_passkey(),
        registration_back(),
        choose_credential(),
        settings_saved(),
        link_provider("{provider}"),
        unlink_provider("{provider}"),
        unlink_totp(),
        totp_qr_code(),
        totp_secret("{secret}"),
        reveal_lookup_secrets(),
        regenerate_lookup_secrets(),
        lookup_secret("{secret}"),
        lookup_secrets_label(),
        confirm_lookup_secrets(),
        add_webauthn(),
        webauthn_display_name_label(),
        lookup_secret_used(at),
        lookup_secret_list(&[lookup_secret("{secret}"), lookup_secret_used(at)]),
        disable_lookup_secrets(),
        totp_secret_label(),
        remove_webauthn("{display_name}", at),
        add_passkey(),
        remove_passkey("{display_name}", at),
        recovered(at),
        recovery_link_sent(),
        recovery_code_sent(),
        recovery_code_sent_to("{masked_address}"),
        recovery_ask_full_address(),
        recovery_choose_address(),
        recovery_back(),
        plain_label("{text}"),
        password_label(),
        schema_label("{title}", "{name}"),
        save_label(),
        id_label(),
        submit_label(),
        verify_code_label(),
        email_label(),
        resend_code_label(),
        continue_label(),
        recovery_code_label(),
        verification_code_label(),
        registration_code_label(),
        login_code_label(),
        login_and_link_credential_label(),
        captcha_label(),
        recovery_address_label(),
        phone_label(),
        verification_link_sent(),
        verified(),
        verification_code_sent(),
        generic("{reason}"),
        property_missing("{property}"),
        too_short(8, 3),
        pattern_mismatch("{pattern}"),
        password_policy("{reason}"),
        invalid_credentials(),
        duplicate_account(),
        totp_invalid(),
        identifier_missing(),
        address_not_verified(),
        no_totp_device(),
        lookup_secret_already_used(),
        no_webauthn_device(),
        no_lookup_secrets(),
        no_webauthn_user(),
        lookup_secret_invalid(),
        too_long(8, 9),
        minimum(5.0, 3.5),
        exclusive_minimum(5.0, 5.0),
        maximum(5.0, 6.0),
        exclusive_maximum(5.0, 5.0),
        multiple_of(0.5, 0.7),
        max_items(3, 4),
        min_items(1, 0),
        unique_items(0, 2),
        wrong_type(&["string".to_owned(), "null".to_owned()], "{actual_type}"),
        duplicate_account_on_link(),
        duplicate_account_with_hints(&types, &["google"], "{credential_identifier_hint}"),
        const_mismatch("{expected}"),
        const_generic(),
        password_too_similar(),
        password_too_short(8, 3),
        password_too_long(72, 80),
        password_breached(4711),
        no_code_user(),
        traits_mismatch(),
        account_not_found(),
        captcha_failed(),
        password_unchanged(),
        invalid_email("{value}"),
        invalid_phone("{value}"),
        login_flow_expired(at),
        no_login_method(),
        no_registration_method(),
        no_settings_method(),
        no_recovery_method(),
        no_verification_method(),
        login_already_completed(),
        login_code_invalid(),
        linked_credentials_mismatch(),
        login_address_unknown(),
        registration_flow_expired(at),
        registration_already_completed(),
        registration_code_invalid(),
        settings_flow_expired(at),
        recovery_already_completed(),
        recovery_failed(),
        recovery_link_invalid(),
        recovery_flow_expired(at),
        recovery_code_invalid(),
        verification_link_invalid(),
        verification_already_completed(),
        verification_failed(),
        verification_flow_expired(at),
        verification_code_invalid(),
        too_many_failures(90),
        system_error("{reason}"),
        no_authentication_methods(),
    ]
}

#[test]
fn the_catalogue_is_complete_and_its_ids_are_unique() {
    let ids: Vec<u32> = samples().iter().map(|message| message.id).collect();
    let expected: BTreeSet<u32> = IDS.into_iter().flatten().collect();
    assert_eq!(ids, expected.into_iter().collect::<Vec<_>>());
}

#[test]
fn the_first_digit_tells_errors_from_the_rest() {
    for message in samples() {
        assert_eq!(message.id >= 4_000_000, message.kind == MessageType::Error, "{}", message.id);
        let success = [1050001, 1060001, 1080002].contains(&message.id);
        assert_eq!(success, message.kind == MessageType::Success, "{}", message.id);
    }
}

#[test]
fn texts_are_short_and_in_sentence_case() {
    for Message { id, text, kind, .. } in samples() {
        assert!(!text.is_empty() && text.len() <= 120, "{id}: {text}");
        assert!(text.trim() == text && !text.contains("  ") && !text.contains(char::is_control), "{id}: {text}");
        assert!(text.starts_with(|first: char| first.is_uppercase() || first == '{'), "{id}: {text}");
        let from_outside = text == "{reason}";
        assert!(kind == MessageType::Info || text.ends_with('.') || from_outside, "{id} is no sentence: {text}");
    }
}

#[test]
fn the_reference_is_up_to_date() {
    let mut reference = INTRODUCTION.to_owned();
    for message in samples() {
        let kind = json!(message.kind);
        let context: Vec<String> =
            message.context.iter().map(|(key, value)| format!("`{key}`: {}", json_type(value))).collect();
        let kind = kind.as_str().expect("a string");
        writeln!(reference, "| {} | {kind} | {} | {} |", message.id, context.join(", "), message.text)
            .expect("a string");
    }
    let path = Path::new(REFERENCE);
    if std::fs::read_to_string(path).ok().as_deref() != Some(&reference) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder of the reference");
        std::fs::write(path, reference).expect("the reference is written");
        panic!("docs/reference/messages.md was out of date; it is written anew, please read and commit it");
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) if items.iter().all(Value::is_string) => "array of strings",
        Value::Array(_) => "array of messages",
        Value::Object(_) => "object",
    }
}

#[test]
fn messages_are_written_as_kratos_writes_them() {
    let missing = json!({
        "id": 4000002, "text": "Please fill in email.", "type": "error", "context": { "property": "email" }
    });
    assert_eq!(json!(property_missing("email")), missing);
    // Without anything to say, the context is absent.
    assert_eq!(json!(login_button()), json!({ "id": 1010001, "text": "Sign in", "type": "info" }));
    assert_eq!(json!(settings_saved())["type"], "success");
}

#[test]
fn every_message_survives_the_database() {
    for message in samples() {
        let stored = serde_json::to_string(&message).expect("a message is JSON");
        assert_eq!(serde_json::from_str::<Message>(&stored).expect("and back"), message);
    }
}

#[test]
fn times_are_told_twice() {
    let at: Timestamp = "2026-01-02T03:04:05.5Z".parse().expect("a time");
    let pair = json!({ "expired_at": "2026-01-02T03:04:05.5Z", "expired_at_unix": 1767323045 });
    for expired in [
        login_flow_expired(at),
        registration_flow_expired(at),
        settings_flow_expired(at),
        recovery_flow_expired(at),
        verification_flow_expired(at),
    ] {
        assert_eq!(Value::Object(expired.context), pair, "{}", expired.id);
    }
    assert_eq!(recovered(at).context["privileged_session_expires_at_unix"], 1767323045);
}

#[test]
fn numbers_are_whole_where_they_can_be() {
    let context = minimum(5.0, 3.5).context;
    assert_eq!((context["minimum"].to_string(), context["actual"].to_string()), ("5".to_owned(), "3.5".to_owned()));
    assert_eq!(maximum(1e16, f64::NAN).context["actual"], Value::Null);
    assert_eq!(password_breached(u64::MAX).context["breaches"], u64::MAX);
}

#[test]
fn counts_agree_with_their_nouns() {
    assert_eq!(too_short(1, 0).text, "This needs at least 1 character, but has 0.");
    assert_eq!(min_items(1, 0).text, "This needs at least 1 entry, but has 0.");
    assert_eq!(max_items(2, 3).text, "This may have at most 2 entries, but has 3.");
    assert_eq!(unique_items(0, 2).text, "Entries 1 and 3 are the same.");
}

#[test]
fn hints_name_each_way_once() {
    let nothing: [&str; 0] = [];
    let text = |types: &[&str], providers: &[&str], hint: &str| {
        duplicate_account_with_hints(types, providers, hint).text.into_owned()
    };
    assert_eq!(
        text(&["oidc", "password", "saml"], &["github", "google"], "a@b.c"),
        "a@b.c already has an account. Please sign in with your password, Github or Google."
    );
    assert_eq!(
        text(&["oidc", "saml"], &nothing, ""),
        "There is already an account with these details. Please sign in with the provider you used before."
    );
    assert_eq!(text(&["unheard-of"], &nothing, ""), "There is already an account with these details.");
}

#[test]
fn lists_without_members_stay_lists() {
    let nothing: [&str; 0] = [];
    let context = duplicate_account_with_hints(&nothing, &nothing, "").context;
    let expected = json!({
        "available_credential_types": [], "available_oidc_providers": [], "credential_identifier_hint": ""
    });
    assert_eq!(Value::Object(context), expected);
}

#[test]
fn the_list_of_backup_codes_holds_their_messages() {
    let at: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
    let codes = [lookup_secret("abcd1234"), lookup_secret_used(at)];
    let list = lookup_secret_list(&codes);
    assert_eq!(list.text, "abcd1234, used");
    assert_eq!(list.context["secrets"], json!(codes));
    assert_eq!(list.context["secrets"][1]["context"]["used_at"], "2026-01-02T03:04:05Z");
}

proptest! {
    #[test]
    fn numbers_in_contexts_keep_their_value(value in prop::num::f64::NORMAL | prop::num::f64::ZERO) {
        let context = multiple_of(value, value).context;
        prop_assert_eq!(context["base"].as_f64(), Some(value));
    }

    #[test]
    fn whole_numbers_have_no_fraction(value in -1_000_000_000_000_i64..1_000_000_000_000) {
        let context = minimum(value as f64, 0.5).context;
        prop_assert_eq!(context["minimum"].to_string(), value.to_string());
    }
}
