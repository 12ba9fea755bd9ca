//! Outgoing HTTP: the only client of Zelus. Webhooks, identity providers, schema and Jsonnet downloads, breached-password
//! checks and HTTP mail channels all go through [`Outbound::fetch`], which
//!
//! - keeps away from internal networks where the operator asks for it, at the first request and after every redirect;
//! - gives up in time, reads a bounded number of bytes and follows a bounded number of redirects;
//! - tries again, politely, when a peer is out of reach or overloaded.
//!
//! Proxies of the environment (`HTTP_PROXY` …) are not used: a proxy would look names up itself, behind the guard's back.

mod error;
mod glob;
mod guard;
mod message;
mod relay;
mod retry;

pub use error::Error;
pub use guard::is_public;
pub use message::{Headers, Request, Response};
pub use relay::{Relay, Relayed};
pub use retry::RetryPolicy;

use std::sync::Arc;
use std::time::Duration;

use model::{Clock, Entropy};
use reqwest::header::{self, HeaderMap};
use reqwest::{Client, Method, StatusCode};
use url::Url;

use glob::Globs;
use guard::GuardedResolver;

/// Redirects followed for one try.
const MAX_REDIRECTS: usize = 10;

/// Headers that travel along when a redirect leads to another origin. All others may hold a credential (an API key
/// under a name of the operator's choice, say) and stay behind.
const HEADERS_FOR_ANY_ORIGIN: [header::HeaderName; 4] =
    [header::ACCEPT, header::ACCEPT_LANGUAGE, header::CONTENT_TYPE, header::USER_AGENT];

/// How outgoing requests are made.
#[derive(Clone, Debug)]
pub struct OutboundOptions {
    /// Refuses targets that are not on the public internet (`clients.http.disallow_private_ip_ranges`).
    pub disallow_private_ip_ranges: bool,
    /// URLs that may lead into internal networks nevertheless: globs with the separators `.` and `/` over the URL
    /// without query and fragment (`clients.http.private_ip_exception_urls`).
    pub private_ip_exception_urls: Vec<String>,
    /// The `User-Agent` of requests that do not set their own.
    pub user_agent: String,
    /// Longest wait for a connection, TLS included.
    pub connect_timeout: Duration,
    /// Longest time for one try, from the connection to the last byte of the answer.
    pub timeout: Duration,
    /// How often and when a failed try is repeated.
    pub retry: RetryPolicy,
    /// Against which the dates of `Retry-After` are read.
    pub clock: Clock,
    /// Spreads retries, so that many clients do not come back at the same moment.
    pub entropy: Entropy,
}

impl OutboundOptions {
    /// What Kratos does when nothing is configured: any address, 30 seconds for a try, and two more tries.
    pub fn new(clock: Clock, entropy: Entropy) -> Self {
        Self {
            disallow_private_ip_ranges: false,
            private_ip_exception_urls: Vec::new(),
            user_agent: concat!("Zelus/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            clock,
            entropy,
        }
    }
}

/// The HTTP client. Clones share their connections.
#[derive(Clone)]
pub struct Outbound(Arc<Shared>);

struct Shared {
    /// Reaches only the public internet, where that is asked for.
    guarded: Client,
    /// Reaches any address. Its connections are never used for guarded requests.
    open: Client,
    guards: bool,
    exceptions: Globs,
    timeout: Duration,
    retry: RetryPolicy,
    clock: Clock,
    entropy: Entropy,
}

impl Outbound {
    /// Sets the client up. It reads the operating system's certificates, so make one for each configuration and
    /// share it.
    ///
    /// # Errors
    /// [`Error::InvalidGlob`] for an exception that is no glob, [`Error::Setup`] if TLS cannot be set up.
    pub fn new(options: &OutboundOptions) -> Result<Self, Error> {
        let tls = tls_config()?;
        let open = client(options, tls.clone()).build().map_err(Error::setup)?;
        let guarded = client(options, tls).dns_resolver(GuardedResolver).build().map_err(Error::setup)?;
        Ok(Self(Arc::new(Shared {
            guarded,
            open,
            guards: options.disallow_private_ip_ranges,
            exceptions: Globs::new(&options.private_ip_exception_urls)?,
            timeout: options.timeout,
            retry: options.retry.clone(),
            clock: options.clock.clone(),
            entropy: options.entropy.clone(),
        })))
    }

    /// Sends a request and reads the whole answer, of at most `limit` bytes. Any status is an answer; see
    /// [`Response::success`]. Connection errors, time-outs, 429 and 5xx (but 501) are tried again as the policy says;
    /// what came of the last try is returned.
    ///
    /// # Errors
    /// See [`Error`]. None of them holds a query, a header or a body in its text.
    pub async fn fetch(&self, request: Request, limit: usize) -> Result<Response, Error> {
        let Some(deadline) = request.deadline else {
            return self.fetch_with_retries(&request, limit).await;
        };
        tokio::time::timeout(deadline, self.fetch_with_retries(&request, limit)).await.unwrap_or(Err(Error::Timeout))
    }

    /// Fetches a document of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Outbound::fetch`], and [`Error::Status`] for an answer that is an error.
    pub async fn download(&self, url: &str, limit: usize) -> Result<Vec<u8>, Error> {
        self.fetch(Request::get(url), limit).await.and_then(Response::success).map(|answer| answer.body)
    }

    /// Passes a request of somebody else on, once. Redirects are not followed, and the body of the answer is read as the
    /// caller asks for it. The guard looks at the target as at any other.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn relay(&self, request: Relay) -> Result<Relayed, Error> {
        let (method, headers) = (request.method()?, request.headers()?);
        let sent =
            self.client_for(&request.url)?.request(method, request.url).headers(headers).body(request.body).send();
        let answer = tokio::time::timeout(self.0.timeout, sent).await.map_err(|_| Error::Timeout)?;
        Ok(Relayed::new(answer.map_err(Error::from_transport)?, self.0.timeout))
    }

    async fn fetch_with_retries(&self, request: &Request, limit: usize) -> Result<Response, Error> {
        let shared = &*self.0;
        let parts = request.parse()?;
        let tries = 1 + request.retries.unwrap_or(shared.retry.retries);
        let timeout = request.timeout.unwrap_or(shared.timeout);
        let mut done = 1;
        loop {
            let outcome =
                tokio::time::timeout(timeout, self.fetch_once(&parts, limit)).await.unwrap_or(Err(Error::Timeout));
            let wait =
                if done < tries { shared.retry.wait(done, &outcome, &shared.clock, &shared.entropy) } else { None };
            let Some(wait) = wait else { return outcome };
            tracing::debug!(
                http.host = parts.url.host_str().unwrap_or_default(),
                http.attempt = done,
                http.status = outcome.as_ref().ok().map(|response| response.status),
                error = outcome.as_ref().err().map(tracing::field::display),
                "An outgoing request failed and is tried again."
            );
            done += 1;
            tokio::time::sleep(wait).await;
        }
    }

    /// One try, redirects included. They are followed here rather than by the library, so that the guard looks at every
    /// hop and credentials stay with their origin.
    async fn fetch_once(&self, parts: &message::ValidRequest, limit: usize) -> Result<Response, Error> {
        let mut hop = parts.clone().identified(&self.0.entropy);
        for _ in 0..=MAX_REDIRECTS {
            let mut answer = self
                .client_for(&hop.url)?
                .request(hop.method.clone(), hop.url.clone())
                .headers(hop.headers.clone())
                .body(hop.body.clone())
                .send()
                .await
                .map_err(Error::from_transport)?;
            let Some(target) = redirect_target(&hop.url, answer.status(), answer.headers())? else {
                let body = read_body(&mut answer, limit, parts.truncates).await?;
                return Ok(Response::new(answer.status().as_u16(), hop.url.into(), answer.headers(), body));
            };
            hop = hop.redirected(answer.status(), target);
        }
        Err(Error::TooManyRedirects { limit: MAX_REDIRECTS })
    }

    /// The client that may go to `url`. Hosts that are addresses are checked here, since no name is looked up for them.
    fn client_for(&self, url: &Url) -> Result<&Client, Error> {
        let shared = &*self.0;
        if !shared.guards || shared.exceptions.matches(&without_query(url)) {
            return Ok(&shared.open);
        }
        let address = match url.host() {
            Some(url::Host::Ipv4(address)) => Some(address.into()),
            Some(url::Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        match address.filter(|address| !is_public(*address)) {
            Some(address) => Err(Error::Refused { address }),
            None => Ok(&shared.guarded),
        }
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outbound(disallow_private_ip_ranges: {})", self.0.guards)
    }
}

/// The TLS of this workspace: rustls on ring, with the operating system's certificates.
fn tls_config() -> Result<rustls::ClientConfig, Error> {
    let mut roots = rustls::RootCertStore::empty();
    // A machine without certificates can still speak plain HTTP; TLS then says that the issuer is unknown.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::setup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn client(options: &OutboundOptions, tls: rustls::ClientConfig) -> reqwest::ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(options.connect_timeout)
        .user_agent(&options.user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
}

fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// Where an answer sends the client, if anywhere. A redirect without a usable `Location` is an answer like any other.
fn redirect_target(from: &Url, status: StatusCode, headers: &HeaderMap) -> Result<Option<Url>, Error> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = headers.get(header::LOCATION).and_then(|location| location.to_str().ok());
    let Some(target) = location.and_then(|location| from.join(location).ok()) else { return Ok(None) };
    match target.scheme() {
        "https" => Ok(Some(target)),
        "http" if from.scheme() == "http" => Ok(Some(target)),
        _ => Err(Error::InsecureRedirect),
    }
}

impl message::ValidRequest {
    /// The request that follows a redirect (RFC 9110 §15.4): only 307 and 308 keep method and body.
    fn redirected(mut self, status: StatusCode, target: Url) -> Self {
        if self.url.origin() != target.origin() {
            let kept =
                HEADERS_FOR_ANY_ORIGIN.iter().filter_map(|name| Some((name.clone(), self.headers.get(name)?.clone())));
            self.headers = kept.collect();
        }
        let keeps_method = matches!(status.as_u16(), 307 | 308) || matches!(self.method, Method::GET | Method::HEAD);
        if !keeps_method {
            self.method = Method::GET;
            self.body = Vec::new();
            self.headers.remove(header::CONTENT_TYPE);
        }
        self.url = target;
        self
    }
}

async fn read_body(answer: &mut reqwest::Response, limit: usize, truncates: bool) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while !(truncates && body.len() == limit) {
        let Some(chunk) = answer.chunk().await.map_err(Error::from_transport)? else { break };
        let room = limit - body.len();
        if chunk.len() > room && !truncates {
            return Err(Error::TooLarge { limit });
        }
        body.extend_from_slice(&chunk[..room.min(chunk.len())]);
    }
    Ok(body)
}
