//! Sending a browser to a provider.

use flow::continuity::{self, Pause};
use flow::{Effects, Input, Refused, Rejection, Request, Runtime, ensure_same_sender};
use model::flow::Kind;
use model::{Cx, Flow, FlowClient, FlowName, Problem, SignedDuration, Uuid, message};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha512};
use store::Tx;

use super::finish::{Origin, SignIn};
use super::provider::{Net, Provider};
use super::state::State;
use super::{Oidc, named_provider};

/// Under which name a browser remembers that it left; Kratos' own.
pub const CONTINUITY: &str = "ory_kratos_oidc_auth_code_session";
/// How long the sign-in at the provider may take. Kratos has 30 minutes; the last of ours tells a browser that is late from
/// one that was never here.
const LIFESPAN: SignedDuration = SignedDuration::from_mins(31);
/// Where native flows keep what their hooks are given; Kratos' own.
pub const PAYLOAD: &str = "transient_payload";

/// What a browser leaves behind, in Kratos' own form.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LeftBehind {
    pub flow_id: String,
    pub state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub identity_schema_id: String,
    pub traits: Value,
    pub transient_payload: Value,
}

/// A flow that a browser leaves.
pub struct Departure {
    pub flow_id: Uuid,
    pub kind: FlowName,
    pub transient_payload: Option<Value>,
    pub identity_schema: Option<String>,
    /// Whether the person has to show anew who they are.
    pub is_refresh: bool,
    /// The traits that the person typed.
    pub typed: Value,
    /// What is passed on to the provider.
    pub parameters: Vec<(String, String)>,
}

impl Departure {
    /// Leaving this flow.
    pub fn of<K: Kind>(flow: &Flow<K>) -> Self {
        Self {
            flow_id: flow.id.uuid(),
            kind: K::NAME,
            transient_payload: flow.transient_payload.clone(),
            identity_schema: None,
            is_refresh: false,
            typed: Value::Null,
            parameters: Vec::new(),
        }
    }
}

/// How somebody wants to sign in or up.
pub enum Asked<'a> {
    /// With an ID token that an app got by itself.
    Here(SignIn<'a>),
    /// At the provider.
    There(&'a Provider, Departure),
}

impl Oidc {
    /// Reads a submission to a sign-in or sign-up form, for an identity of `schema`.
    ///
    /// # Errors
    /// The outer error is for the caller's caller; the inner one is said on the form.
    pub(super) async fn asked<K: Kind>(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        flow: &Flow<K>,
        schema: Option<&str>,
        input: &Input,
    ) -> Result<Result<Asked<'_>, Rejection>, Problem> {
        let provider = self.provider(&named_provider(input).unwrap_or_default())?;
        let typed = runtime.identities.schemas().traits(schema, &input.traits(), input.is_form);
        let id_token = input.text("id_token");
        if !id_token.is_empty() {
            // This signs somebody in here and now, so another site must not be able to have a visitor's browser do it.
            if let Err(Refused::Browser(problem)) = ensure_same_sender(request, flow, &input.text("csrf_token")) {
                return Err(problem);
            }
            let net = Net { cx, runtime };
            let claims = provider.native_claims(net, &id_token, &input.text("id_token_nonce")).await?;
            let origin = Origin::IdToken(id_token);
            return Ok(Ok(Asked::Here(SignIn { provider, claims, tokens: None, typed, origin })));
        }
        let parameters = match upstream_parameters(input) {
            Ok(parameters) => parameters,
            Err(why) => return Ok(Err(Rejection::whole(message::generic(why)))),
        };
        let identity_schema = schema.map(str::to_owned);
        let departure = Departure { typed, parameters, identity_schema, ..Departure::of(flow) };
        Ok(Ok(Asked::There(provider, departure)))
    }

    /// Prepares for a browser's leave: says where it goes, and what has to be written before.
    pub(super) async fn depart(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        provider: &Provider,
        departure: Departure,
        mut writes: Tx,
    ) -> Result<(String, Box<Effects>, Tx), Problem> {
        let net = Net { cx, runtime };
        let exchange = runtime.store.token_exchange_of_flow(departure.flow_id).await?;
        let pkce_verifier = provider.pkce_verifier(net).await;
        let state = State {
            flow_id: departure.flow_id.as_bytes().to_vec(),
            exchange_digest: match &exchange {
                Some(exchange) => Sha512::digest(exchange.init_code.expose()).to_vec(),
                None => cx.entropy.uuid().as_bytes().to_vec(),
            },
            provider: provider.config.id.clone(),
            pkce_verifier,
            kind: Some(departure.kind),
        };
        let sealed = self.ciphers.seal_state(&cx.entropy, &state)?;
        let to =
            provider.authorization_url(net, &sealed, &state.pkce_verifier, departure.is_refresh, &departure.parameters);
        let to = to.await?;
        let left_behind = LeftBehind {
            flow_id: departure.flow_id.to_string(),
            state: sealed,
            identity_schema_id: departure.identity_schema.unwrap_or_default(),
            traits: departure.typed,
            transient_payload: departure.transient_payload.unwrap_or_default(),
        };
        let payload = serde_json::to_value(&left_behind).map_err(Problem::internal)?;
        let pause = Pause { name: CONTINUITY, identity: None, lifespan: LIFESPAN };
        let cookie = continuity::pause(cx, runtime, request, &pause, |_| payload, &mut writes)?;
        tracing::info!(flow.id = %departure.flow_id, provider = provider.config.id, "A browser goes to a provider.");
        let effects = Effects { continuity: vec![cookie], ..Effects::default() };
        Ok((to, Box::new(effects), writes))
    }
}

/// What may be passed on to a provider, of what was sent.
///
/// # Errors
/// When something is no text.
pub fn upstream_parameters(input: &Input) -> Result<Vec<(String, String)>, &'static str> {
    const ALLOWED: [&str; 5] = ["login_hint", "hd", "prompt", "auth_type", "acr_values"];
    let Some(Value::Object(sent)) = input.get("upstream_parameters") else { return Ok(Vec::new()) };
    let allowed = sent.iter().filter(|(name, _)| ALLOWED.contains(&name.as_str()));
    let text = |(name, value): (&String, &Value)| {
        let value = value.as_str().ok_or("What is passed on to the provider has to be text.")?;
        Ok((name.clone(), value.to_owned()))
    };
    allowed.map(text).collect()
}

/// The browser that comes back is not the app that left, so a native flow keeps what hooks are given itself.
pub fn keep_payload<K: Kind>(flow: &mut Flow<K>) {
    if let (FlowClient::Api, Some(payload)) = (flow.client, &flow.transient_payload) {
        flow.internal_context.insert(PAYLOAD.to_owned(), payload.clone());
    }
}
