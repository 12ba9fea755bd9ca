//! Signing in on two screens: who it is first, then how (Kratos' `identifier_first` strategy).

use flow::{
    Context, FoundAccount, Identified, Input, LoginForm, LoginMethod, LoginOutcome, LoginScene, Method, MethodOutcome,
    Rejection, Services, Verifying, login,
};
use identity::identifier_for_code;
use model::flow::Login;
use model::ui::InputType;
use model::{Aal, Flow, Group, Node, Problem, message, normalise_address};
use serde_json::Value;

/// Asks for the identifier.
pub struct IdentifierFirst;

/// The name of the method and of its nodes' group.
const NAME: &str = "identifier_first";
/// What the field asks browsers to fill in: user names, and passkeys that stand for one.
const AUTOCOMPLETE: &str = "username webauthn";

impl Method for IdentifierFirst {
    fn name(&self) -> &'static str {
        NAME
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }
}

impl LoginMethod for IdentifierFirst {
    fn add_fields(&self, cx: Context<'_>, scene: &LoginScene<'_>, flow: &mut Flow<Login>) -> Result<bool, Problem> {
        let LoginScene::Identification = scene else { return Ok(false) };
        flow.ui.set_csrf("");
        let label = cx.services.identities.schemas().identifier_label(flow.detail.identity_schema.as_deref());
        let identifier = Node::input("identifier", Group::IdentifierFirst, InputType::Text);
        let identifier = identifier.required().with_value("").with_autocomplete(AUTOCOMPLETE).with_label(label);
        flow.ui.upsert(identifier);
        flow.ui.nodes.push(Node::submit("method", Group::IdentifierFirst, NAME, message::continue_label()));
        Ok(true)
    }

    /// As in Kratos, whatever is meant for no other method is taken as an identifier.
    fn is_meant(&self, services: &Services, flow: &Flow<Login>, _: &Input) -> bool {
        login::is_identifier_first(services) && flow.detail.requested_aal == Aal::Aal1
    }

    fn leave_identification(&self, flow: &mut Flow<Login>) {
        flow.ui.remove_button("method", Group::IdentifierFirst, NAME);
        if let Some(node) = flow.ui.node_mut("identifier").and_then(Node::as_input_mut) {
            node.kind = InputType::Hidden;
            node.autocomplete = Some(AUTOCOMPLETE.to_owned());
        }
        flow.active = Some(NAME.to_owned());
    }

    fn keep_input(&self, flow: &mut Flow<Login>, input: &Input) {
        flow.ui.set_value("identifier", Value::String(input.text("identifier")));
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: LoginForm<'a>) -> Verifying<'a, LoginOutcome> {
        let LoginForm { flow, input, .. } = form;
        Box::pin(identify(cx, flow, input))
    }
}

/// Looks for the account that an identifier names, which is asked for whatever it can sign in with.
async fn identify(cx: Context<'_>, flow: &mut Flow<Login>, input: &Input) -> Result<LoginOutcome, Problem> {
    let identifier = input.text("identifier");
    // Where nobody is to learn which accounts there are, nobody looks: the time tells nothing either.
    let account = match cx.services.config.security.mitigate_account_enumeration {
        true => FoundAccount::Secret,
        false => {
            let spellings = [&normalise_address(&identifier), &identifier_for_code(&identifier)];
            let found = cx.services.store.find_identity_by_identifier(spellings.map(String::as_str)).await?;
            found.map_or(FoundAccount::Unknown, |identity| FoundAccount::Known(Box::new(identity)))
        }
    };
    flow.ui.clear_messages();
    flow.ui.set_value("identifier", Value::String(identifier.clone()));
    // A code could be sent to whoever it is, so somebody has to be named.
    let asks_for_someone = cx.services.config.selfservice.methods.code.passwordless_enabled;
    let is_nobody = matches!(account, FoundAccount::Secret) && asks_for_someone && identifier.is_empty();
    let rejection = is_nobody.then(|| Rejection::at("identifier", message::property_missing("identifier")));
    Ok(MethodOutcome::Ask(Identified { identifier, account, rejection }))
}
