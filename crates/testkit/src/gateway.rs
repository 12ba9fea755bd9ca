//! A web service that sends messages, or says that it does.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A request as the service got it.
#[derive(Clone, Debug)]
pub struct GatewayRequest {
    /// The path, with its query.
    pub path: String,
    /// `name: value`, the names in lower case.
    pub headers: Vec<String>,
    /// The body, as text.
    pub body: String,
}

impl GatewayRequest {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// A web service on a port of 127.0.0.1, which ends with the value. It answers 200, or 500 to what holds the word
/// `poison`.
pub struct Gateway {
    port: u16,
    requests: Arc<Mutex<Vec<GatewayRequest>>>,
    _running: JoinSet<()>,
}

impl Gateway {
    /// Starts the service.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::<Mutex<Vec<GatewayRequest>>>::default();
        let kept = requests.clone();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(answer(stream, kept.clone()));
            }
        });
        Self { port, requests, _running: running }
    }

    /// The address of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<GatewayRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers the requests of a connection, until the client leaves.
async fn answer(stream: TcpStream, requests: Arc<Mutex<Vec<GatewayRequest>>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut first = String::new();
        stream.read_line(&mut first).await.ok().filter(|length| *length > 0)?;
        let path = first.split(' ').nth(1)?.to_owned();
        let (mut headers, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
            headers.push(format!("{}: {}", name.to_lowercase(), value.trim()));
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let body = String::from_utf8(body).ok()?;
        let status = if body.contains("poison") { "500 No" } else { "200 OK" };
        requests.lock().unwrap_or_else(PoisonError::into_inner).push(GatewayRequest { path, headers, body });
        stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await.ok()?;
    }
}
