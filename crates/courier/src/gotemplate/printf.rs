//! `print` and `printf`, as Go's package `fmt` has them.

use serde_json::Value;

use super::escape::quoted;
use super::value::{float, integer, kind, shown};

/// The widest that a field may be padded to.
const MAX_WIDTH: usize = 1000;

/// The arguments one after another, with a blank between two of which neither is a text.
pub fn print(arguments: &[Value]) -> String {
    let mut text = String::new();
    for (n, argument) in arguments.iter().enumerate() {
        if n > 0 && !argument.is_string() && !arguments[n - 1].is_string() {
            text.push(' ');
        }
        text.push_str(&shown(argument));
    }
    text
}

/// Text by a format: `%s %v %d %q %t %f %e %g %x %c %%`, with flags, width and precision.
pub fn printf(format: &str, arguments: &[Value]) -> String {
    let mut text = String::new();
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let spec_end =
            after.find(|c: char| !matches!(c, '-' | '+' | ' ' | '#' | '.' | '0'..='9')).unwrap_or(after.len());
        let (spec, after) = after.split_at(spec_end);
        let mut chars = after.chars();
        match chars.next() {
            None => text.push_str("%!(NOVERB)"),
            Some('%') => text.push('%'),
            Some(verb) => match arguments.next() {
                None => text.push_str(&format!("%!{verb}(MISSING)")),
                Some(argument) => text.push_str(&padded(spec, verb, &formatted(spec, verb, argument))),
            },
        }
        rest = chars.as_str();
    }
    text.push_str(rest);
    text
}

fn formatted(spec: &str, verb: char, argument: &Value) -> String {
    let precision = spec.split_once('.').map(|(_, digits)| digits.parse::<usize>().unwrap_or(0).min(MAX_WIDTH));
    let plus = if spec.contains('+') { "+" } else { "" };
    match verb {
        'd' => match integer(argument).filter(|_| argument.is_number()) {
            Some(number) if number >= 0 => format!("{plus}{number}"),
            Some(number) => number.to_string(),
            None => misfit(verb, argument),
        },
        'f' | 'F' | 'e' | 'g' => match float(argument).filter(|_| argument.is_number()) {
            Some(number) if verb == 'e' => format!("{number:.*e}", precision.unwrap_or(6)),
            Some(number) if verb == 'g' => number.to_string(),
            Some(number) => format!("{number:.*}", precision.unwrap_or(6)),
            None => misfit(verb, argument),
        },
        'q' => quoted(&shown(argument)),
        'x' => match argument.as_i64() {
            Some(number) => format!("{number:x}"),
            None => shown(argument).bytes().map(|byte| format!("{byte:02x}")).collect(),
        },
        'c' => integer(argument).and_then(|n| char::from_u32(u32::try_from(n).ok()?)).unwrap_or_default().to_string(),
        's' | 'v' | 't' => match precision {
            Some(length) if argument.is_string() => shown(argument).chars().take(length).collect(),
            _ => shown(argument),
        },
        _ => misfit(verb, argument),
    }
}

/// What Go prints where verb and argument do not fit.
fn misfit(verb: char, argument: &Value) -> String {
    format!("%!{verb}({}={})", kind(argument), shown(argument))
}

fn padded(spec: &str, verb: char, text: &str) -> String {
    let width = spec.split('.').next().unwrap_or_default();
    let digits = width.trim_start_matches(['-', '+', ' ', '#', '0']);
    let flags = &width[..width.len() - digits.len()];
    let missing = digits.parse().unwrap_or(0).min(MAX_WIDTH).saturating_sub(text.chars().count());
    if flags.contains('-') {
        return format!("{text}{}", " ".repeat(missing));
    }
    let is_number = matches!(verb, 'd' | 'f' | 'F' | 'e' | 'g' | 'x');
    match (flags.contains('0') && is_number, text.strip_prefix('-')) {
        (true, Some(digits)) => format!("-{}{digits}", "0".repeat(missing)),
        (true, None) => format!("{}{text}", "0".repeat(missing)),
        (false, _) => format!("{}{text}", " ".repeat(missing)),
    }
}
