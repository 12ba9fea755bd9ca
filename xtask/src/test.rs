//! `cargo xtask test`: installs what the tests need, runs them step by step, and counts.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, iter};

use crate::command::{cargo, command, stream, succeed};
use crate::install::{self, CHROMIUM, GO, JAVA, NODE, Need, POSTGRES, PYTHON};
use crate::postgres::Postgres;
use crate::tally::Tally;
use crate::{Result, root, target};

const HELP: &str = "\
Installs what the tests need, and runs them all.

Usage: cargo xtask test [--only STEP]…

Steps, in this order:
  unit      cargo test --workspace, with a PostgreSQL of its own beside SQLite
  wire      replays recorded HTTP exchanges (e2e/wire), on SQLite and on PostgreSQL;
            needs ports 4433, 4434, 4461
  sdk       the published SDKs: npm, PyPI, Go, Maven, Cargo
  browser   Chromium on the built-in pages and on the apps of examples/

As root, missing Debian packages are installed; otherwise the task says which to install, and stops.
ZELUS_BIN names another server for wire, sdk and browser than the development build.";

/// One step: its name, what it needs from the system, and what it does.
struct Step {
    name: &'static str,
    needs: &'static [&'static Need],
    run: fn(&Context) -> Result<Tally>,
}

const STEPS: &[Step] = &[
    Step { name: "unit", needs: &[&POSTGRES], run: unit },
    Step { name: "wire", needs: &[&POSTGRES, &PYTHON], run: wire },
    Step { name: "sdk", needs: &[&NODE, &PYTHON, &GO, &JAVA], run: sdk },
    Step { name: "browser", needs: &[&NODE, &CHROMIUM], run: browser },
];

/// What the steps share.
struct Context {
    /// The server under test.
    server: PathBuf,
    postgres: Option<Postgres>,
}

/// Runs the task. The exit code tells whether every test passed.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let steps = chosen(arguments)?;
    let needs: Vec<_> = steps.iter().flat_map(|step| step.needs).copied().collect();
    install::ensure(&needs)?;
    let needs_postgres = steps.iter().any(|step| ["unit", "wire"].contains(&step.name));
    let context = Context {
        server: env::var_os("ZELUS_BIN").map_or_else(|| target().join("debug/zelus"), PathBuf::from),
        postgres: needs_postgres.then(Postgres::start).transpose()?,
    };

    let mut total = Tally::default();
    let mut report = Vec::new();
    for step in steps {
        println!("\n=== {}", step.name);
        let start = Instant::now();
        let tally = (step.run)(&context).unwrap_or_else(|error| {
            eprintln!("{}: {error}", step.name);
            Tally { passed: 0, failed: 1 }
        });
        total += tally;
        report.push(line(step.name, tally, start.elapsed()));
        println!("--- {}", report[report.len() - 1]);
    }
    println!("\n{}\n{} passed, {} failed", report.join("\n"), total.passed, total.failed);
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The steps that the arguments ask for: all of them, unless some are named.
fn chosen(arguments: &[String]) -> Result<Vec<&'static Step>> {
    let mut names = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let name = match argument.strip_prefix("--only") {
            Some("") => arguments.next().ok_or("--only names a step")?,
            Some(rest) if rest.starts_with('=') => &rest[1..],
            _ => return Err(format!("{argument} is not understood.\n\n{HELP}").into()),
        };
        if !STEPS.iter().any(|step| step.name == name) {
            return Err(format!("there is no step named {name}.\n\n{HELP}").into());
        }
        names.push(name);
    }
    Ok(STEPS.iter().filter(|step| names.is_empty() || names.contains(&step.name)).collect())
}

fn line(name: &str, tally: Tally, time: Duration) -> String {
    format!("{name:<8} {:>5} passed {:>4} failed {:>5} s", tally.passed, tally.failed, time.as_secs())
}

/// Runs a test runner and counts what it reports.
fn count(runner: &mut Command) -> Result<Tally> {
    let mut tally = Tally::default();
    let succeeded = stream(runner, |line| tally += Tally::of_line(line))?;
    Ok(tally.settled(succeeded))
}

fn unit(context: &Context) -> Result<Tally> {
    let mut tests = cargo();
    tests.args(["test", "--workspace", "--no-fail-fast"]);
    if let Some(postgres) = &context.postgres {
        tests.env("ZELUS_TEST_POSTGRES", postgres.url("postgres"));
    }
    count(&mut tests)
}

/// Builds the server under test, unless `ZELUS_BIN` names one.
fn build_server() -> Result {
    if env::var_os("ZELUS_BIN").is_some() { Ok(()) } else { succeed(cargo().args(["build", "--package", "zelus"])) }
}

/// Further recordings, with a check of their own, which not every copy of the repository has beside it.
const GIVEN_CHECK: &str = "../shared/wire/wirecheck.py";
/// Where the answers to those differ on purpose; `e2e/wire/differences.txt` is for ours.
const GIVEN_ACCEPTED: &str = "docs/wire-differences.txt";
/// Those of our recordings that ask most of a database in the least time: sessions and accounts, lists, and every method.
const DATABASE_SUITES: [&str; 3] = ["administration", "methods", "operations"];

fn wire(context: &Context) -> Result<Tally> {
    let python = install::python("venv-wire", "e2e/wire/requirements.txt")?;
    build_server()?;
    let run = |script: &Path, mode: &str| {
        let mut run = command(&python);
        run.env("PYTHONDONTWRITEBYTECODE", "1").arg(script).arg(mode);
        run
    };
    let compare = |script: &Path, database: Option<&Postgres>| {
        let mut compare = run(script, "compare");
        compare.args(["--cmd", &format!("{} serve -c {{config}} --watch-courier", context.server.display())]);
        compare.args(["--migrate", &format!("{} migrate sql up -e --yes -c {{config}}", context.server.display())]);
        if let Some(postgres) = database {
            compare.args(["--dsn", &postgres.url("wire"), "--reset", &postgres.reset_command("wire")]);
        }
        compare
    };
    let ours = root().join("e2e/wire/check.py");
    let given = root().join(GIVEN_CHECK);
    let postgres = context.postgres.as_ref();

    let mut tally = count(&mut run(&ours, "test"))?;
    tally += count(&mut compare(&ours, None))?;
    // One thorough run on SQLite is enough, and PostgreSQL sees the recordings that take a minute or two.
    if given.is_file() {
        for database in iter::once(None).chain(postgres.map(Some)) {
            tally += count(compare(&given, database).arg("--accept").arg(root().join(GIVEN_ACCEPTED)))?;
        }
    } else {
        println!("There are no further recordings at {GIVEN_CHECK}: only those of e2e/wire are replayed.");
        if postgres.is_some() {
            tally += count(compare(&ours, postgres).args(DATABASE_SUITES))?;
        }
    }
    Ok(tally)
}

fn sdk(context: &Context) -> Result<Tally> {
    let python = install::python("venv-sdk", "e2e/sdk/python/requirements.txt")?;
    install::npm("e2e/sdk/node")?;
    build_server()?;
    let built = target().join("e2e");
    let (go, rust) = (built.join("sdk-go"), built.join("sdk-rust"));
    succeed(command("go").args(["build", "-o"]).arg(&go).arg(".").current_dir(root().join("e2e/sdk/go")))?;
    let rust_manifest = root().join("e2e/sdk/rust/Cargo.toml");
    succeed(
        cargo()
            .args(["build", "--quiet", "--locked", "--target-dir"])
            .arg(&rust)
            .arg("--manifest-path")
            .arg(rust_manifest),
    )?;
    let maven = ["mvn", "--quiet", "--batch-mode", "--file", "e2e/sdk/java/pom.xml"];
    succeed(command(maven[0]).args(&maven[1..]).arg("compile"))?;

    let mut tally = count(command("node").arg("e2e/sdk/node/run.mjs").env("ZELUS_BIN", &context.server))?;
    let mut beside_a_server = |runner: &[&Path]| -> Result {
        let mut supervisor = command("node");
        supervisor.args(["e2e/lib/server.mjs", "apps", "--"]).args(runner).env("ZELUS_BIN", &context.server);
        tally += count(&mut supervisor)?;
        Ok(())
    };
    beside_a_server(&[&python, Path::new("e2e/sdk/python/run.py")])?;
    beside_a_server(&[&go])?;
    let java: Vec<_> = maven.iter().chain(&["exec:java"]).map(Path::new).collect();
    beside_a_server(&java)?;
    beside_a_server(&[&rust.join("debug/e2e-sdk-rust")])?;
    Ok(tally)
}

fn browser(context: &Context) -> Result<Tally> {
    for folder in ["e2e/browser", "examples/express", "examples/react-spa"] {
        install::npm(folder)?;
    }
    build_server()?;
    let mut tests = command("node");
    // One file at a time: two browsers at once on two cores make each other late.
    tests.args(["--test", "--test-concurrency=1", "--test-timeout=300000", "--test-reporter=spec"]);
    count(tests.current_dir(root().join("e2e/browser")).env("ZELUS_BIN", &context.server))
}
