//! E-mail over SMTP (RFC 5321), with STARTTLS (RFC 3207) or implicit TLS (RFC 8314).

use std::borrow::Cow;
use std::io;
use std::str::Utf8Error;
use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use store::CourierMessage;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use crate::Courier;
use crate::channel::SendError;
use crate::smtp_tls::{ClientCertificate, Tls};

/// How long the server may take for each step; as in Kratos.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How to prove who is sending, in the order of preference.
const MECHANISMS: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login];

impl Courier {
    /// Sends an e-mail.
    pub(crate) async fn send_by_smtp(&self, message: &CourierMessage) -> Result<(), SendError> {
        let mail = self.mail(message)?;
        let server = self.mail_server().await?;
        let mut connection = server.connect().await?;
        let sent = connection.send(mail.envelope(), &mail.formatted()).await;
        if sent.is_ok() {
            // The server has taken the mail, whatever it answers now.
            let _ = connection.quit().await;
        }
        sent.map(drop).map_err(refused)
    }

    fn mail(&self, message: &CourierMessage) -> Result<Message, SendError> {
        let smtp = &self.config.courier.smtp;
        let unusable = |what: &str| SendError::passing(format!("The {what} cannot be used."));
        let from: Address = smtp.from_address.parse().map_err(|_| unusable("sender address"))?;
        let to: Mailbox =
            message.recipient.parse().map_err(|_| SendError::lasting("The recipient is not an e-mail address."))?;
        // The same for every attempt, so that mailboxes can tell a repetition.
        let message_id = format!("<{}@{}>", message.id, from.domain());
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let mut mail = Message::builder()
            .from(Mailbox::new(smtp.from_name.clone(), from))
            .to(to)
            .subject(&message.subject)
            .date(SystemTime::from(message.created_at))
            .message_id(Some(message_id))
            // Nobody's vacation answers this (RFC 3834).
            .raw_header(automatic);
        for (name, value) in &smtp.headers {
            let name = HeaderName::new_from_ascii(name.clone()).map_err(|_| unusable("name of a mail header"))?;
            mail = mail.raw_header(HeaderValue::new(name, value.expose().clone()));
        }
        let text = message.body.clone();
        let mail = match self.html(message) {
            Some(html) => mail.multipart(MultiPart::alternative_plain_html(text, html)),
            None => mail.singlepart(lettre::message::SinglePart::plain(text)),
        };
        mail.map_err(SendError::passing)
    }

    /// What `courier.smtp.connection_uri` says: `smtp://` with STARTTLS, unless `disable_starttls=true`, or `smtps://`;
    /// `skip_ssl_verify=true` and `server_name=` are about the certificate.
    async fn mail_server(&self) -> Result<MailServer, SendError> {
        let smtp = &self.config.courier.smtp;
        let unusable =
            || SendError::passing("The key courier.smtp.connection_uri holds no smtp:// or smtps:// address.");
        let uri = smtp.connection_uri.as_ref().ok_or_else(unusable)?;
        let uri = Url::parse(uri.expose()).map_err(|_| unusable())?;
        let host = uri.host_str().ok_or_else(unusable)?.trim_matches(['[', ']']).to_owned();
        let option = |name: &str| uri.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        // What Go takes for a yes.
        let is_set = |name: &str| {
            option(name).is_some_and(|value| ["1", "t", "T", "true", "TRUE", "True"].contains(&value.as_str()))
        };
        let (default_port, is_implicit) = match uri.scheme() {
            "smtp" => (25, false),
            "smtps" => (465, true),
            _ => return Err(unusable()),
        };
        let encryption = if !is_implicit && is_set("disable_starttls") {
            Encryption::None
        } else {
            let server_name = option("server_name").filter(|name| !name.is_empty()).unwrap_or_else(|| host.clone());
            let client = self.client_certificate().await?;
            let tls = Tls::new(server_name, is_set("skip_ssl_verify"), client.as_ref()).map_err(SendError::passing)?;
            if is_implicit { Encryption::Implicit(tls) } else { Encryption::StartTls(tls) }
        };
        let credentials = account(&uri).map_err(|_| unusable())?;
        let credentials = credentials.map(|(user, password)| Credentials::new(user, password));
        Ok(MailServer {
            port: uri.port().unwrap_or(default_port),
            host,
            hello: ClientId::Domain(smtp.local_name.clone()),
            encryption,
            credentials,
        })
    }

    /// The certificate that the mail server wants to see, if one is configured.
    async fn client_certificate(&self) -> Result<Option<ClientCertificate>, SendError> {
        let smtp = &self.config.courier.smtp;
        let (Some(certificate), Some(key)) = (&smtp.client_cert_path, &smtp.client_key_path) else { return Ok(None) };
        let unreadable = |path: &str| SendError::passing(format!("The file {path} cannot be read."));
        Ok(Some(ClientCertificate {
            chain: tokio::fs::read(certificate).await.map_err(|_| unreadable(certificate))?,
            key: tokio::fs::read(key).await.map_err(|_| unreadable(key))?,
        }))
    }
}

/// Where mails go.
struct MailServer {
    host: String,
    port: u16,
    hello: ClientId,
    encryption: Encryption,
    credentials: Option<Credentials>,
}

enum Encryption {
    None,
    StartTls(Tls),
    Implicit(Tls),
}

impl MailServer {
    /// A connection on which mails can be sent. Without the encryption that is asked for, there is none.
    async fn connect(self) -> Result<AsyncSmtpConnection, SendError> {
        let Self { host, port, hello, encryption, credentials } = self;
        let tcp = within(TcpStream::connect((host.as_str(), port))).await?;
        let mut connection = match encryption {
            Encryption::None => greeted(tcp, &hello).await?,
            Encryption::Implicit(tls) => greeted(within(tls.around(tcp, b"")).await?, &hello).await?,
            Encryption::StartTls(tls) => {
                let tcp = start_tls(tcp, &hello).await?;
                // After the handshake the client speaks first; lettre waits for a greeting.
                greeted(within(tls.around(tcp, b"220 encrypted\r\n")).await?, &hello).await?
            }
        };
        // As in Kratos, a server that asks for no proof gets none, whatever the configuration holds.
        let asks = connection.server_info().get_auth_mechanism(MECHANISMS).is_some();
        if let Some(credentials) = credentials.filter(|_| asks) {
            // A wrong password is the operator's to mend, and no reason to give the message up.
            let outcome = connection.auth(MECHANISMS, &credentials).await;
            outcome.map_err(|error| SendError::passing(refused(error)))?;
        }
        Ok(connection)
    }
}

/// A connection whose server has said what it can do.
async fn greeted(stream: impl AsyncTokioStream + 'static, hello: &ClientId) -> Result<AsyncSmtpConnection, SendError> {
    AsyncSmtpConnection::connect_with_transport(Box::new(stream), hello).await.map_err(refused)
}

/// Asks the server to go on encrypted. What it sends ahead of that is dropped with the connection that it came by, and
/// never taken for what comes after (CVE-2011-0411).
async fn start_tls(tcp: TcpStream, hello: &ClientId) -> Result<TcpStream, SendError> {
    let (plain, tcp) = two_handles(tcp).map_err(unreachable)?;
    let mut plain = greeted(plain, hello).await?;
    if !plain.can_starttls() {
        return Err(SendError::passing("The mail server offers no encryption (STARTTLS)."));
    }
    plain.command("STARTTLS\r\n").await.map_err(refused)?;
    Ok(tcp)
}

/// The same connection twice.
fn two_handles(tcp: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let tcp = tcp.into_std()?;
    Ok((TcpStream::from_std(tcp.try_clone()?)?, TcpStream::from_std(tcp)?))
}

/// A step towards the server, which may not take for ever.
async fn within<T>(step: impl Future<Output = io::Result<T>>) -> Result<T, SendError> {
    let outcome = timeout(TIMEOUT, step).await;
    outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(unreachable)
}

fn unreachable(error: io::Error) -> SendError {
    SendError::passing(format!("The mail server cannot be used: {error}."))
}

/// A failure as it is kept. The server's words may quote the address, so only its code is.
fn refused(error: lettre::transport::smtp::Error) -> SendError {
    match error.status() {
        Some(code) if error.is_permanent() => SendError::lasting(format!("The mail server refused it: {code}.")),
        Some(code) => SendError::passing(format!("The mail server does not take it now: {code}.")),
        None => SendError::passing(format!("The mail server cannot be used: {error}.")),
    }
}

/// The user name and password of a mail server's address. An address is no form: `&`, `=`, `;` and `+` mean themselves.
///
/// # Errors
/// When what their percent signs stand for is no text, whose bytes no server could be told.
pub fn account(uri: &Url) -> Result<Option<(String, String)>, Utf8Error> {
    if uri.username().is_empty() {
        return Ok(None);
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(Cow::into_owned);
    Ok(Some((decoded(uri.username())?, decoded(uri.password().unwrap_or_default())?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_no_forms() {
        for (uri, user, password) in [
            ("smtp://robot:Ab&cd=ef@host", "robot", "Ab&cd=ef"),
            ("smtp://a+b@example.org:c+d%2B%20;e@host:25/?disable_starttls=true", "a+b@example.org", "c+d+ ;e"),
            ("smtps://robot:p@ss%40@host", "robot", "p@ss@"),
            ("smtp://robot:a:b@host", "robot", "a:b"),
            ("smtp://robot@host", "robot", ""),
        ] {
            let read = account(&Url::parse(uri).unwrap()).unwrap();
            assert_eq!(read, Some((user.to_owned(), password.to_owned())), "{uri}");
        }
        assert_eq!(account(&Url::parse("smtp://host:25/?user=x").unwrap()), Ok(None));
        assert!(account(&Url::parse("smtp://robot:%ff@host").unwrap()).is_err());
    }
}
