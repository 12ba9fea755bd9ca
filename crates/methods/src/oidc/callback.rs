//! Browsers that come back from a provider (RFC 6749 §4.1.2).
//!
//! A callback is believed when it comes from the browser that left: its cookie leads to a row that holds the same state. A
//! native app's flow is bound by the code that the app got instead, whose digest is in the state. Either is good for one
//! sign-in.

use flow::{
    Bound, BoxFuture, CallbackMethod, CallbackOutcome, Context, LeftFlow, Rejection, ResumedFlow, ResumedSettings,
    SettingsStep, Unrecognised, continuity,
};
use guard::{Attempt, Factor};
use model::{FlowClient, Problem, SessionId, SignedDuration, message};
use sha2::{Digest, Sha512};
use store::{CommitError, ContinuityContainer, TokenExchange, Tx};

use super::kinds::Protocol;
use super::net::ProviderError;
use super::provider::Provider;
use super::recognised::{SealedTokens, Told};
use super::settings::NOT_LINKABLE;
use super::start::{CONTINUITY, KeptByBrowser, PAYLOAD};
use super::state::State;
use super::{NAME, Oidc, link, oauth1, source};

/// How long a browser that comes back a second time is told apart from one that was never here.
const KEPT_AFTER_USE: SignedDuration = SignedDuration::from_mins(1);

impl CallbackMethod for Oidc {
    fn left_flow(&self, cx: Context<'_>, provider: Option<&str>) -> Result<LeftFlow, Problem> {
        let state = self.read_state(&state_text(cx), provider)?;
        let missing = || Problem::not_found().reason("This sign-in does not exist any more. Please start again.");
        Ok(LeftFlow { id: state.flow().ok_or_else(missing)?, kind: state.kind })
    }

    fn bind<'a>(
        &'a self,
        cx: Context<'a>,
        provider: Option<&'a str>,
        flow: &'a ResumedFlow,
    ) -> BoxFuture<'a, Result<Bound, Problem>> {
        Box::pin(async move {
            let text = state_text(cx);
            let state = self.read_state(&text, provider)?;
            let (container, exchange) = bind(cx, flow, &state, &text).await?;
            let label = self.provider(&state.provider).map_or(state.provider.as_str(), Provider::name);
            Ok(Bound {
                container,
                exchange,
                provider_label: label.to_owned(),
                is_answered: declined(cx).is_none() && code(cx).is_some(),
                confirmed_traits: None,
                provider: state.provider,
            })
        })
    }

    fn come_back<'a>(
        &'a self,
        cx: Context<'a>,
        provider: Option<&'a str>,
        flow: &'a mut ResumedFlow,
        bound: &'a Bound,
    ) -> BoxFuture<'a, Result<CallbackOutcome, Problem>> {
        Box::pin(async move {
            let state = self.read_state(&state_text(cx), provider)?;
            self.go_on(cx, flow, bound, &state).await
        })
    }
}

/// What was left behind: by the browser, or in the app if its person has confirmed that.
fn kept(bound: &Bound) -> KeptByBrowser {
    let of = |container: &ContinuityContainer| serde_json::from_str(container.payload.as_str()).unwrap_or_default();
    let mut kept: KeptByBrowser = bound.container.as_ref().map(of).unwrap_or_default();
    if let Some(traits) = &bound.confirmed_traits {
        kept.traits.clone_from(traits);
    }
    kept
}

/// Why the provider signed nobody in, if it says so (RFC 6749 §4.1.2.1).
fn declined(cx: Context<'_>) -> Option<String> {
    // OAuth 1.0a has no code for it: X hands its own token back instead.
    let denied = || cx.request.query("denied").map(|_| "access_denied".to_owned());
    cx.request.query("error").or_else(denied)
}

fn code(cx: Context<'_>) -> Option<String> {
    cx.request.query("code").or_else(|| cx.request.query("authCode"))
}

fn state_text(cx: Context<'_>) -> String {
    cx.request.query("state").unwrap_or_default()
}

impl Oidc {
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
        cx: Context<'_>,
        flow: &mut ResumedFlow,
        bound: &Bound,
        state: &State,
    ) -> Result<CallbackOutcome, Problem> {
        let refused = |reason: String| {
            let rejections = vec![Rejection::whole(message::generic(reason))];
            Ok(CallbackOutcome::Unrecognised(Unrecognised { provider: state.provider.clone(), rejections }))
        };
        if let Some(error) = declined(cx) {
            tracing::info!(provider = state.provider, error = shown(&error), "A provider did not sign somebody in.");
            return refused(declined_because(&error, &cx.request.query("error_description").unwrap_or_default()));
        }
        let Some(code) = code(cx) else {
            return refused("The provider did not say whether you signed in. Please try again.".to_owned());
        };
        if let Some(session) = already_signed_in(cx, flow).await? {
            return Ok(CallbackOutcome::AlreadySignedIn(session));
        }
        if !use_up(cx, bound.container.as_ref()).await? {
            return refused("This answer of the provider was used already. Please sign in once more.".to_owned());
        }
        let subject = cx.services.guard.passing(Factor::Oidc, flow.id());
        let attempt = match cx.attempt(flow.client(), &subject).await? {
            Ok(attempt) => attempt,
            Err(resting) => {
                let provider = state.provider.clone();
                return Ok(CallbackOutcome::Unrecognised(Unrecognised { provider, rejections: vec![resting] }));
            }
        };
        let provider = self.provider(&state.provider)?;
        let kept = kept(bound);
        let told = match self.ask(cx, provider, &code, state, &kept).await {
            Ok(told) => told,
            Err(ProviderError::Unproved(reason)) => {
                attempt.settle(&cx, false).await?;
                tracing::info!(provider = state.provider, reason, "A provider's answer was not accepted.");
                return refused(reason);
            }
            Err(ProviderError::Failed(problem)) => return Err(problem),
        };
        give_back(flow, &kept);
        if let ResumedFlow::Login(flow) = flow
            && let Some(reason) = told.too_old_for(flow)
        {
            return refused(reason.to_owned());
        }
        match flow {
            ResumedFlow::Login(_) | ResumedFlow::Registration(_) => {
                told.recognised(cx, attempt).map(CallbackOutcome::Recognised)
            }
            ResumedFlow::Settings(settings) => self.connect(cx, settings, (told, &attempt)),
        }
    }

    /// Asks the provider who it is that comes back with `code`.
    async fn ask<'a>(
        &self,
        cx: Context<'_>,
        provider: &'a Provider,
        code: &str,
        state: &State,
        kept: &KeptByBrowser,
    ) -> Result<Told<'a>, ProviderError> {
        let brought = |name| cx.request.query(name).unwrap_or_default();
        let (tokens, sealed) = match provider.kind.protocol {
            Protocol::OAuth2 => {
                let tokens = provider.exchange(cx, code, &state.pkce_verifier).await?;
                let sealed = SealedTokens::of(&self.ciphers, &cx.entropy, &tokens)?;
                (tokens, Some(sealed))
            }
            // These tokens are not kept, as in Kratos.
            Protocol::OAuth1 { .. } => {
                let (token, verifier) = (brought("oauth_token"), brought("oauth_verifier"));
                (oauth1::access_token(cx, provider, &token, &verifier).await?, None)
            }
        };
        let claims = source::claims(cx, provider, &tokens, &brought("user"), &state.nonce).await?;
        Ok(Told { provider, claims, tokens: sealed, typed: kept.traits.clone(), id_token: None })
    }

    /// Connects an account at a provider with that of the person who is signed in.
    fn connect(
        &self,
        cx: Context<'_>,
        settings: &mut ResumedSettings,
        (told, attempt): (Told<'_>, &Attempt),
    ) -> Result<CallbackOutcome, Problem> {
        cx.require_privileged(&settings.session)?;
        let provider = told.provider.config.id.clone();
        if !self.is_linkable(&settings.identity, &provider) {
            settings.flow.ui.clear_messages();
            let rejections = vec![Rejection::whole(message::generic(NOT_LINKABLE))];
            return Ok(CallbackOutcome::Unrecognised(Unrecognised { provider, rejections }));
        }
        let mut identity = settings.identity.clone();
        link::add(cx, &mut identity, told.link())?;
        let mut writes = Tx::new();
        attempt.succeeded(&cx, &mut writes);
        let step = SettingsStep { identity, writes, proved: Some(told.proved(cx)) };
        Ok(CallbackOutcome::Changed(Box::new(step)))
    }
}

/// Gives the flow back what the browser left behind.
fn give_back(flow: &mut ResumedFlow, kept: &KeptByBrowser) {
    let payload = Some(&kept.transient_payload).filter(|value| !value.is_null()).cloned();
    let schema = Some(&kept.identity_schema_id).filter(|schema| !schema.is_empty()).cloned();
    match flow {
        ResumedFlow::Login(flow) => {
            flow.active = Some(NAME.to_owned());
            flow.transient_payload = payload.or_else(|| flow.internal_context.get(PAYLOAD).cloned());
            flow.detail.identity_schema = schema.or(flow.detail.identity_schema.take());
        }
        ResumedFlow::Registration(flow) => {
            flow.active = Some(NAME.to_owned());
            flow.transient_payload = payload.or_else(|| flow.internal_context.get(PAYLOAD).cloned());
            flow.detail.identity_schema = schema.or(flow.detail.identity_schema.take());
        }
        ResumedFlow::Settings(settings) => {
            settings.flow.active = Some(NAME.to_owned());
            settings.flow.transient_payload = payload;
        }
    }
}

/// An error code for the log (RFC 6749 §4.1.2.1). Whoever opens the address chooses it, and what a provider says beside it may
/// name the person.
fn shown(error: &str) -> &str {
    let is_code = error.len() <= 64 && error.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if is_code { error } else { "(no error code)" }
}

/// What the form says of a provider that signed nobody in, in its own words as far as it had any.
fn declined_because(error: &str, description: &str) -> String {
    let (error, description) = (plain(error, 64), plain(description, 512));
    let said = match (error.is_empty(), description.is_empty()) {
        (_, true) => error,
        (true, false) => description,
        (false, false) => format!("{error} ({description})"),
    };
    let said = if said.is_empty() { String::new() } else { format!(" It said: {said}.") };
    format!("The provider did not sign you in.{said} Please try again, or sign in another way.")
}

/// A line of text by somebody else, of `most` characters at most: without controls, and without those that turn the words
/// around it over (Unicode's bidirectional formatting).
fn plain(text: &str, most: usize) -> String {
    let is_formatting = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || is_formatting(c)).filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Checks that the browser that comes back is the one that left: by the row that its cookie leads to, or by the codes of a
/// native app.
async fn bind(
    cx: Context<'_>,
    flow: &ResumedFlow,
    state: &State,
    state_text: &str,
) -> Result<(Option<ContinuityContainer>, Option<TokenExchange>), Problem> {
    let exchange = cx.services.store.token_exchange_of_flow(flow.id()).await?;
    if let (FlowClient::Api, Some(exchange)) = (flow.client(), &exchange) {
        let digest = Sha512::digest(exchange.init_code.expose());
        if !crypto::tokens::same(digest, &state.exchange_digest) {
            return Err(Problem::bad_request("The provider's answer belongs to another app's sign-in."));
        }
        return Ok((None, Some(exchange.clone())));
    }
    let found = continuity::find(cx, CONTINUITY, None).await?;
    let container = found.ok_or_else(|| {
        Problem::bad_request("This browser did not begin the sign-in that it wants to finish. Please start again.")
            .message("There is nothing here to go on with.")
    })?;
    let kept: KeptByBrowser = serde_json::from_str(container.payload.as_str()).unwrap_or_default();
    if kept.state != state_text {
        return Err(Problem::bad_request("This browser began another sign-in since then. Please finish that one."));
    }
    Ok((Some(container), None))
}

/// Uses up what binds a callback to its flow; `false` if that was done before.
async fn use_up(cx: Context<'_>, container: Option<&ContinuityContainer>) -> Result<bool, Problem> {
    let Some(container) = container else { return Ok(true) };
    let now = cx.now();
    let mut tx = Tx::new();
    tx.expire_continuity_container(container.id, now + KEPT_AFTER_USE, now);
    match cx.services.store.commit(tx).await {
        Ok(()) => Ok(true),
        Err(CommitError::Spent(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The session of somebody who is signed in already, unless they are to prove it anew or to change their account.
async fn already_signed_in(cx: Context<'_>, flow: &ResumedFlow) -> Result<Option<SessionId>, Problem> {
    match flow {
        ResumedFlow::Login(flow) if flow.detail.refresh => return Ok(None),
        ResumedFlow::Settings(_) => return Ok(None),
        ResumedFlow::Login(_) | ResumedFlow::Registration(_) => {}
    }
    let found = cx.services.sessions.current(&cx, &cx.request.credentials).await?;
    Ok(found.map(|found| found.session.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_the_provider_said_in_one_short_line() {
        let said = |error: &str, description: &str| {
            declined_because(error, description).replace(" Please try again, or sign in another way.", "")
        };
        assert_eq!(said("access_denied", ""), "The provider did not sign you in. It said: access_denied.");
        assert_eq!(said("access_denied", "No."), "The provider did not sign you in. It said: access_denied (No).");
        assert_eq!(said(" ", "\u{202e}\0\n"), "The provider did not sign you in.");
        assert_eq!(said("", "a\u{202e}b\r\n c"), "The provider did not sign you in. It said: a b c.");
        let long = declined_because(&"e".repeat(10_000), &"é".repeat(10_000));
        assert!(long.chars().count() < 700 && long.contains("é…"), "{long}");
    }
}
