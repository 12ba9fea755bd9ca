//! Why a request is not signed in: for the log and for developers, never for the caller.

use std::fmt;

use crypto::CookieError;
use model::{IdentityId, Session, SessionId, Timestamp};

use crate::Via;

/// Why no session was accepted. Its text is a sentence for the log of development mode; it holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request brought nothing along.
    NoCredentials,
    /// There is a session cookie that cannot be read, and nothing else.
    UnreadableCookie(CookieError),
    /// There is no session with this token in the database.
    Unknown(Via),
    /// The session was ended: by a logout, by the person, or by an operator.
    Revoked(Via, SessionId),
    /// The session's time is over.
    Expired(Via, SessionId, Timestamp),
    /// The session is good, but its identity is disabled.
    IdentityDisabled(Via, SessionId, IdentityId),
}

impl Refusal {
    /// Why a session that was found cannot be accepted; `None` when it can.
    pub(crate) fn of(session: &Session, via: Via, now: Timestamp) -> Option<Self> {
        if session.is_valid(now) {
            None
        } else if !session.active {
            Some(Self::Revoked(via, session.id))
        } else if session.expires_at <= now {
            Some(Self::Expired(via, session.id, session.expires_at))
        } else {
            Some(Self::IdentityDisabled(via, session.id, session.identity_id))
        }
    }

    /// Whether there was no credential to look at; an unreadable cookie counts as none, as in Kratos. Answers to such
    /// requests may be cached (`feature_flags.cacheable_sessions`).
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::NoCredentials | Self::UnreadableCookie(_))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredentials => f.write_str(
                "The request has no session cookie, no X-Session-Token header and no Authorization: Bearer header.",
            ),
            Self::UnreadableCookie(error) => {
                write!(f, "The session cookie was not accepted: {error}.")?;
                if *error == CookieError::BadSignature {
                    f.write_str(
                        " Was it written by another server, under another of secrets.cookie, or under another \
                         session.cookie.name?",
                    )?;
                }
                Ok(())
            }
            Self::Unknown(via) => write!(
                f,
                "There is no session with the token in {}. It was deleted, or belongs to another database.",
                via.as_str()
            ),
            Self::Revoked(via, id) => write!(f, "Session {id}, read from {}, was ended before.", via.as_str()),
            Self::Expired(via, id, at) => write!(f, "Session {id}, read from {}, expired at {at}.", via.as_str()),
            Self::IdentityDisabled(via, id, identity) => {
                write!(f, "Session {id}, read from {}, is good, but identity {identity} is disabled.", via.as_str())
            }
        }
    }
}
