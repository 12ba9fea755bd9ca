//! Signing in with a provider.

use flow::{
    Account, Context, Input, Linking, LoginForm, LoginMethod, LoginOutcome, LoginScene, MethodOutcome, Rejection,
    Services, Unrecognised, Verifying,
};
use model::flow::Login;
use model::{Aal, Flow, Group, Identity, Problem, message};
use store::Tx;

use super::link::LinksConfig;
use super::provider::Provider;
use super::start::{self, ProviderSubmission};
use super::{Oidc, add_button, named_provider};

impl LoginMethod for Oidc {
    fn add_fields(&self, _: Context<'_>, scene: &LoginScene<'_>, flow: &mut Flow<Login>) -> Result<bool, Problem> {
        let offered: Vec<&Provider> = match scene {
            LoginScene::FirstFactor | LoginScene::Identification => self.open_to_all().collect(),
            LoginScene::Linking(linking) => self.other_ways(linking).collect(),
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
            let label = match scene {
                LoginScene::Linking(_) => message::login_with_provider_and_link(provider.label()),
                _ => message::login_with_provider(provider.label(), &provider.config.id),
            };
            add_button(&mut flow.ui, provider, label);
        }
        Ok(!offered.is_empty())
    }

    fn is_meant(&self, _: &Services, flow: &Flow<Login>, input: &Input) -> bool {
        flow.detail.requested_aal == Aal::Aal1 && named_provider(input).is_some()
    }

    /// A native app may send cookies along here, as in Kratos. What browsers send is checked in [`Oidc::read_submission`].
    fn needs_csrf(&self) -> bool {
        false
    }

    fn keep_input(&self, _: &mut Flow<Login>, _: &Input) {}

    fn verify<'a>(&'a self, cx: Context<'a>, form: LoginForm<'a>) -> Verifying<'a, LoginOutcome> {
        let LoginForm { flow, input, .. } = form;
        Box::pin(self.begin_login(cx, flow, input))
    }
}

impl Oidc {
    /// The configured providers that a person can sign in with.
    pub(super) fn linked<'a>(&'a self, identity: &Identity) -> impl Iterator<Item = &'a Provider> + use<'a> {
        let links = LinksConfig::of(identity);
        self.providers.iter().filter(move |provider| links.has(&provider.config.id))
    }

    /// The providers with which the owner of an account may sign in, so that one at another provider can be linked.
    fn other_ways<'a>(&'a self, linking: &Linking<'a>) -> impl Iterator<Item = &'a Provider> + use<'a> {
        let Linking { provider, known_by } = *linking;
        self.open_to_all().filter(move |other| {
            let id = &other.config.id;
            id != provider && known_by.is_none_or(|known_by| known_by.contains(id))
        })
    }

    async fn begin_login(
        &self,
        cx: Context<'_>,
        flow: &mut Flow<Login>,
        input: &Input,
    ) -> Result<LoginOutcome, Problem> {
        let schema = flow.detail.identity_schema.clone();
        match self.read_submission(cx, flow, schema.as_deref(), input).await? {
            ProviderSubmission::ByIdToken(told, attempt) => match told.too_old_for(flow) {
                None => told.outcome(cx, attempt).await,
                Some(reason) => Ok(MethodOutcome::Unrecognised(Unrecognised {
                    provider: told.provider.config.id.clone(),
                    rejections: vec![Rejection::whole(message::generic(reason))],
                })),
            },
            ProviderSubmission::AtProvider(provider, mut asked) => {
                start::keep_in(flow, cx, &asked);
                asked.is_refresh = flow.detail.refresh;
                let (to, effects, writes) = self.send_away(cx, provider, asked, Tx::new()).await?;
                flow.active = Some(super::NAME.to_owned());
                Ok(MethodOutcome::Elsewhere { to, effects, writes })
            }
            ProviderSubmission::Malformed(rejection) => Ok(MethodOutcome::rejected(rejection)),
        }
    }
}
