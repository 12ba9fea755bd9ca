//! The first stage of every submission: the flow that it is for, and whether it may be looked at.

use flow::{Input, Rejection, ensure_same_sender, malformed_payload};
use model::flow::FlowKind;
use model::{Flow, Id, Problem};
use store::FlowTable;

use crate::runtime::Engine;

/// Finds the flow that a submission is for.
///
/// # Errors
/// `missing` when there is none.
pub async fn load<K: FlowTable>(
    cx: Engine<'_>,
    id: Id<Flow<K>>,
    missing: impl FnOnce() -> Problem,
) -> Result<Flow<K>, Problem> {
    cx.services.store.flow(id).await?.ok_or_else(missing)
}

/// 404 with a word on what to do, where Kratos has one.
pub fn missing() -> Problem {
    Problem::not_found().reason("This form does not exist any more. Please open a new one.")
}

/// What the check of a submission came to.
pub enum Checked {
    Passed,
    /// Its fields are wrong, whoever sent them.
    Malformed(Vec<Rejection>),
    /// It comes from a browser, and the flow is a native app's.
    NotNative(Rejection),
}

/// Checks a submission that is meant for a method which finds its fields `malformed` or not, and keeps what hooks are
/// given along.
///
/// # Errors
/// When the anti-CSRF check fails.
pub fn check<K: FlowKind>(
    cx: Engine<'_>,
    flow: &mut Flow<K>,
    input: &Input,
    mut malformed: Vec<Rejection>,
    needs_csrf: bool,
) -> Result<Checked, Problem> {
    malformed.extend(malformed_payload(input));
    if !malformed.is_empty() {
        return Ok(Checked::Malformed(malformed));
    }
    flow.transient_payload = input.transient_payload();
    if needs_csrf && let Err(refused) = ensure_same_sender(cx.request, flow, &input.text("csrf_token")) {
        return refused.into_rejection().map(Checked::NotNative);
    }
    Ok(Checked::Passed)
}

/// 404 for a submission that is meant for a method which is switched off.
pub fn switched_off() -> Problem {
    Problem::not_found().reason("This method is switched off here.")
}
