//! Setting a new password.

use flow::{
    Context, Input, MethodOutcome, Rejection, Services, SettingsError, SettingsForm, SettingsMethod, SettingsOutcome,
    SettingsStep, Verifying,
};
use model::flow::Settings;
use model::{CredentialType, Flow, Identity, Problem, Secret, message};
use store::Tx;

use super::{NewPassword, Password, PasswordConfig, password_field, pool, set_password, submit_button};

impl SettingsMethod for Password {
    fn add_fields(&self, _: Context<'_>, _: &Identity, flow: &mut Flow<Settings>) -> Result<(), Problem> {
        flow.ui.set_csrf("");
        flow.ui.upsert(password_field("new-password"));
        flow.ui.nodes.push(submit_button(message::save_label()));
        Ok(())
    }

    fn is_meant(&self, _: &Flow<Settings>, input: &Input) -> bool {
        input.method() == "password"
    }

    fn malformed(&self, _: &Services, _: &Identity, input: &Input) -> Vec<Rejection> {
        let is_missing = input.text("password").is_empty();
        is_missing.then(|| Rejection::at("password", message::property_missing("password"))).into_iter().collect()
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: SettingsForm<'a>) -> Verifying<'a, SettingsOutcome, SettingsError> {
        let SettingsForm { session, identity, input, .. } = form;
        Box::pin(async move {
            cx.require_privileged(session)?;
            let password = Secret::new(input.text("password"));
            let old = identity.credentials.get(&CredentialType::Password).map(PasswordConfig::of).unwrap_or_default();
            let mut identity = identity.clone();
            if let NewPassword::Rejected(rejection) = set_password(cx, &mut identity, &password).await? {
                return Ok(MethodOutcome::rejected(rejection));
            }
            // Somebody whose password leaked must not end up with the same one.
            let is_unchanged = !old.hashed_password.is_empty()
                && pool(cx).verify(&old.hashed_password, &password).await.unwrap_or(false);
            if is_unchanged {
                return Ok(MethodOutcome::rejected(Rejection::at("password", message::password_unchanged())));
            }
            Ok(MethodOutcome::Accepted(SettingsStep { identity, writes: Tx::new(), proved: None }))
        })
    }
}
