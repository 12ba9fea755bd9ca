//! What flows say in their messages.

use model::{Channel, Cx};
use serde::Serialize;
use serde_json::Value;
use store::QueuedMessage;

use crate::Courier;

/// The kinds of messages; Kratos' `template_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// Someone asked to recover an account of this address, which has none.
    RecoveryInvalid,
    /// A link that recovers an account.
    RecoveryValid,
    /// As [`Template::RecoveryInvalid`], where codes are sent.
    RecoveryCodeInvalid,
    /// A code that recovers an account.
    RecoveryCodeValid,
    /// Someone asked to verify this address, which nobody has registered.
    VerificationInvalid,
    /// A link that verifies an address.
    VerificationValid,
    /// As [`Template::VerificationInvalid`], where codes are sent.
    VerificationCodeInvalid,
    /// A code, and a link with it, that verifies an address.
    VerificationCodeValid,
    /// A code to sign in with.
    LoginCodeValid,
    /// A code to sign up with.
    RegistrationCodeValid,
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::RecoveryInvalid,
        Self::RecoveryValid,
        Self::RecoveryCodeInvalid,
        Self::RecoveryCodeValid,
        Self::VerificationInvalid,
        Self::VerificationValid,
        Self::VerificationCodeInvalid,
        Self::VerificationCodeValid,
        Self::LoginCodeValid,
        Self::RegistrationCodeValid,
    ];

    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecoveryInvalid => "recovery_invalid",
            Self::RecoveryValid => "recovery_valid",
            Self::RecoveryCodeInvalid => "recovery_code_invalid",
            Self::RecoveryCodeValid => "recovery_code_valid",
            Self::VerificationInvalid => "verification_invalid",
            Self::VerificationValid => "verification_valid",
            Self::VerificationCodeInvalid => "verification_code_invalid",
            Self::VerificationCodeValid => "verification_code_valid",
            Self::LoginCodeValid => "login_code_valid",
            Self::RegistrationCodeValid => "registration_code_valid",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.as_str() == name)
    }
}

/// What a message may speak of, in the form in which the database and HTTP channels have it. What does not belong to a
/// template is left out.
#[derive(Clone, Default, Serialize)]
pub struct Variables {
    /// The recipient; filled in by [`Courier::compose`].
    pub to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_code: Option<String>,
    /// The identity in its public form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Value>,
    /// The traits of somebody who is signing up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traits: Option<Value>,
    /// Where the flow was opened.
    pub request_url: String,
    /// The host of `request_url`, for text messages that recover an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_url_domain: Option<String>,
    pub transient_payload: Option<Value>,
    /// For how long the link or code is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in_minutes: Option<i64>,
}

/// A message to be composed.
pub struct Draft<'a> {
    pub template: Template,
    pub channel: Channel,
    pub recipient: &'a str,
    pub variables: Variables,
    /// Headers of the request that caused it, as JSON (name to list of values), for HTTP channels.
    pub request_headers: Option<String>,
}

impl Courier {
    /// Composes a message, to be queued in the transaction that needs it.
    pub fn compose(&self, cx: &Cx, draft: Draft<'_>) -> QueuedMessage {
        let Draft { template, channel, recipient, mut variables, request_headers } = draft;
        recipient.clone_into(&mut variables.to);
        if (template, channel) == (Template::RecoveryCodeValid, Channel::Sms) {
            // Kratos stores the code of this one message under another name.
            variables.verification_code = variables.recovery_code.take();
            let url = url::Url::parse(&variables.request_url).ok();
            variables.request_url_domain = url.and_then(|url| url.host_str().map(str::to_owned));
        }
        let data = serde_json::to_value(&variables).unwrap_or_default();
        let text = self.texts(template, channel, &data);
        QueuedMessage {
            id: cx.entropy.uuid(),
            channel,
            recipient: recipient.to_owned(),
            subject: text.subject,
            body: text.body,
            template_type: template.as_str(),
            template_data: data.to_string(),
            request_headers,
            created_at: cx.now(),
        }
    }
}
