//! `cargo xtask bench`: what the build for production costs, beside a bare route and beside `pgbench` on the same machine.
//!
//! Nothing here passes or fails: what is measured is written down.

mod database;
mod history;
mod load;
mod process;
mod report;
mod results;
mod targets;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::Duration;

use crate::command::{cargo, command, run_quietly, succeed};
use crate::install::{self, Need, POSTGRES, SQLITE, WRK};
use crate::postgres::{self, Postgres};
use crate::{Result, root, target};
use database::Database;
use load::{REQUESTS, Request, Run, Stock};
use process::{Server, free_port};
use results::{Beside, Measured, OnDatabase, Pgbench, Results};

const HELP: &str = "\
Measures the build for production (--profile dist) with wrk, on SQLite and on PostgreSQL, writes
docs/benchmarks.md, and adds the run to bench/results/runs.jsonl: a row of JSON with the figures that
have a target.

Usage: cargo xtask bench [OPTIONS]

  --quick             one short round
  --database NAME     only on sqlite, or only on postgres
  --only NAME         only requests and noisy neighbours whose name contains NAME
  --connections N     how many requests are under way at a time (16)
  --json FILE         the file that the row is added to

With any option but --json the report is only printed, and both files are in target/bench.
ZELUS_BIN names another server than that build.";

/// What is measured, and for how long.
struct Plan {
    rounds: u32,
    /// How long one kind of request is sent in one round.
    seconds: u32,
    connections: u32,
    /// How often the server is started to see how long that takes.
    starts: u32,
    databases: Vec<&'static str>,
    requests: Vec<&'static Request>,
    /// Beside whom honest clients are measured: by the names of `bench beside`, and in words.
    neighbours: Vec<(&'static str, &'static str)>,
    /// Whether everything is measured, so that the result may stand in the repository.
    is_whole: bool,
    json: Option<PathBuf>,
}

const DATABASES: [&str; 2] = ["sqlite", "postgres"];

const NEIGHBOURS: [(&str, &str); 5] = [
    ("nobody", "nobody"),
    ("guesses", "30 connections that guess passwords"),
    ("lists", "10 clients that list 250 sessions"),
    ("slow", "1,000 bodies that never end"),
    ("idle", "5,000 idle connections"),
];

/// Runs the task.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let plan = plan(arguments)?;
    let on_postgres = plan.databases.contains(&"postgres");
    let needs: [&Need; 3] = [&WRK, &SQLITE, &POSTGRES];
    install::ensure(&needs[..if on_postgres { 3 } else { 2 }])?;

    let server = build()?;
    let folder = target().join("bench");
    fs::create_dir_all(&folder)?;
    let mut results = Results::begin(&plan)?;
    results.hash_us = run_quietly(command(helper()).arg("hash"))?.trim().parse::<f64>()? / 1000.0;
    let jsonnet = run_quietly(command(helper()).arg("jsonnet").arg(&server))?;
    results.jsonnet_us = Some(jsonnet.trim().parse::<f64>()? / 1000.0);
    let bare_starts = (0..plan.starts).map(|_| start_bare(&folder)).collect::<Result<Vec<_>>>()?;
    results.bare_start_ms = process::median_start_ms(&bare_starts);
    drop(bare_starts);
    let bare = start_bare(&folder)?;
    sleep(Duration::from_secs(1));
    results.bare_idle = bare.memory()?;

    for name in &plan.databases {
        let cluster = (*name == "postgres").then(Postgres::start_durable).transpose()?;
        let database = Database::new(&folder, cluster.as_ref());
        let bench = Bench { plan: &plan, server: &server, folder: folder.join(name), database, bare: &bare };
        let (measured, pgbench) = bench.run(name)?;
        results.databases.push(measured);
        results.pgbench = results.pgbench.or(pgbench);
    }
    finish(&plan, &folder, &results)?;
    Ok(ExitCode::SUCCESS)
}

fn plan(arguments: &[String]) -> Result<Plan> {
    let mut plan = Plan {
        rounds: 5,
        seconds: 2,
        connections: 16,
        starts: 9,
        databases: DATABASES.to_vec(),
        requests: REQUESTS.iter().collect(),
        neighbours: NEIGHBOURS.to_vec(),
        is_whole: env::var_os("ZELUS_BIN").is_none(),
        json: None,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value.\n\n{HELP}"));
        plan.is_whole &= argument == "--json";
        match argument.as_str() {
            "--quick" => (plan.rounds, plan.seconds, plan.starts) = (1, 1, 3),
            "--connections" => plan.connections = value()?.parse()?,
            "--json" => plan.json = Some(value()?.into()),
            "--only" => {
                let name = value()?;
                plan.requests.retain(|request| request.name.contains(name.as_str()));
                plan.neighbours.retain(|(_, neighbour)| neighbour.contains(name.as_str()));
            }
            "--database" => {
                let name = value()?;
                plan.databases.retain(|known| known == name);
            }
            _ => return Err(format!("{argument} is not understood.\n\n{HELP}").into()),
        }
    }
    let is_empty = plan.requests.is_empty() && plan.neighbours.is_empty();
    if is_empty || plan.databases.is_empty() || plan.connections == 0 {
        let requests: Vec<_> = REQUESTS.iter().map(|request| request.name).collect();
        return Err(
            format!("nothing to measure. Requests: {}. Databases: sqlite, postgres.", requests.join("; ")).into()
        );
    }
    Ok(plan)
}

/// Builds the helper and the server, and gives back where the server is.
fn build() -> Result<PathBuf> {
    let given = env::var_os("ZELUS_BIN").map(PathBuf::from);
    let packages: &[&str] = if given.is_some() { &[] } else { &["--package", "zelus"] };
    succeed(cargo().args(["build", "--profile", "dist", "--package", "bench"]).args(packages))?;
    Ok(given.unwrap_or_else(|| target().join("dist/zelus")))
}

/// The program of `bench/`.
fn helper() -> PathBuf {
    target().join("dist/bench")
}

fn start_bare(folder: &Path) -> Result<Server> {
    let port = free_port()?;
    let mut serve = command(helper());
    serve.args(["route", &format!("127.0.0.1:{port}")]);
    Server::start(serve, port, &folder.join("bare.log"))
}

/// The server on one database.
struct Bench<'a> {
    plan: &'a Plan,
    server: &'a Path,
    /// Where its files are.
    folder: PathBuf,
    database: Database<'a>,
    bare: &'a Server,
}

impl Bench<'_> {
    fn run(&self, name: &str) -> Result<(OnDatabase, Option<Pgbench>)> {
        println!("\n=== {name}");
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir_all(&self.folder)?;
        self.database.create()?;
        self.configure(1, 1)?;
        run_quietly(self.command(&["migrate", "sql", "up", "-e", "--yes"]).env("SQA_OPT_OUT", "true"))?;
        // Some versions lay down the last rows of their own at their first start.
        drop(self.start(&[])?);
        self.seed()?;

        let starts = (0..self.plan.starts).map(|_| self.start(&[])).collect::<Result<Vec<_>>>()?;
        let start_ms = process::median_start_ms(&starts);
        drop(starts);
        let server = self.start(&[])?;
        sleep(Duration::from_secs(1));
        let idle = server.memory()?;
        println!("ready in {start_ms:.0} ms, {:.1} MiB when idle", idle.total_mib);

        let (bare, requests, pgbench) = self.measure(&server)?;
        let whoami_statements = self.database.statements_of(|| {
            let token = fs::read_to_string(self.folder.join("tokens"))?;
            let token = token.lines().next().unwrap_or_default();
            process::get(server.port, "/sessions/whoami", &format!("X-Session-Token: {token}\r\n")).map(drop)
        })?;
        let loaded = server.memory()?;
        drop(server);
        let beside = self.beside()?;
        let name = name.to_owned();
        Ok((OnDatabase { name, start_ms, idle, loaded, whoami_statements, bare, requests, beside }, pgbench))
    }

    /// How long honest clients wait beside each noisy neighbour, at a server of its own.
    fn beside(&self) -> Result<Vec<Beside>> {
        let seconds = (self.plan.rounds * self.plan.seconds).to_string();
        let measure = |(noise, neighbour): &(&str, &'static str)| {
            println!("beside {neighbour}");
            let server = self.start(&["--dev"])?;
            let address = format!("127.0.0.1:{}", server.port);
            let mut beside = command(helper());
            beside.args(["beside", noise, &address]).arg(&self.folder).arg(&seconds);
            let printed = run_quietly(&mut beside)?;
            let mut figures = printed.split_whitespace().map(str::parse);
            let mut next = || figures.next().ok_or("too few figures");
            let (whoami_ms, sign_in_ms) = (next()??, next()??);
            Ok(Beside { neighbour, whoami_ms, sign_in_ms, mib: server.memory()?.total_mib })
        };
        self.plan.neighbours.iter().map(measure).collect()
    }

    /// Round by round, so that each request is compared with the bare route of about the same moment. Those that only read
    /// come first, since the others make the database grow to several times its size.
    fn measure(&self, server: &Server) -> Result<(Measured, Vec<Measured>, Option<Pgbench>)> {
        let plan = self.plan;
        let mut bare = Measured::new("bare route");
        let mut requests: Vec<_> = plan.requests.iter().map(|request| Measured::new(request.name)).collect();
        let mut pgbench = None;
        // Passwords are hashed with less work than in earnest, which only a server for development agrees to.
        let dev_server = self.start(&["--dev"])?;
        // Until something is written, SQLite asks for the size of its file at each read; no server stays like that for long.
        process::get(server.port, "/self-service/login/api", "")?;
        let mut stock = Stock::new(&self.folder, plan);
        let run = |server, path, database| Run { server, path, connections: plan.connections, database };
        for (writes, round) in
            [false, true].into_iter().flat_map(|writes| (0..plan.rounds).map(move |round| (writes, round)))
        {
            println!("round {} of {}, {}", round + 1, plan.rounds, if writes { "writing" } else { "reading" });
            if !writes {
                let route = run(self.bare, "/", None);
                bare.samples.push(route.measure(&["get"], u32::from(round == 0), plan.seconds)?);
            }
            for (request, measured) in plan.requests.iter().zip(&mut requests) {
                if request.writes() != writes {
                    continue;
                }
                let server = if request.is_cheapened() { &dev_server } else { server };
                let run = run(server, request.path, Some(&self.database));
                measured.samples.push(request.measure(&run, &mut stock, round == 0, plan.seconds)?);
            }
            if !writes && let Some(found) = self.database.pgbench(plan.connections, plan.seconds, round == 0)? {
                pgbench.get_or_insert_with(Pgbench::default).samples.push(found);
            }
        }
        Ok((bare, requests, pgbench))
    }

    /// Fills the database, and the folder with what the load is made of.
    fn seed(&self) -> Result {
        let network = self.database.value("SELECT id FROM networks")?;
        let password = self.database.value("SELECT id FROM identity_credential_types WHERE name = 'password'")?;
        let single_use = Stock::size(self.plan).to_string();
        run_quietly(command(helper()).arg("seed").arg(&self.folder).args([network, password, single_use]))?;
        self.database.load(&self.folder.join("seed.sql"))
    }

    fn start(&self, flags: &[&str]) -> Result<Server> {
        let (public, admin) = (free_port()?, free_port()?);
        self.configure(public, admin)?;
        let mut serve = self.command(&["serve"]);
        serve.args(flags).env("SQA_OPT_OUT", "true");
        Server::start(serve, public, &self.folder.join(format!("server-{public}.log")))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut server = command(self.server);
        server.args(arguments).arg("-c").arg(self.folder.join("server.yml"));
        server
    }

    /// Fills in the configuration.
    fn configure(&self, public: u16, admin: u16) -> Result {
        let template = fs::read_to_string(root().join("bench/server.yml"))?;
        let filled = template
            .replace("${dsn}", &self.database.dsn())
            .replace("${publicPort}", &public.to_string())
            .replace("${adminPort}", &admin.to_string())
            .replace("${repository}", &root().display().to_string());
        Ok(fs::write(self.folder.join("server.yml"), filled)?)
    }
}

/// Writes what was found to where it belongs.
fn finish(plan: &Plan, folder: &Path, results: &Results) -> Result {
    let (report, rows) = match plan.is_whole {
        true => (root().join("docs/benchmarks.md"), root().join("bench/results/runs.jsonl")),
        false => (folder.join("benchmarks.md"), folder.join("runs.jsonl")),
    };
    let rows = plan.json.clone().unwrap_or(rows);
    let text = report::render(results);
    fs::write(&report, &text)?;
    history::append(results, &rows)?;
    println!("\n{text}\nWritten to {}; a row added to {}.", report.display(), rows.display());
    Ok(())
}

/// PostgreSQL's program of this name.
fn postgres_program(name: &str) -> Result<Command> {
    Ok(command(postgres::programs().ok_or("PostgreSQL is not installed")?.join(name)))
}
