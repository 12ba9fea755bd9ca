//! Which messages there are, and queueing them.

use model::wire::IdentityJson;
use model::{Channel, Cx, Identity, Secret, SignedDuration};
use serde_json::{Map, Value, json};
use store::{QueuedMessage, Tx};
use url::{Position, Url};

use crate::Courier;

/// The kinds of messages; Kratos' `template_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Template {
    /// `recovery_invalid`: a link was asked for, for an address without an account.
    RecoveryInvalid,
    /// `recovery_valid`: a link that recovers an account.
    RecoveryValid,
    /// `recovery_code_invalid`: a code was asked for, for an address without an account.
    RecoveryCodeInvalid,
    /// `recovery_code_valid`: a code that recovers an account.
    RecoveryCodeValid,
    /// `verification_invalid`: a link was asked for, for an address that nobody has registered.
    VerificationInvalid,
    /// `verification_valid`: a link that verifies an address.
    VerificationValid,
    /// `verification_code_invalid`: a code was asked for, for an address that nobody has registered.
    VerificationCodeInvalid,
    /// `verification_code_valid`: a code that verifies an address.
    VerificationCodeValid,
    /// `login_code_valid`: a code to sign in with.
    LoginCodeValid,
    /// `registration_code_valid`: a code to sign up with.
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

/// A message to a person.
pub struct Message<'a> {
    /// The channel that carries it.
    pub channel: Channel,
    /// The e-mail address or phone number.
    pub to: &'a str,
    /// What it says.
    pub content: Content<'a>,
    /// Where the flow was opened, by the word of the request. Its path and query are told; its host is not.
    pub request_url: &'a str,
    /// What the client gave along for mails and hooks.
    pub transient_payload: Option<&'a Value>,
    /// Headers of the request that caused it (name to list of values), for HTTP channels. Kratos passes them for codes to
    /// sign in, to sign up and to recover an account.
    pub request_headers: Option<&'a Value>,
}

/// What a message says. Codes and links are good for the time `lifespan`.
pub enum Content<'a> {
    /// Someone asked for a link to recover the account of this address, which has none.
    RecoveryInvalid,
    /// A link that recovers an account.
    RecoveryValid {
        /// The link.
        url: &'a str,
        /// Whose account it is.
        identity: &'a Identity,
        /// How long the link is good.
        lifespan: SignedDuration,
    },
    /// As [`Content::RecoveryInvalid`], where codes are sent.
    RecoveryCodeInvalid,
    /// A code that recovers an account.
    RecoveryCodeValid {
        /// The code.
        code: &'a Secret,
        /// Whose account it is.
        identity: &'a Identity,
        /// How long the code is good.
        lifespan: SignedDuration,
    },
    /// Someone asked for a link to verify this address, which nobody has registered.
    VerificationInvalid,
    /// A link that verifies an address.
    VerificationValid {
        /// The link.
        url: &'a str,
        /// Whose address it is.
        identity: &'a Identity,
        /// How long the link is good.
        lifespan: SignedDuration,
    },
    /// As [`Content::VerificationInvalid`], where codes are sent.
    VerificationCodeInvalid,
    /// A code that verifies an address, and a link that fills it in.
    VerificationCodeValid {
        /// The code.
        code: &'a Secret,
        /// The link.
        url: &'a str,
        /// Whose address it is.
        identity: &'a Identity,
        /// How long both are good.
        lifespan: SignedDuration,
    },
    /// A code to sign in with.
    LoginCodeValid {
        /// The code.
        code: &'a Secret,
        /// Who signs in.
        identity: &'a Identity,
        /// How long the code is good.
        lifespan: SignedDuration,
    },
    /// A code to sign up with. There is no identity yet, only what it will say of itself.
    RegistrationCodeValid {
        /// The code.
        code: &'a Secret,
        /// The traits that were filled in.
        traits: &'a Value,
        /// How long the code is good.
        lifespan: SignedDuration,
    },
}

impl Content<'_> {
    /// The kind of message that says this.
    pub const fn template(&self) -> Template {
        match self {
            Self::RecoveryInvalid => Template::RecoveryInvalid,
            Self::RecoveryValid { .. } => Template::RecoveryValid,
            Self::RecoveryCodeInvalid => Template::RecoveryCodeInvalid,
            Self::RecoveryCodeValid { .. } => Template::RecoveryCodeValid,
            Self::VerificationInvalid => Template::VerificationInvalid,
            Self::VerificationValid { .. } => Template::VerificationValid,
            Self::VerificationCodeInvalid => Template::VerificationCodeInvalid,
            Self::VerificationCodeValid { .. } => Template::VerificationCodeValid,
            Self::LoginCodeValid { .. } => Template::LoginCodeValid,
            Self::RegistrationCodeValid { .. } => Template::RegistrationCodeValid,
        }
    }
}

impl Courier {
    /// Composes a message and queues it. It goes out only if the transaction is committed.
    pub fn queue(&self, cx: &Cx, message: &Message<'_>, tx: &mut Tx) {
        let template = message.content.template();
        let data = Value::Object(self.variables(message));
        let text = self.templates.texts(template, message.channel, &data);
        tx.queue_message(&QueuedMessage {
            id: cx.entropy.uuid(),
            channel: message.channel,
            recipient: message.to.to_owned(),
            subject: text.subject,
            body: text.body,
            template_type: template.as_str(),
            template_data: data.to_string(),
            request_headers: message.request_headers.map_or_else(|| "{}".to_owned(), Value::to_string),
            created_at: cx.now(),
        });
    }

    /// The host of the page on which codes of recovery are entered. Phones offer such a code on that site alone, by the last
    /// line of the message, so that the site is the operator's word, and no request's.
    fn host_of_codes(&self) -> &str {
        let page = self.config.selfservice.recovery.ui_url.as_ref().unwrap_or(&self.config.serve.public.base_url.url);
        page.host_str().unwrap_or_default()
    }

    /// The variables of a message's template, as Kratos keeps them in `template_data`.
    fn variables(&self, message: &Message<'_>) -> Map<String, Value> {
        let mut data = Map::new();
        let mut set = |name: &str, value: Value| {
            data.insert(name.to_owned(), value);
        };
        let public_url = &self.config.serve.public.base_url.text;
        let person = |identity: &Identity| json!(IdentityJson::public(identity, public_url));
        let is_sms = message.channel == Channel::Sms;
        set("to", message.to.into());
        match message.content {
            Content::RecoveryInvalid
            | Content::RecoveryCodeInvalid
            | Content::VerificationInvalid
            | Content::VerificationCodeInvalid => {}
            Content::RecoveryValid { url, identity, .. } => {
                set("recovery_url", url.into());
                set("identity", person(identity));
            }
            Content::RecoveryCodeValid { code, identity, .. } => {
                // Kratos keeps the code of this one text message under another name.
                set(if is_sms { "verification_code" } else { "recovery_code" }, code.expose().as_str().into());
                set("identity", person(identity));
                if is_sms {
                    set("request_url_domain", self.host_of_codes().into());
                }
            }
            Content::VerificationValid { url, identity, .. } => {
                set("verification_url", url.into());
                set("identity", person(identity));
            }
            Content::VerificationCodeValid { code, url, identity, .. } => {
                if !is_sms {
                    set("verification_url", url.into());
                }
                set("identity", person(identity));
                set("verification_code", code.expose().as_str().into());
            }
            Content::LoginCodeValid { code, identity, .. } => {
                set("login_code", code.expose().as_str().into());
                set("identity", person(identity));
            }
            Content::RegistrationCodeValid { code, traits, .. } => {
                set("registration_code", code.expose().as_str().into());
                set(if is_sms { "identity" } else { "traits" }, traits.clone());
            }
        }
        set("request_url", own_address(&self.config.serve.public.base_url.url, message.request_url).into());
        set("transient_payload", message.transient_payload.cloned().unwrap_or_else(|| json!({})));
        match message.content {
            Content::RecoveryInvalid
            | Content::RecoveryCodeInvalid
            | Content::VerificationInvalid
            | Content::VerificationCodeInvalid => {}
            Content::RecoveryValid { lifespan, .. }
            | Content::RecoveryCodeValid { lifespan, .. }
            | Content::VerificationValid { lifespan, .. }
            | Content::VerificationCodeValid { lifespan, .. }
            | Content::LoginCodeValid { lifespan, .. }
            | Content::RegistrationCodeValid { lifespan, .. } => {
                set("expires_in_minutes", lifespan.as_mins().into());
            }
        }
        data
    }
}

/// The address that a flow was opened at, as people know it: below the configured public one, whatever host the request
/// named. Anybody can send any `Host`, and would have us recommend it to whoever gets the message.
fn own_address(public: &Url, request_url: &str) -> String {
    let asked = Url::parse(request_url).ok();
    let path = asked.as_ref().map_or("/", |asked| &asked[Position::BeforePath..]);
    let path = if path.starts_with('/') { path } else { "/" };
    format!("{}{path}", public.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_request_names_the_host_of_a_message() {
        let public = Url::parse("https://id.example:8443/auth/").expect("a URL");
        for (request_url, expected) in [
            ("https://id.example:8443/self-service/login?a=b", "https://id.example:8443/self-service/login?a=b"),
            ("http://evil.example/self-service/login?a=b", "https://id.example:8443/self-service/login?a=b"),
            ("https://id.example:8443@evil.example:99//evil.example", "https://id.example:8443//evil.example"),
            ("javascript://evil.example/%0aalert(1)", "https://id.example:8443/%0aalert(1)"),
            ("mailto:eve@evil.example", "https://id.example:8443/"),
            ("", "https://id.example:8443/"),
        ] {
            assert_eq!(own_address(&public, request_url), expected, "{request_url}");
        }
    }
}
