//! The tunnel at work.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use config::Networks;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{self, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use listener::{Limits, Options, Refused, Room, Socket, Workers};
use model::Cx;
use outbound::{Error, Outbound, OutboundOptions, Relay, Relayed};
use serde_json::json;
use tokio::sync::{OnceCell, watch};
use url::{Host, Url};

use crate::address::Address;
use crate::gate::{self, Gate, Refusal};
use crate::learn::{self, Learned};
use crate::view::{self, Here, View};

/// The largest body that is read as a whole, in bytes: of a request, and of an answer with addresses in it.
const MAX_BODY: usize = 8 << 20;
/// How long a connection is kept for another request.
const IDLE_LIMIT: Duration = Duration::from_secs(120);
/// A browser opens six; this leaves room for several, and for what test runners do.
const CONNECTIONS: usize = 512;

/// What a tunnel is between.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server.
    pub remote: Address,
    /// The port of this machine's loopback at which the tunnel is.
    pub port: u16,
    /// The app.
    pub app: Url,
    /// Origins whose pages may use the tunnel besides the app's; see [`crate::parse_origin`].
    pub origins: Vec<String>,
    /// The domain of cookies, rather than the tunnel's host alone; see [`crate::parse_cookie_domain`]. The tunnel answers to
    /// it, too.
    pub cookie_domain: Option<String>,
    /// Where people are led whom the server would lead to a page of its own after signing in, up or out.
    pub default_redirect: Option<Url>,
}

/// A body that is sent as it comes.
pub type Body = UnsyncBoxBody<Bytes, Error>;

/// A tunnel. Clones are the same one.
#[derive(Clone)]
pub struct Tunnel(Arc<Shared>);

struct Shared {
    settings: Settings,
    gate: Gate,
    outbound: Outbound,
    /// How the server looks once it has said what it calls itself.
    learned: OnceCell<(Learned, View)>,
    /// How it looks until then.
    unlearned: View,
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tunnel({} to {})", self.0.settings.port, self.0.settings.remote.origin())
    }
}

impl Tunnel {
    /// A tunnel that does nothing yet.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the settings.
    pub fn new(settings: Settings, cx: Cx) -> Result<Self, String> {
        let app = settings.app.origin().ascii_serialization();
        if settings.remote.url().port_or_known_default() == Some(settings.port) && is_this_machine(&settings.remote) {
            return Err(format!(
                "The server cannot be at {}: the tunnel itself is there. Choose another port by --port.",
                settings.remote.origin()
            ));
        }
        if app == format!("http://localhost:{}", settings.port) {
            return Err(format!("The app cannot be at {app}: the tunnel is there. Choose another port by --port."));
        }
        // The operator names the server, which may well be on this machine or in a private network.
        let options = OutboundOptions::new(cx.clock, cx.entropy);
        let outbound = Outbound::new(&options).map_err(|error| format!("The tunnel cannot be opened: {error}."))?;
        let apps = settings.origins.iter().cloned().chain([app]).collect();
        let gate = Gate::new(settings.port, settings.cookie_domain.clone(), apps);
        let unlearned = view_of(&settings, settings.remote.clone());
        Ok(Self(Arc::new(Shared { settings, gate, outbound, learned: OnceCell::new(), unlearned })))
    }

    /// What the tunnel is between.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What the server says of itself, which it is asked until it has answered once.
    ///
    /// # Errors
    /// Why it does not answer.
    pub async fn learn(&self) -> Result<&Learned, Error> {
        self.learned().await.map(|(learned, _)| learned)
    }

    async fn learned(&self) -> Result<&(Learned, View), Error> {
        let shared = &*self.0;
        let ask = async || {
            let learned = learn::learn(&shared.outbound, &shared.settings.remote, &shared.settings.app).await?;
            let view = view_of(&shared.settings, learned.own.clone());
            Ok((learned, view))
        };
        shared.learned.get_or_try_init(ask).await
    }

    /// Takes the tunnel's port at both addresses of this machine's loopback.
    ///
    /// # Errors
    /// A sentence that says what is in the way.
    pub async fn listen(&self) -> Result<Vec<Socket>, String> {
        listener::bind("localhost", self.0.settings.port, 1).await.map_err(|refused| match refused {
            Refused::InUse(address) => format!(
                "Something listens at {address} already. Choose another port by --port. (`zelus serve --dev` listens at port \
                 4000 itself, and needs no tunnel.)"
            ),
            Refused::Otherwise(why) => why,
        })
    }

    /// Serves the connections that come to `sockets`, until `stop` is true and requests under way have ended.
    pub async fn serve(&self, sockets: Vec<Socket>, stop: watch::Receiver<bool>) {
        let limits = Limits { in_all: CONNECTIONS, per_peer: CONNECTIONS, proxies: Networks::default() };
        let options = Options { tls: None, idle_limit: IDLE_LIMIT, room: Room::new(limits), workers: Workers::here() };
        let tunnel = self.clone();
        let service_of = move |_| {
            let tunnel = tunnel.clone();
            service_fn(move |request: Request<Incoming>| {
                let tunnel = tunnel.clone();
                async move { Ok::<_, Infallible>(tunnel.answer(request).await) }
            })
        };
        listener::serve(sockets, options, service_of, stop).await;
    }

    /// Answers a request.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: body::Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send,
    {
        let (head, body) = request.into_parts();
        let (method, path) = (head.method.clone(), head.uri.path().to_owned());
        let answer = self.let_through(head, body).await;
        tracing::info!(http.method = %method, http.path = path, http.status = answer.status().as_u16(), "Answered.");
        answer
    }

    async fn let_through<B>(&self, head: Parts, body: B) -> Response<Body>
    where
        B: body::Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send,
    {
        let gate = &self.0.gate;
        let passed = gate.here(&head).and_then(|here| Ok((gate.app_of(&head.headers, &here)?.cloned(), here)));
        let (app, here) = match passed {
            Ok(passed) => passed,
            Err(Refusal(why)) => {
                tracing::warn!("{why}");
                return failure(StatusCode::FORBIDDEN, &why);
            }
        };
        let mut answer = if gate::is_preflight(&head.method, &head.headers) {
            let mut answer = Response::new(whole(Vec::new()));
            *answer.status_mut() = StatusCode::NO_CONTENT;
            if app.is_some() {
                *answer.headers_mut() = gate::preflight(&head.headers);
            }
            answer
        } else {
            let here = Here { origin: &here, apps: &gate.apps };
            self.pass(head, body, here).await.unwrap_or_else(|(status, why)| failure(status, &why))
        };
        gate::share(answer.headers_mut(), app.as_ref());
        answer
    }

    /// Passes a request on to the server, and its answer back.
    async fn pass<B>(&self, head: Parts, body: B, here: Here<'_>) -> Result<Response<Body>, (StatusCode, String)>
    where
        B: body::Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send,
    {
        if matches!(head.method, Method::CONNECT | Method::TRACE) {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "The tunnel passes on requests of browsers only.".to_owned()));
        }
        let body = read(body).await?;
        // Who asks before the server answers sees it by the address at which it is asked.
        let view = self.learned().await.map_or(&self.0.unlearned, |(_, view)| view);
        let nowhere = || (StatusCode::BAD_REQUEST, "This path leads out of the server's address.".to_owned());
        let url = view.locate(head.uri.path(), head.uri.query(), here).ok_or_else(nowhere)?;
        let request = Relay {
            method: head.method.as_str().to_owned(),
            url: url.clone(),
            headers: view.asked(&head.headers, here),
            body,
        };
        let relayed = self.0.outbound.relay(request).await.map_err(|error| self.unusable(&error))?;
        self.answered(relayed, &head.method, view, &url, here).await
    }

    /// The server's answer as the browser gets it.
    async fn answered(
        &self,
        mut relayed: Relayed,
        method: &Method,
        view: &View,
        asked: &Url,
        here: Here<'_>,
    ) -> Result<Response<Body>, (StatusCode, String)> {
        let bad = |why: String| (StatusCode::BAD_GATEWAY, why);
        let status = StatusCode::from_u16(relayed.status).ok().filter(|status| !status.is_informational());
        let status = status.ok_or_else(|| bad(format!("The server answered with status {}.", relayed.status)))?;
        let headers = view::headers(&relayed.headers);
        let mut told = view.told(&headers, asked, here);
        let body = if *method == Method::HEAD {
            whole(Vec::new())
        } else if view::is_rewritten(&headers) {
            if view::is_packed(&headers) {
                return Err(bad("The server compressed its answer though it was asked not to.".to_owned()));
            }
            let text = relayed.read(MAX_BODY).await.map_err(|error| self.unusable(&error))?;
            whole(view.text(&text, here).into_owned())
        } else {
            // It comes as it is, and so do its bytes.
            headers.get(CONTENT_LENGTH).map(|length| told.insert(CONTENT_LENGTH, length.clone()));
            streamed(relayed)
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = told;
        Ok(answer)
    }

    fn unusable(&self, error: &Error) -> (StatusCode, String) {
        let status = if *error == Error::Timeout { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
        (
            status,
            format!("The server at {} gives no answer that can be used: {error}.", self.0.settings.remote.origin()),
        )
    }
}

fn view_of(settings: &Settings, own: Address) -> View {
    View::new(settings.remote.clone(), own, settings.cookie_domain.clone(), settings.default_redirect.clone())
}

fn is_this_machine(address: &Address) -> bool {
    match address.url().host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).to_canonical().is_loopback(),
        None => false,
    }
}

/// The body of a request.
async fn read<B>(body: B) -> Result<Vec<u8>, (StatusCode, String)>
where
    B: body::Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send,
{
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes().into()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, format!("The tunnel takes bodies of {MAX_BODY} bytes.")))
        }
        Err(_) => Err((StatusCode::BAD_REQUEST, "The body of the request broke off.".to_owned())),
    }
}

fn whole(body: Vec<u8>) -> Body {
    Full::from(body).map_err(|never: Infallible| match never {}).boxed_unsync()
}

fn streamed(relayed: Relayed) -> Body {
    let chunks = stream::unfold(Some(relayed), async |relayed| {
        let mut relayed = relayed?;
        match relayed.chunk().await {
            Ok(Some(chunk)) => Some((Ok(Frame::data(chunk)), Some(relayed))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    StreamBody::new(chunks).boxed_unsync()
}

/// An error in the form that the server has for its own.
fn failure(status: StatusCode, why: &str) -> Response<Body> {
    let reason = status.canonical_reason().unwrap_or_default();
    let error = json!({ "error": { "code": status.as_u16(), "status": reason, "message": why } });
    let mut answer = Response::new(whole(error.to_string().into_bytes()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
