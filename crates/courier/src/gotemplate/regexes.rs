//! Regular expressions. Those of the crate `regex` are nearly Go's: both stem from RE2, and take time in proportion to
//! the text. Here `\d`, `\s`, `\w` and `\b` are ASCII, as in Go.

use regex::{NoExpand, Regex, RegexBuilder};
use serde_json::Value;

use super::error::TemplateError;
use super::value::integer;

/// The most memory that a compiled expression takes, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// Calls a function whose first argument is an expression; `None` when there is no such function, or its arguments do
/// not fit.
pub fn call(name: &str, texts: &[&str], arguments: &[Value], most: usize) -> Option<Result<Value, TemplateError>> {
    let count = |at: usize| arguments.get(at).and_then(integer);
    Some(match (name, texts) {
        // As in Sprig, a broken expression matches nothing.
        ("regexMatch", [pattern, text]) => Ok(compile(pattern).is_ok_and(|regex| regex.is_match(text)).into()),
        ("mustRegexMatch", [pattern, text]) => compile(pattern).map(|regex| regex.is_match(text).into()),
        ("regexFind", [pattern, text]) => {
            compile(pattern).map(|regex| regex.find(text).map_or("", |found| found.as_str()).into())
        }
        ("regexFindAll", [pattern, text, _]) => {
            let count = usize::try_from(count(2)?).unwrap_or(usize::MAX);
            compile(pattern).map(|regex| regex.find_iter(text).take(count).map(|found| found.as_str()).collect())
        }
        ("regexReplaceAll", [pattern, text, with]) => {
            compile(pattern).and_then(|regex| replace(&regex, text, most, |found, out| found.expand(with, out)))
        }
        ("regexReplaceAllLiteral", [pattern, text, with]) => {
            compile(pattern).and_then(|regex| replace(&regex, text, most, |_, out| out.push_str(NoExpand(with).0)))
        }
        ("regexSplit", [pattern, text, _]) => {
            let count = count(2)?;
            compile(pattern).map(|regex| split(&regex, pattern.is_empty(), text, count))
        }
        ("regexQuoteMeta", [text]) => Ok(quote(text).into()),
        _ => return None,
    })
}

fn compile(pattern: &str) -> Result<Regex, TemplateError> {
    let built = RegexBuilder::new(&with_ascii_classes(pattern)).size_limit(MAX_SIZE).build();
    built.map_err(|_| TemplateError::new("this is no regular expression"))
}

/// The expression with Go's meaning of `\d`, `\s`, `\w` and their opposites, within brackets or not, of `\b`, and of
/// `\Q…\E`.
fn with_ascii_classes(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            translated.push(c);
            continue;
        }
        match characters.next() {
            Some('d') => translated.push_str("[0-9]"),
            Some('D') => translated.push_str("[^0-9]"),
            Some('s') => translated.push_str(r"[\t\n\f\r ]"),
            Some('S') => translated.push_str(r"[^\t\n\f\r ]"),
            Some('w') => translated.push_str("[0-9A-Za-z_]"),
            Some('W') => translated.push_str("[^0-9A-Za-z_]"),
            Some('b') => translated.push_str(r"(?-u:\b)"),
            Some('Q') => {
                let rest = characters.as_str();
                let (literal, rest) = rest.split_once(r"\E").unwrap_or((rest, ""));
                translated.push_str(&quote(literal));
                characters = rest.chars();
            }
            Some(escaped) => translated.extend([c, escaped]),
            None => translated.push(c),
        }
    }
    translated
}

/// The text with every match replaced, up to `most` bytes.
fn replace(
    regex: &Regex,
    text: &str,
    most: usize,
    put: impl Fn(&regex::Captures<'_>, &mut String),
) -> Result<Value, TemplateError> {
    let mut replaced = String::with_capacity(text.len());
    let mut end = 0;
    for found in regex.captures_iter(text) {
        let whole = found.get_match();
        replaced.push_str(&text[end..whole.start()]);
        put(&found, &mut replaced);
        end = whole.end();
        if replaced.len() > most {
            return Err(TemplateError::new("the text is too long"));
        }
    }
    replaced.push_str(&text[end..]);
    Ok(replaced.into())
}

/// What stands between matches: all parts, or, if `count` is positive, that many, of which the last is the rest.
fn split(regex: &Regex, is_empty: bool, text: &str, count: i64) -> Value {
    if count == 0 {
        return Value::Array(Vec::new());
    }
    if text.is_empty() && !is_empty {
        return vec![Value::from("")].into();
    }
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let mut parts: Vec<Value> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in regex.find_iter(text) {
        if parts.len() + 1 >= most {
            break;
        }
        end = found.start();
        // Nothing before the first character is no part.
        if found.end() != 0 {
            parts.push(text[begin..end].into());
        }
        begin = found.end();
    }
    if end != text.len() {
        parts.push(text[begin..].into());
    }
    parts.into()
}

fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}
