//! Another service: what it is sent is kept, and it answers as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A request that reached the service.
#[derive(Clone, Debug)]
pub struct Received {
    /// The HTTP method.
    pub method: String,
    /// The path, with its query.
    pub path: String,
    /// By names in lower case.
    pub headers: HashMap<String, String>,
    /// The body, as text.
    pub body: String,
}

impl Received {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// How the service answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status and a body.
    Status(u16, String),
    /// So many bytes with status 200.
    Bytes(usize),
    /// Never.
    Silence,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    replies: HashMap<String, Reply>,
}

/// An HTTP service on a free port of 127.0.0.1. It answers 200 `{}` unless it is told otherwise.
pub struct Peer {
    state: Arc<Mutex<State>>,
    port: u16,
    _tasks: JoinSet<()>,
}

impl Peer {
    /// Starts the service.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
        let port = listener.local_addr().expect("is bound").port();
        let state = Arc::new(Mutex::new(State::default()));
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let state = state.clone();
            async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(serve(stream, state.clone()));
                }
            }
        });
        Self { state, port, _tasks: tasks }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Has a path answer like this from now on.
    pub fn reply(&self, path: &str, reply: Reply) {
        lock(&self.state).replies.insert(path.to_owned(), reply);
    }

    /// Has a path answer by a status and JSON from now on.
    pub fn reply_json(&self, path: &str, status: u16, body: &Value) {
        self.reply(path, Reply::Status(status, body.to_string()));
    }

    /// Takes what has reached a path so far.
    pub fn take(&self, path: &str) -> Vec<Received> {
        let mut state = lock(&self.state);
        let (taken, left) = std::mem::take(&mut state.received).into_iter().partition(|request| request.path == path);
        state.received = left;
        taken
    }

    /// Waits for the next request to a path.
    pub async fn next(&self, path: &str) -> Received {
        for _ in 0..500 {
            if let Some(first) = self.take(path).into_iter().next() {
                return first;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nothing reached {path}");
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one request. What goes wrong is the other side's affair.
async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut stream = BufReader::new(stream);
    let Some(request) = read(&mut stream).await else { return };
    let reply = {
        let mut state = lock(&state);
        let reply = state.replies.get(&request.path).cloned();
        state.received.push(request);
        reply.unwrap_or(Reply::Status(200, "{}".to_owned()))
    };
    let head = |status: u16, length: usize| {
        format!(
            "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )
    };
    match reply {
        Reply::Status(status, body) => {
            let _ = stream.write_all(format!("{}{body}", head(status, body.len())).as_bytes()).await;
        }
        Reply::Bytes(count) => {
            let _ = stream.write_all(head(200, count).as_bytes()).await;
            let chunk = vec![b' '; 1 << 16];
            for _ in 0..count / chunk.len() {
                if stream.write_all(&chunk).await.is_err() {
                    return;
                }
            }
        }
        Reply::Silence => std::future::pending().await,
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received { method, path, headers, body: String::from_utf8(body).ok()? })
}
