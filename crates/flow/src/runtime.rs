//! The configuration and everything derived from it.

use std::sync::Arc;

use config::Config;
use identity::Identities;
use model::flow::Kind;
use model::{Flow, FlowName};
use outbound::Outbound;
use session::Sessions;
use store::Store;
use url::Url;

use crate::hook::Hooks;
use crate::method::Method;

/// What a request or a job works with from its beginning to its end. A reload builds a whole new one and swaps it in.
pub struct Runtime {
    pub config: Arc<Config>,
    pub store: Store,
    pub sessions: Sessions,
    pub identities: Identities,
    pub outbound: Outbound,
    /// The sign-in methods that are switched on, in the order in which they fill in forms.
    pub methods: Vec<Box<dyn Method>>,
    pub hooks: Hooks,
}

impl Runtime {
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
