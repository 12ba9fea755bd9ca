//! What a provider says of a person, as the engine is told of it, and what is made of somebody who is new.

use flow::{
    BoxFuture, Context, MethodOutcome, Newcomer, ProviderMethod, Recognised, Rejection, Services, Unrecognised,
};
use guard::Attempt;
use model::flow::{Login, Registration};
use model::{
    AuthenticationMethod, CredentialType, Entropy, Flow, Group, Identity, Problem, RawJson, SignedDuration, Timestamp,
    Uuid, message,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{ContinuityContainer, Tx};

use super::claims::Claims;
use super::link::{self, Link};
use super::net::Tokens;
use super::provider::Provider;
use super::state::Ciphers;
use super::{Oidc, add_button, mapper};

/// How far a provider's clock may be behind ours.
const LEEWAY: SignedDuration = SignedDuration::from_mins(1);

/// What a provider says of a person.
pub struct Told<'a> {
    pub provider: &'a Provider,
    pub claims: Claims,
    /// `None` where a native app brought an ID token of its own.
    pub tokens: Option<SealedTokens>,
    /// The traits that the person typed before.
    pub typed: Value,
    /// The ID token that a native app brought; `None` where a browser came back from the provider.
    pub id_token: Option<String>,
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

impl Told<'_> {
    /// The account at the provider, as an identity holds it.
    pub fn link(&self) -> Link {
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

    /// Writes that this ID token was used: whoever gets hold of it later can do nothing with it. Kratos accepts it until it
    /// expires.
    fn use_up(&self, cx: Context<'_>) -> Tx {
        let mut tx = Tx::new();
        if let Some(token) = &self.id_token {
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
    async fn is_used(&self, services: &Services) -> Result<bool, Problem> {
        match &self.id_token {
            Some(token) => Ok(services.store.continuity_container(id_of(token)).await?.is_some()),
            None => Ok(false),
        }
    }

    /// The person as the engine is told of them.
    pub fn recognised(self, cx: Context<'_>, attempt: Attempt) -> Result<Box<Recognised>, Problem> {
        let link = self.link();
        Ok(Box::new(Recognised {
            provider: self.provider.config.id.clone(),
            provider_label: self.provider.name().to_owned(),
            kind: CredentialType::Oidc,
            identifier: link.identifier(),
            link: link.alone()?,
            proved: self.proved(cx),
            attempt,
            writes: self.use_up(cx),
            claims: self.claims.to_value(),
            typed: self.typed,
        }))
    }

    /// What a submission with an ID token comes to: each is good for one sign-in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn outcome<S, N>(self, cx: Context<'_>, attempt: Attempt) -> Result<MethodOutcome<S, N>, Problem> {
        if self.is_used(cx.services).await? {
            let provider = self.provider.config.id.clone();
            return Ok(MethodOutcome::Unrecognised(Unrecognised { provider, rejections: vec![used()] }));
        }
        self.recognised(cx, attempt).map(MethodOutcome::Recognised)
    }

    /// Why this does not show anew who somebody is, where `flow` asks for that: the provider goes by a sign-in from before.
    /// Kratos does not look; and those that do not say when it was are believed, as there.
    pub fn too_old_for(&self, flow: &Flow<Login>) -> Option<&'static str> {
        let signed_in = self.claims.auth_time()?;
        let is_too_old = flow.detail.refresh && signed_in < (flow.issued_at - LEEWAY).as_second();
        is_too_old.then_some(
            "You signed in at the provider before you were asked to. Please sign in there anew, with your password say, or \
             here in another way.",
        )
    }

    /// What is proved by this.
    pub fn proved(&self, cx: Context<'_>) -> AuthenticationMethod {
        let mut method = link::proved(cx, &self.provider.config);
        method.organization = self.provider.config.organization_id.clone().unwrap_or_default();
        self.claims.acr().clone_into(&mut method.acr);
        method
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

impl ProviderMethod for Oidc {
    fn newcomer<'a>(
        &'a self,
        cx: Context<'a>,
        flow: &'a Flow<Registration>,
        recognised: &'a Recognised,
    ) -> BoxFuture<'a, Result<Newcomer, Problem>> {
        Box::pin(async move {
            let provider = self.provider(&recognised.provider)?;
            let mapped = mapper::run(cx.services, provider, &recognised.claims).await?;
            let mut candidate = mapped.candidate(cx, flow, &recognised.typed);
            candidate.organization_id =
                provider.config.organization_id.as_deref().and_then(|organization| organization.parse().ok());
            self.link(cx, &mut candidate, &recognised.link)?;
            if let Err(errors) = cx.services.identities.validate(&cx, &mut candidate) {
                let rejections = errors.into_iter().map(Rejection::from).collect();
                return Ok(Newcomer::Incomplete { traits: candidate.traits.to_value(), rejections });
            }
            mapped.mark_verified(&cx, &mut candidate);
            Ok(Newcomer::Complete(Box::new(candidate)))
        })
    }

    fn link(&self, cx: Context<'_>, identity: &mut Identity, link: &Value) -> Result<AuthenticationMethod, Problem> {
        link::add_alone(cx, identity, link)
    }

    fn ask_for_rest(
        &self,
        cx: Context<'_>,
        flow: &mut Flow<Registration>,
        provider: &str,
        traits: Option<&Value>,
    ) -> Result<(), Problem> {
        add_button(&mut flow.ui, self.provider(provider)?, message::registration_continue());
        let Some(traits) = traits else { return Ok(()) };
        let legacy = cx.services.config.feature_flags.legacy_oidc_registration_node_group;
        let group = if legacy { Group::Oidc } else { Group::Default };
        for field in cx.services.identities.schemas().fields(flow.detail.identity_schema.as_deref()) {
            flow.ui.upsert(field.node(group));
        }
        flow.ui.fill_again("traits", traits);
        Ok(())
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
