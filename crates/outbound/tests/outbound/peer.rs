//! A peer that says exactly what a test tells it to, byte by byte.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A listener on loopback. It answers the `n`th request (from 0) with what its script says and closes the connection.
pub struct Peer {
    pub origin: String,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// What comes after the head and body of an answer.
pub enum Then {
    Close,
    /// Zeros, until the client hangs up.
    Endless,
    /// Nothing, with the connection held open.
    Silence,
}

impl Peer {
    pub async fn start(script: impl Fn(usize) -> (String, Then) + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let task = tokio::task::spawn_local(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                let index = {
                    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                    log.push(request);
                    log.len() - 1
                };
                let (answer, then) = script(index);
                tokio::task::spawn_local(async move {
                    let _ = stream.write_all(answer.as_bytes()).await;
                    match then {
                        Then::Close => {}
                        Then::Endless => while stream.write_all(&[b'0'; 4096]).await.is_ok() {},
                        Then::Silence => std::future::pending().await,
                    }
                });
            }
        });
        Self { origin, seen, task }
    }

    /// The same answer to every request.
    pub async fn saying(answer: String) -> Self {
        Self::start(move |_| (answer.clone(), Then::Close)).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The requests so far: head and body as they came.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&buffer[..read]),
            _ => return text,
        }
    }
}

pub fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

pub fn redirect(status: u16, location: &str) -> String {
    answer(status, &format!("location: {location}\r\n"), "")
}

/// Runs a test with its peers on one thread.
pub async fn locally(test: impl Future<Output = ()>) {
    tokio::task::LocalSet::new().run_until(test).await;
}
