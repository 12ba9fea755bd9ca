//! Accounts that their schema no longer fits: it was changed after they were made, or taken away.
//!
//! They can be helped all the same. Only what is changed has to be valid: as long as the traits stay as they are, so does what
//! follows from them.

use model::{CredentialType, Cx, Identity, RawJson, factors};

use crate::Identities;
use crate::document::Document;
use crate::schema::TraitError;

impl Identities {
    /// As [`Identities::validate`], for an identity that is stored as `before`. If its traits and schema are as they were there,
    /// and do not fit, its identifiers and addresses stay as they are.
    ///
    /// # Errors
    /// As [`Identities::validate`], where the traits or the schema change.
    pub fn validate_change(&self, cx: &Cx, before: &Identity, after: &mut Identity) -> Result<(), Vec<TraitError>> {
        let Err(errors) = self.validate(cx, after) else { return Ok(()) };
        if after.schema_id != before.schema_id || !is_same(&after.traits, &before.traits) {
            return Err(errors);
        }
        keep_what_follows_from_traits(before, after);
        after.available_aal = Some(factors::available_aal(&after.credentials, self.rules()));
        Ok(())
    }
}

/// Whether two documents say the same, digit by digit.
fn is_same(one: &RawJson, other: &RawJson) -> bool {
    Document::parse(one.as_str()).ok() == Document::parse(other.as_str()).ok()
}

/// Identifiers that follow from traits, and addresses, as they were before; of an address that stays, what is known may change.
fn keep_what_follows_from_traits(before: &Identity, after: &mut Identity) {
    after.traits.clone_from(&before.traits);
    for kind in [CredentialType::Password, CredentialType::Webauthn, CredentialType::Code] {
        let Some(stored) = before.credentials.get(&kind) else { continue };
        match after.credentials.get_mut(&kind) {
            Some(credential) => credential.identifiers.clone_from(&stored.identifiers),
            // Codes have no data but addresses, which follow from the traits.
            None if kind == CredentialType::Code => drop(after.credentials.insert(kind, stored.clone())),
            None => {}
        }
    }
    let mut verifiable = before.verifiable_addresses.clone();
    for address in &mut verifiable {
        let is_same = |other: &&model::VerifiableAddress| other.via == address.via && other.value == address.value;
        if let Some(changed) = after.verifiable_addresses.iter().find(is_same) {
            address.clone_from(changed);
        }
    }
    after.verifiable_addresses = verifiable;
    after.recovery_addresses.clone_from(&before.recovery_addresses);
}
