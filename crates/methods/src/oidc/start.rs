//! Sending a browser to a provider.

use flow::continuity::{self, Pause};
use flow::{Context, Effects, Input, Rejection, Tried, ensure_no_page, ensure_own_form, keep_typed};
use guard::{Attempt, Factor};
use model::flow::FlowKind;
use model::{Flow, FlowClient, FlowName, Problem, SignedDuration, Uuid, message};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha512};
use store::Tx;

use super::kinds::Protocol;
use super::provider::Provider;
use super::recognised::Told;
use super::state::State;
use super::{Oidc, named_provider, oauth1};

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
pub struct KeptByBrowser {
    pub flow_id: String,
    pub state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub identity_schema_id: String,
    pub traits: Value,
    pub transient_payload: Value,
}

/// What a provider is asked on behalf of a flow (RFC 6749 §4.1.1).
pub struct AuthorizationRequest {
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

impl AuthorizationRequest {
    /// On behalf of this flow.
    pub fn of<K: FlowKind>(flow: &Flow<K>) -> Self {
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

/// What was submitted to a sign-in or sign-up form for a provider: how somebody wants to show who they are.
pub enum ProviderSubmission<'a> {
    /// With an ID token that an app got by itself.
    ByIdToken(Told<'a>, Attempt),
    /// At the provider.
    AtProvider(&'a Provider, AuthorizationRequest),
    /// In no way that is understood; said on the form.
    Malformed(Rejection),
}

impl Oidc {
    /// Reads a submission to a sign-in or sign-up form, for an identity of `schema`.
    ///
    /// A browser that comes back from a provider is believed since it left from here, so it must not leave at the wish of
    /// another site; and an ID token signs somebody in here and now. Kratos asks for no token in either case.
    ///
    /// # Errors
    /// When another site or another browser has sent it, the provider is not configured, or the ID token proves nothing.
    pub(super) async fn read_submission<K: FlowKind>(
        &self,
        cx: Context<'_>,
        flow: &Flow<K>,
        schema: Option<&str>,
        input: &Input,
    ) -> Result<ProviderSubmission<'_>, Problem> {
        ensure_own_form(cx.request, flow, &input.text("csrf_token"))?;
        let provider = self.provider(&named_provider(input).unwrap_or_default())?;
        let typed = cx.services.identities.schemas().traits(schema, input.traits());
        let id_token = input.text("id_token");
        if !id_token.is_empty() {
            let attempt = match self.attempt(cx, flow).await? {
                Ok(attempt) => attempt,
                Err(resting) => return Ok(ProviderSubmission::Malformed(resting)),
            };
            let claims = provider.native_claims(cx, &id_token, &input.text("id_token_nonce")).await?;
            let told = Told { provider, claims, tokens: None, typed, id_token: Some(id_token) };
            return Ok(ProviderSubmission::ByIdToken(told, attempt));
        }
        // The browser that leaves from a native flow without an exchange keeps what was typed, and comes back by its cookie.
        if flow.client == FlowClient::Api
            && let Err(refused) = ensure_no_page(cx.request)
            && cx.services.store.token_exchange_of_flow(flow.id.uuid()).await?.is_none()
        {
            return refused.into_rejection().map(ProviderSubmission::Malformed);
        }
        let parameters = match upstream_parameters(input) {
            Ok(parameters) => parameters,
            Err(why) => return Ok(ProviderSubmission::Malformed(Rejection::whole(message::generic(why)))),
        };
        let identity_schema = schema.map(str::to_owned);
        let asked = AuthorizationRequest { typed, parameters, identity_schema, ..AuthorizationRequest::of(flow) };
        Ok(ProviderSubmission::AtProvider(provider, asked))
    }

    /// Reserves a try in a flow. What providers say cannot be guessed; a flow is no place to go on trying all the same.
    ///
    /// # Errors
    /// When the database fails.
    async fn attempt<K: FlowKind>(&self, cx: Context<'_>, flow: &Flow<K>) -> Result<Tried, Problem> {
        cx.attempt(flow.client, &cx.services.guard.passing(Factor::Oidc, flow.id.uuid())).await
    }

    /// Sends a browser to a provider: says where it goes, and what has to be written before.
    pub(super) async fn send_away(
        &self,
        cx: Context<'_>,
        provider: &Provider,
        asked: AuthorizationRequest,
        mut writes: Tx,
    ) -> Result<(String, Box<Effects>, Tx), Problem> {
        let exchange = cx.services.store.token_exchange_of_flow(asked.flow_id).await?;
        let pkce_verifier = provider.pkce_verifier(cx).await;
        let state = State {
            flow_id: asked.flow_id.as_bytes().to_vec(),
            exchange_digest: match &exchange {
                Some(exchange) => Sha512::digest(exchange.init_code.expose()).to_vec(),
                None => cx.entropy.uuid().as_bytes().to_vec(),
            },
            provider: provider.config.id.clone(),
            pkce_verifier,
            kind: Some(asked.kind),
            nonce: provider.nonce(cx),
        };
        let sealed = self.ciphers.seal_state(&cx.entropy, &state)?;
        let to = match provider.kind.protocol {
            Protocol::OAuth1 { request_token } => {
                let (authenticate, _) = provider.endpoints(cx).await?;
                oauth1::authorization_url(cx, provider, request_token, &authenticate, &sealed).await?
            }
            Protocol::OAuth2 => {
                provider.authorization_url(cx, &state, &sealed, asked.is_refresh, &asked.parameters).await?
            }
        };
        let kept = KeptByBrowser {
            flow_id: asked.flow_id.to_string(),
            state: sealed,
            identity_schema_id: asked.identity_schema.unwrap_or_default(),
            traits: asked.typed,
            transient_payload: asked.transient_payload.unwrap_or_default(),
        };
        let payload = serde_json::to_value(&kept).map_err(Problem::internal)?;
        let pause = Pause { name: CONTINUITY, identity: None, lifespan: LIFESPAN };
        let cookie = continuity::pause(cx, &pause, |_| payload, &mut writes)?;
        tracing::info!(flow.id = %asked.flow_id, provider = provider.config.id, "A browser goes to a provider.");
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
    let sent = input.object("upstream_parameters");
    let allowed = sent.into_iter().filter(|(name, _)| ALLOWED.contains(&name.as_str()));
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok((name, text)),
        _ => Err("What is passed on to the provider has to be text."),
    };
    allowed.map(text).collect()
}

/// The browser that comes back is not the app that left, so a native flow keeps itself what hooks are given, and what was typed
/// if that says who somebody is.
pub fn keep_in<K: FlowKind>(flow: &mut Flow<K>, cx: Context<'_>, asked: &AuthorizationRequest) {
    if let (FlowClient::Api, Some(payload)) = (flow.client, &flow.transient_payload) {
        flow.internal_context.insert(PAYLOAD.to_owned(), payload.clone());
    }
    let known_by = cx.services.identities.schemas().known_by(asked.identity_schema.as_deref(), &asked.typed);
    keep_typed(flow, Some(&asked.typed).filter(|_| !known_by.is_empty()));
}
