//! Verifying an address by a code.

use courier::Content;
use crypto::tokens;
use flow::{
    Context, ProofOutcome, Rejection, StartAnew, VerificationForm, VerificationMethod, VerificationStep, Verifying,
};
use guard::Factor;
use model::flow::Verification;
use model::problem::id;
use model::ui::InputType;
use model::{Flow, FlowClient, FlowState, Group, Identity, Message, Node, Problem, VerifiableAddress, message};
use serde_json::Value;
use store::{ProofKind, Tx, VerificationProof};

use super::{Code, Try, count_try, new_code, too_many_tries};
use crate::proof::{self, Submitted};
use crate::sending;

type Outcome = ProofOutcome<VerificationStep>;

impl VerificationMethod for Code {
    fn group(&self) -> Group {
        Group::Code
    }

    fn add_fields(&self, flow: &mut Flow<Verification>, form_token: &str) {
        flow.ui.nodes.push(proof::email_field(Group::Code));
        flow.ui.nodes.push(proof::continue_button(Group::Code, "code"));
        if flow.client == FlowClient::Browser {
            flow.ui.set_csrf(form_token);
        }
    }

    fn add_fields_when_sent(&self, flow: &mut Flow<Verification>, form_token: &str, address: &str) {
        let ui = &mut flow.ui;
        ui.messages = vec![message::verification_code_sent()];
        ui.nodes.clear();
        ui.nodes.push(Node::hidden("method", Group::Code, "code"));
        let code = Node::input("code", Group::Code, InputType::Text);
        ui.nodes.push(code.required().with_label(message::verification_code_label()));
        ui.nodes.push(proof::continue_button(Group::Code, "code"));
        if flow.client == FlowClient::Browser {
            ui.set_csrf(form_token);
        }
        ui.nodes.push(Node::submit("email", Group::Code, address, message::resend_code_label()));
    }

    fn send(
        &self,
        cx: Context<'_>,
        identity: &Identity,
        address: &VerifiableAddress,
        flow: &Flow<Verification>,
        tx: &mut Tx,
    ) {
        let code = new_code(&cx.entropy);
        let lifespan = cx.services.config.selfservice.methods.code.lifespan;
        let now = cx.now();
        let proof = VerificationProof {
            id: cx.entropy.uuid(),
            hmac: tokens::hmac_hex(cx.services.proof_keys().first(), code.expose()),
            address_id: address.id,
            flow_id: flow.id,
            issued_at: now,
            expires_at: now + lifespan,
            used_at: None,
        };
        tx.insert_verification_proof(ProofKind::Code, &proof);
        let path = format!("/self-service/verification?code={}&flow={}", code.expose(), flow.id);
        let url = cx.services.public_route(&path);
        let message = courier::Message {
            channel: address.via,
            to: &address.value,
            content: Content::VerificationCodeValid { code: &code, url: &url, identity, lifespan },
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
            if input.get("method").is_some() && !matches!(input.method().as_str(), "code" | "link") {
                let why = "There is no such method. Please send code or link.";
                return Ok(ProofOutcome::Rejected(Rejection::at("method", message::generic(why))));
            }
            let code = input.text("code");
            let form_token = cx.form_token(flow.client);
            // A code says by itself what it is for.
            let is_meant = input.method() == "code" || (input.method().is_empty() && !code.is_empty());
            if !is_meant {
                proof::ask_again(&mut flow.ui, Group::Code, &form_token, &email);
                return Ok(ProofOutcome::NotMeant);
            }
            if let Some(message) =
                proof::why_over(flow.state, message::verification_already_completed, message::verification_failed)
            {
                return Ok(start_anew(flow.client, message));
            }
            if !code.is_empty() && cx.request.is_get {
                flow.ui.set_value("code", Value::from(code));
                return Ok(ProofOutcome::FilledIn);
            }
            if !code.is_empty() {
                return use_code(cx, flow, &code).await;
            }
            let rejection = match proof::refusal(cx, flow, input, &email) {
                Ok(rejection) => rejection,
                Err(problem) => return Ok(ProofOutcome::Denied(problem)),
            };
            if let Some(rejection) = rejection {
                proof::ask_again(&mut flow.ui, Group::Code, &form_token, &email);
                return Ok(ProofOutcome::Rejected(rejection));
            }
            let mut tx = Tx::new();
            sending::verification(cx, (ProofKind::Code, self), flow, &email, &mut tx).await?;
            flow.state = FlowState::SentEmail;
            flow.transient_payload = None;
            Code.add_fields_when_sent(flow, &form_token, &email);
            Ok(ProofOutcome::NextStep(tx))
        })
    }
}

async fn use_code(cx: Context<'_>, flow: &mut Flow<Verification>, code: &str) -> Result<Outcome, Problem> {
    let proofs = cx.services.store.verification_proofs(ProofKind::Code, flow.id).await?;
    let sent_to = flow.ui.node("email").and_then(|node| node.value()?.as_str()).unwrap_or_default();
    let subject = cx.services.guard.sent(Factor::Verification, sent_to, !proofs.is_empty());
    let attempt = match cx.attempt(flow.client, &subject).await? {
        Ok(attempt) => attempt,
        Err(resting) => return Ok(ProofOutcome::Rejected(resting)),
    };
    if let Try::TooMany = count_try(cx.services, flow).await? {
        return Ok(start_anew(flow.client, too_many_tries()));
    }
    Ok(match proof::find(&cx.services.proof_keys(), proofs, code, cx.now()) {
        Submitted::Good(found) => {
            let mut writes = Tx::new();
            writes.use_verification_proof(ProofKind::Code, found.id, cx.now());
            let when_spent = anew(flow.client, message::generic(proof::ALREADY_USED));
            ProofOutcome::Proved(VerificationStep { address: found.address_id, attempt, writes, when_spent })
        }
        Submitted::Expired(at) => ProofOutcome::StartAnew(StartAnew {
            message: message::verification_flow_expired(at),
            client: flow.client,
            problem: Some(flow::too_old(at, cx.now())),
        }),
        Submitted::Unknown => {
            flow.ui.messages = vec![message::verification_code_invalid()];
            let mut writes = Tx::new();
            attempt.failed(&cx, &mut writes);
            ProofOutcome::NextStep(writes)
        }
        Submitted::Used => start_anew(flow.client, message::generic(proof::ALREADY_USED)),
    })
}

fn start_anew(client: FlowClient, message: Message) -> Outcome {
    ProofOutcome::StartAnew(anew(client, message))
}

fn anew(client: FlowClient, message: Message) -> StartAnew {
    let problem = Problem::new(410)
        .with_id(id::FLOW_REPLACED)
        .message("This form was replaced by a new one.")
        .reason("Please go on with the new form.");
    StartAnew { message, client, problem: Some(problem) }
}
