//! How long honest clients wait beside a noisy neighbour.
//!
//! Both come over loopback, which the server trusts to say whose requests it brings: the neighbour's are of one network, and
//! the honest client's of another.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::Result;
use crate::seed::PASSWORD;

/// How long the neighbour is noisy before anything is measured.
const WARM_UP: Duration = Duration::from_secs(3);
/// How long the neighbour waits before it tries again what has failed.
const PAUSE: Duration = Duration::from_millis(20);
/// How often something comes over a connection that is slow.
const TRICKLE: Duration = Duration::from_secs(5);
/// How long an honest client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// The honest client's address.
const HONEST: &str = "203.0.113.7";

/// Prints how long an honest whoami takes and an honest sign-in, in milliseconds (medians of `seconds` each), beside a
/// neighbour of this kind.
pub fn measure(noise: &str, address: &str, folder: &Path, seconds: &str) -> Result {
    listener::raise_file_limit();
    let (address, seconds) = (address.parse()?, Duration::from_secs(seconds.parse()?));
    let lines = |name: &str| -> Result<Vec<String>> {
        Ok(fs::read_to_string(folder.join(name))?.lines().map(str::to_owned).collect())
    };
    let (tokens, crowd) = (lines("tokens")?, lines("crowd")?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let _neighbour = runtime.block_on(async { neighbour(noise, address, &crowd) })?;
    std::thread::sleep(WARM_UP);

    let mut client = Client { address, connection: None };
    let whoami = median(seconds, || {
        let head = format!("X-Session-Token: {}\r\n", tokens[0]);
        client.timed("GET", "/sessions/whoami", &head, "").map(|(took, _)| took)
    })?;
    let mut person = 0;
    let sign_in = median(seconds, || {
        let (_, form) = client.timed("GET", FORM, "", "")?;
        person += 1;
        let identifier = format!("person-{person}@example.org");
        let body = json!({ "method": "password", "identifier": identifier, "password": PASSWORD });
        client.timed("POST", &submission(&form)?, JSON, &body.to_string()).map(|(took, _)| took)
    })?;
    println!("{whoami} {sign_in}");
    Ok(())
}

const FORM: &str = "/self-service/login/api";
const JSON: &str = "Content-Type: application/json\r\n";

/// The path that a form is sent to.
fn submission(form: &str) -> Result<String> {
    let form: Value = serde_json::from_str(form)?;
    Ok(format!("/self-service/login?flow={}", form["id"].as_str().ok_or("a form without an id")?))
}

fn median(seconds: Duration, mut request: impl FnMut() -> Result<Duration>) -> Result<f64> {
    let begun = Instant::now();
    let mut samples = Vec::new();
    while samples.is_empty() || begun.elapsed() < seconds {
        samples.push(request()?);
    }
    samples.sort_unstable();
    Ok(samples[samples.len() / 2].as_secs_f64() * 1000.0)
}

fn request(method: &str, path: &str, of: &str, head: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nX-Forwarded-For: {of}\r\n\
         Content-Length: {length}\r\n{head}\r\n{body}"
    )
}

/// A client that keeps its connection.
struct Client {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    /// How long a request takes, and the body of its answer. A connection that was closed meanwhile is made anew.
    fn timed(&mut self, method: &str, path: &str, head: &str, body: &str) -> Result<(Duration, String)> {
        let request = request(method, path, HONEST, head, body);
        let begun = Instant::now();
        let was_open = self.connection.is_some();
        let mut answer = self.exchange(&request);
        if answer.is_err() && was_open {
            self.connection = None;
            answer = self.exchange(&request);
        }
        let (status, body) = answer?;
        match status.as_str() {
            "200" => Ok((begun.elapsed(), body)),
            status => Err(format!("an honest {method} {path} was answered with {status}: {body}").into()),
        }
    }

    fn exchange(&mut self, request: &str) -> Result<(String, String)> {
        let stream = match self.connection.take() {
            Some(stream) => stream,
            None => BufReader::new(TcpStream::connect(self.address)?),
        };
        stream.get_ref().set_read_timeout(Some(PATIENCE))?;
        let stream = self.connection.insert(stream);
        stream.get_mut().write_all(request.as_bytes())?;
        let (mut status, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Err("the connection was closed".into());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if status.is_empty() {
                status = line.split(' ').nth(1).unwrap_or_default().to_owned();
            } else if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.parse()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        Ok((status, String::from_utf8(body)?))
    }
}

/// A neighbour, who is noisy until the value is dropped.
fn neighbour(noise: &str, address: SocketAddr, crowd: &[String]) -> Result<JoinSet<()>> {
    let mut tasks = JoinSet::new();
    let of = |n: usize| format!("192.0.2.{}", n % 256);
    match noise {
        "nobody" => {}
        "guesses" => (0..30).for_each(|n| drop(tasks.spawn(guess(address, of(n))))),
        "lists" => (0..10).for_each(|n| {
            let head = format!("X-Session-Token: {}\r\nConnection: close\r\n", crowd[n]);
            let list = request("GET", "/sessions?per_page=250", &of(n), &head, "");
            tasks.spawn(again_and_again(address, list));
        }),
        "slow" => (0..1000).for_each(|n| drop(tasks.spawn(trickle(address, of(n))))),
        "idle" => (0..5000).for_each(|n| drop(tasks.spawn(idle(address, of(n))))),
        _ => return Err(format!("{noise} is no kind of noise").into()),
    }
    Ok(tasks)
}

/// Sends a request, and gives back its answer; empty if there is none.
async fn answer(address: SocketAddr, request: &str) -> String {
    let mut answer = Vec::new();
    let exchange = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_end(&mut answer).await
    };
    match exchange.await {
        Ok(_) => String::from_utf8_lossy(&answer).into_owned(),
        Err(_) => String::new(),
    }
}

async fn again_and_again(address: SocketAddr, request: String) {
    loop {
        if answer(address, &request).await.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Tries wrong passwords.
async fn guess(address: SocketAddr, of: String) {
    let form = request("GET", FORM, &of, "Connection: close\r\n", "");
    let path = loop {
        let answer = answer(address, &form).await;
        match answer.split_once("\r\n\r\n").and_then(|(_, form)| submission(form).ok()) {
            Some(path) => break path,
            None => tokio::time::sleep(PAUSE).await,
        }
    };
    let body = json!({ "method": "password", "identifier": "person-0@example.org", "password": "a wrong password" });
    let head = format!("{JSON}Connection: close\r\n");
    again_and_again(address, request("POST", &path, &of, &head, &body.to_string())).await;
}

/// Sends a body that never ends.
async fn trickle(address: SocketAddr, of: String) {
    let head = request("POST", "/self-service/login?flow=00000000-0000-4000-8000-000000000000", &of, JSON, "");
    let head = head.replace("Content-Length: 0", "Content-Length: 400000");
    loop {
        let _ = async {
            let mut stream = tokio::net::TcpStream::connect(address).await?;
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&[b' '; 16 << 10]).await?;
            loop {
                stream.write_all(b" ").await?;
                let _ = tokio::time::timeout(TRICKLE, stream.readable()).await;
                if stream.try_read(&mut [0]).is_ok() {
                    return std::io::Result::Ok(());
                }
            }
        }
        .await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Keeps a connection after a request, and does nothing with it.
async fn idle(address: SocketAddr, of: String) {
    let once = request("GET", "/health/alive", &of, "", "");
    loop {
        let _ = answer(address, &once).await;
        tokio::time::sleep(PAUSE).await;
    }
}
