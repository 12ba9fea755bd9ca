//! Setting up an authenticator app, and giving it up.

use crypto::TotpSecret;
use flow::{
    Context, Input, MethodOutcome, Rejection, SettingsError, SettingsForm, SettingsMethod, SettingsOutcome,
    SettingsStep, Verifying,
};
use model::flow::Settings;
use model::ui::InputType;
use model::{CredentialType, Cx, Flow, Group, Identity, Node, Problem, message};
use serde_json::Value;
use store::Tx;

use super::{Totp, TotpConfig, key, qr};
use crate::second_factor;

/// Where a flow keeps the key URI that it shows, until the app has proved to know it; Kratos' name.
const PENDING_URI: &str = "totp_url";

impl SettingsMethod for Totp {
    fn add_fields(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Settings>) -> Result<(), Problem> {
        flow.ui.set_csrf("");
        if second_factor::is_set_up(cx.services, identity, CredentialType::Totp) {
            let unlink = Node::submit("totp_unlink", Group::Totp, "true", message::unlink_totp());
            flow.ui.upsert(unlink.required());
            return Ok(());
        }
        let schemas = cx.services.identities.schemas();
        let account = schemas.totp_account_name(&identity.schema_id, &identity.traits.to_value());
        let account = account.unwrap_or_else(|| identity.id.to_string());
        let secret = TotpSecret::generate(&cx.entropy);
        let uri = key::uri(&secret, &cx.services.config.selfservice.methods.totp.issuer, &account);
        for node in set_up_nodes(&secret, qr::data_url(&uri)?) {
            flow.ui.upsert(node);
        }
        flow.ui.nodes.push(Node::submit("method", Group::Totp, "totp", message::save_label()));
        flow.internal_context.insert(PENDING_URI.to_owned(), Value::String(uri));
        Ok(())
    }

    fn is_meant(&self, _: &Flow<Settings>, input: &Input) -> bool {
        input.flag("totp_unlink") || input.method() == "totp"
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: SettingsForm<'a>) -> Verifying<'a, SettingsOutcome, SettingsError> {
        let SettingsForm { flow, session, identity, input } = form;
        Box::pin(async move {
            cx.require_privileged(session)?;
            let mut identity = identity.clone();
            if !second_factor::is_set_up(cx.services, &identity, CredentialType::Totp) {
                return link(&cx, flow, identity, input);
            }
            if input.flag("totp_unlink") {
                identity.credentials.remove(&CredentialType::Totp);
            }
            Ok(MethodOutcome::Accepted(SettingsStep { identity, writes: Tx::new(), proved: None }))
        })
    }
}

/// What an app needs to know, and the field for the code by which it shows that it does.
pub(super) fn set_up_nodes(secret: &TotpSecret, picture: String) -> [Node; 3] {
    let text = message::totp_secret(secret.to_base32().expose());
    [
        Node::text("totp_secret_key", Group::Totp, text).with_label(message::totp_secret_label()),
        Node::image("totp_qr", Group::Totp, picture, qr::SIZE, qr::SIZE).with_label(message::totp_qr_code()),
        Node::input("totp_code", Group::Totp, InputType::Text).required().with_label(message::verify_code_label()),
    ]
}

/// Sets the app up whose secret the flow has shown, if `input` has one of its codes.
pub(super) fn link(
    cx: &Cx,
    flow: &Flow<Settings>,
    mut identity: Identity,
    input: &Input,
) -> Result<SettingsOutcome, SettingsError> {
    let uri = flow.internal_context.get(PENDING_URI).and_then(Value::as_str);
    let Some((uri, secret)) = uri.and_then(|uri| Some((uri, key::secret_of(uri)?))) else {
        // The form is from a time when there was an app, which was given up elsewhere.
        let reason = "This form shows no code to scan any more. Please open a new one.";
        return Ok(MethodOutcome::rejected(message::generic(reason)));
    };
    let code = input.text("totp_code");
    if code.is_empty() {
        return Ok(MethodOutcome::rejected(Rejection::at("totp_code", message::property_missing("totp_code"))));
    }
    let Some(step) = secret.verify(code.trim(), cx.now(), None) else {
        return Ok(MethodOutcome::rejected(Rejection::at("totp_code", message::totp_invalid())));
    };
    let config = TotpConfig::new(uri.to_owned(), step).to_json()?;
    second_factor::set_up(cx, &mut identity, CredentialType::Totp, config);
    let proved = Some(second_factor::proved(cx, CredentialType::Totp));
    Ok(MethodOutcome::Accepted(SettingsStep { identity, writes: Tx::new(), proved }))
}
