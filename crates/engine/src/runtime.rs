//! What the engine runs flows with.

use std::ops::Deref;

use config::AddressProof;
use flow::{Context, Hooks, InputClaims, Method, RecoveryMethod, Request, Services, VerificationMethod};
use model::{Cx, FlowName, IdentityId, Problem, SessionId};
use session::Found;

use crate::question::Reply;

/// What `active` says of a flow after a submission that no method was responsible for. Codes, and in verification links
/// too, take no part in such a flow any more, as in Kratos: a page has to open a new one.
pub(crate) const NO_METHOD: &str = "default";

/// Everything that requests are answered with under one configuration. A reload builds a whole new one and swaps it in.
pub struct Runtime {
    /// The services that methods and hooks work with.
    pub services: Services,
    /// The methods that are switched on, in the order in which they fill in forms.
    pub methods: Vec<Box<dyn Method>>,
    /// What the methods claim that are switched off.
    pub switched_off: Vec<&'static InputClaims>,
    /// The hooks of all flows.
    pub hooks: Hooks,
}

impl Runtime {
    /// The method by which people verify addresses, and its name.
    ///
    /// # Errors
    /// 400 when the configured one is switched off.
    pub(crate) fn verification_method(&self) -> Result<(&'static str, &dyn VerificationMethod), Problem> {
        let configured = self.config.selfservice.verification_use;
        let found = self.find(configured.as_str(), |method| Some((method.name(), method.verification()?)));
        found.ok_or_else(|| proof_is_switched_off(FlowName::Verification, configured))
    }

    /// The method by which people win back access, and its name.
    ///
    /// # Errors
    /// 400 when the configured one is switched off.
    pub(crate) fn recovery_method(&self) -> Result<(&'static str, &dyn RecoveryMethod), Problem> {
        let configured = self.config.selfservice.recovery_use;
        let found = self.find(configured.as_str(), |method| Some((method.name(), method.recovery()?)));
        found.ok_or_else(|| proof_is_switched_off(FlowName::Recovery, configured))
    }

    /// What the method of this name can do, if it is switched on and can do it.
    pub(crate) fn find<'a, T>(&'a self, name: &str, can: impl FnMut(&'a dyn Method) -> Option<T>) -> Option<T> {
        self.methods.iter().map(|method| &**method).filter(|method| method.name() == name).find_map(can)
    }
}

impl Deref for Runtime {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

fn proof_is_switched_off(flow: FlowName, proof: AddressProof) -> Problem {
    let (flow, method) = (flow.as_str(), proof.as_str());
    Problem::bad_request(format!("The {flow} flow is set to the method {method}, which is switched off."))
}

/// The engine at work on one request: the [`Context`] that methods and hooks are given, and they themselves.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    context: Context<'a>,
    pub(crate) runtime: &'a Runtime,
    /// The method that a submission means, once that is known.
    method: Option<&'static str>,
    /// Who sent the submission, if they are signed in, and that was asked.
    pub(crate) sender: Option<SignedIn>,
    /// What somebody has answered who was asked about this request.
    pub(crate) reply: Option<&'a Reply>,
}

/// Who is signed in, by what the log calls them.
#[derive(Clone, Copy)]
pub(crate) struct SignedIn {
    pub session: SessionId,
    pub identity: IdentityId,
}

impl<'a> Engine<'a> {
    /// The engine for a request, which is answered under one configuration from beginning to end.
    pub fn new(cx: &'a Cx, runtime: &'a Runtime, request: &'a Request) -> Self {
        Self { context: Context::new(cx, &runtime.services, request), runtime, method: None, sender: None, reply: None }
    }

    /// The same for the submission of somebody who is signed in already, if anybody is.
    pub(crate) fn sent_by(self, found: Option<&Found>) -> Self {
        let sender = found.map(|Found { session, .. }| SignedIn { session: session.id, identity: session.identity_id });
        Self { sender, ..self }
    }

    /// The same for a submission that means this method.
    pub(crate) fn meaning(self, method: &'static str) -> Self {
        Self { method: Some(method), ..self }
    }

    /// What the log calls the method that the submission means.
    pub(crate) fn method_name(&self) -> &'static str {
        self.method.unwrap_or(NO_METHOD)
    }

    /// The same for another request, that stands for the one that came.
    pub(crate) fn with_request(self, request: &'a Request) -> Self {
        Self { context: self.context.with_request(request), ..self }
    }

    /// The same for a request that somebody was asked about.
    pub(crate) fn with_reply(self, reply: &'a Reply) -> Self {
        Self { reply: Some(reply), ..self }
    }
}

impl<'a> Deref for Engine<'a> {
    type Target = Context<'a>;

    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}
