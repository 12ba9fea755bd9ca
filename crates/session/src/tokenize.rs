//! Sessions as signed tokens: `session.whoami.tokenizer`.
//!
//! A token says who somebody is to services that do not ask Zelus again. It is good until it expires, whatever becomes of
//! the session meanwhile, and should therefore live for minutes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use config::{Config, TokenSubject, TokenizerTemplate};
use crypto::{JwkError, SigningKey};
use mapper::{Input, MAX_SNIPPET, Mapper, MapperError};
use model::wire::SessionJson;
use model::{Cx, Problem, Session, SignedDuration, Timestamp};
use outbound::Outbound;
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt;

/// The largest key set, in bytes.
const MAX_DOCUMENT: usize = 1 << 20;
/// How long a key is kept before it is read again; as in Kratos.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Makes tokens by the templates of one configuration.
pub struct Tokenizer {
    config: Arc<Config>,
    outbound: Outbound,
    mapper: Mapper,
    /// By the name of the template.
    keys: Mutex<HashMap<String, (Timestamp, Arc<SigningKey>)>>,
}

impl Tokenizer {
    /// Tokens by the templates of a configuration. Keys and snippets are read when they are first needed.
    pub fn new(config: Arc<Config>, outbound: Outbound, mapper: Mapper) -> Self {
        Self { config, outbound, mapper, keys: Mutex::default() }
    }

    /// A session, with its identity, as a token by the template named `name`.
    ///
    /// # Errors
    /// 400 for an unknown template, and for a key or a snippet that cannot be used; 500 for one that cannot be read.
    pub async fn tokenize(&self, cx: &Cx, name: &str, session: &Session) -> Result<String, Problem> {
        let Some(template) = self.config.session.tokenizer_templates.get(name) else {
            return Err(Problem::bad_request(format!(
                "There is no template {name:?} under session.whoami.tokenizer.templates."
            )));
        };
        let key = self.key(cx, name, template).await?;
        let base = &self.config.serve.public.base_url.text;
        let now = cx.now();
        let expires_at = now.saturating_add(template.ttl).unwrap_or(Timestamp::MAX);
        let mut claims = BTreeMap::from([
            ("jti".to_owned(), json!(cx.entropy.uuid())),
            ("iss".to_owned(), json!(base)),
            ("exp".to_owned(), json!(expires_at.as_second())),
            ("sid".to_owned(), json!(session.id)),
            ("nbf".to_owned(), json!(now.as_second())),
            ("iat".to_owned(), json!(now.as_second())),
        ]);
        let subject = subject(template.subject, session)?;
        claims.insert("sub".to_owned(), subject.clone());
        if let Some(address) = &template.claims_mapper_url {
            let session = json!(SessionJson::public(session, base, now));
            claims.extend(self.mapped(address, &claims, session).await?);
            // Whose token it is, no snippet decides.
            claims.insert("sub".to_owned(), subject);
        }
        let claims = serde_json::to_vec(&claims).map_err(Problem::internal)?;
        let token = key.sign(&claims);
        token.map_err(|error| Problem::bad_request("The key of this template cannot sign tokens.").log(error))
    }

    /// What the snippet at `address` adds to the claims, or changes.
    async fn mapped(
        &self,
        address: &str,
        claims: &BTreeMap<String, Value>,
        session: Value,
    ) -> Result<Map<String, Value>, Problem> {
        let fetch = |url: String| async move { self.outbound.download(&url, MAX_SNIPPET).await };
        let snippet = self.mapper.load(address, fetch).await;
        let snippet = snippet.map_err(|error| Problem::internal(format!("A claims mapper: {error}.")))?;
        let variables = Map::from_iter([("session".to_owned(), session), ("claims".to_owned(), json!(claims))]);
        let output = self.mapper.evaluate(&snippet, Input::ExtVars(&variables)).await;
        let output = output.map_err(|error| match error {
            MapperError::Busy | MapperError::Start(_) => Problem::unavailable(error),
            _ => Problem::bad_request("The claims mapper of this template cannot be evaluated.").log(error),
        })?;
        match serde_json::from_str::<Value>(&output)
            .ok()
            .and_then(|mut output| output.get_mut("claims").map(Value::take))
        {
            Some(Value::Object(claims)) => Ok(claims),
            _ => Err(Problem::bad_request(
                "The claims mapper of this template has to give an object with the object claims.",
            )),
        }
    }

    /// The key of a template, read anew once in a while.
    async fn key(&self, cx: &Cx, name: &str, template: &TokenizerTemplate) -> Result<Arc<SigningKey>, Problem> {
        let kept = |keys: &HashMap<String, (Timestamp, Arc<SigningKey>)>| {
            let (read_at, key) = keys.get(name)?;
            (cx.now().duration_since(*read_at) < KEPT_FOR).then(|| key.clone())
        };
        if let Some(key) = kept(&self.keys.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(key);
        }
        let document = self.read(template.jwks_url.expose()).await;
        let document =
            document.map_err(|why| Problem::internal(format!("The key set of {name:?} cannot be read: {why}.")))?;
        let key = Arc::new(signing_key(&document)?);
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), (cx.now(), key.clone()));
        Ok(key)
    }

    /// The document at a `file://`, `http(s)://` or `base64://` address. Errors do not repeat it.
    async fn read(&self, address: &str) -> Result<Vec<u8>, String> {
        if let Some(encoded) = address.strip_prefix("base64://") {
            return BASE64_STANDARD.decode(encoded).map_err(|_| "it is no Base64".to_owned());
        }
        let Some(path) = address.strip_prefix("file://") else {
            return self.outbound.download(address, MAX_DOCUMENT).await.map_err(|error| error.to_string());
        };
        let file = tokio::fs::File::open(path).await.map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        file.take(MAX_DOCUMENT as u64 + 1).read_to_end(&mut bytes).await.map_err(|error| error.to_string())?;
        match bytes.len() > MAX_DOCUMENT {
            true => Err(format!("it is larger than {MAX_DOCUMENT} bytes")),
            false => Ok(bytes),
        }
    }
}

/// The first key of a set (RFC 7517 §5), or a key that stands alone.
fn signing_key(document: &[u8]) -> Result<SigningKey, Problem> {
    let unreadable = |log: &str| Problem::bad_request("The key set of this template cannot be used.").log(log);
    let document: Value = serde_json::from_slice(document).map_err(|_| unreadable("it is no JSON"))?;
    let key = match document.get("keys") {
        Some(keys) => keys.get(0).ok_or_else(|| unreadable("it is empty"))?,
        None => &document,
    };
    SigningKey::from_jwk(key).map_err(|error: JwkError| unreadable(&error.to_string()))
}

fn subject(source: TokenSubject, session: &Session) -> Result<Value, Problem> {
    match source {
        TokenSubject::Id => Ok(json!(session.identity_id)),
        TokenSubject::ExternalId => {
            let external_id = session.identity.as_ref().and_then(|identity| identity.external_id.as_ref());
            let missing = "This account has no external id, which tokens of this template are about.";
            external_id.map(|id| json!(id)).ok_or_else(|| Problem::bad_request(missing))
        }
    }
}
