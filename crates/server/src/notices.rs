//! What an operator should know when a server starts.

use std::net::IpAddr;

use config::{Config, Listener};

/// What a configuration keeps from working as people expect, a sentence each.
pub fn notices(config: &Config) -> Vec<&'static str> {
    let mut notices = Vec::new();
    if !config.watch_courier {
        notices.push(
            "This process delivers no messages. Run `zelus courier watch` beside it, or add --watch-courier, unless \
             another process does.",
        );
    }
    if sets_cookies_in_vain(config) {
        notices.push(
            "Cookies are Secure, and the public listener speaks plain HTTP: browsers drop them. If a proxy in front speaks \
             HTTPS, set serve.public.base_url to its address; otherwise set serve.public.tls, or try things out with --dev.",
        );
    }
    if !config.zelus.guard.enabled {
        notices.push(
            "The guard is off (zelus.guard.enabled), so anybody may guess passwords and codes as often as they like.",
        );
    }
    if !config.is_set("serve.admin.host") && is_every_address(&config.serve.admin.host) {
        notices.push(
            "The admin API, which asks nobody who they are, listens on every address, as in Kratos: serve.admin.host is not \
             set. Set it to 127.0.0.1, or to 0.0.0.0 if a firewall keeps strangers away.",
        );
    }
    notices
}

fn is_every_address(host: &str) -> bool {
    host.is_empty() || host.parse().is_ok_and(|address: IpAddr| address.is_unspecified())
}

/// Whether browsers will not keep the cookies, as far as the configuration tells. It says that a proxy is in front by an
/// address with `https://`, or by `zelus.trusted_proxies`; before a socket of the file system there is one, too.
fn sets_cookies_in_vain(config: &Config) -> bool {
    let Listener { host, base_url, tls, .. } = &config.serve.public;
    if !(config.cookies.secure || config.session.cookie.secure) || tls.is_some() || host.starts_with("unix:") {
        return false;
    }
    match config.is_set("serve.public.base_url") {
        true => base_url.url.scheme() == "http",
        // The address that is made up says nothing.
        false => !config.is_set("zelus.trusted_proxies"),
    }
}

#[cfg(test)]
mod tests {
    use config::{Loaded, Machine, Mode, Sources};
    use model::Secret;

    use super::*;

    fn notices_of(environment: &[(&str, &str)], mode: Mode) -> Vec<&'static str> {
        let least = [
            ("DSN", "memory"),
            ("IDENTITY_SCHEMAS", r#"[{"id":"default","url":"base64://e30="}]"#),
            ("SELFSERVICE_DEFAULT_BROWSER_RETURN_URL", "http://127.0.0.1/"),
        ];
        let environment =
            least.iter().chain(environment).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sources = Sources {
            files: Vec::new(),
            environment: environment.collect(),
            machine: Machine { hostname: "box".to_owned(), processors: 1 },
            fallback_secret: Secret::from("a-secret-that-is-long-enough"),
        };
        notices(&Loaded::from(&sources, mode).expect("a configuration").config)
    }

    #[test]
    fn somebody_has_to_deliver_messages() {
        let base_url = ("SERVE_PUBLIC_BASE_URL", "https://id.example/");
        let says = |mode| notices_of(&[base_url], mode).iter().filter(|notice| notice.contains("no messages")).count();
        assert_eq!(says(Mode::default()), 1);
        assert_eq!(says(Mode { watch_courier: true, ..Mode::default() }), 0);
    }

    #[test]
    fn an_admin_api_that_is_open_without_being_meant_to_is_noticed() {
        let says = |environment: &[_]| {
            let notices = notices_of(environment, Mode::default());
            notices.iter().filter(|notice| notice.contains("The admin API")).count()
        };
        assert_eq!(says(&[]), 1);
        assert_eq!(says(&[("SERVE_ADMIN_HOST", "0.0.0.0")]), 0);
        assert_eq!(says(&[("SERVE_ADMIN_HOST", "127.0.0.1")]), 0);
        assert_eq!(says(&[("ZELUS_DEFAULTS", "zelus")]), 0);
    }

    #[test]
    fn cookies_that_browsers_drop_are_noticed() {
        let says = |environment: &[_], mode| {
            notices_of(environment, mode).iter().filter(|notice| notice.contains("Cookies are Secure")).count()
        };
        let (production, base_url) = (Mode::default(), "SERVE_PUBLIC_BASE_URL");
        assert_eq!(says(&[], production), 1);
        assert_eq!(says(&[(base_url, "http://id.example/")], production), 1);
        assert_eq!(says(&[(base_url, "https://id.example/")], production), 0);
        assert_eq!(says(&[("ZELUS_TRUSTED_PROXIES", "10.0.0.0/8")], production), 0);
        assert_eq!(says(&[("SERVE_PUBLIC_HOST", "unix:/run/zelus.sock")], production), 0);
        assert_eq!(says(&[], Mode { dev: true, ..production }), 0);
        assert_eq!(says(&[("COOKIES_SECURE", "false"), ("SESSION_COOKIE_SECURE", "false")], production), 0);
    }
}
