//! Fields of forms that a script fills in. See `crates/crypto/assets/webauthn.js`.

use crypto::webauthn::{SCRIPT_PATH, script_integrity};
use flow::Context;
use model::ui::{Attributes, InputType, NodeType, ScriptAttributes};
use model::{FlowClient, Group, Message, Node};

/// A function that the script offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    WebAuthnLogin,
    WebAuthnRegistration,
    PasskeyLogin,
    PasskeyLoginAutocomplete,
    PasskeyRegistration,
    PasskeySettingsRegistration,
}

impl Trigger {
    /// The name that clients match on.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebAuthnLogin => "oryWebAuthnLogin",
            Self::WebAuthnRegistration => "oryWebAuthnRegistration",
            Self::PasskeyLogin => "oryPasskeyLogin",
            Self::PasskeyLoginAutocomplete => "oryPasskeyLoginAutocompleteInit",
            Self::PasskeyRegistration => "oryPasskeyRegistration",
            Self::PasskeySettingsRegistration => "oryPasskeySettingsRegistration",
        }
    }

    /// The call, for front ends that run what a form tells them to.
    pub fn call(self, options: &str) -> String {
        format!("window.{}({options})", self.name())
    }
}

/// The script itself. Native apps get none.
pub(crate) fn script(cx: Context<'_>) -> Node {
    let attributes = Attributes::Script(ScriptAttributes {
        src: cx.services.public_route(SCRIPT_PATH),
        asynchronous: true,
        referrerpolicy: "no-referrer".to_owned(),
        crossorigin: "anonymous".to_owned(),
        integrity: script_integrity().to_owned(),
        kind: "text/javascript".to_owned(),
        id: "webauthn_script".to_owned(),
        nonce: cx.entropy.uuid().to_string(),
    });
    Node { kind: NodeType::Script, group: Group::Webauthn, attributes, messages: Vec::new(), meta: Default::default() }
}

/// A button that asks for a security key: the options are in its value, and in the call.
pub(crate) fn trigger(name: &str, trigger: Trigger, options: &str, label: Message) -> Node {
    let mut node = Node::input(name, Group::Webauthn, InputType::Button).with_value(options).with_label(label);
    if let Some(input) = node.as_input_mut() {
        input.onclick = Some(trigger.call(options));
        input.onclick_trigger = Some(trigger.name().to_owned());
    }
    node
}

/// A button that asks for a new security key.
pub(crate) fn registration_trigger(options: &str, label: Message) -> Node {
    trigger("webauthn_register_trigger", Trigger::WebAuthnRegistration, options, label)
}

/// A hidden field without a value.
pub(crate) fn hidden(name: &str, group: Group) -> Node {
    Node::input(name, group, InputType::Hidden)
}

/// A button that asks for a passkey; the options are in another field. Native apps are told what to do and no code.
pub(crate) fn passkey_trigger(name: &str, trigger: Trigger, client: FlowClient, label: Message) -> Node {
    let mut node = Node::input(name, Group::Passkey, InputType::Button).with_label(label);
    if let Some(input) = node.as_input_mut() {
        input.onclick_trigger = Some(trigger.name().to_owned());
        input.onclick = (client == FlowClient::Browser).then(|| trigger.call(""));
    }
    node
}
