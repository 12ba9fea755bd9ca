//! The messages that carry codes and links: which template, its variables (Kratos' names), and our own short wording.

use model::wire::IdentityJson;
use model::{Channel, Cx, Identity, Secret, SignedDuration};
use serde_json::{Map, Value, json};
use store::{QueuedMessage, Tx};

use flow::Runtime;

/// A message to a person.
pub struct Mail<'a> {
    pub channel: Channel,
    pub to: &'a str,
    pub content: Content<'a>,
    pub request_url: &'a str,
    pub transient_payload: Option<&'a Value>,
}

/// What a message says.
pub enum Content<'a> {
    VerificationCode {
        code: &'a Secret,
        url: String,
        identity: &'a Identity,
        lifespan: SignedDuration,
    },
    VerificationLink {
        url: String,
        identity: &'a Identity,
        lifespan: SignedDuration,
    },
    RecoveryCode {
        code: &'a Secret,
        identity: &'a Identity,
        lifespan: SignedDuration,
    },
    RecoveryLink {
        url: String,
        identity: &'a Identity,
        lifespan: SignedDuration,
    },
    /// Nobody has this address, and its owner is told that somebody asked.
    UnknownRecipient {
        template: &'static str,
    },
}

/// Queues a message. It goes out only if the transaction is committed.
pub fn queue(cx: &Cx, runtime: &Runtime, mail: &Mail<'_>, tx: &mut Tx) {
    let Words { template, subject, body } = words(mail);
    tx.queue_message(&QueuedMessage {
        id: cx.entropy.uuid(),
        channel: mail.channel,
        recipient: mail.to.to_owned(),
        subject: match mail.channel {
            Channel::Email => subject.to_owned(),
            Channel::Sms => String::new(),
        },
        body,
        template_type: template,
        template_data: Value::Object(variables(runtime, mail)).to_string(),
        request_headers: None,
        created_at: cx.now(),
    });
}

/// The variables of the template, as Kratos keeps them in `template_data`.
fn variables(runtime: &Runtime, mail: &Mail<'_>) -> Map<String, Value> {
    let mut data = Map::new();
    data.insert("to".to_owned(), mail.to.into());
    data.insert("request_url".to_owned(), mail.request_url.into());
    data.insert("transient_payload".to_owned(), mail.transient_payload.cloned().unwrap_or_else(|| json!({})));
    let mut person = |identity: &Identity, lifespan: SignedDuration| {
        let identity = IdentityJson::public(identity, runtime.public_url());
        data.insert("identity".to_owned(), json!(identity));
        data.insert("expires_in_minutes".to_owned(), lifespan.as_mins().into());
    };
    match &mail.content {
        Content::VerificationCode { code, url, identity, lifespan } => {
            person(identity, *lifespan);
            data.insert("verification_code".to_owned(), code.expose().as_str().into());
            if mail.channel == Channel::Email {
                data.insert("verification_url".to_owned(), url.as_str().into());
            }
        }
        Content::VerificationLink { url, identity, lifespan } => {
            person(identity, *lifespan);
            data.insert("verification_url".to_owned(), url.as_str().into());
        }
        Content::RecoveryCode { code, identity, lifespan } => {
            person(identity, *lifespan);
            data.insert("recovery_code".to_owned(), code.expose().as_str().into());
        }
        Content::RecoveryLink { url, identity, lifespan } => {
            person(identity, *lifespan);
            data.insert("recovery_url".to_owned(), url.as_str().into());
        }
        Content::UnknownRecipient { .. } => {}
    }
    data
}

struct Words {
    template: &'static str,
    subject: &'static str,
    body: String,
}

fn words(mail: &Mail<'_>) -> Words {
    match &mail.content {
        Content::VerificationCode { code, url, lifespan, .. } => Words {
            template: "verification_code_valid",
            subject: "Please verify your address",
            body: match mail.channel {
                Channel::Email => format!(
                    "Hello,\n\nyour code is {}\n\nEnter it where you were asked for it, or open\n\n{url}\n\nIt is good \
                     for {} minutes. If you did not ask for it, you can ignore this mail.\n",
                    code.expose(),
                    lifespan.as_mins()
                ),
                Channel::Sms => {
                    format!("{} is your code. It is good for {} minutes.", code.expose(), lifespan.as_mins())
                }
            },
        },
        Content::VerificationLink { url, lifespan, .. } => Words {
            template: "verification_valid",
            subject: "Please verify your address",
            body: format!(
                "Hello,\n\nplease open this link to verify your address:\n\n{url}\n\nIt is good for {} minutes. If you \
                 did not ask for it, you can ignore this mail.\n",
                lifespan.as_mins()
            ),
        },
        Content::RecoveryCode { code, lifespan, .. } => Words {
            template: "recovery_code_valid",
            subject: "Get back into your account",
            body: format!(
                "Hello,\n\nyour code is {}\n\nEnter it to get back into your account. It is good for {} minutes. If you \
                 did not ask for it, you can ignore this mail.\n",
                code.expose(),
                lifespan.as_mins()
            ),
        },
        Content::RecoveryLink { url, lifespan, .. } => Words {
            template: "recovery_valid",
            subject: "Get back into your account",
            body: format!(
                "Hello,\n\nplease open this link to get back into your account:\n\n{url}\n\nIt is good for {} minutes. \
                 If you did not ask for it, you can ignore this mail.\n",
                lifespan.as_mins()
            ),
        },
        Content::UnknownRecipient { template } => Words {
            template,
            subject: "There is no account with this address",
            body:
                "Hello,\n\nsomebody entered this address with us, but no account has it. If it was you, please try the \
                   address that you signed up with. Otherwise you can ignore this mail.\n"
                    .to_owned(),
        },
    }
}
