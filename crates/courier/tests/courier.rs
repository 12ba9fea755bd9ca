//! The queue, against a real database, a web service and a mail server.

use std::sync::{Arc, Mutex};

use config::{Loaded, Machine, Mode, Sources};
use courier::{Content, Courier, Message, Templates};
use mapper::Mapper;
use model::{Channel, Clock, Cx, Entropy, Secret, SignedDuration};
use outbound::{Outbound, OutboundOptions};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use store::{Dsn, MessageFilter, MessageStatus, Store, Tx};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

type Received = Arc<Mutex<Vec<String>>>;

struct World {
    courier: Courier,
    store: Store,
    clock: Clock,
    cx: Cx,
}

impl World {
    async fn new(courier: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("zelus.yml");
        let schema = "base64://eyJwcm9wZXJ0aWVzIjp7InRyYWl0cyI6eyJ0eXBlIjoib2JqZWN0In19fQ==";
        let text = format!(
            "dsn: memory\nidentity: {{ default_schema_id: a, schemas: [{{ id: a, url: '{schema}' }}] }}\nselfservice: {{ default_browser_return_url: 'http://localhost/' }}\ncourier:\n{courier}\n"
        );
        std::fs::write(&file, text).expect("a file");
        let sources = Sources {
            files: vec![file],
            environment: Vec::new(),
            machine: Machine { hostname: "localhost".to_owned(), processors: 1 },
            fallback_secret: Secret::from("a-secret-that-is-long-enough"),
        };
        let config = Arc::new(Loaded::from(&sources, Mode::default()).expect("a configuration").config);
        let clock = Clock::manual("2026-11-21T10:00:00Z".parse().expect("a time"));
        let entropy = Entropy::seeded(7);
        let store = Store::open(&Dsn::parse("memory").expect("a DSN")).await.expect("a database");
        store.migrate_up(entropy.uuid(), clock.now(), &mut |_| {}).await.expect("tables");
        let outbound = Outbound::new(&OutboundOptions::new(clock.clone(), entropy.clone())).expect("a client");
        let mapper = Mapper::unconfined(clock.clone());
        let cx = Cx { clock: clock.clone(), entropy: entropy.clone() };
        let templates = Templates::load(&config, &outbound).await.expect("templates");
        let courier = Courier::new(config, store.clone(), outbound, mapper, templates, clock.clone(), entropy);
        Self { courier, store, clock, cx }
    }

    async fn queue(&self, recipient: &str) {
        let (code, lifespan) = (Secret::from("123456"), SignedDuration::from_mins(15));
        let traits = serde_json::json!({ "email": recipient });
        let message = Message {
            channel: Channel::Email,
            to: recipient,
            content: Content::RegistrationCodeValid { code: &code, traits: &traits, lifespan },
            request_url: "http://127.0.0.1:4433/self-service/registration/browser",
            transient_payload: None,
            request_headers: None,
        };
        let mut tx = Tx::new();
        self.courier.queue(&self.cx, &message, &mut tx);
        self.store.commit(tx).await.expect("a queued message");
    }

    async fn count(&self, status: MessageStatus) -> usize {
        let filter = MessageFilter { status: Some(status), recipient: None };
        self.store.list_messages(&filter, None, 500).await.expect("a list").len()
    }
}

/// A web service that refuses messages to `poison@…`.
async fn web_service() -> (String, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/mail", listener.local_addr().expect("an address"));
    let received = Received::default();
    let all = received.clone();
    let mut connections = tokio::task::JoinSet::new();
    let mut server = tokio::task::JoinSet::new();
    server.spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            connections.spawn(answer(connection, all.clone()));
        }
    });
    server.detach_all();
    (address, received)
}

async fn answer(connection: TcpStream, received: Received) {
    let mut connection = BufReader::new(connection);
    loop {
        let (mut length, mut line) = (0, String::new());
        while connection.read_line(&mut line).await.unwrap_or(0) > 2 {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            line.clear();
        }
        let mut body = vec![0; length];
        if length == 0 || connection.read_exact(&mut body).await.is_err() {
            return;
        }
        let body = String::from_utf8(body).expect("text");
        let status = if body.contains("poison@") { "500 No" } else { "200 OK" };
        received.lock().expect("a list").push(body);
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        connection.write_all(answer.as_bytes()).await.expect("an answer");
    }
}

fn over_http(address: &str) -> String {
    format!(
        "  delivery_strategy: http\n  worker: {{ pull_count: 20 }}\n  message_retries: 1\n  http: {{ request_config: {{ url: '{address}', method: POST, body: 'base64://ZnVuY3Rpb24oY3R4KSBjdHg=' }} }}"
    )
}

#[tokio::test]
async fn two_workers_send_each_message_once_and_poison_blocks_nobody() {
    let (address, received) = web_service().await;
    let world = World::new(&over_http(&address)).await;
    world.queue("poison@example.org").await;
    for i in 0..20 {
        world.queue(&format!("p{i}@example.org")).await;
    }
    for _ in 0..3 {
        let (one, other) = tokio::join!(world.courier.deliver_due(), world.courier.deliver_due());
        one.expect("a round");
        other.expect("a round");
    }
    assert_eq!(received.lock().expect("a list").len(), 21, "a failed message rests");
    assert_eq!((world.count(MessageStatus::Sent).await, world.count(MessageStatus::Queued).await), (20, 1));
    world.clock.advance(SignedDuration::from_secs(6));
    world.courier.deliver_due().await.expect("a round");
    assert_eq!(world.count(MessageStatus::Abandoned).await, 1);
    let poison = world.store.list_messages(&MessageFilter::default(), None, 500).await.expect("a list");
    let poison = poison.iter().find(|message| message.recipient.starts_with("poison")).expect("it");
    let dispatches = world.store.dispatches_of(poison.id).await.expect("attempts");
    assert_eq!(dispatches.iter().filter(|dispatch| dispatch.error.is_some()).count(), 2);
    let ctx: serde_json::Value = serde_json::from_str(&received.lock().expect("a list")[0]).expect("JSON");
    assert_eq!(ctx["template_data"]["registration_code"], "123456");
    assert_eq!((&ctx["message_type"], &ctx["template_type"]), (&"email".into(), &"registration_code_valid".into()));
}

#[tokio::test]
async fn what_a_dead_courier_held_goes_out_after_its_lease() {
    let (address, received) = web_service().await;
    let world = World::new(&over_http(&address)).await;
    world.queue("a@example.org").await;
    let now = world.clock.now();
    let times = store::ClaimTimes { now, lease_began: now - SignedDuration::from_mins(3), failed: [now; 5] };
    assert_eq!(world.store.claim_messages(&times, 10).await.expect("a claim").len(), 1);
    world.courier.deliver_due().await.expect("a round");
    assert_eq!(received.lock().expect("a list").len(), 0);
    world.clock.advance(SignedDuration::from_mins(4));
    world.courier.deliver_due().await.expect("a round");
    assert_eq!(world.count(MessageStatus::Sent).await, 1);
    assert_eq!(received.lock().expect("a list").len(), 1);
}

#[tokio::test]
async fn a_mail_server_receives_the_mail() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let smtp = format!(
        "  smtp: {{ connection_uri: 'smtp://127.0.0.1:{port}/?disable_starttls=true', from_address: a@zelus.example, from_name: Zelus, headers: {{ X-Mine: yes-it-is }} }}"
    );
    let world = World::new(&smtp).await;
    world.queue("person@example.org").await;
    let (round, mail) = tokio::join!(world.courier.deliver_due(), receive(&listener));
    round.expect("a round");
    for expected in ["To: person@example.org", "From: \"Zelus\" <a@zelus.example>", "X-Mine: yes-it-is", "123456"] {
        assert!(mail.contains(expected) || mail.contains(&expected.replace('"', "")), "{expected} in {mail}");
    }
    assert_eq!(world.count(MessageStatus::Sent).await, 1);
}

/// The certificate of a test server: signed by itself, of X.509's first version, which rustls reads nowhere.
fn encryption() -> TlsAcceptor {
    let chain = CertificateDer::from_pem_slice(include_bytes!("mail-server/certificate.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("mail-server/key.pem")).expect("a key");
    let key = rustls::crypto::ring::sign::any_supported_type(&key).expect("a key");
    let resolver = SingleCertAndKey::from(CertifiedKey::new(vec![chain], key));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("TLS").with_no_client_auth();
    TlsAcceptor::from(Arc::new(builder.with_cert_resolver(Arc::new(resolver))))
}

/// A server that encrypts at once, or after `STARTTLS`; the mail, if it comes to one.
async fn receive_encrypted(listener: &TcpListener, is_implicit: bool, offer: &str) -> Option<String> {
    let (mut connection, _) = listener.accept().await.expect("a connection");
    if is_implicit {
        return Some(take(encryption().accept(connection).await.ok()?, true).await);
    }
    connection.write_all(b"220 hello\r\n").await.ok()?;
    let mut lines = BufReader::new(&mut connection);
    let mut line = String::new();
    lines.read_line(&mut line).await.ok()?;
    lines.write_all(format!("250-mail.example.org\r\n250 {offer}\r\n").as_bytes()).await.ok()?;
    line.clear();
    lines.read_line(&mut line).await.ok()?;
    if line != "STARTTLS\r\n" {
        return None;
    }
    // Somebody in between puts a line behind the answer, to be read as if it had come encrypted.
    lines.write_all(b"220 go on\r\n550 you are not wanted\r\n").await.ok()?;
    Some(take(encryption().accept(connection).await.ok()?, false).await)
}

#[tokio::test]
async fn certificates_are_checked_unless_they_are_not_to_be() {
    for (scheme, query, offer, is_sent) in [
        ("smtps", "skip_ssl_verify=true", "", true),
        ("smtp", "skip_ssl_verify=true", "STARTTLS", true),
        ("smtps", "", "", false),
        ("smtp", "", "STARTTLS", false),
        ("smtps", "server_name=mail.example.org", "", false),
        ("smtp", "skip_ssl_verify=true", "8BITMIME", false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let uri = format!("{scheme}://robot:Ab&cd=ef@127.0.0.1:{port}/?{query}");
        let world = World::new(&format!("  smtp: {{ connection_uri: '{uri}', from_address: a@zelus.example }}")).await;
        world.queue("person@example.org").await;
        let receiving = receive_encrypted(&listener, scheme == "smtps", offer);
        let (round, mail) = tokio::join!(world.courier.deliver_due(), receiving);
        round.expect("a round");
        assert_eq!(mail.is_some_and(|mail| mail.contains("123456")), is_sent, "{uri}, {offer}");
        assert_eq!(world.count(MessageStatus::Sent).await, usize::from(is_sent), "{uri}, {offer}");
    }
}

/// A mail server that takes one mail.
async fn receive(listener: &TcpListener) -> String {
    let (connection, _) = listener.accept().await.expect("a connection");
    take(connection, true).await
}

/// Takes a mail, after a greeting if the client waits for one.
async fn take(connection: impl AsyncRead + AsyncWrite + Unpin, greets: bool) -> String {
    let mut connection = BufReader::new(connection);
    if greets {
        connection.write_all(b"220 hello\r\n").await.expect("a greeting");
    }
    let (mut mail, mut is_data, mut line) = (String::new(), false, String::new());
    while connection.read_line(&mut line).await.unwrap_or(0) > 0 {
        let answer = match line.trim_end() {
            "." if is_data => {
                is_data = false;
                "250 taken\r\n"
            }
            _ if is_data => {
                mail.push_str(&line);
                ""
            }
            "DATA" => {
                is_data = true;
                "354 go on\r\n"
            }
            "QUIT" => return mail,
            _ => "250 fine\r\n",
        };
        connection.write_all(answer.as_bytes()).await.expect("an answer");
        if answer.starts_with("250 taken") {
            return mail;
        }
        line.clear();
    }
    mail
}
