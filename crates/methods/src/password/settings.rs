//! Setting a new password.

use flow::{BoxFuture, Input, Rejection, Request, Runtime, SettingsMethod, SettingsStep, Verdict};
use model::flow::Settings;
use model::{CredentialType, Cx, Flow, Identity, Problem, Secret, Session, message};
use store::Tx;

use super::{Password, PasswordConfig, password_field, set_password, submit_button};

impl SettingsMethod for Password {
    fn add_fields(&self, _: &Cx, _: &Runtime, _: &Identity, flow: &mut Flow<Settings>) -> Result<(), Problem> {
        flow.ui.set_csrf("");
        flow.ui.upsert(password_field("new-password"));
        flow.ui.nodes.push(submit_button(message::save_label()));
        Ok(())
    }

    fn is_meant(&self, _: &Flow<Settings>, input: &Input) -> bool {
        input.method() == "password"
    }

    fn malformed(&self, _: &Runtime, _: &Identity, input: &Input) -> Vec<Rejection> {
        let is_missing = input.text("password").is_empty();
        is_missing.then(|| Rejection::at("password", message::property_missing("password"))).into_iter().collect()
    }

    fn verify<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        request: &'a Request,
        _: &'a mut Flow<Settings>,
        session: &'a Session,
        identity: &'a Identity,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Verdict<SettingsStep>, Problem>> {
        Box::pin(async move {
            runtime.sessions.require_privileged(cx, session, request.url.as_str())?;
            let password = Secret::new(input.text("password"));
            let old = identity.credentials.get(&CredentialType::Password).map(PasswordConfig::of).unwrap_or_default();
            let mut identity = identity.clone();
            if let Err(rejection) = set_password(cx, runtime, &mut identity, &password).await? {
                return Ok(Verdict::rejected(rejection));
            }
            // Somebody whose password leaked must not end up with the same one.
            let pool = runtime.identities.pool();
            let is_unchanged =
                !old.hashed_password.is_empty() && pool.verify(&old.hashed_password, &password).await.unwrap_or(false);
            if is_unchanged {
                return Ok(Verdict::rejected(Rejection::at("password", message::password_unchanged())));
            }
            Ok(Verdict::Accepted(SettingsStep { identity, writes: Tx::new(), proved: None }))
        })
    }
}
