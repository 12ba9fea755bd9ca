//! What snippets are given.

use serde::Serialize;
use serde_json::{Map, Value};

/// What a snippet is given.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Input<'a> {
    /// The argument of `function(ctx) …`: webhooks and courier channels.
    TopLevel {
        /// The argument.
        ctx: &'a Value,
    },
    /// What `std.extVar(name)` gives: OpenID claims and session tokens.
    ExtVars(&'a Map<String, Value>),
}
