//! Signing in with a provider.

use flow::{Account, BoxFuture, Input, LoginMethod, LoginScene, LoginStep, Request, Runtime, Verdict};
use model::flow::Login;
use model::{Aal, Cx, Flow, Group, Identity, Problem, Session, message};
use store::Tx;

use super::link::LinksConfig;
use super::provider::Provider;
use super::start::{self, Asked};
use super::{Oidc, add_button, named_provider};

impl LoginMethod for Oidc {
    fn add_fields(&self, _: &Cx, _: &Runtime, scene: &LoginScene<'_>, flow: &mut Flow<Login>) -> Result<bool, Problem> {
        let offered: Vec<&Provider> = match scene {
            LoginScene::FirstFactor | LoginScene::Identification => self.open_to_all().collect(),
            LoginScene::Identified(visitor) => match visitor.account {
                // Whoever sees the same buttons as everybody learns nothing.
                Account::Secret => return Ok(true),
                Account::Unknown => return Ok(false),
                Account::Known(identity) => {
                    flow.ui.nodes.retain(|node| !(node.group == Group::Oidc && node.id() == "provider"));
                    self.linked(identity).filter(|provider| provider.config.organization_id.is_none()).collect()
                }
            },
            LoginScene::Refresh { identity } => self.linked(identity).collect(),
            LoginScene::SecondFactor { .. } => return Ok(false),
        };
        if !matches!(scene, LoginScene::Identified(_)) {
            flow.ui.set_csrf("");
        }
        for provider in &offered {
            let label = message::login_with_provider(provider.label(), &provider.config.id);
            add_button(&mut flow.ui, provider, label);
        }
        Ok(!offered.is_empty())
    }

    fn is_meant(&self, _: &Runtime, flow: &Flow<Login>, input: &Input) -> bool {
        flow.detail.requested_aal == Aal::Aal1 && named_provider(input).is_some()
    }

    /// As in Kratos: nothing is changed here, and the provider's answer is bound to the browser. What a browser sends with
    /// an ID token is checked in [`Oidc::asked`].
    fn needs_csrf(&self) -> bool {
        false
    }

    fn keep_input(&self, _: &mut Flow<Login>, _: &Input) {}

    fn verify<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        request: &'a Request,
        flow: &'a mut Flow<Login>,
        _: Option<&'a Session>,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Verdict<LoginStep>, Problem>> {
        Box::pin(self.begin_login(cx, runtime, request, flow, input))
    }
}

impl Oidc {
    /// The configured providers that a person can sign in with.
    pub(super) fn linked<'a>(&'a self, identity: &Identity) -> impl Iterator<Item = &'a Provider> + use<'a> {
        let links = LinksConfig::of(identity);
        self.providers.iter().filter(move |provider| links.has(&provider.config.id))
    }

    async fn begin_login(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        flow: &mut Flow<Login>,
        input: &Input,
    ) -> Result<Verdict<LoginStep>, Problem> {
        let schema = flow.detail.identity_schema.clone();
        match self.asked(cx, runtime, request, flow, schema.as_deref(), input).await? {
            Ok(Asked::Here(sign_in)) => {
                let mut flow = flow.clone();
                flow.active = Some(super::NAME.to_owned());
                let answer = self.finish_login(cx, runtime, request, flow, sign_in).await?;
                Ok(Verdict::Answered(Box::new(answer)))
            }
            Ok(Asked::There(provider, mut departure)) => {
                start::keep_payload(flow);
                departure.is_refresh = flow.detail.refresh;
                let (to, effects, writes) = self.depart(cx, runtime, request, provider, departure, Tx::new()).await?;
                flow.active = Some(super::NAME.to_owned());
                Ok(Verdict::Elsewhere { to, effects, writes })
            }
            Err(rejection) => Ok(Verdict::rejected(rejection)),
        }
    }
}
