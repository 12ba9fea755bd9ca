//! Codes of six digits, sent to an address: to sign in, to sign up, to verify the address, and to win back access by it.

mod address;
mod choice;
mod login;
mod recovery;
mod registration;
mod screens;
mod verification;

use crypto::tokens;
use flow::{
    Context, Input, InputClaims, LoginMethod, Method, RecoveryMethod, RegistrationMethod, Rejection, Services,
    VerificationMethod,
};
use model::{Aal, Flow, FlowState, Message, Problem, Secret, message};
use store::{CodeTable, FlowTable, SentCode, Tx};

use self::address::Address;
use crate::proof;

/// What is meant for this method.
pub const CLAIMS: InputClaims = InputClaims {
    login: |_, input| input.method() == NAME,
    registration: |input| input.method() == NAME,
    ..InputClaims::of(NAME)
};

/// The code method.
pub struct Code;

/// The name of the method and of its nodes' group.
const NAME: &str = "code";
/// How many digits a code has.
const LENGTH: usize = 6;

pub(crate) fn new_code(entropy: &model::Entropy) -> Secret {
    tokens::numeric_code(entropy, LENGTH)
}

impl Method for Code {
    fn name(&self) -> &'static str {
        NAME
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }

    fn verification(&self) -> Option<&dyn VerificationMethod> {
        Some(self)
    }

    fn recovery(&self) -> Option<&dyn RecoveryMethod> {
        Some(self)
    }
}

/// What a code proves in a sign-in, as configured; `None` where codes sign nobody in.
fn level(services: &Services) -> Option<Aal> {
    let code = &services.config.selfservice.methods.code;
    match (code.passwordless_enabled, code.is_second_factor()) {
        (true, _) => Some(Aal::Aal1),
        (false, true) => Some(Aal::Aal2),
        (false, false) => None,
    }
}

/// What a submission to a form of two steps asks for: a code, or what it opens.
enum Asked {
    /// Send a code, for the first time or anew.
    Send,
    /// Here it is.
    Enter,
    /// Neither can be done any more.
    Nothing,
}

/// Reads what is asked for. Asking for a new code leads back to the first step.
fn requested(state: &mut FlowState, input: &Input) -> Asked {
    if input.text("resend") == NAME {
        *state = FlowState::ChooseMethod;
    }
    match state {
        FlowState::ChooseMethod => Asked::Send,
        FlowState::SentEmail => Asked::Enter,
        _ => Asked::Nothing,
    }
}

/// What is wrong with the field that asks for a new code.
fn malformed_resend(input: &Input) -> Option<Rejection> {
    let why = "To get a new code, send the name of the method, code, in this field.";
    let is_sound = matches!(input.text("resend").as_str(), "" | NAME);
    (!is_sound).then(|| Rejection::at("resend", message::generic(why)))
}

/// Makes a code for an address and keeps its HMAC; the caller sends it there.
fn keep_new_code<K: CodeTable>(
    cx: Context<'_>,
    flow: &Flow<K>,
    address: &Address,
    owner: K::Owner,
    tx: &mut Tx,
) -> Secret {
    let code = new_code(&cx.entropy);
    let now = cx.now();
    tx.insert_code(&SentCode {
        id: cx.entropy.uuid(),
        hmac: tokens::hmac_hex(cx.services.proof_keys().first(), code.expose()),
        channel: address.channel,
        address: address.value.clone(),
        flow_id: flow.id,
        owner,
        issued_at: now,
        expires_at: now + cx.services.config.selfservice.methods.code.lifespan,
        used_at: None,
    });
    code
}

/// Whether a form takes the code that was sent to it.
enum Try {
    /// It may be looked at.
    Allowed,
    /// There were too many before it.
    TooMany,
}

/// Counts a try, which is committed before any code is looked at.
///
/// # Errors
/// When the database fails.
async fn count_try<K: FlowTable>(services: &Services, flow: &Flow<K>) -> Result<Try, Problem> {
    let tries = services.store.count_attempt(flow.id).await?;
    let allowed = i32::from(services.config.selfservice.methods.code.max_submissions);
    Ok(if tries > allowed { Try::TooMany } else { Try::Allowed })
}

/// What is said of a code after too many others.
fn too_many_tries() -> Message {
    message::generic(proof::TOO_MANY_TRIES)
}

/// The code was used before.
fn already_used() -> Rejection {
    Rejection::whole(message::generic(proof::ALREADY_USED))
}
