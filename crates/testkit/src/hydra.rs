//! An OAuth 2.0 server that signs people in here: what Zelus uses of Ory Hydra's admin API.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

const PATH: &str = "/admin/oauth2/auth/requests/login";
const ACCEPT: &str = "/admin/oauth2/auth/requests/login/accept";

/// A server on a port of its own. Challenges are asked for and accepted there, once each.
#[derive(Clone)]
pub struct Hydra {
    /// Its admin address.
    pub url: String,
    state: Arc<Mutex<Peer>>,
}

#[derive(Default)]
struct Peer {
    requests: BTreeMap<String, Value>,
    accepted: Vec<Value>,
    authorization: String,
    out_of_order: bool,
}

impl Hydra {
    /// Starts the server.
    #[expect(clippy::disallowed_methods, reason = "it runs beside the test, until the test is over")]
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(Peer::default()));
        let peer = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, peer.clone()));
            }
        });
        Self { url, state }
    }

    /// The configuration of a server that works for this one.
    pub fn configuration(&self) -> String {
        format!("oauth2_provider: {{ url: '{}', headers: {{ Authorization: 'Bearer of-zelus' }} }}", self.url)
    }

    /// Has an application ask for a sign-in.
    pub fn asks(&self, challenge: &str, skip: bool) {
        let request = json!({
            "challenge": challenge, "skip": skip, "subject": "", "requested_scope": ["openid"],
            "request_url": "http://127.0.0.1:4455/oauth2/auth?client_id=app",
            "client": { "client_id": "app", "client_name": "An app", "metadata": { "a": 1 } },
        });
        self.peer().requests.insert(challenge.to_owned(), request);
    }

    /// Makes it answer 500 from now on, or no more.
    pub fn set_out_of_order(&self, out_of_order: bool) {
        self.peer().out_of_order = out_of_order;
    }

    /// What it was told since it was asked last.
    pub fn told(&self) -> Vec<Value> {
        std::mem::take(&mut self.peer().accepted)
    }

    /// The header `Authorization` of the last request.
    pub fn authorization(&self) -> String {
        self.peer().authorization.clone()
    }

    fn peer(&self) -> MutexGuard<'_, Peer> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers one request, and closes the connection.
async fn answer(mut stream: TcpStream, peer: Arc<Mutex<Peer>>) {
    let (mut received, mut chunk) = (Vec::new(), [0; 4096]);
    let answer = loop {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(count) => received.extend_from_slice(&chunk[..count]),
        }
        let text = String::from_utf8_lossy(&received);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value).next_back()
        };
        let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            let mut peer = peer.lock().unwrap_or_else(PoisonError::into_inner);
            peer.authorization = header("authorization").unwrap_or_default().to_owned();
            break peer.answer(head, body);
        }
    };
    let (status, body) = (answer.0, answer.1.to_string());
    let head = format!("HTTP/1.1 {status} .\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    // Whoever asked may have given up.
    let _ = stream.write_all((head + &body).as_bytes()).await;
}

impl Peer {
    fn answer(&mut self, head: &str, body: &str) -> (u16, Value) {
        if self.out_of_order {
            return (500, json!({ "error": "server_error" }));
        }
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let url = Url::parse("http://hydra").and_then(|base| base.join(target)).expect("an address");
        let challenge =
            url.query_pairs().find(|(name, _)| name == "login_challenge").map(|(_, value)| value.into_owned());
        let challenge = challenge.unwrap_or_default();
        let unknown = || (404, json!({ "error": "not_found", "error_hint": "It is not here." }));
        match (method, url.path()) {
            ("GET", PATH) => self.requests.get(&challenge).cloned().map_or_else(unknown, |request| (200, request)),
            ("PUT", ACCEPT) if self.requests.remove(&challenge).is_some() => {
                let mut told: Value = serde_json::from_str(body).expect("JSON");
                told["challenge"] = challenge.as_str().into();
                self.accepted.push(told);
                let to = format!("http://127.0.0.1:4455/oauth2/auth?login_verifier={challenge}");
                (200, json!({ "redirect_to": to }))
            }
            _ => unknown(),
        }
    }
}
