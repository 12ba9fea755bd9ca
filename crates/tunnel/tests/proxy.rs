//! A tunnel to servers that answer byte by byte what a test says.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request};
use model::{Clock, Cx, Entropy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tunnel::{Address, Settings, Tunnel};

const APP: &str = "http://localhost:3000";
const MIB: usize = 1 << 20;

/// A server on a port of 127.0.0.1.
struct Remote {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    _running: JoinSet<()>,
}

impl Remote {
    /// Answers each request, which is given with its head, by these bytes, and closes the connection.
    async fn start(answer: impl Fn(&str) -> Vec<u8> + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let (kept, mut running) = (seen.clone(), JoinSet::new());
        running.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (kept, answer) = (kept.clone(), answer.clone());
                connections.spawn(async move {
                    let request = read(&mut stream).await;
                    let answer = answer(&request);
                    kept.lock().expect("no panic").push(request);
                    // Whoever has enough hangs up.
                    let _ = stream.write_all(&answer).await;
                });
            }
        });
        Self { url, seen, _running: running }
    }

    /// The requests but those by which the tunnel asks what the server calls itself.
    fn seen(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("no panic");
        seen.iter().filter(|request| !request.contains("/self-service/login/browser")).cloned().collect()
    }

    fn tunnel(&self) -> Tunnel {
        open(&self.url, |_| ())
    }
}

async fn read(stream: &mut TcpStream) -> String {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).await.is_ok() {
        request.extend_from_slice(&byte);
    }
    let head = String::from_utf8(request).expect("text");
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.expect("a body");
    head + &String::from_utf8(body).expect("text")
}

fn open(remote: &str, with: impl FnOnce(&mut Settings)) -> Tunnel {
    let mut settings = Settings {
        remote: Address::parse(remote).expect("an address"),
        port: 4000,
        app: APP.parse().expect("a URL"),
        origins: vec!["http://localhost:5173".to_owned()],
        cookie_domain: None,
        default_redirect: None,
    };
    with(&mut settings);
    Tunnel::new(settings, Cx { clock: Clock::system(), entropy: Entropy::seeded(1) }).expect("a tunnel")
}

fn answer(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    /// `None` if it broke off.
    body: Option<Bytes>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone().expect("a body").to_vec()).expect("text")
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }
}

async fn ask(tunnel: &Tunnel, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let host = [("host", "localhost:4000")];
    let host = host.iter().filter(|_| !headers.iter().any(|(name, _)| *name == "host"));
    let request = host.chain(headers).fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = tunnel.answer(request.body(Full::new(body.into())).expect("a request")).await;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, body: answer.into_body().collect().await.ok().map(|body| body.to_bytes()) }
}

async fn get(tunnel: &Tunnel, path: &str) -> Answer {
    ask(tunnel, "GET", path, &[("origin", APP)], "").await
}

#[tokio::test]
async fn pages_of_the_app_and_of_no_others_may_read_answers() {
    let remote = Remote::start(|_| answer("200 OK\r\naccess-control-allow-origin: *", "hello")).await;
    let tunnel = remote.tunnel();
    for origin in [APP, "http://localhost:5173"] {
        let answer = ask(&tunnel, "POST", "/x", &[("origin", origin)], "").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.headers.get_all("access-control-allow-origin").iter().count(), 1);
        assert_eq!(answer.header("vary"), "Origin");
    }
    let before = remote.seen().len();
    for headers in [
        &[("origin", "http://evil.example")][..],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        &[("host", "evil.example:4000")],
        &[("host", "localhost:4001")],
        &[("host", "evil.example:4000"), ("origin", APP)],
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            let preflight = [headers, &[("access-control-request-method", "POST")]].concat();
            let answer = ask(&tunnel, method, "/x", &preflight, "").await;
            assert_eq!(answer.status, 403, "{method} {headers:?}");
            assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")), "{headers:?}");
        }
    }
    assert_eq!(remote.seen().len(), before, "the server hears of none of it");
    let own = ask(&tunnel, "POST", "/x", &[("origin", "null"), ("sec-fetch-site", "same-origin")], "").await;
    assert_eq!((own.status, own.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test]
async fn preflight_requests_are_answered_here() {
    let remote = Remote::start(|_| answer("500 No", "")).await;
    let asks = [
        ("origin", APP),
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "content-type,x-csrf-token"),
    ];
    let answer = ask(&remote.tunnel(), "OPTIONS", "/self-service/login", &asks, "").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, APP));
    assert_eq!(answer.header("access-control-allow-headers"), "content-type,x-csrf-token");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert!(answer.header("access-control-allow-methods").contains("PATCH"));
    assert_eq!(remote.seen(), [""; 0]);
}

#[tokio::test]
async fn the_server_is_known_by_the_name_that_it_gives_itself() {
    let remote = Remote::start(|request| {
        let flow = r#"{"ui":{"action":"https://id.example.org/auth/self-service/login?flow=1"}}"#;
        match request.starts_with("GET /self-service/login/browser") {
            true => answer("200 OK\r\ncontent-type: application/json", flow),
            false => answer("200 OK\r\ncontent-type: text/html", "<a href=https:&#x2f;&#x2f;id.example.org&#x2f;auth>"),
        }
    })
    .await;
    let tunnel = remote.tunnel();
    let page = ask(&tunnel, "POST", "/x", &[("origin", "http://localhost:4000"), ("cookie", "a=b")], "c=d").await;
    assert_eq!(page.text(), "<a href=http:&#x2f;&#x2f;localhost:4000>");
    let [seen] = &remote.seen()[..] else { panic!("one request") };
    let port = remote.url.trim_start_matches("http://");
    for line in [&format!("host: {port}"), "origin: https://id.example.org", "cookie: a=b", "accept-encoding: identity"]
    {
        assert!(seen.contains(&format!("{line}\r\n")), "{line} in {seen}");
    }
    assert!(seen.ends_with("\r\n\r\nc=d"), "{seen}");
    let learned = tunnel.learn().await.expect("it has answered");
    assert_eq!((learned.own.url().as_str(), learned.lists_app), ("https://id.example.org/auth/", Some(true)));
}

#[tokio::test]
async fn an_app_that_the_server_does_not_list_is_told_of() {
    let flow = r#"{"ui":{"action":"http://id/self-service/login"}}"#;
    let remote = Remote::start(move |request| match request.contains("return_to=") {
        true => answer("400 No\r\ncontent-type: application/json", r#"{"error":{}}"#),
        false => answer("200 OK", flow),
    })
    .await;
    assert_eq!(remote.tunnel().learn().await.expect("an answer").lists_app, Some(false));
    let other = Remote::start(|_| answer("404 No", "")).await;
    let tunnel = other.tunnel();
    let learned = tunnel.learn().await.expect("an answer");
    assert_eq!((learned.lists_app, learned.own.origin()), (None, other.url.clone()), "it is no Zelus");
}

#[tokio::test]
async fn what_is_not_rewritten_passes_as_it_comes_however_large() {
    let picture = vec![0xff; 12 * MIB];
    let copy = picture.clone();
    let remote =
        Remote::start(move |_| answer("200 OK\r\ncontent-type: image/png\r\ncontent-encoding: gzip", &copy)).await;
    let answer = get(&remote.tunnel(), "/picture").await;
    assert_eq!(answer.body.as_deref(), Some(&picture[..]));
    assert_eq!((answer.header("content-length"), answer.header("content-encoding")), ("12582912", "gzip"));
}

#[tokio::test]
async fn redirects_are_left_to_the_browser() {
    let remote =
        Remote::start(|_| answer("303 See\r\nlocation: /there\r\nset-cookie: a=b; Domain=x; Secure", "")).await;
    let answer = get(&remote.tunnel(), "/here").await;
    assert_eq!((answer.status, answer.header("location")), (303, "http://localhost:4000/there"));
    assert_eq!(answer.header("set-cookie"), "a=b");
    assert_eq!(remote.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_talks_nonsense_costs_an_error_that_the_app_can_read() {
    let large = || answer("200 OK\r\ncontent-type: application/json", vec![b'1'; 9 * MIB]);
    type Script = fn() -> Vec<u8>;
    let scripts: [(&str, Script); 6] = [
        ("nothing", Vec::new),
        ("no HTTP", || b"\x00\xffgarbage\r\n\r\n".to_vec()),
        ("another protocol", || b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        ("half a page", || b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 100\r\n\r\n<p>".to_vec()),
        ("a packed page", || answer("200 OK\r\ncontent-type: text/html\r\ncontent-encoding: gzip", b"\x1f\x8b")),
        ("a header that breaks", || b"HTTP/1.1 200 OK\r\nlocation: /a\0b\r\n\r\n".to_vec()),
    ];
    for (name, script) in scripts.into_iter().chain([("too much JSON", large as Script)]) {
        let remote = Remote::start(move |_| script()).await;
        let answer = get(&remote.tunnel(), "/x").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (502, APP), "{name}");
        assert!(answer.text().starts_with(r#"{"error":{"code":502,"#), "{name}: {}", answer.text());
    }
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    assert_eq!(get(&open(&url, |_| ()), "/x").await.status, 502);
    // What had begun to pass breaks off where it broke off there.
    let half = Remote::start(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc".to_vec()).await;
    let answer = get(&half.tunnel(), "/x").await;
    assert_eq!((answer.status, answer.body), (200, None));
}

#[tokio::test]
async fn requests_are_bounded_and_stay_below_the_server() {
    let remote = Remote::start(|_| answer("200 OK", "")).await;
    let tunnel = open(&format!("{}/auth/", remote.url), |_| ());
    assert_eq!(ask(&tunnel, "POST", "/x", &[], vec![0; 8 * MIB + 1]).await.status, 413);
    for (method, path, status) in
        [("GET", "/../admin", 400), ("GET", "/%2e%2E/admin", 400), ("OPTIONS", "*", 400), ("TRACE", "/", 405)]
    {
        assert_eq!(ask(&tunnel, method, path, &[], "").await.status, status, "{method} {path}");
    }
    assert_eq!(remote.seen(), [""; 0]);
    assert_eq!(ask(&tunnel, "HEAD", "//evil/?a=/../..", &[], "").await.status, 200);
    assert!(remote.seen()[0].starts_with("HEAD /auth//evil/?a=/../.. HTTP/1.1\r\n"), "{:?}", remote.seen());
}

#[test]
fn a_tunnel_does_not_lead_to_itself() {
    let refused = |remote: &str, app: &str| {
        let settings = Settings {
            remote: Address::parse(remote).expect("an address"),
            port: 4000,
            app: app.parse().expect("a URL"),
            origins: Vec::new(),
            cookie_domain: None,
            default_redirect: None,
        };
        Tunnel::new(settings, Cx { clock: Clock::system(), entropy: Entropy::seeded(1) }).is_err()
    };
    for remote in ["http://localhost:4000", "http://127.0.0.1:4000/x", "http://[::1]:4000"] {
        assert!(refused(remote, APP), "{remote}");
    }
    assert!(refused("http://localhost:4433", "http://localhost:4000/"));
    assert!(!refused("http://localhost:4433", APP) && !refused("http://example.org:4000", APP));
}
