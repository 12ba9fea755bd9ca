//! What a sign-in method can do.

use std::convert::Infallible;

use guard::Attempt;
use identity::TraitError;
use model::flow::{Login, Registration, Settings};
use model::{AuthenticationMethod, Flow, Identity, Problem, Timestamp};
use session::RefreshRequired;
use store::{CommitError, Tx};

use crate::BoxFuture;
use crate::callback::CallbackMethod;
use crate::context::Context;
use crate::effects::Effects;
use crate::form::Rejection;
use crate::input::Input;
use crate::proof::{RecoveryMethod, VerificationMethod};
use crate::provider::{ProviderMethod, Recognised, Unrecognised};
use crate::services::Services;
use crate::step::{LoginStep, RegistrationStep, SettingsStep};
use crate::submitted::{LoginForm, RegistrationForm, SettingsForm, Verifying};

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

    /// Knowing people by their accounts elsewhere.
    fn provider(&self) -> Option<&dyn ProviderMethod> {
        None
    }
}

/// What a method claims of submissions, so that one is told (404) that is meant for a method which is switched off.
pub struct InputClaims {
    /// The method's name.
    pub name: &'static str,
    /// Whether a sign-in is meant for it.
    pub login: fn(&Flow<Login>, &Input) -> bool,
    /// Whether a sign-up is meant for it.
    pub registration: fn(&Input) -> bool,
    /// Whether a change of settings is meant for it.
    pub settings: fn(&Input) -> bool,
    /// Whether a recovery is meant for it.
    pub recovery: fn(&Input) -> bool,
    /// As [`RegistrationMethod::checks_traits`].
    pub checks_traits: fn(&Services) -> bool,
}

impl InputClaims {
    /// A method that claims nothing.
    pub const fn of(name: &'static str) -> Self {
        Self {
            name,
            login: |_, _| false,
            registration: |_| false,
            settings: |_| false,
            recovery: |_| false,
            checks_traits: |_| false,
        }
    }
}

/// What a method makes of a submission. Nothing is written yet. `S` is what it has accepted, `N` what it asks the engine to
/// show next.
pub enum MethodOutcome<S, N = Infallible> {
    /// Proved; go on with this.
    Accepted(S),
    /// Not proved.
    Rejected {
        /// What the form says.
        rejections: Vec<Rejection>,
        /// What is written all the same: a used attempt, say.
        writes: Tx,
    },
    /// The method has changed the form to its next step.
    NextStep {
        /// The HTTP status that JSON clients get.
        status: u16,
        /// Written together with the form.
        writes: Tx,
    },
    /// The form is to show the fields of other methods.
    Ask(N),
    /// What was sent to the person expired then, and the form with it: a new one takes its place.
    Expired(Timestamp),
    /// The browser goes elsewhere, and comes back to the method's [`CallbackMethod`].
    Elsewhere {
        /// Where it goes.
        to: String,
        /// The cookies that change with the answer.
        effects: Box<Effects>,
        /// Written before it goes.
        writes: Tx,
    },
    /// A provider has said who it is. The engine decides whether that is a sign-in or a sign-up.
    Recognised(Box<Recognised>),
    /// What a provider said is not accepted.
    Unrecognised(Unrecognised),
}

/// What a method makes of a submitted sign-in form.
pub type LoginOutcome = MethodOutcome<LoginStep, Identified>;
/// What a method makes of a submitted sign-up form.
pub type RegistrationOutcome = MethodOutcome<RegistrationStep, RegistrationScreen>;
/// What a method makes of a submitted settings form.
pub type SettingsOutcome = MethodOutcome<SettingsStep>;

impl<S, N> MethodOutcome<S, N> {
    /// One thing is wrong: at a field, or (a mere message) with the form as a whole.
    pub fn rejected(rejection: impl Into<Rejection>) -> Self {
        Self::Rejected { rejections: vec![rejection.into()], writes: Tx::new() }
    }

    /// A try was wrong, and the form says this.
    pub fn failed(cx: Context<'_>, attempt: &Attempt, rejection: impl Into<Rejection>) -> Self {
        let mut writes = Tx::new();
        attempt.failed(&cx, &mut writes);
        Self::Rejected { rejections: vec![rejection.into()], writes }
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
    /// A first factor of the owner of an account to which something is to be linked.
    Linking(&'a Linking<'a>),
    /// The first of two screens (`selfservice.flows.login.style: identifier_first`): who is it? Methods that need no
    /// identifier to sign in show their fields here already.
    Identification,
    /// The second of two screens: a first factor of whoever has typed an identifier.
    Identified(Visitor<'a>),
    /// The first factor again, of the person who is signed in.
    Refresh {
        /// The identity of that person.
        identity: &'a Identity,
    },
    /// A second factor of the person who is signed in; again, if this is a refresh.
    SecondFactor {
        /// The identity of that person.
        identity: &'a Identity,
        /// What they have proved so far.
        proved: &'a [AuthenticationMethod],
    },
}

/// What a form says that asks for a sign-in, so that an account at a provider can be linked.
pub struct Linking<'a> {
    /// The provider at which the account is. It is of no use on the form.
    pub provider: &'a str,
    /// The providers that the owner of the account here is known by, where that may be told (`login_hints`).
    pub known_by: Option<&'a [String]>,
}

/// An identifier that was typed on the first of two sign-in screens, and whose it is.
pub struct Identified {
    /// As it was typed.
    pub identifier: String,
    /// What is known of whose it is.
    pub account: FoundAccount,
    /// What is wrong with the identifier, said beside the fields of the second screen.
    pub rejection: Option<Rejection>,
}

/// What is known, and may be shown, about the account that an identifier names; see [`Account`].
pub enum FoundAccount {
    /// This one, with its credentials.
    Known(Box<Identity>),
    /// There is none.
    Unknown,
    /// Nobody is to be told.
    Secret,
}

impl Identified {
    /// The person as methods are asked about them.
    pub fn visitor(&self) -> Visitor<'_> {
        let account = match &self.account {
            FoundAccount::Known(identity) => Account::Known(identity),
            FoundAccount::Unknown => Account::Unknown,
            FoundAccount::Secret => Account::Secret,
        };
        Visitor { identifier: &self.identifier, account }
    }
}

/// Somebody who has typed an identifier on the first of two sign-in screens.
#[derive(Clone, Copy)]
pub struct Visitor<'a> {
    /// As it was typed.
    pub identifier: &'a str,
    /// What is known of whose it is.
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

/// Signing in with a method.
pub trait LoginMethod: Send + Sync {
    /// Adds the method's fields to a form, if it is of use in this scene; says whether it is.
    ///
    /// # Errors
    /// When they cannot be made.
    fn add_fields(&self, cx: Context<'_>, scene: &LoginScene<'_>, flow: &mut Flow<Login>) -> Result<bool, Problem>;

    /// Does at once what the person would have to ask for next, such as sending a code, and turns the form into its next
    /// step. The engine calls this where the method is the only one of use to somebody whose account is known, so that
    /// there is nothing to choose. `None` where the person has to do something first.
    fn begin<'a>(
        &'a self,
        _cx: Context<'a>,
        _scene: &'a LoginScene<'a>,
        _flow: &'a mut Flow<Login>,
    ) -> BoxFuture<'a, Result<Option<Tx>, Problem>> {
        Box::pin(async { Ok(None) })
    }

    /// Turns a form that asks for an identifier into one that asks for whatever the account is signed in to with. Only the
    /// method that asks for identifiers has something to do here.
    fn leave_identification(&self, _: &mut Flow<Login>) {}

    /// Whether a submission is meant for this method.
    fn is_meant(&self, services: &Services, flow: &Flow<Login>, input: &Input) -> bool;

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
    fn verify<'a>(&'a self, cx: Context<'a>, form: LoginForm<'a>) -> Verifying<'a, LoginOutcome>;
}

/// The screens of a sign-up that has two.
pub enum RegistrationScreen {
    /// The first, which asks for the traits.
    Profile,
    /// The second, which asks for a credential.
    Credential,
}

/// Signing up with a method.
pub trait RegistrationMethod: Send + Sync {
    /// Adds the method's fields to a form that shows everything at once (`unified`).
    ///
    /// # Errors
    /// When the fields cannot be made: the schema is missing, say.
    fn add_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem>;

    /// Adds the method's fields to the first of two screens, which asks for the traits.
    ///
    /// # Errors
    /// As [`Self::add_fields`].
    fn add_profile_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem>;

    /// Adds the method's fields to the second of two screens, which asks for a credential.
    ///
    /// # Errors
    /// As [`Self::add_fields`].
    fn add_credential_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem>;

    /// Whether a submission is meant for this method.
    fn is_meant(&self, services: &Services, flow: &Flow<Registration>, input: &Input) -> bool;

    /// What is wrong with the fields themselves, whoever sent them. As in Kratos it is said even before the anti-CSRF
    /// check: it tells nothing about anybody.
    fn malformed(&self, _services: &Services, _flow: &Flow<Registration>, _input: &Input) -> Vec<Rejection> {
        Vec::new()
    }

    /// Whether the method says what is wrong with the traits by itself: the engine says it for all others, ahead of
    /// everything else.
    fn checks_traits(&self, _: &Services) -> bool {
        false
    }

    /// Whether a submission has to pass the anti-CSRF check. All but going back do.
    fn needs_csrf(&self, _input: &Input) -> bool {
        true
    }

    /// Checks a submission. May be slow; no transaction is open.
    fn verify<'a>(&'a self, cx: Context<'a>, form: RegistrationForm<'a>) -> Verifying<'a, RegistrationOutcome>;
}

/// Why a change is not made.
#[derive(Debug)]
pub enum SettingsError {
    /// It needs a fresh sign-in.
    Refresh(RefreshRequired),
    /// An error of its own.
    Problem(Problem),
}

impl From<RefreshRequired> for SettingsError {
    fn from(refresh: RefreshRequired) -> Self {
        Self::Refresh(refresh)
    }
}

impl From<Problem> for SettingsError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<CommitError> for SettingsError {
    fn from(error: CommitError) -> Self {
        Self::Problem(error.into())
    }
}

/// Changing one's own account with a method.
pub trait SettingsMethod: Send + Sync {
    /// Adds the method's fields to a form.
    ///
    /// # Errors
    /// When they cannot be made.
    fn add_fields(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Settings>) -> Result<(), Problem>;

    /// Whether a submission is meant for this method.
    fn is_meant(&self, flow: &Flow<Settings>, input: &Input) -> bool;

    /// What is wrong with the fields themselves, whoever sent them. As in Kratos it is said even before the anti-CSRF
    /// check: it tells nothing about anybody.
    fn malformed(&self, _services: &Services, _identity: &Identity, _input: &Input) -> Vec<Rejection> {
        Vec::new()
    }

    /// Whether a submission has to pass the anti-CSRF check. The flow's identifier is known to its owner alone.
    fn needs_csrf(&self) -> bool {
        true
    }

    /// Prepares a form that is shown again: puts back what was typed, but for secrets, and drops what was said before.
    /// Most methods ask for secrets alone.
    fn keep_input(&self, _services: &Services, _identity: &Identity, flow: &mut Flow<Settings>, _input: &Input) {
        flow.ui.clear_messages();
    }

    /// Checks a submission. May be slow; no transaction is open.
    fn verify<'a>(&'a self, cx: Context<'a>, form: SettingsForm<'a>) -> Verifying<'a, SettingsOutcome, SettingsError>;
}
