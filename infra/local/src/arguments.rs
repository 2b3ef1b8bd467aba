//! Arguments of the command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Stevedore on one machine: pulls the orders of a ShipStation account and books each of them once.
#[derive(Debug, Parser)]
#[command(name = "stevedore", version)]
pub(crate) struct Arguments {
    /// Port of the API on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 8787)]
    pub(crate) port: u16,
    /// Folder of all data between runs [default: ./.stevedore, with --orders or --shipstation a
    /// folder of its own beside it]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Start over: remove the folder's data
    #[arg(long)]
    pub(crate) fresh: bool,
    /// The API's bearer token, for scripts; 16 characters or more. By default one is made and kept
    #[arg(long)]
    pub(crate) token: Option<String>,
    /// Another ShipStation than the sandbox, for example the real one; nothing is connected until
    /// POST /v1/connection
    #[arg(long, value_name = "URL", conflicts_with_all = ["orders", "seed", "orders_count"])]
    pub(crate) shipstation: Option<String>,
    /// Fill the sandbox from a file: ShipStation JSON, or CSV in the Online Retail layout
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "orders_count"])]
    pub(crate) orders: Option<PathBuf>,
    /// Make the clock run this many times as fast, up to 300
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) speed: u32,
    /// Run nothing by the schedule; only operations that are started over the API
    #[arg(long)]
    pub(crate) no_schedule: bool,
    /// Write events for other systems to a file, one JSON line each: sales, invoices, stock
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    /// Seed of the sandbox's generated orders [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Number of orders that the sandbox generates at the start [default: 300]
    #[arg(long, value_name = "N")]
    pub(crate) orders_count: Option<usize>,
    /// Make the table behave as under load, from this seed: indexes lag, writes conflict, batches
    /// are done in part, calls are throttled
    #[arg(long, value_name = "SEED")]
    pub(crate) lag: Option<u64>,
    /// Enforces ShipStation's 40 requests a minute in the sandbox
    #[arg(long, value_name = "on|off", default_value = "on")]
    pub(crate) rate_limit: Switch,
}

impl Arguments {
    /// The folder of all data. Each source of orders has a folder of its own, so that a change of
    /// the source does not need --fresh.
    pub(crate) fn folder(&self) -> PathBuf {
        let beside = |kind: &str, name: &str| {
            let name: String = name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
            PathBuf::from(format!("./.stevedore-{kind}-{}", name.trim_matches('-')))
        };
        match (&self.data, &self.orders, &self.shipstation) {
            (Some(folder), ..) => folder.clone(),
            (None, Some(file), _) => beside("orders", &file.file_stem().unwrap_or_default().to_string_lossy()),
            (None, None, Some(url)) => beside("account", url),
            (None, None, None) => PathBuf::from("./.stevedore"),
        }
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn each_source_of_orders_has_its_folder() {
        let folder = |line: &[&str]| Arguments::parse_from([&["stevedore"], line].concat()).folder();
        assert_eq!(folder(&[]), PathBuf::from("./.stevedore"));
        assert_eq!(folder(&["--orders", "/tmp/2010-12-01.csv"]), PathBuf::from("./.stevedore-orders-2010-12-01"));
        assert_eq!(folder(&["--shipstation", "https://ss.example/"]), PathBuf::from("./.stevedore-account-https---ss-example"));
        assert_eq!(folder(&["--data", "here", "--orders", "a.json"]), PathBuf::from("here"));
    }
}
