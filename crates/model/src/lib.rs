//! Zelus' vocabulary: identities, credentials, sessions, flows, their UI nodes and messages, and the rules about them
//! that need nothing but the data. Plain values and pure functions; nothing here waits, reads or writes.

mod assurance;
mod clock;
mod entropy;
pub mod factors;
pub mod flow;
pub mod go;
mod id;
mod identity;
mod json;
pub mod json_pointer;
pub mod message;
mod network;
pub mod page;
pub mod problem;
mod secret;
mod session;
mod strict_json;
mod text;
pub mod ui;
pub mod wire;

pub use assurance::{Aal, AuthenticationMethod, RequiredAal, is_mailbox_of_first, level_of, stored_methods};
pub use clock::{Clock, ZERO_TIME};
pub use entropy::Entropy;
pub use flow::{Flow, FlowClient, FlowName, FlowState};
pub use id::Id;
pub use identity::{
    AddressStatus, Channel, Credential, CredentialType, Credentials, Identity, IdentityId, IdentityState,
    RecoveryAddress, VerifiableAddress, normalise_address,
};
pub use jiff::{SignedDuration, Timestamp};
pub use json::RawJson;
pub use message::Message;
pub use network::client_network;
pub use problem::Problem;
pub use secret::Secret;
pub use session::{ClientInfo, Device, Session, SessionId};
pub use strict_json::{InvalidJson, parse_json, parse_json_text};
pub use text::beginning;
pub use ui::{Group, Node, Ui};
pub use uuid::Uuid;

/// What every domain function gets first: the time and randomness.
#[derive(Clone, Debug)]
pub struct Cx {
    /// The source of the time.
    pub clock: Clock,
    /// The source of randomness.
    pub entropy: Entropy,
}

impl Cx {
    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
