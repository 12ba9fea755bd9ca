//! Signing up with a provider.

use flow::{BoxFuture, Input, RegistrationMethod, RegistrationStep, Request, Runtime, Verdict};
use model::flow::Registration;
use model::{Cx, Flow, Group, Problem, message};
use store::Tx;

use super::start::{self, Asked};
use super::{Oidc, add_button, named_provider};

impl RegistrationMethod for Oidc {
    fn add_fields(&self, _: &Cx, _: &Runtime, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        flow.ui.set_csrf("");
        for provider in self.open_to_all() {
            let label = message::registration_with_provider(provider.label(), &provider.config.id);
            add_button(&mut flow.ui, provider, label);
        }
        Ok(())
    }

    fn add_profile_fields(&self, cx: &Cx, runtime: &Runtime, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        RegistrationMethod::add_fields(self, cx, runtime, flow)
    }

    fn add_credential_fields(&self, cx: &Cx, runtime: &Runtime, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        RegistrationMethod::add_fields(self, cx, runtime, flow)
    }

    fn group(&self) -> Group {
        Group::Oidc
    }

    fn is_meant(&self, _: &Runtime, _: &Flow<Registration>, input: &Input) -> bool {
        named_provider(input).is_some()
    }

    /// As in Kratos: nothing is changed here, and the provider's answer is bound to the browser. What a browser sends with
    /// an ID token is checked in [`Oidc::asked`].
    fn needs_csrf(&self, _: &Input) -> bool {
        false
    }

    fn verify<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        request: &'a Request,
        flow: &'a mut Flow<Registration>,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Verdict<RegistrationStep>, Problem>> {
        Box::pin(self.begin_registration(cx, runtime, request, flow, input))
    }
}

impl Oidc {
    async fn begin_registration(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        request: &Request,
        flow: &mut Flow<Registration>,
        input: &Input,
    ) -> Result<Verdict<RegistrationStep>, Problem> {
        let schema = flow.detail.identity_schema.clone();
        match self.asked(cx, runtime, request, flow, schema.as_deref(), input).await? {
            Ok(Asked::Here(sign_in)) => {
                let answer = self.finish_registration(cx, runtime, request, flow.clone(), sign_in).await?;
                Ok(Verdict::Answered(Box::new(answer)))
            }
            Ok(Asked::There(provider, departure)) => {
                start::keep_payload(flow);
                let (to, effects, writes) = self.depart(cx, runtime, request, provider, departure, Tx::new()).await?;
                Ok(Verdict::Elsewhere { to, effects, writes })
            }
            Err(rejection) => Ok(Verdict::rejected(rejection)),
        }
    }
}
