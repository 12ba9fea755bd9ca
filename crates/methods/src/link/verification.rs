//! Verifying an address by a link.

use courier::Content;
use crypto::tokens;
use flow::{Context, ProofOutcome, StartAnew, VerificationForm, VerificationMethod, VerificationStep, Verifying};
use guard::Factor;
use model::flow::Verification;
use model::{
    Channel, Flow, FlowClient, FlowState, Group, Identity, Message, Node, Problem, VerifiableAddress, message,
};
use store::{ProofKind, Tx, VerificationProof};

use super::{Link, token};
use crate::proof::{self, Submitted};
use crate::sending;

type Outcome = ProofOutcome<VerificationStep>;

impl VerificationMethod for Link {
    fn group(&self) -> Group {
        Group::Link
    }

    fn add_fields(&self, flow: &mut Flow<Verification>, form_token: &str) {
        flow.ui.set_csrf(form_token);
        flow.ui.upsert(proof::email_field(Group::Link));
        flow.ui.nodes.push(proof::continue_button(Group::Link, "link"));
    }

    fn add_fields_when_sent(&self, flow: &mut Flow<Verification>, form_token: &str, address: &str) {
        self.add_fields(flow, form_token);
        // Kratos puts this button, which it has for codes, into the group of codes here too.
        flow.ui.nodes.push(Node::submit("email", Group::Code, address, message::resend_code_label()));
    }

    fn send(
        &self,
        cx: Context<'_>,
        identity: &Identity,
        address: &VerifiableAddress,
        flow: &Flow<Verification>,
        tx: &mut Tx,
    ) {
        // A link is of no use in a text message, as in Kratos.
        if address.via != Channel::Email {
            return;
        }
        let token = tokens::link_token(&cx.entropy);
        let lifespan = cx.services.config.selfservice.methods.link.lifespan;
        let now = cx.now();
        let proof = VerificationProof {
            id: cx.entropy.uuid(),
            hmac: tokens::hmac_hex(cx.services.proof_keys().first(), token.expose()),
            address_id: address.id,
            flow_id: flow.id,
            issued_at: now,
            expires_at: now + lifespan,
            used_at: None,
        };
        tx.insert_verification_proof(ProofKind::Link, &proof);
        let path = format!("/self-service/verification?flow={}&token={}", flow.id, token.expose());
        let url = cx.services.public_route(&path);
        let message = courier::Message {
            channel: address.via,
            to: &address.value,
            content: Content::VerificationValid { url: &url, identity, lifespan },
            request_url: &flow.request_url,
            transient_payload: flow.transient_payload.as_ref(),
            request_headers: None,
        };
        cx.services.courier.queue(&cx, &message, tx);
        tx.set_address_sent(address.id, now);
    }

    fn check<'a>(&'a self, cx: Context<'a>, form: VerificationForm<'a>) -> Verifying<'a, Outcome> {
        let VerificationForm { flow, input } = form;
        Box::pin(async move {
            let email = match proof::email(input) {
                Ok(email) => email,
                Err(rejection) => return Ok(ProofOutcome::Rejected(*rejection)),
            };
            let token = token(cx, input);
            if !token.is_empty() {
                return use_token(cx, flow, &token).await;
            }
            let form_token = cx.form_token(flow.client);
            if input.method() != "link" {
                proof::ask_again(&mut flow.ui, Group::Link, &form_token, &email);
                return Ok(ProofOutcome::NotMeant);
            }
            if let Some(message) =
                proof::why_over(flow.state, message::verification_already_completed, message::verification_failed)
            {
                return Ok(start_anew(flow.client, message));
            }
            let rejection = match proof::refusal(cx, flow, input, &email) {
                Ok(rejection) => rejection,
                Err(problem) => return Ok(ProofOutcome::Denied(problem)),
            };
            proof::ask_again(&mut flow.ui, Group::Link, &form_token, &email);
            if let Some(rejection) = rejection {
                return Ok(ProofOutcome::Rejected(rejection));
            }
            let mut tx = Tx::new();
            sending::verification(cx, (ProofKind::Link, self), flow, &email, &mut tx).await?;
            flow.state = FlowState::SentEmail;
            flow.ui.messages = vec![message::verification_link_sent()];
            flow.transient_payload = None;
            Ok(ProofOutcome::NextStep(tx))
        })
    }
}

async fn use_token(cx: Context<'_>, flow: &Flow<Verification>, token: &str) -> Result<Outcome, Problem> {
    let attempt =
        match cx.attempt(flow.client, &cx.services.guard.passing(Factor::Verification, flow.id.uuid())).await? {
            Ok(attempt) => attempt,
            Err(resting) => return Ok(ProofOutcome::Rejected(resting)),
        };
    let proofs = cx.services.store.verification_proofs(ProofKind::Link, flow.id).await?;
    Ok(match proof::find(&cx.services.proof_keys(), proofs, token, cx.now()) {
        Submitted::Good(found) => {
            let mut writes = Tx::new();
            writes.use_verification_proof(ProofKind::Link, found.id, cx.now());
            let when_spent = anew(FlowClient::Browser, message::verification_link_invalid());
            ProofOutcome::Proved(VerificationStep { address: found.address_id, attempt, writes, when_spent })
        }
        // Links are opened in browsers, whoever opened the flow.
        Submitted::Unknown | Submitted::Used => {
            attempt.settle(&cx, false).await?;
            start_anew(FlowClient::Browser, message::verification_link_invalid())
        }
        Submitted::Expired(at) => start_anew(FlowClient::Browser, message::verification_flow_expired(at)),
    })
}

fn start_anew(client: FlowClient, message: Message) -> Outcome {
    ProofOutcome::StartAnew(anew(client, message))
}

fn anew(client: FlowClient, message: Message) -> StartAnew {
    StartAnew { message, client, problem: None }
}
