//! A submitted form, or a link from a mail that was opened, up to what the method makes of it.

use flow::{Input, ProofOutcome, Rejection, Submission, VerificationForm, ensure_same_browser, ensure_same_sender};
use model::flow::Verification;
use model::{Flow, FlowClient, Id, Problem, message};
use tracing::Instrument;

use super::complete::{Proved, verified};
use super::form::{Outcome, expired, filled_in, method_of, next_step, no_method, show_again, start_anew};
use crate::error::SubmitError;
use crate::events;
use crate::runtime::Engine;
use crate::stage;
use crate::submission;

/// Submits a form, or opens a link from a mail.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn submit(
    cx: Engine<'_>,
    id: Id<Flow<Verification>>,
    submission: Submission,
) -> Result<Outcome, SubmitError> {
    let flow = submission::load(cx, id, submission::missing).await?;
    let failed = SubmitError::of(flow.client);
    submit_to(cx, flow, submission).await.map_err(failed)
}

async fn submit_to(cx: Engine<'_>, mut flow: Flow<Verification>, submission: Submission) -> Result<Outcome, Problem> {
    if flow.expires_at <= cx.now() {
        return expired(cx, &flow).await;
    }
    let input = match submission::bounded(cx, submission, None) {
        Submission::Readable(input) => input,
        Submission::Unreadable(why) => {
            return show_again(cx, flow, Rejection::whole(message::generic(why))).await;
        }
    };
    let Some((name, method)) = method_of(cx, &flow) else {
        return no_method(cx, flow).await;
    };
    flow.transient_payload = Some(input.transient_payload().unwrap_or_else(|| serde_json::json!({})));
    let is_same_browser = is_same_browser(cx, &flow, &input);
    let form = VerificationForm { flow: &mut flow, input: &input };
    let outcome = method.check(*cx, form).instrument(stage::verify::<Verification>(name)).await?;
    if !matches!(outcome, ProofOutcome::NotMeant) {
        flow.active = Some(name.to_owned());
    }
    match outcome {
        ProofOutcome::NotMeant => no_method(cx, flow).await,
        ProofOutcome::Rejected(rejection) => show_again(cx, flow, rejection).await,
        ProofOutcome::NextStep(writes) => {
            events::verification_moved_on(cx, &flow);
            next_step(cx, flow, writes).await
        }
        ProofOutcome::FilledIn => filled_in(cx, flow).await,
        ProofOutcome::Denied(problem) => Err(problem),
        ProofOutcome::AlreadySignedIn => Err(Problem::bad_request("You are signed in already.")),
        ProofOutcome::StartAnew(anew) => start_anew(cx, (name, method), anew).await,
        ProofOutcome::Proved(step) => {
            let flow = Proved { flow, is_same_browser };
            verified(cx, flow, (name, method), step).await
        }
    }
}

/// Whether this is the browser that opened the flow, by its own choice as far as can be told. A code or a link alone says
/// nothing of that: another site could have sent it here, and had the visitor signed in to an account of its own.
fn is_same_browser(cx: Engine<'_>, flow: &Flow<Verification>, input: &Input) -> bool {
    flow.client == FlowClient::Browser
        && match cx.request.is_get {
            true => ensure_same_browser(cx.request, flow).is_ok(),
            false => ensure_same_sender(cx.request, flow, &input.text("csrf_token")).is_ok(),
        }
}
