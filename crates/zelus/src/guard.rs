//! `zelus guard`.

use clap::ArgMatches;
use model::{Clock, Cx, Entropy, IdentityId};
use server::{Server, Shared};
use tokio::runtime::Handle;

use crate::{cli, serve};

/// Runs `zelus guard list` or `zelus guard clear`.
///
/// # Errors
/// What is in the way, in words for the operator.
pub async fn run(matches: &ArgMatches) -> Result<(), String> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let cx = Cx { clock: Clock::system(), entropy: Entropy::system() };
    let clock = cx.clock.clone();
    let source = serve::source(matches, false, &cx.entropy)?;
    let (config, _) = serve::load(&source)?;
    let mapper = serve::mapper(&clock)?;
    let shared = Shared::open(&config, &[Handle::current()], mapper, cx).await?;
    let server = Server::assemble(config, shared).await?;
    match verb {
        "list" => list(&server, &clock, matches.get_one::<u32>("limit").copied().unwrap_or(50)).await,
        _ => clear(&server, matches.get_one::<IdentityId>("identity").copied()).await,
    }
}

async fn list(server: &Server, clock: &Clock, limit: u32) -> Result<(), String> {
    let runtime = server.app().site().runtime.clone();
    let rows = runtime.guard.rows(limit).await.map_err(|error| error.to_string())?;
    if rows.is_empty() {
        cli::say("Nothing has failed lately.");
        return Ok(());
    }
    let now = clock.now();
    cli::say(&format!("{:<16}{:>9}  {:<14}{:<22}SUBJECT (a keyed hash)", "KIND", "FAILURES", "FROM", "RESTS UNTIL"));
    for row in rows {
        let until = runtime.guard.rests_until(&row);
        let until = if until > now { until.strftime("%F %TZ").to_string() } else { "-".to_owned() };
        let from = if row.key.device.is_empty() { "anywhere" } else { "known device" };
        let subject = row.key.subject.get(..16).unwrap_or(&row.key.subject);
        cli::say(&format!("{:<16}{:>9}  {from:<14}{until:<22}{subject}", row.kind, row.failures));
    }
    Ok(())
}

/// Forgets the failures that concern an identity, or all.
async fn clear(server: &Server, identity: Option<IdentityId>) -> Result<(), String> {
    let runtime = server.app().site().runtime.clone();
    let identity = match identity {
        Some(id) => {
            let found = runtime.identities.with_credentials(id).await.map_err(|error| error.to_string())?;
            Some(found.ok_or("There is no identity with this id.")?)
        }
        None => None,
    };
    let cleared = runtime.guard.clear(identity.as_ref()).await.map_err(|error| error.to_string())?;
    cli::say(&format!("Forgotten: {cleared}. Browsers and apps that are known stay known."));
    Ok(())
}
