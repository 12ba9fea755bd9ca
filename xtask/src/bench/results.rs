//! What was measured in one run.

use std::fs;
use std::thread::available_parallelism;

use serde::Serialize;

use super::process::Memory;
use super::{Plan, postgres_program};
use crate::Result;
use crate::command::{command, run_quietly};

/// A whole run.
#[derive(Debug)]
pub struct Results {
    pub machine: Machine,
    /// The commit that was measured; a `+` says that it had been changed since.
    pub commit: String,
    pub rounds: u32,
    pub seconds: u32,
    pub connections: u32,
    /// CPU time of checking one password hash.
    pub hash_us: f64,
    /// CPU time of evaluating a Jsonnet snippet in a warm worker.
    pub jsonnet_us: Option<f64>,
    pub bare_start_ms: f64,
    pub bare_idle: Memory,
    pub databases: Vec<OnDatabase>,
    pub pgbench: Option<Pgbench>,
}

#[derive(Debug, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
    pub wrk: String,
    pub postgres: Option<String>,
    /// How many processes wanted to run as the run began, on average over a minute: others than ours.
    pub load: f64,
}

/// The server on one database.
#[derive(Debug)]
pub struct OnDatabase {
    pub name: String,
    pub start_ms: f64,
    pub idle: Memory,
    pub loaded: Memory,
    /// Statements that PostgreSQL runs for one whoami.
    pub whoami_statements: Option<usize>,
    pub bare: Measured,
    pub requests: Vec<Measured>,
    pub beside: Vec<Beside>,
}

/// How long an honest client waits beside a noisy neighbour: medians, in milliseconds.
#[derive(Debug)]
pub struct Beside {
    pub neighbour: &'static str,
    pub whoami_ms: f64,
    pub sign_in_ms: f64,
    /// Resident memory of the server at the end.
    pub mib: f64,
}

/// One kind of request, a sample for each round.
#[derive(Debug)]
pub struct Measured {
    pub name: String,
    pub samples: Vec<Sample>,
}

/// What requests of one kind cost in one round. CPU time is per request, in microseconds.
#[derive(Debug)]
pub struct Sample {
    pub cpu_us: f64,
    pub database_cpu_us: Option<f64>,
    /// `None` where single-use requests ran out.
    pub per_second: Option<f64>,
    pub p50_us: f64,
    pub p99_us: f64,
    pub requests: u64,
    pub failed: u64,
}

/// `pgbench -S -M prepared`, a sample for each round.
#[derive(Debug, Default)]
pub struct Pgbench {
    pub samples: Vec<PgbenchSample>,
}

#[derive(Debug)]
pub struct PgbenchSample {
    pub per_second: f64,
    pub client_cpu_us: f64,
    pub database_cpu_us: f64,
}

impl Results {
    /// Everything that is known before the first request.
    pub fn begin(plan: &Plan) -> Result<Self> {
        Ok(Self {
            machine: Machine::here(plan.databases.contains(&"postgres"))?,
            commit: commit()?,
            rounds: plan.rounds,
            seconds: plan.seconds,
            connections: plan.connections,
            hash_us: 0.0,
            jsonnet_us: None,
            bare_start_ms: 0.0,
            bare_idle: Memory::default(),
            databases: Vec::new(),
            pgbench: None,
        })
    }
}

impl Machine {
    fn here(has_postgres: bool) -> Result<Self> {
        let cpus = fs::read_to_string("/proc/cpuinfo")?;
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        // wrk tells its version in its help, and calls that a failure.
        let wrk = command("wrk").arg("--version").output()?;
        let wrk = String::from_utf8_lossy(&wrk.stdout).split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let postgres = || run_quietly(postgres_program("postgres")?.arg("--version"));
        Ok(Self {
            cpu: model.map_or("unknown CPU", |(_, name)| name).to_owned(),
            cores: available_parallelism()?.get(),
            kernel: run_quietly(command("uname").arg("-sr"))?.trim().to_owned(),
            wrk,
            postgres: has_postgres
                .then(postgres)
                .transpose()?
                .map(|version| version.trim().replace("postgres (PostgreSQL)", "PostgreSQL")),
            load: fs::read_to_string("/proc/loadavg")?.split(' ').next().unwrap_or_default().parse()?,
        })
    }
}

fn commit() -> Result<String> {
    let commit = run_quietly(command("git").args(["rev-parse", "--short=12", "HEAD"]))?;
    let changed = run_quietly(command("git").args(["status", "--porcelain", "--untracked-files=no", "crates"]))?;
    Ok(format!("{}{}", commit.trim(), if changed.is_empty() { "" } else { "+" }))
}

impl OnDatabase {
    pub fn request(&self, name: &str) -> Option<&Measured> {
        self.requests.iter().find(|measured| measured.name == name)
    }
}

impl Measured {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), samples: Vec::new() }
    }

    /// CPU time of the server for one request.
    pub fn cpu_us(&self) -> Spread {
        Spread::of(self.samples.iter().map(|sample| sample.cpu_us))
    }

    /// The middle of a figure over all rounds; not a number where there is none.
    pub fn median(&self, figure: impl Fn(&Sample) -> Option<f64>) -> f64 {
        median(self.samples.iter().filter_map(figure))
    }

    /// CPU time above that of the bare route in the same round.
    pub fn above_us(&self, bare: &Self) -> Spread {
        Spread::of(self.samples.iter().zip(&bare.samples).map(|(ours, bare)| ours.cpu_us - bare.cpu_us))
    }

    /// How many times the CPU time of the bare route in the same round.
    pub fn ratio(&self, bare: &Self) -> Spread {
        Spread::of(self.samples.iter().zip(&bare.samples).map(|(ours, bare)| ours.cpu_us / bare.cpu_us))
    }
}

impl Pgbench {
    pub fn median(&self, figure: impl Fn(&PgbenchSample) -> f64) -> f64 {
        median(self.samples.iter().map(figure))
    }
}

/// A figure over all rounds: its median, and the least and most that were measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// What is known of a figure that was not measured.
    pub const NONE: Self = Self { median: f64::NAN, least: f64::NAN, most: f64::NAN };

    /// The spread of these values; not numbers where there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let least = values.iter().copied().fold(f64::NAN, f64::min);
        let most = values.iter().copied().fold(f64::NAN, f64::max);
        Self { median: median(values), least, most }
    }

    /// A figure that was measured once.
    pub fn once(value: f64) -> Self {
        Self { median: value, least: value, most: value }
    }

    /// The figure without a part of it that is always the same.
    pub fn without(self, part: f64) -> Self {
        Self { median: self.median - part, least: self.least - part, most: self.most - part }
    }
}

/// The middle value, or the mean of the two in the middle; not a number where there is none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Spread, median};

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }

    #[test]
    fn a_spread_goes_from_the_least_to_the_most() {
        let spread = Spread::of([3.0, 1.0, 8.0]);
        assert_eq!(spread, Spread { median: 3.0, least: 1.0, most: 8.0 });
        assert_eq!(spread.without(1.0), Spread { median: 2.0, least: 0.0, most: 7.0 });
        assert_eq!(Spread::of([4.0]), Spread::once(4.0));
        let none = Spread::of([]);
        assert!(none.median.is_nan() && none.least.is_nan() && none.most.is_nan());
    }
}
