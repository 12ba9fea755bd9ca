//! How addresses are read: what is one of email, what a phone number, and in which spelling they are kept.

use model::normalise_address;
use serde_json::Value;

/// No phone number is longer, however it is written.
const MAX_PHONE_BYTES: usize = 64;

/// A phone number with its country code in the one spelling of E.164; `None` for anything else.
pub fn phone_to_e164(text: &str) -> Option<String> {
    if text.len() > MAX_PHONE_BYTES {
        return None;
    }
    let parse = |text: &str| phonenumber::parse(None, text).ok().filter(phonenumber::PhoneNumber::is_valid);
    // The library gives up some numbers with a separator between single digits.
    let number = parse(text).or_else(|| parse(&text.replace([' ', '-', '.', '(', ')'], "")))?;
    Some(number.format().mode(phonenumber::Mode::E164).to_string())
}

/// What a person types to get a code, as identifiers of the code method are stored: a phone number in E.164, an email
/// address trimmed and in lower case, anything else trimmed.
pub fn identifier_for_code(typed: &str) -> String {
    match phone_to_e164(typed) {
        Some(number) => number,
        None if typed.contains('@') => normalise_address(typed),
        None => typed.trim().to_owned(),
    }
}

/// A value as the text that people would type. Empty ones, and those that are not one value, stand for nothing.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a text is an email address: an address of RFC 5322 §3.4.1 of at most 254 bytes, its local part at most 64,
/// with a host name for a domain.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= 254
        && local.len() <= 64
        && is_hostname(domain)
        && is_local_part(local.trim_start_matches([' ', '\t']))
}

/// Whether a text is a phone number with its country code.
pub(crate) fn is_phone(text: &str) -> bool {
    phone_to_e164(text).is_some()
}

/// RFC 1123 §2.1: letters, digits and hyphens in labels of at most 63 bytes.
pub(crate) fn is_hostname(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && !text.starts_with('-') && text.split('.').all(is_label)
}

fn is_local_part(local: &str) -> bool {
    if let Some(quoted) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        let mut escaped = false;
        let plain = |c: char| {
            let fits = escaped || !matches!(c, '"' | '\r' | '\n');
            escaped = !escaped && c == '\\';
            fits && (!c.is_control() || c == '\t')
        };
        return !quoted.is_empty() && quoted.chars().all(plain) && !escaped;
    }
    let is_atom_char = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii();
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}
