//! Signing up.

use flow::{
    Context, Input, MethodOutcome, RegistrationForm, RegistrationMethod, RegistrationOutcome, RegistrationStep,
    Rejection, Services, Verifying, registration,
};
use guard::Attempt;
use model::flow::Registration;
use model::{Aal, AuthenticationMethod, Flow, Group, Problem, Secret, message};
use store::Tx;

use super::{NewPassword, Password, password_field, set_password, submit_button};

impl RegistrationMethod for Password {
    fn add_fields(&self, _: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        flow.ui.upsert(password_field("new-password"));
        flow.ui.upsert(submit_button(message::registration_button()));
        Ok(())
    }

    fn add_profile_fields(&self, _: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        flow.ui.nodes.retain(|node| !(node.group == Group::Password && node.id() == "password"));
        flow.ui.remove_button("method", Group::Password, "password");
        Ok(())
    }

    fn add_credential_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        RegistrationMethod::add_fields(self, cx, flow)
    }

    fn is_meant(&self, _: &Services, _: &Flow<Registration>, input: &Input) -> bool {
        input.method() == "password"
    }

    fn malformed(&self, services: &Services, flow: &Flow<Registration>, input: &Input) -> Vec<Rejection> {
        let mut rejections = registration::malformed_traits(services, flow, input);
        if input.text("password").is_empty() {
            rejections.push(Rejection::at("password", message::property_missing("password")));
        }
        rejections
    }

    fn checks_traits(&self, services: &Services) -> bool {
        super::checks_traits(services)
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: RegistrationForm<'a>) -> Verifying<'a, RegistrationOutcome> {
        let RegistrationForm { flow, input } = form;
        Box::pin(check(cx, flow, input))
    }
}

async fn check(cx: Context<'_>, flow: &Flow<Registration>, input: &Input) -> Result<RegistrationOutcome, Problem> {
    let password = Secret::new(input.text("password"));
    let mut candidate = registration::candidate_of(cx, flow, input);
    if let Err(errors) = cx.services.identities.validate(&cx, &mut candidate) {
        return Ok(MethodOutcome::invalid(errors));
    }
    if let NewPassword::Rejected(rejection) = set_password(cx, &mut candidate, &password).await? {
        return Ok(MethodOutcome::rejected(rejection));
    }
    let method = AuthenticationMethod::new("password", Aal::Aal1, cx.now());
    Ok(MethodOutcome::Accepted(RegistrationStep {
        candidate,
        method,
        attempt: Attempt::uncounted(),
        writes: Tx::new(),
    }))
}
