//! Changes that a web hook makes to an identity before it is written.

use std::collections::BTreeSet;

use model::{Cx, Identity, IdentityState, RawJson};
use serde::{Deserialize, Deserializer};

use crate::admin::{SuppliedAddress, set_state};

/// The member `identity` of a web hook's answer (Kratos' `response.parse`). What is missing, `null` or empty stays as it
/// is, but for an empty external id, which removes it. The result still has to be validated, by which addresses go that
/// the schema does not derive from the traits.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct IdentityChanges {
    /// The schema.
    pub schema_id: Option<String>,
    /// `active` or `inactive`.
    pub state: Option<String>,
    /// The traits.
    pub traits: Option<RawJson>,
    /// The addresses to verify, with what is known of them.
    pub verifiable_addresses: Option<Vec<SuppliedAddress>>,
    /// The addresses to recover by.
    pub recovery_addresses: Option<Vec<SuppliedAddress>>,
    /// What the person may see.
    #[serde(deserialize_with = "present")]
    pub metadata_public: Option<RawJson>,
    /// What only operators see.
    #[serde(deserialize_with = "present")]
    pub metadata_admin: Option<RawJson>,
    /// The operator's own identifier; `Some(None)` for `null`.
    #[serde(deserialize_with = "present")]
    pub external_id: Option<Option<String>>,
}

/// Tells `null` from what is missing.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl IdentityChanges {
    /// Makes the changes.
    ///
    /// # Errors
    /// What cannot be made: traits that are no object, or an unknown state. The identity may be half changed then.
    pub fn apply(self, cx: &Cx, identity: &mut Identity) -> Result<(), String> {
        if let Some(traits) = self.traits {
            if !traits.to_value().is_object() {
                return Err("traits have to be an object".to_owned());
            }
            identity.traits = traits;
        }
        if let Some(schema_id) = self.schema_id.filter(|id| !id.is_empty()) {
            identity.schema_id = schema_id;
        }
        if let Some(state) = self.state.filter(|state| !state.is_empty()) {
            if IdentityState::parse(&state).is_none() {
                return Err(format!("there is no state {state:?}"));
            }
            set_state(cx, identity, &state).map_err(|problem| problem.to_string())?;
        }
        if let Some(addresses) = self.verifiable_addresses.filter(|addresses| !addresses.is_empty()) {
            let own: BTreeSet<_> = identity.verifiable_addresses.iter().map(|address| address.id.uuid()).collect();
            let addresses = addresses.into_iter().map(|address| owned(address, &own).verifiable(cx));
            identity.verifiable_addresses = addresses.collect();
        }
        if let Some(addresses) = self.recovery_addresses.filter(|addresses| !addresses.is_empty()) {
            let own: BTreeSet<_> = identity.recovery_addresses.iter().map(|address| address.id.uuid()).collect();
            let addresses = addresses.into_iter().map(|address| owned(address, &own).recovery(cx));
            identity.recovery_addresses = addresses.collect();
        }
        let not_null = |json: &RawJson| json.as_str() != "null";
        if let Some(metadata) = self.metadata_public {
            identity.metadata_public = Some(metadata).filter(not_null);
        }
        if let Some(metadata) = self.metadata_admin {
            identity.metadata_admin = Some(metadata).filter(not_null);
        }
        if let Some(external_id) = self.external_id {
            identity.external_id = external_id.filter(|id| !id.is_empty());
        }
        Ok(())
    }
}

/// An address keeps its id only if the identity has it already: no answer may reach into somebody else's.
fn owned(address: SuppliedAddress, own: &BTreeSet<model::Uuid>) -> SuppliedAddress {
    match address.id.is_some_and(|id| own.contains(&id)) {
        true => address,
        false => address.into_new(),
    }
}
