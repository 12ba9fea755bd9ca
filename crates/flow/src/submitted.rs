//! Submitted forms, as methods are given them.

use model::flow::{Login, Recovery, Registration, Settings, Verification};
use model::{Flow, Identity, Problem, Session};

use crate::BoxFuture;
use crate::input::Input;

/// The checking of a submission: it may be slow, and no transaction is open.
pub type Verifying<'a, T, E = Problem> = BoxFuture<'a, Result<T, E>>;

/// A submitted sign-in form, and the session of whoever sent it.
pub struct LoginForm<'a> {
    pub flow: &'a mut Flow<Login>,
    pub session: Option<&'a Session>,
    pub input: &'a Input,
}

/// A submitted sign-up form.
pub struct RegistrationForm<'a> {
    pub flow: &'a mut Flow<Registration>,
    pub input: &'a Input,
}

/// A submitted settings form, and whose account it changes, under which session.
pub struct SettingsForm<'a> {
    pub flow: &'a mut Flow<Settings>,
    pub session: &'a Session,
    pub identity: &'a Identity,
    pub input: &'a Input,
}

/// A submitted recovery form, or a link from a mail.
pub struct RecoveryForm<'a> {
    pub flow: &'a mut Flow<Recovery>,
    pub input: &'a Input,
}

/// A submitted verification form, or a link from a mail.
pub struct VerificationForm<'a> {
    pub flow: &'a mut Flow<Verification>,
    pub input: &'a Input,
}
