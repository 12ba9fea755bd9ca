//! What a request brings along to prove a session.

use crypto::{CookieCodec, CookieError};
use model::{Secret, Timestamp};

/// The credentials of a request, as its headers have them.
#[derive(Clone, Debug, Default)]
pub struct RequestCredentials {
    /// The header `X-Session-Token`. When it is set, nothing else is looked at, as in Kratos.
    pub session_token: Option<Secret>,
    /// The value of the session cookie.
    pub cookie: Option<Secret>,
    /// The values of further cookies of that name. A browser sends several, in no particular order, when they were set
    /// for different paths or domains, say by a server that ran here before. The first that proves a living session counts.
    pub other_cookies: Vec<Secret>,
    /// The whole `Cookie` header, on the routes that take a cookie's bare value for it: logout and whoami, since the
    /// documented Express sample of Kratos v0.7 sends it so. It proves itself by its signature. Not looked at when
    /// there is a session cookie.
    pub bare_cookie: Option<Secret>,
    /// The token of an `Authorization: Bearer` header, which counts when there is no readable cookie.
    pub bearer: Option<Secret>,
}

impl RequestCredentials {
    /// The credential of a native app.
    pub fn of_token(token: Secret) -> Self {
        Self { session_token: Some(token), ..Self::default() }
    }

    /// The credential of a browser.
    pub fn of_cookie(value: impl Into<String>) -> Self {
        Self { cookie: Some(Secret::new(value.into())), ..Self::default() }
    }
}

/// Which credential a session was found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The header `X-Session-Token`.
    SessionTokenHeader,
    /// The session cookie.
    Cookie,
    /// A cookie's value that stood alone in the `Cookie` header.
    BareCookie,
    /// The header `Authorization: Bearer`.
    Bearer,
}

impl Via {
    /// Its name in sentences for developers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionTokenHeader => "the header X-Session-Token",
            Self::Cookie => "the session cookie",
            Self::BareCookie => "the bare value in the header Cookie",
            Self::Bearer => "the header Authorization",
        }
    }
}

/// A session token, and where it was found.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub token: Secret,
    pub via: Via,
    /// What the cookie says about the session's end; `None` for other credentials and for cookies of Kratos v0.7.
    pub cookie_expires_at: Option<Timestamp>,
}

/// The session tokens of a request, the one that counts first.
#[derive(Debug, Default)]
pub(crate) struct PresentedTokens {
    pub all: Vec<Presented>,
    /// Why the cookie could not be read.
    pub cookie_error: Option<CookieError>,
}

impl PresentedTokens {
    /// Takes the tokens out of all credentials of a request.
    pub(crate) fn read(cookies: &CookieCodec, now: Timestamp, credentials: &RequestCredentials) -> Self {
        let mut tokens = Self::default();
        tokens.add_plain(credentials.session_token.as_ref(), Via::SessionTokenHeader);
        match (&credentials.cookie, &credentials.bare_cookie) {
            (Some(cookie), _) => {
                let first = tokens.add_cookie(cookies, now, cookie, Via::Cookie).err();
                let mut any_other = false;
                for other in &credentials.other_cookies {
                    any_other |= tokens.add_cookie(cookies, now, other, Via::Cookie).is_ok();
                }
                tokens.cookie_error = first.filter(|_| !any_other);
            }
            // Whatever else a `Cookie` header holds is no credential of ours, and nothing to complain about.
            (None, Some(bare)) => drop(tokens.add_cookie(cookies, now, bare, Via::BareCookie)),
            (None, None) => {}
        }
        tokens.add_plain(credentials.bearer.as_ref(), Via::Bearer);
        tokens
    }

    /// The token that counts: the first one, and behind it, if it stands in a cookie, those of all other cookies of that name.
    pub(crate) fn that_count(mut self) -> (Vec<Presented>, Option<CookieError>) {
        let count = match self.all.first() {
            Some(first) if first.via == Via::Cookie => {
                self.all.iter().take_while(|presented| presented.via == Via::Cookie).count()
            }
            first => usize::from(first.is_some()),
        };
        self.all.truncate(count);
        (self.all, self.cookie_error)
    }

    fn add_plain(&mut self, token: Option<&Secret>, via: Via) {
        if let Some(token) = token.filter(|token| !token.expose().is_empty()) {
            self.all.push(Presented { token: token.clone(), via, cookie_expires_at: None });
        }
    }

    fn add_cookie(
        &mut self,
        cookies: &CookieCodec,
        now: Timestamp,
        value: &Secret,
        via: Via,
    ) -> Result<(), CookieError> {
        let cookie = cookies.decode(now, value.expose().trim())?;
        self.all.push(Presented { token: cookie.session_token, via, cookie_expires_at: cookie.expires_at });
        Ok(())
    }
}
