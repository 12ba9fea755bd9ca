//! Winning back access by a link.

use crypto::tokens;
use flow::{Context, IssuedProof, ProofOutcome, RecoveryForm, RecoveryMethod, RecoveryStep, StartAnew, Verifying};
use guard::Factor;
use model::flow::Recovery;
use model::{
    Aal, AuthenticationMethod, Channel, Flow, FlowClient, FlowState, Group, Identity, Message, Problem, message,
};
use store::{ProofKind, RecoveryProof, Tx};

use super::{Link, token};
use crate::proof::{self, Submitted};
use crate::sending;

type Outcome = ProofOutcome<RecoveryStep>;

impl RecoveryMethod for Link {
    fn add_fields(&self, flow: &mut Flow<Recovery>, form_token: &str) {
        flow.ui.set_csrf(form_token);
        flow.ui.upsert(proof::email_field(Group::Link));
        flow.ui.nodes.push(proof::continue_button(Group::Link, "link"));
    }

    fn issue(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Recovery>, tx: &mut Tx) -> IssuedProof {
        let token = tokens::link_token(&cx.entropy);
        let proof = RecoveryProof {
            id: cx.entropy.uuid(),
            hmac: tokens::hmac_hex(cx.services.proof_keys().first(), token.expose()),
            address_id: None,
            identity_id: identity.id,
            flow_id: flow.id,
            issued_at: cx.now(),
            expires_at: flow.expires_at,
            used_at: None,
        };
        tx.insert_recovery_proof(ProofKind::Link, &proof);
        IssuedProof { link: sending::recovery_url(cx.services, flow, token.expose()), code: None }
    }

    fn check<'a>(&'a self, cx: Context<'a>, form: RecoveryForm<'a>) -> Verifying<'a, Outcome> {
        let RecoveryForm { flow, input } = form;
        Box::pin(async move {
            let email = match proof::email(input) {
                Ok(email) => email,
                Err(rejection) => return Ok(ProofOutcome::Rejected(*rejection)),
            };
            let token = token(cx, input);
            if !token.is_empty() {
                return use_token(cx, flow, &token).await;
            }
            if cx.services.sessions.current(&cx, &cx.request.credentials).await?.is_some() {
                return Ok(ProofOutcome::AlreadySignedIn);
            }
            if input.method() != "link" {
                return Ok(ProofOutcome::NotMeant);
            }
            if let Some(message) =
                proof::why_over(flow.state, message::recovery_already_completed, message::recovery_failed)
            {
                return Ok(start_anew(flow.client, message));
            }
            if let Some(rejection) = proof::refusal(cx, flow, input, &email)? {
                return Ok(ProofOutcome::Rejected(rejection));
            }
            let form_token = cx.form_token(flow.client);
            proof::ask_again(&mut flow.ui, Group::Link, &form_token, &email);
            let mut tx = Tx::new();
            let to = (Channel::Email, email.as_str());
            sending::recovery(cx, ProofKind::Link, flow, to, &mut tx).await?;
            flow.state = FlowState::SentEmail;
            flow.ui.messages = vec![message::recovery_link_sent()];
            Ok(ProofOutcome::NextStep(tx))
        })
    }
}

async fn use_token(cx: Context<'_>, flow: &Flow<Recovery>, token: &str) -> Result<Outcome, Problem> {
    let attempt = match cx.attempt(flow.client, &cx.services.guard.passing(Factor::Recovery, flow.id.uuid())).await? {
        Ok(attempt) => attempt,
        Err(resting) => return Ok(ProofOutcome::Rejected(resting)),
    };
    let proofs = cx.services.store.recovery_proofs(ProofKind::Link, flow.id).await?;
    Ok(match proof::find(&cx.services.proof_keys(), proofs, token, cx.now()) {
        Submitted::Good(found) => {
            let mut writes = Tx::new();
            writes.use_recovery_proof(ProofKind::Link, found.id, cx.now());
            ProofOutcome::Proved(RecoveryStep {
                identity: found.identity_id,
                address: found.address_id,
                method: AuthenticationMethod::new("link_recovery", Aal::Aal1, cx.now()),
                attempt,
                by_link: true,
                writes,
                when_spent: anew(FlowClient::Browser, message::recovery_link_invalid()),
            })
        }
        // Links are opened in browsers, whoever opened the flow.
        Submitted::Unknown | Submitted::Used => {
            attempt.settle(&cx, false).await?;
            start_anew(FlowClient::Browser, message::recovery_link_invalid())
        }
        Submitted::Expired(at) => start_anew(FlowClient::Browser, message::recovery_flow_expired(at)),
    })
}

fn start_anew(client: FlowClient, message: Message) -> Outcome {
    ProofOutcome::StartAnew(anew(client, message))
}

fn anew(client: FlowClient, message: Message) -> StartAnew {
    StartAnew { message, client, problem: None }
}
