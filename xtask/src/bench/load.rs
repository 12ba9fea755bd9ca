//! What is asked of the server, and `wrk`, which asks.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Plan;
use super::database::Database;
use super::process::Server;
use super::results::Sample;
use crate::command::{command, run_quietly};
use crate::{Result, root};

/// One kind of request.
pub struct Request {
    pub name: &'static str,
    pub path: &'static str,
    load: Load,
}

/// Where its variety comes from. The kinds are those of `bench/wrk/requests.lua`.
enum Load {
    /// It is always the same.
    Same(&'static str),
    /// A kind, and the file of lines that it takes turns with.
    Lines(&'static str, &'static str),
    /// A kind; each takes a flow of its own, opened before.
    Submit(&'static str, Opens),
    /// Each takes a living session of its own.
    SignOut,
}

/// How flows are opened that are to be submitted.
struct Opens {
    path: &'static str,
    /// The file with the session tokens of those who open and submit them, if they are somebody's.
    of: Option<&'static str>,
}

pub const WHOAMI: &str = "whoami by token";
pub const REQUESTS: &[Request] = &[
    Request { name: "alive", path: "/health/alive", load: Load::Same("get") },
    Request { name: WHOAMI, path: "/sessions/whoami", load: Load::Lines("token", "tokens") },
    Request { name: "whoami by cookie", path: "/sessions/whoami", load: Load::Lines("cookie", "cookies") },
    Request { name: "whoami, one of 400", path: "/sessions/whoami", load: Load::Lines("token", "crowd") },
    Request { name: "open a flow, native", path: LOGIN_FLOW, load: Load::Same("get") },
    Request { name: "open a flow, browser", path: "/self-service/login/browser", load: Load::Same("get") },
    Request {
        name: SIGN_IN,
        path: "/self-service/login",
        load: Load::Submit("sign_in", Opens::by_anybody(LOGIN_FLOW)),
    },
    Request { name: "open sign-up", path: SIGN_UP_FLOW, load: Load::Same("get") },
    Request {
        name: "sign up",
        path: "/self-service/registration",
        load: Load::Submit("sign_up", Opens::by_anybody(SIGN_UP_FLOW)),
    },
    Request { name: "open settings", path: SETTINGS_FLOW, load: Load::Lines("token", "tokens") },
    Request {
        name: "change the profile",
        path: "/self-service/settings",
        load: Load::Submit("change_profile", Opens { path: SETTINGS_FLOW, of: Some("tokens") }),
    },
    Request { name: "open recovery", path: RECOVERY_FLOW, load: Load::Same("get") },
    Request {
        name: "ask for recovery",
        path: "/self-service/recovery",
        load: Load::Submit("ask_for_code", Opens::by_anybody(RECOVERY_FLOW)),
    },
    Request { name: "open verification", path: VERIFICATION_FLOW, load: Load::Same("get") },
    Request {
        name: "ask for verification",
        path: "/self-service/verification",
        load: Load::Submit("ask_for_code", Opens::by_anybody(VERIFICATION_FLOW)),
    },
    Request { name: "sign out, native", path: "/self-service/logout/api", load: Load::SignOut },
];

pub const SIGN_IN: &str = "sign in";
const LOGIN_FLOW: &str = "/self-service/login/api";
const SIGN_UP_FLOW: &str = "/self-service/registration/api";
const SETTINGS_FLOW: &str = "/self-service/settings/api";
const RECOVERY_FLOW: &str = "/self-service/recovery/api";
const VERIFICATION_FLOW: &str = "/self-service/verification/api";
/// More sign-outs than a server does in a second, so that a round does not run out of sessions.
const SIGN_OUTS_PER_SECOND: usize = 12_000;
/// Requests of a single-use kind that are sent before it is measured.
const SINGLE_USE_WARM_UP: usize = 500;

/// What can be used once only.
pub struct Stock {
    folder: PathBuf,
    sign_outs: usize,
    signed_out: usize,
}

impl Stock {
    pub fn new(folder: &Path, plan: &Plan) -> Self {
        Self { folder: folder.to_path_buf(), sign_outs: Self::per_round(plan), signed_out: 0 }
    }

    /// How many sessions have to be there to be signed out.
    pub fn size(plan: &Plan) -> usize {
        SINGLE_USE_WARM_UP + Self::per_round(plan) * plan.rounds as usize
    }

    fn per_round(plan: &Plan) -> usize {
        SIGN_OUTS_PER_SECOND * plan.seconds as usize
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Opens flows for `seconds`, and tells how many. A line is the id of a flow, and the number and
    /// token of its owner if it has one.
    fn open_flows(&self, run: &Run<'_>, opens: &Opens, seconds: u32) -> Result<usize> {
        let path = self.folder.join("flows");
        let _ = fs::remove_file(&path);
        let (flows, owners) = (self.file("flows"), opens.of.map(|name| self.file(name)));
        let script: Vec<&str> = ["collect", &flows].into_iter().chain(owners.as_deref()).collect();
        Run { path: opens.path, ..*run }.wrk(&script, seconds)?;
        Ok(BufReader::new(File::open(path)?).lines().count())
    }
}

impl Opens {
    const fn by_anybody(path: &'static str) -> Self {
        Self { path, of: None }
    }
}

impl Request {
    /// Whether it leaves anything in the database.
    pub fn writes(&self) -> bool {
        !self.path.starts_with("/sessions/whoami") && !self.path.starts_with("/health/")
    }

    /// Whether a hash would hide everything else at the cost that servers in earnest insist on.
    pub fn is_cheapened(&self) -> bool {
        matches!(self.load, Load::Submit("sign_in" | "sign_up", _))
    }

    /// Sends requests of this kind for `seconds`, after a warm-up when this is the first time.
    pub fn measure(&self, run: &Run<'_>, stock: &mut Stock, is_first: bool, seconds: u32) -> Result<Sample> {
        let warm_up = u32::from(is_first);
        match &self.load {
            Load::Same(kind) => run.measure(&[kind], warm_up, seconds),
            Load::Lines(kind, file) => run.measure(&[kind, &stock.file(file)], warm_up, seconds),
            Load::Submit(kind, opens) => {
                let flows = stock.open_flows(run, opens, seconds + warm_up)?;
                let (spent, file) = (SINGLE_USE_WARM_UP.min(flows / 10) * warm_up as usize, stock.file("flows"));
                run.single_use(kind, &file, 0, spent)?;
                run.measure(&[kind, &file, &(spent + 1).to_string(), &(flows - spent).to_string()], 0, seconds)
            }
            Load::SignOut => {
                let file = stock.file("single_use");
                if is_first {
                    run.single_use("logout", &file, stock.signed_out, SINGLE_USE_WARM_UP)?;
                    stock.signed_out += SINGLE_USE_WARM_UP;
                }
                let from = stock.signed_out + 1;
                stock.signed_out += stock.sign_outs;
                run.measure(&["logout", &file, &from.to_string(), &stock.sign_outs.to_string()], 0, seconds)
            }
        }
    }
}

/// Load on one path of one server.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub server: &'a Server,
    pub path: &'a str,
    pub connections: u32,
    /// Whose CPU time is measured besides.
    pub database: Option<&'a Database<'a>>,
}

impl Run<'_> {
    /// Sends requests and counts what they cost. `script` is what the Lua script takes: a kind and its file.
    pub fn measure(&self, script: &[&str], warm_up: u32, seconds: u32) -> Result<Sample> {
        if warm_up > 0 {
            self.wrk(script, warm_up)?;
        }
        let database = || self.database.map_or(Ok(None), Database::cpu_us);
        let (server_before, database_before) = (self.server.cpu_us()?, database()?);
        let sent = self.wrk(script, seconds)?;
        let (server_after, database_after) = (self.server.cpu_us()?, database()?);
        let requests = sent.requests.max(1) as f64;
        let sample = Sample {
            cpu_us: (server_after - server_before) / requests,
            database_cpu_us: database_before.zip(database_after).map(|(before, after)| (after - before) / requests),
            per_second: (!sent.exhausted).then_some(requests / sent.seconds),
            p50_us: sent.p50_us,
            p99_us: sent.p99_us,
            requests: sent.requests,
            failed: sent.failed,
        };
        println!("  {:<28} {:>8.1} µs CPU {:>8} requests", self.path, sample.cpu_us, sample.requests);
        if sample.failed * 100 > sample.requests {
            return Err(format!("{} of {} requests of {} failed", sample.failed, sample.requests, self.path).into());
        }
        Ok(sample)
    }

    /// Sends `count` lines from the line after `from` on, to warm up.
    fn single_use(&self, kind: &str, file: &str, from: usize, count: usize) -> Result {
        if count > 0 {
            self.wrk(&[kind, file, &(from + 1).to_string(), &count.to_string()], 1)?;
        }
        Ok(())
    }

    fn wrk(&self, script: &[&str], seconds: u32) -> Result<Sent> {
        let connections = self.connections.to_string();
        let mut wrk: Command = command("wrk");
        // One thread: the other core is the server's, and a single-use request is sent once.
        wrk.args(["--threads", "1", "--connections", &connections, "--duration", &format!("{seconds}s"), "--latency"]);
        wrk.arg("--script").arg(root().join("bench/wrk/requests.lua"));
        wrk.arg(format!("http://127.0.0.1:{}{}", self.server.port, self.path)).arg("--").args(script);
        let said = run_quietly(&mut wrk)?;
        Sent::parse(&said).ok_or_else(|| format!("wrk said something unexpected:\n{said}").into())
    }
}

/// What `wrk` reports.
struct Sent {
    requests: u64,
    seconds: f64,
    p50_us: f64,
    p99_us: f64,
    failed: u64,
    /// Whether single-use requests ran out before the time did; `seconds` is then too long.
    exhausted: bool,
}

impl Sent {
    /// Reads the line that `bench/wrk/requests.lua` prints.
    fn parse(said: &str) -> Option<Self> {
        let line = said.lines().find_map(|line| line.strip_prefix("result "))?;
        let number = |name: &str| -> Option<u64> {
            let mut pairs = line.split(' ').filter_map(|pair| pair.split_once('='));
            pairs.find(|(known, _)| *known == name)?.1.parse().ok()
        };
        Some(Self {
            requests: number("requests")?,
            seconds: number("microseconds")? as f64 / 1e6,
            p50_us: number("p50")? as f64,
            p99_us: number("p99")? as f64,
            failed: number("refused")? + number("broken")?,
            exhausted: number("exhausted")? != 0,
        })
    }
}
