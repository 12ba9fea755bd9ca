//! Where log lines go, and in which form.
//!
//! All spans are at debug level. Where that is logged, a line begins with those that it stands in (in JSON: its `spans`);
//! elsewhere there are none, and lines look as if none existed. At trace level the end of each is a line, with its time.

use std::sync::OnceLock;

use config::{Config, Log, LogFormat, LogLevel};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, reload};

/// The least level that is logged, once logging has started.
static LEVEL: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

/// Starts logging to standard error.
pub fn start(log: &Log) {
    let (level, handle) = reload::Layer::new(filter(log.level));
    let registry = tracing_subscriber::registry().with(level);
    let ends = if log.level == LogLevel::Trace { FmtSpan::CLOSE } else { FmtSpan::NONE };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_span_events(ends);
    // A second call, as from a test, leaves the first in place.
    let started = match log.format {
        // The spans that a line stands in are one list, to which the innermost belongs.
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_current_span(false)).try_init(),
        LogFormat::Text => {
            let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            registry.with(lines.with_target(false).with_ansi(is_terminal)).try_init()
        }
    };
    if started.is_ok() {
        // Nobody else sets it: logging starts once.
        let _ = LEVEL.set(handle);
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic.place = place, "A bug made a task stop: {panic}");
    }));
}

/// Logs by the level of another configuration from now on. The form of lines stays.
pub fn follow(config: &Config) {
    let Some(level) = LEVEL.get() else { return };
    if let Err(error) = level.reload(filter(config.log.level)) {
        tracing::error!(%error, "The level of the log cannot be changed; it stays until the next start.");
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    }
}
