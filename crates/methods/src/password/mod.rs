//! Signing in and up with a password (NIST SP 800-63B §3.1.1, OWASP Authentication Cheat Sheet).

mod breach;
mod login;
mod policy;
mod registration;

pub use policy::Policy;

use flow::{LoginMethod, Method, RegistrationMethod};
use model::ui::InputType;
use model::{Group, Message, Node, message};
use serde::{Deserialize, Serialize};

/// The password method.
pub struct Password;

impl Method for Password {
    fn name(&self) -> &'static str {
        "password"
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }
}

/// The `config` of a password credential, as Kratos keeps it.
#[derive(Default, Serialize, Deserialize)]
struct PasswordConfig {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    hashed_password: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    use_password_migration_hook: bool,
}

fn password_field(autocomplete: &str) -> Node {
    Node::input("password", Group::Password, InputType::Password)
        .required()
        .with_autocomplete(autocomplete)
        .with_label(message::password_label())
}

fn submit_button(label: Message) -> Node {
    Node::submit("method", Group::Password, "password", label)
}
