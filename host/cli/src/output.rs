//! The two streams: results on standard output, talk on standard error. The only place that writes to either.

use std::io::{self, IsTerminal, Write};

use miette::MietteHandlerOpts;
use tracing_subscriber::EnvFilter;

/// Prints a result. A reader that went away is no failure.
pub(crate) fn result(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says something about what is going on.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Shows why a command failed.
pub(crate) fn report(failure: impl Into<miette::Report>) {
    // Wrapped lines would cut paths and status words in two.
    let _ = miette::set_hook(Box::new(|_| Box::new(MietteHandlerOpts::new().wrap_lines(false).build())));
    say(&format!("{:?}", failure.into()));
}

/// Sends the log to standard error; `UKEY_LOG` filters it where `-v` is not given.
pub(crate) fn start_log(verbose: u8) {
    let filter = match verbose {
        0 => EnvFilter::try_from_env("UKEY_LOG").unwrap_or_else(|_| EnvFilter::new("warn")),
        1 => EnvFilter::new("warn,ukey=debug"),
        _ => EnvFilter::new("warn,ukey=trace"),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .without_time()
        .init();
}
