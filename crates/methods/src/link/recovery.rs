//! Winning back access by a link.

use courier::Content;
use crypto::tokens;
use flow::{
    BoxFuture, Input, IssuedProof, ProofVerdict, RecoveryMethod, RecoveryStep, Refused, Rejection, Request, Runtime,
    StartAnew, ensure_same_sender,
};
use model::flow::Recovery;
use model::{
    Aal, AuthenticationMethod, Channel, Cx, Flow, FlowClient, FlowState, Group, Id, Identity, Message, Problem, message,
};
use store::{ProofKind, RecoveryProof, Tx};

use super::{Link, token};
use crate::proof::{self, Submitted};

type Verdict = ProofVerdict<RecoveryStep>;

impl RecoveryMethod for Link {
    fn add_fields(&self, flow: &mut Flow<Recovery>, form_token: &str) {
        flow.ui.set_csrf(form_token);
        flow.ui.upsert(proof::email_field(Group::Link));
        flow.ui.nodes.push(proof::continue_button(Group::Link, "link"));
    }

    fn issue(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        identity: &Identity,
        flow: &mut Flow<Recovery>,
        tx: &mut Tx,
    ) -> IssuedProof {
        let token = tokens::link_token(&cx.entropy);
        let proof = RecoveryProof {
            id: cx.entropy.uuid(),
            hmac: tokens::hmac_hex(runtime.proof_keys().first(), token.expose()),
            address_id: None,
            identity_id: identity.id,
            flow_id: flow.id,
            issued_at: cx.now(),
            expires_at: flow.expires_at,
            used_at: None,
        };
        tx.insert_recovery_proof(ProofKind::Link, &proof);
        IssuedProof { link: recovery_url(runtime, flow, token.expose()), code: None }
    }

    fn check<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        request: &'a Request,
        flow: &'a mut Flow<Recovery>,
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
            if runtime.sessions.current(cx, &request.credentials).await?.is_some() {
                return Ok(ProofVerdict::AlreadySignedIn);
            }
            if input.method() != "link" {
                return Ok(ProofVerdict::NotMeant);
            }
            match flow.state {
                FlowState::ChooseMethod | FlowState::SentEmail => {}
                FlowState::PassedChallenge => {
                    return Ok(start_anew(flow.client, message::recovery_already_completed()));
                }
                _ => return Ok(start_anew(flow.client, message::recovery_failed())),
            }
            let rejection = match ensure_same_sender(request, flow, &input.text("csrf_token")) {
                _ if email.is_empty() => Some(Rejection::at("email", message::property_missing("email"))),
                Ok(()) => None,
                Err(Refused::Browser(problem)) => return Err(problem),
                Err(Refused::NotNative(why)) => Some(Rejection::whole(message::generic(why))),
            };
            let form_token = request.form_token(flow.client, &cx.entropy);
            proof::ask_again(&mut flow.ui, Group::Link, &form_token, &email);
            if let Some(rejection) = rejection {
                return Ok(ProofVerdict::Rejected(rejection));
            }
            let mut tx = Tx::new();
            send_to(cx, runtime, flow, &email, &mut tx).await?;
            flow.state = FlowState::SentEmail;
            flow.ui.messages = vec![message::recovery_link_sent()];
            Ok(ProofVerdict::NextStep(tx))
        })
    }
}

fn recovery_url(runtime: &Runtime, flow: &Flow<Recovery>, token: &str) -> String {
    runtime.public_route(&format!("/self-service/recovery?flow={}&token={token}", flow.id))
}

/// Sends a link to an address, if somebody has it. Whoever asks cannot tell: the answer is the same, and so is the work.
async fn send_to(cx: &Cx, runtime: &Runtime, flow: &Flow<Recovery>, email: &str, tx: &mut Tx) -> Result<(), Problem> {
    let found = runtime.store.find_recovery_address(Channel::Email, email).await?;
    let owner = found.as_ref().map_or_else(|| Id::random(&cx.entropy), |(owner, _)| *owner);
    let identity = runtime.store.find_identity(owner).await?;
    let lifespan = runtime.config.selfservice.methods.link.lifespan;
    let token = tokens::link_token(&cx.entropy);
    let hmac = tokens::hmac_hex(runtime.proof_keys().first(), token.expose());
    let url = recovery_url(runtime, flow, token.expose());
    let (to, content) = match (&found, &identity) {
        (Some((_, address)), Some(identity)) => {
            let now = cx.now();
            let proof = RecoveryProof {
                id: cx.entropy.uuid(),
                hmac,
                address_id: Some(address.id),
                identity_id: identity.id,
                flow_id: flow.id,
                issued_at: now,
                expires_at: now + lifespan,
                used_at: None,
            };
            tx.insert_recovery_proof(ProofKind::Link, &proof);
            (address.value.as_str(), Content::RecoveryValid { url: &url, identity, lifespan })
        }
        _ if runtime.config.selfservice.recovery_notify_unknown_recipients => (email, Content::RecoveryInvalid),
        _ => return Ok(()),
    };
    let (request_url, transient_payload) = (flow.request_url.as_str(), flow.transient_payload.as_ref());
    let message = courier::Message {
        channel: Channel::Email,
        to,
        content,
        request_url,
        transient_payload,
        request_headers: None,
    };
    runtime.courier.queue(cx, &message, tx);
    Ok(())
}

async fn use_token(cx: &Cx, runtime: &Runtime, flow: &Flow<Recovery>, token: &str) -> Result<Verdict, Problem> {
    let proofs = runtime.store.recovery_proofs(ProofKind::Link, flow.id).await?;
    Ok(match proof::find(&runtime.proof_keys(), proofs, token, cx.now()) {
        Submitted::Good(found) => {
            let mut writes = Tx::new();
            writes.use_recovery_proof(ProofKind::Link, found.id, cx.now());
            ProofVerdict::Proved(RecoveryStep {
                identity: found.identity_id,
                address: found.address_id,
                method: AuthenticationMethod::new("link_recovery", Aal::Aal1, cx.now()),
                by_link: true,
                writes,
            })
        }
        // Links are opened in browsers, whoever opened the flow.
        Submitted::Unknown | Submitted::Used => start_anew(FlowClient::Browser, message::recovery_link_invalid()),
        Submitted::Expired(at) => start_anew(FlowClient::Browser, message::recovery_flow_expired(at)),
    })
}

fn start_anew(client: FlowClient, message: Message) -> Verdict {
    ProofVerdict::StartAnew(StartAnew { message, client, problem: None })
}
