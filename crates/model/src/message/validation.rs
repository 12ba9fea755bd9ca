//! What is wrong with an input: 4000001 to 4000041, and the errors of the system from 5000001.

use serde_json::{Number, Value};

use super::{Message, MessageType, strings};

/// 4000001: any other fault, in the words of `reason`.
pub fn generic(reason: impl Into<String>) -> Message {
    with_reason(4000001, reason.into())
}

/// 4000002: a required property is absent or empty.
pub fn property_missing(property: &str) -> Message {
    invalid(4000002, format!("Please fill in {property}."), [("property", property.into())])
}

/// 4000003: a text has fewer characters than `minLength` asks.
pub fn too_short(min_length: usize, actual_length: usize) -> Message {
    let text = format!("This needs at least {}, but has {actual_length}.", count(min_length, "character"));
    invalid(4000003, text, [("actual_length", actual_length.into()), ("min_length", min_length.into())])
}

/// 4000004: a text does not fit the schema's `pattern`.
pub fn pattern_mismatch(pattern: &str) -> Message {
    invalid(4000004, format!("This does not have the form {pattern}."), [("pattern", pattern.into())])
}

/// 4000005: a password is refused for any other `reason`, a clause such as `it is a name`.
pub fn password_policy(reason: impl Into<String>) -> Message {
    let reason = reason.into();
    invalid(4000005, format!("Please choose another password: {reason}."), [("reason", reason.into())])
}

/// 4000006: identifier and credential do not belong together; says not which of them is wrong.
pub fn invalid_credentials() -> Message {
    Message::error(4000006, "That did not match. Please check what you typed and try again.")
}

/// 4000007: the identifier belongs to another account.
pub fn duplicate_account() -> Message {
    Message::error(4000007, "Another account uses these details already. If it is yours, please sign in to it.")
}

/// 4000008: the code of the authenticator app is wrong.
pub fn totp_invalid() -> Message {
    Message::error(4000008, "That code did not work. Please type the one your app shows now.")
}

/// 4000008 as well: a security key or passkey was not accepted, for a `reason` that is a clause.
pub fn key_refused(reason: &str) -> Message {
    Message::error(4000008, format!("That key did not work: {reason}."))
}

/// 4000009: the traits hold no identifier for the chosen credential.
pub fn identifier_missing() -> Message {
    Message::error(4000009, "Please fill in an address or a name to sign in with.")
}

/// 4000010: signing in needs a verified address.
pub fn address_not_verified() -> Message {
    Message::error(4000010, "Please verify your address first, then sign in.")
}

/// 4000011: the account has no authenticator app.
pub fn no_totp_device() -> Message {
    Message::error(4000011, "Your account has no authenticator app yet.")
}

/// 4000012: the backup code is spent.
pub fn lookup_secret_already_used() -> Message {
    Message::error(4000012, "That backup code is used up. Please take another one.")
}

/// 4000013: the account has no security key.
pub fn no_webauthn_device() -> Message {
    Message::error(4000013, "Your account has no security key yet.")
}

/// 4000014: the account has no backup codes.
pub fn no_lookup_secrets() -> Message {
    Message::error(4000014, "Your account has no backup codes yet.")
}

/// 4000015: no account with a security key goes by this identifier.
pub fn no_webauthn_user() -> Message {
    Message::error(4000015, "We found no account with a security key here.")
}

/// 4000016: the backup code is none of the account's.
pub fn lookup_secret_invalid() -> Message {
    Message::error(4000016, "That backup code did not work. Please check it and try again.")
}

/// 4000017: a text has more characters than `maxLength` allows.
pub fn too_long(max_length: usize, actual_length: usize) -> Message {
    let text = format!("This may have at most {}, but has {actual_length}.", count(max_length, "character"));
    invalid(4000017, text, [("actual_length", actual_length.into()), ("max_length", max_length.into())])
}

/// 4000018: a number is below `minimum`.
pub fn minimum(minimum: f64, actual: f64) -> Message {
    let text = format!("Please enter {minimum} or more, not {actual}.");
    invalid(4000018, text, [("actual", number(actual)), ("minimum", number(minimum))])
}

/// 4000019: a number is not above `minimum`.
pub fn exclusive_minimum(minimum: f64, actual: f64) -> Message {
    let text = format!("Please enter more than {minimum}, not {actual}.");
    invalid(4000019, text, [("actual", number(actual)), ("minimum", number(minimum))])
}

/// 4000020: a number is above `maximum`.
pub fn maximum(maximum: f64, actual: f64) -> Message {
    let text = format!("Please enter {maximum} or less, not {actual}.");
    invalid(4000020, text, [("actual", number(actual)), ("maximum", number(maximum))])
}

/// 4000021: a number is not below `maximum`.
pub fn exclusive_maximum(maximum: f64, actual: f64) -> Message {
    let text = format!("Please enter less than {maximum}, not {actual}.");
    invalid(4000021, text, [("actual", number(actual)), ("maximum", number(maximum))])
}

/// 4000022: a number is no multiple of `base`.
pub fn multiple_of(base: f64, actual: f64) -> Message {
    let text = format!("Please enter a multiple of {base}, not {actual}.");
    invalid(4000022, text, [("actual", number(actual)), ("base", number(base))])
}

/// 4000023: a list has more items than `maxItems` allows.
pub fn max_items(max_items: usize, actual_items: usize) -> Message {
    let text = format!("This may have at most {}, but has {actual_items}.", count(max_items, "entry"));
    invalid(4000023, text, [("actual_items", actual_items.into()), ("max_items", max_items.into())])
}

/// 4000024: a list has fewer items than `minItems` asks.
pub fn min_items(min_items: usize, actual_items: usize) -> Message {
    let text = format!("This needs at least {}, but has {actual_items}.", count(min_items, "entry"));
    invalid(4000024, text, [("actual_items", actual_items.into()), ("min_items", min_items.into())])
}

/// 4000025: two items of a list are the same; both indices count from zero.
pub fn unique_items(index_a: usize, index_b: usize) -> Message {
    let text = format!("Entries {} and {} are the same.", index_a.saturating_add(1), index_b.saturating_add(1));
    invalid(4000025, text, [("index_a", index_a.into()), ("index_b", index_b.into())])
}

/// 4000026: a value has another JSON type than the schema allows.
pub fn wrong_type(allowed_types: &[String], actual_type: &str) -> Message {
    let text = format!("This should be of type {}, not {actual_type}.", alternatives(allowed_types));
    let context = [("actual_type", actual_type.into()), ("allowed_types", strings(allowed_types))];
    invalid(4000026, text, context)
}

/// 4000027: the identifier that a provider reports belongs to another account.
pub fn duplicate_account_on_link() -> Message {
    let text = "There is already an account with these details. Please sign in to it and connect the provider there.";
    Message::error(4000027, text)
}

/// 4000028: as [`duplicate_account`], and says which credential types and providers that account has.
/// An empty `identifier` is not shown.
pub fn duplicate_account_with_hints(
    credential_types: &[impl AsRef<str>],
    providers: &[impl AsRef<str>],
    identifier: &str,
) -> Message {
    let mut text = match identifier {
        "" => "There is already an account with these details.".to_owned(),
        identifier => format!("{identifier} already has an account."),
    };
    let ways = ways_to_sign_in(credential_types, providers);
    if !ways.is_empty() {
        text.push_str(&format!(" Please sign in with {}.", alternatives(&ways)));
    }
    let context = [
        ("available_credential_types", strings(credential_types)),
        ("available_oidc_providers", strings(providers)),
        ("credential_identifier_hint", identifier.into()),
    ];
    invalid(4000028, text, context)
}

/// 4000029: a value is not the one the schema's `const` names.
pub fn const_mismatch(expected: &str) -> Message {
    invalid(4000029, format!("Only {expected} is possible here."), [("expected", expected.into())])
}

/// 4000030: a value is not the schema's `const`, which is not named.
pub fn const_generic() -> Message {
    Message::error(4000030, "Only one value is possible here, and it is not this one.")
}

/// 4000031: the password is too much like the identifier.
pub fn password_too_similar() -> Message {
    Message::error(4000031, "Please choose a password that is less like your address or name.")
}

/// 4000032: the password has too few characters.
pub fn password_too_short(min_length: usize, actual_length: usize) -> Message {
    let text = format!("Please choose a password of at least {}.", count(min_length, "character"));
    invalid(4000032, text, [("actual_length", actual_length.into()), ("min_length", min_length.into())])
}

/// 4000033: the password has too many bytes for the hashing algorithm; both lengths are in bytes.
pub fn password_too_long(max_length: usize, actual_length: usize) -> Message {
    // The limit is in bytes, so a number of characters would mislead.
    let text = "This password is too long. Please choose a shorter one.".to_owned();
    invalid(4000033, text, [("actual_length", actual_length.into()), ("max_length", max_length.into())])
}

/// 4000034: the password was seen in that many data breaches.
pub fn password_breached(breaches: u64) -> Message {
    let text = "This password has leaked elsewhere and is no longer safe. Please choose another one.";
    Message::new(4000034, MessageType::Error, text, [("breaches", breaches.into())])
}

/// 4000035: no account that signs in with codes goes by this identifier.
pub fn no_code_user() -> Message {
    Message::error(4000035, "We found no account that signs in with a code here.")
}

/// 4000036: the traits are not those the code was sent for.
pub fn traits_mismatch() -> Message {
    Message::error(4000036, "Your details changed after the code was sent. Please start again.")
}

/// 4000037: no account goes by this identifier, or it has no way to sign in.
pub fn account_not_found() -> Message {
    Message::error(4000037, "We found no account to sign in to here. Please check what you typed.")
}

/// 4000038: the captcha was not solved.
pub fn captcha_failed() -> Message {
    Message::error(4000038, "We could not tell that you are human. Please try again.")
}

/// 4000039: the new password is the old one.
pub fn password_unchanged() -> Message {
    Message::error(4000039, "This is your password already. Please choose a new one.")
}

/// 4000040: a text is no email address.
pub fn invalid_email(value: &str) -> Message {
    invalid(4000040, "This does not look like an email address.".to_owned(), [("value", value.into())])
}

/// 4000041: a text is no phone number.
pub fn invalid_phone(value: &str) -> Message {
    let text = "This does not look like a phone number. Please start with + and the country code.";
    invalid(4000041, text.to_owned(), [("value", value.into())])
}

/// 5000001: the service failed, in the words of `reason`.
pub fn system_error(reason: impl Into<String>) -> Message {
    with_reason(5000001, reason.into())
}

/// 5000002: the configuration leaves no way to sign in or up.
pub fn no_authentication_methods() -> Message {
    Message::error(5000002, "There is no way to sign in here at the moment. Please tell whoever runs this site.")
}

fn invalid<const N: usize>(id: u32, text: String, context: [(&str, Value); N]) -> Message {
    Message::new(id, MessageType::Error, text, context)
}

fn with_reason(id: u32, reason: String) -> Message {
    invalid(id, reason.clone(), [("reason", reason.into())])
}

/// A number as Go prints it: without a fraction when it is whole. What JSON cannot hold becomes `null`.
fn number(value: f64) -> Value {
    // Every whole f64 of this magnitude is exact as an i64.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        Value::from(value as i64)
    } else {
        Number::from_f64(value).map_or(Value::Null, Value::Number)
    }
}

/// `1 character`, `2 characters`, `2 entries`.
fn count(number: usize, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}

/// `a`, `a or b`, `a, b or c`.
fn alternatives(list: &[impl AsRef<str>]) -> String {
    let list: Vec<&str> = list.iter().map(AsRef::as_ref).collect();
    match list.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// What a person would call these credentials, each once, in the order given, the providers last.
fn ways_to_sign_in(credential_types: &[impl AsRef<str>], providers: &[impl AsRef<str>]) -> Vec<String> {
    let credentials = credential_types.iter().filter_map(|kind| match kind.as_ref() {
        "password" => Some("your password"),
        "passkey" => Some("your passkey"),
        "webauthn" => Some("your security key"),
        "code" => Some("a code"),
        "oidc" | "saml" if providers.is_empty() => Some("the provider you used before"),
        _ => None,
    });
    let mut ways: Vec<String> = Vec::new();
    for way in credentials.map(str::to_owned).chain(providers.iter().map(|provider| capitalised(provider.as_ref()))) {
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
