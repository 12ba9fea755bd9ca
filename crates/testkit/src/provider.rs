//! An OpenID provider to sign in with: it listens on a port of 127.0.0.1, and lies when it is told to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use crypto::SigningKey;
use model::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::{Url, form_urlencoded};

/// The key that it signs with, which proves nothing to anybody else.
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgd/+IiqUOK+PTwn+DdCJrq292B4n19T1GUKV7qLmRfnShRANCAARY/62zNKGqtv5zKz4ajp1wTivCuIKJqgAfpsXdgepMsaot6k9IZJmftw/PmNsRHpcKNLFHIY2jSO7uFZN1pJcZ";
const PUBLIC_X: &str = "WP-tszShqrb-cys-Go6dcE4rwriCiaoAH6bF3YHqTLE";
const PUBLIC_Y: &str = "qi3qT0hkmZ-3D8-Y2xEelwo0sUchjaNI7u4Vk3Wklxk";

/// In what way it is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It is good.
    None,
    /// Its tokens are another issuer's.
    Issuer,
    /// Its tokens are for another client.
    Audience,
    /// Its tokens are too old.
    Expired,
    /// Its tokens are not signed.
    Unsigned,
    /// Its tokens are signed by nobody knows whom.
    Signature,
    /// Its tokens repeat no nonce.
    NoNonce,
    /// Its tokens repeat the nonce of somebody else.
    Nonce,
    /// It answers 500.
    Fails,
    /// Its answers are larger than anybody can use.
    Endless,
    /// It answers with a page.
    Nonsense,
    /// It describes itself as another issuer.
    Impostor,
    /// It never answers.
    Hangs,
}

struct Inner {
    port: u16,
    now: Timestamp,
    claims: Value,
    lie: Lie,
    /// How many requests wait for an answer that never comes.
    hanging: usize,
    /// What each code is good for: claims, and what the authorization request said.
    codes: HashMap<String, (Value, HashMap<String, String>)>,
}

/// The provider.
pub struct Provider {
    inner: Arc<Mutex<Inner>>,
    _tasks: JoinSet<()>,
}

type Shared = State<Arc<Mutex<Inner>>>;

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().expect("nobody panics with it")
}

impl Provider {
    /// Starts it. Its tokens are made at `now`.
    pub async fn start(now: Timestamp) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
        let port = listener.local_addr().expect("is bound").port();
        let claims = json!({ "sub": "alice" });
        let inner = Inner { port, now, claims, lie: Lie::None, hanging: 0, codes: HashMap::new() };
        let inner = Arc::new(Mutex::new(inner));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(inner.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, routes).await.expect("serves") });
        Self { inner, _tasks: tasks }
    }

    /// Where it identifies itself.
    pub fn issuer(&self) -> String {
        lock(&self.inner).issuer()
    }

    /// The configuration (YAML) of a server that people sign in to with this provider, called `local`.
    pub fn config(&self, more: &str) -> String {
        config_of(&[self.entry("local", more)])
    }

    /// As [`Self::config`], with a second provider, called `other`.
    pub fn config_beside(&self, other: &Self) -> String {
        config_of(&[self.entry("local", ""), other.entry("other", "")])
    }

    /// This provider as one of those in a configuration.
    fn entry(&self, id: &str, more: &str) -> String {
        let mapper = "base64://bG9jYWwgY2xhaW1zID0gc3RkLmV4dFZhcignY2xhaW1zJyk7CnsgaWRlbnRpdHk6IHsgdHJhaXRzOiB7IFtpZiAnZW1haWwnIGluIGNsYWltcyB0aGVuICdlbWFpbCcgZWxzZSBudWxsXTogY2xhaW1zLmVtYWlsIH0gfSB9Cg==";
        format!(
            "{{ id: {id}, provider: generic, label: {id}, client_id: app, client_secret: secret,
    issuer_url: '{}', mapper_url: '{mapper}', scope: [email]{more} }}",
            self.issuer()
        )
    }

    /// Who signs in there from now on.
    pub fn signs_in(&self, claims: Value) {
        lock(&self.inner).claims = claims;
    }

    /// In what way it is no good from now on.
    pub fn lies(&self, lie: Lie) {
        lock(&self.inner).lie = lie;
    }

    /// How many requests have been left without an answer.
    pub fn hanging(&self) -> usize {
        lock(&self.inner).hanging
    }

    /// What a person does who is sent to `address`: signs in. Gives back where the browser is sent then.
    pub fn visit(&self, address: &str) -> String {
        let address = Url::parse(address).expect("an address");
        let asked: HashMap<String, String> = address.query_pairs().into_owned().collect();
        assert_eq!((asked["client_id"].as_str(), asked["response_type"].as_str()), ("app", "code"));
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"), "{asked:?}");
        let mut inner = lock(&self.inner);
        let code = format!("code-{}", inner.codes.len());
        let mut back = Url::parse(&asked["redirect_uri"]).expect("an address");
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked["state"]);
        let claims = inner.claims.clone();
        inner.codes.insert(code, (claims, asked));
        back.into()
    }
}

fn config_of(providers: &[String]) -> String {
    format!(
        "secrets: {{ cipher: [a-32-byte-long-cipher-secret-ok!] }}
ciphers: {{ algorithm: xchacha20-poly1305 }}
selfservice:
  methods: {{ oidc: {{ enabled: true, config: {{ providers: [{}] }} }} }}
  flows: {{ registration: {{ after: {{ oidc: {{ hooks: [{{ hook: session }}] }} }} }} }}
",
        providers.join(",\n    ")
    )
}

impl Inner {
    fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn sign(&self, mut claims: Value) -> String {
        let now = self.now.as_second();
        claims["iss"] = if self.lie == Lie::Issuer { "http://elsewhere".into() } else { self.issuer().into() };
        claims["aud"] = if self.lie == Lie::Audience { json!(["another"]) } else { "app".into() };
        claims["iat"] = now.into();
        claims["exp"] = if self.lie == Lie::Expired { (now - 1).into() } else { (now + 3600).into() };
        let key = SigningKey::from_pem("key", &KEY.into()).expect("a key");
        let token = key.sign(claims.to_string().as_bytes()).expect("a token");
        let (signed, signature) = token.rsplit_once('.').expect("a token");
        match self.lie {
            Lie::Unsigned => {
                let (_, claims) = signed.split_once('.').expect("two parts");
                format!("eyJhbGciOiJub25lIn0.{claims}.")
            }
            Lie::Signature => format!("{signed}.{}", signature.chars().rev().collect::<String>()),
            _ => token,
        }
    }
}

async fn misbehave(inner: &Arc<Mutex<Inner>>) -> Option<Response> {
    let lie = lock(inner).lie;
    match lie {
        Lie::Fails => Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        Lie::Endless => Some(" ".repeat(3 << 20).into_response()),
        Lie::Nonsense => Some(Html("<!doctype html><title>Welcome</title>").into_response()),
        Lie::Hangs => {
            lock(inner).hanging += 1;
            tokio::time::sleep(Duration::from_secs(600)).await;
            None
        }
        _ => None,
    }
}

async fn discovery(State(inner): Shared) -> Response {
    if let Some(answer) = misbehave(&inner).await {
        return answer;
    }
    let (issuer, lie) = {
        let inner = lock(&inner);
        (inner.issuer(), inner.lie)
    };
    Json(json!({
        "issuer": if lie == Lie::Impostor { "http://elsewhere" } else { &issuer },
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "code_challenge_methods_supported": ["S256"],
    }))
    .into_response()
}

async fn keys() -> Response {
    let key = json!({ "kty": "EC", "crv": "P-256", "kid": "key", "use": "sig", "x": PUBLIC_X, "y": PUBLIC_Y });
    Json(json!({ "keys": [key] })).into_response()
}

async fn token(State(inner): Shared, headers: HeaderMap, body: String) -> Response {
    if let Some(answer) = misbehave(&inner).await {
        return answer;
    }
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    let is_known = headers.get("authorization").is_some_and(|value| value == "Basic YXBwOnNlY3JldA==");
    let mut inner = lock(&inner);
    // A code is good once.
    let Some((claims, asked)) = inner.codes.remove(&text("code")) else { return refused() };
    let is_same_place = asked.get("redirect_uri") == Some(&text("redirect_uri"));
    let proof = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier")));
    let is_whoever_asked = asked.get("code_challenge").is_none_or(|challenge| *challenge == proof);
    if !is_known || !is_same_place || !is_whoever_asked {
        return refused();
    }
    let id_token = inner.sign(repeating(claims, &asked, inner.lie));
    Json(json!({ "access_token": "at", "refresh_token": "rt", "token_type": "bearer", "id_token": id_token }))
        .into_response()
}

/// Claims with the nonce that was asked for (OpenID Connect Core §3.1.3.6).
fn repeating(mut claims: Value, asked: &HashMap<String, String>, lie: Lie) -> Value {
    let nonce = asked.get("nonce").filter(|_| lie != Lie::NoNonce);
    if let Some(nonce) = nonce {
        claims["nonce"] =
            if lie == Lie::Nonce { nonce.chars().rev().collect::<String>().into() } else { nonce.clone().into() };
    }
    claims
}

fn refused() -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response()
}

async fn userinfo(State(inner): Shared) -> Response {
    Json(lock(&inner).claims.clone()).into_response()
}
