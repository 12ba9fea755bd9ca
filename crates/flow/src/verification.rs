//! Verification of addresses: the flow that signing up opens by itself.

use model::flow::{FlowState, Verification};
use model::ui::InputType;
use model::{Cx, Flow, FlowClient, Group, Id, Node, Ui, message};

use url::Url;

use crate::runtime::Runtime;

/// Opens a flow in which a code for `address` was sent already, on behalf of another flow that was opened at
/// `request_url`. `csrf_token` is the browser's.
pub fn opened_for(
    cx: &Cx,
    runtime: &Runtime,
    client: FlowClient,
    csrf_token: String,
    address: &str,
    request_url: &str,
    detail: Verification,
) -> Flow<Verification> {
    let now = cx.now();
    let id = Id::random(&cx.entropy);
    let (request_url, return_to) = after_verification(request_url);
    let mut ui = Ui::new(runtime.public_route(&format!("/self-service/verification?flow={id}")));
    ui.messages.push(message::verification_code_sent());
    ui.nodes.push(Node::hidden("method", Group::Code, "code"));
    let code = Node::input("code", Group::Code, InputType::Text);
    ui.nodes.push(code.required().with_label(message::verification_code_label()));
    ui.nodes.push(Node::submit("method", Group::Code, "code", message::continue_label()));
    if client == FlowClient::Browser {
        ui.nodes.push(Node::csrf(&csrf_token));
    }
    ui.nodes.push(Node::submit("email", Group::Code, address, message::resend_code_label()));
    Flow {
        id,
        client,
        return_to,
        request_url,
        issued_at: now,
        expires_at: now + runtime.config.selfservice.verification.lifespan,
        state: FlowState::SentEmail,
        active: Some("code".to_owned()),
        ui,
        csrf_token,
        internal_context: serde_json::Map::new(),
        created_at: now,
        updated_at: now,
        detail,
        transient_payload: None,
    }
}

/// The opening URL of the other flow, in which `after_verification_return_to` has become `return_to`.
fn after_verification(request_url: &str) -> (String, Option<String>) {
    let Ok(mut url) = Url::parse(request_url) else { return (request_url.to_owned(), None) };
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let find =
        |name| query.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.clone());
    let return_to = find("after_verification_return_to").or_else(|| find("return_to"));
    let others = query.iter().filter(|(key, _)| key != "after_verification_return_to" && key != "return_to");
    url.query_pairs_mut().clear().extend_pairs(others).extend_pairs(return_to.iter().map(|value| ("return_to", value)));
    if url.query() == Some("") {
        url.set_query(None);
    }
    (url.into(), return_to)
}
