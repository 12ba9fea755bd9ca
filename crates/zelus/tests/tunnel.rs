//! `zelus tunnel` as whoever develops an app runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

const APP: &str = "http://localhost:3000";

/// A server on a port of 127.0.0.1, which calls itself `https://id.example.org` and lists no app. It ends with the process.
fn server() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            lines.find(String::is_empty);
            let body = r#"{"ui":{"action":"https://id.example.org/self-service/login?flow=1"}}"#;
            let status = if first.contains("return_to=") { "400 Bad Request" } else { "200 OK" };
            let length = body.len();
            // Whoever hangs up early has what they want.
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            );
        }
    });
    port
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
    let (remote, port) = (format!("http://127.0.0.1:{}", server()), free_port());
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
fn a_tunnel_to_nowhere_in_particular_says_how_to_name_a_server() {
    let output = command(&[APP]).output().expect("the program runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--url https://id.example.org"), "{output:?}");
}
