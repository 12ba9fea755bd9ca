//! Linking and unlinking accounts at providers.

use flow::{
    Context, Input, MethodOutcome, SettingsError, SettingsForm, SettingsMethod, SettingsOutcome, SettingsStep,
    Verifying,
};
use model::flow::Settings;
use model::{CredentialType, Flow, Group, Identity, Node, Problem, Session, factors, message};
use store::Tx;

use super::Oidc;
use super::link::LinksConfig;
use super::start::{self, AuthorizationRequest};

impl SettingsMethod for Oidc {
    fn add_fields(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Settings>) -> Result<(), Problem> {
        flow.ui.remove(&["link", "unlink"]);
        flow.ui.set_csrf("");
        let links = LinksConfig::of(identity);
        for provider in self.open_to_all().filter(|provider| !links.has(&provider.config.id)) {
            let label = message::link_provider(provider.label());
            flow.ui.nodes.push(Node::submit("link", Group::Oidc, &provider.config.id, label));
        }
        // The last way to sign in stays.
        if factors::first_factors(&identity.credentials, cx.services.identities.rules()) > 1 {
            for provider in self.linked(identity) {
                let label = message::unlink_provider(provider.label());
                flow.ui.nodes.push(Node::submit("unlink", Group::Oidc, &provider.config.id, label));
            }
        }
        Ok(())
    }

    fn is_meant(&self, _: &Flow<Settings>, input: &Input) -> bool {
        !input.text("link").is_empty() || !input.text("unlink").is_empty()
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: SettingsForm<'a>) -> Verifying<'a, SettingsOutcome, SettingsError> {
        let SettingsForm { flow, session, identity, input } = form;
        Box::pin(async move {
            let (link, unlink) = (input.text("link"), input.text("unlink"));
            match (link.is_empty(), unlink.is_empty()) {
                (false, false) => Ok(refused("Please connect one account or disconnect one, not both at once.")),
                (false, true) => self.begin_link(cx, flow, session, identity, input).await,
                _ => self.unlink(cx, session, identity, &unlink),
            }
        })
    }
}

fn refused(why: &'static str) -> SettingsOutcome {
    MethodOutcome::rejected(message::generic(why))
}

/// Said where an account at the provider is linked already, or may not be.
pub const NOT_LINKABLE: &str = "This provider cannot be connected: it is not offered here, or is connected already.";

impl Oidc {
    /// Whether an account at this provider can be linked to an identity.
    pub(super) fn is_linkable(&self, identity: &Identity, provider: &str) -> bool {
        let is_configured = self.providers.iter().any(|known| known.config.id == provider);
        is_configured && !LinksConfig::of(identity).has(provider)
    }

    async fn begin_link(
        &self,
        cx: Context<'_>,
        flow: &Flow<Settings>,
        session: &Session,
        identity: &Identity,
        input: &Input,
    ) -> Result<SettingsOutcome, SettingsError> {
        let id = input.text("link");
        if !self.is_linkable(identity, &id) {
            return Ok(refused(NOT_LINKABLE));
        }
        cx.require_privileged(session)?;
        let provider = self.provider(&id)?;
        let parameters = match start::upstream_parameters(input) {
            Ok(parameters) => parameters,
            Err(why) => return Ok(refused(why)),
        };
        let asked = AuthorizationRequest { parameters, ..AuthorizationRequest::of(flow) };
        let (to, effects, writes) = self.send_away(cx, provider, asked, Tx::new()).await?;
        Ok(MethodOutcome::Elsewhere { to, effects, writes })
    }

    fn unlink(
        &self,
        cx: Context<'_>,
        session: &Session,
        identity: &Identity,
        id: &str,
    ) -> Result<SettingsOutcome, SettingsError> {
        cx.require_privileged(session)?;
        if !identity.credentials.contains_key(&CredentialType::Oidc) {
            return Err(Problem::not_found().reason("No account at a provider is connected.").into());
        }
        if factors::first_factors(&identity.credentials, cx.services.identities.rules()) < 2 {
            return Ok(refused("This is the last way to sign in, which has to stay. Please add another one first."));
        }
        if !self.linked(identity).any(|provider| provider.config.id == id) {
            return Ok(refused("This provider is not connected."));
        }
        let mut links = LinksConfig::of(identity);
        links.providers.retain(|link| link.provider != id);
        let mut identity = identity.clone();
        links.put_into(cx, &mut identity)?;
        Ok(MethodOutcome::Accepted(SettingsStep { identity, writes: Tx::new(), proved: None }))
    }
}
