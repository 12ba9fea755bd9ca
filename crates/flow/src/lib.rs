//! The flow engine: opening, fetching and submitting self-service flows, the same way for every method.
//!
//! A submission passes named stages: (1) decode, CSRF, flow and expiry checks; (2) the method's `verify`, with no
//! transaction open; (3) the candidate identity and its before-persist hooks; (4) validation of what they left;
//! (5) `apply`, writes only; (6) after-persist hooks; (7) the answer. Outcomes are data ([`Answer`]); the web crates
//! encode them for browsers, single-page apps and native apps.

mod answer;
pub mod continuity;
mod csrf;
mod expiry;
mod form;
mod hook;
mod input;
mod lifecycle;
mod linking;
pub mod login;
mod method;
mod oauth2;
mod proof;
pub mod recovery;
pub mod registration;
mod request;
mod return_to;
mod runtime;
mod scene;
pub mod settings;
pub mod verification;

pub use answer::{Answer, AnyAnswer, Done, Effects, Opened, Shown, SubmitError};
pub use continuity::ContinuityCookie;
pub use csrf::{CsrfClues, Refused, csrf_violation, ensure as ensure_same_sender};
pub use expiry::{expired_on_submit, too_old};
pub use form::Rejection;
pub use hook::{
    Hook, HookTable, Hooks, Instead, LoginInProgress, RecoveryInProgress, RegistrationInProgress, SettingsInProgress,
    Stop,
};
pub use input::{Input, InputError};
pub use linking::PendingLink;
pub use method::{
    Account, CallbackMethod, LinkingMethod, LoginMethod, LoginScene, LoginStep, Method, RegistrationMethod,
    RegistrationStep, SettingsMethod, SettingsStep, Verdict, Visitor,
};
pub use proof::{
    IssuedProof, ProofVerdict, RecoveryMethod, RecoveryStep, StartAnew, VerificationMethod, VerificationStep,
};
pub use request::Request;
pub use return_to::with_code;
pub use runtime::{Parts, Runtime};
pub use scene::{AnyFlow, RequestFacts, Scene};
pub use tasks::Tasks;

use std::pin::Pin;

/// A future that a trait object returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
