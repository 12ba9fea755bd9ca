//! Changing one's own traits.

use flow::{
    Context, Input, MethodOutcome, Rejection, Services, SettingsError, SettingsForm, SettingsMethod, SettingsOutcome,
    SettingsStep, Verifying,
};
use model::flow::Settings;
use model::{Flow, Group, Identity, Node, Problem, message};
use serde_json::Value;
use store::Tx;

use super::Profile;

impl SettingsMethod for Profile {
    fn add_fields(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Settings>) -> Result<(), Problem> {
        for field in cx.services.identities.schemas().fields(Some(&identity.schema_id)) {
            flow.ui.upsert(field.node(Group::Profile));
        }
        flow.ui.set_csrf("");
        flow.ui.fill("traits", &identity.traits.to_value(), Group::Profile);
        flow.ui.nodes.push(Node::submit("method", Group::Profile, "profile", message::save_label()));
        Ok(())
    }

    fn is_meant(&self, _: &Flow<Settings>, input: &Input) -> bool {
        input.method() == "profile"
    }

    fn malformed(&self, services: &Services, identity: &Identity, input: &Input) -> Vec<Rejection> {
        let traits = typed(services, identity, input);
        let complaints = services.identities.schemas().complaints(Some(&identity.schema_id), &traits);
        complaints.into_iter().map(Rejection::from).collect()
    }

    fn keep_input(&self, services: &Services, identity: &Identity, flow: &mut Flow<Settings>, input: &Input) {
        for node in flow.ui.nodes.iter_mut().filter(|node| node.id().starts_with("traits.")) {
            node.reset();
        }
        flow.ui.fill("traits", &typed(services, identity, input), Group::Profile);
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: SettingsForm<'a>) -> Verifying<'a, SettingsOutcome, SettingsError> {
        let SettingsForm { identity, input, .. } = form;
        Box::pin(async move {
            if !input.has_traits() {
                let reason = "There is nothing to change: please send your profile in the field traits.";
                return Ok(MethodOutcome::rejected(message::generic(reason)));
            }
            let mut identity = identity.clone();
            identity.traits = input.as_sent(&typed(cx.services, &identity, input));
            // Kratos forgets this time here, and its answers show it.
            identity.state_changed_at = None;
            Ok(MethodOutcome::Accepted(SettingsStep { identity, writes: Tx::new(), proved: None }))
        })
    }
}

fn typed(services: &Services, identity: &Identity, input: &Input) -> Value {
    services.identities.schemas().traits(Some(&identity.schema_id), input.traits())
}
