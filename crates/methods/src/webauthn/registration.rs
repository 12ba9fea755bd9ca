//! Signing up.

use flow::{
    Context, Input, MethodOutcome, RegistrationForm, RegistrationMethod, RegistrationOutcome, RegistrationStep,
    Rejection, Services, Verifying, registration,
};
use guard::Attempt;
use model::flow::Registration;
use model::{Aal, AuthenticationMethod, Cx, Flow, FlowClient, Group, Problem, message};

use super::{KIND, Webauthn, answer_field, display_name_field};
use crate::keys::{self, Key, Keys};

impl RegistrationMethod for Webauthn {
    fn add_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        if !self.is_offered(flow) {
            return Ok(());
        }
        flow.ui.set_csrf("");
        let options = self.options(&cx, flow);
        flow.ui.upsert(display_name_field());
        flow.ui.upsert(keys::registration_trigger(&options, message::registration_with_webauthn()));
        flow.ui.upsert(keys::script(cx));
        flow.ui.upsert(answer_field("webauthn_register"));
        Ok(())
    }

    fn add_profile_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        if self.is_offered(flow) {
            flow.ui.set_csrf("");
            self.options(&cx, flow);
            flow.ui.nodes.retain(|node| node.group != Group::Webauthn);
        }
        Ok(())
    }

    fn add_credential_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        RegistrationMethod::add_fields(self, cx, flow)
    }

    fn is_meant(&self, _: &Services, flow: &Flow<Registration>, input: &Input) -> bool {
        let is_answered = !input.text("webauthn_register").is_empty();
        self.is_offered(flow) && (is_answered || !missing(input).is_empty())
    }

    fn malformed(&self, services: &Services, flow: &Flow<Registration>, input: &Input) -> Vec<Rejection> {
        let missing = missing(input);
        match missing.is_empty() {
            true => registration::malformed_traits(services, flow, input),
            false => missing.into_iter().map(|field| Rejection::at(field, message::property_missing(field))).collect(),
        }
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: RegistrationForm<'a>) -> Verifying<'a, RegistrationOutcome> {
        let RegistrationForm { flow, input } = form;
        Box::pin(async move {
            let name = input.text("webauthn_register_displayname");
            let outcome = self.sign_up(cx, flow, input, &name)?;
            if matches!(outcome, MethodOutcome::Rejected { .. }) && !name.is_empty() {
                flow.ui.set_value("webauthn_register_displayname", name.into());
            }
            Ok(outcome)
        })
    }
}

/// What a submission lacks that no other method has taken: as in Kratos this one speaks up for all of them, and asks
/// for its own fields.
fn missing(input: &Input) -> Vec<&'static str> {
    let is_absent = |field: &&str| input.get(field).is_none();
    let others: Vec<_> = ["identifier", "method"].into_iter().filter(is_absent).collect();
    let is_incomplete = is_absent(&"webauthn_register") && !others.is_empty();
    if is_incomplete { [others, vec!["webauthn_register"]].concat() } else { Vec::new() }
}

impl Webauthn {
    fn is_offered(&self, flow: &Flow<Registration>) -> bool {
        flow.client == FlowClient::Browser && self.passwordless
    }

    /// The options for a new key, which are made once for a flow.
    fn options(&self, cx: &Cx, flow: &mut Flow<Registration>) -> String {
        let member = self.site.options_member();
        if let Some(options) = flow.internal_context.get(&member).filter(|options| options.is_object()) {
            return options.to_string();
        }
        let (options, challenge) = self.site.ask_for_new_key(cx, cx.entropy.uuid().as_bytes(), None);
        self.site.keep(&mut flow.internal_context, &challenge);
        let text = options.to_string();
        flow.internal_context.insert(member, options);
        text
    }

    fn sign_up(
        &self,
        cx: Context<'_>,
        flow: &mut Flow<Registration>,
        input: &Input,
        name: &str,
    ) -> Result<RegistrationOutcome, Problem> {
        let Some(challenge) = self.site.kept(&flow.internal_context) else {
            return Ok(MethodOutcome::rejected(keys::no_challenge()));
        };
        let key = match keys::created(&self.site, &challenge, &input.text("webauthn_register")) {
            Ok(key) => Key::new(&cx, key, Some(name), true),
            Err(message) => return Ok(MethodOutcome::rejected(message)),
        };
        let mut candidate = registration::candidate_of(cx, flow, input);
        keys::put(&cx, &mut candidate, KIND, &Keys::first(key, challenge.handle()))?;
        if let Err(errors) = cx.services.identities.validate(&cx, &mut candidate) {
            return Ok(MethodOutcome::invalid(errors));
        }
        if keys::has_no_identifier(&candidate, KIND) {
            return Ok(MethodOutcome::rejected(message::identifier_missing()));
        }
        let writes = keys::answered(&self.site, flow);
        let method = AuthenticationMethod::new(KIND.as_str(), Aal::Aal1, cx.now());
        Ok(MethodOutcome::Accepted(RegistrationStep { candidate, method, attempt: Attempt::uncounted(), writes }))
    }
}
