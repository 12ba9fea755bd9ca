//! From sources to a checked snapshot.

use serde_json::{Map, Value, json};

use crate::file::Layer;
use crate::finding::{ConfigError, Finding};
use crate::origins::Origins;
use crate::settings::Config;
use crate::sources::Sources;
use crate::{check, env, file, legacy, pending, schema};

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
    /// Reads, merges and checks.
    ///
    /// # Errors
    /// Everything that is wrong, at once: files that cannot be read, values that do not fit, keys that are unknown or
    /// missing.
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
            legacy::read_dev(layer, &mut warnings);
            layer.apply(&mut explicit);
        }
        schema::drop_nulls(&mut explicit, schema::document());
        let mut document = explicit.clone();
        schema::fill_defaults(&mut document, schema::document());
        own_defaults(&mut document, &explicit);

        let origins = Origins::new(layers);
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

/// What applies under `zelus.defaults: zelus` where the schema has a default of Kratos'.
fn own_defaults(document: &mut Value, explicit: &Value) {
    let is_open = explicit.pointer("/serve/admin/host").is_none();
    if is_open && explicit.pointer("/zelus/defaults").is_some_and(|defaults| defaults == "zelus") {
        // The admin API asks nobody who they are.
        document["serve"]["admin"]["host"] = json!("127.0.0.1");
    }
}
