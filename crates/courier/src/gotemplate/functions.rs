//! The functions of Go's templates, and those of Sprig that depend on nothing but their arguments.

use std::cmp::Ordering;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use url::form_urlencoded;

use super::error::TemplateError;
use super::escape::{escape_html, escape_js};
use super::value::{compare, float, integer, is_true, kind, shown};
use super::{lists, printf};

/// The longest text that a function makes, in bytes.
const MAX_TEXT: usize = 1 << 20;

pub const NAMES: &[&str] = &[
    "abbrev",
    "add",
    "add1",
    "all",
    "and",
    "any",
    "append",
    "b64dec",
    "b64enc",
    "cat",
    "ceil",
    "coalesce",
    "compact",
    "concat",
    "contains",
    "default",
    "dict",
    "div",
    "empty",
    "eq",
    "first",
    "float64",
    "floor",
    "fromJson",
    "ge",
    "get",
    "gt",
    "has",
    "hasKey",
    "hasPrefix",
    "hasSuffix",
    "html",
    "indent",
    "index",
    "initial",
    "int",
    "int64",
    "join",
    "js",
    "keys",
    "kindIs",
    "last",
    "le",
    "len",
    "list",
    "lower",
    "lt",
    "max",
    "min",
    "mod",
    "mul",
    "ne",
    "nindent",
    "nospace",
    "not",
    "or",
    "pluck",
    "plural",
    "prepend",
    "print",
    "printf",
    "println",
    "quote",
    "regexMatch",
    "regexReplaceAll",
    "repeat",
    "replace",
    "rest",
    "reverse",
    "round",
    "slice",
    "sortAlpha",
    "split",
    "splitList",
    "squote",
    "sub",
    "substr",
    "ternary",
    "title",
    "toJson",
    "toPrettyJson",
    "toString",
    "toStrings",
    "trim",
    "trimAll",
    "trimPrefix",
    "trimSuffix",
    "trunc",
    "typeOf",
    "uniq",
    "untitle",
    "upper",
    "urlquery",
    "values",
    "without",
];

/// Whether there is a function of this name.
pub fn exists(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

/// Calls a function. `and` and `or` are the caller's, since they do not look at all of their arguments.
pub fn call(name: &str, arguments: &[Value]) -> Result<Value, TemplateError> {
    let value = of_texts(name, arguments)
        .or_else(|| of_numbers(name, arguments))
        .or_else(|| of_logic(name, arguments))
        .or_else(|| lists::call(name, arguments));
    let value = value.unwrap_or_else(|| Err(TemplateError::new("these arguments do not fit")));
    let value = value.map_err(|TemplateError(why)| TemplateError::new(format!("{name}: {why}")))?;
    match &value {
        Value::String(text) if text.len() > MAX_TEXT => {
            Err(TemplateError::new(format!("{name}: the text is too long")))
        }
        _ => Ok(value),
    }
}

type Outcome = Option<Result<Value, TemplateError>>;

fn of_texts(name: &str, arguments: &[Value]) -> Outcome {
    let texts: Vec<String> = arguments.iter().map(shown).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Some(Ok(match (name, texts.as_slice()) {
        ("print", _) => printf::print(arguments).into(),
        ("println", _) => format!("{}\n", texts.join(" ")).into(),
        ("printf", [format, ..]) => printf::printf(format, &arguments[1..]).into(),
        ("html", _) => escape_html(&texts.concat()).into(),
        ("js", _) => escape_js(&texts.concat()).into(),
        ("urlquery", _) => form_urlencoded::byte_serialize(texts.concat().as_bytes()).collect::<String>().into(),
        ("toString", [text]) => (*text).into(),
        ("lower", [text]) => text.to_lowercase().into(),
        ("upper", [text]) => text.to_uppercase().into(),
        ("title", [text]) => each_word(text, |first| first.to_uppercase().collect()).into(),
        ("untitle", [text]) => each_word(text, |first| first.to_lowercase().collect()).into(),
        ("trim", [text]) => text.trim().into(),
        ("trimAll", [set, text]) => text.trim_matches(|c| set.contains(c)).into(),
        ("trimPrefix", [prefix, text]) => text.strip_prefix(prefix).unwrap_or(text).into(),
        ("trimSuffix", [suffix, text]) => text.strip_suffix(suffix).unwrap_or(text).into(),
        ("contains", [part, text]) => text.contains(part).into(),
        ("hasPrefix", [prefix, text]) => text.starts_with(prefix).into(),
        ("hasSuffix", [suffix, text]) => text.ends_with(suffix).into(),
        ("replace", [old, new, text]) => text.replace(old, new).into(),
        ("nospace", [text]) => text.split_whitespace().collect::<String>().into(),
        ("repeat", [_, text]) => {
            let count = usize::try_from(integer(&arguments[0])?).unwrap_or(0);
            if text.len().saturating_mul(count) > MAX_TEXT {
                return Some(Err(TemplateError::new("the text is too long")));
            }
            text.repeat(count).into()
        }
        ("quote", _) => texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(" ").into(),
        ("squote", _) => texts.iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(" ").into(),
        ("cat", _) => texts.iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(" ").into(),
        ("indent", [_, text]) => indent(integer(&arguments[0])?, text).into(),
        ("nindent", [_, text]) => format!("\n{}", indent(integer(&arguments[0])?, text)).into(),
        ("trunc", [_, text]) => truncate(integer(&arguments[0])?, text).into(),
        ("abbrev", [_, text]) => {
            let width = usize::try_from(integer(&arguments[0])?).unwrap_or(0);
            match text.chars().count() > width && width >= 4 {
                true => format!("{}...", text.chars().take(width - 3).collect::<String>()).into(),
                false => (*text).into(),
            }
        }
        ("substr", [_, _, text]) => {
            let bound = |at: usize| integer(&arguments[at]).map(|bound| usize::try_from(bound).ok());
            let (start, end) = (bound(0)?.unwrap_or(0), bound(1)?.unwrap_or(usize::MAX));
            text.chars().skip(start).take(end.saturating_sub(start)).collect::<String>().into()
        }
        ("plural", [one, many, _]) => if integer(&arguments[2])? == 1 { *one } else { *many }.into(),
        ("split" | "splitList", [separator, text]) => lists::split(name == "split", separator, text),
        ("b64enc", [text]) => BASE64_STANDARD.encode(text).into(),
        ("b64dec", [text]) => {
            let decoded = BASE64_STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            return Some(decoded.map(Value::from).ok_or_else(|| TemplateError::new("this is not base64 of a text")));
        }
        ("regexMatch", [pattern, text]) => return Some(regex(pattern).map(|regex| regex.is_match(text).into())),
        ("regexReplaceAll", [pattern, text, replacement]) => {
            return Some(regex(pattern).map(|regex| regex.replace_all(text, *replacement).into_owned().into()));
        }
        _ => return None,
    }))
}

fn of_numbers(name: &str, arguments: &[Value]) -> Outcome {
    let integers = || arguments.iter().map(integer).collect::<Option<Vec<i64>>>();
    let overflow = || TemplateError::new("the number is too large, or something is divided by zero");
    let fold = |start: i64, combine: fn(i64, i64) -> Option<i64>| {
        let sum = integers()?.into_iter().try_fold(start, combine);
        Some(sum.map(Value::from).ok_or_else(overflow))
    };
    let pair = |combine: fn(i64, i64) -> Option<i64>| match integers()?.as_slice() {
        [a, b] => Some(combine(*a, *b).map(Value::from).ok_or_else(overflow)),
        _ => None,
    };
    match (name, arguments) {
        ("add", _) => fold(0, i64::checked_add),
        ("mul", _) => fold(1, i64::checked_mul),
        ("add1", [number]) => Some(integer(number)?.checked_add(1).map(Value::from).ok_or_else(overflow)),
        ("sub", _) => pair(i64::checked_sub),
        ("div", _) => pair(i64::checked_div),
        ("mod", _) => pair(i64::checked_rem),
        ("max", _) => integers()?.into_iter().max().map(|number| Ok(number.into())),
        ("min", _) => integers()?.into_iter().min().map(|number| Ok(number.into())),
        ("int" | "int64", [number]) => Some(Ok(integer(number).unwrap_or(0).into())),
        ("float64", [number]) => Some(Ok(float(number).unwrap_or(0.0).into())),
        ("floor", [number]) => Some(Ok(float(number)?.floor().into())),
        ("ceil", [number]) => Some(Ok(float(number)?.ceil().into())),
        ("round", [number, places, ..]) => {
            let scale = 10f64.powi(i32::try_from(integer(places)?).ok()?.clamp(-15, 15));
            Some(Ok(((float(number)? * scale).round() / scale).into()))
        }
        _ => None,
    }
}

fn of_logic(name: &str, arguments: &[Value]) -> Outcome {
    Some(Ok(match (name, arguments) {
        ("not", [value]) => (!is_true(value)).into(),
        ("eq", [first, others @ ..]) if !others.is_empty() => {
            others.iter().any(|other| compare(first, other) == Some(Ordering::Equal)).into()
        }
        ("ne", [a, b]) => (compare(a, b) != Some(Ordering::Equal)).into(),
        ("lt", [a, b]) => compare(a, b)?.is_lt().into(),
        ("le", [a, b]) => compare(a, b)?.is_le().into(),
        ("gt", [a, b]) => compare(a, b)?.is_gt().into(),
        ("ge", [a, b]) => compare(a, b)?.is_ge().into(),
        ("empty", [value]) => (!is_true(value)).into(),
        ("default", [fallback]) => fallback.clone(),
        ("default", [fallback, value]) => if is_true(value) { value } else { fallback }.clone(),
        ("coalesce", values) => values.iter().find(|value| is_true(value)).cloned().unwrap_or_default(),
        ("all", values) => values.iter().all(is_true).into(),
        ("any", values) => values.iter().any(is_true).into(),
        ("ternary", [yes, no, condition]) => if is_true(condition) { yes } else { no }.clone(),
        ("toJson", [value]) => value.to_string().into(),
        ("toPrettyJson", [value]) => format!("{value:#}").into(),
        ("fromJson", [Value::String(text)]) => serde_json::from_str(text).unwrap_or_default(),
        ("typeOf", [value]) => kind(value).into(),
        ("kindIs", [Value::String(expected), value]) => (kind(value) == expected).into(),
        _ => return None,
    }))
}

fn each_word(text: &str, change: impl Fn(char) -> String) -> String {
    let mut at_start = true;
    let mut changed = String::with_capacity(text.len());
    for c in text.chars() {
        if at_start {
            changed.push_str(&change(c))
        } else {
            changed.push(c)
        }
        at_start = c.is_whitespace();
    }
    changed
}

fn indent(width: i64, text: &str) -> String {
    let pad = " ".repeat(usize::try_from(width).unwrap_or(0).min(100));
    text.lines().map(|line| format!("{pad}{line}")).collect::<Vec<_>>().join("\n")
}

/// The first characters of a text, or the last if the length is negative.
fn truncate(length: i64, text: &str) -> String {
    let count = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    if length >= 0 {
        return text.chars().take(count).collect();
    }
    text.chars().skip(text.chars().count().saturating_sub(count)).collect()
}

fn regex(pattern: &str) -> Result<regex::Regex, TemplateError> {
    let built = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build();
    built.map_err(|_| TemplateError::new("this is no regular expression"))
}
