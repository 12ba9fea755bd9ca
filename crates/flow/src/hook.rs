//! What happens around a flow besides the flow itself.

use model::flow::{Login, Registration, Settings};
use model::wire::{ContinueWith, ContinueWithFlow};
use model::{Flow, Identity, Problem, Session};
use store::Tx;

use crate::BoxFuture;
use crate::context::Context;
use crate::form::Rejection;
use crate::scene::{AnyFlow, Scene};
use crate::services::Services;

/// Why a hook ends a flow early.
pub enum Stop {
    /// Said on the form.
    Rejected(Vec<Rejection>),
    /// An error of its own. What the hook wrote is dropped.
    Problem(Problem),
    /// The person has to verify an address first: the one at this place among those of the identity. Nothing of the flow
    /// is written but what that takes.
    VerifyFirst(usize),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// A registration whose identity is accepted and about to be written.
pub struct RegistrationInProgress<'a> {
    /// The flow, which is stored as hooks leave it.
    pub flow: &'a mut Flow<Registration>,
    /// The identity that is to be written.
    pub identity: &'a mut Identity,
    /// The session that is to be written.
    pub session: &'a mut Session,
    /// What an app does next, in this order.
    pub continue_with: Vec<ContinueWith>,
    /// The verification flow that was opened for the new account.
    pub verification: Option<ContinueWithFlow>,
    /// Where a browser goes instead of where the flow was to lead.
    pub redirect_to: Option<String>,
}

/// A sign-in that is accepted and about to be written.
pub struct LoginInProgress<'a> {
    /// The flow, which is stored as hooks leave it.
    pub flow: &'a mut Flow<Login>,
    /// The identity of whoever signs in.
    pub identity: &'a Identity,
    /// The session that is to be written.
    pub session: &'a mut Session,
    /// What an app does next, in this order.
    pub continue_with: Vec<ContinueWith>,
    /// The verification flow that was opened for an address of theirs.
    pub verification: Option<ContinueWithFlow>,
    /// Where a browser goes instead of where the flow was to lead.
    pub redirect_to: Option<String>,
}

/// A recovery that is accepted and about to be written.
pub struct RecoveryInProgress<'a> {
    /// The identity of whoever wins back access.
    pub identity: &'a Identity,
    /// The session that is to be written.
    pub session: &'a Session,
}

/// A change of settings that is accepted and about to be written.
pub struct SettingsInProgress<'a> {
    /// The flow, which is stored as hooks leave it.
    pub flow: &'a mut Flow<Settings>,
    /// The identity as it is to be written.
    pub identity: &'a mut Identity,
    /// The session under which it is changed.
    pub session: &'a Session,
    /// What an app does next, in this order.
    pub continue_with: Vec<ContinueWith>,
    /// The verification flow that was opened for a changed address.
    pub verification: Option<ContinueWithFlow>,
}

/// Something that is done around flows. Stages that a hook has nothing to do at keep their default.
pub trait Hook: Send + Sync {
    /// Whether whoever signs up is signed in by this hook.
    fn signs_in(&self) -> bool {
        false
    }

    /// Whether the hook tells another service of the request.
    fn is_remote(&self) -> bool {
        false
    }

    /// Before a flow is opened; may keep it from being so.
    fn before_opening<'a>(&'a self, _: &'a Scene<'a>) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async { Ok(()) })
    }

    /// Stage 3 of registration and settings: before the identity is validated and written; may change it or stop.
    fn before_persisting<'a>(
        &'a self,
        _: &'a Scene<'a>,
        _candidate: &'a mut Identity,
    ) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async { Ok(()) })
    }

    /// Before a sign-in or a recovery is written; may stop it. Runs just ahead of the same hook's `on_login` or
    /// `on_recovery`, with no transaction open.
    fn before_signing_in<'a>(&'a self, _: &'a Scene<'a>, _: &'a Identity) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async { Ok(()) })
    }

    /// Stage 6 of every flow: what was written stays. May still replace the answer by an error.
    fn after<'a>(&'a self, _: &'a Scene<'a>, _: &'a Identity) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async { Ok(()) })
    }

    /// The addresses that are to be verified after a sign-up, a sign-in or a change of settings, by their places among
    /// those of the identity. Asked right after the same hook's part in that flow; the engine opens a verification flow
    /// for each, and sends what proves it.
    fn to_verify(&self, _: &Services, _: AnyFlow<'_>, _: &Identity) -> Vec<usize> {
        Vec::new()
    }

    /// With the new identity: adds its own writes, and to the answer.
    ///
    /// # Errors
    /// Ends the flow; nothing is written.
    fn on_registration(&self, _: Context<'_>, _: &mut RegistrationInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        Ok(())
    }

    /// With the sign-in: adds its own writes, and to the answer.
    ///
    /// # Errors
    /// Ends the flow; nothing is written.
    fn on_login(&self, _: Context<'_>, _: &mut LoginInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        Ok(())
    }

    /// With the session of somebody who has won back access: adds its own writes.
    ///
    /// # Errors
    /// Ends the flow; nothing is written.
    fn on_recovery(&self, _: Context<'_>, _: &RecoveryInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        Ok(())
    }

    /// With the changed identity: adds its own writes, and to the answer.
    ///
    /// # Errors
    /// Ends the flow; nothing is written.
    fn on_settings(&self, _: Context<'_>, _: &mut SettingsInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        Ok(())
    }
}

/// All hooks, by flow and method, in the order in which they run.
#[derive(Default)]
pub struct Hooks {
    /// After `registration.after.<method>`, or `registration.after` where the method has none.
    pub after_registration: HookTable,
    /// After `login.after.<method>`, or `login.after` where the method has none.
    pub after_login: HookTable,
    /// After `settings.after.<method>`, or `settings.after` where the method has none.
    pub after_settings: HookTable,
    /// After `recovery.after`.
    pub after_recovery: HookTable,
    /// After `verification.after`.
    pub after_verification: HookTable,
    /// `before.hooks` of each flow, which run when it is opened.
    pub before: HookTable,
    /// Whether any hook looks at what the request was.
    pub tell_of_requests: bool,
}

impl Hooks {
    /// Every hook of every flow.
    pub fn all(&self) -> impl Iterator<Item = &dyn Hook> {
        let tables = [
            &self.before,
            &self.after_registration,
            &self.after_login,
            &self.after_settings,
            &self.after_recovery,
            &self.after_verification,
        ];
        tables.into_iter().flat_map(HookTable::all)
    }
}

/// Hooks of each method, and those of methods without any.
#[derive(Default)]
pub struct HookTable {
    /// The names of methods, each with its hooks in the order in which they run.
    pub by_method: Vec<(String, Vec<Box<dyn Hook>>)>,
    /// The hooks of all other methods.
    pub otherwise: Vec<Box<dyn Hook>>,
}

impl HookTable {
    fn all(&self) -> impl Iterator<Item = &dyn Hook> {
        let lists = self.by_method.iter().map(|(_, hooks)| hooks).chain([&self.otherwise]);
        lists.flatten().map(|hook| &**hook)
    }

    /// The hooks that run after `method`.
    pub fn of(&self, method: &str) -> &[Box<dyn Hook>] {
        let own = self.by_method.iter().find(|(name, _)| name == method);
        own.map_or(&self.otherwise, |(_, hooks)| hooks)
    }
}
