//! A PostgreSQL server of our own: a fresh cluster in a temporary folder, on a free port of 127.0.0.1, gone at the end.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;
use crate::command::{command, run_quietly, succeed, which};
use crate::install::is_root;

/// A running cluster. Dropping it stops the server and deletes its files.
pub struct Postgres {
    programs: PathBuf,
    directory: PathBuf,
    port: u16,
}

/// Trust stands in for passwords.
const SETTINGS: &[&str] = &["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300"];
/// Nothing of a test outlives it.
const NOT_DURABLE: &[&str] = &["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

impl Postgres {
    /// Makes and starts a cluster for tests, which loses what it was told when the machine stops.
    pub fn start() -> Result<Self> {
        Self::start_with(NOT_DURABLE)
    }

    /// Makes and starts a cluster that keeps what it was told, as one in use does.
    pub fn start_durable() -> Result<Self> {
        Self::start_with(&[])
    }

    /// PostgreSQL refuses to run as root, so root lends it the `postgres` user.
    fn start_with(durability: &[&str]) -> Result<Self> {
        let programs = programs().ok_or("PostgreSQL is not installed")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let directory = std::env::temp_dir().join(format!("zelus-postgres-{}-{port}", std::process::id()));
        let cluster = Self { programs, directory, port };
        let directory = cluster.directory.as_os_str();

        let mut initdb = cluster.as_postgres("initdb");
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]);
        run_quietly(initdb.arg("--pgdata").arg(directory))?;

        let settings: Vec<String> = SETTINGS.iter().chain(durability).map(|setting| format!("-c {setting}")).collect();
        let options = format!("-p {port} {}", settings.join(" "));
        let mut start = cluster.as_postgres("pg_ctl");
        start.args(["start", "--wait", "--silent", "--options", &options]).stdout(Stdio::null());
        start.arg("--log").arg(cluster.log()).arg("--pgdata").arg(directory);
        succeed(&mut start)?;
        Ok(cluster)
    }

    /// Where `database` is found, in the form that a `dsn` has.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// The process that starts all others of the cluster.
    pub fn process_id(&self) -> Result<u32> {
        let file = fs::read_to_string(self.directory.join("postmaster.pid"))?;
        Ok(file.lines().next().unwrap_or_default().parse()?)
    }

    /// The file that the cluster writes its log to.
    pub fn log(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    /// A shell command that leaves `database` empty, whether it was there or not.
    pub fn reset_command(&self, database: &str) -> String {
        format!(
            "{} --host 127.0.0.1 --port {} --username postgres --dbname postgres --quiet \
             --command 'DROP DATABASE IF EXISTS {database} WITH (FORCE)' --command 'CREATE DATABASE {database}'",
            self.programs.join("psql").display(),
            self.port
        )
    }

    fn as_postgres(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = command("runuser");
            command.args(["--user", "postgres", "--"]).arg(program);
            command
        } else {
            command(program)
        };
        // The postgres user may not enter the repository.
        command.current_dir("/");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.as_postgres("pg_ctl");
        stop.args(["stop", "--silent", "--mode=immediate", "--pgdata"]).arg(&self.directory);
        if let Err(error) = run_quietly(&mut stop) {
            eprintln!("{error}");
        }
        // A folder that stays behind in the temporary directory does no harm.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The folder of PostgreSQL's programs; Debian keeps one for each version, off the search path.
pub fn programs() -> Option<PathBuf> {
    let newest = || {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        let found = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").is_file());
        found.max_by_key(|bin| version_of(bin))
    };
    newest().or_else(|| Some(which("initdb")?.parent()?.to_path_buf()))
}

fn version_of(bin: &Path) -> u32 {
    let name = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or(0)
}
