//! Signing up.

use flow::{
    BoxFuture, Input, RegistrationMethod, RegistrationStep, Rejection, Request, Runtime, Verdict, registration,
};
use model::flow::Registration;
use model::{Aal, AuthenticationMethod, CredentialType, Cx, Flow, Group, Problem, RawJson, Secret, message};
use store::Tx;

use super::{Password, PasswordConfig, Policy, password_field, submit_button};

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
    if password.expose().is_empty() {
        return Ok(Verdict::rejected(Rejection::at("password", message::property_missing("password"))));
    }
    let schemas = runtime.identities.schemas();
    let traits = schemas.traits(flow.detail.identity_schema.as_deref(), &input.traits(), input.is_form);
    let mut candidate = registration::candidate(cx, runtime, flow, &traits);
    if let Err(errors) = runtime.identities.validate(cx, &mut candidate) {
        let rejections = errors.into_iter().map(Rejection::from).collect();
        return Ok(Verdict::Rejected { rejections, writes: Tx::new() });
    }
    let credential = candidate.credentials.get(&CredentialType::Password);
    let identifiers = credential.map(|credential| credential.identifiers.clone()).unwrap_or_default();
    if identifiers.is_empty() {
        return Ok(Verdict::rejected(Rejection::whole(message::identifier_missing())));
    }
    if let Some(complaint) = Policy::new(runtime).complaint(password.expose(), &identifiers).await {
        return Ok(Verdict::rejected(Rejection::at("password", complaint)));
    }
    let hashed_password =
        match runtime.identities.pool().hash(runtime.identities.hasher(), &cx.entropy, &password).await {
            Ok(hash) => hash,
            Err(crypto::HashError::TooLong { max, actual }) => {
                return Ok(Verdict::rejected(Rejection::at("password", message::password_too_long(max, actual))));
            }
            Err(error @ crypto::HashError::Busy) => {
                let reason = "Many people are signing up right now. Please try again in a few seconds.";
                return Err(Problem::new(429).reason(reason).log(error));
            }
            Err(error) => return Err(Problem::internal(error)),
        };
    let config = PasswordConfig { hashed_password, use_password_migration_hook: false };
    if let Some(credential) = candidate.credentials.get_mut(&CredentialType::Password) {
        credential.config = RawJson::from_value(&serde_json::to_value(config).map_err(Problem::internal)?);
    }
    let method = AuthenticationMethod::new("password", Aal::Aal1, cx.now());
    Ok(Verdict::Accepted(RegistrationStep { candidate, method, writes: Tx::new() }))
}
