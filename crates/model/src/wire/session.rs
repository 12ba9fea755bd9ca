//! Sessions.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{IdentityJson, IdentityView};
use crate::{Session, Timestamp};

/// A session as the API prints it. The token is never among it.
pub struct SessionJson<'a> {
    /// The session.
    pub session: &'a Session,
    /// The public base URL, below which schemas are found.
    pub public_base_url: &'a str,
    /// `active` is worked out for this moment.
    pub now: Timestamp,
    /// What is shown of the identity.
    pub identity_view: IdentityView,
    /// The session as a signed token, where one was asked for.
    pub tokenized: Option<&'a str>,
}

impl<'a> SessionJson<'a> {
    /// A session with what the person may see of their identity.
    pub fn public(session: &'a Session, public_base_url: &'a str, now: Timestamp) -> Self {
        Self { session, public_base_url, now, identity_view: IdentityView::Public, tokenized: None }
    }
}

impl Serialize for SessionJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let session = self.session;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("id", &session.id)?;
        map.serialize_entry("active", &session.is_valid(self.now))?;
        map.serialize_entry("expires_at", &session.expires_at)?;
        map.serialize_entry("authenticated_at", &session.authenticated_at)?;
        map.serialize_entry("authenticator_assurance_level", &session.aal)?;
        map.serialize_entry("authentication_methods", &session.authentication_methods)?;
        map.serialize_entry("issued_at", &session.issued_at)?;
        let identity = session.identity.as_ref().map(|identity| IdentityJson {
            identity,
            public_base_url: self.public_base_url,
            view: self.identity_view,
            reveal: &[],
        });
        map.serialize_entry("identity", &identity)?;
        map.serialize_entry("devices", &session.devices)?;
        if let Some(token) = self.tokenized {
            map.serialize_entry("tokenized", token)?;
        }
        map.end()
    }
}
