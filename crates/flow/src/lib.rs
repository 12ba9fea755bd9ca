//! The vocabulary of self-service flows: what methods and hooks are given, and what they give back.
//!
//! A method says what a submission proves ([`MethodOutcome`]), a hook what has to happen around a flow ([`Hook`]). Neither
//! answers a request: the engine asks them, decides, and commits what they want written. What has to be written before
//! anything is decided (a try at a code, a callback that is used up) they commit themselves. Nothing here knows the
//! engine, a method or a hook.

mod callback;
mod context;
pub mod continuity;
mod csrf;
mod effects;
mod expiry;
mod form;
mod guarded;
mod hook;
mod input;
pub mod login;
mod method;
mod proof;
mod provider;
pub mod registration;
mod request;
mod return_to;
mod scene;
mod services;
mod step;
mod submitted;

pub use callback::{Bound, CallbackMethod, CallbackOutcome, LeftFlow, ResumedFlow, ResumedSettings, keep_typed};
pub use context::Context;
pub use continuity::ContinuityCookie;
pub use csrf::{
    CsrfClues, Refused, clues as csrf_clues, ensure as ensure_same_sender, ensure_no_page, ensure_own_form,
    ensure_same_browser,
};
pub use effects::Effects;
pub use expiry::too_old;
pub use form::{Rejection, malformed_payload, say};
pub use guarded::Tried;
pub use hook::{
    Hook, HookTable, Hooks, LoginInProgress, RecoveryInProgress, RegistrationInProgress, SettingsInProgress, Stop,
};
pub use input::{Input, InputError, Submission};
pub use method::{
    Account, FoundAccount, Identified, InputClaims, Linking, LoginMethod, LoginOutcome, LoginScene, Method,
    MethodOutcome, RegistrationMethod, RegistrationOutcome, RegistrationScreen, SettingsError, SettingsMethod,
    SettingsOutcome, Visitor,
};
pub use proof::{
    IssuedProof, ProofOutcome, RecoveryMethod, RecoveryStep, StartAnew, VerificationMethod, VerificationStep,
};
pub use provider::{Newcomer, ProviderMethod, Recognised, Unrecognised};
pub use request::{Binding, Request, RequestFacts};
pub use return_to::{BadReturnTo, with_code};
pub use scene::{AnyFlow, Scene};
pub use services::{Resources, Services};
pub use step::{LoginStep, RegistrationStep, SettingsStep};
pub use submitted::{LoginForm, RecoveryForm, RegistrationForm, SettingsForm, VerificationForm, Verifying};

use std::pin::Pin;

/// A future that a trait object returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
