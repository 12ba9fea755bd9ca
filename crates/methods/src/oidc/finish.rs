//! What becomes of somebody whom a provider has recognised: a sign-in, a sign-up, or a link.

use flow::registration::{Accepted, Completed, OnConflict};
use flow::{Answer, AnyAnswer, LoginStep, RegistrationStep, Rejection, Request, Runtime, SettingsStep};
use flow::{login, registration, settings};
use model::flow::{Login, Registration};
use model::{CredentialType, Cx, Entropy, Flow, Group, Problem, RawJson, SignedDuration, Timestamp, Uuid, message};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{ContinuityContainer, TokenExchange, Tx};

use super::claims::Claims;
use super::link::{self, Link};
use super::provider::{Provider, Tokens};
use super::settings::NOT_LINKABLE;
use super::state::Ciphers;
use super::{NAME, Oidc, add_button, mapper};

/// Somebody whom a provider has recognised.
pub struct SignIn<'a> {
    pub provider: &'a Provider,
    pub claims: Claims,
    /// `None` where a native app brought an ID token of its own.
    pub tokens: Option<SealedTokens>,
    /// The traits that the person typed before.
    pub typed: Value,
    pub origin: Origin,
}

/// How the provider's word came here.
pub enum Origin {
    Callback {
        exchange: Option<TokenExchange>,
    },
    /// A native app brought this ID token.
    IdToken(String),
}

/// The first tokens that a provider gave, encrypted.
pub struct SealedTokens {
    id: String,
    access: String,
    refresh: String,
}

impl SealedTokens {
    pub fn of(ciphers: &Ciphers, entropy: &Entropy, tokens: &Tokens) -> Result<Self, Problem> {
        let seal = |token: &str| ciphers.seal_token(entropy, token);
        Ok(Self {
            id: seal(tokens.id.as_deref().unwrap_or_default())?,
            access: seal(&tokens.access)?,
            refresh: seal(&tokens.refresh)?,
        })
    }
}

impl SignIn<'_> {
    fn identifier(&self) -> String {
        link::identifier(&self.provider.config.id, self.claims.subject())
    }

    fn link(&self) -> Link {
        let (initial_id_token, initial_access_token, initial_refresh_token) = match &self.tokens {
            Some(tokens) => (tokens.id.clone(), tokens.access.clone(), tokens.refresh.clone()),
            None => Default::default(),
        };
        Link {
            subject: self.claims.subject().to_owned(),
            provider: self.provider.config.id.clone(),
            initial_id_token,
            initial_access_token,
            initial_refresh_token,
            organization: self.provider.config.organization_id.clone().unwrap_or_default(),
            use_auto_link: false,
        }
    }

    fn exchange(&self) -> Option<&TokenExchange> {
        match &self.origin {
            Origin::Callback { exchange } => exchange.as_ref(),
            Origin::IdToken(_) => None,
        }
    }

    /// Writes that this ID token was used: whoever gets hold of it later can do nothing with it. Kratos accepts it until it
    /// expires.
    fn use_up(&self, cx: &Cx) -> Tx {
        let mut tx = Tx::new();
        if let Origin::IdToken(token) = &self.origin {
            let now = cx.now();
            tx.insert_continuity_container(&ContinuityContainer {
                id: id_of(token),
                name: "zelus_id_token".to_owned(),
                identity_id: None,
                payload: RawJson::empty_object(),
                expires_at: self.end_of_token(now),
                created_at: now,
            });
        }
        tx
    }

    fn end_of_token(&self, now: Timestamp) -> Timestamp {
        let claims = self.claims.to_value();
        let end = claims["raw_claims"]["exp"].as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
        end.unwrap_or(now + SignedDuration::from_hours(24))
    }

    /// Whether this ID token was used before.
    async fn is_used(&self, runtime: &Runtime) -> Result<bool, Problem> {
        match &self.origin {
            Origin::IdToken(token) => Ok(runtime.store.continuity_container(id_of(token)).await?.is_some()),
            Origin::Callback { .. } => Ok(false),
        }
    }
}

/// The identifier that stands for a token. Its signature does not count: there may be several that are good (ECDSA).
fn id_of(token: &str) -> Uuid {
    let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
    Uuid::from_slice(&Sha256::digest(signed)[..16]).unwrap_or_default()
}

fn used() -> Rejection {
    Rejection::whole(message::generic("This ID token was used already. Please sign in at the provider once more."))
}

impl Oidc {
    /// Signs somebody in, or up if nobody knows them yet.
    pub(super) async fn finish_login(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        flow: Flow<Login>,
        sign_in: SignIn<'_>,
    ) -> Result<AnyAnswer, Problem> {
        if sign_in.is_used(runtime).await? {
            return self.refuse_login(cx, runtime, request, flow, vec![used()], None).await;
        }
        let known = runtime.store.find_by_identifier(CredentialType::Oidc, &sign_in.identifier()).await?;
        if let Some(found) = known {
            let step = LoginStep::new(found.identity_id, sign_in.proved(cx), sign_in.use_up(cx));
            let exchange = sign_in.exchange().cloned();
            return login::accept(cx, runtime, request, flow, step, exchange).await.map(AnyAnswer::Login);
        }
        let registration = match registration::open_in_place_of(cx, runtime, request, &flow).await {
            Ok(registration) => registration,
            Err(problem) if problem.status == 400 => {
                let reason = problem.reason.clone().unwrap_or_default().into_owned();
                let rejections = vec![Rejection::whole(message::generic(reason))];
                return self.refuse_login(cx, runtime, request, flow, rejections, sign_in.exchange()).await;
            }
            Err(problem) => return Err(problem),
        };
        tracing::debug!(flow.id = %flow.id, "Somebody new signs in with a provider, and so signs up.");
        self.sign_up(cx, runtime, request, registration, sign_in).await
    }

    /// Signs somebody up, or in if they are known already.
    pub(super) async fn finish_registration(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        flow: Flow<Registration>,
        sign_in: SignIn<'_>,
    ) -> Result<AnyAnswer, Problem> {
        if sign_in.is_used(runtime).await? {
            let provider = sign_in.provider;
            return self.refuse_registration(cx, runtime, request, flow, provider, None, vec![used()], None).await;
        }
        let known = runtime.store.find_by_identifier(CredentialType::Oidc, &sign_in.identifier()).await?;
        let Some(found) = known else { return self.sign_up(cx, runtime, request, flow, sign_in).await };
        let flow = login::open_in_place_of(cx, runtime, request, &flow).await?;
        let step = LoginStep::new(found.identity_id, sign_in.proved(cx), sign_in.use_up(cx));
        let exchange = sign_in.exchange().cloned();
        login::accept(cx, runtime, request, flow, step, exchange).await.map(AnyAnswer::Login)
    }

    async fn sign_up(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        flow: Flow<Registration>,
        sign_in: SignIn<'_>,
    ) -> Result<AnyAnswer, Problem> {
        let provider = sign_in.provider;
        let mapped = mapper::run(runtime, provider, &sign_in.claims).await?;
        let mut candidate = mapped.candidate(cx, runtime, &flow, &sign_in.typed);
        candidate.organization_id =
            provider.config.organization_id.as_deref().and_then(|organization| organization.parse().ok());
        let link = sign_in.link();
        let config = link.alone()?;
        link::add(cx, &mut candidate, link)?;
        let exchange = sign_in.exchange();
        if let Err(errors) = runtime.identities.validate(cx, &mut candidate) {
            let rejections = errors.into_iter().map(Rejection::from).collect();
            let traits = candidate.traits.to_value();
            return self
                .refuse_registration(cx, runtime, request, flow, provider, Some(&traits), rejections, exchange)
                .await;
        }
        mapped.mark_verified(cx, &mut candidate);
        let accepted = Accepted {
            step: RegistrationStep { candidate, method: sign_in.proved(cx), writes: sign_in.use_up(cx) },
            name: NAME,
            on_conflict: Some(OnConflict {
                kind: CredentialType::Oidc,
                config,
                provider_id: &provider.config.id,
                provider_label: provider.name(),
            }),
            exchange: exchange.cloned(),
        };
        let (flow, candidate, rejections) = match registration::accept(cx, runtime, request, flow, accepted).await? {
            Completed::Answered(Answer::Other(answer)) => return Ok(*answer),
            Completed::Answered(answer) => return Ok(AnyAnswer::Registration(answer)),
            Completed::Refused { flow, candidate, rejections } => (flow, candidate, rejections),
            Completed::Taken { flow, candidate } => {
                (flow, candidate, vec![Rejection::whole(message::duplicate_account())])
            }
        };
        let traits = candidate.traits.to_value();
        self.refuse_registration(cx, runtime, request, flow, provider, Some(&traits), rejections, exchange).await
    }

    /// Links an account at a provider to that of the person who is signed in.
    pub(super) async fn finish_link(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        resumed: settings::Resumed,
        sign_in: SignIn<'_>,
    ) -> Result<AnyAnswer, Problem> {
        runtime.sessions.require_privileged(cx, &resumed.session, request.url.as_str())?;
        if !self.is_linkable(&resumed.identity, &sign_in.provider.config.id) {
            let settings::Resumed { mut flow, identity, .. } = resumed;
            flow.ui.clear_messages();
            let rejections = vec![Rejection::whole(message::generic(NOT_LINKABLE))];
            let shown = settings::show_again(cx, runtime, flow, identity, rejections, Tx::new()).await?;
            return Ok(AnyAnswer::Settings(shown));
        }
        let mut identity = resumed.identity.clone();
        link::add(cx, &mut identity, sign_in.link())?;
        let step = SettingsStep { identity, writes: Tx::new(), proved: Some(sign_in.proved(cx)) };
        settings::accept(cx, runtime, request, resumed, (NAME, self), step).await.map(AnyAnswer::Settings)
    }

    /// Shows a sign-in form with what was wrong. The browser of a native app goes back to the app, which looks there.
    pub(super) async fn refuse_login(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        flow: Flow<Login>,
        rejections: Vec<Rejection>,
        exchange: Option<&TokenExchange>,
    ) -> Result<AnyAnswer, Problem> {
        let to = exchange.map(|_| runtime.return_to_of(&flow));
        let answer = login::show_again(cx, runtime, request, flow, rejections, Tx::new()).await?;
        Ok(AnyAnswer::Login(to.map_or(answer, |to| Answer::HandBack { to })))
    }

    /// Shows a sign-up form with what was wrong: the provider's button, and the traits as far as they are known.
    #[expect(clippy::too_many_arguments, reason = "what a form depends on, and what it says")]
    pub(super) async fn refuse_registration(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        mut flow: Flow<Registration>,
        provider: &Provider,
        traits: Option<&Value>,
        rejections: Vec<Rejection>,
        exchange: Option<&TokenExchange>,
    ) -> Result<AnyAnswer, Problem> {
        let to = exchange.map(|_| runtime.return_to_of(&flow));
        flow.ui.nodes.clear();
        flow.ui.set_csrf(&request.form_token(flow.client, &cx.entropy));
        add_button(&mut flow.ui, provider, message::registration_continue());
        if let Some(traits) = traits {
            let legacy = runtime.config.feature_flags.legacy_oidc_registration_node_group;
            let group = if legacy { Group::Oidc } else { Group::Default };
            for field in runtime.identities.schemas().fields(flow.detail.identity_schema.as_deref()) {
                flow.ui.upsert(field.node(group));
            }
            for (name, value) in model::ui::flatten("traits", traits) {
                flow.ui.set_value(&name, value);
            }
        }
        let answer = registration::show_again(cx, runtime, request, flow, rejections, Tx::new()).await?;
        Ok(AnyAnswer::Registration(to.map_or(answer, |to| Answer::HandBack { to })))
    }
}

impl SignIn<'_> {
    fn proved(&self, cx: &Cx) -> model::AuthenticationMethod {
        let mut method = link::proved(cx, &self.provider.config);
        method.organization = self.provider.config.organization_id.clone().unwrap_or_default();
        method
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_with_another_signature_is_the_same_token() {
        assert_eq!(id_of("head.claims.signature"), id_of("head.claims.another"));
        assert_ne!(id_of("head.claims.signature"), id_of("head.others.signature"));
        assert_ne!(id_of("one"), id_of("another"));
    }
}
