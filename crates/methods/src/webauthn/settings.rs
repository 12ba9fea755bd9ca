//! Adding security keys, and giving them up.

use flow::{
    Context, Input, MethodOutcome, Rejection, Services, SettingsError, SettingsForm, SettingsMethod, SettingsOutcome,
    SettingsStep, Verifying,
};
use model::flow::Settings;
use model::{Flow, FlowClient, Group, Identity, Node, Problem, factors, message};
use store::Tx;

use super::{KIND, Webauthn, answer_field, display_name_field, missing, proved};
use crate::keys::{self, Bytes, Key, Keys};

impl SettingsMethod for Webauthn {
    fn add_fields(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Settings>) -> Result<(), Problem> {
        if flow.client != FlowClient::Browser {
            return Ok(());
        }
        flow.ui.set_csrf("");
        let keys = Keys::held_by(identity, KIND);
        let is_last = factors::first_factors(&identity.credentials, cx.services.identities.rules()) < 2;
        for key in &keys.credentials {
            let label = message::remove_webauthn(keys::display_name(key), key.added_at);
            let mut button = Node::submit("webauthn_remove", Group::Webauthn, &key.id_in_hex(), label);
            if let Some(input) = button.as_input_mut() {
                input.disabled = key.is_passwordless && is_last;
            }
            flow.ui.nodes.push(button);
        }
        let (options, challenge) = self.site.ask_for_new_key(&cx, &handle_of(identity, &keys).0, None);
        self.site.keep(&mut flow.internal_context, &challenge);
        flow.ui.upsert(keys::script(cx));
        flow.ui.upsert(display_name_field());
        flow.ui.upsert(keys::registration_trigger(&options.to_string(), message::add_webauthn()));
        flow.ui.upsert(answer_field("webauthn_register"));
        Ok(())
    }

    /// Native apps cannot use security keys.
    fn is_meant(&self, flow: &Flow<Settings>, input: &Input) -> bool {
        flow.client == FlowClient::Browser
            && (!input.text("webauthn_register").is_empty() || !input.text("webauthn_remove").is_empty())
    }

    fn malformed(&self, _: &Services, _: &Identity, input: &Input) -> Vec<Rejection> {
        let is_new = !input.text("webauthn_register").is_empty();
        let unnamed = missing(input, "webauthn_register_displayname").filter(|_| is_new);
        unnamed.into_iter().collect()
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: SettingsForm<'a>) -> Verifying<'a, SettingsOutcome, SettingsError> {
        let SettingsForm { flow, session, identity, input } = form;
        Box::pin(async move {
            let answer = input.text("webauthn_register");
            let name = input.text("webauthn_register_displayname");
            cx.require_privileged(session)?;
            match answer.is_empty() {
                true => remove(cx.services, identity.clone(), &input.text("webauthn_remove")),
                false => self.add(cx, flow, identity.clone(), &answer, &name),
            }
        })
    }
}

impl Webauthn {
    fn add(
        &self,
        cx: Context<'_>,
        flow: &mut Flow<Settings>,
        mut identity: Identity,
        answer: &str,
        name: &str,
    ) -> Result<SettingsOutcome, SettingsError> {
        let Some(challenge) = self.site.kept(&flow.internal_context) else {
            return Ok(MethodOutcome::rejected(keys::no_challenge()));
        };
        let key = match keys::created(&self.site, &challenge, answer) {
            Ok(key) => Key::new(&cx, key, Some(name), self.passwordless),
            Err(message) => return Ok(MethodOutcome::rejected(message)),
        };
        let mut stored = Keys::held_by(&identity, KIND);
        let proved = Some(proved(&cx, &key));
        if let Err(message) = stored.add(key, challenge.handle()) {
            return Ok(MethodOutcome::rejected(message));
        }
        let before = identity.clone();
        keys::put(&cx, &mut identity, KIND, &stored)?;
        if let Err(errors) = cx.services.identities.validate_change(&cx, &before, &mut identity) {
            return Ok(MethodOutcome::invalid(errors));
        }
        if keys::has_no_identifier(&identity, KIND) {
            return Ok(MethodOutcome::rejected(message::identifier_missing()));
        }
        let writes = keys::answered(&self.site, flow);
        Ok(MethodOutcome::Accepted(SettingsStep { identity, writes, proved }))
    }
}

fn remove(services: &Services, mut identity: Identity, id: &str) -> Result<SettingsOutcome, SettingsError> {
    if !identity.credentials.contains_key(&KIND) {
        return Ok(MethodOutcome::rejected(message::generic("There is no security key to remove.")));
    }
    let mut keys = Keys::held_by(&identity, KIND);
    let (gone, kept): (Vec<Key>, Vec<Key>) = keys.credentials.into_iter().partition(|key| key.id_in_hex() == id);
    if gone.is_empty() {
        return Ok(MethodOutcome::rejected(message::generic(
            "You have no security key of this kind. It may be removed already.",
        )));
    }
    let is_last = factors::first_factors(&identity.credentials, services.identities.rules()) < 2;
    if is_last && gone.iter().any(|key| key.is_passwordless) {
        return Ok(MethodOutcome::rejected(keys::last_way_to_sign_in()));
    }
    keys.credentials = kept;
    keys::put_or_remove(&mut identity, KIND, &keys)?;
    Ok(MethodOutcome::Accepted(SettingsStep { identity, writes: Tx::new(), proved: None }))
}

/// Whom new keys say they belong to: as those that are there, or else Kratos' choice.
fn handle_of(identity: &Identity, keys: &Keys) -> Bytes {
    match keys.credentials.is_empty() || keys.user_handle.0.is_empty() {
        true => Bytes(identity.id.uuid().as_bytes().to_vec()),
        false => keys.user_handle.clone(),
    }
}
