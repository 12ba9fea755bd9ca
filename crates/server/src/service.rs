//! Between a listener and an edge.

use std::convert::Infallible;
use std::sync::Arc;

use axum::http::header::{ACCEPT, HOST, LOCATION};
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use web::{Edge, Peer};

/// What is served at a listener, and how. Clones share it.
#[derive(Clone)]
pub struct Endpoint {
    /// What answers requests.
    pub edge: Edge,
    /// Whether browsers that come to 127.0.0.1 are sent to localhost, where the cookies are.
    pub prefers_localhost: bool,
    /// How connections are served.
    pub options: listener::Options,
}

impl Endpoint {
    /// Answers the requests of a connection.
    pub(crate) fn service(
        &self,
        peer: listener::Peer,
    ) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send + 'static> + Send + use<>
    {
        let peer = Peer { address: peer.address, is_tls: peer.is_tls };
        // One count for each connection: those of what it shares with others would go from processor to processor.
        let answering = Arc::new((self.edge.clone(), self.prefers_localhost));
        service_fn(move |request: Request<Incoming>| {
            let answering = Arc::clone(&answering);
            async move {
                let (edge, prefers_localhost) = &*answering;
                let elsewhere = prefers_localhost.then(|| at_localhost(&request)).flatten();
                Ok(match elsewhere {
                    Some(location) => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, location)]).into_response(),
                    None => edge.answer(request, peer).await,
                })
            }
        })
    }
}

/// The same address at localhost, for a browser that visits 127.0.0.1.
fn at_localhost<B>(request: &Request<B>) -> Option<HeaderValue> {
    if *request.method() != Method::GET {
        return None;
    }
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let port = header(HOST)?.strip_prefix("127.0.0.1")?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = HeaderValue::try_from(format!("http://localhost{port}{path}")).ok()?;
    header(ACCEPT)?.contains("text/html").then_some(location)
}
