//! From a checked document to the snapshot.

use std::cell::RefCell;

use serde_json::Value;
use url::Url;

use super::*;
use crate::finding::{Finding, SourceLocation};
use crate::origins::Origins;
use crate::section::{Reader, Section};
use crate::sources::{Machine, Sources};
use crate::values::BaseUrl;

/// Kratos' switch for test suites. It is no key of the configuration.
const NATIVE_CHECK: &str = "DEV_DISABLE_API_FLOW_ENFORCEMENT";

fn is_native_check_off(sources: &Sources) -> bool {
    sources.environment.iter().any(|(name, value)| name == NATIVE_CHECK && value == "true")
}

impl Config {
    /// Reads `document`, which has been checked and has its defaults. `None` goes with an error.
    pub(crate) fn build(
        document: Value,
        explicit: Value,
        sources: &Sources,
        origins: &Origins,
        errors: &mut Vec<Finding>,
        warnings: &mut Vec<Finding>,
    ) -> Option<Self> {
        let dev = document["dev"].as_bool().unwrap_or_default();
        let listeners = Listeners::read(&document, dev, &sources.machine, origins, errors)?;
        let reader = Reader {
            origins,
            base: listeners.public.url.clone(),
            errors: RefCell::new(Vec::new()),
            warnings: RefCell::new(Vec::new()),
        };
        let config = Self::read(&Section::root(&reader, &document), dev, listeners, sources);
        errors.append(&mut reader.errors.take());
        warnings.append(&mut reader.warnings.take());
        warnings.extend(config.as_ref().filter(|config| config.takes_native_flows_from_browsers).map(|_| {
            let place = SourceLocation { source: NATIVE_CHECK.to_owned(), line: None };
            Finding::new(
                place,
                "",
                "browsers may send the forms of native apps, and so may any other site; for tests only",
            )
        }));
        config.map(|config| Self { document: Document(document.clone()), explicit: Document(explicit), ..config })
    }

    fn read(root: &Section<'_>, dev: bool, base_urls: Listeners, sources: &Sources) -> Option<Self> {
        let dsn = root.secret_if_set("dsn").or_else(|| {
            root.error("dsn", "expected the address of a database");
            None
        })?;
        let serve = root.section("serve");
        let listener = |name: &str, base_url: BaseUrl| {
            let section = serve.section(name);
            Listener {
                host: section.text("host"),
                port: section.number("port"),
                base_url,
                socket: Socket::read(&section.section("socket")),
                tls: Tls::read(&section),
                request_log_disable_for_health: section.section("request_log").flag("disable_for_health"),
            }
        };
        let cookies = Cookies::read(&root.section("cookies"), dev);
        Some(Self {
            version: root.text_if_set("version"),
            revision: root.text_if_set("revision"),
            dev,
            takes_native_flows_from_browsers: dev && is_native_check_off(sources),
            watch_courier: root.flag("watch-courier"),
            expose_metrics_port: Some(root.number("expose-metrics-port")).filter(|port| *port > 0),
            dsn,
            log: Log::read(&root.section("log")),
            tracing: Tracing::read(&root.section("tracing")),
            identity: Identity::read(&root.section("identity")),
            secrets: Secrets::read(&root.section("secrets"), sources),
            hashers: Hashers::read(&root.section("hashers"), dev, sources.machine.processors),
            ciphers: Ciphers::read(&root.section("ciphers")),
            session: Session::read(&root.section("session"), &cookies, dev),
            cookies,
            security: Security {
                mitigate_account_enumeration: root.section("security").section("account_enumeration").flag("mitigate"),
            },
            clients: Clients::read(&root.section("clients")),
            feature_flags: FeatureFlags::read(&root.section("feature_flags")),
            database: Database::read(&root.section("database")),
            oauth2_provider: OAuth2Provider::read(&root.section("oauth2_provider")),
            courier: Courier::read(&root.section("courier")),
            selfservice: SelfService::read(&root.section("selfservice"), &base_urls.public)?,
            preview: Preview {
                eventual_reads: root.section("preview").text("default_read_consistency_level") == "eventual",
            },
            zelus: Zelus::read(&root.section("zelus")),
            serve: Serve {
                cors: Cors::read(&serve.section("public").section("cors")),
                public: listener("public", base_urls.public),
                admin: listener("admin", base_urls.admin),
            },
            document: Document(Value::Null),
            explicit: Document(Value::Null),
        })
    }
}

/// The base URLs, which everything else is read against.
struct Listeners {
    public: BaseUrl,
    admin: BaseUrl,
}

impl Listeners {
    fn read(
        document: &Value,
        dev: bool,
        machine: &Machine,
        origins: &Origins,
        errors: &mut Vec<Finding>,
    ) -> Option<Self> {
        let mut base_url = |name: &str| {
            let section = &document["serve"][name];
            let made = default_base_url(section, dev, machine);
            let text = section["base_url"].as_str().filter(|text| !text.is_empty()).unwrap_or(&made);
            let parsed = Url::parse(&made).and_then(|made| BaseUrl::parse(text, &made));
            let parsed = parsed.map_err(|error| error.to_string()).and_then(|base_url| {
                let fit = matches!(base_url.url.scheme(), "http" | "https");
                if fit { Ok(base_url) } else { Err("it must be http:// or https://".to_owned()) }
            });
            parsed
                .map_err(|error| {
                    let place = origins.place(&format!("/serve/{name}/base_url"));
                    let key = format!("serve.{name}.base_url");
                    errors.push(Finding::new(place, key, format!("is not a usable address: {error}")));
                })
                .ok()
        };
        let (public, admin) = (base_url("public"), base_url("admin"));
        Some(Self { public: public?, admin: admin? })
    }
}

/// The base URL of a listener that has none: https outside development, and the machine's name when it listens on
/// every address (or on a socket).
fn default_base_url(listener: &Value, dev: bool, machine: &Machine) -> String {
    let scheme = if dev { "http" } else { "https" };
    let host = match listener["host"].as_str().unwrap_or_default() {
        "" | "0.0.0.0" | "::" | "[::]" => machine.hostname.clone(),
        socket if socket.starts_with("unix:") => machine.hostname.clone(),
        address if address.contains(':') && !address.starts_with('[') => format!("[{address}]"),
        address => address.to_owned(),
    };
    format!("{scheme}://{host}:{}/", listener["port"])
}
