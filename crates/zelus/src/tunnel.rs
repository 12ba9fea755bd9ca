//! `zelus tunnel`.

use std::pin::pin;
use std::time::Duration;

use clap::ArgMatches;
use config::{Log, LogFormat, LogLevel};
use model::{Clock, Cx, Entropy};
use tokio::sync::watch;
use tunnel::{Address, Learned, Settings, Tunnel};
use url::{Host, Url};

use crate::serve::Signals;
use crate::{cli, logs};

/// Where the server's address is, unless the command line says: our own variable, Ory's, and that of many examples.
const VARIABLES: [&str; 3] = ["ZELUS_URL", "ORY_SDK_URL", "KRATOS_PUBLIC_URL"];

/// How long requests that are under way may take once the tunnel is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Keeps a tunnel open until it is told to stop.
///
/// # Errors
/// What keeps it from opening, in words for whoever develops the app.
pub async fn run(matches: &ArgMatches) -> Result<(), String> {
    logs::start(&Log {
        level: LogLevel::Info,
        format: LogFormat::Text,
        leak_sensitive_values: false,
        redaction_text: None,
    });
    let settings = settings(matches, &config::environment())?;
    let tunnel = Tunnel::new(settings, Cx { clock: Clock::system(), entropy: Entropy::system() })?;
    let sockets = tunnel.listen().await?;
    let mut signals = Signals::listen()?;
    let stop = watch::Sender::new(false);
    let mut serving = pin!(tunnel.serve(sockets, stop.subscribe()));
    let announce = async {
        let learned = tunnel.learn().await.map_err(|error| error.to_string());
        cli::say(&welcome(tunnel.settings(), learned));
        std::future::pending::<()>().await
    };
    tokio::select! {
        () = &mut serving => {}
        () = announce => {}
        () = signals.until_stop(|| ()) => {
            stop.send_replace(true);
            // What takes longer is cut off.
            let _ = tokio::time::timeout(GRACE, serving).await;
        }
    }
    Ok(())
}

/// What the command line says, and the environment where it says nothing.
///
/// # Errors
/// When neither names a server, or the environment something else.
fn settings(matches: &ArgMatches, environment: &[(String, String)]) -> Result<Settings, String> {
    let set = |name| environment.iter().find(|(set, value)| set == name && !value.is_empty());
    let named = VARIABLES.into_iter().find_map(set);
    let remote = match (matches.get_one::<Address>("url").cloned(), named) {
        (Some(remote), _) => remote,
        (None, Some((name, value))) => Address::parse(value).map_err(|why| format!("{name} cannot be used: {why}."))?,
        (None, None) => {
            return Err(
                "Which server? Name its public address by --url https://id.example.org, or in ZELUS_URL.".to_owned()
            );
        }
    };
    Ok(Settings {
        remote,
        port: matches.get_one("port").copied().unwrap_or(4000),
        app: matches.get_one::<Url>("app").cloned().ok_or("Which app? Name its address.")?,
        origins: matches.get_many("allowed-cors-origins").map(|origins| origins.cloned().collect()).unwrap_or_default(),
        cookie_domain: matches.get_one("cookie-domain").cloned(),
        default_redirect: matches.get_one("default-redirect-url").cloned(),
    })
}

/// What is said once the tunnel is open: what it does, what to try, and what will not work.
fn welcome(settings: &Settings, learned: Result<&Learned, String>) -> String {
    let Settings { remote, port, app, cookie_domain, .. } = settings;
    // Browsers take a cookie for a domain only from a host below it.
    let host = cookie_domain.as_deref().unwrap_or("localhost");
    let limits: String = limits(settings, &learned).iter().map(|limit| format!("\n    - {limit}")).collect();
    format!(
        "
  http://{host}:{port} is now {remote}, for {app}

  Sign up or in, and come back to the app:

    http://{host}:{port}/self-service/registration/browser?return_to={app}

  From the app:

    await fetch(\"http://{host}:{port}/sessions/whoami\", {{ credentials: \"include\" }})

  What does not work through a tunnel:
{limits}

  For development only. Stop with Ctrl+C.
",
        remote = remote.url(),
    )
}

/// What cannot work, and what the server has to be told first; a line each.
fn limits(settings: &Settings, learned: &Result<&Learned, String>) -> Vec<String> {
    let Settings { remote, app, cookie_domain, .. } = settings;
    let own = learned.as_ref().map_or(remote, |learned| &learned.own);
    let mut limits = Vec::new();
    let origin = app.origin().ascii_serialization();
    match learned.as_ref().map(|learned| learned.lists_app) {
        Err(why) => limits.push(format!("Anything yet: {} does not answer ({why}).", remote.url())),
        Ok(None) => limits.push(format!(
            "Perhaps anything: {} opens no sign-in form, as the public address of Zelus or Kratos does.",
            remote.url()
        )),
        Ok(Some(false)) => limits.push(format!(
            "Coming back to the app, until the server lists it: selfservice.allowed_return_urls: [\"{origin}\"]"
        )),
        Ok(Some(true)) => {}
    }
    if !is_near(app, cookie_domain.as_deref()) {
        limits.push(format!(
            "Cookies in {origin}: to browsers it is another site than localhost. Visit the app at localhost, or give both a \
             name of one domain (--cookie-domain)."
        ));
    }
    limits.push(format!(
        "Passkeys and security keys, which belong to {}: they work here only where the server has rp.id localhost.",
        own.url().host_str().unwrap_or_default()
    ));
    limits.push(format!(
        "Social sign-in: providers send people back to {}, where this browser has no cookies.",
        own.url()
    ));
    limits.push(format!("Links in messages: they lead to {}. Codes work.", own.url()));
    limits
}

/// Whether browsers take the app and the tunnel for one site.
fn is_near(app: &Url, cookie_domain: Option<&str>) -> bool {
    match app.host() {
        Some(Host::Domain(host)) => {
            let is_below = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
            host == "localhost" || cookie_domain.is_some_and(is_below)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let matches = cli::command().get_matches_from(line.split(' '));
        let (_, tunnel) = matches.subcommand().expect("a subcommand");
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        settings(tunnel, &environment.collect::<Vec<_>>())
    }

    #[test]
    fn the_server_is_named_on_the_command_line_or_in_the_environment() {
        let environment = [("KRATOS_PUBLIC_URL", "http://c"), ("ORY_SDK_URL", "http://b"), ("ZELUS_URL", "http://a")];
        let remote = |line, environment| read(line, environment).map(|settings| settings.remote.origin());
        let plain = "zelus tunnel http://localhost:3000";
        assert_eq!(
            remote("zelus tunnel --url http://d http://localhost:3000", &environment),
            Ok("http://d".to_owned())
        );
        for (n, expected) in [(3, "http://a"), (2, "http://b"), (1, "http://c")] {
            assert_eq!(remote(plain, &environment[..n]), Ok(expected.to_owned()));
        }
        assert!(remote(plain, &[("ZELUS_URL", "")]).is_err_and(|why| why.contains("--url")));
        assert!(remote(plain, &[("ORY_SDK_URL", "nonsense")]).is_err_and(|why| why.starts_with("ORY_SDK_URL")));
    }

    #[test]
    fn what_cannot_work_is_said_with_the_key_to_set() {
        let own = Address::parse("https://id.example.org/auth").expect("an address");
        let told = |line: &str, lists_app: Option<bool>| {
            let settings = read(line, &[("ZELUS_URL", "http://10.0.0.1:4433")]).expect("settings");
            welcome(&settings, Ok(&Learned { own: own.clone(), lists_app }))
        };
        let plain = "zelus tunnel http://localhost:3000";
        let listed = told(plain, Some(true));
        assert!(
            listed.contains("http://localhost:4000/self-service/registration/browser?return_to=http://localhost:3000/")
        );
        assert!(listed.contains("belong to id.example.org") && listed.contains("back to https://id.example.org/auth/"));
        assert!(!listed.contains("allowed_return_urls") && !listed.contains("--cookie-domain"), "{listed}");
        assert!(told(plain, Some(false)).contains("selfservice.allowed_return_urls: [\"http://localhost:3000\"]"));
        assert!(told(plain, None).contains("opens no sign-in form"));
        let far = "zelus tunnel http://app.local:3000";
        assert!(told(far, Some(true)).contains("--cookie-domain"));
        let near = told(&format!("{far} --cookie-domain app.local"), Some(true));
        assert!(!near.contains("--cookie-domain") && near.contains("http://app.local:4000 is now"), "{near}");
        let settings = read(plain, &[("ZELUS_URL", "http://10.0.0.1:4433")]).expect("settings");
        assert!(welcome(&settings, Err("no connection".to_owned())).contains("does not answer (no connection)"));
    }
}
