//! The configuration and everything derived from it.

use std::sync::Arc;

use config::{AddressProof, Config};
use courier::{Courier, Templates};
use crypto::{ContinuityCodec, HashingPool, KeyRing};
use identity::{Identities, Schemas};
use mapper::Mapper;
use model::flow::Kind;
use model::{Clock, Entropy, Flow, FlowName, Problem};
use outbound::Outbound;
use session::{Sessions, Tokenizer};
use store::Store;
use url::Url;

use crate::hook::Hooks;
use crate::method::Method;
use crate::proof::{RecoveryMethod, VerificationMethod};
use tasks::Tasks;

/// What a request or a job works with from its beginning to its end. A reload builds a whole new one and swaps it in.
pub struct Runtime {
    pub config: Arc<Config>,
    pub store: Store,
    pub sessions: Sessions,
    /// Makes signed tokens of sessions.
    pub tokenizer: Tokenizer,
    pub identities: Identities,
    pub outbound: Outbound,
    /// Evaluates Jsonnet.
    pub mapper: Mapper,
    /// Composes messages, and delivers them.
    pub courier: Courier,
    /// The sign-in methods that are switched on, in the order in which they fill in forms.
    pub methods: Vec<Box<dyn Method>>,
    pub hooks: Hooks,
    /// What nobody waits for: web hooks whose answers are ignored.
    pub background: Tasks,
}

/// What a runtime is made of besides its configuration and what can be chosen there.
pub struct Parts {
    pub store: Store,
    pub schemas: Arc<Schemas>,
    pub hashing: HashingPool,
    pub outbound: Outbound,
    pub mapper: Mapper,
    pub templates: Templates,
    pub clock: Clock,
    pub entropy: Entropy,
}

impl Runtime {
    /// Puts a runtime together.
    pub fn new(config: Arc<Config>, parts: Parts, methods: Vec<Box<dyn Method>>, hooks: Hooks) -> Self {
        let Parts { store, schemas, hashing, outbound, mapper, templates, clock, entropy } = parts;
        let courier =
            Courier::new(config.clone(), store.clone(), outbound.clone(), mapper.clone(), templates, clock, entropy);
        Self {
            sessions: Sessions::new(store.clone(), &config),
            tokenizer: Tokenizer::new(config.clone(), outbound.clone(), mapper.clone()),
            identities: Identities::new(store.clone(), schemas, &config, hashing),
            courier,
            config,
            store,
            outbound,
            mapper,
            methods,
            hooks,
            background: Tasks::default(),
        }
    }

    /// Has work that nobody waits for done in `background`, which outlives this runtime.
    #[must_use]
    pub fn with_background(mut self, background: Tasks) -> Self {
        self.background = background;
        self
    }

    /// The external address of the public API, as configured.
    pub fn public_url(&self) -> &str {
        &self.config.serve.public.base_url.text
    }

    /// The address of a route of the public API. `path` begins with a slash.
    pub fn public_route(&self, path: &str) -> String {
        format!("{}{path}", self.public_url().trim_end_matches('/'))
    }

    /// Checks that the method of this name is switched on.
    ///
    /// # Errors
    /// 404 when it is not.
    pub(crate) fn ensure_switched_on(&self, method: &str) -> Result<(), Problem> {
        match self.config.selfservice.methods.enabled(method) {
            true => Ok(()),
            false => Err(Problem::not_found().reason("This method is switched off here.")),
        }
    }

    /// The page that shows a kind of flow: the configured one, or ours.
    pub fn ui_url(&self, name: FlowName) -> Url {
        let configured = self.config.selfservice.flow(name).ui_url.clone();
        configured.unwrap_or_else(|| self.built_in_page(name.as_str()))
    }

    /// The page that shows errors: the configured one, or ours.
    pub fn error_ui_url(&self) -> Url {
        self.config.selfservice.error_ui_url.clone().unwrap_or_else(|| self.built_in_page("error"))
    }

    /// The secrets under which codes and link tokens are kept: the first writes, all of them read.
    pub fn proof_keys(&self) -> KeyRing {
        KeyRing::new(self.config.secrets.cookie.clone()).expect("a configuration has a cookie secret")
    }

    /// What reads and writes the cookie that says what a browser has left unfinished.
    pub(crate) fn continuity_codec(&self) -> ContinuityCodec {
        ContinuityCodec::new(&self.proof_keys())
    }

    /// The method by which people verify addresses, and its name.
    ///
    /// # Errors
    /// 400 when the configured one is switched off.
    pub fn verification_method(&self) -> Result<(&'static str, &dyn VerificationMethod), Problem> {
        let configured = self.config.selfservice.verification_use;
        let mut methods = self.methods.iter().filter(|method| method.name() == configured.as_str());
        let found = methods.find_map(|method| Some((method.name(), method.verification()?)));
        found.ok_or_else(|| switched_off("verification", configured))
    }

    /// The method by which people win back access, and its name.
    ///
    /// # Errors
    /// 400 when the configured one is switched off.
    pub fn recovery_method(&self) -> Result<(&'static str, &dyn RecoveryMethod), Problem> {
        let configured = self.config.selfservice.recovery_use;
        let mut methods = self.methods.iter().filter(|method| method.name() == configured.as_str());
        let found = methods.find_map(|method| Some((method.name(), method.recovery()?)));
        found.ok_or_else(|| switched_off("recovery", configured))
    }

    /// The page that shows this flow.
    pub fn flow_page<K: Kind>(&self, flow: &Flow<K>) -> String {
        let mut url = self.ui_url(K::NAME);
        let others: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(key, _)| key != "flow").collect();
        url.query_pairs_mut().clear().extend_pairs(others).append_pair("flow", &flow.id.to_string());
        url.into()
    }

    fn built_in_page(&self, name: &str) -> Url {
        self.config.serve.public.base_url.join(&format!("/ui/{name}"))
    }
}

fn switched_off(flow: &str, proof: AddressProof) -> Problem {
    let method = proof.as_str();
    Problem::bad_request(format!("The {flow} flow is set to the method {method}, which is switched off."))
}
