//! `zelus tunnel` as whoever develops an app runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const APP: &str = "http://localhost:3000";

/// A server on a port of 127.0.0.1, which calls itself `https://id.example.org` and lists no app. It ends with the process.
/// `wrap` makes a connection of what was accepted.
fn server<S: Read + Write>(wrap: impl Fn(TcpStream) -> S + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Whoever hangs up early has what they want.
            let _ = answer(wrap(stream.expect("a connection")));
        }
    });
    port
}

fn answer(mut stream: impl Read + Write) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    let body = r#"{"ui":{"action":"https://id.example.org/self-service/login?flow=1"}}"#;
    let status = if String::from_utf8_lossy(&head).contains("return_to=") { "400 Bad Request" } else { "200 OK" };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    stream.flush()
}

/// As [`server`], by TLS, with a certificate that nobody has signed.
fn tls_server(certificate: &Path) -> u16 {
    let key = certificate.with_file_name("localhost.key.pem");
    let (certificate, key) = (CertificateDer::from_pem_file(certificate), PrivateKeyDer::from_pem_file(key));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.expect("a certificate")], key.expect("a key"));
    let config = Arc::new(config.expect("a configuration"));
    server(move |stream| {
        rustls::StreamOwned::new(rustls::ServerConnection::new(config.clone()).expect("a connection"), stream)
    })
}

fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    free.local_addr().expect("an address").port()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zelus"));
    command.arg("tunnel").args(arguments).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has usually stopped by itself.
        let _ = self.0.kill();
    }
}

/// What the program says until it says that it can be stopped.
fn welcome(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut said = String::new();
    while !said.contains("Stop with Ctrl+C.") {
        let read = stdout.read_line(&mut said).expect("text");
        assert!(read > 0, "it ended, and said {said:?}");
    }
    said
}

fn ask(port: u16, host: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection");
    write!(stream, "GET /self-service/login/browser HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_tunnel_says_what_it_does_and_does_it_until_it_is_told_to_stop() {
    let (remote, port) = (format!("http://127.0.0.1:{}", server(|stream| stream)), free_port());
    let child = command(&["--port", &port.to_string(), "--dev", APP]).env("ORY_SDK_URL", &remote).spawn();
    let mut running = Running(child.expect("the program runs"));
    let said = welcome(&mut BufReader::new(running.0.stdout.take().expect("a pipe")));
    assert!(said.contains(&format!("http://localhost:{port} is now {remote}/, for http://localhost:3000/")), "{said}");
    assert!(said.contains("selfservice.allowed_return_urls: [\"http://localhost:3000\"]"), "{said}");
    assert!(said.contains("https://id.example.org/"), "{said}");

    let answer = ask(port, &format!("localhost:{port}"), "Origin: http://localhost:3000\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("Access-Control-Allow-Credentials: true"),
        "{answer}"
    );
    assert!(answer.contains(&format!(r#""action":"http://localhost:{port}/self-service/login?flow=1""#)), "{answer}");
    for (host, headers) in
        [("evil.example", ""), ("localhost", ""), (&*format!("localhost:{port}"), "Origin: http://evil.example\r\n")]
    {
        assert!(ask(port, host, headers).starts_with("HTTP/1.1 403 "), "{host} {headers}");
    }

    let other = command(&["--url", &remote, "--port", &port.to_string(), APP]).output().expect("the program runs");
    assert!(!other.status.success());
    assert!(String::from_utf8_lossy(&other.stderr).contains("--port"), "{other:?}");

    Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status().expect("a signal");
    assert!(running.0.wait().expect("a status").success());
}

#[test]
fn the_certificate_of_a_server_is_checked() {
    let certificate = Path::new(env!("CARGO_MANIFEST_DIR")).join("../listener/tests/certificates/localhost.pem");
    let remote = format!("https://localhost:{}", tls_server(&certificate));
    for (authorities, is_trusted) in [(None, false), (Some(&certificate), true)] {
        let mut command = command(&["--url", &remote, "--port", &free_port().to_string(), APP]);
        command.envs(authorities.map(|file| ("SSL_CERT_FILE", file)));
        let mut running = Running(command.spawn().expect("the program runs"));
        let said = welcome(&mut BufReader::new(running.0.stdout.take().expect("a pipe")));
        assert_eq!(said.contains("does not answer"), !is_trusted, "{said}");
        assert_eq!(said.contains("certificate"), !is_trusted, "{said}");
    }
}

#[test]
fn a_tunnel_to_nowhere_in_particular_says_how_to_name_a_server() {
    let output = command(&[APP]).output().expect("the program runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--url https://id.example.org"), "{output:?}");
}
