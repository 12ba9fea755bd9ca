//! What the server should reach.

use super::load::{SIGN_IN, WHOAMI};
use super::results::{Measured, OnDatabase, Results, Spread};

/// A figure, and what it should be at most.
pub struct Target {
    pub what: String,
    pub unit: &'static str,
    pub at_most: f64,
    /// Over all rounds, where there are rounds.
    pub measured: Spread,
}

impl Target {
    /// Whether the median is within the limit.
    pub fn is_reached(&self) -> bool {
        self.measured.median <= self.at_most
    }
}

const WHOAMIS: [&str; 3] = [WHOAMI, "whoami by cookie", "whoami, one of 400"];
const FLOWS_AND_LOGOUT: [&str; 3] = ["open a flow, native", "open a flow, browser", "sign out, native"];

/// All targets with what was measured, database by database.
pub fn all(results: &Results) -> Vec<Target> {
    results
        .databases
        .iter()
        .flat_map(|on| of_database(results, on))
        .filter(|target| !target.measured.median.is_nan())
        .collect()
}

fn of_database(results: &Results, on: &OnDatabase) -> Vec<Target> {
    let title = title(&on.name);
    let target = |what: &str, unit, at_most, measured| {
        let what = format!("{title}: {what}");
        Target { what, unit, at_most, measured }
    };
    let request = |name: &str, figure: &dyn Fn(&Measured) -> Spread| on.request(name).map_or(Spread::NONE, figure);
    let whoami_limit = if on.name == "sqlite" { 30.0 } else { 40.0 };

    let mut targets = vec![target("alive", "× bare", 1.3, request("alive", &|it| it.ratio(&on.bare)))];
    for name in WHOAMIS {
        targets.push(target(name, "µs above bare", whoami_limit, request(name, &|it| it.above_us(&on.bare))));
    }
    if let Some(statements) = on.whoami_statements {
        targets.push(target("statements for one whoami", "", 1.0, Spread::once(statements as f64)));
    }
    for name in FLOWS_AND_LOGOUT {
        targets.push(target(name, "µs", 150.0, request(name, &|it| it.cpu_us())));
    }
    let sign_in = request(SIGN_IN, &|it| it.cpu_us().without(results.hash_us));
    targets.push(target("sign in, besides the hash", "µs", 1000.0, sign_in));
    targets.push(target("memory when idle", "MiB", 30.0, Spread::once(on.idle.total_mib)));
    targets.push(target("start to ready", "ms", 100.0, Spread::once(on.start_ms)));
    targets
}

/// The database's name as people write it.
pub fn title(database: &str) -> &'static str {
    if database == "sqlite" { "SQLite" } else { "PostgreSQL" }
}
