//! The spans of a submission's stages, for whoever looks for where its time goes.
//!
//! They are at debug level: with the default configuration none is made. What is written is in a span of the store's.

use model::flow::FlowKind;
use tracing::Span;

/// Stage 2: the method `method` looks at a submission to a flow of kind `K`.
pub(crate) fn verify<K: FlowKind>(method: &'static str) -> Span {
    tracing::debug_span!("verify", flow.kind = K::NAME.as_str(), flow.method = method)
}

/// Hooks run, of the function `at` of the trait `Hook`.
pub(crate) fn hooks(at: &'static str) -> Span {
    tracing::debug_span!("hooks", hook.at = at)
}

/// Stage 4: an identity is held against its schema.
pub(crate) fn validate() -> Span {
    tracing::debug_span!("validate")
}
