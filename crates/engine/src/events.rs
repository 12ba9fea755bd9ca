//! What becomes of submissions, as operators hear of it: a line of the log and a count for each.
//!
//! Lines have the same fields everywhere. They name the request (`http.request_id`), and the method and the session as far as
//! they are known. They say nothing that people typed.

use std::collections::BTreeSet;

use flow::Rejection;
use model::flow::{FlowKind, Login, Recovery, Registration, Verification};
use model::message::MessageType;
use model::{Flow, Id, IdentityId, Session, Ui, VerifiableAddress};

use crate::runtime::{Engine, NO_METHOD};

/// Somebody is signed in, or has proved more.
pub(crate) fn signed_in(cx: Engine<'_>, flow: &Flow<Login>, session: &Session) {
    cx.services.metrics.sign_ins.count([method_of(flow)]);
    tracing::info!(
        http.request_id = cx.request.id,
        flow.id = %flow.id,
        flow.method = method_of(flow),
        session.id = %session.id,
        session.aal = session.aal.as_str(),
        identity.id = %session.identity_id,
        "Signed in."
    );
}

/// The form to sign in is shown again, with what was wrong.
pub(crate) fn sign_in_refused(cx: Engine<'_>, flow: &Flow<Login>, rejections: &[Rejection]) {
    cx.services.metrics.sign_in_failures.count([cx.method_name()]);
    tracing::info!(
        http.request_id = cx.request.id,
        flow.id = %flow.id,
        flow.method = cx.method_name(),
        session.id = cx.sender.map(|sender| tracing::field::display(sender.session)),
        identity.id = cx.sender.map(|sender| tracing::field::display(sender.identity)),
        messages = ?ids(rejections),
        "A sign-in was not accepted."
    );
}

/// Somebody has an account. The session is theirs, whether or not it was handed out.
pub(crate) fn signed_up(cx: Engine<'_>, flow: &Flow<Registration>, method: &str, session: &Session) {
    cx.services.metrics.sign_ups.count([method]);
    tracing::info!(
        http.request_id = cx.request.id,
        flow.id = %flow.id,
        flow.method = method,
        session.id = %session.id,
        identity.id = %session.identity_id,
        "Signed up."
    );
}

/// The form to sign up is shown again, with what was wrong.
pub(crate) fn sign_up_refused(cx: Engine<'_>, flow: &Flow<Registration>, rejections: &[Rejection]) {
    cx.services.metrics.sign_up_failures.count([cx.method_name()]);
    tracing::info!(
        http.request_id = cx.request.id,
        flow.id = %flow.id,
        flow.method = cx.method_name(),
        messages = ?ids(rejections),
        "A sign-up was not accepted."
    );
}

/// Somebody has won back access, and is signed in.
pub(crate) fn recovered(cx: Engine<'_>, flow: &Flow<Recovery>, method: &str, session: &Session) {
    cx.services.metrics.recoveries.count([method]);
    tracing::info!(
        http.request_id = cx.request.id,
        flow.id = %flow.id,
        flow.method = method,
        session.id = %session.id,
        identity.id = %session.identity_id,
        "Access was won back."
    );
}

/// What was sent to win back access was not accepted, as the form says, or another in its place.
pub(crate) fn recovery_refused(cx: Engine<'_>, flow: &Flow<Recovery>, message: u32) {
    cx.services.metrics.recovery_failures.count([method_of(flow)]);
    proof_refused(cx, flow, message, "A recovery was not accepted.");
}

/// The form to win back access goes on: with the next step, or with what was wrong about the code.
pub(crate) fn recovery_moved_on(cx: Engine<'_>, flow: &Flow<Recovery>) {
    if let Some(fault) = fault(&flow.ui) {
        recovery_refused(cx, flow, fault);
    }
}

/// An address is proved.
pub(crate) fn verified(cx: Engine<'_>, flow: &Flow<Verification>, method: &str, address: Id<VerifiableAddress>) {
    cx.services.metrics.verifications.count([method]);
    tracing::info!(
        http.request_id = cx.request.id,
        flow.id = %flow.id,
        flow.method = method,
        address.id = %address,
        "An address was verified."
    );
}

/// What was sent to prove an address was not accepted, as the form says, or another in its place.
pub(crate) fn verification_refused(cx: Engine<'_>, flow: &Flow<Verification>, message: u32) {
    cx.services.metrics.verification_failures.count([method_of(flow)]);
    proof_refused(cx, flow, message, "A verification was not accepted.");
}

/// The form to prove an address goes on: with the next step, or with what was wrong about the code.
pub(crate) fn verification_moved_on(cx: Engine<'_>, flow: &Flow<Verification>) {
    if let Some(fault) = fault(&flow.ui) {
        verification_refused(cx, flow, fault);
    }
}

/// Settings were changed.
pub(crate) fn settings_changed(cx: Engine<'_>, method: &str, session: &Session, identity: IdentityId) {
    tracing::info!(
        http.request_id = cx.request.id,
        flow.method = method,
        session.id = %session.id,
        identity.id = %identity,
        "Settings were changed."
    );
}

fn proof_refused<K: FlowKind>(cx: Engine<'_>, flow: &Flow<K>, message: u32, what: &'static str) {
    tracing::info!(
        http.request_id = cx.request.id,
        flow.id = %flow.id,
        flow.method = method_of(flow),
        messages = message,
        "{what}"
    );
}

/// The method that a flow is with.
fn method_of<K: FlowKind>(flow: &Flow<K>) -> &str {
    flow.active.as_deref().unwrap_or(NO_METHOD)
}

fn fault(ui: &Ui) -> Option<u32> {
    ui.messages.iter().find(|message| message.kind == MessageType::Error).map(|message| message.id)
}

fn ids(rejections: &[Rejection]) -> BTreeSet<u32> {
    rejections.iter().map(|rejection| rejection.message.id).collect()
}
