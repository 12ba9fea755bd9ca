//! From a configuration to a server.

use std::sync::Arc;

use config::Config;
use courier::Templates;
use engine::Runtime;
use flow::{Resources, Services};
use identity::{SchemaError, SchemaSource, Schemas};
use outbound::{Outbound, OutboundOptions, Request};
use web::{App, Edge, Side};

use crate::Shared;

/// The largest identity schema that is fetched, in bytes; as in Kratos.
const MAX_SCHEMA: usize = 1 << 20;

/// A server that listens nowhere yet. Clones are the same server.
#[derive(Clone)]
pub struct Server {
    app: App,
    shared: Shared,
}

/// What answers the requests that come to a server's listeners.
pub struct Edges {
    /// Those of browsers and apps.
    pub public: Edge,
    /// Those of the operator's own services.
    pub admin: Edge,
}

impl Server {
    /// Assembles a server.
    ///
    /// # Errors
    /// Says what in the configuration cannot be used.
    pub async fn assemble(config: Config, shared: Shared) -> Result<Self, String> {
        let runtime = assemble(config, &shared).await?;
        let app = App::new(runtime, shared.clock.clone(), shared.entropy.clone());
        Ok(Self { app, shared })
    }

    /// Answers by another configuration from now on. Requests under way end with the one they began with.
    ///
    /// # Errors
    /// Says what in the configuration cannot be used. The last one stays in force then.
    pub async fn replace_configuration(&self, config: Config) -> Result<(), String> {
        self.app.replace(assemble(config, &self.shared).await?);
        Ok(())
    }

    /// The state that requests are answered from.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The configuration of this moment.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.app.site().runtime.config)
    }

    /// What was passed in.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What answers at the port for metrics of a process that only delivers messages: those, and that it is alive.
    pub fn courier_edge(&self) -> Edge {
        Edge::new(self.app.clone(), Side::Admin, api::courier_router())
    }

    /// All routes, with what every request passes around them.
    pub fn edges(&self) -> Edges {
        let mut public = api::public_router().merge(pages::router());
        if self.config().dev {
            public = public.merge(pages::home());
        }
        Edges {
            public: Edge::new(self.app.clone(), Side::Public, public),
            admin: Edge::new(self.app.clone(), Side::Admin, api::admin_router()),
        }
    }
}

/// Builds and checks everything that follows from a configuration.
///
/// # Errors
/// Says what cannot be used.
async fn assemble(config: Config, shared: &Shared) -> Result<Runtime, String> {
    let config = Arc::new(config);
    let mut options = OutboundOptions::new(shared.clock.clone(), shared.entropy.clone());
    options.disallow_private_ip_ranges = config.clients.disallow_private_ip_ranges;
    options.private_ip_exception_urls.clone_from(&config.clients.private_ip_exception_urls);
    let outbound = Outbound::new(&options).map_err(|error| format!("Outgoing HTTP cannot be set up: {error}."))?;
    let schemas = Arc::new(load_schemas(&config.identity, &outbound).await?);
    let templates = Templates::load(&config, &outbound).await?;
    let (methods, hooks) = (methods::enabled(&config), hooks::configured(&config)?);
    let Shared { store, clock, entropy, hashing, mapper, background, metrics } = shared.clone();
    let switched_off = methods::switched_off(&config);
    let resources =
        Resources { store, schemas, hashing, outbound, mapper, templates, clock, entropy, background, metrics };
    Ok(Runtime { services: Services::new(config, resources), methods, switched_off, hooks })
}

/// Reads the identity schemas, fetching those that stand elsewhere, one after another as they refer to each other.
async fn load_schemas(config: &config::Identity, outbound: &Outbound) -> Result<Schemas, String> {
    let source = SchemaSource::new();
    loop {
        match Schemas::load(config, &source) {
            Ok(schemas) => return Ok(schemas),
            Err(SchemaError::NotFetched { id, url }) => {
                let unusable = |why: String| format!("The identity schema {id} at {url} cannot be fetched: {why}.");
                let answer = outbound.fetch(Request::get(&url), MAX_SCHEMA).await;
                let answer = answer.map_err(|error| unusable(error.to_string()))?;
                if answer.status != 200 {
                    return Err(unusable(format!("the answer has status {}", answer.status)));
                }
                let document = String::from_utf8(answer.body).map_err(|_| unusable("it is not text".to_owned()))?;
                source.add(url, document);
            }
            Err(error @ SchemaError::Invalid { .. }) => {
                return Err(format!("The configuration cannot be used: {error}."));
            }
        }
    }
}
