//! From sources to a checked snapshot.

use std::path::PathBuf;

use model::Secret;
use serde_json::{Map, Value, json};

use crate::file::Layer;
use crate::finding::{ConfigError, Finding, Place};
use crate::settings::Config;
use crate::{check, env, file, legacy, pending, schema};

/// Everything that a configuration is made from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The files given with `-c`, in order: maps merge, later values win, arrays are replaced.
    pub files: Vec<PathBuf>,
    /// The environment, from [`environment`](crate::environment) or a test.
    pub environment: Vec<(String, String)>,
    /// What the defaults need to know about the machine.
    pub machine: Machine,
    /// Stands in for `secrets.default` when that is not set. Made once for each process, so that a reload keeps it.
    pub fallback_secret: Secret,
}

/// What the defaults need to know about the machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its name, which the default base URLs contain.
    pub hostname: String,
    /// Its processors, by which the default argon2 parallelism is reckoned.
    pub processors: usize,
}

impl Machine {
    /// The machine that this process runs on.
    pub fn this() -> Self {
        let hostname = gethostname::gethostname().into_string().ok().filter(|name| !name.is_empty());
        Self {
            hostname: hostname.unwrap_or_else(|| "127.0.0.1".to_owned()),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Flags of the command line that set keys. The environment wins over them, as in Kratos.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mode {
    /// `--dev` sets `dev`.
    pub dev: bool,
    /// `--watch-courier` sets `watch-courier`.
    pub watch_courier: bool,
}

/// A configuration that can be used, and what to tell about it.
#[derive(Debug)]
pub struct Loaded {
    /// The snapshot.
    pub config: Config,
    /// Things worth a line in the log: old keys, ignored values, missing secrets.
    pub warnings: Vec<Finding>,
    /// Keys that were set and that this release does not act upon yet (see [`NOT_USED_YET`](crate::NOT_USED_YET)).
    pub unused: Vec<String>,
}

impl Loaded {
    /// Reads, merges and checks. Errors come all at once.
    pub fn from(sources: &Sources, mode: Mode) -> Result<Self, ConfigError> {
        let mut errors = Vec::new();
        let mut layers = Vec::new();
        for path in &sources.files {
            match file::read(path) {
                Ok(layer) => layers.push(layer),
                Err(error) => errors.push(error),
            }
        }
        Self::from_layers(layers, errors, sources, mode)
    }

    /// As [`Loaded::from`], with the lowest layers (files, or the development configuration) at hand.
    pub(crate) fn from_layers(
        mut layers: Vec<Layer>,
        mut errors: Vec<Finding>,
        sources: &Sources,
        mode: Mode,
    ) -> Result<Self, ConfigError> {
        let mut warnings = Vec::new();
        if mode.dev {
            layers.push(Layer::document("--dev", json!({ "dev": true })));
        }
        if mode.watch_courier {
            layers.push(Layer::document("--watch-courier", json!({ "watch-courier": true })));
        }
        layers.extend(env::layers(&sources.environment, &mut errors, &mut warnings));

        let mut explicit = Value::Object(Map::new());
        for layer in &mut layers {
            legacy::upgrade(layer, &mut warnings);
            layer.apply(&mut explicit);
        }
        schema::drop_nulls(&mut explicit, schema::document());
        let mut document = explicit.clone();
        schema::fill_defaults(&mut document, schema::document());

        let origins = Origins(layers);
        // A file that cannot be read would make every required key look forgotten.
        if errors.is_empty() {
            check::check(&document, &origins, &mut errors, &mut warnings);
        }
        if !errors.is_empty() {
            return Err(ConfigError(errors));
        }
        let unused = pending::set_in(&explicit);
        let config = Config::build(document, explicit, sources, &origins, &mut errors, &mut warnings);
        match config {
            Some(config) if errors.is_empty() => Ok(Self { config, warnings, unused }),
            _ => Err(ConfigError(errors)),
        }
    }
}

/// Which source set a value last.
pub(crate) struct Origins(Vec<Layer>);

impl Origins {
    /// The place of the value at `pointer`, or of its nearest parent that was set somewhere.
    pub fn place(&self, pointer: &str) -> Place {
        let mut at = pointer;
        loop {
            if let Some(place) = self.0.iter().rev().find_map(|layer| layer.place(at)) {
                // The top of a document is in every source: naming the last one would mislead.
                return if at.is_empty() { self.only_file() } else { place };
            }
            let Some(cut) = at.rfind('/') else { return Place::default() };
            at = &at[..cut];
        }
    }

    /// The file, when there is just one: a missing key can only be missing there.
    fn only_file(&self) -> Place {
        let mut files = self.0.iter().filter(|layer| layer.is_file());
        match (files.next(), files.next()) {
            (Some(file), None) => Place { source: file.source.clone(), line: None },
            _ => Place::default(),
        }
    }
}
