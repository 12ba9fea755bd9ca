//! E-mail over SMTP.

use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Identity, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use store::CourierMessage;
use url::Url;

use crate::Courier;
use crate::channel::SendError;

/// How long the server may take for each step; as in Kratos.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Courier {
    /// Sends an e-mail.
    pub(crate) async fn send_by_smtp(&self, message: &CourierMessage) -> Result<(), SendError> {
        let mail = self.mail(message)?;
        let transport = self.transport().await?;
        transport.send(mail).await.map(drop).map_err(|error| match error.status() {
            // The server's words may quote the address, so only its code is kept.
            Some(code) if error.is_permanent() => SendError::lasting(format!("The mail server refused it: {code}.")),
            Some(code) => SendError::passing(format!("The mail server does not take it now: {code}.")),
            None => SendError::passing(format!("The mail server cannot be used: {error}.")),
        })
    }

    fn mail(&self, message: &CourierMessage) -> Result<Message, SendError> {
        let smtp = &self.config.courier.smtp;
        let unusable = |what: &str| SendError::passing(format!("The {what} cannot be used."));
        let from: Address = smtp.from_address.parse().map_err(|_| unusable("sender address"))?;
        let to: Address =
            message.recipient.parse().map_err(|_| SendError::lasting("The recipient is not an e-mail address."))?;
        let mut mail = Message::builder()
            .from(Mailbox::new(smtp.from_name.clone(), from))
            .to(Mailbox::new(None, to))
            .subject(&message.subject);
        for (name, value) in &smtp.headers {
            let name = HeaderName::new_from_ascii(name.clone()).map_err(|_| unusable("name of a mail header"))?;
            mail = mail.raw_header(HeaderValue::new(name, value.expose().clone()));
        }
        mail.body(message.body.clone()).map_err(SendError::passing)
    }

    /// The connection that `courier.smtp.connection_uri` describes: `smtp://` with STARTTLS, unless it says
    /// `disable_starttls=true`, or `smtps://`; `skip_ssl_verify=true` and `server_name=` are about the certificate.
    async fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, SendError> {
        let smtp = &self.config.courier.smtp;
        let unusable =
            || SendError::passing("The key courier.smtp.connection_uri holds no smtp:// or smtps:// address.");
        let uri = smtp.connection_uri.as_ref().ok_or_else(unusable)?;
        let uri = Url::parse(uri.expose()).map_err(|_| unusable())?;
        let host = uri.host_str().ok_or_else(unusable)?.trim_matches(['[', ']']);
        let option = |name: &str| uri.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let is_set = |name: &str| option(name).as_deref() == Some("true");
        let server_name = option("server_name").unwrap_or_else(|| host.to_owned());
        let (default_port, is_implicit) = match uri.scheme() {
            "smtp" => (25, false),
            "smtps" => (465, true),
            _ => return Err(unusable()),
        };
        let tls = if !is_implicit && is_set("disable_starttls") {
            Tls::None
        } else {
            let mut parameters =
                TlsParameters::builder(server_name).dangerous_accept_invalid_certs(is_set("skip_ssl_verify"));
            if let Some(identity) = self.client_certificate().await? {
                parameters = parameters.identify_with(identity);
            }
            let parameters = parameters.build().map_err(SendError::passing)?;
            if is_implicit { Tls::Wrapper(parameters) } else { Tls::Required(parameters) }
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(uri.port().unwrap_or(default_port))
            .hello_name(ClientId::Domain(smtp.local_name.clone()))
            .timeout(Some(TIMEOUT))
            .tls(tls);
        if !uri.username().is_empty() {
            let decoded = |text: &str| {
                url::form_urlencoded::parse(format!("v={}", text.replace('+', "%2B")).as_bytes())
                    .next()
                    .map(|(_, value)| value.into_owned())
                    .unwrap_or_default()
            };
            builder = builder
                .credentials(Credentials::new(decoded(uri.username()), decoded(uri.password().unwrap_or_default())));
        }
        Ok(builder.build())
    }

    /// The certificate that the mail server wants to see, if one is configured.
    async fn client_certificate(&self) -> Result<Option<Identity>, SendError> {
        let smtp = &self.config.courier.smtp;
        let (Some(certificate), Some(key)) = (&smtp.client_cert_path, &smtp.client_key_path) else { return Ok(None) };
        let unreadable = |path: &str| SendError::passing(format!("The file {path} cannot be read."));
        let certificate = tokio::fs::read(certificate).await.map_err(|_| unreadable(certificate))?;
        let key = tokio::fs::read(key).await.map_err(|_| unreadable(key))?;
        Identity::from_pem(&certificate, &key).map(Some).map_err(SendError::passing)
    }
}
