//! Sets of characters: brackets, `\d`, `[:alpha:]`, `\p{Greek}`, and characters that are written as escapes.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

use super::PatternError::{self, Syntax};

type Ranges = Vec<ClassUnicodeRange>;

/// The largest code point.
const MAX: u32 = 0x10_ffff;

/// The set of these ranges.
pub(super) fn of(ranges: Ranges) -> Class {
    Class::Unicode(ClassUnicode::new(ranges))
}

/// `.`
pub(super) fn any(with_newline: bool) -> Class {
    match with_newline {
        true => of(range(0, MAX)),
        false => of([range(0, 9), range(11, MAX)].concat()),
    }
}

/// One character, or its spellings in upper and lower case. Surrogates are in no text.
pub(super) fn literal(code: u32, fold: bool) -> Hir {
    match char::from_u32(code) {
        Some(c) if !fold => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()),
        _ => Hir::class(of(folded(range(code, code), fold))),
    }
}

/// A set in brackets, behind its `[`; and what follows it.
///
/// # Errors
/// When Go would refuse it.
pub(super) fn bracket(text: &str, fold: bool) -> Result<(Class, &str), PatternError> {
    let (is_negated, mut rest) = match text.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut ranges = Vec::new();
    let mut is_first = true;
    loop {
        if let Some(behind) = rest.strip_prefix(']').filter(|_| !is_first) {
            let mut class = ClassUnicode::new(ranges);
            if is_negated {
                class.negate();
            }
            return Ok((Class::Unicode(class), behind));
        }
        is_first = false;
        let named = match posix(rest, fold)? {
            Some(named) => Some(named),
            None => named_escape(rest, fold)?,
        };
        if let Some((named, behind)) = named {
            ranges.extend(named);
            rest = behind;
            continue;
        }
        let (low, behind) = member(rest)?;
        let (high, behind) = match behind.strip_prefix('-').filter(|to| !to.is_empty() && !to.starts_with(']')) {
            Some(to) => member(to)?,
            None => (low, behind),
        };
        if high < low {
            return Err(Syntax("a range that ends before it begins"));
        }
        ranges.extend(folded(range(low, high), fold));
        rest = behind;
    }
}

/// One character of a set.
fn member(text: &str) -> Result<(u32, &str), PatternError> {
    if text.starts_with('\\') {
        return char_escape(text);
    }
    let mut chars = text.chars();
    let c = chars.next().ok_or(Syntax("a bracket without its end"))?;
    Ok((c.into(), chars.as_str()))
}

/// `[:alpha:]`, within brackets.
fn posix(text: &str, fold: bool) -> Result<Option<(Ranges, &str)>, PatternError> {
    let Some((name, rest)) = text.strip_prefix("[:").and_then(|text| text.split_once(":]")) else { return Ok(None) };
    let (is_negated, name) = match name.strip_prefix('^') {
        Some(name) => (true, name),
        None => (false, name),
    };
    let members: &[(u8, u8)] = match name {
        "alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        "alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        "ascii" => &[(0, 127)],
        "blank" => &[(b'\t', b'\t'), (b' ', b' ')],
        "cntrl" => &[(0, 31), (127, 127)],
        "digit" => &[(b'0', b'9')],
        "graph" => &[(b'!', b'~')],
        "lower" => &[(b'a', b'z')],
        "print" => &[(b' ', b'~')],
        "punct" => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        "space" => &[(b'\t', b'\r'), (b' ', b' ')],
        "upper" => &[(b'A', b'Z')],
        "word" => &WORD,
        "xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return Err(Syntax("an unknown name of characters")),
    };
    Ok(Some((negated_if(is_negated, ascii(members, fold)), rest)))
}

const WORD: [(u8, u8); 4] = [(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];

/// `\d`, `\s`, `\w`, `\p…`, and their opposites in upper case.
///
/// # Errors
/// When a property is unknown.
pub(super) fn named_escape(text: &str, fold: bool) -> Result<Option<(Ranges, &str)>, PatternError> {
    let mut chars = text.chars();
    let Some(('\\', letter)) = chars.next().zip(chars.next()) else { return Ok(None) };
    let rest = chars.as_str();
    let members: &[(u8, u8)] = match letter.to_ascii_lowercase() {
        'd' => &[(b'0', b'9')],
        's' => &[(b'\t', b'\n'), (b'\x0c', b'\r'), (b' ', b' ')],
        'w' => &WORD,
        'p' => return property(rest, letter == 'P', fold).map(Some),
        _ => return Ok(None),
    };
    Ok(Some((negated_if(letter.is_ascii_uppercase(), ascii(members, fold)), rest)))
}

/// What follows `\p` or `\P`: one letter, or a name in braces.
fn property(text: &str, is_negated: bool, fold: bool) -> Result<(Ranges, &str), PatternError> {
    const UNKNOWN: PatternError = Syntax("an unknown property of characters");
    let (name, rest) = match text.strip_prefix('{') {
        Some(braced) => braced.split_once('}').ok_or(UNKNOWN)?,
        None => text.split_at(text.chars().next().map_or(0, char::len_utf8)),
    };
    let (is_negated, name) = match name.strip_prefix('^') {
        Some(name) => (!is_negated, name),
        None => (is_negated, name),
    };
    let ranges = by_name(name).ok_or(UNKNOWN)?;
    Ok((negated_if(is_negated, folded(ranges, fold)), rest))
}

/// The characters of a general category or a script. The tables of `regex-syntax` are reached by its parser alone.
fn by_name(name: &str) -> Option<Ranges> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
    let bare: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if bare.is_empty() || bare.starts_with("is") || !name.chars().all(is_name) {
        return None;
    }
    if bare == "cs" || bare == "surrogate" {
        return Some(Vec::new());
    }
    let look_up = |kind: &str| regex_syntax::parse(&format!("\\p{{{kind}={name}}}")).ok();
    let hir = look_up("gc").or_else(|| look_up("sc"))?;
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class.ranges().to_vec()),
        // A category of a single character.
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            Some(text.chars().map(|c| ClassUnicodeRange::new(c, c)).collect())
        }
        _ => None,
    }
}

/// A character that is written with a backslash, as its code point; and what follows it.
///
/// # Errors
/// When it is no escape that Go knows.
pub(super) fn char_escape(text: &str) -> Result<(u32, &str), PatternError> {
    const UNKNOWN: PatternError = Syntax("an unknown escape");
    let mut chars = text[1..].chars();
    let c = chars.next().ok_or(Syntax("a backslash at its end"))?;
    let rest = chars.as_str();
    let code = match c {
        'a' => 7,
        't' => 9,
        'n' => 10,
        'v' => 11,
        'f' => 12,
        'r' => 13,
        '0'..='7' => {
            let digits = text[1..].bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
            // One digit that is no zero refers back to a group, which no such engine can do.
            if digits == 1 && c != '0' {
                return Err(UNKNOWN);
            }
            let (digits, rest) = text[1..].split_at(digits);
            return u32::from_str_radix(digits, 8).map(|code| (code, rest)).map_err(|_| UNKNOWN);
        }
        'x' => return hexadecimal(rest).ok_or(UNKNOWN),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => c.into(),
        _ => return Err(UNKNOWN),
    };
    Ok((code, rest))
}

/// `7F`, or `{10FFFF}` with any number of digits.
fn hexadecimal(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = match text.strip_prefix('{') {
        Some(braced) => braced.split_once('}')?,
        None => text.split_at_checked(2)?,
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let significant = digits.trim_start_matches('0');
    let code = if significant.is_empty() { 0 } else { u32::from_str_radix(significant, 16).ok()? };
    (is_number && code <= MAX).then_some((code, rest))
}

/// These code points without surrogates.
fn range(low: u32, high: u32) -> Ranges {
    let part = |low: u32, high: u32| {
        let ends = char::from_u32(low).zip(char::from_u32(high)).filter(|(low, high)| low <= high);
        ends.map(|(low, high)| ClassUnicodeRange::new(low, high))
    };
    let below = part(low.min(0xe000), high.min(0xd7ff));
    let above = part(low.max(0xe000), high.max(0xd7ff));
    below.into_iter().chain(above).collect()
}

fn ascii(members: &[(u8, u8)], fold: bool) -> Ranges {
    let ranges = members.iter().map(|(low, high)| ClassUnicodeRange::new((*low).into(), (*high).into()));
    folded(ranges.collect(), fold)
}

fn folded(ranges: Ranges, fold: bool) -> Ranges {
    if !fold {
        return ranges;
    }
    let mut class = ClassUnicode::new(ranges);
    class.case_fold_simple();
    class.ranges().to_vec()
}

fn negated_if(is_negated: bool, ranges: Ranges) -> Ranges {
    if !is_negated {
        return ranges;
    }
    let mut class = ClassUnicode::new(ranges);
    class.negate();
    class.ranges().to_vec()
}
