//! How output is made harmless.

/// How the output is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// Not at all: `text/template`.
    None,
    /// As HTML: `html/template`.
    Html,
}

/// Escapes text for HTML, and for attributes in quotes of either kind.
pub fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '\0' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Escapes text for a string of JavaScript.
pub fn escape_js(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '\'' | '"' => escaped.extend(['\\', c]),
            '<' | '>' | '&' | '=' | '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => {
                escaped.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// The address, unless following it could run code; Go's mark in its place then.
pub fn safe_address(address: &str) -> &str {
    let scheme = address.trim_start().split_once(':').map(|(scheme, _)| scheme);
    let is_relative = scheme.is_none_or(|scheme| scheme.contains(['/', '?', '#']));
    let is_harmless =
        |scheme: &str| ["http", "https", "mailto", "tel"].iter().any(|harmless| scheme.eq_ignore_ascii_case(harmless));
    if is_relative || scheme.is_some_and(is_harmless) { address } else { "#ZgotmplZ" }
}
