//! What a reload may change, and what it may not.

use crate::settings::Config;

/// Keys that are read once, when the process starts.
const RESTART_KEYS: &[&str] = &[
    "dsn",
    "dev",
    "watch-courier",
    "expose-metrics-port",
    "hashers.argon2.dedicated_memory",
    "serve.public.host",
    "serve.public.port",
    "serve.public.socket",
    "serve.public.tls",
    "serve.admin.host",
    "serve.admin.port",
    "serve.admin.socket",
    "serve.admin.tls",
    "log.format",
    "tracing",
    "zelus.defaults",
    "zelus.limits.connections_per_peer",
    "zelus.metrics.names",
];

/// The keys that differ and take effect only after a restart.
pub fn changed_restart_keys(old: &Config, new: &Config) -> Vec<&'static str> {
    let differs = |key: &&&str| {
        let at = format!("/{}", key.replace('.', "/"));
        old.document.pointer(&at) != new.document.pointer(&at)
    };
    RESTART_KEYS.iter().filter(differs).copied().collect()
}
