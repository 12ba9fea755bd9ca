//! Signing up with a provider.

use flow::{
    Context, Input, MethodOutcome, RegistrationForm, RegistrationMethod, RegistrationOutcome, Services, Verifying,
};
use model::flow::Registration;
use model::{Flow, Problem, message};
use store::Tx;

use super::start::{self, ProviderSubmission};
use super::{Oidc, add_button, named_provider};

impl RegistrationMethod for Oidc {
    fn add_fields(&self, _: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        flow.ui.set_csrf("");
        for provider in self.open_to_all() {
            let label = message::registration_with_provider(provider.label(), &provider.config.id);
            add_button(&mut flow.ui, provider, label);
        }
        Ok(())
    }

    fn add_profile_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        RegistrationMethod::add_fields(self, cx, flow)
    }

    fn add_credential_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        RegistrationMethod::add_fields(self, cx, flow)
    }

    fn checks_traits(&self, _: &Services) -> bool {
        true
    }

    fn is_meant(&self, _: &Services, _: &Flow<Registration>, input: &Input) -> bool {
        named_provider(input).is_some()
    }

    /// A native app may send cookies along here, as in Kratos. What browsers send is checked in [`Oidc::read_submission`].
    fn needs_csrf(&self, _: &Input) -> bool {
        false
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: RegistrationForm<'a>) -> Verifying<'a, RegistrationOutcome> {
        let RegistrationForm { flow, input } = form;
        Box::pin(self.begin_registration(cx, flow, input))
    }
}

impl Oidc {
    async fn begin_registration(
        &self,
        cx: Context<'_>,
        flow: &mut Flow<Registration>,
        input: &Input,
    ) -> Result<RegistrationOutcome, Problem> {
        let schema = flow.detail.identity_schema.clone();
        match self.read_submission(cx, flow, schema.as_deref(), input).await? {
            ProviderSubmission::ByIdToken(told, attempt) => told.outcome(cx, attempt).await,
            ProviderSubmission::AtProvider(provider, asked) => {
                start::keep_in(flow, cx, &asked);
                let (to, effects, writes) = self.send_away(cx, provider, asked, Tx::new()).await?;
                Ok(MethodOutcome::Elsewhere { to, effects, writes })
            }
            ProviderSubmission::Malformed(rejection) => Ok(MethodOutcome::rejected(rejection)),
        }
    }
}
