//! The words of messages: plain text.

use model::Channel;
use serde_json::Value;

use crate::{Courier, Template};

/// What is made when a message is queued.
pub struct Texts {
    /// Empty for text messages.
    pub subject: String,
    pub body: String,
}

impl Courier {
    /// Subject and plain text.
    pub(crate) fn texts(&self, template: Template, channel: Channel, data: &Value) -> Texts {
        let body = match channel {
            Channel::Email => mail(template, data),
            Channel::Sms => text_message(data),
        };
        let subject = match channel {
            Channel::Email => subject(template).to_owned(),
            Channel::Sms => String::new(),
        };
        Texts { subject, body }
    }
}

fn subject(template: Template) -> &'static str {
    match template {
        Template::RecoveryInvalid | Template::RecoveryCodeInvalid => "No account with this address",
        Template::RecoveryValid | Template::RecoveryCodeValid => "Get back into your account",
        Template::VerificationInvalid | Template::VerificationCodeInvalid => "This address is not registered",
        Template::VerificationValid | Template::VerificationCodeValid => "Please verify your address",
        Template::LoginCodeValid => "Your code to sign in",
        Template::RegistrationCodeValid => "Your code to sign up",
    }
}

fn mail(template: Template, data: &Value) -> String {
    let minutes = data["expires_in_minutes"].as_i64().unwrap_or_default();
    let code = code(data);
    let link = |name: &str| data[name].as_str().unwrap_or_default();
    let text = match template {
        Template::RecoveryInvalid | Template::RecoveryCodeInvalid => {
            "someone asked to get back into an account with this address, but there is none.\n\nIf it was you, try the address that you signed up with. If not, you can ignore this mail.".to_owned()
        }
        Template::RecoveryValid => format!(
            "open this link to get back into your account:\n\n{}\n\nIt is good for {minutes} minutes. If you did not ask for it, you can ignore this mail.",
            link("recovery_url")
        ),
        Template::RecoveryCodeValid => format!(
            "your code to get back into your account is {code}\n\nIt is good for {minutes} minutes. If you did not ask for it, you can ignore this mail."
        ),
        Template::VerificationInvalid | Template::VerificationCodeInvalid => {
            "someone asked to verify this address, but it belongs to no account.\n\nIf it was you, try the address that you signed up with. If not, you can ignore this mail.".to_owned()
        }
        Template::VerificationValid => format!(
            "open this link to verify your address:\n\n{}\n\nIt is good for {minutes} minutes. If you did not sign up, you can ignore this mail.",
            link("verification_url")
        ),
        Template::VerificationCodeValid => format!(
            "your code is {code}\n\nEnter it where you signed up, or open\n\n{}\n\nIt is good for {minutes} minutes. If you did not sign up, you can ignore this mail.",
            link("verification_url")
        ),
        Template::LoginCodeValid => format!(
            "your code to sign in is {code}\n\nIt is good for {minutes} minutes. If you are not signing in, you can ignore this mail; tell nobody the code."
        ),
        Template::RegistrationCodeValid => format!(
            "your code to sign up is {code}\n\nIt is good for {minutes} minutes. If you are not signing up, you can ignore this mail."
        ),
    };
    format!("Hello,\n\n{text}\n")
}

fn text_message(data: &Value) -> String {
    let minutes = data["expires_in_minutes"].as_i64().unwrap_or_default();
    format!("{} is your code. It is good for {minutes} minutes.", code(data))
}

fn code(data: &Value) -> &str {
    let names = ["verification_code", "recovery_code", "login_code", "registration_code"];
    names.iter().find_map(|name| data[*name].as_str()).unwrap_or_default()
}
