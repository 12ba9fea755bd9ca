//! A mail server (RFC 5321) that keeps what it gets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How a mail server behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailServerSetup {
    /// Whether and how it encrypts.
    pub encryption: MailEncryption,
    /// Whether it takes mails only from `person` with the password `secret`.
    pub asks_who: bool,
    /// Whether it takes connections and then says nothing.
    pub hangs: bool,
}

/// How mails are kept from prying eyes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailEncryption {
    /// Not at all.
    #[default]
    None,
    /// By `STARTTLS` (RFC 3207).
    StartTls,
    /// By TLS from the first byte on (RFC 8314).
    Implicit,
}

/// A mail as the server got it.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The name in EHLO.
    pub hello: String,
    /// The address in `RCPT TO`.
    pub recipient: String,
    /// Headers and body.
    pub text: String,
    /// Whether it came over TLS.
    pub is_encrypted: bool,
    /// Whether whoever sent it has signed in.
    pub is_authenticated: bool,
}

/// A mail server on a port of 127.0.0.1, which ends with the value. Mails to `refused@…` are refused for good, those to
/// `later@…` for now.
pub struct MailServer {
    port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
    _running: JoinSet<()>,
}

impl MailServer {
    /// Starts a server.
    pub async fn start(setup: MailServerSetup) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mails = Arc::<Mutex<Vec<Mail>>>::default();
        let tls = certificate();
        let kept = mails.clone();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(converse(stream, setup, tls.clone(), kept.clone()));
            }
        });
        Self { port, mails, _running: running }
    }

    /// Its address for `courier.smtp.connection_uri`. `options` is the query, such as `skip_ssl_verify=true`.
    pub fn uri(&self, scheme: &str, options: &str) -> String {
        format!("{scheme}://person:secret@127.0.0.1:{}/?{options}", self.port)
    }

    /// What it got so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A certificate for `localhost` that nobody trusts, with the key that goes with it.
const CERTIFICATE: &[u8] = include_bytes!("../certificates/localhost.pem");
const KEY: &[u8] = include_bytes!("../certificates/localhost.key.pem");

fn certificate() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocols")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate and its key");
    TlsAcceptor::from(Arc::new(config))
}

async fn converse(stream: TcpStream, setup: MailServerSetup, tls: TlsAcceptor, mails: Arc<Mutex<Vec<Mail>>>) {
    if setup.hangs {
        return tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    let mut conversation = Conversation { setup, mails, is_encrypted: false, is_authenticated: false };
    if setup.encryption == MailEncryption::Implicit {
        conversation.is_encrypted = true;
        let Ok(stream) = tls.accept(stream).await else { return };
        return drop(conversation.run(stream, true).await);
    }
    // After STARTTLS everything begins anew, without another greeting.
    if let Some(stream) = conversation.run(stream, true).await {
        conversation.is_encrypted = true;
        let Ok(stream) = tls.accept(stream).await else { return };
        conversation.run(stream, false).await;
    }
}

struct Conversation {
    setup: MailServerSetup,
    mails: Arc<Mutex<Vec<Mail>>>,
    is_encrypted: bool,
    is_authenticated: bool,
}

impl Conversation {
    /// Speaks SMTP until the client leaves; gives the connection back when it is to be encrypted.
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: S, greets: bool) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if greets {
            stream.write_all(b"220 mail.test\r\n").await.ok()?;
        }
        let (mut hello, mut recipient) = (String::new(), String::new());
        loop {
            let line = read_line(&mut stream).await?;
            let (command, argument) = line.split_once(' ').unwrap_or((&line, ""));
            let answer = match command.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    argument.clone_into(&mut hello);
                    self.abilities()
                }
                "STARTTLS" if self.setup.encryption == MailEncryption::StartTls && !self.is_encrypted => {
                    stream.write_all(b"220 go on\r\n").await.ok()?;
                    return Some(stream.into_inner());
                }
                "AUTH" => {
                    // PLAIN: NUL, person, NUL, secret.
                    self.is_authenticated = argument == "PLAIN AHBlcnNvbgBzZWNyZXQ=";
                    if self.is_authenticated { "235 welcome" } else { "535 wrong" }.to_owned()
                }
                "MAIL" if self.setup.asks_who && !self.is_authenticated => "530 who are you".to_owned(),
                "RCPT" if argument.contains("<refused@") => "550 nobody of that name".to_owned(),
                "RCPT" if argument.contains("<later@") => "451 not now".to_owned(),
                "RCPT" => {
                    recipient = argument.trim_start_matches("TO:<").split('>').next().unwrap_or_default().to_owned();
                    "250 fine".to_owned()
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await.ok()?;
                    let mut text = String::new();
                    loop {
                        let line = read_line(&mut stream).await?;
                        if line == "." {
                            break;
                        }
                        text.push_str(line.strip_prefix('.').unwrap_or(&line));
                        text.push('\n');
                    }
                    self.keep(&hello, &recipient, text);
                    "250 taken".to_owned()
                }
                "QUIT" => {
                    let _ = stream.write_all(b"221 bye\r\n").await;
                    return None;
                }
                _ => "250 fine".to_owned(),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
    }

    fn abilities(&self) -> String {
        let mut lines = vec!["mail.test"];
        if self.setup.encryption == MailEncryption::StartTls && !self.is_encrypted {
            lines.push("STARTTLS");
        }
        if self.setup.asks_who {
            lines.push("AUTH PLAIN LOGIN");
        }
        let last = lines.len() - 1;
        let line = |(n, line): (usize, &&str)| format!("250{}{line}", if n == last { ' ' } else { '-' });
        lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\r\n")
    }

    fn keep(&self, hello: &str, recipient: &str, text: String) {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).push(Mail {
            hello: hello.to_owned(),
            recipient: recipient.to_owned(),
            text,
            is_encrypted: self.is_encrypted,
            is_authenticated: self.is_authenticated,
        });
    }
}

/// A line without its end; `None` when the client has left.
async fn read_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    let length = stream.read_line(&mut line).await.ok()?;
    (length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
