//! What the methods can do that prove an address: send something there, and check what comes back.

use guard::Attempt;
use model::flow::{Recovery, Verification};
use model::{
    AuthenticationMethod, Flow, FlowClient, Group, Id, Identity, IdentityId, Message, Problem, RecoveryAddress, Secret,
    VerifiableAddress,
};
use store::Tx;

use crate::context::Context;
use crate::form::Rejection;
use crate::submitted::{RecoveryForm, VerificationForm, Verifying};

/// What a method makes of a submission.
pub enum ProofOutcome<S> {
    /// It is meant for another method.
    NotMeant,
    /// The form again, with what is wrong.
    Rejected(Rejection),
    /// The method has changed the form to its next step.
    NextStep(Tx),
    /// The form was opened by a link from a mail that fills it in. It belongs to the browser that did so from here on.
    FilledIn,
    /// The anti-CSRF check failed.
    Denied(Problem),
    /// Whoever is signed in has no need of this.
    AlreadySignedIn,
    /// This form is of no use any more; a new one takes its place.
    StartAnew(StartAnew),
    /// The proof is good; go on with this.
    Proved(S),
}

/// Why a new form takes the place of one.
pub struct StartAnew {
    /// Said on the new form.
    pub message: Message,
    /// Who drives the new flow.
    pub client: FlowClient,
    /// What JSON clients are told; without it they are redirected as well.
    pub problem: Option<Problem>,
}

/// An address that is proved.
pub struct VerificationStep {
    /// The address.
    pub address: Id<VerifiableAddress>,
    /// The try that this was.
    pub attempt: Attempt,
    /// Uses up the proof.
    pub writes: Tx,
    /// What happens when `writes` find that another submission has just used it up.
    pub when_spent: StartAnew,
}

/// A person who has proved who they are.
pub struct RecoveryStep {
    /// The identity of the person.
    pub identity: IdentityId,
    /// The address by which they did, which is thereby verified; `None` with what an operator handed over.
    pub address: Option<Id<RecoveryAddress>>,
    /// What the session says of how they did.
    pub method: AuthenticationMethod,
    /// The try that this was.
    pub attempt: Attempt,
    /// Whether a link was opened: that is done in browsers, whoever opened the flow.
    pub by_link: bool,
    /// Uses up the proof.
    pub writes: Tx,
    /// What happens when `writes` find that another submission has just used it up.
    pub when_spent: StartAnew,
}

/// What an operator hands to a person.
pub struct IssuedProof {
    /// Where it is used.
    pub link: String,
    /// What is entered there, unless the link says it all.
    pub code: Option<Secret>,
}

/// Proving that an address is one's own.
pub trait VerificationMethod: Send + Sync {
    /// The group of the method's nodes.
    fn group(&self) -> Group;

    /// Fills in an empty form, which asks for the address. `form_token` is for the hidden anti-CSRF field.
    fn add_fields(&self, flow: &mut Flow<Verification>, form_token: &str);

    /// Turns the form into the one that comes after sending something to `address`.
    fn add_fields_when_sent(&self, flow: &mut Flow<Verification>, form_token: &str, address: &str);

    /// Sends a proof to an address of `identity`.
    fn send(
        &self,
        cx: Context<'_>,
        identity: &Identity,
        address: &VerifiableAddress,
        flow: &Flow<Verification>,
        tx: &mut Tx,
    );

    /// Checks a submission.
    fn check<'a>(
        &'a self,
        cx: Context<'a>,
        form: VerificationForm<'a>,
    ) -> Verifying<'a, ProofOutcome<VerificationStep>>;
}

/// Winning back access.
pub trait RecoveryMethod: Send + Sync {
    /// Fills in an empty form, which asks for the address. `form_token` is for the hidden anti-CSRF field.
    fn add_fields(&self, flow: &mut Flow<Recovery>, form_token: &str);

    /// Makes a proof for an operator to hand over, and turns the form into the one where it is used.
    fn issue(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Recovery>, tx: &mut Tx) -> IssuedProof;

    /// Checks a submission.
    fn check<'a>(&'a self, cx: Context<'a>, form: RecoveryForm<'a>) -> Verifying<'a, ProofOutcome<RecoveryStep>>;
}
