//! From a configuration to a runtime.

use std::sync::Arc;

use config::Config;
use courier::Templates;
use crypto::{HashingPool, PoolLimits};
use flow::{Parts, Runtime, Tasks};
use identity::{SchemaError, SchemaSource, Schemas};
use mapper::{Mapper, MapperOptions};
use model::{Clock, Entropy};
use outbound::{Outbound, OutboundOptions, Request};
use store::Store;

use crate::cli;

/// The largest identity schema that is fetched; as in Kratos.
const MAX_SCHEMA: usize = 1 << 20;
/// How many more password hashes may wait for each processor; beyond that callers are told to try again.
const HASHES_WAITING: usize = 256;

/// What outlives a reload of the configuration.
#[derive(Clone)]
pub struct Shared {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub pool: HashingPool,
    pub mapper: Mapper,
    /// Work that goes on when a request has been answered.
    pub background: Tasks,
}

/// The budget for hashing: a hash at a time for each processor, within the memory that the configuration dedicates.
pub fn hashing_pool(config: &Config) -> HashingPool {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let memory_bytes = config.hashers.argon2.dedicated_memory;
    HashingPool::new(PoolLimits { workers, memory_bytes, queue: HASHES_WAITING * workers })
}

/// Jsonnet, in processes of this same program.
///
/// # Errors
/// When this program does not know where it is.
pub fn mapper(clock: &Clock) -> Result<Mapper, String> {
    let program = std::env::current_exe().map_err(|error| format!("The program does not find itself: {error}."))?;
    Ok(Mapper::new(MapperOptions::new(program, &[cli::JSONNET_WORKER]), clock.clone()))
}

/// Builds and checks everything that follows from a configuration.
///
/// # Errors
/// Says what cannot be used.
pub async fn runtime(config: Config, shared: &Shared) -> Result<Runtime, String> {
    let config = Arc::new(config);
    let mut options = OutboundOptions::new(shared.clock.clone(), shared.entropy.clone());
    options.disallow_private_ip_ranges = config.clients.disallow_private_ip_ranges;
    options.private_ip_exception_urls.clone_from(&config.clients.private_ip_exception_urls);
    let outbound = Outbound::new(&options).map_err(|error| format!("Outgoing HTTP cannot be set up: {error}."))?;
    let schemas = Arc::new(load_schemas(&config.identity, &outbound).await?);
    let templates = Templates::load(&config, &outbound).await?;
    let (methods, hooks) = (methods::enabled(&config), hooks::configured(&config)?);
    let Shared { store, clock, entropy, pool, mapper, background } = shared.clone();
    let parts = Parts { store, schemas, hashing: pool, outbound, mapper, templates, clock, entropy };
    Ok(Runtime::new(config, parts, methods, hooks).with_background(background))
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
