//! Where log lines go, and in which form.
//!
//! All spans are at debug level. Where that is logged, a line begins with those that it stands in (in JSON: its `spans`);
//! elsewhere there are none, and lines look as if none existed. At trace level the end of each is a line, with its time.

use config::{Log, LogFormat, LogLevel};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging to standard error.
pub fn start(log: &Log) {
    let level = match log.level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    let registry = tracing_subscriber::registry().with(level);
    let ends = if log.level == LogLevel::Trace { FmtSpan::CLOSE } else { FmtSpan::NONE };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_span_events(ends);
    // A second call, as from a test, leaves the first in place.
    let _ = match log.format {
        // The spans that a line stands in are one list, to which the innermost belongs.
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_current_span(false)).try_init(),
        LogFormat::Text => {
            let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            registry.with(lines.with_target(false).with_ansi(is_terminal)).try_init()
        }
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic.place = place, "A bug made a task stop: {panic}");
    }));
}
