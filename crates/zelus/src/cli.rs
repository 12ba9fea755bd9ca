//! The command line: Kratos' commands and flags, so that scripts keep working.

use std::io::Write;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

/// What this program calls itself with, to evaluate Jsonnet in a process of its own.
pub const JSONNET_WORKER: &str = "jsonnet-worker";

/// The whole command line.
pub fn command() -> Command {
    Command::new("zelus")
        .version(env!("CARGO_PKG_VERSION"))
        .about("An identity and session server that speaks Ory Kratos' API.")
        .after_help(
            "Try it:\n  zelus serve --dev\n\nWith your kratos.yaml:\n  zelus migrate sql up -e --yes -c kratos.yaml\n  zelus serve -c kratos.yaml",
        )
        .arg(config_files().global(true))
        .arg(accepted_flag("sqa-opt-out", "Accepted for Kratos' sake: there is no telemetry to opt out of").global(true))
        .subcommand(serve())
        .subcommand(courier())
        .subcommand(migrate())
        .subcommand(Command::new(JSONNET_WORKER).hide(true))
        .subcommand(Command::new("version").about("Print the version"))
}

fn serve() -> Command {
    Command::new("serve")
        .about("Serve the public and the admin API")
        .after_help(
            "Without -c, --dev makes its own configuration: a SQLite file and secrets in .zelus/, sign-in pages at http://localhost:4433/.",
        )
        .arg(Arg::new("all").hide(true).value_parser(["all"]))
        .arg(flag("dev", "Development mode: plain HTTP, and the log explains every 401 and 403. Never in production"))
        .arg(flag("watch-courier", "Deliver queued messages in this process"))
}

fn courier() -> Command {
    let watch = Command::new("watch")
        .about("Deliver queued messages until told to stop; any number of processes may do so at once")
        .arg(flag("dev", "Development mode, as for `serve`"));
    Command::new("courier")
        .about("Deliver messages")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(watch)
}

fn migrate() -> Command {
    let up = Command::new("up").about("Create or complete the tables").args(database_arguments());
    let status = Command::new("status").about("List the steps and whether they were taken").args(database_arguments());
    let sql = Command::new("sql")
        .about("Prepare a SQL database; without a verb, the same as `up`")
        .args(database_arguments())
        .args_conflicts_with_subcommands(true)
        .subcommand(up)
        .subcommand(status);
    Command::new("migrate")
        .about("Prepare a database")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(sql)
}

fn database_arguments() -> [Arg; 3] {
    let dsn =
        Arg::new("dsn").value_name("DSN").help("The database, such as sqlite:///var/lib/zelus.sqlite or postgres://…");
    let from_environment = Arg::new("read-from-env")
        .short('e')
        .long("read-from-env")
        .action(ArgAction::SetTrue)
        .help("Take the DSN from the environment or the configuration instead");
    let yes = Arg::new("yes").short('y').long("yes").action(ArgAction::SetTrue).help("Do not ask for confirmation");
    [dsn, from_environment, yes]
}

fn config_files() -> Arg {
    Arg::new("config")
        .short('c')
        .long("config")
        .value_name("FILE")
        .action(ArgAction::Append)
        .value_parser(value_parser!(PathBuf))
        .help("Configuration file (YAML, JSON or TOML); may be repeated, later files win")
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn accepted_flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// The files given by `-c`, in order.
pub fn config_paths(matches: &ArgMatches) -> Vec<PathBuf> {
    matches.get_many::<PathBuf>("config").map(|files| files.cloned().collect()).unwrap_or_default()
}

/// Tells the person at the terminal something. A closed terminal is no reason to fail.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

/// Tells the person at the terminal what went wrong.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_of_kratos_is_understood() {
        command().debug_assert();
        for line in [
            "zelus serve -c a.yml -c b.yml --dev --watch-courier --sqa-opt-out",
            "zelus serve all -c a.yml",
            "zelus -c a.yml serve",
            "zelus migrate sql up -e --yes -c a.yml",
            "zelus migrate sql -e --yes -c a.yml",
            "zelus migrate sql --yes sqlite://x",
            "zelus migrate sql status -e",
            "zelus courier watch -c a.yml",
            "zelus version",
        ] {
            let words = line.split(' ');
            assert!(command().try_get_matches_from(words).is_ok(), "{line}");
        }
        let matches = command().get_matches_from(["zelus", "-c", "a", "serve"]);
        let (_, serve) = matches.subcommand().expect("a subcommand");
        assert_eq!(config_paths(serve), [PathBuf::from("a")]);
    }
}
