//! Sessions and the devices they were seen on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::{Aal, AuthenticationMethod, Identity, IdentityId, Secret, Timestamp};

/// The identifier of a [`Session`].
pub type SessionId = Id<Session>;

/// A sign-in that is still good, or was.
#[derive(Clone, Debug)]
pub struct Session {
    /// The identifier.
    pub id: SessionId,
    /// The identity that is signed in.
    pub identity_id: IdentityId,
    /// Proves the session (`ory_st_…`); `None` for rows from very old Kratos versions.
    pub token: Option<Secret>,
    /// Ends the session in a browser (`ory_lo_…`); stable for its whole life.
    pub logout_token: Option<Secret>,
    /// The row's own flag; see [`Session::is_valid`].
    pub active: bool,
    /// When the sign-in began.
    pub issued_at: Timestamp,
    /// When the session ends, unless it is extended.
    pub expires_at: Timestamp,
    /// When a credential was last proved.
    pub authenticated_at: Timestamp,
    /// The level that the sign-in has reached.
    pub aal: Aal,
    /// The completed steps of the sign-in, the first one first.
    pub authentication_methods: Vec<AuthenticationMethod>,
    /// The highest level that this sign-in can come to, where that was worked out; else it is what the identity can come to. It
    /// is not stored.
    pub attainable_aal: Option<Aal>,
    /// When the row was written.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// `None` where they were not asked for.
    pub devices: Option<Vec<Device>>,
    /// `None` where it was not asked for. The sessions of a list share those of the same person.
    pub identity: Option<Arc<Identity>>,
}

impl Session {
    /// Whether the session is good at `now`: neither revoked nor expired, and its identity (where known) not disabled.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.active && self.expires_at > now && self.identity.as_ref().is_none_or(|identity| identity.is_active())
    }
}

/// A place that a session was used from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The identifier.
    pub id: Id<Device>,
    /// With the port, where it came from the socket.
    pub ip_address: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// City and country, as a proxy told them.
    pub location: Option<String>,
}

/// Where a request comes from, as far as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// The address of the client, with the port where it comes from the socket.
    pub ip_address: Option<String>,
    /// At most 512 bytes.
    pub user_agent: Option<String>,
    /// City and country as a proxy tells them; at most 512 bytes.
    pub location: Option<String>,
}
