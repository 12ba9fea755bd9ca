//! One configured provider: where it sends people, and what it is asked afterwards (OAuth 2.0, OpenID Connect Core).
//!
//! A provider is a stranger: every answer is bounded in size and time, and checked. One that hangs, lies or fails costs the
//! person who chose it a clear error, and nobody else anything.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use config::{Defaults, OidcProvider, Pkce};
use crypto::SigningKey;
use crypto::jwt::KeySet;
use flow::{Context, Services};
use model::{Entropy, Problem, Secret, SignedDuration, Timestamp};
use outbound::{Request, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::kinds::{Endpoints, ProviderKind, Style};
use super::net::{self, Tokens, misconfigured, read_tokens, upstream};
use super::state::State;

/// How long what a provider says about itself is believed.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_mins(10);

/// A configured provider.
pub struct Provider {
    pub config: OidcProvider,
    pub kind: &'static ProviderKind,
    /// Whether its ID tokens have to repeat a `nonce`.
    asks_for_nonce: bool,
    discovered: Cached<Discovery>,
    pub keys: Cached<KeySet>,
    /// Whether the provider wants the client's secret in the form rather than in a header.
    wants_secret_in_form: AtomicBool,
}

/// What a provider says about itself (OpenID Connect Discovery §3).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Discovery {
    pub issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    pub jwks_uri: String,
    userinfo_endpoint: String,
    code_challenge_methods_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// What is known of a provider for a while.
pub struct Cached<T>(Mutex<Option<(String, Timestamp, Arc<T>)>>);

impl<T> Cached<T> {
    fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// What `address` said within `age`.
    pub fn get(&self, address: &str, now: Timestamp, age: SignedDuration) -> Option<Arc<T>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, at, value) = kept.as_ref()?;
        (from == address && now.duration_since(*at) < age).then(|| value.clone())
    }

    pub fn put(&self, address: &str, now: Timestamp, value: T) -> Arc<T> {
        let value = Arc::new(value);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((address.to_owned(), now, value.clone()));
        value
    }
}

impl Provider {
    /// The provider of a configuration; `None` for a kind that is not known.
    pub fn new(mut config: OidcProvider, defaults: Defaults) -> Option<Self> {
        let kind = ProviderKind::of(&config.provider)?;
        kind.adjust(&mut config);
        let wants_nonce = config.nonce.unwrap_or(defaults == Defaults::Zelus);
        Some(Self {
            asks_for_nonce: wants_nonce && kind.source.has_id_token(),
            config,
            kind,
            discovered: Cached::new(),
            keys: Cached::new(),
            wants_secret_in_form: AtomicBool::new(kind.style == Style::Form),
        })
    }

    /// What buttons call it.
    pub fn label(&self) -> &str {
        self.config.label.as_deref().filter(|label| !label.is_empty()).unwrap_or(&self.config.id)
    }

    /// What messages call it, where it may be new to people.
    pub fn name(&self) -> &str {
        self.config.label.as_deref().filter(|label| !label.is_empty()).unwrap_or(&self.config.provider)
    }

    /// Where it identifies itself: as configured, or as its kind does everywhere.
    pub fn issuer(&self) -> Option<String> {
        let configured = || self.config.issuer_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        self.kind.issuer.map(str::to_owned).or_else(configured)
    }

    /// Where it sends people back to.
    pub fn redirect_uri(&self, services: &Services) -> String {
        let base = &services.config.selfservice.methods.oidc.base_redirect_uri.text;
        let route = format!("{}/self-service/methods/oidc/callback", base.trim_end_matches('/'));
        if self.config.pkce == Pkce::Force { route } else { format!("{route}/{}", self.config.id) }
    }

    /// What the provider says about itself.
    pub async fn discover(&self, cx: Context<'_>) -> Result<Arc<Discovery>, Problem> {
        let issuer = self.issuer().ok_or_else(|| misconfigured("This provider needs an issuer_url."))?;
        self.discover_issuer(cx, &issuer).await
    }

    /// What an issuer says about itself.
    pub async fn discover_issuer(&self, cx: Context<'_>, issuer: &str) -> Result<Arc<Discovery>, Problem> {
        let issuer = issuer.trim_end_matches('/');
        let now = cx.now();
        if let Some(known) = self.discovered.get(issuer, now, KEPT_FOR) {
            return Ok(known);
        }
        let unusable = |problem: Problem| {
            let log = format!("The provider {} does not tell what it is: {problem}.", self.config.id);
            misconfigured("The provider does not tell where people sign in.").log(log)
        };
        let url = format!("{issuer}/.well-known/openid-configuration");
        let document = net::json(cx, Request::get(&url)).await.map_err(unusable)?;
        let discovery: Discovery = serde_json::from_value(Value::Object(document))
            .map_err(|error| unusable(upstream("It cannot be read.").log(error)))?;
        if discovery.issuer.trim_end_matches('/') != issuer {
            return Err(unusable(upstream("It calls itself by another name.").log(&discovery.issuer)));
        }
        Ok(self.discovered.put(issuer, now, discovery))
    }

    /// Where people go, and where codes are traded for tokens.
    pub async fn endpoints(&self, cx: Context<'_>) -> Result<(String, String), Problem> {
        match self.kind.endpoints {
            Endpoints::Discovered => {
                let discovery = self.discover(cx).await?;
                Ok((discovery.authorization_endpoint.clone(), discovery.token_endpoint.clone()))
            }
            Endpoints::Fixed { authorize, token } => Ok((authorize.to_owned(), token.to_owned())),
            Endpoints::Under { default, authorize, token } => {
                let base = self.issuer().or_else(|| default.map(str::to_owned));
                let base = base.ok_or_else(|| misconfigured("This provider needs an issuer_url."))?;
                Ok((format!("{base}{authorize}"), format!("{base}{token}")))
            }
            Endpoints::Tenant => {
                let tenant = self.config.microsoft_tenant.as_deref().unwrap_or_default().trim();
                if tenant.is_empty() {
                    return Err(misconfigured("This provider needs a microsoft_tenant."));
                }
                let base = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0");
                Ok((format!("{base}/authorize"), format!("{base}/token")))
            }
        }
    }

    /// The base that paths of this provider are under.
    pub fn base(&self) -> Result<String, Problem> {
        let default = match self.kind.endpoints {
            Endpoints::Under { default, .. } => default,
            _ => None,
        };
        self.issuer()
            .or_else(|| default.map(str::to_owned))
            .ok_or_else(|| misconfigured("This provider needs an issuer_url."))
    }

    /// A new secret of PKCE (RFC 7636 §4.1), if it is to be used: empty otherwise.
    pub async fn pkce_verifier(&self, cx: Context<'_>) -> String {
        let is_used = match self.config.pkce {
            Pkce::Never => false,
            Pkce::Force => true,
            Pkce::Auto if self.issuer().is_none() => false,
            Pkce::Auto => match self.discover(cx).await {
                Ok(discovery) => discovery.code_challenge_methods_supported.iter().any(|method| method == "S256"),
                Err(problem) => {
                    tracing::warn!(provider = self.config.id, %problem, "It is not known whether this provider knows PKCE, so it is not used.");
                    false
                }
            },
        };
        if is_used { new_verifier(&cx.entropy) } else { String::new() }
    }

    /// A new value for ID tokens to repeat (OpenID Connect Core §3.1.2.1), if it is to be used: empty otherwise. It binds the
    /// token to the browser's state: a code that somebody else was given brings a token for another.
    pub fn nonce(&self, cx: Context<'_>) -> String {
        if self.asks_for_nonce { new_verifier(&cx.entropy) } else { String::new() }
    }

    /// Where a person signs in who comes with `state`, which is `sealed`. `upstream_parameters` are passed on as they are.
    pub async fn authorization_url(
        &self,
        cx: Context<'_>,
        state: &State,
        sealed: &str,
        is_refresh: bool,
        upstream_parameters: &[(String, String)],
    ) -> Result<String, Problem> {
        let (authorize, _) = self.endpoints(cx).await?;
        let redirect_uri = self.redirect_uri(cx.services);
        let scopes = self.scopes().join(" ");
        let mut parameters: BTreeMap<&str, String> = BTreeMap::from([
            ("client_id", self.config.client_id.clone()),
            ("redirect_uri", redirect_uri),
            ("response_type", "code".to_owned()),
            ("state", sealed.to_owned()),
        ]);
        if !scopes.is_empty() {
            parameters.insert("scope", scopes);
        }
        if !state.pkce_verifier.is_empty() {
            let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&state.pkce_verifier));
            parameters.extend([("code_challenge", challenge), ("code_challenge_method", "S256".to_owned())]);
        }
        if !state.nonce.is_empty() {
            parameters.insert("nonce", state.nonce.clone());
        }
        parameters.extend(self.kind.parameters(&self.config, is_refresh));
        parameters.extend(upstream_parameters.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let separator = if authorize.contains('?') { '&' } else { '?' };
        Ok(format!("{authorize}{separator}{query}"))
    }

    /// What is asked for.
    fn scopes(&self) -> Vec<&str> {
        let mut scopes: Vec<&str> = self.config.scope.iter().map(String::as_str).collect();
        if self.kind.adds_openid && !scopes.contains(&"openid") {
            scopes.push("openid");
        }
        scopes.retain(|scope| !(self.kind.is_google() && *scope == "offline_access"));
        scopes
    }

    /// Trades a code for tokens.
    pub async fn exchange(&self, cx: Context<'_>, code: &str, verifier: &str) -> Result<Tokens, Problem> {
        let (_, endpoint) = self.endpoints(cx).await?;
        if let Endpoints::Discovered = self.kind.endpoints {
            let supported = &self.discover(cx).await?.token_endpoint_auth_methods_supported;
            let supports = |method: &str| supported.iter().any(|supported| supported == method);
            if supports("client_secret_post") && !supports("client_secret_basic") {
                self.wants_secret_in_form.store(true, Ordering::Relaxed);
            }
        }
        let secret = self.client_secret(cx)?;
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", self.redirect_uri(cx.services)),
        ];
        if !verifier.is_empty() {
            form.push(("code_verifier", verifier.to_owned()));
        }
        form.extend(self.kind.token_parameters.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let in_form = self.wants_secret_in_form.load(Ordering::Relaxed);
        if self.kind.style == Style::Json {
            return self.exchange_as_json(cx, &endpoint, code, &secret).await;
        }
        let mut answer = self.ask_for_tokens(cx, &endpoint, &form, &secret, in_form).await?;
        if answer.status >= 400 && self.kind.style == Style::Either && !in_form {
            // Some providers know the other way only, and do not say so.
            let second = self.ask_for_tokens(cx, &endpoint, &form, &secret, true).await?;
            if second.status < 400 {
                self.wants_secret_in_form.store(true, Ordering::Relaxed);
                answer = second;
            }
        }
        self.tokens_in(&answer)
    }

    /// Kratos means to do this, and does not: its exchange with DingTalk fails.
    async fn exchange_as_json(
        &self,
        cx: Context<'_>,
        endpoint: &str,
        code: &str,
        secret: &Secret,
    ) -> Result<Tokens, Problem> {
        let body = json!({
            "clientId": self.config.client_id,
            "clientSecret": secret.expose(),
            "code": code,
            "grantType": "authorization_code",
        });
        let request = Request::post(endpoint, body.to_string().into_bytes()).header("Content-Type", "application/json");
        self.tokens_in(&net::send_once(cx, request).await?)
    }

    fn tokens_in(&self, answer: &Response) -> Result<Tokens, Problem> {
        let content_type = answer.headers.get("content-type").unwrap_or_default();
        let tokens = read_tokens(content_type, &answer.body).filter(|_| (200..300).contains(&answer.status));
        tokens.ok_or_else(|| {
            // The answer itself may hold tokens.
            let log =
                format!("The provider {} gave no token for a code, and status {}.", self.config.id, answer.status);
            Problem::internal(log)
        })
    }

    async fn ask_for_tokens(
        &self,
        cx: Context<'_>,
        endpoint: &str,
        form: &[(&str, String)],
        secret: &Secret,
        in_form: bool,
    ) -> Result<Response, Problem> {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let (client, secret) = (self.config.client_id.as_str(), secret.expose().as_str());
        let in_body = [("client_id", client), ("client_secret", secret)];
        let body: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .extend_pairs(in_body.into_iter().filter(|_| in_form))
            .finish();
        let mut request = Request::post(endpoint, body.into_bytes())
            .header("Accept", "application/json")
            .header("Content-Type", "application/x-www-form-urlencoded");
        if !in_form {
            let pair = BASE64_STANDARD.encode(format!("{}:{}", encoded(client), encoded(secret)));
            request = request.header("Authorization", &format!("Basic {pair}"));
        }
        net::send_once(cx, request).await
    }

    /// The secret that proves who we are. Apple wants a token that is made anew each time.
    fn client_secret(&self, cx: Context<'_>) -> Result<Secret, Problem> {
        if !self.kind.signs_secret {
            return Ok(self.config.client_secret.clone().unwrap_or_else(|| "".into()));
        }
        let missing =
            || misconfigured("This provider needs apple_team_id, apple_private_key_id and apple_private_key.");
        let team = self.config.apple_team_id.as_deref().ok_or_else(missing)?;
        let key_id = self.config.apple_private_key_id.as_deref().ok_or_else(missing)?;
        let key = self.config.apple_private_key.as_ref().ok_or_else(missing)?;
        let now = cx.now().as_second();
        let claims = json!({
            "iss": team,
            "sub": self.config.client_id,
            "aud": "https://appleid.apple.com",
            "iat": now,
            "exp": now + 5 * 60,
        });
        let key = SigningKey::from_pem(key_id, key);
        let secret = key.and_then(|key| key.sign(claims.to_string().as_bytes()));
        secret.map(Secret::new).map_err(|error| misconfigured("The provider's private key cannot be used.").log(error))
    }

    /// The standard userinfo answer.
    pub async fn userinfo(&self, cx: Context<'_>, tokens: &Tokens) -> Result<Map<String, Value>, Problem> {
        let discovery = self.discover(cx).await?;
        net::json(
            cx,
            Request::get(&discovery.userinfo_endpoint).header("Authorization", &format!("Bearer {}", tokens.access)),
        )
        .await
    }
}

/// 43 characters of 256 random bits.
pub fn new_verifier(entropy: &Entropy) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(entropy.bytes::<32>())
}
