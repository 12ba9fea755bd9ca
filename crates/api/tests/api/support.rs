//! A server in this process, and a client for it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use config::{Loaded, Machine, Mode, Sources};
use crypto::{HashingPool, PoolLimits};
use http_body_util::BodyExt;
use mapper::Mapper;
use model::{
    Aal, AuthenticationMethod, ClientInfo, Clock, Cx, Entropy, Id, Identity, RawJson, Secret, Session, SignedDuration,
    Timestamp,
};
use serde_json::{Value, json};
use server::{Edges, Shared};
use store::{Dsn, Store, Tx};
use tasks::Tasks;
use web::{App, Edge, Peer};

/// The anti-CSRF cookie's name for the public address below.
pub const CSRF_COOKIE: &str = "csrf_token_806060ca5bf70dff3caa0e5c860002aade9d470a5a4dce73bcfa7ba10778f481";
pub const BYE: &str = "http://127.0.0.1:4455/bye";

const CONFIG: &str = "
version: v26.2.0
dsn: memory
serve:
  public:
    base_url: http://127.0.0.1:4433/
    cors: { enabled: true, allowed_origins: ['http://127.0.0.1:4455', 'https://*.example.org'], allow_credentials: true }
  admin: { base_url: 'http://127.0.0.1:4434/' }
secrets: { cookie: [a-cookie-secret-that-is-long-enough] }
identity:
  default_schema_id: person
  schemas:
    - id: person
      url: base64://eyIkaWQiOiJwIiwicHJvcGVydGllcyI6eyJ0cmFpdHMiOnsidHlwZSI6Im9iamVjdCIsInByb3BlcnRpZXMiOnsiZW1haWwiOnsidHlwZSI6InN0cmluZyIsImZvcm1hdCI6ImVtYWlsIiwib3J5LnNoL2tyYXRvcyI6eyJjcmVkZW50aWFscyI6eyJwYXNzd29yZCI6eyJpZGVudGlmaWVyIjp0cnVlfX19fX19fX0=
selfservice:
  default_browser_return_url: http://127.0.0.1:4455/welcome
  allowed_return_urls: ['http://127.0.0.1:4455', 'https://app.example.org/deep/', 'https://*.wild.example.org', 'myapp://cb']
  methods: { password: { enabled: true } }
  flows:
    error: { ui_url: 'http://127.0.0.1:4455/error?lang=en' }
    logout: { after: { default_browser_return_url: 'http://127.0.0.1:4455/bye' } }
";

/// A server on an empty database, whose clock stands.
pub struct Server {
    pub app: App,
    pub clock: Clock,
    public: Edge,
    admin: Edge,
}

/// Someone who is signed in.
pub struct SignedIn {
    pub session: Session,
    /// The session token.
    pub token: String,
    pub logout_token: String,
    /// `name=value`, as a browser sends it.
    pub cookie: String,
}

/// A request that is being put together.
pub struct Ask<'a> {
    edge: &'a Edge,
    builder: axum::http::request::Builder,
    body: Body,
    is_tls: bool,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Server {
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// A server whose configuration has `more` on top.
    pub async fn with(more: &str) -> Self {
        Self::with_environment(more, &[]).await
    }

    /// The same, with variables of the environment.
    pub async fn with_environment(more: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (base, top) = (folder.path().join("base.yml"), folder.path().join("top.yml"));
        std::fs::write(&base, CONFIG).expect("a file");
        std::fs::write(&top, more).expect("a file");
        let sources = Sources {
            files: vec![base, top],
            environment: environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            machine: Machine { hostname: "localhost".to_owned(), processors: 1 },
            fallback_secret: Secret::from("a-secret-that-is-long-enough"),
        };
        let loaded = Loaded::from(&sources, Mode::default()).expect("a good configuration");
        let (clock, entropy) = (Clock::manual("2026-11-21T10:00:00Z".parse().expect("a time")), Entropy::seeded(7));
        let store = Store::open(&Dsn::parse("memory").expect("a DSN")).await.expect("a database");
        store.migrate_up(entropy.uuid(), clock.now(), &mut |_| {}).await.expect("tables");
        let shared = Shared {
            store,
            clock: clock.clone(),
            entropy,
            hashing: HashingPool::new(PoolLimits { workers: 1, memory_bytes: 1 << 30, queue: 8 }),
            mapper: Mapper::unconfined(clock.clone()),
            background: Tasks::default(),
            metrics: Arc::default(),
        };
        let server = server::Server::assemble(loaded.config, shared).await.expect("a server");
        let (app, Edges { public, admin }) = (server.app().clone(), server.edges());
        Self { app, clock, public, admin }
    }

    pub fn cx(&self) -> Cx {
        Cx { clock: self.clock.clone(), entropy: self.app.entropy().clone() }
    }

    /// A new person, signed in.
    pub async fn sign_in(&self, email: &str) -> SignedIn {
        let (site, cx) = (self.app.site(), self.cx());
        let runtime = &site.runtime;
        let traits = RawJson::from_value(&json!({ "email": email }));
        let mut identity = Identity::new(Id::random(&cx.entropy), "person".to_owned(), traits, cx.now());
        runtime.identities.validate(&cx, &mut identity).expect("a valid identity");
        let mut tx = Tx::new();
        runtime.identities.insert(&cx, &mut identity, &mut tx);
        runtime.store.commit(tx).await.expect("an identity");
        self.sign_in_again(&identity).await
    }

    /// Another session of a person.
    pub async fn sign_in_again(&self, identity: &Identity) -> SignedIn {
        let (site, cx) = (self.app.site(), self.cx());
        let runtime = &site.runtime;
        let method = AuthenticationMethod::new("password", Aal::Aal1, cx.now());
        let session =
            runtime.sessions.new_session(&cx, &ClientInfo::default(), identity, vec![method]).expect("a session");
        let mut tx = Tx::new();
        runtime.sessions.insert(&mut tx, &session);
        runtime.store.commit(tx).await.expect("a session");
        let cookie = runtime.sessions.cookie(&cx, &session).value;
        SignedIn {
            token: session.token.as_ref().expect("a token").expose().clone(),
            logout_token: session.logout_token.as_ref().expect("a token").expose().clone(),
            cookie: format!("ory_kratos_session={}", cookie.expose()),
            session,
        }
    }

    /// Moves the clock.
    pub fn wait(&self, hours: i64) -> Timestamp {
        self.clock.advance(SignedDuration::from_hours(hours));
        self.clock.now()
    }

    pub fn ask(&self, method: &str, uri: &str) -> Ask<'_> {
        Ask::new(&self.public, method, uri).header("host", "127.0.0.1:4433")
    }

    pub fn ask_admin(&self, method: &str, uri: &str) -> Ask<'_> {
        Ask::new(&self.admin, method, uri).header("host", "127.0.0.1:4434")
    }

    /// Whether a session token is good.
    pub async fn is_alive(&self, who: &SignedIn) -> bool {
        self.ask("GET", "/sessions/whoami").header("x-session-token", &who.token).send().await.status == 200
    }
}

impl<'a> Ask<'a> {
    fn new(edge: &'a Edge, method: &str, uri: &str) -> Self {
        Self { edge, builder: Request::builder().method(method).uri(uri), body: Body::empty(), is_tls: false }
    }

    /// As a request that came over an encrypted connection, or not.
    pub fn over_tls(mut self, is_tls: bool) -> Self {
        self.is_tls = is_tls;
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Adds a header, in the place of those of its name that are there.
    pub fn set_header(mut self, name: &str, value: &str) -> Self {
        if let Some(headers) = self.builder.headers_mut() {
            headers.remove(name);
        }
        self.header(name, value)
    }

    pub fn accept_json(self) -> Self {
        self.header("accept", "application/json")
    }

    pub fn cookie(self, who: &SignedIn) -> Self {
        self.header("cookie", &who.cookie)
    }

    pub fn json(self, value: &Value) -> Self {
        self.body("application/json", value.to_string())
    }

    pub fn body(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub async fn send(self) -> Answer {
        let request = self.builder.body(self.body).expect("a request");
        let peer = Peer { address: Some(([127, 0, 0, 1], 40_000).into()), is_tls: self.is_tls };
        let response = self.edge.answer(request, peer).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        Answer { status, headers, body: String::from_utf8(body.into()).expect("text") }
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The first value of a header; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// All values of a header, joined.
    pub fn all(&self, name: &str) -> String {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(", ")
    }

    /// The `Set-Cookie` of a cookie.
    pub fn set_cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let mut own = lines.filter(|line| line.split('=').next() == Some(name));
        let first = own.next().map(str::to_owned);
        assert_eq!(own.next(), None, "a cookie is set at most once");
        first
    }

    /// The error's id; `None` without one.
    pub fn error_id(&self) -> Option<String> {
        let header = self.header("ory-error-id");
        let id = self.json()["error"]["id"].as_str().map(str::to_owned);
        assert_eq!(header, id.as_deref().unwrap_or_default(), "header and body say the same");
        id
    }
}
