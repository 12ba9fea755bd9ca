//! Signing up.

use flow::{
    Context, Input, MethodOutcome, RegistrationForm, RegistrationMethod, RegistrationOutcome, RegistrationStep,
    Rejection, Services, Verifying, registration,
};
use guard::Attempt;
use model::flow::Registration;
use model::{Flow, FlowClient, Group, Node, Problem, message};
use serde_json::json;

use super::{KIND, Passkey, new_handle, proved};
use crate::keys::{self, Key, Keys, Trigger};

const FIELDS: [&str; 3] = ["passkey_create_data", "passkey_register_trigger", "passkey_register"];

impl RegistrationMethod for Passkey {
    fn add_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        flow.ui.set_csrf("");
        let Some(options) = self.options(cx, flow) else { return Ok(()) };
        flow.ui.upsert(Node::hidden("passkey_create_data", Group::Passkey, &options));
        let label = message::registration_with_passkey();
        let trigger = Trigger::PasskeyRegistration;
        flow.ui.upsert(keys::passkey_trigger("passkey_register_trigger", trigger, flow.client, label));
        if flow.client == FlowClient::Browser {
            flow.ui.upsert(keys::script(cx));
        }
        flow.ui.upsert(keys::hidden("passkey_register", Group::Passkey));
        Ok(())
    }

    fn add_profile_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        self.options(cx, flow);
        flow.ui.set_csrf("");
        flow.ui.remove(&FIELDS);
        flow.ui.remove(&["webauthn_script"]);
        Ok(())
    }

    fn add_credential_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        RegistrationMethod::add_fields(self, cx, flow)
    }

    fn is_meant(&self, _: &Services, _: &Flow<Registration>, input: &Input) -> bool {
        // Ory's React components send "true" where there is no answer.
        !matches!(input.text("passkey_register").as_str(), "" | "true")
    }

    fn malformed(&self, services: &Services, flow: &Flow<Registration>, input: &Input) -> Vec<Rejection> {
        registration::malformed_traits(services, flow, input)
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: RegistrationForm<'a>) -> Verifying<'a, RegistrationOutcome> {
        let RegistrationForm { flow, input } = form;
        Box::pin(async move { self.sign_up(cx, flow, input) })
    }
}

impl Passkey {
    /// What a script needs to make a passkey, made once for a flow: the options, and the field whose value the passkey
    /// is called by. `None` where the schema marks no such trait.
    fn options(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Option<String> {
        let member = self.site.options_member();
        if let Some(options) = flow.internal_context.get(&member).filter(|options| options.is_object()) {
            return Some(options.to_string());
        }
        let name_field = cx.services.identities.schemas().passkey_name_field(flow.detail.identity_schema.as_deref())?;
        let (options, challenge) = self.site.ask_for_new_key(&cx, new_handle(&cx.entropy).as_bytes(), None);
        self.site.keep(&mut flow.internal_context, &challenge);
        let options = json!({ "credentialOptions": options, "displayNameFieldName": name_field });
        let text = options.to_string();
        flow.internal_context.insert(member, options);
        Some(text)
    }

    fn sign_up(
        &self,
        cx: Context<'_>,
        flow: &mut Flow<Registration>,
        input: &Input,
    ) -> Result<RegistrationOutcome, Problem> {
        let challenge = self.site.kept(&flow.internal_context);
        let handle = challenge.as_ref().and_then(|challenge| String::from_utf8(challenge.handle().to_vec()).ok());
        let (Some(challenge), Some(handle)) = (challenge, handle.filter(|handle| !handle.is_empty())) else {
            return Ok(MethodOutcome::rejected(keys::no_challenge()));
        };
        let key = match keys::created(&self.site, &challenge, &input.text("passkey_register")) {
            Ok(key) => Key::new(&cx, key, None, true),
            Err(message) => return Ok(MethodOutcome::rejected(message)),
        };
        let mut candidate = registration::candidate_of(cx, flow, input);
        let stored = Keys::first(key, challenge.handle());
        keys::put(&cx, &mut candidate, KIND, &stored)?;
        if let Some(credential) = candidate.credentials.get_mut(&KIND) {
            credential.identifiers = vec![handle];
        }
        if let Err(errors) = cx.services.identities.validate(&cx, &mut candidate) {
            return Ok(MethodOutcome::invalid(errors));
        }
        let writes = keys::answered(&self.site, flow);
        Ok(MethodOutcome::Accepted(RegistrationStep {
            candidate,
            method: proved(&cx),
            attempt: Attempt::uncounted(),
            writes,
        }))
    }
}
