//! The services that flows are made with: the configuration and everything derived from it.

use std::sync::Arc;

use config::Config;
use courier::{Courier, Templates};
use crypto::{ContinuityCodec, HashingPool, KeyRing};
use guard::Guard;
use identity::{Identities, Schemas};
use mapper::Mapper;
use metrics::Metrics;
use model::flow::FlowKind;
use model::{Clock, Entropy, Flow, FlowName};
use outbound::Outbound;
use session::{Sessions, Tokenizer};
use store::Store;
use tasks::Tasks;
use url::Url;

/// The services that a request or a job works with from its beginning to its end, under one configuration.
pub struct Services {
    /// The configuration.
    pub config: Arc<Config>,
    /// The database.
    pub store: Store,
    /// Issues, finds and ends sessions.
    pub sessions: Sessions,
    /// Makes signed tokens of sessions.
    pub tokenizer: Tokenizer,
    /// Counts tries at what can be guessed.
    pub guard: Guard,
    /// Validates and writes identities.
    pub identities: Identities,
    /// The HTTP client.
    pub outbound: Outbound,
    /// Evaluates Jsonnet.
    pub mapper: Mapper,
    /// Composes messages, and delivers them.
    pub courier: Courier,
    /// The budget for hashing passwords.
    pub hashing: HashingPool,
    /// What nobody waits for: web hooks whose answers are ignored.
    pub background: Tasks,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// The resources that services are built on, besides their configuration.
pub struct Resources {
    /// The database.
    pub store: Store,
    /// The identity schemas.
    pub schemas: Arc<Schemas>,
    /// The budget for hashing passwords.
    pub hashing: HashingPool,
    /// The HTTP client.
    pub outbound: Outbound,
    /// Evaluates Jsonnet.
    pub mapper: Mapper,
    /// The texts of messages.
    pub templates: Templates,
    /// The time.
    pub clock: Clock,
    /// The source of randomness.
    pub entropy: Entropy,
    /// Outlives these services, as the next does: a reload builds new ones.
    pub background: Tasks,
    /// Where things are counted.
    pub metrics: Arc<Metrics>,
}

impl Services {
    /// The services under a configuration.
    pub fn new(config: Arc<Config>, resources: Resources) -> Self {
        let Resources { store, schemas, hashing, outbound, mapper, templates, clock, entropy, background, metrics } =
            resources;
        let courier =
            Courier::new(config.clone(), store.clone(), outbound.clone(), mapper.clone(), templates, clock, entropy)
                .counting(Arc::clone(&metrics));
        Self {
            sessions: Sessions::new(store.clone(), &config),
            guard: Guard::new(store.clone(), config.clone(), Arc::clone(&metrics)),
            tokenizer: Tokenizer::new(config.clone(), outbound.clone(), mapper.clone()),
            identities: Identities::new(store.clone(), schemas, &config, hashing.clone()),
            courier,
            config,
            store,
            outbound,
            mapper,
            hashing,
            background,
            metrics,
        }
    }

    /// The external address of the public API, as configured.
    pub fn public_url(&self) -> &str {
        &self.config.serve.public.base_url.text
    }

    /// The address of a route of the public API. `path` begins with a slash.
    pub fn public_route(&self, path: &str) -> String {
        format!("{}{path}", self.public_url().trim_end_matches('/'))
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
    pub fn continuity_codec(&self) -> ContinuityCodec {
        ContinuityCodec::new(&self.proof_keys())
    }

    /// The page that shows this flow.
    pub fn flow_page<K: FlowKind>(&self, flow: &Flow<K>) -> String {
        let mut url = self.ui_url(K::NAME);
        let others: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(key, _)| key != "flow").collect();
        url.query_pairs_mut().clear().extend_pairs(others).append_pair("flow", &flow.id.to_string());
        url.into()
    }

    fn built_in_page(&self, name: &str) -> Url {
        self.config.serve.public.base_url.join(&format!("/ui/{name}"))
    }
}
