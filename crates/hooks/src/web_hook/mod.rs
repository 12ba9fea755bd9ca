//! `web_hook`: tells another service of a flow, and may let it have a say.
//!
//! What the service is sent is made by a Jsonnet snippet from a context: the flow, the request, the identity and the
//! session. A hook that ignores its answer is sent in the background once everything is written. All others are waited
//! for, with no transaction open.

mod answer;
mod call;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use flow::{BoxFuture, Hook, Scene, Stop};
use model::{FlowClient, FlowName, Identity, Problem};
use serde_json::Value;

use call::{Call, Fault};
use settings::Settings;

/// How many calls whose answers are ignored may be under way. What comes on top is dropped, and said in the log.
const MAX_IN_BACKGROUND: usize = 1024;

/// One configured web hook.
pub struct WebHook(Arc<Settings>);

impl WebHook {
    /// Reads the `config` of a hook.
    ///
    /// # Errors
    /// Says what cannot be used.
    pub fn new(config: &Value) -> Result<Self, String> {
        Settings::read(config).map(Arc::new).map(Self)
    }

    /// Whether the service has a say in what is written.
    fn has_a_say(&self) -> bool {
        self.0.parse || self.0.can_interrupt
    }

    /// Calls the service and waits for its answer. `candidate` is what its answer may change.
    async fn consult(
        &self,
        scene: &Scene<'_>,
        identity: Option<&Identity>,
        candidate: Option<&mut Identity>,
    ) -> Result<(), Stop> {
        let call = self.call(scene, identity);
        let fault = |fault: Fault| Stop::Problem(problem(fault, scene));
        let Some(response) = call.send().await.map_err(fault)? else { return Ok(()) };
        if response.status >= 400 {
            if !self.has_a_say() {
                return Err(fault(Fault::Refused(response.status)));
            }
            return Err(Stop::Rejected(answer::rejections(&response.body).map_err(fault)?));
        }
        if self.0.parse && response.status == 200 {
            let changes = answer::changes(&response.body).map_err(fault)?;
            if let (Some(changes), Some(candidate)) = (changes, candidate) {
                changes.apply(&scene.cx, candidate).map_err(|why| fault(Fault::Failed(why)))?;
            }
        }
        Ok(())
    }

    /// Calls the service, and waits for nothing.
    fn notify(&self, scene: &Scene<'_>, identity: Option<&Identity>) {
        let call = self.call(scene, identity);
        let task = async move {
            // What went wrong is in the log.
            let _ = call.send().await;
        };
        if !scene.cx.services.background.start_within(MAX_IN_BACKGROUND, task) {
            tracing::error!(hook.id = self.0.id, "Too many web hooks are under way; this one was not sent.");
        }
    }

    /// Calls the service in the way that is configured, at a moment when it can change nothing any more.
    async fn tell(&self, scene: &Scene<'_>, identity: Option<&Identity>) -> Result<(), Stop> {
        if self.0.ignore {
            self.notify(scene, identity);
            return Ok(());
        }
        self.consult(scene, identity, None).await
    }

    fn call(&self, scene: &Scene<'_>, identity: Option<&Identity>) -> Call {
        Call {
            settings: self.0.clone(),
            outbound: scene.cx.services.outbound.clone(),
            mapper: scene.cx.services.mapper.clone(),
            clock: scene.cx.clock.clone(),
            trigger: scene.cx.entropy.uuid(),
            context: scene.context(identity),
        }
    }
}

impl Hook for WebHook {
    fn is_remote(&self) -> bool {
        true
    }

    fn before_opening<'a>(&'a self, scene: &'a Scene<'a>) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(self.tell(scene, None))
    }

    fn before_persisting<'a>(
        &'a self,
        scene: &'a Scene<'a>,
        candidate: &'a mut Identity,
    ) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async move {
            match self.has_a_say() {
                true => self.consult(scene, Some(&candidate.clone()), Some(candidate)).await,
                false => Ok(()),
            }
        })
    }

    fn before_signing_in<'a>(
        &'a self,
        scene: &'a Scene<'a>,
        identity: &'a Identity,
    ) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async move {
            match self.0.ignore {
                true => Ok(()),
                false => self.consult(scene, Some(identity), None).await,
            }
        })
    }

    fn after<'a>(&'a self, scene: &'a Scene<'a>, identity: &'a Identity) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async move {
            let was_consulted = match scene.flow.name() {
                FlowName::Registration | FlowName::Settings => self.has_a_say(),
                FlowName::Login | FlowName::Recovery => !self.0.ignore,
                FlowName::Verification => false,
            };
            match was_consulted {
                true => Ok(()),
                false => self.tell(scene, Some(identity)).await,
            }
        })
    }
}

/// What the person is told of a call that failed. As in Kratos, native apps get a plain failure by status 400.
fn problem(fault: Fault, scene: &Scene<'_>) -> Problem {
    let log = format!("A web hook failed: {fault}.");
    let is_submitted = scene.flow.name() != FlowName::Verification && !scene.cx.request.is_get;
    match fault {
        Fault::Refused(_) => Problem::new(502)
            .reason("A service that is asked here did not answer as it should. Please try again later."),
        Fault::TimedOut => {
            Problem::new(504).reason("A service that is asked here is out of reach. Please try again later.")
        }
        Fault::Failed(_) if is_submitted && scene.flow.client() == FlowClient::Api => Problem::new(500).over_http(400),
        Fault::Failed(_) => Problem::new(500),
    }
    .log(log)
}
