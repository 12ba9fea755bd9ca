//! Security keys (W3C Web Authentication): a second factor, or with `passwordless: true` a first one. Browsers only, as
//! in Kratos.

mod login;
mod registration;
mod settings;

use config::RelyingParty;
use flow::{Input, InputClaims, LoginMethod, Method, RegistrationMethod, Rejection, SettingsMethod};
use model::{Aal, AuthenticationMethod, CredentialType, Cx, FlowClient, Group, Node, message};

use crate::keys::{Ceremony, Key, Site};

const KIND: CredentialType = CredentialType::Webauthn;

/// What is meant for this method.
pub const CLAIMS: InputClaims = InputClaims {
    login: |flow, input| flow.client == FlowClient::Browser && input.method() == "webauthn",
    ..InputClaims::of("webauthn")
};

/// The webauthn method.
pub struct Webauthn {
    site: Site,
    /// Whether new keys are a first factor.
    passwordless: bool,
}

impl Webauthn {
    /// Keys of this relying party.
    pub fn new(relying_party: RelyingParty, passwordless: bool) -> Self {
        Self { site: Site { ceremony: Ceremony::SecurityKey, relying_party }, passwordless }
    }
}

impl Method for Webauthn {
    fn name(&self) -> &'static str {
        "webauthn"
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

/// The field for the name of a new key.
fn display_name_field() -> Node {
    let field = Node::input("webauthn_register_displayname", Group::Webauthn, model::ui::InputType::Text);
    field.with_value("").with_label(message::webauthn_display_name_label())
}

/// The field for the browser's answer.
fn answer_field(name: &str) -> Node {
    Node::hidden(name, Group::Webauthn, "")
}

/// That a key was just shown. A key counts as what it was registered for.
fn proved(cx: &Cx, key: &Key) -> AuthenticationMethod {
    let aal = if key.is_passwordless { Aal::Aal1 } else { Aal::Aal2 };
    AuthenticationMethod::new(KIND.as_str(), aal, cx.now())
}

/// What is said of a field that has to be filled in, where it is not.
fn missing(input: &Input, field: &str) -> Option<Rejection> {
    input.text(field).is_empty().then(|| Rejection::at(field, message::property_missing(field)))
}
