//! Requests of somebody else, passed on as they are.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::Error;

/// A request of somebody else. All of its headers are sent, in their order, and none that belongs to a connection may be
/// among them.
#[derive(Clone)]
pub struct Relay {
    /// The HTTP method.
    pub method: String,
    /// Where it goes.
    pub url: Url,
    /// Names and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Relay {
    pub(crate) fn method(&self) -> Result<Method, Error> {
        Method::from_bytes(self.method.as_bytes()).map_err(|_| Error::InvalidRequest("method"))
    }

    pub(crate) fn headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::InvalidRequest("header name"))?;
            let mut value = HeaderValue::from_bytes(value).map_err(|_| Error::InvalidRequest("header value"))?;
            // Keeps the library from printing it.
            value.set_sensitive(true);
            headers.append(name, value);
        }
        Ok(headers)
    }
}

/// An answer whose body is still to come.
pub struct Relayed {
    /// The HTTP status.
    pub status: u16,
    /// Names (in lower case) and values, in the order in which they came.
    pub headers: Vec<(String, Vec<u8>)>,
    answer: reqwest::Response,
    patience: Duration,
}

impl Relayed {
    pub(crate) fn new(answer: reqwest::Response, patience: Duration) -> Self {
        let headers = answer.headers().iter();
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
        Self { status: answer.status().as_u16(), headers, answer, patience }
    }

    /// The next part of the body; `None` after the last.
    ///
    /// # Errors
    /// When the connection breaks, or nothing comes for as long as one try may take.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = tokio::time::timeout(self.patience, self.answer.chunk()).await.map_err(|_| Error::Timeout)?;
        chunk.map_err(Error::from_transport)
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`Relayed::chunk`], and [`Error::TooLarge`] for more than `limit` bytes.
    pub async fn read(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if chunk.len() > limit - body.len() {
                return Err(Error::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
