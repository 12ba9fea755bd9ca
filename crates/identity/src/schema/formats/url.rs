//! Addresses, as Go's `url.Parse` reads them: characters of all scripts stand for themselves, and most others do too. The
//! `url` crate follows browsers, which mend what is wrong, and the validator's own checks follow the RFCs to the letter.

use std::net::Ipv6Addr;

/// Whether a text is an address with a scheme.
pub(super) fn is_absolute(text: &str) -> bool {
    Parts::of(text).is_some_and(|parts| parts.has_scheme)
}

/// Whether a text is an address, or one relative to another.
pub(super) fn is_reference(text: &str) -> bool {
    Parts::of(text).is_some()
}

/// Whether a text is an address whose braces come in pairs, one by one, within each segment of its path.
pub(super) fn is_template(text: &str) -> bool {
    let is_balanced = |segment: &str| {
        let braces = segment.chars().filter(|c| matches!(c, '{' | '}'));
        let mut is_open = false;
        let are_pairs = braces.into_iter().all(|brace| {
            let fits = is_open == (brace == '}');
            is_open = brace == '{';
            fits
        });
        are_pairs && !is_open
    };
    Parts::of(text).is_some_and(|parts| parts.path.split('/').all(is_balanced))
}

/// What matters of an address that can be read.
struct Parts<'a> {
    has_scheme: bool,
    /// Empty for an opaque one, `mailto:anna@example.org`.
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        // Of control characters, the fragment may hold any.
        if text.bytes().any(|byte| byte.is_ascii_control()) || !is_escaped(fragment) {
            return None;
        }
        let (scheme, rest) = scheme(text)?;
        let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
        let has_scheme = !scheme.is_empty();
        if !rest.starts_with('/') {
            if has_scheme {
                return Some(Self { has_scheme, path: "" });
            }
            // Or it could be taken for a scheme.
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return None;
            }
        }
        let path = match rest.strip_prefix("//").filter(|_| has_scheme || !rest.starts_with("///")) {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                is_authority(scheme, authority).then_some(path)?
            }
            None => rest,
        };
        is_escaped(path).then_some(Self { has_scheme, path })
    }
}

/// The scheme, which may be missing, and what follows it; `None` if there is nothing ahead of the colon.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    match text.split_once(':') {
        Some(("", _)) => None,
        Some((scheme, rest))
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(is_inner) =>
        {
            Some((scheme, rest))
        }
        _ => Some(("", text)),
    }
}

/// Whether every `%` stands before two hexadecimal digits.
fn is_escaped(text: &str) -> bool {
    escapes(text).all(|code| code.is_some())
}

/// The bytes that are escaped, `None` for those that are not well.
fn escapes(text: &str) -> impl Iterator<Item = Option<u8>> {
    text.match_indices('%').map(|(at, _)| {
        let digits = text.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())
    })
}

/// `user:password@host:80`
fn is_authority(scheme: &str, authority: &str) -> bool {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    user.bytes().all(is_plain) && user.split(':').all(is_escaped) && is_host(scheme, host)
}

fn is_host(scheme: &str, host: &str) -> bool {
    match host.rfind('[') {
        Some(0) => {
            let Some((address, port)) = host[1..].rsplit_once(']') else { return false };
            is_port(port) && is_ip_literal(address)
        }
        Some(_) => false,
        None => {
            // Databases have lists of hosts with ports.
            let is_strict = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https");
            let colon = if is_strict { host.find(':') } else { host.rfind(':') };
            colon.is_none_or(|colon| is_port(&host[colon..])) && is_name(host)
        }
    }
}

fn is_port(port: &str) -> bool {
    port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// An IPv6 address, with or without a zone behind `%25`.
fn is_ip_literal(text: &str) -> bool {
    let (address, zone) = match text.split_once("%25") {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let is_zone = |zone: &str| {
        let may_be_escaped =
            |code: Option<u8>| code.is_some_and(|code| matches!(code, b'%' | b' ') || is_host_byte(code));
        !zone.is_empty()
            && zone.bytes().all(|byte| byte == b'%' || is_host_byte(byte))
            && escapes(zone).all(may_be_escaped)
    };
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(is_zone)
}

/// A host name, in which nothing of ASCII but `%` may be escaped.
fn is_name(host: &str) -> bool {
    let may_be_escaped = |code: Option<u8>| code.is_some_and(|code| !code.is_ascii() || code == b'%');
    host.bytes().all(|byte| byte == b'%' || is_host_byte(byte)) && escapes(host).all(may_be_escaped)
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}
