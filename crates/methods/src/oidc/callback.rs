//! Browsers that come back from a provider (RFC 6749 §4.1.2).
//!
//! A callback is believed when it comes from the browser that left: its cookie leads to a row that holds the same state. A
//! native app's flow is bound by the code that the app got instead, whose digest is in the state. Either is good for one
//! sign-in.

use flow::settings;
use flow::{AnyAnswer, BoxFuture, CallbackMethod, Rejection, Request, Runtime, SubmitError, continuity};
use model::flow::{Login, Registration, Settings};
use model::problem::id;
use model::{Cx, Flow, FlowClient, FlowName, Id, Problem, SignedDuration, Uuid, message};
use serde_json::Value;
use sha2::{Digest, Sha512};
use store::{CommitError, ContinuityContainer, FlowTable, TokenExchange, Tx};

use super::finish::{Origin, SealedTokens, SignIn};
use super::kinds::Protocol;
use super::provider::Net;
use super::start::{CONTINUITY, LeftBehind, PAYLOAD};
use super::state::State;
use super::{NAME, Oidc, oauth1, source};

/// How long a browser that comes back a second time is told apart from one that was never here.
const KEPT_AFTER_USE: SignedDuration = SignedDuration::from_mins(1);

impl CallbackMethod for Oidc {
    fn callback<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        request: &'a Request,
        provider: Option<&'a str>,
    ) -> BoxFuture<'a, Result<AnyAnswer, SubmitError>> {
        Box::pin(self.come_back(cx, runtime, request, provider))
    }
}

/// The flow that a browser left.
enum Left {
    Login(Box<Flow<Login>>),
    Registration(Box<Flow<Registration>>),
    Settings(Box<settings::Resumed>),
}

/// What binds a callback to its flow.
struct Bound {
    left_behind: LeftBehind,
    /// The row that the browser's cookie leads to.
    container: Option<ContinuityContainer>,
    /// The codes of a native app.
    exchange: Option<TokenExchange>,
}

impl Oidc {
    async fn come_back(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        provider: Option<&str>,
    ) -> Result<AnyAnswer, SubmitError> {
        let state_text = request.query("state").unwrap_or_default();
        let state = self.read_state(&state_text, provider)?;
        let left = find(cx, runtime, request, &state).await?;
        let client = Some(left.client());
        let bound = bind(cx, runtime, request, &left, &state, &state_text).await?;
        let error = |problem| SubmitError { problem, client };
        self.go_on(cx, runtime, request, left, bound, &state).await.map_err(error)
    }

    /// The state that a provider has handed back. A provider that answers for another is not believed (RFC 9700 §4.4).
    fn read_state(&self, text: &str, provider: Option<&str>) -> Result<State, Problem> {
        if text.is_empty() {
            return Err(Problem::bad_request("The provider did not say which sign-in this is (state)."));
        }
        let unknown = || Problem::bad_request("The provider's answer belongs to no sign-in of ours (state).");
        let mut state = self.ciphers.open_state(text).ok_or_else(unknown)?;
        match provider {
            Some(named) if state.provider.is_empty() => named.clone_into(&mut state.provider),
            Some(named) if state.provider != named => {
                return Err(Problem::bad_request("Another provider was asked than the one that answered."));
            }
            None if state.provider.is_empty() => return Err(unknown()),
            _ => {}
        }
        Ok(state)
    }

    async fn go_on(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        mut left: Left,
        bound: Bound,
        state: &State,
    ) -> Result<AnyAnswer, Problem> {
        // OAuth 1.0a has no code for it: X hands its own token back instead.
        let denied = || request.query("denied").map(|_| "access_denied".to_owned());
        if let Some(error) = request.query("error").or_else(denied) {
            tracing::info!(provider = state.provider, error = shown(&error), "A provider did not sign somebody in.");
            let reason = "The provider did not sign you in. Please try again, or sign in another way.";
            return self.say(cx, runtime, request, left, &state.provider, reason, &bound).await;
        }
        let Some(code) = request.query("code").or_else(|| request.query("authCode")) else {
            let reason = "The provider did not say whether you signed in. Please try again.";
            return self.say(cx, runtime, request, left, &state.provider, reason, &bound).await;
        };
        if let Some(answer) = already_signed_in(cx, runtime, request, &left, &bound).await? {
            return Ok(answer);
        }
        if !use_up(cx, runtime, bound.container.as_ref()).await? {
            let reason = "This answer of the provider was used already. Please sign in once more.";
            return self.say(cx, runtime, request, left, &state.provider, reason, &bound).await;
        }
        let provider = self.provider(&state.provider)?;
        let net = Net { cx, runtime };
        let asked = async {
            let brought = |name| request.query(name).unwrap_or_default();
            let (tokens, sealed) = match provider.kind.protocol {
                Protocol::OAuth2 => {
                    let tokens = provider.exchange(net, &code, &state.pkce_verifier).await?;
                    let sealed = SealedTokens::of(&self.ciphers, &cx.entropy, &tokens)?;
                    (tokens, Some(sealed))
                }
                // These tokens are not kept, as in Kratos.
                Protocol::OAuth1 { .. } => {
                    let (token, verifier) = (brought("oauth_token"), brought("oauth_verifier"));
                    (oauth1::access_token(net, provider, &token, &verifier).await?, None)
                }
            };
            Ok::<_, Problem>((source::claims(net, provider, &tokens, &brought("user")).await?, sealed))
        };
        let (claims, tokens) = match asked.await {
            Ok(told) => told,
            Err(problem) if problem.status == 400 => {
                let reason = problem.reason.clone().unwrap_or_default().into_owned();
                tracing::info!(provider = state.provider, %problem, "A provider's answer was not accepted.");
                return self.say(cx, runtime, request, left, &state.provider, reason, &bound).await;
            }
            Err(problem) => return Err(problem),
        };
        left.take_along(&bound.left_behind);
        let typed = bound.left_behind.traits.clone();
        let origin = Origin::Callback { exchange: bound.exchange };
        let sign_in = SignIn { provider, claims, tokens, typed, origin };
        match left {
            Left::Login(flow) => self.finish_login(cx, runtime, request, *flow, sign_in).await,
            Left::Registration(flow) => self.finish_registration(cx, runtime, request, *flow, sign_in).await,
            Left::Settings(resumed) => self.finish_link(cx, runtime, request, *resumed, sign_in).await,
        }
    }

    /// Says on the form that the browser left why it is back without a sign-in.
    #[expect(clippy::too_many_arguments, reason = "what a form depends on, and what it says")]
    async fn say(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        left: Left,
        provider: &str,
        reason: impl Into<String>,
        bound: &Bound,
    ) -> Result<AnyAnswer, Problem> {
        let rejections = vec![Rejection::whole(message::generic(reason.into()))];
        let exchange = bound.exchange.as_ref();
        match left {
            Left::Login(flow) => self.refuse_login(cx, runtime, request, *flow, rejections, exchange).await,
            Left::Registration(flow) => {
                let provider = self.provider(provider)?;
                self.refuse_registration(cx, runtime, request, *flow, provider, None, rejections, exchange).await
            }
            Left::Settings(resumed) => {
                let settings::Resumed { flow, identity, .. } = *resumed;
                let shown = settings::show_again(cx, runtime, flow, identity, rejections, Tx::new()).await?;
                Ok(AnyAnswer::Settings(shown))
            }
        }
    }
}

impl Left {
    fn client(&self) -> FlowClient {
        match self {
            Self::Login(flow) => flow.client,
            Self::Registration(flow) => flow.client,
            Self::Settings(resumed) => resumed.flow.client,
        }
    }

    fn id(&self) -> Uuid {
        match self {
            Self::Login(flow) => flow.id.uuid(),
            Self::Registration(flow) => flow.id.uuid(),
            Self::Settings(resumed) => resumed.flow.id.uuid(),
        }
    }

    /// Gives the flow back what the browser left behind.
    fn take_along(&mut self, left: &LeftBehind) {
        let some = |value: &Value| Some(value).filter(|value| !value.is_null()).cloned();
        let schema = Some(&left.identity_schema_id).filter(|schema| !schema.is_empty()).cloned();
        match self {
            Self::Login(flow) => {
                flow.active = Some(NAME.to_owned());
                flow.transient_payload = some(&left.transient_payload).or(flow.internal_context.get(PAYLOAD).cloned());
                flow.detail.identity_schema = schema.or(flow.detail.identity_schema.take());
            }
            Self::Registration(flow) => {
                flow.active = Some(NAME.to_owned());
                flow.transient_payload = some(&left.transient_payload).or(flow.internal_context.get(PAYLOAD).cloned());
                flow.detail.identity_schema = schema.or(flow.detail.identity_schema.take());
            }
            Self::Settings(resumed) => {
                resumed.flow.active = Some(NAME.to_owned());
                resumed.flow.transient_payload = some(&left.transient_payload);
            }
        }
    }
}

/// An error code for the log (RFC 6749 §4.1.2.1). Whoever opens the address chooses it, and what a provider says beside it may
/// name the person.
fn shown(error: &str) -> &str {
    let is_code = error.len() <= 64 && error.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if is_code { error } else { "(no error code)" }
}

/// Finds the flow that the browser left, if it is still good. Old states do not say of which kind it is.
async fn find(cx: &Cx, runtime: &Runtime, request: &Request, state: &State) -> Result<Left, SubmitError> {
    let missing = || Problem::not_found().reason("This sign-in does not exist any more. Please start again.");
    let id = state.flow().ok_or_else(missing)?;
    let may_be = |kind| state.kind.is_none() || state.kind == Some(kind);
    if may_be(FlowName::Login)
        && let Some(flow) = stored::<Login>(cx, runtime, id).await?
    {
        return Ok(Left::Login(Box::new(flow)));
    }
    if may_be(FlowName::Registration)
        && let Some(flow) = stored::<Registration>(cx, runtime, id).await?
    {
        return Ok(Left::Registration(Box::new(flow)));
    }
    if may_be(FlowName::Settings)
        && let Some(flow) = stored::<Settings>(cx, runtime, id).await?
    {
        let resumed = settings::resume(cx, runtime, request, flow).await.map_err(|failed| failed.problem)?;
        return Ok(Left::Settings(Box::new(resumed)));
    }
    Err(missing().into())
}

async fn stored<K: FlowTable>(cx: &Cx, runtime: &Runtime, id: Uuid) -> Result<Option<Flow<K>>, Problem> {
    let Some(flow): Option<Flow<K>> = runtime.store.flow(Id::from_uuid(id)).await? else { return Ok(None) };
    if flow.expires_at <= cx.now() {
        return Err(Problem::new(410)
            .with_id(id::FLOW_EXPIRED)
            .reason("The sign-in at the provider took too long. Please start again."));
    }
    Ok(Some(flow))
}

/// Checks that the browser that comes back is the one that left.
async fn bind(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    left: &Left,
    state: &State,
    state_text: &str,
) -> Result<Bound, Problem> {
    let exchange = runtime.store.token_exchange_of_flow(left.id()).await?;
    if let (FlowClient::Api, Some(exchange)) = (left.client(), &exchange) {
        let digest = Sha512::digest(exchange.init_code.expose());
        if !crypto::tokens::same(digest, &state.exchange_digest) {
            return Err(Problem::bad_request("The provider's answer belongs to another app's sign-in."));
        }
        return Ok(Bound { left_behind: LeftBehind::default(), container: None, exchange: Some(exchange.clone()) });
    }
    let found = continuity::find(cx, runtime, request, CONTINUITY, None).await?;
    let container = found.ok_or_else(|| {
        Problem::bad_request("This browser did not begin the sign-in that it wants to finish. Please start again.")
            .message("There is nothing here to go on with.")
    })?;
    let left_behind: LeftBehind = serde_json::from_str(container.payload.as_str()).unwrap_or_default();
    if left_behind.state != state_text {
        return Err(Problem::bad_request("This browser began another sign-in since then. Please finish that one."));
    }
    Ok(Bound { left_behind, container: Some(container), exchange: None })
}

/// Uses up what binds a callback to its flow; `false` if that was done before.
async fn use_up(cx: &Cx, runtime: &Runtime, container: Option<&ContinuityContainer>) -> Result<bool, Problem> {
    let Some(container) = container else { return Ok(true) };
    let now = cx.now();
    let mut tx = Tx::new();
    tx.expire_continuity_container(container.id, now + KEPT_AFTER_USE, now);
    match runtime.store.commit(tx).await {
        Ok(()) => Ok(true),
        Err(CommitError::Spent(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Somebody who is signed in already, because a button was pressed twice say, is sent on.
async fn already_signed_in(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    left: &Left,
    bound: &Bound,
) -> Result<Option<AnyAnswer>, Problem> {
    let return_to = match left {
        Left::Login(flow) if !flow.detail.refresh => runtime.return_to_of(flow.as_ref()),
        Left::Registration(flow) => runtime.return_to_of(flow.as_ref()),
        Left::Login(_) | Left::Settings(_) => return Ok(None),
    };
    let Some(found) = runtime.sessions.current(cx, &request.credentials).await? else { return Ok(None) };
    let to = match &bound.exchange {
        None => return_to,
        Some(exchange) => {
            let mut tx = Tx::new();
            tx.bind_token_exchange(left.id(), found.session.id, cx.now());
            runtime.store.commit(tx).await?;
            flow::with_code(return_to, exchange)
        }
    };
    Ok(Some(match left {
        Left::Registration(_) => AnyAnswer::Registration(flow::Answer::HandBack { to }),
        _ => AnyAnswer::Login(flow::Answer::HandBack { to }),
    }))
}
