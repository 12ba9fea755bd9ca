//! Data source names, as Kratos reads them: `memory`, `sqlite://…` and `postgres://…`, with their query keys.

use std::fmt;
use std::time::Duration;

use model::go::parse_duration;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tokio_postgres::config::SslMode;
use url::form_urlencoded;

use crate::postgres::{PostgresOptions, TlsCheck};
use crate::sqlite::SqliteOptions;

/// How long to wait for SQLite's lock when the DSN does not say; Kratos' driver waits as long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A database and how to open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dsn {
    /// `memory`, or `sqlite://…`.
    Sqlite(SqliteOptions),
    /// `postgres://…`.
    Postgres(Box<PostgresOptions>),
}

/// What is wrong with a DSN, in one sentence. Never repeats the DSN, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DsnError(String);

impl fmt::Display for DsnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the DSN cannot be used: {}", self.0)
    }
}

impl std::error::Error for DsnError {}

impl Dsn {
    /// Reads a DSN.
    ///
    /// # Errors
    /// When the scheme is unknown or not supported yet, or a query key has a value that cannot be understood.
    pub fn parse(text: &str) -> Result<Self, DsnError> {
        if text == "memory" {
            return Ok(Self::Sqlite(SqliteOptions { path: None, create: true, busy_timeout: BUSY_TIMEOUT }));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(DsnError("it must be `memory` or begin with sqlite:// or postgres://".to_owned()));
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        match scheme {
            "sqlite" | "sqlite3" => sqlite(rest, query).map(Self::Sqlite),
            "postgres" | "postgresql" => postgres(rest, query).map(|options| Self::Postgres(Box::new(options))),
            "mysql" | "cockroach" => Err(DsnError(format!("{scheme}:// is not supported yet"))),
            _ => Err(DsnError("it must be `memory` or begin with sqlite:// or postgres://".to_owned())),
        }
    }
}

/// Reads `sqlite://PATH?KEY=VALUE`. As with Kratos the file is made when it is missing, unless `mode=rw`,
/// and only a path after `file:` may have percent signs that mean something.
fn sqlite(path: &str, query: &str) -> Result<SqliteOptions, DsnError> {
    let path = match path.strip_prefix("file:") {
        Some(uri) => percent_decode_str(uri).decode_utf8().map_err(|_| invalid("the path", "UTF-8"))?,
        None => path.into(),
    };
    let mut options = SqliteOptions { path: Some((*path).into()), create: true, busy_timeout: BUSY_TIMEOUT };
    if path == ":memory:" {
        options.path = None;
    } else if path.is_empty() {
        return Err(DsnError("it names no file".to_owned()));
    }
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match (&*key, &*value) {
            ("mode", "memory") => options.path = None,
            ("mode", "rw") => options.create = false,
            ("mode", "rwc") => options.create = true,
            ("mode", _) => return Err(invalid("mode", "rw, rwc or memory")),
            ("_busy_timeout" | "_timeout", value) => {
                let milliseconds = value.parse().map_err(|_| invalid(&key, "a number of milliseconds"))?;
                options.busy_timeout = Duration::from_millis(milliseconds);
            }
            // Foreign keys are always checked, and journal, cache and pool are ours to choose.
            _ => {}
        }
    }
    Ok(options)
}

/// Reads `postgres://USER:PASSWORD@HOST:PORT,…/NAME?KEY=VALUE`. Keys of the pool and of TLS are taken here, those of
/// libpq by the driver, and any other is a setting of the server (`search_path`), as in Kratos' driver.
fn postgres(rest: &str, query: &str) -> Result<PostgresOptions, DsnError> {
    // The driver's errors name the key at fault, never its value.
    let driver = |part: &str| {
        part.parse::<tokio_postgres::Config>().map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            DsnError(format!("the driver does not understand it ({cause})"))
        })
    };
    let mut passed_on = Vec::new();
    let mut settings = String::new();
    let mut pool = PoolKeys::default();
    let mut check = TlsCheck::default();
    let mut ssl_mode = SslMode::Prefer;
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "max_conns" => pool.max = Some(value.parse().map_err(|_| invalid(&key, "a number"))?),
            "max_conn_lifetime" => {
                let lifetime = parse_duration(&value).and_then(|lifetime| Duration::try_from(lifetime).ok());
                let lifetime = lifetime.ok_or_else(|| invalid(&key, "a duration such as 30m"))?;
                pool.lifetime = Some(lifetime).filter(|lifetime| !lifetime.is_zero());
            }
            // All connections are kept warm, so that there is nothing to say about idle ones.
            "max_idle_conns" | "max_conn_idle_time" => {}
            "sslmode" => match &*value {
                "disable" => ssl_mode = SslMode::Disable,
                "allow" | "prefer" => ssl_mode = SslMode::Prefer,
                "require" => ssl_mode = SslMode::Require,
                "verify-ca" => (ssl_mode, check.chain) = (SslMode::Require, true),
                "verify-full" => (ssl_mode, check.chain, check.name) = (SslMode::Require, true, true),
                _ => return Err(invalid(&key, "disable, allow, prefer, require, verify-ca or verify-full")),
            },
            "sslrootcert" => check.roots = Some(value.into_owned()).filter(|file| file != "system").map(Into::into),
            "sslcert" => check.certificate = Some(value.into_owned().into()),
            "sslkey" => check.key = Some(value.into_owned().into()),
            "options" => push_setting(&mut settings, &value),
            "target_session_attrs" if &*value == "primary" => {
                passed_on.push(format!("{key}=read-write"));
            }
            "user"
            | "password"
            | "host"
            | "port"
            | "dbname"
            | "application_name"
            | "connect_timeout"
            | "target_session_attrs"
            | "channel_binding"
            | "load_balance_hosts"
            | "sslnegotiation"
            | "keepalives"
            | "keepalives_idle"
            | "keepalives_interval"
            | "keepalives_retries"
            | "tcp_user_timeout" => {
                // The driver takes a plus sign for one.
                passed_on.push(format!("{key}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC)));
            }
            // Of no consequence here: sessions always count in UTC, and how statements are cached is the driver's own.
            "timezone"
            | "TimeZone"
            | "gssencmode"
            | "sslsni"
            | "default_query_exec_mode"
            | "statement_cache_capacity"
            | "description_cache_capacity" => {}
            "sslpassword" | "passfile" | "service" | "servicefile" | "sslcrl" | "pool_min_conns" => {
                return Err(DsnError(format!("the key {key} is not supported")));
            }
            name if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')) => {
                push_setting(&mut settings, &format!("-c {name}={}", escape_setting(&value)));
            }
            _ => return Err(DsnError("a key of its query is not a word".to_owned())),
        }
    }
    // As in libpq: naming a root certificate asks for it to be checked.
    check.chain |= check.roots.is_some();
    let mut config = driver(&format!("postgres://{}?{}", with_one_at(rest), passed_on.join("&")))?;
    config.ssl_mode(ssl_mode);
    if !settings.is_empty() {
        config.options(&settings);
    }
    if config.get_hosts().is_empty() {
        return Err(DsnError("it names no host".to_owned()));
    }
    Ok(PostgresOptions::new(config, check, pool.max, pool.lifetime))
}

/// The same address with at most one `@`, as the driver wants it, which cuts at the first. The user name and password of
/// an address end at the last `@` before the path.
fn with_one_at(rest: &str) -> String {
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = path.replace('@', "%40");
    match authority.rsplit_once('@') {
        Some((account, hosts)) => format!("{}@{hosts}{path}", account.replace('@', "%40")),
        None => format!("{authority}{path}"),
    }
}

#[derive(Default)]
struct PoolKeys {
    max: Option<usize>,
    lifetime: Option<Duration>,
}

fn invalid(key: &str, expected: &str) -> DsnError {
    DsnError(format!("{key} must be {expected}"))
}

fn push_setting(settings: &mut String, setting: &str) {
    if !settings.is_empty() {
        settings.push(' ');
    }
    settings.push_str(setting);
}

/// In the server's `options`, a blank ends a setting unless a backslash stands before it.
fn escape_setting(value: &str) -> String {
    value.replace('\\', "\\\\").replace(' ', "\\ ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sqlite(dsn: &str) -> SqliteOptions {
        match Dsn::parse(dsn) {
            Ok(Dsn::Sqlite(options)) => options,
            other => panic!("{dsn}: {other:?}"),
        }
    }

    fn postgres(dsn: &str) -> PostgresOptions {
        match Dsn::parse(dsn) {
            Ok(Dsn::Postgres(options)) => *options,
            other => panic!("{dsn}: {other:?}"),
        }
    }

    #[test]
    fn sqlite_files_are_named_as_in_kratos() {
        for (dsn, path) in [
            ("sqlite:///var/lib/db.sqlite?_fk=true", "/var/lib/db.sqlite"),
            ("sqlite://db.sqlite", "db.sqlite"),
            ("sqlite://file:/tmp/a.sqlite?cache=shared", "/tmp/a.sqlite"),
            ("sqlite://file:/tmp/a%20b+c.sqlite?_fk=true", "/tmp/a b+c.sqlite"),
            ("sqlite:///tmp/a%20b+c.sqlite?_fk=true", "/tmp/a%20b+c.sqlite"),
        ] {
            assert_eq!(sqlite(dsn).path.as_deref(), Some(path.as_ref()), "{dsn}");
        }
        for dsn in
            ["memory", "sqlite://:memory:", "sqlite://file::memory:?_fk=true&cache=shared", "sqlite://x?mode=memory"]
        {
            assert_eq!(sqlite(dsn).path, None, "{dsn}");
        }
        assert_eq!(sqlite("sqlite://x?_busy_timeout=250").busy_timeout, Duration::from_millis(250));
        assert!(!sqlite("sqlite://x?mode=rw").create);
    }

    #[test]
    fn postgres_keys_are_taken_or_passed_on() {
        let options = postgres(
            "postgres://ann:p%40ss@a:5433,b/app?max_conns=20&max_idle_conns=4&max_conn_lifetime=1h30m&sslmode=verify-full\
             &target_session_attrs=read-write&search_path=auth, public&application_name=zelus",
        );
        assert_eq!(options.max_connections, 20);
        assert_eq!(options.max_lifetime, Some(Duration::from_secs(5400)));
        assert_eq!(options.config.get_hosts().len(), 2);
        assert_eq!(options.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(options.config.get_dbname(), Some("app"));
        assert_eq!(options.config.get_options(), Some(r"-c search_path=auth,\ public"));
        assert_eq!(options.config.get_ssl_mode(), SslMode::Require);
        assert!(options.tls.chain && options.tls.name);
        assert!(!format!("{options:?}").contains("p@ss"));
    }

    #[test]
    fn user_names_and_passwords_are_no_forms_and_end_at_the_last_at() {
        for (dsn, user, password, hosts, name) in [
            ("postgres://kr:p@ss@host/app", "kr", "p@ss", 1, "app"),
            ("postgres://u:p@ss@h1:5432,h2:5433/db", "u", "p@ss", 2, "db"),
            ("postgres://a@b:c+d&e=f%2B%40%25@h/db", "a@b", "c+d&e=f+@%", 1, "db"),
            ("postgres://u:a:b;c@h/d@b", "u", "a:b;c", 1, "d@b"),
            ("postgres://u:p@h/db?password=other%2Bthan%20one+word", "u", "other+than one word", 1, "db"),
        ] {
            let options = postgres(dsn);
            assert_eq!(options.account(), (Some(user), Some(password.as_bytes())), "{dsn}");
            let config = options.config;
            assert_eq!(config.get_hosts().len(), hosts, "{dsn}");
            assert_eq!(config.get_dbname(), Some(name), "{dsn}");
        }
        assert_eq!(postgres("postgres://h/d@b").account(), (None, None));
    }

    #[test]
    fn what_cannot_be_used_is_named_without_the_password() {
        for (dsn, word) in [
            ("mysql://root:hush@tcp(h:3306)/db", "not supported yet"),
            ("cockroach://root:hush@h/db", "not supported yet"),
            ("oracle://hush", "begin with"),
            ("db.sqlite", "begin with"),
            ("sqlite://", "no file"),
            ("postgres:///db?max_conns=1", "no host"),
            ("postgres://a:hush@h/db?max_conns=many", "max_conns"),
            ("postgres://a:hush@h/db?sslmode=hush", "sslmode"),
            ("postgres://a:hush@h/db?connect_timeout=hush", "connect_timeout"),
            ("postgres://a:hush@h:port/db", "port"),
            ("postgres://a:hush@h/db?pool_min_conns=2", "pool_min_conns"),
        ] {
            let error = Dsn::parse(dsn).expect_err(dsn).to_string();
            assert!(error.contains(word) && !error.contains("hush"), "{dsn}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(sqlite|postgres|memory)?(://)?\\PC{0,60}") {
            let _ = Dsn::parse(&text);
        }

        #[test]
        fn accounts_come_out_as_they_went_in(user in "[a-zA-Z0-9@+&=;,!~._-]{1,12}", password in "[a-zA-Z0-9@:+&=;,!~._-]{0,12}") {
            let options = postgres(&format!("postgres://{user}:{password}@h1:5432,h2/db"));
            prop_assert_eq!(options.account(), (Some(&*user), Some(password.as_bytes())));
        }
    }
}
