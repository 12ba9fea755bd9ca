//! Functions of texts. Go counts bytes where it cuts a text; characters are counted here, so that none is cut in two.

use base32ct::{Base32Upper, Encoding};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::go::to_lower;
use serde_json::Value;
use url::form_urlencoded;

use super::error::TemplateError;
use super::escape::{escape_html, escape_js, quoted};
use super::limits::MAX_TEXT;
use super::value::{integer, shown};
use super::{lists, paths, printf, regexes, words};

type Outcome = Option<Result<Value, TemplateError>>;

/// Calls a function of texts; `None` when there is none of this name, or its arguments do not fit.
pub fn call(name: &str, arguments: &[Value]) -> Outcome {
    let texts: Vec<String> = arguments.iter().map(shown).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    if let Some(outcome) = regexes::call(name, &texts, arguments, MAX_TEXT) {
        return Some(outcome);
    }
    let present = || arguments.iter().zip(&texts).filter(|(value, _)| !value.is_null()).map(|(_, text)| *text);
    let joined = |parts: Vec<String>| Value::from(parts.join(" "));
    let count = |at: usize| integer(&arguments[at]);
    Some(Ok(match (name, texts.as_slice()) {
        ("print", _) => printf::print(arguments).into(),
        ("println", _) => format!("{}\n", texts.join(" ")).into(),
        ("printf", [format, ..]) => printf::printf(format, &arguments[1..]).into(),
        ("html", _) => escape_html(&texts.concat()).into(),
        ("js", _) => escape_js(&texts.concat()).into(),
        ("urlquery", _) => form_urlencoded::byte_serialize(texts.concat().as_bytes()).collect::<String>().into(),
        ("toString", [text]) => (*text).into(),
        ("lower", [text]) => to_lower(text).into(),
        ("upper", [text]) => text.chars().map(words::upper).collect::<String>().into(),
        ("title", [text]) => words::title(text).into(),
        ("untitle", [text]) => words::untitle(text).into(),
        ("initials", [text]) => words::initials(text).into(),
        ("swapcase", [text]) => words::swap_case(text).into(),
        ("camelcase", [text]) => words::camel_case(text).into(),
        ("snakecase", [text]) => words::snake_case(text, '_').into(),
        ("kebabcase", [text]) => words::snake_case(text, '-').into(),
        ("wrap", [_, text]) => return Some(words::wrap(text, count(0)?, "", false, MAX_TEXT).map(Value::from)),
        ("wrapWith", [_, line_end, text]) => {
            return Some(words::wrap(text, count(0)?, line_end, true, MAX_TEXT).map(Value::from));
        }
        ("trim", [text]) => text.trim().into(),
        ("trimAll", [set, text]) => text.trim_matches(|c| set.contains(c)).into(),
        ("trimPrefix", [prefix, text]) => text.strip_prefix(prefix).unwrap_or(text).into(),
        ("trimSuffix", [suffix, text]) => text.strip_suffix(suffix).unwrap_or(text).into(),
        ("contains", [part, text]) => text.contains(part).into(),
        ("hasPrefix", [prefix, text]) => text.starts_with(prefix).into(),
        ("hasSuffix", [suffix, text]) => text.ends_with(suffix).into(),
        ("replace", [old, new, text]) => {
            let places = text.matches(old).count();
            return Some(within(places.saturating_mul(new.len()), || text.replace(old, new)));
        }
        ("nospace", [text]) => text.split_whitespace().collect::<String>().into(),
        ("repeat", [_, text]) => {
            let count = usize::try_from(count(0)?).unwrap_or(0);
            return Some(within(text.len().saturating_mul(count), || text.repeat(count)));
        }
        ("quote", _) => joined(present().map(quoted).collect()),
        ("squote", _) => joined(present().map(|text| format!("'{text}'")).collect()),
        ("cat", _) => joined(present().map(str::to_owned).collect()),
        ("indent", [_, text]) => return Some(indent(count(0)?, "", text)),
        ("nindent", [_, text]) => return Some(indent(count(0)?, "\n", text)),
        ("trunc", [_, text]) => truncate(count(0)?, text).into(),
        ("abbrev", [_, text]) => abbreviate(0, count(0)?, text).into(),
        ("abbrevboth", [_, _, text]) => match (count(0)?, count(1)?) {
            (left, right) if right < 4 || left > 0 && right < 7 => (*text).into(),
            (left, right) => abbreviate(left, right, text).into(),
        },
        ("substr", [_, _, text]) => {
            let start = usize::try_from(count(0)?).unwrap_or(0);
            let end = usize::try_from(count(1)?).unwrap_or(usize::MAX);
            text.chars().skip(start).take(end.saturating_sub(start)).collect::<String>().into()
        }
        ("plural", [one, many, _]) => if count(2)? == 1 { *one } else { *many }.into(),
        ("split", [separator, text]) => lists::numbered(lists::split(separator, -1, text)),
        ("splitn", [separator, _, text]) => lists::numbered(lists::split(separator, count(1)?, text)),
        ("splitList", [separator, text]) => lists::split(separator, -1, text).into(),
        ("b64enc", [text]) => BASE64_STANDARD.encode(text).into(),
        ("b64dec", [text]) => return Some(decoded(BASE64_STANDARD.decode(text).ok(), "base64")),
        ("b32enc", [text]) => Base32Upper::encode_string(text.as_bytes()).into(),
        ("b32dec", [text]) => return Some(decoded(Base32Upper::decode_vec(text).ok(), "base32")),
        ("base", [path]) => paths::base(path).into(),
        ("dir", [path]) => paths::folder(path).into(),
        ("clean", [path]) => paths::clean(path).into(),
        ("ext", [path]) => paths::extension(path).into(),
        ("isAbs", [path]) => path.starts_with('/').into(),
        ("fail", [why]) => return Some(Err(TemplateError::new(*why))),
        _ => return None,
    }))
}

/// A text that is made only if what is added to it is not too long.
fn within(added: usize, make: impl FnOnce() -> String) -> Result<Value, TemplateError> {
    if added > MAX_TEXT { Err(TemplateError::new("the text is too long")) } else { Ok(make().into()) }
}

fn decoded(bytes: Option<Vec<u8>>, encoding: &str) -> Result<Value, TemplateError> {
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Value::from).ok_or_else(|| TemplateError::new(format!("this is not {encoding} of a text")))
}

fn indent(width: i64, before: &str, text: &str) -> Result<Value, TemplateError> {
    let width = usize::try_from(width).map_err(|_| TemplateError::new("the width is below zero"))?;
    let lines = text.matches('\n').count() + 1;
    within(width.saturating_mul(lines), || {
        let pad = " ".repeat(width);
        format!("{before}{pad}{}", text.replace('\n', &format!("\n{pad}")))
    })
}

/// The first characters of a text, or the last if the length is negative.
fn truncate(length: i64, text: &str) -> String {
    let count = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    if length >= 0 {
        return text.chars().take(count).collect();
    }
    text.chars().skip(text.chars().count().saturating_sub(count)).collect()
}

/// At most `width` characters, with dots for what is left out: behind, and before `left` if that is further in.
fn abbreviate(left: i64, width: i64, text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let width = usize::try_from(width).unwrap_or(0);
    if width < 4 || characters.len() <= width {
        return text.to_owned();
    }
    let kept = width - 3;
    let left = usize::try_from(left).unwrap_or(0).min(characters.len());
    // Where less than that is left, it begins earlier.
    let left = left.min(characters.len() - kept);
    let text = |characters: &[char]| characters.iter().collect::<String>();
    if left <= 4 {
        return format!("{}...", text(&characters[..kept]));
    }
    if left + kept < characters.len() {
        let rest = text(&characters[left..]);
        return format!("...{}", abbreviate(0, i64::try_from(kept).unwrap_or(i64::MAX), &rest));
    }
    format!("...{}", text(&characters[characters.len() - kept..]))
}
