//! A server in this process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use config::{Loaded, Machine, Mode, Sources};
use crypto::{HashingPool, PoolLimits};
use mapper::Mapper;
use model::{Clock, Entropy, Secret, SignedDuration};
use serde_json::Value;
use server::{Edges, Shared};
use store::{Dsn, Store};
use tasks::Tasks;
use web::{App, Edge};

use crate::client::{Ask, Browser, Native};
use crate::database::Database;

/// The external address of the public API.
pub const PUBLIC_URL: &str = "http://127.0.0.1:4433";
/// The external address of the admin API.
pub const ADMIN_URL: &str = "http://127.0.0.1:4434";
/// The application that people sign in to.
pub const APP_URL: &str = "http://127.0.0.1:4455";

const CONFIG: &str = "
version: v26.2.0
serve:
  public: { base_url: 'http://127.0.0.1:4433/' }
  admin: { base_url: 'http://127.0.0.1:4434/' }
secrets: { cookie: [the-first-cookie-secret-of-tests] }
hashers: { algorithm: bcrypt, bcrypt: { cost: 4 } }
session: { lifespan: 24h }
cookies: { path: / }
selfservice:
  default_browser_return_url: http://127.0.0.1:4455/welcome
  allowed_return_urls: ['http://127.0.0.1:4455']
  methods: { password: { enabled: true, config: { haveibeenpwned_enabled: false } } }
  flows:
    error: { ui_url: 'http://127.0.0.1:4455/error' }
    logout: { after: { default_browser_return_url: 'http://127.0.0.1:4455/bye' } }
    login: { ui_url: 'http://127.0.0.1:4455/login', lifespan: 10m }
    verification: { enabled: true, ui_url: 'http://127.0.0.1:4455/verification', use: code }
    registration:
      ui_url: http://127.0.0.1:4455/registration
      lifespan: 10m
      after: { password: { hooks: [{ hook: session }] } }
";

/// A person has an address to sign in with, and may have a name, a number and a choice.
const SCHEMA: &str = r#"{
  "$id": "person", "type": "object", "properties": { "traits": { "type": "object",
    "properties": {
      "email": { "type": "string", "format": "email", "maxLength": 320, "ory.sh/kratos": {
        "credentials": { "password": { "identifier": true } }, "verification": { "via": "email" } } },
      "name": { "type": "string", "minLength": 2, "maxLength": 100000 },
      "age": { "type": "integer" },
      "newsletter": { "type": "boolean" }
    },
    "required": ["email"], "additionalProperties": false } } }"#;

/// What a server is made from.
#[derive(Clone)]
pub struct Setup {
    /// Configuration in YAML that goes on top of the usual one, file by file.
    pub more: Vec<String>,
    /// The database; that of the test's [`Database`] when `None`.
    pub dsn: Option<String>,
    /// Where the time comes from.
    pub clock: Clock,
    /// How much may be hashed at once.
    pub pool: PoolLimits,
    /// As by `serve --dev`: cookies for plain HTTP, and cheap hashes.
    pub dev: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            more: Vec::new(),
            dsn: None,
            clock: Clock::manual("2026-11-21T10:00:00Z".parse().expect("a time")),
            pool: PoolLimits { workers: 2, memory_bytes: 1 << 30, queue: 512 },
            dev: true,
        }
    }
}

impl Setup {
    /// The usual server with more configuration (YAML) on top.
    pub fn with(more: &str) -> Self {
        Self { more: vec![more.to_owned()], ..Self::default() }
    }

    /// Still more configuration on top.
    #[must_use]
    pub fn and(mut self, more: &str) -> Self {
        self.more.push(more.to_owned());
        self
    }
}

/// A server, with the clock that it goes by. Clones are the same server.
#[derive(Clone)]
pub struct Server {
    /// The state behind its routes.
    pub app: App,
    /// What it was made from.
    pub setup: Setup,
    public: Edge,
    admin: Edge,
    inner: server::Server,
}

impl Server {
    /// The usual server.
    pub async fn start(database: &Database) -> Self {
        Self::of(database, Setup::default()).await
    }

    /// A server on a database; several may be on the same.
    pub async fn of(database: &Database, setup: Setup) -> Self {
        static SEED: AtomicU64 = AtomicU64::new(1);
        let entropy = Entropy::seeded(SEED.fetch_add(1, Ordering::Relaxed));
        let config = configuration(database, &setup, &entropy);
        let store = Store::open(&Dsn::parse(config.dsn.expose()).expect("a DSN")).await.expect("a database");
        let shared = Shared {
            store,
            clock: setup.clock.clone(),
            entropy,
            hashing: HashingPool::new(setup.pool),
            mapper: Mapper::unconfined(setup.clock.clone()),
            background: Tasks::default(),
            metrics: Shared::metrics(&config),
        };
        let server = server::Server::assemble(config, shared).await.expect("a server");
        let (app, Edges { public, admin }) = (server.app().clone(), server.edges());
        Self { app, setup, public, admin, inner: server }
    }

    /// Another server on the same database, with more configuration on top: what a restart, or a second node, is.
    pub async fn another(&self, database: &Database, more: &str) -> Self {
        Self::of(database, self.setup.clone().and(more)).await
    }

    /// Moves the clock.
    pub fn wait(&self, by: SignedDuration) {
        self.setup.clock.advance(by);
    }

    /// A request to the public listener.
    pub fn ask(&self, method: &str, uri: &str) -> Ask {
        let uri = uri.strip_prefix(PUBLIC_URL).unwrap_or(uri);
        Ask::new(self.public.clone(), method, uri).header("host", "127.0.0.1:4433")
    }

    /// A request to the admin listener.
    pub fn ask_admin(&self, method: &str, uri: &str) -> Ask {
        let uri = uri.strip_prefix(ADMIN_URL).unwrap_or(uri);
        Ask::new(self.admin.clone(), method, uri).header("host", "127.0.0.1:4434")
    }

    /// What answers requests to the public listener.
    pub(crate) fn public(&self) -> Edge {
        self.public.clone()
    }

    /// A browser that was never here.
    pub fn browser(&self) -> Browser {
        Browser::new(self.clone())
    }

    /// A native app.
    pub fn native(&self) -> Native {
        Native { server: self.clone() }
    }

    /// Makes an identity with a password by the admin API; gives back its id.
    pub async fn import(&self, email: &str, password: &str) -> String {
        let body = serde_json::json!({
            "schema_id": "person", "traits": { "email": email },
            "credentials": { "password": { "config": { "password": password } } },
        });
        let answer = self.ask_admin("POST", "/admin/identities").json(&body).send().await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Whether a session token is good.
    pub async fn accepts(&self, token: &str) -> bool {
        let answer = self.ask("GET", "/sessions/whoami").header("x-session-token", token).send().await;
        assert!(matches!(answer.status, 200 | 401), "{}", answer.body);
        answer.status == 200
    }

    /// What whoami says of a session token.
    pub async fn whoami(&self, token: &str) -> Value {
        self.ask("GET", "/sessions/whoami").header("x-session-token", token).send().await.json()
    }

    /// Removes what is out of date, as the server does about every hour.
    pub async fn clean_up(&self) {
        let (_running, mut stop) = tokio::sync::watch::channel(false);
        self.inner.clean_up(Duration::ZERO, &mut stop).await.expect("a clean-up");
    }

    /// As [`Server::clean_up`], if it is this server's turn; whether it is.
    ///
    /// # Panics
    /// When the database fails.
    pub async fn clean_up_in_turn(&self) -> bool {
        let (_running, mut stop) = tokio::sync::watch::channel(false);
        self.inner.clean_up_in_turn(Duration::ZERO, &mut stop).await.expect("a clean-up")
    }

    /// The store that the server works with.
    pub fn store(&self) -> Store {
        self.app.site().runtime.store.clone()
    }
}

fn configuration(database: &Database, setup: &Setup, entropy: &Entropy) -> config::Config {
    let schema = database.folder().join("person.schema.json");
    std::fs::write(&schema, SCHEMA).expect("a file");
    let basics = serde_json::json!({
        "dsn": setup.dsn.as_deref().unwrap_or(database.dsn()),
        "identity": {
            "default_schema_id": "person",
            "schemas": [{ "id": "person", "url": format!("file://{}", schema.display()) }],
        },
    });
    let layers = [CONFIG.to_owned(), basics.to_string()].into_iter().chain(setup.more.iter().cloned());
    let files = layers.enumerate().map(|(n, text)| {
        let file = database.folder().join(format!("{}-{n}.yml", entropy.uuid()));
        std::fs::write(&file, text).expect("a file");
        file
    });
    let sources = Sources {
        files: files.collect(),
        environment: Vec::new(),
        machine: Machine { hostname: "localhost".to_owned(), processors: 1 },
        fallback_secret: Secret::from("a-secret-that-is-long-enough"),
    };
    let mode = Mode { dev: setup.dev, ..Mode::default() };
    Loaded::from(&sources, mode).unwrap_or_else(|error| panic!("{error}")).config
}
