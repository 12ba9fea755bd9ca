//! What a sign-in method can do.

use identity::TraitError;
use model::flow::{Login, Registration, Settings};
use model::{AuthenticationMethod, Cx, Flow, Group, Identity, IdentityId, Problem, Session, Timestamp};
use serde_json::Value;
use store::Tx;

use crate::BoxFuture;
use crate::answer::{AnyAnswer, Effects, SubmitError};
use crate::form::Rejection;
use crate::input::Input;
use crate::proof::{RecoveryMethod, VerificationMethod};
use crate::request::Request;
use crate::runtime::Runtime;

/// A sign-in method, or a step that acts like one. It says what it can do by which of these it gives back.
pub trait Method: Send + Sync {
    /// The name in `method`, in configuration and in hooks.
    fn name(&self) -> &'static str;

    /// Signing in.
    fn login(&self) -> Option<&dyn LoginMethod> {
        None
    }

    /// Signing up.
    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        None
    }

    /// Proving that an address is one's own.
    fn verification(&self) -> Option<&dyn VerificationMethod> {
        None
    }

    /// Winning back access.
    fn recovery(&self) -> Option<&dyn RecoveryMethod> {
        None
    }

    /// Changing one's own account.
    fn settings(&self) -> Option<&dyn SettingsMethod> {
        None
    }

    /// Receiving browsers that were sent elsewhere.
    fn callback(&self) -> Option<&dyn CallbackMethod> {
        None
    }

    /// Adding a credential to an account once its owner has signed in another way.
    fn linking(&self) -> Option<&dyn LinkingMethod> {
        None
    }
}

/// What a method makes of a submission. Nothing is written yet.
pub enum Verdict<S> {
    /// Proved; go on with this.
    Accepted(S),
    /// Not proved. `writes` are kept all the same: a used attempt, say.
    Rejected { rejections: Vec<Rejection>, writes: Tx },
    /// The method has changed the form to its next step, which JSON clients get with this status.
    NextStep { status: u16, writes: Tx },
    /// What was sent to the person expired then, and the form with it: a new one takes its place.
    Expired(Timestamp),
    /// The browser goes elsewhere, and comes back to the method's [`CallbackMethod`].
    Elsewhere { to: String, effects: Box<Effects>, writes: Tx },
    /// The method has seen the submission through itself.
    Answered(Box<AnyAnswer>),
}

impl<S> Verdict<S> {
    /// One thing is wrong: at a field, or (a mere message) with the form as a whole.
    pub fn rejected(rejection: impl Into<Rejection>) -> Self {
        Self::Rejected { rejections: vec![rejection.into()], writes: Tx::new() }
    }

    /// What the schema has against an identity.
    pub fn invalid(errors: Vec<TraitError>) -> Self {
        Self::Rejected { rejections: errors.into_iter().map(Rejection::from).collect(), writes: Tx::new() }
    }
}

/// Which form of sign-in is being shown.
pub enum LoginScene<'a> {
    /// A first factor of anybody.
    FirstFactor,
    /// The first of two screens (`selfservice.flows.login.style: identifier_first`): who is it? Methods that need no
    /// identifier to sign in show their fields here already.
    Identification,
    /// The second of two screens: a first factor of whoever has typed an identifier.
    Identified(Visitor<'a>),
    /// The first factor again, of the person who is signed in.
    Refresh { identity: &'a Identity },
    /// A second factor of the person who is signed in; again, if this is a refresh.
    SecondFactor { identity: &'a Identity },
}

/// Somebody who has typed an identifier on the first of two sign-in screens.
#[derive(Clone, Copy)]
pub struct Visitor<'a> {
    /// As it was typed.
    pub identifier: &'a str,
    pub account: Account<'a>,
}

/// What is known, and may be shown, about the account that an identifier names.
#[derive(Clone, Copy)]
pub enum Account<'a> {
    /// This one, with its credentials.
    Known(&'a Identity),
    /// There is none.
    Unknown,
    /// Nobody is to be told (`security.account_enumeration.mitigate`), so every method shows its fields to everybody.
    Secret,
}

impl Account<'_> {
    /// Whether a method shows its fields, which it does where the account can sign in with it: `can` tells.
    pub fn is_offered(&self, can: impl FnOnce(&Identity) -> bool) -> bool {
        match self {
            Self::Known(identity) => can(identity),
            Self::Unknown => false,
            Self::Secret => true,
        }
    }
}

/// A sign-in that a method has accepted.
pub struct LoginStep {
    pub identity: IdentityId,
    pub method: AuthenticationMethod,
    /// Written together with the session: a better password hash, a used code.
    pub writes: Tx,
    /// The address that the person has just shown to be theirs, by typing what was sent there.
    pub proved_address: Option<String>,
    /// What the form says when `writes` find that another submission has just used up the same code.
    pub when_spent: Option<Rejection>,
}

impl LoginStep {
    /// A sign-in that proves no address and uses nothing up.
    pub fn new(identity: IdentityId, method: AuthenticationMethod, writes: Tx) -> Self {
        Self { identity, method, writes, proved_address: None, when_spent: None }
    }
}

/// Signing in with a method.
pub trait LoginMethod: Send + Sync {
    /// Adds the method's fields to a form, if it is of use in this scene; says whether it is.
    ///
    /// # Errors
    /// When they cannot be made.
    fn add_fields(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        scene: &LoginScene<'_>,
        flow: &mut Flow<Login>,
    ) -> Result<bool, Problem>;

    /// Does at once what the person would have to ask for next, such as sending a code, and turns the form into its next
    /// step. The engine calls this where the method is the only one of use to somebody whose account is known, so that
    /// there is nothing to choose. `None` where the person has to do something first.
    fn begin<'a>(
        &'a self,
        _cx: &'a Cx,
        _runtime: &'a Runtime,
        _request: &'a Request,
        _scene: &'a LoginScene<'a>,
        _flow: &'a mut Flow<Login>,
    ) -> BoxFuture<'a, Result<Option<Tx>, Problem>> {
        Box::pin(async { Ok(None) })
    }

    /// Whether a submission is meant for this method.
    fn is_meant(&self, runtime: &Runtime, flow: &Flow<Login>, input: &Input) -> bool;

    /// What is wrong with the fields themselves, whoever sent them. As in Kratos it is said even before the anti-CSRF
    /// check: it tells nothing about anybody.
    fn malformed(&self, _flow: &Flow<Login>, _input: &Input) -> Vec<Rejection> {
        Vec::new()
    }

    /// Whether a submission has to pass the anti-CSRF check.
    fn needs_csrf(&self) -> bool {
        true
    }

    /// Puts what was typed back into a form that is shown again, but for secrets.
    fn keep_input(&self, flow: &mut Flow<Login>, input: &Input);

    /// Checks a submission. May be slow; no transaction is open.
    fn verify<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        request: &'a Request,
        flow: &'a mut Flow<Login>,
        session: Option<&'a Session>,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Verdict<LoginStep>, Problem>>;
}

/// A sign-up that a method has accepted: the identity that is to be made, complete with its credentials.
pub struct RegistrationStep {
    pub candidate: Identity,
    pub method: AuthenticationMethod,
    pub writes: Tx,
}

/// Signing up with a method.
pub trait RegistrationMethod: Send + Sync {
    /// Adds the method's fields to a form that shows everything at once (`unified`).
    fn add_fields(&self, cx: &Cx, runtime: &Runtime, flow: &mut Flow<Registration>) -> Result<(), Problem>;

    /// Adds the method's fields to the first of two screens, which asks for the traits.
    fn add_profile_fields(&self, cx: &Cx, runtime: &Runtime, flow: &mut Flow<Registration>) -> Result<(), Problem>;

    /// Adds the method's fields to the second of two screens, which asks for a credential.
    fn add_credential_fields(&self, cx: &Cx, runtime: &Runtime, flow: &mut Flow<Registration>) -> Result<(), Problem>;

    /// The group of the method's nodes.
    fn group(&self) -> Group;

    /// Whether a submission is meant for this method.
    fn is_meant(&self, runtime: &Runtime, flow: &Flow<Registration>, input: &Input) -> bool;

    /// What is wrong with the fields themselves, whoever sent them. As in Kratos it is said even before the anti-CSRF
    /// check: it tells nothing about anybody.
    fn malformed(&self, _runtime: &Runtime, _flow: &Flow<Registration>, _input: &Input) -> Vec<Rejection> {
        Vec::new()
    }

    /// Whether a submission has to pass the anti-CSRF check. All but going back do.
    fn needs_csrf(&self, _input: &Input) -> bool {
        true
    }

    /// Checks a submission. May be slow; no transaction is open.
    fn verify<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        request: &'a Request,
        flow: &'a mut Flow<Registration>,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Verdict<RegistrationStep>, Problem>>;
}

/// A change that a method has accepted.
pub struct SettingsStep {
    /// The identity as it is to be.
    pub identity: Identity,
    pub writes: Tx,
    /// What the change proved about the person who made it: a second factor that was just set up, say.
    pub proved: Option<AuthenticationMethod>,
}

/// Changing one's own account with a method.
pub trait SettingsMethod: Send + Sync {
    /// Adds the method's fields to a form.
    ///
    /// # Errors
    /// When they cannot be made.
    fn add_fields(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        identity: &Identity,
        flow: &mut Flow<Settings>,
    ) -> Result<(), Problem>;

    /// Whether a submission is meant for this method.
    fn is_meant(&self, flow: &Flow<Settings>, input: &Input) -> bool;

    /// What is wrong with the fields themselves, whoever sent them. As in Kratos it is said even before the anti-CSRF
    /// check: it tells nothing about anybody.
    fn malformed(&self, _runtime: &Runtime, _identity: &Identity, _input: &Input) -> Vec<Rejection> {
        Vec::new()
    }

    /// Whether a submission has to pass the anti-CSRF check. The flow's identifier is known to its owner alone.
    fn needs_csrf(&self) -> bool {
        true
    }

    /// Prepares a form that is shown again: puts back what was typed, but for secrets, and drops what was said before.
    /// Most methods ask for secrets alone.
    fn keep_input(&self, _runtime: &Runtime, _identity: &Identity, flow: &mut Flow<Settings>, _input: &Input) {
        flow.ui.clear_messages();
    }

    /// Checks a submission. May be slow; no transaction is open.
    #[expect(clippy::too_many_arguments, reason = "all that a change may depend on")]
    fn verify<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        request: &'a Request,
        flow: &'a mut Flow<Settings>,
        session: &'a Session,
        identity: &'a Identity,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Verdict<SettingsStep>, Problem>>;
}

/// Receiving browsers that were sent elsewhere, to `/self-service/methods/{method}/callback`.
pub trait CallbackMethod: Send + Sync {
    /// Goes on where the browser left. `provider` is the last segment of the path, if there is one.
    ///
    /// # Errors
    /// Whatever cannot be said on a form.
    fn callback<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        request: &'a Request,
        provider: Option<&'a str>,
    ) -> BoxFuture<'a, Result<AnyAnswer, SubmitError>>;
}

/// Adding a credential to an account once its owner has signed in another way.
pub trait LinkingMethod: Send + Sync {
    /// Adds what a sign-up would have made, in the form of [`crate::PendingLink::config`]. Says what was proved by it.
    ///
    /// # Errors
    /// When it cannot be read.
    fn link(&self, cx: &Cx, identity: &mut Identity, config: &Value) -> Result<AuthenticationMethod, Problem>;
}
