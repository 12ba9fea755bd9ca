//! Functions of numbers. What is no number counts as zero, as in Sprig.

use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::error::TemplateError;

/// The longest list of numbers that is made.
const MAX_NUMBERS: usize = 10_000;
/// Decimal places of a quotient, as in Go's decimals.
const QUOTIENT_PLACES: u32 = 16;

type Outcome = Option<Result<Value, TemplateError>>;

/// Calls a function of numbers; `None` when there is none of this name, or its arguments do not fit.
pub fn call(name: &str, arguments: &[Value]) -> Outcome {
    let whole = || arguments.iter().map(to_int).collect::<Vec<_>>();
    let floats = || arguments.iter().map(to_float);
    let overflow = || TemplateError::new("the number is too large, or something is divided by zero");
    let fold = |start: i64, combine: fn(i64, i64) -> Option<i64>| {
        whole().into_iter().try_fold(start, combine).map(Value::from).ok_or_else(overflow)
    };
    let pair = |combine: fn(i64, i64) -> Option<i64>| match whole().as_slice() {
        [a, b] => Some(combine(*a, *b).map(Value::from).ok_or_else(overflow)),
        _ => None,
    };
    Some(match (name, arguments) {
        ("add", _) => fold(0, i64::checked_add),
        ("mul", [_, ..]) => fold(1, i64::checked_mul),
        ("add1", [number]) => to_int(number).checked_add(1).map(Value::from).ok_or_else(overflow),
        ("sub", _) => return pair(i64::checked_sub),
        ("div", _) => return pair(i64::checked_div),
        ("mod", _) => return pair(i64::checked_rem),
        ("max", _) => Ok(whole().into_iter().max()?.into()),
        ("min", _) => Ok(whole().into_iter().min()?.into()),
        ("maxf", _) => Ok(floats().reduce(f64::max)?.into()),
        ("minf", _) => Ok(floats().reduce(f64::min)?.into()),
        ("add1f", [number]) => decimals(&[number.clone(), 1.into()], Decimal::checked_add),
        ("addf", _) => decimals(&[&[0.into()], arguments].concat(), Decimal::checked_add),
        ("subf", [_, ..]) => decimals(arguments, Decimal::checked_sub),
        ("mulf", [_, ..]) => decimals(arguments, Decimal::checked_mul),
        ("divf", [_, ..]) => decimals(arguments, |a, b| {
            let quotient = a.checked_div(b)?;
            Some(quotient.round_dp_with_strategy(QUOTIENT_PLACES, RoundingStrategy::MidpointAwayFromZero))
        }),
        ("int" | "int64", [number]) => Ok(to_int(number).into()),
        ("float64", [number]) => Ok(to_float(number).into()),
        ("atoi", [Value::String(text)]) => Ok(text.parse::<i64>().unwrap_or(0).into()),
        ("toDecimal", [number]) => Ok(i64::from_str_radix(&super::value::shown(number), 8).unwrap_or(0).into()),
        ("floor", [number]) => Ok(to_float(number).floor().into()),
        ("ceil", [number]) => Ok(to_float(number).ceil().into()),
        ("round", [number, places]) => Ok(round(to_float(number), to_int(places), 0.5).into()),
        ("round", [number, places, on]) => Ok(round(to_float(number), to_int(places), to_float(on)).into()),
        ("until", [count]) => {
            let count = to_int(count);
            steps(0, count, count.signum()).map(Value::from)
        }
        ("untilStep", [start, stop, step]) => steps(to_int(start), to_int(stop), to_int(step)).map(Value::from),
        ("seq", _) => sequence(&whole()).map(Value::from),
        _ => return None,
    })
}

/// A whole number, as Go's package `cast` has it.
fn to_int(value: &Value) -> i64 {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "as Go cuts it, and never out of range")]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)).unwrap_or(0),
        Value::String(text) => whole_number(text).unwrap_or(0),
        Value::Bool(value) => i64::from(*value),
        Value::Null | Value::Array(_) | Value::Object(_) => 0,
    }
}

/// A whole number as Go writes it (`0x1f`, `017`), or one with decimals, which are cut off.
fn whole_number(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (if text.starts_with('-') { -1 } else { 1 }, digits),
        None => (1, text),
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let cut = digits.split_once('.').filter(|(whole, decimals)| is_number(whole) && is_number(decimals));
    let digits = cut.map_or(digits, |(whole, _)| whole);
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, digits),
        _ => (10, digits),
    };
    let unsigned = digits.starts_with(|c: char| c.is_ascii_hexdigit()).then_some(digits)?;
    i64::from_str_radix(unsigned, base).ok().map(|number| sign * number)
}

fn to_float(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap_or(0.0),
        Value::String(text) => text.parse().unwrap_or(0.0),
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Null | Value::Array(_) | Value::Object(_) => 0.0,
    }
}

/// Reckons in decimals, in which 0.1 and 0.2 are 0.3.
fn decimals(arguments: &[Value], combine: fn(Decimal, Decimal) -> Option<Decimal>) -> Result<Value, TemplateError> {
    let too_large = || TemplateError::new("the number is too large, or something is divided by zero");
    let mut numbers = arguments.iter().map(|number| Decimal::from_str(&to_float(number).to_string()).ok());
    let first = numbers.next().flatten().ok_or_else(too_large)?;
    let result = numbers.try_fold(first, |result, number| combine(result, number?)).ok_or_else(too_large)?;
    result.to_string().parse::<f64>().map(Value::from).map_err(|_| too_large())
}

/// Sprig rounds up from `on`, and all else down, below zero too.
fn round(number: f64, places: i64, on: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "it is clamped")]
    let scale = 10f64.powi(places.clamp(-15, 15) as i32);
    let scaled = number * scale;
    (if scaled.fract() >= on { scaled.ceil() } else { scaled.floor() }) / scale
}

/// The numbers from `start` up to, or down to, `stop`, which is not among them.
fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, TemplateError> {
    let mut numbers = Vec::new();
    let mut number = start;
    while (step > 0 && number < stop) || (step < 0 && number > stop) {
        if numbers.len() == MAX_NUMBERS {
            return Err(TemplateError::new("these are too many numbers"));
        }
        numbers.push(number);
        match number.checked_add(step) {
            Some(next) => number = next,
            None => break,
        }
    }
    Ok(numbers)
}

/// `seq last`, `seq first last` or `seq first step last`, as on a command line.
fn sequence(parameters: &[i64]) -> Result<String, TemplateError> {
    let direction = |from: i64, to: i64| if to < from { -1 } else { 1 };
    let (start, step, last) = match *parameters {
        [last] => (1, direction(1, last), last),
        [start, last] => (start, direction(start, last), last),
        [start, step, last] => (start, step, last),
        _ => return Ok(String::new()),
    };
    let numbers = steps(start, last.saturating_add(direction(start, last)), step)?;
    Ok(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" "))
}
