//! Verifying an address by a link.

use courier::Content;
use crypto::tokens;
use flow::{
    BoxFuture, Input, ProofVerdict, Refused, Rejection, Request, Runtime, StartAnew, VerificationMethod,
    VerificationStep, ensure_same_sender,
};
use model::flow::Verification;
use model::{
    Channel, Cx, Flow, FlowClient, FlowState, Group, Id, Identity, Message, Node, Problem, VerifiableAddress, message,
};
use store::{ProofKind, Tx, VerificationProof};

use super::{Link, token};
use crate::proof::{self, Submitted};

type Verdict = ProofVerdict<VerificationStep>;

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
        cx: &Cx,
        runtime: &Runtime,
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
        let lifespan = runtime.config.selfservice.methods.link.lifespan;
        let now = cx.now();
        let proof = VerificationProof {
            id: cx.entropy.uuid(),
            hmac: tokens::hmac_hex(runtime.proof_keys().first(), token.expose()),
            address_id: address.id,
            flow_id: flow.id,
            issued_at: now,
            expires_at: now + lifespan,
            used_at: None,
        };
        tx.insert_verification_proof(ProofKind::Link, &proof);
        let path = format!("/self-service/verification?flow={}&token={}", flow.id, token.expose());
        let url = runtime.public_route(&path);
        let message = courier::Message {
            channel: address.via,
            to: &address.value,
            content: Content::VerificationValid { url: &url, identity, lifespan },
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
            let token = token(request, input);
            if !token.is_empty() {
                return use_token(cx, runtime, flow, &token).await;
            }
            let form_token = request.form_token(flow.client, &cx.entropy);
            if input.method() != "link" {
                proof::ask_again(&mut flow.ui, Group::Link, &form_token, &email);
                return Ok(ProofVerdict::NotMeant);
            }
            match flow.state {
                FlowState::ChooseMethod | FlowState::SentEmail => {}
                FlowState::PassedChallenge => {
                    return Ok(start_anew(flow.client, message::verification_already_completed()));
                }
                _ => return Ok(start_anew(flow.client, message::verification_failed())),
            }
            let rejection = match ensure_same_sender(request, flow, &input.text("csrf_token")) {
                _ if email.is_empty() => Some(Rejection::at("email", message::property_missing("email"))),
                Ok(()) => None,
                Err(Refused::Browser(problem)) => return Ok(ProofVerdict::Denied(problem)),
                Err(Refused::NotNative(why)) => Some(Rejection::whole(message::generic(why))),
            };
            proof::ask_again(&mut flow.ui, Group::Link, &form_token, &email);
            if let Some(rejection) = rejection {
                return Ok(ProofVerdict::Rejected(rejection));
            }
            let mut tx = Tx::new();
            send_to(cx, runtime, flow, &email, &mut tx).await?;
            flow.state = FlowState::SentEmail;
            flow.ui.messages = vec![message::verification_link_sent()];
            flow.transient_payload = None;
            Ok(ProofVerdict::NextStep(tx))
        })
    }
}

/// Sends a link to an address, if somebody has it. Whoever asks cannot tell: the answer is the same, and so is the work.
async fn send_to(
    cx: &Cx,
    runtime: &Runtime,
    flow: &Flow<Verification>,
    email: &str,
    tx: &mut Tx,
) -> Result<(), Problem> {
    let found = runtime.store.find_verifiable_address(Channel::Email, email).await?;
    let owner = found.as_ref().map_or_else(|| Id::random(&cx.entropy), |(owner, _)| *owner);
    let identity = runtime.store.find_identity(owner).await?;
    if let (Some((_, address)), Some(identity)) = (&found, &identity) {
        Link.send(cx, runtime, identity, address, flow, tx);
    } else if runtime.config.selfservice.verification_notify_unknown_recipients {
        let message = courier::Message {
            channel: Channel::Email,
            to: email,
            content: Content::VerificationInvalid,
            request_url: &flow.request_url,
            transient_payload: flow.transient_payload.as_ref(),
            request_headers: None,
        };
        runtime.courier.queue(cx, &message, tx);
    }
    Ok(())
}

async fn use_token(cx: &Cx, runtime: &Runtime, flow: &Flow<Verification>, token: &str) -> Result<Verdict, Problem> {
    let proofs = runtime.store.verification_proofs(ProofKind::Link, flow.id).await?;
    Ok(match proof::find(&runtime.proof_keys(), proofs, token, cx.now()) {
        Submitted::Good(found) => {
            let mut writes = Tx::new();
            writes.use_verification_proof(ProofKind::Link, found.id, cx.now());
            ProofVerdict::Proved(VerificationStep { address: found.address_id, writes })
        }
        // Links are opened in browsers, whoever opened the flow.
        Submitted::Unknown | Submitted::Used => start_anew(FlowClient::Browser, message::verification_link_invalid()),
        Submitted::Expired(at) => start_anew(FlowClient::Browser, message::verification_flow_expired(at)),
    })
}

fn start_anew(client: FlowClient, message: Message) -> Verdict {
    ProofVerdict::StartAnew(StartAnew { message, client, problem: None })
}
