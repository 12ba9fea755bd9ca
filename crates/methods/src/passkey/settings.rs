//! Adding passkeys, and giving them up.

use flow::{
    Context, Input, MethodOutcome, Services, SettingsError, SettingsForm, SettingsMethod, SettingsOutcome,
    SettingsStep, Verifying,
};
use model::flow::Settings;
use model::{Flow, FlowClient, Group, Identity, Node, Problem, factors, message};
use store::Tx;

use super::{KIND, Passkey, new_handle, proved};
use crate::keys::{self, Key, Keys, Trigger};

impl SettingsMethod for Passkey {
    fn add_fields(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Settings>) -> Result<(), Problem> {
        flow.ui.set_csrf("");
        let is_last = factors::first_factors(&identity.credentials, cx.services.identities.rules()) < 2;
        for key in &Keys::held_by(identity, KIND).credentials {
            let label = message::remove_passkey(keys::display_name(key), key.added_at);
            let mut button = Node::submit("passkey_remove", Group::Passkey, &key.id_in_hex(), label);
            if let Some(input) = button.as_input_mut() {
                input.disabled = is_last;
            }
            flow.ui.nodes.push(button);
        }
        let schemas = cx.services.identities.schemas();
        let Some(name) = schemas.passkey_display_name(&identity.schema_id, &identity.traits.to_value()) else {
            flow.ui.messages.push(message::identifier_missing());
            return Ok(());
        };
        let handle = new_handle(&cx.entropy);
        let (options, challenge) = self.site.ask_for_new_key(&cx, handle.as_bytes(), Some(&name));
        self.site.keep(&mut flow.internal_context, &challenge);
        if flow.client == FlowClient::Browser {
            flow.ui.upsert(keys::script(cx));
        }
        let (trigger, label) = (Trigger::PasskeySettingsRegistration, message::add_passkey());
        let button = keys::passkey_trigger("passkey_register_trigger", trigger, flow.client, label);
        flow.ui.upsert(button.with_value(""));
        flow.ui.upsert(keys::hidden("passkey_settings_register", Group::Passkey));
        flow.ui.upsert(Node::hidden("passkey_create_data", Group::Passkey, &options.to_string()));
        Ok(())
    }

    fn is_meant(&self, _: &Flow<Settings>, input: &Input) -> bool {
        !input.text("passkey_settings_register").is_empty() || !input.text("passkey_remove").is_empty()
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: SettingsForm<'a>) -> Verifying<'a, SettingsOutcome, SettingsError> {
        let SettingsForm { flow, session, identity, input } = form;
        Box::pin(async move {
            cx.require_privileged(session)?;
            let removed = input.text("passkey_remove");
            match removed.is_empty() {
                true => self.add(cx, flow, identity.clone(), &input.text("passkey_settings_register")),
                false => remove(cx.services, identity.clone(), &removed),
            }
        })
    }
}

impl Passkey {
    fn add(
        &self,
        cx: Context<'_>,
        flow: &mut Flow<Settings>,
        mut identity: Identity,
        answer: &str,
    ) -> Result<SettingsOutcome, SettingsError> {
        let challenge = self.site.kept(&flow.internal_context);
        let handle = challenge.as_ref().and_then(|challenge| String::from_utf8(challenge.handle().to_vec()).ok());
        let (Some(challenge), Some(handle)) = (challenge, handle.filter(|handle| !handle.is_empty())) else {
            return Ok(MethodOutcome::rejected(keys::no_challenge()));
        };
        let key = match keys::created(&self.site, &challenge, answer) {
            Ok(key) => Key::new(&cx, key, None, true),
            Err(message) => return Ok(MethodOutcome::rejected(message)),
        };
        let mut stored = Keys::held_by(&identity, KIND);
        if let Err(message) = stored.add(key, challenge.handle()) {
            return Ok(MethodOutcome::rejected(message));
        }
        let before = identity.clone();
        keys::put(&cx, &mut identity, KIND, &stored)?;
        // Every passkey finds its person by a handle of its own.
        if let Some(credential) = identity.credentials.get_mut(&KIND)
            && !credential.identifiers.contains(&handle)
        {
            credential.identifiers.push(handle);
        }
        if let Err(errors) = cx.services.identities.validate_change(&cx, &before, &mut identity) {
            return Ok(MethodOutcome::invalid(errors));
        }
        let writes = keys::answered(&self.site, flow);
        Ok(MethodOutcome::Accepted(SettingsStep { identity, writes, proved: Some(proved(&cx)) }))
    }
}

fn remove(services: &Services, mut identity: Identity, id: &str) -> Result<SettingsOutcome, SettingsError> {
    if !identity.credentials.contains_key(&KIND) {
        return Ok(MethodOutcome::rejected(message::generic("There is no passkey to remove.")));
    }
    let mut stored = Keys::held_by(&identity, KIND);
    let before = stored.credentials.len();
    stored.credentials.retain(|key| key.id_in_hex() != id);
    if stored.credentials.len() == before {
        return Ok(MethodOutcome::rejected(message::generic("You have no such passkey. It may be removed already.")));
    }
    if factors::first_factors(&identity.credentials, services.identities.rules()) < 2 {
        return Ok(MethodOutcome::rejected(keys::last_way_to_sign_in()));
    }
    keys::put_or_remove(&mut identity, KIND, &stored)?;
    Ok(MethodOutcome::Accepted(SettingsStep { identity, writes: Tx::new(), proved: None }))
}
