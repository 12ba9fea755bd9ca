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

impl SessionJson<'_> {
    /// The JSON of the session before and behind its identity, which can be written once for many sessions.
    ///
    /// # Errors
    /// None that are known of: all of its keys are text.
    pub fn around_identity(&self) -> serde_json::Result<(String, String)> {
        let mut before = serde_json::to_string(&BeforeIdentity(self))?;
        before.pop();
        before.push_str(",\"identity\":");
        let mut behind = serde_json::to_string(&BehindIdentity(self))?;
        behind.replace_range(..1, ",");
        Ok((before, behind))
    }

    /// The identity, as it is shown with the session.
    pub fn identity(&self) -> Option<IdentityJson<'_>> {
        self.session.identity.as_ref().map(|identity| IdentityJson {
            identity,
            public_base_url: self.public_base_url,
            view: self.identity_view,
            reveal: &[],
        })
    }

    fn write_before_identity<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let session = self.session;
        map.serialize_entry("id", &session.id)?;
        map.serialize_entry("active", &session.is_valid(self.now))?;
        map.serialize_entry("expires_at", &session.expires_at)?;
        map.serialize_entry("authenticated_at", &session.authenticated_at)?;
        map.serialize_entry("authenticator_assurance_level", &session.aal)?;
        map.serialize_entry("authentication_methods", &session.authentication_methods)?;
        map.serialize_entry("issued_at", &session.issued_at)
    }

    fn write_behind_identity<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("devices", &self.session.devices)?;
        self.tokenized.map_or(Ok(()), |token| map.serialize_entry("tokenized", token))
    }
}

impl Serialize for SessionJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        self.write_before_identity(&mut map)?;
        map.serialize_entry("identity", &self.identity())?;
        self.write_behind_identity(&mut map)?;
        map.end()
    }
}

struct BeforeIdentity<'a>(&'a SessionJson<'a>);

impl Serialize for BeforeIdentity<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        self.0.write_before_identity(&mut map)?;
        map.end()
    }
}

struct BehindIdentity<'a>(&'a SessionJson<'a>);

impl Serialize for BehindIdentity<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        self.0.write_behind_identity(&mut map)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Aal, Device, Id, Identity, RawJson, Uuid, ZERO_TIME};

    #[test]
    fn what_stands_around_the_identity_is_the_rest_of_the_session() {
        let identity = Arc::new(Identity::new(
            Id::from_uuid(Uuid::from_u128(2)),
            "person".to_owned(),
            RawJson::from_value(&serde_json::json!({})),
            ZERO_TIME,
        ));
        let device = Device { id: Id::from_uuid(Uuid::nil()), ip_address: None, user_agent: None, location: None };
        let bare = Session {
            id: Id::from_uuid(Uuid::from_u128(1)),
            identity_id: identity.id,
            token: None,
            logout_token: None,
            active: true,
            issued_at: ZERO_TIME,
            expires_at: ZERO_TIME,
            authenticated_at: ZERO_TIME,
            aal: Aal::Aal1,
            authentication_methods: Vec::new(),
            attainable_aal: None,
            created_at: ZERO_TIME,
            updated_at: ZERO_TIME,
            devices: None,
            identity: None,
        };
        let full = Session { identity: Some(identity), devices: Some(vec![device]), ..bare.clone() };
        for (session, tokenized) in [(&bare, None), (&full, None), (&full, Some("x"))] {
            let shown = SessionJson { tokenized, ..SessionJson::public(session, "http://a/", ZERO_TIME) };
            let (before, behind) = shown.around_identity().expect("JSON");
            let identity = serde_json::to_string(&shown.identity()).expect("JSON");
            assert_eq!(before + &identity + &behind, serde_json::to_string(&shown).expect("JSON"));
        }
    }
}
