//! `docs/benchmarks.md`.

use std::fmt::Write;

use super::load::SIGN_IN;
use super::results::{Beside, OnDatabase, Results};
use super::targets::{self, title};

/// The page, ratios first.
pub fn render(results: &Results) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut page, results);
    page
}

fn write(page: &mut String, results: &Results) -> std::fmt::Result {
    let machine = &results.machine;
    writeln!(page, "# Benchmarks\n")?;
    writeln!(page, "<!-- Written by `cargo xtask bench`. Run it again instead of editing this. -->\n")?;
    writeln!(
        page,
        "CPU time of the server for one request, beside that of a bare axum route with a fixed answer in the same \
         round. Figures are medians of {} rounds of {} s each, with {} connections, 100,000 identities and as many \
         sessions, asked for in random order.\n",
        results.rounds, results.seconds, results.connections
    )?;
    let mut programs = vec![machine.wrk.as_str()];
    programs.extend(machine.postgres.as_deref());
    writeln!(
        page,
        "Machine: {} × {}, {}; {}. Commit {}.",
        machine.cores,
        machine.cpu,
        machine.kernel,
        programs.join(", "),
        results.commit
    )?;
    if machine.load > 0.5 {
        writeln!(
            page,
            "\nThe machine was busy with other work too (load {:.1} as the run began): throughput and latency are worse \
             than on a quiet one, CPU time is somewhat.",
            machine.load
        )?;
    }
    write_targets(page, results)?;
    for on in &results.databases {
        write_database(page, results, on)?;
    }
    write_start_and_memory(page, results)?;
    write_neighbours(page, results)?;
    writeln!(page, "\n{}", NOTES.trim())
}

const NOTES: &str = "
## How it is measured

- CPU time is user and system time of the server's process (`/proc/PID/stat`) divided by the requests that `wrk`
  completed, kernel and network included. Each figure *above bare* is the difference to the bare route in the same round;
  requests that write have rounds of their own after all others, since the database grows with them.
- The load comes from `bench/wrk/requests.lua`, on one thread of the same machine. Throughput is therefore what is left
  of the cores beside the load itself, and not a limit of the server.
- Every sign-out ends a living session of its own, and every submission is of a flow of its own. The hash is bcrypt at
  cost 4, so that it does not hide the rest. Signing up opens a verification flow and queues its mail as well. Each
  change of a profile is its owner's, and leaves it as it is. Recovery and verification are asked for by someone unknown.
- SQLite lies on a disk and is synced at each commit. PostgreSQL is a fresh cluster with its default settings, on
  loopback, without TLS.
- A noisy neighbour sends from one network, as often as it can, and the honest client from another, one request at a time;
  both share the machine with the server, so their own work counts as well. Figures are medians.
- Resident memory under load counts the pages of the database file that SQLite maps, which the system takes back at will.

`cargo xtask bench --help` tells how to run it, or a part of it. `bench/results/runs.jsonl` has a row for every run.
";

fn write_targets(page: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(page, "\n## Targets\n\n| | at most | measured | |\n|---|---:|---:|---|")?;
    for target in targets::all(results) {
        let verdict = if target.is_reached() { "reached" } else { "**missed**" };
        let (limit, measured) = (target.at_most, figure(target.measured.median));
        writeln!(page, "| {} | {limit} {} | {measured} | {verdict} |", target.what, target.unit)?;
    }
    Ok(())
}

fn write_database(page: &mut String, results: &Results, on: &OnDatabase) -> std::fmt::Result {
    let has_processes = on.name == "postgres";
    writeln!(page, "\n## On {}\n", title(&on.name))?;
    let (head, line) = if has_processes { (" of PostgreSQL, µs |", "---:|") } else { ("", "") };
    writeln!(page, "| request | × bare | above bare, µs | CPU, µs |{head} req/s | p50, ms | p99, ms |")?;
    writeln!(page, "|---|---:|---:|---:|{line}---:|---:|---:|")?;
    for measured in [&on.bare].into_iter().chain(&on.requests) {
        let (ratio, above) = (measured.ratio(&on.bare).median, measured.above_us(&on.bare).median);
        let database = measured.median(|sample| sample.database_cpu_us);
        let database = if has_processes { format!(" {} |", figure(database)) } else { String::new() };
        writeln!(
            page,
            "| {} | {ratio:.2} | {} | {} |{database} {} | {:.2} | {:.2} |",
            measured.name,
            figure(above),
            figure(measured.cpu_us().median),
            thousands(measured.median(|sample| sample.per_second)),
            measured.median(|sample| Some(sample.p50_us)) / 1000.0,
            measured.median(|sample| Some(sample.p99_us)) / 1000.0,
        )?;
    }
    if let Some(sign_in) = on.request(SIGN_IN).map(|measured| measured.cpu_us().median) {
        let (hash, rest) = (figure(results.hash_us), figure(sign_in - results.hash_us));
        writeln!(page, "\nOf signing in, the hash takes {hash} µs and everything else {rest} µs.")?;
    }
    if let Some(jsonnet) = results.jsonnet_us.map(figure) {
        writeln!(page, "\nEvaluating a Jsonnet snippet takes {jsonnet} µs in a worker that is warm.")?;
    }
    if let (Some(pgbench), true) = (&results.pgbench, has_processes) {
        writeln!(
            page,
            "\n`pgbench -S -M prepared` in the same rounds, one row by its key: {} transactions/s, {} µs of its own CPU \
             and {} µs of PostgreSQL's for each.",
            thousands(pgbench.median(|sample| sample.per_second)),
            figure(pgbench.median(|sample| sample.client_cpu_us)),
            figure(pgbench.median(|sample| sample.database_cpu_us)),
        )?;
    }
    Ok(())
}

fn write_start_and_memory(page: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(page, "\n## Start and memory\n")?;
    writeln!(page, "| | ready after, ms | resident when idle, MiB | after the load, MiB | of it mapped files, MiB |")?;
    writeln!(page, "|---|---:|---:|---:|---:|")?;
    let (start, idle) = (figure(results.bare_start_ms), figure(results.bare_idle.total_mib));
    writeln!(page, "| bare route | {start} | {idle} | | |")?;
    for OnDatabase { name, start_ms, idle, loaded, .. } in &results.databases {
        let [start, idle] = [*start_ms, idle.total_mib].map(figure);
        let [total, files] = [loaded.total_mib, loaded.files_mib].map(figure);
        writeln!(page, "| {} | {start} | {idle} | {total} | {files} |", title(name))?;
    }
    Ok(())
}

fn write_neighbours(page: &mut String, results: &Results) -> std::fmt::Result {
    if results.databases.iter().all(|on| on.beside.is_empty()) {
        return Ok(());
    }
    writeln!(page, "\n## Beside a noisy neighbour\n")?;
    writeln!(page, "| neighbour | on | whoami, ms | sign in, ms | resident, MiB |\n|---|---|---:|---:|---:|")?;
    for on in &results.databases {
        for Beside { neighbour, whoami_ms, sign_in_ms, mib } in &on.beside {
            let [whoami, sign_in] = [whoami_ms, sign_in_ms].map(|ms| format!("{ms:.2}"));
            writeln!(page, "| {neighbour} | {} | {whoami} | {sign_in} | {} |", title(&on.name), figure(*mib))?;
        }
    }
    Ok(())
}

/// A figure with as many digits as it deserves.
fn figure(value: f64) -> String {
    match value {
        value if value.is_nan() => "–".to_owned(),
        value if value.abs() < 10.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// A whole number in groups of three digits.
fn thousands(value: f64) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    let digits = format!("{value:.0}");
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::{figure, thousands};

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(thousands(1_234_567.4), "1,234,567");
        assert_eq!(thousands(12.0), "12");
        assert_eq!(thousands(f64::NAN), "–");
        assert_eq!(figure(9.96), "10.0");
        assert_eq!(figure(149.6), "150");
        assert_eq!(figure(-0.3), "-0.3");
    }
}
