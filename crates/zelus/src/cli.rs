//! The command line: Kratos' commands and flags, so that scripts keep working.

use std::io::Write;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use model::go::parse_duration;
use model::{IdentityId, SignedDuration};
use tunnel::{Address, parse_cookie_domain, parse_origin};
use url::Url;

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
        .subcommand(guard())
        .subcommand(cleanup())
        .subcommand(tunnel())
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
    let metrics = Arg::new("expose-metrics-port")
        .long("expose-metrics-port")
        .value_name("PORT")
        .value_parser(value_parser!(u16))
        .help("Serve /metrics/prometheus and /health/alive at this port of serve.admin.host; 0 is none");
    let watch = Command::new("watch")
        .about("Deliver queued messages until told to stop; any number of processes may do so at once")
        .arg(flag("dev", "Development mode, as for `serve`"))
        .arg(metrics);
    Command::new("courier")
        .about("Deliver messages")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(watch)
}

fn migrate() -> Command {
    let up = Command::new("up").about("Create or complete the tables").arg(dsn());
    let down = Command::new("down")
        .about("Undo migrations; not there yet")
        .arg(dsn())
        .arg(Arg::new("steps").long("steps").value_name("N").value_parser(value_parser!(u32)).help("How many to undo"));
    let block = flag("block", "Wait until all of them were taken");
    let status = Command::new("status").about("List the steps and whether they were taken").arg(dsn()).arg(block);
    let from_environment = Arg::new("read-from-env")
        .short('e')
        .long("read-from-env")
        .action(ArgAction::SetTrue)
        .help("Take the DSN from the environment or the configuration instead");
    let yes = Arg::new("yes").short('y').long("yes").action(ArgAction::SetTrue).help("Do not ask for confirmation");
    let sql = Command::new("sql")
        .about("Prepare a SQL database; without a verb, the same as `up`")
        .arg(dsn())
        // They may stand ahead of the verb, too.
        .arg(from_environment.global(true))
        .arg(yes.global(true))
        .subcommand(up)
        .subcommand(down)
        .subcommand(status);
    Command::new("migrate")
        .about("Prepare a database")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(sql)
}

fn guard() -> Command {
    let development = || flag("dev", "The database of `serve --dev`");
    let list = Command::new("list").about("List what has failed most, and until when it rests").arg(development()).arg(
        Arg::new("limit").long("limit").value_name("N").value_parser(value_parser!(u32)).help("How many lines [50]"),
    );
    let identity = Arg::new("identity")
        .long("identity")
        .value_name("ID")
        .value_parser(|text: &str| text.parse::<IdentityId>().map_err(|_| "it is no identifier"))
        .help("Of this identity, with its addresses and identifiers");
    let clear = Command::new("clear")
        .about("Forget failed tries, so that somebody can go on at once")
        .arg(development())
        .arg(identity)
        .arg(flag("all", "Of everybody"))
        .group(ArgGroup::new("whose").args(["identity", "all"]).required(true));
    Command::new("guard")
        .about("See and forget the failed tries that hold people up (zelus.guard)")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(list)
        .subcommand(clear)
}

fn cleanup() -> Command {
    let from_environment = Arg::new("read-from-env")
        .short('e')
        .long("read-from-env")
        .value_name("true|false")
        .num_args(0..=1)
        .require_equals(true)
        .value_parser(value_parser!(bool))
        .default_missing_value("true")
        .help("Take the DSN from the environment or the configuration; so it is unless a DSN is named");
    let duration = |name, help| Arg::new(name).long(name).value_name("DURATION").value_parser(read_duration).help(help);
    let sql = Command::new("sql")
        .about("Remove what is out of date from a SQL database, once")
        .after_help(
            "Removed: flows, codes, links, sessions and what browsers left unfinished, once they have expired; exchanges of \
             session tokens two hours after they began, and errors after a week. With a configuration also what it lets go of: \
             sessions that were ended and messages, by database.cleanup.older_than or zelus.defaults, and the texts of \
             messages whose codes have expired, by zelus.keep_message_texts.\n\n\
             Servers do most of this by themselves, about every hour; both may do it at once. It may be stopped at any time.\n\n\
             Every night, keeping what expired within a month:\n  \
             zelus cleanup sql -c kratos.yaml --keep-last 720h\n\n\
             All at once, on a database that nobody else uses:\n  \
             zelus cleanup sql sqlite:///var/lib/zelus.sqlite -b 1000 --sleep-tables 0s",
        )
        .arg(dsn().value_parser(read_dsn))
        .arg(from_environment)
        .arg(
            Arg::new("batch-size")
                .short('b')
                .long("batch-size")
                .visible_alias("database.cleanup.batch_size")
                .value_name("ROWS")
                .value_parser(value_parser!(u32).range(1..))
                .help("How many rows are removed at once; 100, unless the configuration says otherwise"),
        )
        .arg(
            duration("sleep-tables", "The rest after each kind of rows; 1m, unless the configuration says otherwise")
                .visible_alias("database.cleanup.sleep.tables"),
        )
        .arg(duration("keep-last", "Keep what expired within this time, such as 720h; 0s, unless it is given"));
    Command::new("cleanup")
        .about("Remove what nobody needs any more")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(sql)
}

fn tunnel() -> Command {
    let option = |name, value, help| Arg::new(name).long(name).value_name(value).help(help);
    Command::new("tunnel")
        .about("Put a server elsewhere on http://localhost:4000, for an app under development")
        .after_help(
            "Browsers keep the cookies of a server from an app at another site. Through the tunnel both are at localhost, so \
             an app at http://localhost:3000 signs people in and out by fetch with `credentials: \"include\"`, and its server \
             sees the cookies too. Cookies, redirects and addresses are rewritten as they pass; nothing is stored.\n\n\
             With a server of your company, and an app at port 3000:\n  \
             zelus tunnel --url https://id.example.org http://localhost:3000\n\n\
             The server has to let people return to the app:\n  \
             selfservice: { allowed_return_urls: [\"http://localhost:3000\"] }\n\n\
             A server on this machine by `zelus serve --dev` is at port 4000 already, without a tunnel.\n\
             The server's certificate is checked; SSL_CERT_FILE names more authorities.",
        )
        .arg(
            option("url", "URL", "The public address of Zelus or Kratos; else ZELUS_URL, ORY_SDK_URL or KRATOS_PUBLIC_URL")
                .value_parser(Address::parse),
        )
        .arg(
            option("port", "PORT", "The port of this machine at which the tunnel is")
                .default_value("4000")
                .value_parser(value_parser!(u16).range(1..)),
        )
        .arg(accepted_flag("dev", "Accepted for Ory's sake: a tunnel is for development only"))
        .arg(
            option("allowed-cors-origins", "ORIGIN", "More origins whose pages may use the tunnel; may be repeated")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .value_parser(parse_origin),
        )
        .arg(
            option("cookie-domain", "DOMAIN", "Domain of the cookies, which the tunnel answers to as well, such as app.local")
                .value_parser(parse_cookie_domain),
        )
        .arg(
            option("default-redirect-url", "URL", "Where people go whom the server would lead to a page of its own")
                .value_parser(read_web_url),
        )
        .arg(
            Arg::new("app")
                .value_name("APP_URL")
                .required(true)
                .value_parser(read_web_url)
                .help("The address of the app, such as http://localhost:3000"),
        )
}

/// An address of the web.
///
/// # Errors
/// A sentence that shows how one is written.
fn read_web_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| "expected an address such as http://localhost:3000".to_owned())
}

/// A duration as in the configuration.
///
/// # Errors
/// A sentence that shows how they are written.
fn read_duration(text: &str) -> Result<SignedDuration, String> {
    parse_duration(text).ok_or_else(|| "expected a duration such as 90s, 15m or 720h".to_owned())
}

fn dsn() -> Arg {
    Arg::new("dsn")
        .value_name("DSN")
        .value_parser(check_dsn)
        .help("The database, such as sqlite:///var/lib/zelus.sqlite or postgres://…")
}

/// The verbs of `migrate sql`.
const VERBS: [&str; 3] = ["up", "down", "status"];

/// A DSN, which is `memory` or has a scheme. Anything else is a verb that does not exist, or is mistyped: to take it for a
/// database, and do what is done without a verb, would change a database that nobody meant.
///
/// # Errors
/// A sentence that names the nearest verb. It does not repeat what was typed; the caller does.
fn check_dsn(text: &str) -> Result<String, String> {
    if let Ok(dsn) = read_dsn(text) {
        return Ok(dsn);
    }
    let typed = text.to_ascii_lowercase();
    let nearest = VERBS.map(|verb| (strsim::damerau_levenshtein(&typed, verb), verb)).into_iter().min();
    let suggestion = nearest.filter(|(distance, verb)| *distance <= verb.len() / 2);
    let suggestion = suggestion.map(|(_, verb)| format!("; did you mean `{verb}`?")).unwrap_or_default();
    Err(format!("it is neither a verb (up, down, status) nor a DSN, which is `memory` or has a scheme{suggestion}"))
}

/// A DSN, which is `memory` or has a scheme.
///
/// # Errors
/// A sentence that says so.
fn read_dsn(text: &str) -> Result<String, String> {
    let is_dsn = text == "memory" || text.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty());
    is_dsn.then(|| text.to_owned()).ok_or_else(|| "it is no DSN, which is `memory` or has a scheme".to_owned())
}

fn config_files() -> Arg {
    Arg::new("config")
        .short('c')
        .long("config")
        .value_name("FILE")
        .action(ArgAction::Append)
        .value_delimiter(',')
        .value_parser(value_parser!(PathBuf))
        .help("Configuration file (YAML, JSON or TOML); may be repeated or several by commas, later files win")
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
            "zelus migrate sql -e up --yes",
            "zelus migrate sql up postgres://x -y",
            "zelus migrate sql up memory",
            "zelus migrate sql down -e --steps 1 --yes",
            "zelus migrate sql --yes sqlite://x",
            "zelus migrate sql status -e",
            "zelus courier watch -c a.yml",
            "zelus courier watch --expose-metrics-port 4434 -c a.yml",
            "zelus migrate sql status -e --block -c a.yml",
            "zelus guard list --limit 10",
            "zelus guard clear --all -c a.yml",
            "zelus guard clear --identity 9f425a8d-7efc-4768-8f23-7647a74fdf13",
            "zelus cleanup sql -e -c a.yml",
            "zelus cleanup sql --read-from-env=false postgres://x --keep-last 720h",
            "zelus cleanup sql -e=false postgres://x -b 10 --database.cleanup.sleep.tables 1m30s",
            "zelus cleanup sql memory --database.cleanup.batch_size 10 --sleep-tables 0s",
            "zelus tunnel http://localhost:3000",
            "zelus tunnel --dev --url https://id.example.org --port 4001 http://localhost:3000/welcome",
            "zelus tunnel --allowed-cors-origins http://localhost:5173,http://localhost:8080 http://localhost:3000",
            "zelus tunnel http://app.local:3000 --cookie-domain app.local --default-redirect-url http://app.local:3000/in",
            "zelus version",
        ] {
            let words = line.split(' ');
            assert!(command().try_get_matches_from(words).is_ok(), "{line}");
        }
        let matches = command().get_matches_from(["zelus", "-c", "a", "serve"]);
        let (_, serve) = matches.subcommand().expect("a subcommand");
        assert_eq!(config_paths(serve), [PathBuf::from("a")]);
    }

    #[test]
    fn what_a_tunnel_cannot_use_is_no_command_line() {
        for line in [
            "zelus tunnel",
            "zelus tunnel localhost:3000",
            "zelus tunnel file:///app",
            "zelus tunnel --url id.example.org http://localhost:3000",
            "zelus tunnel --url https://user@id.example.org http://localhost:3000",
            "zelus tunnel --port 0 http://localhost:3000",
            "zelus tunnel --allowed-cors-origins * http://localhost:3000",
            "zelus tunnel --cookie-domain a;b http://localhost:3000",
            "zelus tunnel --insecure http://localhost:3000",
        ] {
            assert!(command().try_get_matches_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn files_are_told_apart_by_commas() {
        let matches = command().get_matches_from(["zelus", "serve", "-c", "a.yml,b.yml", "-c", "c.yml"]);
        let (_, serve) = matches.subcommand().expect("a subcommand");
        assert_eq!(config_paths(serve), ["a.yml", "b.yml", "c.yml"].map(PathBuf::from));
        let empty = command().try_get_matches_from(["zelus", "serve", "-c", "a.yml,"]);
        assert!(empty.is_err(), "a name was forgotten");
    }

    #[test]
    fn what_is_neither_a_verb_nor_a_database_is_no_command_line() {
        for (word, nearest) in [
            ("dwon", "did you mean `down`?"),
            ("upp", "did you mean `up`?"),
            ("Status", "did you mean `status`?"),
            ("rollback", "has a scheme\n"),
            ("zelus.sqlite", "has a scheme\n"),
            ("://x", "has a scheme\n"),
        ] {
            for line in
                [["zelus", "migrate", "sql", word, "-e", "--yes"], ["zelus", "migrate", "sql", "-e", "-y", word]]
            {
                let error = command().try_get_matches_from(line).expect_err(word).to_string();
                assert!(error.contains(word) && error.contains(nearest), "{error}");
            }
        }
    }
}
