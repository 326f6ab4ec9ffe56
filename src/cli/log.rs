//! The log, for whoever wants to know what exactly was sent when. It goes to standard error, and names verbs and never
//! arguments.

use tracing::level_filters::LevelFilter;

use super::args::{Global, LogFormat, LogLevel};

/// Starts the log where one was asked for, and says whether one was.
pub fn start(global: &Global) -> bool {
    if global.log_level.is_none() && global.log_format.is_none() {
        return false;
    }
    let level = match global.log_level.unwrap_or(LogLevel::Info) {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false);
    let started = match global.log_format.unwrap_or(LogFormat::Text) {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    // Only a second start in one process fails, and then the first one goes on.
    started.is_ok()
}
