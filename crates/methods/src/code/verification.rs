//! Verifying an address by a code.

use courier::Content;
use crypto::tokens;
use flow::{
    BoxFuture, Input, ProofVerdict, Rejection, Request, Runtime, StartAnew, VerificationMethod, VerificationStep,
};
use model::flow::Verification;
use model::problem::id;
use model::ui::InputType;
use model::{Cx, Flow, FlowClient, FlowState, Group, Identity, Message, Node, Problem, VerifiableAddress, message};
use serde_json::Value;
use store::{ProofKind, Tx, VerificationProof};

use super::{Code, new_code};
use crate::proof::{self, Submitted};
use crate::sending;

type Verdict = ProofVerdict<VerificationStep>;

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
        cx: &Cx,
        runtime: &Runtime,
        identity: &Identity,
        address: &VerifiableAddress,
        flow: &Flow<Verification>,
        tx: &mut Tx,
    ) {
        let code = new_code(&cx.entropy);
        let lifespan = runtime.config.selfservice.methods.code.lifespan;
        let now = cx.now();
        let proof = VerificationProof {
            id: cx.entropy.uuid(),
            hmac: tokens::hmac_hex(runtime.proof_keys().first(), code.expose()),
            address_id: address.id,
            flow_id: flow.id,
            issued_at: now,
            expires_at: now + lifespan,
            used_at: None,
        };
        tx.insert_verification_proof(ProofKind::Code, &proof);
        let path = format!("/self-service/verification?code={}&flow={}", code.expose(), flow.id);
        let url = runtime.public_route(&path);
        let message = courier::Message {
            channel: address.via,
            to: &address.value,
            content: Content::VerificationCodeValid { code: &code, url: &url, identity, lifespan },
            request_url: &flow.request_url,
            transient_payload: flow.transient_payload.as_ref(),
            request_headers: None,
        };
        runtime.courier.queue(cx, &message, tx);
        tx.set_address_sent(address.id, now);
    }

    fn check<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        request: &'a Request,
        flow: &'a mut Flow<Verification>,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Verdict, Problem>> {
        Box::pin(async move {
            let email = match proof::email(input) {
                Ok(email) => email,
                Err(rejection) => return Ok(ProofVerdict::Rejected(*rejection)),
            };
            if input.get("method").is_some() && !matches!(input.method().as_str(), "code" | "link") {
                let why = "There is no such method. Please send code or link.";
                return Ok(ProofVerdict::Rejected(Rejection::at("method", message::generic(why))));
            }
            let code = input.text("code");
            let form_token = request.form_token(flow.client, &cx.entropy);
            // A code says by itself what it is for.
            let is_meant = input.method() == "code" || (input.method().is_empty() && !code.is_empty());
            if !is_meant {
                proof::ask_again(&mut flow.ui, Group::Code, &form_token, &email);
                return Ok(ProofVerdict::NotMeant);
            }
            if let Some(message) =
                proof::why_over(flow.state, message::verification_already_completed, message::verification_failed)
            {
                return Ok(start_anew(flow.client, message));
            }
            if !code.is_empty() && request.is_get {
                flow.ui.set_value("code", Value::from(code));
                return Ok(ProofVerdict::FilledIn);
            }
            if !code.is_empty() {
                return use_code(cx, runtime, flow, &code).await;
            }
            let rejection = match proof::refusal(request, flow, input, &email) {
                Ok(rejection) => rejection,
                Err(problem) => return Ok(ProofVerdict::Denied(problem)),
            };
            if let Some(rejection) = rejection {
                proof::ask_again(&mut flow.ui, Group::Code, &form_token, &email);
                return Ok(ProofVerdict::Rejected(rejection));
            }
            let mut tx = Tx::new();
            tx.delete_verification_proofs(ProofKind::Code, flow.id);
            sending::verification(cx, runtime, (ProofKind::Code, self), flow, &email, &mut tx).await?;
            flow.state = FlowState::SentEmail;
            flow.transient_payload = None;
            Code.add_fields_when_sent(flow, &form_token, &email);
            Ok(ProofVerdict::NextStep(tx))
        })
    }
}

async fn use_code(cx: &Cx, runtime: &Runtime, flow: &mut Flow<Verification>, code: &str) -> Result<Verdict, Problem> {
    let tries = runtime.store.count_attempt(flow.id).await?;
    if tries > i32::from(runtime.config.selfservice.methods.code.max_submissions) {
        return Ok(start_anew(flow.client, message::generic(proof::TOO_MANY_TRIES)));
    }
    let proofs = runtime.store.verification_proofs(ProofKind::Code, flow.id).await?;
    Ok(match proof::find(&runtime.proof_keys(), proofs, code, cx.now()) {
        Submitted::Good(found) => {
            let mut writes = Tx::new();
            writes.use_verification_proof(ProofKind::Code, found.id, cx.now());
            let when_spent = anew(flow.client, message::generic(proof::ALREADY_USED));
            ProofVerdict::Proved(VerificationStep { address: found.address_id, writes, when_spent })
        }
        Submitted::Expired(at) => ProofVerdict::StartAnew(StartAnew {
            message: message::verification_flow_expired(at),
            client: flow.client,
            problem: Some(flow::too_old(at, cx.now())),
        }),
        Submitted::Unknown => {
            flow.ui.messages = vec![message::verification_code_invalid()];
            ProofVerdict::NextStep(Tx::new())
        }
        Submitted::Used => start_anew(flow.client, message::generic(proof::ALREADY_USED)),
    })
}

fn start_anew(client: FlowClient, message: Message) -> Verdict {
    ProofVerdict::StartAnew(anew(client, message))
}

fn anew(client: FlowClient, message: Message) -> StartAnew {
    let problem = Problem::new(410)
        .with_id(id::FLOW_REPLACED)
        .message("This form was replaced by a new one.")
        .reason("Please go on with the new form.");
    StartAnew { message, client, problem: Some(problem) }
}
