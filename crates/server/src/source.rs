//! Where the configuration comes from.

use std::path::PathBuf;

use config::{Config, DevSecrets, Loaded, Machine, Mode, Sources};

/// Where the configuration comes from, to be read again on a reload.
#[derive(Clone, Debug)]
pub enum Source {
    /// Files, with the environment on top.
    Files {
        /// The files, and what else a configuration is made from.
        sources: Sources,
        /// What the command line sets.
        mode: Mode,
    },
    /// The development configuration, which is built in, with the environment on top.
    Dev {
        /// Where the database is.
        folder: PathBuf,
        /// The secrets, which outlive a restart.
        secrets: DevSecrets,
    },
}

impl Source {
    /// Reads the configuration.
    ///
    /// # Errors
    /// All that is wrong with it, a line each.
    pub fn load(&self) -> Result<Loaded, String> {
        match self {
            Self::Files { sources, mode } => Loaded::from(sources, *mode),
            Self::Dev { folder, secrets } => Config::dev(folder, secrets, config::environment(), Machine::this()),
        }
        .map_err(|error| error.to_string())
    }

    /// The files that the configuration is read from.
    pub fn files(&self) -> &[PathBuf] {
        match self {
            Self::Files { sources, .. } => &sources.files,
            Self::Dev { .. } => &[],
        }
    }
}
