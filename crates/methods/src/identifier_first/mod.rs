//! Signing in on two screens: who it is first, then how (Kratos' `identifier_first` strategy).

use flow::{
    Account, BoxFuture, Input, LoginMethod, LoginScene, LoginStep, Method, Rejection, Request, Runtime, Verdict,
    Visitor, login,
};
use identity::identifier_for_code;
use model::flow::Login;
use model::ui::InputType;
use model::{Aal, Cx, Flow, Group, Node, Problem, Session, message, normalise_address};
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
    fn add_fields(
        &self,
        _: &Cx,
        runtime: &Runtime,
        scene: &LoginScene<'_>,
        flow: &mut Flow<Login>,
    ) -> Result<bool, Problem> {
        let LoginScene::Identification = scene else { return Ok(false) };
        flow.ui.set_csrf("");
        let label = runtime.identities.schemas().identifier_label(flow.detail.identity_schema.as_deref());
        let identifier = Node::input("identifier", Group::IdentifierFirst, InputType::Text);
        let identifier = identifier.required().with_value("").with_autocomplete(AUTOCOMPLETE).with_label(label);
        flow.ui.upsert(identifier);
        flow.ui.nodes.push(Node::submit("method", Group::IdentifierFirst, NAME, message::continue_label()));
        Ok(true)
    }

    /// As in Kratos, whatever is meant for no other method is taken as an identifier.
    fn is_meant(&self, runtime: &Runtime, flow: &Flow<Login>, _: &Input) -> bool {
        login::is_identifier_first(runtime) && flow.detail.requested_aal == Aal::Aal1
    }

    fn keep_input(&self, flow: &mut Flow<Login>, input: &Input) {
        flow.ui.set_value("identifier", Value::String(input.text("identifier")));
    }

    fn verify<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        request: &'a Request,
        flow: &'a mut Flow<Login>,
        _: Option<&'a Session>,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Verdict<LoginStep>, Problem>> {
        Box::pin(offer_methods(cx, runtime, request, flow, input))
    }
}

/// Turns the form into its second screen, with the ways to sign in that the account has.
async fn offer_methods(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    flow: &mut Flow<Login>,
    input: &Input,
) -> Result<Verdict<LoginStep>, Problem> {
    let identifier = input.text("identifier");
    let is_secret = runtime.config.security.mitigate_account_enumeration;
    // Where nobody is to learn which accounts there are, nobody looks: the time tells nothing either.
    let found = match is_secret {
        true => None,
        false => {
            let spellings = [&normalise_address(&identifier), &identifier_for_code(&identifier)];
            runtime.store.find_identity_by_identifier(spellings.map(String::as_str)).await?
        }
    };
    let account = match &found {
        _ if is_secret => Account::Secret,
        Some(identity) => Account::Known(identity),
        None => Account::Unknown,
    };
    flow.ui.clear_messages();
    flow.ui.set_value("identifier", Value::String(identifier.clone()));
    let scene = LoginScene::Identified(Visitor { identifier: &identifier, account });
    let mut of_use = login::add_fields(cx, runtime, &scene, flow)?;
    // A code could be sent to whoever it is, so somebody has to be named.
    let asks_for_someone = runtime.config.selfservice.methods.code.passwordless_enabled;
    if is_secret && asks_for_someone && identifier.is_empty() {
        return Ok(Verdict::rejected(Rejection::at("identifier", message::property_missing("identifier"))));
    }
    if of_use.is_empty() && !is_secret {
        return Ok(Verdict::rejected(Rejection::at("identifier", message::account_not_found())));
    }
    if let (Some(method), true) = (of_use.pop(), of_use.is_empty())
        && let Some(writes) = method.begin(cx, runtime, request, &scene, flow).await?
    {
        return Ok(Verdict::NextStep { status: 400, writes });
    }
    flow.ui.set_csrf(&request.form_token(flow.client, &cx.entropy));
    flow.ui.remove_button("method", Group::IdentifierFirst, NAME);
    if let Some(node) = flow.ui.node_mut("identifier").and_then(Node::as_input_mut) {
        node.kind = InputType::Hidden;
        node.autocomplete = Some(AUTOCOMPLETE.to_owned());
    }
    flow.ui.set_csrf(&request.form_token(flow.client, &cx.entropy));
    flow.active = Some(NAME.to_owned());
    // Kratos answers 400 here although nothing is wrong, and clients count on it.
    Ok(Verdict::NextStep { status: 400, writes: store::Tx::new() })
}
