//! Submitted forms, as methods are given them.

use model::flow::{Login, Recovery, Registration, Settings, Verification};
use model::{Flow, Identity, Problem, Session};

use crate::BoxFuture;
use crate::input::Input;

/// The checking of a submission: it may be slow, and no transaction is open.
pub type Verifying<'a, T, E = Problem> = BoxFuture<'a, Result<T, E>>;

/// A submitted sign-in form, and the session of whoever sent it.
pub struct LoginForm<'a> {
    /// The flow, which the method may change to its next step.
    pub flow: &'a mut Flow<Login>,
    /// The session of whoever sent it; `None` if nobody is signed in.
    pub session: Option<&'a Session>,
    /// What was sent.
    pub input: &'a Input,
}

/// A submitted sign-up form.
pub struct RegistrationForm<'a> {
    /// The flow, which the method may change to its next step.
    pub flow: &'a mut Flow<Registration>,
    /// What was sent.
    pub input: &'a Input,
}

/// A submitted settings form, and whose account it changes, under which session.
pub struct SettingsForm<'a> {
    /// The flow, which the method may change to its next step.
    pub flow: &'a mut Flow<Settings>,
    /// The session under which the change is made.
    pub session: &'a Session,
    /// The account as it is, with its credentials.
    pub identity: &'a Identity,
    /// What was sent.
    pub input: &'a Input,
}

/// A submitted recovery form, or a link from a mail.
pub struct RecoveryForm<'a> {
    /// The flow, which the method may change to its next step.
    pub flow: &'a mut Flow<Recovery>,
    /// What was sent.
    pub input: &'a Input,
}

/// A submitted verification form, or a link from a mail.
pub struct VerificationForm<'a> {
    /// The flow, which the method may change to its next step.
    pub flow: &'a mut Flow<Verification>,
    /// What was sent.
    pub input: &'a Input,
}
