//! The functions of Go's templates, and those of Sprig that depend on nothing but their arguments.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::error::TemplateError;
use super::limits::{MAX_SIZE, size};
use super::value::{compare, is_true, kind, type_name};
use super::{json, lists, maps, numbers, texts};

/// In the order of their bytes. Those of Sprig that tell the time or chance, or look at the machine or the network, are
/// not among them, nor are its cryptography, addresses and versions.
#[rustfmt::skip]
pub const NAMES: &[&str] = &[
    "abbrev", "abbrevboth", "add", "add1", "add1f", "addf", "all", "and", "any", "append", "atoi", "b32dec",
    "b32enc", "b64dec", "b64enc", "base", "biggest", "camelcase", "cat", "ceil", "chunk", "clean", "coalesce",
    "compact", "concat", "contains", "deepCopy", "deepEqual", "default", "dict", "dig", "dir", "div", "divf",
    "empty", "eq", "ext", "fail", "first", "float64", "floor", "fromJson", "ge", "get", "gt", "has", "hasKey",
    "hasPrefix", "hasSuffix", "html", "indent", "index", "initial", "initials", "int", "int64", "isAbs", "join",
    "js", "kebabcase", "keys", "kindIs", "kindOf", "last", "le", "len", "list", "lower", "lt", "max", "maxf",
    "merge", "mergeOverwrite", "min", "minf", "mod", "mul", "mulf", "mustAppend", "mustChunk", "mustCompact",
    "mustDeepCopy", "mustFirst", "mustFromJson", "mustHas", "mustInitial", "mustLast", "mustMerge",
    "mustMergeOverwrite", "mustPrepend", "mustPush", "mustRegexFind", "mustRegexFindAll", "mustRegexMatch",
    "mustRegexReplaceAll", "mustRegexReplaceAllLiteral", "mustRegexSplit", "mustRest", "mustReverse", "mustSlice",
    "mustToJson", "mustToPrettyJson", "mustToRawJson", "mustUniq", "mustWithout", "ne", "nindent", "nospace", "not",
    "omit", "or", "osBase", "osClean", "osDir", "osExt", "osIsAbs", "pick", "pluck", "plural", "prepend", "print",
    "printf", "println", "push", "quote", "regexFind", "regexFindAll", "regexMatch", "regexQuoteMeta",
    "regexReplaceAll", "regexReplaceAllLiteral", "regexSplit", "repeat", "replace", "rest", "reverse", "round",
    "seq", "set", "slice", "snakecase", "sortAlpha", "split", "splitList", "splitn", "squote", "sub", "subf",
    "substr", "swapcase", "ternary", "title", "toDecimal", "toJson", "toPrettyJson", "toRawJson", "toString",
    "toStrings", "trim", "trimAll", "trimPrefix", "trimSuffix", "trimall", "trunc", "tuple", "typeIs", "typeIsLike",
    "typeOf", "uniq", "unset", "until", "untilStep", "untitle", "upper", "urlquery", "values", "without", "wrap",
    "wrapWith",
];

/// Whether there is a function of this name.
pub fn exists(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

/// Calls a function. `and` and `or` are the caller's, since they do not look at all of their arguments.
///
/// # Errors
/// When there is no such function, its arguments do not fit, or what it makes is too large.
pub fn call(name: &str, arguments: &[Value]) -> Result<Value, TemplateError> {
    let plain = plain_name(name);
    let value = of_logic(&plain, arguments)
        .or_else(|| maps::call(&plain, arguments))
        .or_else(|| numbers::call(&plain, arguments))
        .or_else(|| texts::call(&plain, arguments))
        .or_else(|| lists::call(&plain, arguments));
    let value = value.unwrap_or_else(|| Err(TemplateError::new("these arguments do not fit")));
    let value = value.map_err(|TemplateError(why)| TemplateError::new(format!("{name}: {why}")))?;
    if size(&value) > MAX_SIZE {
        return Err(TemplateError::new(format!("{name}: the value is too large")));
    }
    Ok(value)
}

/// The name under which a function is written here. `must…` are those that fail where their namesakes in Go bring the
/// program down; here all of them fail alike, but for those two that have something to give instead.
fn plain_name(name: &str) -> Cow<'_, str> {
    let alias = match name {
        "biggest" => "max",
        "push" | "mustPush" => "append",
        "trimall" => "trimAll",
        "tuple" => "list",
        "osBase" => "base",
        "osClean" => "clean",
        "osDir" => "dir",
        "osExt" => "ext",
        "osIsAbs" => "isAbs",
        "mustFromJson" | "mustRegexMatch" => name,
        _ => match name.strip_prefix("must") {
            Some(rest) => return Cow::Owned(rest[..1].to_ascii_lowercase() + &rest[1..]),
            None => name,
        },
    };
    Cow::Borrowed(alias)
}

type Outcome = Option<Result<Value, TemplateError>>;

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
        ("deepEqual", [a, b]) => (a == b).into(),
        ("empty", [value]) => (!is_true(value)).into(),
        ("default", [fallback]) => fallback.clone(),
        ("default", [fallback, value, ..]) => if is_true(value) { value } else { fallback }.clone(),
        ("coalesce", values) => values.iter().find(|value| is_true(value)).cloned().unwrap_or_default(),
        ("all", values) => values.iter().all(is_true).into(),
        ("any", values) => values.iter().any(is_true).into(),
        ("ternary", [yes, no, condition]) => if is_true(condition) { yes } else { no }.clone(),
        ("deepCopy", [value]) => value.clone(),
        ("toJson", [value]) => json::for_html(&json::sorted(value).to_string()).into(),
        ("toPrettyJson", [value]) => json::for_html(&format!("{:#}", json::sorted(value))).into(),
        ("toRawJson", [value]) => json::sorted(value).to_string().into(),
        ("fromJson", [Value::String(text)]) => serde_json::from_str(text).unwrap_or_default(),
        ("mustFromJson", [Value::String(text)]) => {
            return Some(serde_json::from_str(text).map_err(|_| TemplateError::new("this is no JSON")));
        }
        ("kindOf", [value]) => kind(value).into(),
        ("kindIs", [Value::String(expected), value]) => (kind(value) == expected).into(),
        ("typeOf", [value]) => type_name(value).into(),
        ("typeIs" | "typeIsLike", [Value::String(expected), value]) => (type_name(value) == expected).into(),
        _ => return None,
    }))
}
