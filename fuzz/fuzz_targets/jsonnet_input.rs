//! What snippets are given comes from people, providers and services: no data makes the interpreter panic, and what a
//! snippet passes on is what it got.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mapper::{Input, Mapper};
use model::Clock;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().expect("a runtime"));
static MAPPER: LazyLock<Mapper> = LazyLock::new(|| Mapper::unconfined(Clock::system()));

/// What operators do with claims.
const MAP_CLAIMS: &str = "local claims = std.extVar('claims'); { identity: { traits: {
    [if 'email' in claims && claims.email_verified then 'email']: claims.email,
    name: std.join(' ', [std.toString(claims[key]) for key in std.objectFields(claims)]),
    upper: std.asciiUpper(std.manifestJsonEx(claims, ' ')) } } }";

fuzz_target!(|data: &[u8]| {
    let Ok(input) = serde_json::from_slice::<Value>(data) else { return };
    let evaluate = |snippet: &str, input: Input<'_>| RUNTIME.block_on(MAPPER.evaluate(snippet, input));
    let passed_on = evaluate("function(ctx) ctx", Input::TopLevel { ctx: &input });
    if let Ok(text) = passed_on {
        let read: Value = serde_json::from_str(&text).expect("JSON comes out");
        assert_eq!(without_numbers(read), without_numbers(input.clone()));
    }
    let variables = Map::from_iter([("claims".to_owned(), input)]);
    if let Ok(text) = evaluate(MAP_CLAIMS, Input::ExtVars(&variables)) {
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "JSON comes out");
    }
});

/// Jsonnet knows 64-bit floating-point numbers only.
fn without_numbers(value: Value) -> Value {
    match value {
        Value::Number(_) => Value::Null,
        Value::Array(items) => items.into_iter().map(without_numbers).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, without_numbers(value))).collect(),
        other => other,
    }
}
