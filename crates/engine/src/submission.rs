//! The first stage of every submission: the flow that it is for, and whether it may be looked at.

use flow::{Input, Rejection, Submission, ensure_same_sender, malformed_payload};
use model::flow::FlowKind;
use model::{Flow, Id, Identity, Problem};
use serde_json::Value;
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

/// What was sent, which cannot be read if it is too large to be kept with anything: traits, and what hooks are given along.
/// `identity` is the person who is signed in: traits that are too large already may be sent, as long as they do not grow.
pub fn bounded(cx: Engine<'_>, submission: Submission, identity: Option<&Identity>) -> Submission {
    let Submission::Readable(input) = submission else { return submission };
    let limits = &cx.services.config.zelus.limits;
    let (traits, payload) = (input.traits().size_of_traits(), size(input.get("transient_payload")));
    let too_large = |what: &str, actual, most| {
        Submission::Unreadable(format!("{what} too large: {actual} bytes, and {most} are the most."))
    };
    if payload > limits.transient_payload {
        return too_large("The field transient_payload is", payload, limits.transient_payload);
    }
    if traits > limits.traits && !identity.is_some_and(|identity| does_not_grow(cx, &input, identity)) {
        return too_large("All details together are", traits, limits.traits);
    }
    Submission::Readable(input)
}

fn does_not_grow(cx: Engine<'_>, input: &Input, identity: &Identity) -> bool {
    let schemas = cx.services.identities.schemas();
    let sent = schemas.traits(Some(&identity.schema_id), input.traits());
    size(Some(&sent)) <= size(Some(&identity.traits.to_value()))
}

/// The bytes of a value as JSON.
fn size(value: Option<&Value>) -> u64 {
    value.map_or(0, |value| value.to_string().len() as u64)
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
