//! What happens around a flow besides the flow itself.

use model::flow::{Login, Recovery, Registration, Settings};
use model::wire::{ContinueWith, ContinueWithFlow};
use model::{Cx, Flow, Identity, Problem, Session};
use store::Tx;
use url::Url;

use crate::BoxFuture;
use crate::answer::Effects;
use crate::form::Rejection;
use crate::request::Request;
use crate::runtime::Runtime;

/// Why a hook ends a flow early.
pub enum Stop {
    /// Said on the form.
    Rejected(Vec<Rejection>),
    /// An error of its own. What the hook wrote is dropped.
    Problem(Problem),
    /// An error of its own, with the hook's writes kept: a mail was sent that says what to do.
    KeepWrites(Problem),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// A registration whose identity is accepted and about to be written.
pub struct RegistrationInProgress<'a> {
    pub request: &'a Request,
    pub flow: &'a mut Flow<Registration>,
    pub identity: &'a mut Identity,
    pub session: &'a mut Session,
    /// Whether the session is handed to the caller.
    pub signs_in: bool,
    pub continue_with: Vec<ContinueWith>,
    /// The verification flow that was opened for the new account.
    pub verification: Option<ContinueWithFlow>,
    pub return_to: Url,
    /// Overrides `return_to` for browsers.
    pub redirect_to: Option<String>,
    pub effects: Effects,
}

/// A sign-in that is accepted and about to be written.
pub struct LoginInProgress<'a> {
    pub request: &'a Request,
    pub flow: &'a mut Flow<Login>,
    pub identity: &'a Identity,
    pub session: &'a mut Session,
    pub continue_with: Vec<ContinueWith>,
    pub redirect_to: Option<String>,
    pub effects: Effects,
}

/// A recovery that is accepted and about to be written.
pub struct RecoveryInProgress<'a> {
    pub request: &'a Request,
    pub flow: &'a Flow<Recovery>,
    pub identity: &'a Identity,
    pub session: &'a Session,
}

/// A change of settings that is accepted and about to be written.
pub struct SettingsInProgress<'a> {
    pub request: &'a Request,
    pub flow: &'a mut Flow<Settings>,
    pub identity: &'a mut Identity,
    pub session: &'a Session,
    pub continue_with: Vec<ContinueWith>,
    /// The verification flow that was opened for a changed address.
    pub verification: Option<ContinueWithFlow>,
    pub effects: Effects,
}

/// Something that is done around flows. Stages that a hook has nothing to do at keep their default.
pub trait Hook: Send + Sync {
    /// The name in configuration.
    fn name(&self) -> &'static str;

    /// Before a new identity is written; may change it or stop.
    fn before_registration<'a>(
        &'a self,
        _cx: &'a Cx,
        _runtime: &'a Runtime,
        _flow: &'a Flow<Registration>,
        _candidate: &'a mut Identity,
    ) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async { Ok(()) })
    }

    /// With the new identity: adds its own writes, and to the answer.
    ///
    /// # Errors
    /// Ends the flow; nothing is written.
    fn on_registration(&self, _: &Cx, _: &Runtime, _: &mut RegistrationInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        Ok(())
    }

    /// With the sign-in: adds its own writes, and to the answer.
    ///
    /// # Errors
    /// Ends the flow; nothing is written.
    fn on_login(&self, _: &Cx, _: &Runtime, _: &mut LoginInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        Ok(())
    }

    /// With the session of somebody who has won back access: adds its own writes.
    ///
    /// # Errors
    /// Ends the flow; nothing is written.
    fn on_recovery(&self, _: &Cx, _: &Runtime, _: &RecoveryInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        Ok(())
    }

    /// With the changed identity: adds its own writes, and to the answer.
    ///
    /// # Errors
    /// Ends the flow; nothing is written.
    fn on_settings(&self, _: &Cx, _: &Runtime, _: &mut SettingsInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
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
}

/// Hooks of each method, and those of methods without any.
#[derive(Default)]
pub struct HookTable {
    pub by_method: Vec<(String, Vec<Box<dyn Hook>>)>,
    pub otherwise: Vec<Box<dyn Hook>>,
}

impl HookTable {
    /// The hooks that run after `method`.
    pub fn of(&self, method: &str) -> &[Box<dyn Hook>] {
        let own = self.by_method.iter().find(|(name, _)| name == method);
        own.map_or(&self.otherwise, |(_, hooks)| hooks)
    }
}
