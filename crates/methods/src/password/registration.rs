//! Signing up.

use flow::{
    BoxFuture, Input, RegistrationMethod, RegistrationStep, Rejection, Request, Runtime, Verdict, registration,
};
use model::flow::Registration;
use model::{Aal, AuthenticationMethod, Cx, Flow, Group, Problem, Secret, message};
use store::Tx;

use super::{Password, password_field, set_password, submit_button};

impl RegistrationMethod for Password {
    fn group(&self) -> Group {
        Group::Password
    }

    fn add_fields(&self, _: &Cx, _: &Runtime, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        flow.ui.upsert(password_field("new-password"));
        flow.ui.upsert(submit_button(message::registration_button()));
        Ok(())
    }

    fn add_profile_fields(&self, _: &Cx, _: &Runtime, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        flow.ui.nodes.retain(|node| !(node.group == Group::Password && node.id() == "password"));
        flow.ui.remove_button("method", Group::Password, "password");
        Ok(())
    }

    fn add_credential_fields(&self, cx: &Cx, runtime: &Runtime, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        RegistrationMethod::add_fields(self, cx, runtime, flow)
    }

    fn is_meant(&self, _: &Runtime, _: &Flow<Registration>, input: &Input) -> bool {
        input.method() == "password"
    }

    fn malformed(&self, runtime: &Runtime, flow: &Flow<Registration>, input: &Input) -> Vec<Rejection> {
        let mut rejections = registration::malformed_traits(runtime, flow, input);
        if input.text("password").is_empty() {
            rejections.push(Rejection::at("password", message::property_missing("password")));
        }
        rejections
    }

    fn verify<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        _: &'a Request,
        flow: &'a mut Flow<Registration>,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Verdict<RegistrationStep>, Problem>> {
        Box::pin(check(cx, runtime, flow, input))
    }
}

async fn check(
    cx: &Cx,
    runtime: &Runtime,
    flow: &Flow<Registration>,
    input: &Input,
) -> Result<Verdict<RegistrationStep>, Problem> {
    let password = Secret::new(input.text("password"));
    let schemas = runtime.identities.schemas();
    let traits = schemas.traits(flow.detail.identity_schema.as_deref(), &input.traits(), input.is_form);
    let mut candidate = registration::candidate(cx, runtime, flow, &traits);
    if let Err(errors) = runtime.identities.validate(cx, &mut candidate) {
        return Ok(Verdict::invalid(errors));
    }
    if let Err(rejection) = set_password(cx, runtime, &mut candidate, &password).await? {
        return Ok(Verdict::rejected(rejection));
    }
    let method = AuthenticationMethod::new("password", Aal::Aal1, cx.now());
    Ok(Verdict::Accepted(RegistrationStep { candidate, method, writes: Tx::new() }))
}
