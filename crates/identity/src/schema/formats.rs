//! Formats that Kratos checks and JSON Schema leaves open, or checks otherwise.

use crate::derive::phone_to_e164;

/// Whether a text is an email address: an address of RFC 5322 §3.4.1 of at most 254 bytes, its local part at most 64,
/// with a host name for a domain.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= 254 && local.len() <= 64 && is_hostname(domain) && is_local_part(local.trim_start())
}

/// Whether a text is a phone number with its country code.
pub(crate) fn is_phone(text: &str) -> bool {
    phone_to_e164(text).is_some()
}

pub(super) fn is_ipv4(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

/// Passes everything; it says that a missing check is meant.
pub(super) fn no_validate(_: &str) -> bool {
    true
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
