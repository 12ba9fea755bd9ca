//! Requests and answers as plain values, so that nobody else needs to know the HTTP library.

use std::fmt;
use std::time::Duration;

use model::Entropy;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::Error;

/// A request to be sent.
#[derive(Clone)]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    pub(crate) retries: Option<u32>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) truncates: bool,
    pub(crate) id_header: Option<&'static str>,
}

impl Request {
    /// A request with any method. Nothing is checked before it is sent.
    pub fn new(method: &str, url: &str) -> Self {
        Self {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            retries: None,
            timeout: None,
            deadline: None,
            truncates: false,
            id_header: None,
        }
    }

    /// A `GET` request.
    pub fn get(url: &str) -> Self {
        Self::new("GET", url)
    }

    /// A `POST` request with a body; name its type with [`Request::header`].
    pub fn post(url: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", url).body(body)
    }

    /// Sets a header. The last value under a name is sent.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Repeats a failed try at most this often, instead of what the options say. 0 is one try only.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Longest time for one try, instead of what the options say.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Longest time for all tries and the waits between them.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Reads an answer that is larger than the limit up to there and no further, instead of refusing it.
    #[must_use]
    pub fn truncate(mut self) -> Self {
        self.truncates = true;
        self
    }

    /// Names each try by an identifier of its own, in this header.
    #[must_use]
    pub fn identify_tries(mut self, header: &'static str) -> Self {
        self.id_header = Some(header);
        self
    }

    pub(crate) fn parse(&self) -> Result<ValidRequest, Error> {
        let url = Url::parse(&self.url).map_err(|_| Error::InvalidUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::InvalidUrl);
        }
        let mut headers = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::InvalidRequest("header name"))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| Error::InvalidRequest("header value"))?;
            // Keeps the library from printing it.
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let method = Method::from_bytes(self.method.as_bytes()).map_err(|_| Error::InvalidRequest("method"))?;
        let id_header = self.id_header.map(|name| HeaderName::from_bytes(name.as_bytes())).transpose();
        let id_header = id_header.map_err(|_| Error::InvalidRequest("header name"))?;
        Ok(ValidRequest { method, url, headers, body: self.body.clone(), truncates: self.truncates, id_header })
    }
}

impl fmt::Debug for Request {
    /// Queries, headers and bodies hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = Url::parse(&self.url).ok().and_then(|url| url.host_str().map(str::to_owned));
        write!(f, "Request({} {})", self.method, host.as_deref().unwrap_or("?"))
    }
}

/// A request whose parts are known to be valid.
#[derive(Clone)]
pub(crate) struct ValidRequest {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) truncates: bool,
    pub(crate) id_header: Option<HeaderName>,
}

impl ValidRequest {
    /// Makes this a try of its own.
    pub(crate) fn identified(mut self, entropy: &Entropy) -> Self {
        let id = HeaderValue::from_str(&entropy.uuid().to_string());
        if let (Some(name), Ok(id)) = (self.id_header.take(), id) {
            self.headers.insert(name, id);
        }
        self
    }
}

/// An answer, read to its end.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Where the answer came from, after redirects.
    pub url: String,
    /// The headers.
    pub headers: Headers,
    /// The body, without its transfer coding.
    pub body: Vec<u8>,
}

impl Response {
    pub(crate) fn new(status: u16, url: String, headers: &HeaderMap, body: Vec<u8>) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        Self { status, url, headers: Headers(headers.collect()), body }
    }

    /// The answer itself, if its status is 2xx.
    ///
    /// # Errors
    /// [`Error::Status`] otherwise.
    pub fn success(self) -> Result<Self, Error> {
        if (200..300).contains(&self.status) { Ok(self) } else { Err(Error::Status { status: self.status }) }
    }
}

impl fmt::Debug for Response {
    /// Bodies hold tokens and personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

/// The headers of an answer, in the order in which they came. Bytes that are no UTF-8 are replaced.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first value under a name, in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(present, _)| present.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All names (in lower case) and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
