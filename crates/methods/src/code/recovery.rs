//! Winning back access by a code.

use crypto::tokens;
use flow::{
    Context, IssuedProof, ProofOutcome, RecoveryForm, RecoveryMethod, RecoveryStep, Refused, Rejection, StartAnew,
    Verifying, ensure_same_sender,
};
use guard::{Factor, Subject};
use model::flow::Recovery;
use model::ui::InputType;
use model::{
    Aal, AuthenticationMethod, Channel, Flow, FlowClient, FlowState, Group, Identity, IdentityId, Message, Node,
    Problem, Ui, message,
};
use store::{ProofKind, RecoveryProof, Tx};

use super::{Code, LENGTH, Try, choice, count_try, new_code, too_many_tries};
use crate::proof::{self, Submitted};
use crate::sending;

pub(super) type Outcome = ProofOutcome<RecoveryStep>;

impl RecoveryMethod for Code {
    fn issue(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Recovery>, tx: &mut Tx) -> IssuedProof {
        // Somebody else opens the form than the person who will send it.
        flow.detail.skip_csrf_check = true;
        flow.state = FlowState::SentEmail;
        flow.ui.nodes = vec![code_field(), proof::continue_button(Group::Code, "code")];
        let code = new_code(&cx.entropy);
        let proof = RecoveryProof {
            id: cx.entropy.uuid(),
            hmac: tokens::hmac_hex(cx.services.proof_keys().first(), code.expose()),
            address_id: None,
            identity_id: identity.id,
            flow_id: flow.id,
            issued_at: cx.now(),
            expires_at: flow.expires_at,
            used_at: None,
        };
        tx.insert_recovery_proof(ProofKind::Code, &proof);
        IssuedProof { link: cx.services.flow_page(flow), code: Some(code) }
    }

    fn add_fields(&self, flow: &mut Flow<Recovery>, form_token: &str) {
        if choice::is_meant(flow.state) {
            return choice::ask_for_address(flow, form_token);
        }
        flow.ui.set_csrf(form_token);
        flow.ui.nodes.push(proof::email_field(Group::Code));
        flow.ui.nodes.push(proof::continue_button(Group::Code, "code"));
    }

    fn check<'a>(&'a self, cx: Context<'a>, form: RecoveryForm<'a>) -> Verifying<'a, Outcome> {
        let RecoveryForm { flow, input } = form;
        Box::pin(async move {
            if flow.active.as_deref() != Some("code") {
                return Ok(ProofOutcome::NotMeant);
            }
            if cx.request.is_get {
                let why = "A code is entered on the form; there is no link that does it.";
                return Ok(ProofOutcome::Rejected(Rejection::whole(message::generic(why))));
            }
            let email = match proof::email(input) {
                Ok(email) => email,
                Err(rejection) => return Ok(ProofOutcome::Rejected(*rejection)),
            };
            let sender = || ensure_same_sender(cx.request, flow, &input.text("csrf_token"));
            if !flow.detail.skip_csrf_check
                && let Err(refused) = sender()
            {
                return Ok(refuse(cx, refused));
            }
            let has_choice = choice::is_meant(flow.state);
            if !has_choice && flow.state != FlowState::ChooseMethod && email.is_empty() {
                return use_code(cx, flow, &input.text("code")).await;
            }
            if cx.services.sessions.current(&cx, &cx.request.credentials).await?.is_some() {
                return Ok(ProofOutcome::AlreadySignedIn);
            }
            if has_choice {
                return choice::step(cx, flow, input).await;
            }
            if input.method() != "code" {
                return Ok(ProofOutcome::NotMeant);
            }
            if let Some(message) =
                proof::why_over(flow.state, message::recovery_already_completed, message::recovery_failed)
            {
                return Ok(start_anew(flow.client, message, OVER));
            }
            if email.is_empty() {
                return Ok(ProofOutcome::Rejected(Rejection::at("email", message::property_missing("email"))));
            }
            // Forms that an operator made may be submitted by anyone, but not to send mails.
            if let Err(refused) = ensure_same_sender(cx.request, flow, &input.text("csrf_token")) {
                return Ok(refuse(cx, refused));
            }
            let form_token = cx.form_token(flow.client);
            let mut tx = Tx::new();
            let to = (Channel::Email, email.as_str());
            sending::recovery(cx, ProofKind::Code, flow, to, &mut tx).await?;
            flow.state = FlowState::SentEmail;
            flow.ui = Ui::new(flow.ui.action.clone());
            flow.ui.messages.push(message::recovery_code_sent());
            flow.ui.set_csrf(&form_token);
            flow.ui.nodes.push(code_field());
            flow.ui.nodes.push(Node::hidden("method", Group::Code, "code"));
            flow.ui.nodes.push(proof::continue_button(Group::Code, "code"));
            flow.ui.nodes.push(Node::submit("email", Group::Code, &email, message::resend_code_label()));
            Ok(ProofOutcome::NextStep(tx))
        })
    }
}

const OVER: &str = "This form has done its work, or cannot be sent now. Please open a new one.";

pub(super) fn code_field() -> Node {
    let mut node = Node::input("code", Group::Code, InputType::Text).required();
    if let Some(input) = node.as_input_mut() {
        input.pattern = Some("[0-9]+".to_owned());
        input.maxlength = u32::try_from(LENGTH).ok();
    }
    node.with_label(message::recovery_code_label())
}

fn refuse(cx: Context<'_>, refused: Refused) -> Outcome {
    let why = match refused {
        Refused::Browser(clues) => return ProofOutcome::Denied(clues.into()),
        Refused::NotNative(why) => why,
    };
    let message = message::generic(why.clone());
    let mut problem = Problem::bad_request(why);
    if cx.request.origin.as_deref().unwrap_or_default().is_empty() {
        problem = problem.detail("found cookies", cx.request.cookies.clone());
    }
    ProofOutcome::StartAnew(StartAnew { message, client: FlowClient::Browser, problem: Some(problem) })
}

/// Tries a code.
///
/// # Errors
/// When the database fails.
pub(super) async fn use_code(cx: Context<'_>, flow: &mut Flow<Recovery>, code: &str) -> Result<Outcome, Problem> {
    let proofs = cx.services.store.recovery_proofs(ProofKind::Code, flow.id).await?;
    let owner = proofs.first().map(|proof| proof.identity_id);
    let attempt = match cx.attempt(flow.client, &subject(cx, flow, owner)).await? {
        Ok(attempt) => attempt,
        Err(resting) => return Ok(ProofOutcome::Rejected(resting)),
    };
    if let Try::TooMany = count_try(cx.services, flow).await? {
        return Ok(start_anew(flow.client, too_many_tries(), proof::TOO_MANY_TRIES));
    }
    Ok(match proof::find(&cx.services.proof_keys(), proofs, code, cx.now()) {
        Submitted::Good(found) => {
            let mut writes = Tx::new();
            writes.use_recovery_proof(ProofKind::Code, found.id, cx.now());
            ProofOutcome::Proved(RecoveryStep {
                identity: found.identity_id,
                address: found.address_id,
                method: AuthenticationMethod::new("code_recovery", Aal::Aal1, cx.now()),
                attempt,
                by_link: false,
                writes,
                when_spent: anew(flow.client, message::generic(proof::ALREADY_USED), proof::ALREADY_USED),
            })
        }
        Submitted::Unknown | Submitted::Expired(_) => {
            flow.ui.clear_messages();
            flow.ui.messages = vec![message::recovery_code_invalid()];
            let mut writes = Tx::new();
            attempt.failed(&cx, &mut writes);
            ProofOutcome::NextStep(writes)
        }
        Submitted::Used => start_anew(flow.client, message::generic(proof::ALREADY_USED), proof::ALREADY_USED),
    })
}

/// By what tries at a code are counted: the address that it was sent to, or else the form that an operator made.
fn subject(cx: Context<'_>, flow: &Flow<Recovery>, owner: Option<IdentityId>) -> Subject {
    let sent_to = ["email", "recovery_confirm_address"].iter().find_map(|name| flow.ui.node(name)?.value()?.as_str());
    match sent_to {
        Some(address) => cx.services.guard.address(Factor::Recovery, address, owner),
        None => cx.services.guard.passing(Factor::Recovery, flow.id.uuid()),
    }
}

fn start_anew(client: FlowClient, message: Message, why: &'static str) -> Outcome {
    ProofOutcome::StartAnew(anew(client, message, why))
}

fn anew(client: FlowClient, message: Message, why: &'static str) -> StartAnew {
    StartAnew { message, client, problem: Some(Problem::bad_request(why)) }
}
