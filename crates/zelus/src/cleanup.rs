//! `zelus cleanup sql`.

use clap::ArgMatches;
use clap::parser::ValueSource;
use config::{Config, Loaded, Machine, Mode, Sources};
use model::{Clock, Entropy, Secret, SignedDuration};
use server::{CleanUp, Retention};
use store::{Dsn, Outdated, Store};
use tokio::sync::watch;

use crate::{cli, dev};

/// As in Kratos, where no configuration says otherwise.
const BATCH: u32 = 100;
const REST: SignedDuration = SignedDuration::from_mins(1);

/// Removes what is out of date, once.
///
/// # Errors
/// What went wrong, in words for the operator.
pub async fn run(matches: &ArgMatches) -> Result<(), String> {
    let Some(("sql", matches)) = matches.subcommand() else { return Ok(()) };
    let (dsn, config) = database(matches)?;
    let duration = |name| matches.get_one::<SignedDuration>(name).copied();
    let keep_last = duration("keep-last").unwrap_or(SignedDuration::ZERO);
    let settings = config.as_ref().map(|config| &config.database);
    let batch = matches.get_one::<u32>("batch-size").copied();
    let batch = batch.or(settings.map(|settings| settings.cleanup_batch_size)).unwrap_or(BATCH);
    let rest = duration("sleep-tables").or(settings.map(|settings| settings.cleanup_sleep_tables)).unwrap_or(REST);

    let dsn = Dsn::parse(&dsn).map_err(|error| error.to_string())?;
    let store = Store::open(&dsn).await.map_err(|error| error.to_string())?;
    if store.has_pending_migrations().await.map_err(|error| error.to_string())? {
        return Err("The database lacks tables, so nothing was removed. Run `zelus migrate sql up` first.".to_owned());
    }
    let retention = Retention::of_command(config.as_ref(), keep_last);
    let rest = std::time::Duration::try_from(rest).unwrap_or_default();
    let mut round = CleanUp::new(store, Clock::system(), retention, batch, rest);
    if !round.take_turn(Entropy::system().uuid()).await {
        cli::say("Somebody else is cleaning this database up, or has done so within the hour. Both may do it at once.");
    }
    // Nobody stops it but by ending the process, which leaves nothing half removed.
    let (_running, mut stop) = watch::channel(false);
    let told = |rows: Outdated, count: usize| cli::say(&format!("{:<36} {count}", rows.as_str()));
    let removed = round.run(&mut stop, told).await.map_err(|problem| problem.to_string())?;
    cli::say(&format!("Done. Removed in all: {removed}."));
    Ok(())
}

/// The database that is meant, and the configuration, if there is one: what is kept of records stands there.
fn database(matches: &ArgMatches) -> Result<(String, Option<Config>), String> {
    let named = matches.get_one::<String>("dsn").cloned();
    let from_environment = matches.get_one::<bool>("read-from-env").copied().unwrap_or(true);
    let was_asked = matches.value_source("read-from-env") == Some(ValueSource::CommandLine);
    match &named {
        Some(_) if was_asked && from_environment => {
            return Err(
                "Name one database: either by its DSN, or by -e, which takes it from the configuration.".to_owned()
            );
        }
        None if !from_environment => {
            return Err("Name the database: `zelus cleanup sql DSN`, or leave -e=false out.".to_owned());
        }
        _ => {}
    }
    let mut environment = config::environment();
    if let Some(dsn) = &named {
        environment.retain(|(name, _)| name != "DSN");
        environment.push(("DSN".to_owned(), dsn.clone()));
    }
    let files = cli::config_paths(matches);
    let dsn = environment.iter().find(|(name, _)| name == "DSN").map(|(_, dsn)| dsn.clone());
    let has_files = !files.is_empty();
    let fallback_secret = Secret::new(Entropy::system().string(dev::ALPHABET, 32));
    let sources = Sources { files, environment, machine: Machine::this(), fallback_secret };
    let loaded = Loaded::from(&sources, Mode::default()).map_err(|error| error.to_string());
    match (loaded, dsn) {
        (Ok(Loaded { config, .. }), _) => Ok((config.dsn.expose().clone(), Some(config))),
        // Without files a DSN is all there needs to be.
        (Err(_), Some(dsn)) if !has_files => Ok((dsn, None)),
        (Err(_), None) if !has_files => {
            Err("Set DSN in the environment, give a configuration file with -c, or name the database: `zelus cleanup sql DSN`."
                .to_owned())
        }
        (Err(error), _) => Err(error),
    }
}
