//! A submitted form, or a link from a mail that was opened, up to what the method makes of it.

use config::AddressProof;
use crypto::CsrfToken;
use flow::{ProofOutcome, RecoveryForm, Rejection, Submission};
use model::flow::Recovery;
use model::{Flow, Id, Problem, message};
use store::Tx;
use tracing::Instrument;

use super::complete::recovered;
use super::form::{Outcome, expired, next_step, show_again, signed_in_return_to, start_anew};
use crate::error::SubmitError;
use crate::events;
use crate::runtime::{Engine, NO_METHOD};
use crate::stage;
use crate::submission;

/// Submits a form, or opens a link from a mail.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn submit(cx: Engine<'_>, id: Id<Flow<Recovery>>, submission: Submission) -> Result<Outcome, SubmitError> {
    let flow = submission::load(cx, id, submission::missing).await?;
    let failed = SubmitError::of(flow.client);
    submit_to(cx, flow, submission).await.map_err(failed)
}

async fn submit_to(cx: Engine<'_>, mut flow: Flow<Recovery>, submission: Submission) -> Result<Outcome, Problem> {
    if flow.expires_at <= cx.now() {
        return expired(cx, &flow).await;
    }
    let input = match submission::bounded(cx, submission, None) {
        Submission::Readable(input) => input,
        Submission::Unreadable(why) => {
            // Codes look at forms of their own alone, links at the rest.
            let is_by_code = flow.active.as_deref() == Some(AddressProof::Code.as_str());
            let name = if is_by_code { AddressProof::Code } else { AddressProof::Link };
            flow.active = Some(name.as_str().to_owned());
            return show_again(cx, flow, Rejection::whole(message::generic(why))).await;
        }
    };
    flow.transient_payload = Some(input.transient_payload().unwrap_or_else(|| serde_json::json!({})));
    for (name, method) in cx.runtime.methods.iter().filter_map(|method| Some((method.name(), method.recovery()?))) {
        let form = RecoveryForm { flow: &mut flow, input: &input };
        let outcome = method.check(*cx, form).instrument(stage::verify::<Recovery>(name)).await?;
        if !matches!(outcome, ProofOutcome::NotMeant) {
            flow.active = Some(name.to_owned());
        }
        return match outcome {
            ProofOutcome::NotMeant => continue,
            ProofOutcome::Rejected(rejection) => show_again(cx, flow, rejection).await,
            ProofOutcome::NextStep(writes) => {
                events::recovery_moved_on(cx, &flow);
                next_step(cx, flow, writes).await
            }
            ProofOutcome::FilledIn => next_step(cx, flow, Tx::new()).await,
            ProofOutcome::Denied(problem) => {
                let csrf = CsrfToken::generate(&cx.entropy);
                cx.services.store.commit(cx.csrf_renewed(&csrf).await?).await?;
                Ok(Outcome::Denied { problem, csrf })
            }
            ProofOutcome::AlreadySignedIn => Ok(Outcome::AlreadySignedIn { return_to: signed_in_return_to(cx) }),
            ProofOutcome::StartAnew(anew) => start_anew(cx, (name, method), anew).await,
            ProofOutcome::Proved(step) => recovered(cx, flow, (name, method), step).await,
        };
    }
    // As in Kratos, links that are switched off are said to be so (404). Codes are not: they look at forms of their own.
    if cx.runtime.switched_off.iter().any(|method| (method.recovery)(&input)) {
        return Err(submission::switched_off());
    }
    flow.active = Some(NO_METHOD.to_owned());
    show_again(cx, flow, Rejection::whole(message::no_recovery_method())).await
}
