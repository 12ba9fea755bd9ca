//! The formats that Kratos checks, each as it does; mostly what Go's libraries make of a text, which is more lenient than the
//! standards. A format that is not here is not checked.

mod time;
mod url;

use crate::address::{is_email, is_hostname, is_phone};
use crate::re2;

type Check = fn(&str) -> bool;

/// Every format that Kratos checks, and those that it leaves open and the validator would not.
pub(super) const FORMATS: [(&str, Check); 23] = [
    ("date", time::is_date),
    ("date-time", time::is_date_time),
    ("time", time::is_time),
    ("email", is_email),
    ("hostname", is_hostname),
    ("tel", is_phone),
    ("ip-address", is_ipv4),
    ("ipv4", is_ipv4),
    ("ipv6", is_ipv6),
    ("uri", url::is_absolute),
    ("iri", url::is_absolute),
    ("uri-reference", url::is_reference),
    ("uriref", url::is_reference),
    ("iri-reference", url::is_reference),
    ("uri-template", url::is_template),
    ("regex", is_regex),
    ("json-pointer", is_json_pointer),
    ("relative-json-pointer", is_relative_json_pointer),
    ("no-validate", is_open),
    ("duration", is_open),
    ("idn-email", is_open),
    ("idn-hostname", is_open),
    ("uuid", is_open),
];

fn is_open(_: &str) -> bool {
    true
}

/// Four numbers up to 255, which may have a sign and zeros in front.
fn is_ipv4(text: &str) -> bool {
    let is_byte = |group: &str| {
        let digits = group.strip_prefix(['+', '-']).unwrap_or(group);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let significant = digits.trim_start_matches('0');
        let number = if significant.is_empty() { Some(0) } else { significant.parse::<u8>().ok() };
        is_number && number.is_some_and(|number| number == 0 || !group.starts_with('-'))
    };
    text.split('.').count() == 4 && text.split('.').all(is_byte)
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
}

fn is_regex(text: &str) -> bool {
    re2::check(text).is_ok()
}

/// RFC 6901, where a tilde may be escaped by another one.
fn is_json_pointer(text: &str) -> bool {
    let is_escaped = |(at, _): (usize, &str)| matches!(text.as_bytes().get(at + 1), Some(b'~' | b'0' | b'1'));
    (text.is_empty() || text.starts_with('/')) && text.match_indices('~').all(is_escaped)
}

/// A number without leading zeros, and a JSON pointer or `#`.
fn is_relative_json_pointer(text: &str) -> bool {
    let rest = match text.strip_prefix('0') {
        Some(rest) => rest,
        None => text.trim_start_matches(|c: char| c.is_ascii_digit()),
    };
    rest.len() < text.len() && (rest == "#" || is_json_pointer(rest))
}
