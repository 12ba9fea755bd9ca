//! Settings of messages, and of the requests that Zelus sends.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::{Secret, SignedDuration};

use crate::section::Section;

/// `courier`.
#[derive(Clone, Debug)]
pub struct Courier {
    /// How e-mail is sent.
    pub delivery_strategy: DeliveryStrategy,
    /// Whether messages stay in the database, to be read on the page `/ui/mailbox`: `serve --dev` without a configuration,
    /// as long as no mail server and no web service is configured. No key sets it.
    pub mailbox: bool,
    /// The mail server.
    pub smtp: Smtp,
    /// The web service that sends e-mail, when its address is set.
    pub http: Option<HttpRequest>,
    /// Channels other than e-mail.
    pub channels: Vec<CourierChannel>,
    /// A folder with templates.
    pub template_override_path: Option<String>,
    /// Templates by message: `recovery`, `recovery_code`, `verification`, `verification_code`, `registration_code`,
    /// `login_code`.
    pub templates: BTreeMap<String, MessageTemplates>,
    /// Attempts after the first.
    pub message_retries: u32,
    /// `worker.pull_count`: messages per round.
    pub pull_count: u32,
    /// `worker.pull_wait`: rest between rounds.
    pub pull_wait: SignedDuration,
}

/// `courier.delivery_strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStrategy {
    /// Mail over SMTP.
    Smtp,
    /// A request of `courier.http.request_config` for each message.
    Http,
}

/// `courier.smtp`.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// `smtp://` or `smtps://`, with user and password.
    pub connection_uri: Option<Secret>,
    /// Path of a client certificate.
    pub client_cert_path: Option<String>,
    /// Path of its key.
    pub client_key_path: Option<String>,
    /// Sender address.
    pub from_address: String,
    /// Sender name.
    pub from_name: Option<String>,
    /// Extra message headers.
    pub headers: BTreeMap<String, Secret>,
    /// The name given in EHLO.
    pub local_name: String,
}

/// `courier.channels[]`.
#[derive(Clone, Debug)]
pub struct CourierChannel {
    /// What it carries: `sms`.
    pub id: String,
    /// The request for each message.
    pub request: HttpRequest,
}

/// A request that Zelus sends: `courier.http.request_config`, a channel's, or the password migration hook's.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// Where to.
    pub url: String,
    /// The HTTP method.
    pub method: String,
    /// Extra headers.
    pub headers: BTreeMap<String, Secret>,
    /// Jsonnet that makes the body, as an address; the built-in body when `None`.
    pub body: Option<String>,
    /// How the request proves who sends it.
    pub auth: Option<HttpAuth>,
}

/// How a request proves who sends it.
#[derive(Clone, Debug)]
pub enum HttpAuth {
    /// A key in a header or a cookie.
    ApiKey {
        /// The name of the header or cookie.
        name: String,
        /// The key.
        value: Secret,
        /// Whether it is a header or a cookie.
        place: ApiKeyPlace,
    },
    /// HTTP Basic.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
}

/// Where an API key travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyPlace {
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

/// Templates of one message; each an address of its text.
#[derive(Clone, Debug, Default)]
pub struct MessageTemplates {
    /// To people who are known.
    pub valid: MessageTemplate,
    /// To addresses that nobody has registered.
    pub invalid: MessageTemplate,
}

/// Templates of the parts of a message; the built-in ones when `None`.
#[derive(Clone, Debug, Default)]
pub struct MessageTemplate {
    /// The address of the template of the subject.
    pub email_subject: Option<String>,
    /// The address of the template of the plain text.
    pub email_plaintext: Option<String>,
    /// The address of the template of the HTML.
    pub email_html: Option<String>,
    /// The address of the template of the text message.
    pub sms_plaintext: Option<String>,
}

impl Courier {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let smtp = section.section("smtp");
        let worker = section.section("worker");
        let channels = section.list("channels").into_iter();
        let templates = section.named("templates").into_iter();
        Self {
            delivery_strategy: section
                .choice("delivery_strategy", &[("smtp", DeliveryStrategy::Smtp), ("http", DeliveryStrategy::Http)]),
            mailbox: false,
            smtp: Smtp {
                connection_uri: smtp.secret_if_set("connection_uri"),
                client_cert_path: smtp.text_if_set("client_cert_path"),
                client_key_path: smtp.text_if_set("client_key_path"),
                from_address: smtp.text("from_address"),
                from_name: smtp.text_if_set("from_name"),
                headers: smtp.headers("headers"),
                local_name: smtp.text("local_name"),
            },
            http: HttpRequest::read(&section.section("http").section("request_config")),
            channels: channels
                .filter_map(|channel| {
                    let request = HttpRequest::read(&channel.section("request_config"))?;
                    Some(CourierChannel { id: channel.text("id"), request })
                })
                .collect(),
            template_override_path: section.text_if_set("template_override_path"),
            templates: templates.map(|(name, pair)| (name, MessageTemplates::read(&pair))).collect(),
            message_retries: section.number("message_retries"),
            pull_count: worker.number("pull_count"),
            pull_wait: worker.duration("pull_wait"),
        }
    }
}

impl HttpRequest {
    /// `None` without an address.
    pub(crate) fn read(section: &Section<'_>) -> Option<Self> {
        Some(Self {
            url: section.text_if_set("url")?,
            method: section.text("method"),
            headers: section.headers("headers"),
            body: section.text_if_set("body"),
            auth: section.present("auth").map(|auth| HttpAuth::read(&auth)),
        })
    }
}

impl HttpRequest {
    /// The configured headers, and the one that proves who sends the request. Of two under one name the last counts.
    pub fn headers_with_proof(&self) -> Vec<(String, Secret)> {
        let mut headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        headers.extend(self.auth.as_ref().map(HttpAuth::header));
        headers
    }
}

impl HttpAuth {
    fn header(&self) -> (String, Secret) {
        match self {
            Self::Basic { user, password } => {
                let credentials = BASE64_STANDARD.encode(format!("{user}:{}", password.expose()));
                ("Authorization".to_owned(), Secret::new(format!("Basic {credentials}")))
            }
            Self::ApiKey { name, value, place: ApiKeyPlace::Header } => (name.clone(), value.clone()),
            Self::ApiKey { name, value, place: ApiKeyPlace::Cookie } => {
                ("Cookie".to_owned(), Secret::new(format!("{name}={}", value.expose())))
            }
        }
    }

    fn read(section: &Section<'_>) -> Self {
        let config = section.section("config");
        if section.text("type") == "basic_auth" {
            return Self::Basic { user: config.text("user"), password: Secret::new(config.text("password")) };
        }
        Self::ApiKey {
            name: config.text("name"),
            value: Secret::new(config.text("value")),
            place: config.choice("in", &[("header", ApiKeyPlace::Header), ("cookie", ApiKeyPlace::Cookie)]),
        }
    }
}

impl MessageTemplate {
    /// The addresses that are set.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        let Self { email_subject, email_plaintext, email_html, sms_plaintext } = self;
        [email_subject, email_plaintext, email_html, sms_plaintext].into_iter().filter_map(Option::as_deref)
    }
}

impl MessageTemplates {
    fn read(section: &Section<'_>) -> Self {
        let read = |name: &str| {
            let message = section.section(name);
            let (email, sms) = (message.section("email"), message.section("sms"));
            MessageTemplate {
                email_subject: email.text_if_set("subject"),
                email_plaintext: email.section("body").text_if_set("plaintext"),
                email_html: email.section("body").text_if_set("html"),
                sms_plaintext: sms.section("body").text_if_set("plaintext"),
            }
        };
        Self { valid: read("valid"), invalid: read("invalid") }
    }
}
