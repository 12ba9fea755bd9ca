//! Jsonnet, with which operators shape webhook bodies, mails sent over HTTP, claims and traits.
//!
//! A snippet may loop forever or ask for all memory there is, and the interpreter has no limits of its own. So snippets
//! run in a small pool of child processes, each of which sets limits on its memory and is killed at a deadline. Nothing
//! can be imported, and the children know neither the environment nor the configuration.

mod error;
mod evaluate;
mod frame;
mod input;
mod options;
mod pool;
mod source;
pub mod worker;

use std::fmt::Display;
use std::sync::Arc;

use model::Clock;

pub use error::MapperError;
pub use input::Input;
pub use options::MapperOptions;
pub use source::MAX_SNIPPET;

use pool::Pool;
use source::Downloads;

/// Evaluates Jsonnet. Clones share the workers, which are started when they are first needed.
#[derive(Clone, Debug)]
pub struct Mapper(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    engine: Engine,
    downloads: Downloads,
}

#[derive(Debug)]
enum Engine {
    Workers(Pool),
    Unconfined,
}

impl Mapper {
    /// A mapper with workers.
    pub fn new(options: MapperOptions, clock: Clock) -> Self {
        Self(Arc::new(Shared { engine: Engine::Workers(Pool::new(options)), downloads: Downloads::new(clock) }))
    }

    /// A mapper that evaluates in this process, without limits: for tests of other crates, which have no worker program.
    pub fn unconfined(clock: Clock) -> Self {
        Self(Arc::new(Shared { engine: Engine::Unconfined, downloads: Downloads::new(clock) }))
    }

    /// The value of a snippet as JSON in Jsonnet's own form: keys sorted, indented by three spaces, a newline at the end.
    ///
    /// # Errors
    /// See [`MapperError`].
    pub async fn evaluate(&self, snippet: &str, input: Input<'_>) -> Result<String, MapperError> {
        let request = frame::request(snippet, input)?;
        match &self.0.engine {
            Engine::Workers(pool) => pool.evaluate(&request).await,
            Engine::Unconfined => {
                let answer = tokio::task::spawn_blocking(move || evaluate::Evaluator::new().answer(&request)).await;
                frame::read_answer(&answer.map_err(|_| MapperError::Crashed)?)
            }
        }
    }

    /// The text of a snippet that stands at `address`: `base64://…`, `file://…`, `http://…` or `https://…`, which is
    /// fetched by `fetch` and kept for an hour; anything else is a path.
    ///
    /// # Errors
    /// [`MapperError::Source`] when it cannot be had, or is larger than [`MAX_SNIPPET`].
    pub async fn load<F, E>(&self, address: &str, fetch: impl FnOnce(String) -> F) -> Result<Arc<str>, MapperError>
    where
        F: Future<Output = Result<Vec<u8>, E>>,
        E: Display,
    {
        self.0.downloads.load(address, fetch).await
    }
}
