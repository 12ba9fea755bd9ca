//! Changing one's own traits.

use flow::{BoxFuture, Input, Rejection, Request, Runtime, SettingsMethod, SettingsStep, Verdict};
use model::flow::Settings;
use model::{Cx, Flow, Group, Identity, Node, Problem, RawJson, Session, message};
use serde_json::Value;
use store::Tx;

use super::Profile;

impl SettingsMethod for Profile {
    fn add_fields(
        &self,
        _: &Cx,
        runtime: &Runtime,
        identity: &Identity,
        flow: &mut Flow<Settings>,
    ) -> Result<(), Problem> {
        for field in runtime.identities.schemas().fields(Some(&identity.schema_id)) {
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

    fn malformed(&self, runtime: &Runtime, identity: &Identity, input: &Input) -> Vec<Rejection> {
        let traits = typed(runtime, identity, input);
        let complaints = runtime.identities.schemas().complaints(Some(&identity.schema_id), &traits);
        complaints.into_iter().map(Rejection::from).collect()
    }

    fn keep_input(&self, runtime: &Runtime, identity: &Identity, flow: &mut Flow<Settings>, input: &Input) {
        for node in flow.ui.nodes.iter_mut().filter(|node| node.id().starts_with("traits.")) {
            node.reset();
        }
        flow.ui.fill("traits", &typed(runtime, identity, input), Group::Profile);
    }

    fn verify<'a>(
        &'a self,
        _: &'a Cx,
        runtime: &'a Runtime,
        _: &'a Request,
        _: &'a mut Flow<Settings>,
        _: &'a Session,
        identity: &'a Identity,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Verdict<SettingsStep>, Problem>> {
        Box::pin(async move {
            if input.get("traits").is_none() {
                let reason = "There is nothing to change: please send your profile in the field traits.";
                return Ok(Verdict::rejected(message::generic(reason)));
            }
            let mut identity = identity.clone();
            identity.traits = RawJson::from_value(&typed(runtime, &identity, input));
            // Kratos forgets this time here, and its answers show it.
            identity.state_changed_at = None;
            Ok(Verdict::Accepted(SettingsStep { identity, writes: Tx::new(), proved: None }))
        })
    }
}

fn typed(runtime: &Runtime, identity: &Identity, input: &Input) -> Value {
    runtime.identities.schemas().traits(Some(&identity.schema_id), &input.traits(), input.is_form)
}
