//! A listener with a service that is not Zelus', from outside.

use std::convert::Infallible;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::{Networks, PemSource};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use listener::{Limits, Options, Peer, Room, Tls, Workers};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A listener at a socket of the file system, and at a port.
struct Place {
    folder: tempfile::TempDir,
    port: u16,
    stop: watch::Sender<bool>,
    serving: JoinSet<()>,
}

impl Place {
    async fn new(workers: usize, tls: Option<Tls>) -> Self {
        Self::with_limits(workers, tls, Limits { in_all: 1000, per_peer: 100, proxies: Networks::default() }).await
    }

    async fn with_limits(workers: usize, tls: Option<Tls>, limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = config::Socket { owner: None, group: None, mode: 0o600 };
        let path = folder.path().join("public.sock");
        let mut sockets = listener::bind_unix(&path, &settings, workers).await.expect("a socket");
        let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        sockets.extend(listener::bind("127.0.0.1", port, workers).await.expect("the port"));
        let workers = Workers::start(workers).expect("threads");
        let (stop, stopped) = watch::channel(false);
        let options = Options { tls, idle_limit: Duration::from_secs(120), room: Room::new(limits), workers };
        let answer = |peer: Peer| {
            service_fn(move |request: Request<Incoming>| async move {
                if request.uri().path() == "/slow" {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                let peer = format!("{} {}", peer.address.is_some(), peer.is_tls);
                let response = Response::builder().header("peer", peer).body("{\"status\":\"ok\"}\n".to_owned());
                Ok::<_, Infallible>(response.expect("a response"))
            })
        };
        let mut serving = JoinSet::new();
        serving.spawn(listener::serve(sockets, options, answer, stopped));
        Self { folder, port, stop, serving }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("public.sock")
    }

    fn connect(&self) -> UnixStream {
        let connection = UnixStream::connect(self.socket()).expect("a connection");
        connection.set_read_timeout(Some(PATIENCE)).expect("a limit");
        connection
    }

    /// Tells it to stop, and waits until it has.
    async fn stop(mut self) {
        self.stop.send(true).expect("it listens");
        let ended = tokio::time::timeout(PATIENCE, self.serving.join_next()).await.expect("it ends");
        ended.expect("it was serving").expect("no panic");
        assert!(!self.folder.path().join("public.sock").exists(), "the socket is removed");
    }
}

fn ask(stream: &mut impl Write, path: &str) {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").expect("a request");
}

fn answer(stream: &mut impl Read) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n{\"status\":\"ok\"}\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        answer.extend(byte);
    }
    String::from_utf8(answer).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_at_once_are_all_served_again_and_again() {
    let place = Place::new(2, None).await;
    // More than one thread keeps, wherever they are accepted.
    let mut connections: Vec<_> = (0..50).map(|_| place.connect()).collect();
    for _ in 0..3 {
        for connection in &mut connections {
            ask(connection, "/");
        }
        for connection in &mut connections {
            let answer = answer(connection);
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(answer.contains("\r\nPeer: false false\r\n"), "{answer}");
        }
    }
    place.stop().await;
    for mut connection in connections {
        connection.read_to_end(&mut Vec::new()).expect("the end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_wait_for_another_request_are_ended() {
    let place = Place::new(1, None).await;
    let (mut unused, mut idle) = (place.connect(), place.connect());
    ask(&mut idle, "/");
    assert!(answer(&mut idle).starts_with("HTTP/1.1 200"));
    place.stop().await;
    for connection in [&mut unused, &mut idle] {
        connection.read_to_end(&mut Vec::new()).expect("the end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_are_finished_and_cut_off_when_nobody_waits_for_them() {
    let place = Place::new(1, None).await;
    let mut slow = place.connect();
    ask(&mut slow, "/slow");
    tokio::time::sleep(Duration::from_millis(100)).await;
    place.stop().await;
    assert!(answer(&mut slow).starts_with("HTTP/1.1 200"));

    let mut place = Place::new(1, None).await;
    let mut slow = place.connect();
    ask(&mut slow, "/slow");
    tokio::time::sleep(Duration::from_millis(100)).await;
    place.serving.abort_all();
    let mut nothing = Vec::new();
    let _ = slow.read_to_end(&mut nothing);
    assert_eq!(nothing, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_can_be_encrypted() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates");
    let (certificate, key) = (format!("{folder}/localhost.pem"), format!("{folder}/localhost.key.pem"));
    let settings = config::Tls { certificate: PemSource::Path(certificate.clone()), key: PemSource::Path(key) };
    let place = Place::new(2, Some(Tls::load(&settings).expect("a certificate"))).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).expect("a certificate")).expect("a root");
    let client = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let session = rustls::ClientConnection::new(Arc::new(client), name).expect("a session");
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, place.port)).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let mut stream = rustls::StreamOwned::new(session, stream);
    ask(&mut stream, "/");
    let answer = answer(&mut stream);
    assert!(answer.contains("\r\nPeer: true true\r\n"), "{answer}");
    drop(stream);
    place.stop().await;
}

/// Waits until the server has closed all but so many of these connections.
fn wait_until_closed(connections: &mut [TcpStream], all_but: usize) {
    let begun = std::time::Instant::now();
    let is_open = |connection: &mut TcpStream| {
        connection.set_nonblocking(true).expect("is set");
        matches!(connection.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    };
    loop {
        let open = connections.iter_mut().map(is_open).filter(|is_open| *is_open).count();
        // On a machine that is very busy some may have ended since their heads did not arrive in time.
        let is_slow = begun.elapsed() > Duration::from_secs(3);
        assert!((open >= all_but || is_slow) && begun.elapsed() < PATIENCE, "{open} are open");
        if open <= all_but {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_peer_that_opens_connections_closes_nobody_elses() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates");
    let [certificate, key] =
        ["localhost.pem", "localhost.key.pem"].map(|file| PemSource::Path(format!("{folder}/{file}")));
    let tls = Tls::load(&config::Tls { certificate, key }).expect("a certificate");
    for tls in [None, Some(tls)] {
        let limits = Limits { in_all: 8, per_peer: 6, proxies: Networks::default() };
        let place = Place::with_limits(2, tls, limits).await;
        let mut honest = place.connect();
        ask(&mut honest, "/");
        assert!(answer(&mut honest).starts_with("HTTP/1.1 200"));
        let connect = |_| TcpStream::connect((Ipv4Addr::LOCALHOST, place.port)).expect("a connection");
        let mut idle: Vec<_> = (0..100).map(connect).collect();
        wait_until_closed(&mut idle, 6);
        // The connection that was there before is kept, and there is room for another.
        let mut second = place.connect();
        for connection in [&mut honest, &mut second] {
            ask(connection, "/");
            assert!(answer(connection).starts_with("HTTP/1.1 200"));
        }
        place.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_give_way_and_requests_under_way_do_not() {
    // As if there were a proxy at 127.0.0.1, which has as many connections as there is room for.
    let limits = Limits { in_all: 4, per_peer: 1, proxies: Networks::new(["127.0.0.0/8"]) };
    let place = Place::with_limits(2, None, limits).await;
    let mut slow = [place.connect(), place.connect()];
    for connection in &mut slow {
        ask(connection, "/slow");
    }
    let connect = |_| TcpStream::connect((Ipv4Addr::LOCALHOST, place.port)).expect("a connection");
    let mut idle: Vec<_> = (0..100).map(connect).collect();
    wait_until_closed(&mut idle, 2);
    let mut honest = place.connect();
    ask(&mut honest, "/");
    for connection in slow.iter_mut().chain([&mut honest]) {
        assert!(answer(connection).starts_with("HTTP/1.1 200"));
    }
    // Once there is nothing under way, more make room, the slow ones too.
    idle.extend((0..100).map(connect));
    wait_until_closed(&mut idle, 4);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_are_busy_a_newcomer_waits_for_one_to_end() {
    let limits = Limits { in_all: 2, per_peer: 2, proxies: Networks::default() };
    let place = Place::with_limits(1, None, limits).await;
    let mut connections = [place.connect(), place.connect(), place.connect(), place.connect()];
    for connection in &mut connections {
        ask(connection, "/slow");
    }
    for connection in &mut connections {
        assert!(answer(connection).starts_with("HTTP/1.1 200"));
    }
    place.stop().await;
}
