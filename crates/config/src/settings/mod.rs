//! The snapshot: plain structs with plain fields, named as the keys are.

mod build;
mod courier;
mod methods;
mod process;
mod security;
mod selfservice;

use std::path::PathBuf;

use model::Secret;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

pub use courier::*;
pub use methods::*;
pub use process::*;
pub use security::*;
pub use selfservice::*;

use crate::redact;

/// One consistent configuration. It never changes; a reload makes a new one.
#[derive(Clone, Debug)]
pub struct Config {
    /// `version`: the release that the file was written for.
    pub version: Option<String>,
    /// `revision`: free text for `/health/config`.
    pub revision: Option<String>,
    /// `dev`: development mode.
    pub dev: bool,
    /// Whether browsers may submit flows of native apps, which no anti-CSRF token protects: for test suites, by the variable
    /// `DEV_DISABLE_API_FLOW_ENFORCEMENT=true` in development mode.
    pub takes_native_flows_from_browsers: bool,
    /// `watch-courier`: deliver messages in this process.
    pub watch_courier: bool,
    /// `expose-metrics-port`: the courier's metrics; `None` when zero.
    pub expose_metrics_port: Option<u16>,
    /// `dsn`: the database.
    pub dsn: Secret,
    /// `serve`: the listeners.
    pub serve: Serve,
    /// `log`.
    pub log: Log,
    /// `tracing`.
    pub tracing: Tracing,
    /// `identity`: the schemas.
    pub identity: Identity,
    /// `secrets`, with what stands in for absent lists.
    pub secrets: Secrets,
    /// `hashers`.
    pub hashers: Hashers,
    /// `ciphers`.
    pub ciphers: Ciphers,
    /// `cookies`.
    pub cookies: Cookies,
    /// `session`.
    pub session: Session,
    /// `security`.
    pub security: Security,
    /// `clients`.
    pub clients: Clients,
    /// `feature_flags`.
    pub feature_flags: FeatureFlags,
    /// `database`.
    pub database: Database,
    /// `oauth2_provider`, when its address is set.
    pub oauth2_provider: Option<OAuth2Provider>,
    /// `courier`.
    pub courier: Courier,
    /// `selfservice`: flows, methods and return addresses.
    pub selfservice: SelfService,
    /// `preview`.
    pub preview: Preview,
    /// `zelus`: our own keys.
    pub zelus: Zelus,
    /// The merged document with its defaults.
    pub(crate) document: Document,
    /// The merged document without defaults.
    pub(crate) explicit: Document,
}

impl Config {
    /// The whole configuration with its defaults, without secrets: those, passwords in addresses, header values and
    /// proofs read `…`.
    pub fn redacted(&self) -> Value {
        redact::redacted(&self.document)
    }

    /// Whether a key, dotted, was set by a file, a flag or the environment.
    pub fn is_set(&self, key: &str) -> bool {
        self.explicit.pointer(&format!("/{}", key.replace('.', "/"))).is_some()
    }

    /// The files that are read along with the configuration, and folders of such files: identity schemas and templates of
    /// messages. They need not exist.
    pub fn files(&self) -> Vec<PathBuf> {
        let schemas = self.identity.schemas.iter().filter_map(|schema| schema_file(&schema.url));
        let folder = self.courier.template_override_path.iter().map(PathBuf::from);
        let templates = self.courier.templates.values().flat_map(|pair| [&pair.valid, &pair.invalid]);
        let templates = templates.flat_map(MessageTemplate::addresses);
        let templates = templates.filter_map(|address| address.strip_prefix("file://")).map(PathBuf::from);
        schemas.chain(folder).chain(templates).collect()
    }

    /// SHA-256, in hex, of what was configured, whatever the order of its keys: for `/health/config`, to see whether
    /// two nodes run the same configuration. Secrets are part of it.
    pub fn revision_hash(&self) -> String {
        let mut hasher = Sha256::new();
        let mut sorted = self.explicit.0.clone();
        sorted.sort_all_objects();
        hasher.update(sorted.to_string());
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The path of a schema at a `file://` address; one that is no URL is relative to the working directory, as in Kratos:
/// `file://./person.schema.json`.
pub fn schema_file(address: &str) -> Option<PathBuf> {
    let path = address.strip_prefix("file://")?;
    Some(Url::parse(address).ok().and_then(|url| url.to_file_path().ok()).unwrap_or_else(|| path.into()))
}

/// A document that may hold secrets, and so does not print.
#[derive(Clone, PartialEq)]
pub(crate) struct Document(pub(crate) Value);

impl std::ops::Deref for Document {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}
