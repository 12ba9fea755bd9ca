//! `zelus migrate sql`.

use std::io::BufRead;
use std::time::Duration;

use clap::ArgMatches;
use config::{Loaded, Machine, Mode, Sources};
use model::{Clock, Entropy, Secret};
use store::{Dsn, Migration, Store};
use tokio::time::sleep;

use crate::{cli, dev, patience};

/// Runs a migration command.
///
/// # Errors
/// What went wrong, in words for the operator.
pub async fn run(matches: &ArgMatches) -> Result<(), String> {
    let Some(("sql", sql)) = matches.subcommand() else { return Ok(()) };
    match sql.subcommand() {
        None => up(&open(sql).await?, sql.get_flag("yes")).await,
        Some(_) if sql.contains_id("dsn") => Err("Name the database after the verb, once.".to_owned()),
        Some(("up", matches)) => up(&open(matches).await?, matches.get_flag("yes")).await,
        Some(("status", matches)) => status(&open(matches).await?, matches.get_flag("block")).await,
        Some((verb, _)) => Err(format!(
            "`zelus migrate sql {verb}` is not there yet, and nothing was changed. To go back, restore a backup."
        )),
    }
}

async fn open(matches: &ArgMatches) -> Result<Store, String> {
    let dsn = match (matches.get_one::<String>("dsn"), matches.get_flag("read-from-env")) {
        (Some(dsn), false) => dsn.clone(),
        (None, true) => dsn_of_configuration(matches)?,
        (Some(_), true) => {
            return Err(
                "Name one database: either by its DSN, or by -e, which takes it from the configuration.".to_owned()
            );
        }
        (None, false) => {
            return Err(
                "Name the database: `zelus migrate sql up DSN`, or -e to take it from the configuration.".to_owned()
            );
        }
    };
    let dsn = Dsn::parse(&dsn).map_err(|error| error.to_string())?;
    Store::open(&dsn).await.map_err(|error| error.to_string())
}

/// The DSN of the environment, or else of the configuration files. Nothing but the DSN has to be usable.
fn dsn_of_configuration(matches: &ArgMatches) -> Result<String, String> {
    let environment = config::environment();
    if let Some((_, dsn)) = environment.iter().find(|(name, _)| name == "DSN") {
        return Ok(dsn.clone());
    }
    let files = cli::config_paths(matches);
    if files.is_empty() {
        return Err("Set DSN in the environment, or give a configuration file with -c.".to_owned());
    }
    let fallback_secret = Secret::new(Entropy::system().string(dev::ALPHABET, 32));
    let sources = Sources { files, environment, machine: Machine::this(), fallback_secret };
    let loaded = Loaded::from(&sources, Mode::default()).map_err(|error| error.to_string())?;
    Ok(loaded.config.dsn.expose().clone())
}

/// How often it is looked whether somebody else has completed the tables.
const LOOK: Duration = Duration::from_secs(1);

/// Lists the steps; `block` waits until none is left.
async fn status(store: &Store, block: bool) -> Result<(), String> {
    let mut steps = migrations(store, block).await?;
    if block && is_pending(&steps) {
        cli::complain("Waiting until the tables are complete. `zelus migrate sql up` completes them.");
        while is_pending(&steps) {
            sleep(LOOK).await;
            steps = migrations(store, block).await?;
        }
    }
    for step in steps {
        cli::say(&format!("{:<24} {}", step.name, if step.applied { "applied" } else { "pending" }));
    }
    Ok(())
}

/// The steps of the schema; `patient` waits for a database that is still starting.
async fn migrations(store: &Store, patient: bool) -> Result<Vec<Migration>, String> {
    let steps = if patient { patience::migrations(store).await } else { store.migration_status().await };
    steps.map_err(|error| error.to_string())
}

fn is_pending(steps: &[Migration]) -> bool {
    steps.iter().any(|step| !step.applied)
}

async fn up(store: &Store, yes: bool) -> Result<(), String> {
    let steps = migrations(store, true).await?;
    let pending: Vec<_> = steps.iter().filter(|step| !step.applied).map(|step| step.name).collect();
    if pending.is_empty() {
        // The network may still be missing, and is made below without asking.
        cli::say("The database is up to date.");
    } else if !yes {
        cli::say(&format!("About to apply: {}. Go on? [y/N]", pending.join(", ")));
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map_err(|error| format!("Nobody answered: {error}."))?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err("Nothing was changed. Use --yes to go on without being asked.".to_owned());
        }
    }
    let (clock, entropy) = (Clock::system(), Entropy::system());
    let mut progress = |step: &'static str| cli::say(&format!("Applying {step} …"));
    store.migrate_up(entropy.uuid(), clock.now(), &mut progress).await.map_err(|error| error.to_string())?;
    if !pending.is_empty() {
        cli::say("Done.");
    }
    Ok(())
}
