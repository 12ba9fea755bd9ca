//! Why a request got no answer.

use std::error::Error as StdError;
use std::net::IpAddr;

use crate::guard::RefusedAddresses;

/// Why a request got no answer that can be used. The texts are for operators, and free of queries, headers and bodies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL cannot be read, or is neither `http` nor `https`.
    #[error("the URL is not a valid http or https URL")]
    InvalidUrl,
    /// A method or header cannot be sent over HTTP.
    #[error("the {0} is not valid in HTTP")]
    InvalidRequest(&'static str),
    /// A pattern of the configuration cannot be read.
    #[error("the pattern {0:?} is not a valid glob")]
    InvalidGlob(String),
    /// TLS or the client could not be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(String),
    /// The guard keeps requests away from this address.
    #[error("the address {address} is not on the public internet, and private addresses are not allowed")]
    Refused {
        /// The address.
        address: IpAddr,
    },
    /// No connection: the name is unknown, the port closed, the certificate not trusted …
    #[error("no connection: {0}")]
    Connect(String),
    /// It took too long.
    #[error("the peer did not answer in time")]
    Timeout,
    /// The answer is larger than the caller can use.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// How large it may be, in bytes.
        limit: usize,
    },
    /// The peer sends the client round and round.
    #[error("more than {limit} redirects")]
    TooManyRedirects {
        /// How many are followed.
        limit: usize,
    },
    /// A redirect leads from `https` to `http`, or to another scheme.
    #[error("a redirect leads away from a secure connection, or to a scheme other than http and https")]
    InsecureRedirect,
    /// The connection broke, or what came over it was no HTTP.
    #[error("the connection failed: {0}")]
    Transport(String),
    /// The peer answered, with an error; see [`crate::Response::success`].
    #[error("the peer answered with status {status}")]
    Status {
        /// The status of the answer.
        status: u16,
    },
}

impl Error {
    /// Whether the same request may fare better later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Timeout | Self::Transport(_) => true,
            Self::Status { status } => is_temporary(*status),
            _ => false,
        }
    }

    pub(crate) fn setup(error: impl std::fmt::Display) -> Self {
        Self::Setup(error.to_string())
    }

    pub(crate) fn from_transport(error: reqwest::Error) -> Self {
        // The URL may carry secrets in its query.
        let error = error.without_url();
        if let Some(refused) = find_source::<RefusedAddresses>(&error) {
            return Self::Refused { address: refused.first };
        }
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_connect() {
            Self::Connect(innermost(&error))
        } else {
            Self::Transport(innermost(&error))
        }
    }
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn find_source<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// The cause that says most: "connection refused" rather than "error sending request".
fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

/// Whether an answer of this status says "not now" rather than "no". 501 means that the peer will never do it.
pub(crate) fn is_temporary(status: u16) -> bool {
    status == 429 || (500..600).contains(&status) && status != 501
}
