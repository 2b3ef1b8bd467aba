//! `cargo run`: the whole system on this machine.
#![allow(clippy::disallowed_methods, reason = "clock and environment are read here and handed over")]
#![allow(clippy::print_stderr, reason = "the program that a person starts")]

mod arguments;
mod terminal;

use std::error::Error as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arguments::{Arguments, Switch};
use clap::Parser as _;
use stevedore_local::{Options, Progress, Source, Stack};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Exit status for wrong arguments.
const NOT_STARTED: u8 = 2;
/// Events of the sandbox's account in an hour.
const ARRIVALS_PER_HOUR: u32 = 60;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let asked = std::env::var("RUST_LOG").ok().and_then(|asked| asked.parse().ok());
    let filter = asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    tracing_subscriber::registry().with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).with(filter).init();
    let (progress, news) = unbounded_channel();
    let mut entropy = [[0; 16]; 6];
    if let Err(error) = entropy.iter_mut().try_for_each(|bytes| getrandom::fill(bytes)) {
        eprintln!("error: the system gives no random bytes for a token ({error}); name one with --token");
        return ExitCode::from(NOT_STARTED);
    }
    let showing = tokio::spawn(show(news));
    // Before the start, so that it can be interrupted too.
    let mut interrupted = std::pin::pin!(interrupted());
    let options = Options { progress: Some(progress), ..options(arguments, entropy) };
    let stack = tokio::select! {
        started = Stack::start(options) => match started {
            Ok(stack) => stack,
            Err(error) => {
                // Prints the steps of the set-up first.
                let _ = tokio::time::timeout(Duration::from_secs(1), showing).await;
                eprintln!("error: {error}");
                let mut source = error.source();
                while let Some(cause) = source {
                    eprintln!("  because: {cause}");
                    source = cause.source();
                }
                return ExitCode::from(NOT_STARTED);
            }
        },
        () = &mut interrupted => return ExitCode::SUCCESS,
    };
    interrupted.await;
    eprintln!("stopping; what is at work is finished first");
    tokio::select! {
        () = stack.stop() => {}
        // A second Ctrl-C does not wait. Nothing is lost; messages are delivered again.
        _ = tokio::signal::ctrl_c() => {}
    }
    let _ = tokio::time::timeout(Duration::from_secs(1), showing).await;
    ExitCode::SUCCESS
}

fn options(arguments: Arguments, [entropy, reader, operator, key_entropy @ ..]: [[u8; 16]; 6]) -> Options {
    let folder = arguments.folder();
    let source = match (arguments.shipstation, arguments.orders, arguments.seed, arguments.orders_count) {
        (Some(url), ..) => Source::ShipStation(url),
        (_, Some(file), ..) => Source::File(file),
        (_, _, None, None) => Source::Kept,
        (_, _, seed, orders) => Source::Generated { seed, orders },
    };
    Options {
        data: Some(folder),
        fresh: arguments.fresh,
        port: arguments.port,
        token: arguments.token.map(Into::into),
        entropy,
        lesser_entropy: [reader, operator],
        key_entropy,
        source,
        speed: arguments.speed,
        schedule: !arguments.no_schedule,
        events: arguments.events,
        requests_per_minute: (arguments.rate_limit == Switch::On).then_some(40),
        arrivals_per_hour: ARRIVALS_PER_HOUR,
        lag: arguments.lag,
        ..Options::in_memory(Arc::new(jiff::Timestamp::now))
    }
}

async fn show(mut news: UnboundedReceiver<Progress>) {
    while let Some(news) = news.recv().await {
        let text = terminal::text(&news);
        // A closed output, as with `| head`, does not stop the booking of orders.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}

/// Waits for Ctrl-C, or for the end signal of a service manager.
async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
        return;
    }
    // Without a handler there is no signal to wait for; the system ends the program then.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
