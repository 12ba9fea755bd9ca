//! Where a configuration comes from.

use std::path::PathBuf;

use model::Secret;

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
