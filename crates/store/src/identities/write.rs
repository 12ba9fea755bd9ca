//! Writes of identities, their credentials and their addresses.

use model::{
    Aal, AddressStatus, Credential, Entropy, Id, Identity, IdentityId, RecoveryAddress, Timestamp, VerifiableAddress,
};

use crate::statement::Statement;
use crate::{Tx, to_microseconds};

static INSERT: Statement = Statement::new(
    "identities.insert",
    "INSERT INTO identities (nid, id, external_id, schema_id, state, state_changed_at, traits, metadata_public,
                             metadata_admin, available_aal, organization_id, created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
);

macro_rules! update_if {
    ($unchanged:literal) => {
        concat!(
            "UPDATE identities
             SET external_id = ?4, schema_id = ?5, state = ?6, state_changed_at = ?7, traits = ?8, metadata_public = ?9,
                 metadata_admin = ?10, available_aal = ?11, organization_id = ?12, updated_at = ?13
             WHERE nid = ?1 AND id = ?2 AND ",
            $unchanged
        )
    };
}

/// In SQLite times are text. Rows that others wrote may spell them otherwise: `.120`, `T`, no offset. Those are compared
/// to the millisecond, which is as far as SQLite reads a time.
static UPDATE: Statement = Statement::new(
    "identities.update",
    update_if!(
        "(updated_at = ?3 OR updated_at NOT GLOB '????-??-?? ??:??:??.*[1-9]+00:00'
          AND unixepoch(updated_at, 'subsec') = unixepoch(?3, 'subsec'))"
    ),
)
.postgres(update_if!("updated_at = ?3"));

static DELETE: Statement = Statement::new("identities.delete", "DELETE FROM identities WHERE nid = ?1 AND id = ?2");

static INSERT_CREDENTIAL: Statement = Statement::new(
    "identities.insert_credential",
    "INSERT INTO identity_credentials (nid, id, identity_id, identity_credential_type_id, config, version, created_at,
                                       updated_at)
     VALUES (?1, ?2, ?3, (SELECT id FROM identity_credential_types WHERE name = ?4), ?5, ?6, ?7, ?8)",
);

static UPDATE_CREDENTIAL: Statement = Statement::new(
    "identities.update_credential",
    "UPDATE identity_credentials SET config = ?3, version = ?4, updated_at = ?5 WHERE nid = ?1 AND id = ?2",
);

static DELETE_CREDENTIAL: Statement =
    Statement::new("identities.delete_credential", "DELETE FROM identity_credentials WHERE nid = ?1 AND id = ?2");

static INSERT_IDENTIFIER: Statement = Statement::new(
    "identities.insert_identifier",
    "INSERT INTO identity_credential_identifiers (nid, id, identifier, identity_credential_id, identity_id,
                                                  identity_credential_type_id, created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, ?5, (SELECT id FROM identity_credential_types WHERE name = ?6), ?7, ?8)",
);

static DELETE_IDENTIFIERS: Statement = Statement::new(
    "identities.delete_identifiers",
    "DELETE FROM identity_credential_identifiers WHERE nid = ?1 AND identity_credential_id = ?2",
);

static INSERT_VERIFIABLE: Statement = Statement::new(
    "identities.insert_verifiable_address",
    "INSERT INTO identity_verifiable_addresses (nid, id, identity_id, value, verified, via, status, verified_at,
                                                created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
);

static UPDATE_VERIFIABLE: Statement = Statement::new(
    "identities.update_verifiable_address",
    "UPDATE identity_verifiable_addresses
     SET value = ?3, verified = ?4, via = ?5, status = ?6, verified_at = ?7, updated_at = ?8 WHERE nid = ?1 AND id = ?2",
);

static SET_ADDRESS_SENT: Statement = Statement::new(
    "identities.set_address_sent",
    "UPDATE identity_verifiable_addresses SET status = 'sent', updated_at = ?3
     WHERE nid = ?1 AND id = ?2 AND status <> 'completed'",
);

static SET_ADDRESS_VERIFIED: Statement = Statement::new(
    "identities.set_address_verified",
    "UPDATE identity_verifiable_addresses SET verified = ?3, status = 'completed', verified_at = ?4, updated_at = ?5
     WHERE nid = ?1 AND id = ?2",
);

static DELETE_VERIFIABLE: Statement = Statement::new(
    "identities.delete_verifiable_address",
    "DELETE FROM identity_verifiable_addresses WHERE nid = ?1 AND id = ?2",
);

static INSERT_RECOVERY: Statement = Statement::new(
    "identities.insert_recovery_address",
    "INSERT INTO identity_recovery_addresses (nid, id, identity_id, value, via, created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
);

static DELETE_RECOVERY: Statement = Statement::new(
    "identities.delete_recovery_address",
    "DELETE FROM identity_recovery_addresses WHERE nid = ?1 AND id = ?2",
);

pub(crate) static STATEMENTS: &[&Statement] = &[
    &INSERT,
    &UPDATE,
    &DELETE,
    &INSERT_CREDENTIAL,
    &UPDATE_CREDENTIAL,
    &DELETE_CREDENTIAL,
    &INSERT_IDENTIFIER,
    &DELETE_IDENTIFIERS,
    &INSERT_VERIFIABLE,
    &UPDATE_VERIFIABLE,
    &SET_ADDRESS_SENT,
    &SET_ADDRESS_VERIFIED,
    &DELETE_VERIFIABLE,
    &INSERT_RECOVERY,
    &DELETE_RECOVERY,
];

impl Tx {
    /// Writes a new identity with its credentials, identifiers and addresses. Fails as a unique violation when another
    /// identity has one of the identifiers, an address or the external id. `entropy` makes the ids of rows that have
    /// none in the model.
    pub fn insert_identity(&mut self, entropy: &Entropy, identity: &Identity) {
        self.change_one(
            &INSERT,
            [
                identity.id.into(),
                identity.external_id.as_deref().into(),
                identity.schema_id.as_str().into(),
                identity.state.as_str().into(),
                identity.state_changed_at.into(),
                (&identity.traits).into(),
                identity.metadata_public.as_ref().into(),
                identity.metadata_admin.as_ref().into(),
                identity.available_aal.map(Aal::as_str).into(),
                identity.organization_id.into(),
                to_microseconds(identity.created_at).into(),
                to_microseconds(identity.updated_at).into(),
            ],
        );
        for credential in identity.credentials.values() {
            self.insert_credential(entropy, identity.id, credential);
        }
        for address in &identity.verifiable_addresses {
            self.insert_verifiable_address(identity.id, address);
        }
        for address in &identity.recovery_addresses {
            self.insert_recovery_address(identity.id, address);
        }
    }

    /// Turns the stored identity `before` into `after`, touching only what differs. `after.updated_at` has to be set
    /// by the caller; rows that stay keep their ids and times. Fails as stale when the identity is gone or was changed
    /// since `before` was read. Both must hold their credentials.
    pub fn update_identity(&mut self, entropy: &Entropy, before: &Identity, after: &Identity) {
        self.change_one(
            &UPDATE,
            [
                before.id.into(),
                before.updated_at.into(),
                after.external_id.as_deref().into(),
                after.schema_id.as_str().into(),
                after.state.as_str().into(),
                after.state_changed_at.into(),
                (&after.traits).into(),
                after.metadata_public.as_ref().into(),
                after.metadata_admin.as_ref().into(),
                after.available_aal.map(Aal::as_str).into(),
                after.organization_id.into(),
                to_microseconds(after.updated_at).into(),
            ],
        );
        self.update_credentials(entropy, before, after);
        self.update_verifiable_addresses(before, after);
        self.update_recovery_addresses(before, after);
    }

    /// Deletes an identity and, by the database's own rules, all that hangs on it: credentials, addresses, sessions,
    /// codes. Fails as stale when there is none.
    pub fn delete_identity(&mut self, id: IdentityId) {
        self.change_one(&DELETE, [id.into()]);
    }

    /// Notes that a code or link is on its way to an address; a verified one stays as it is.
    pub fn set_address_sent(&mut self, id: Id<VerifiableAddress>, now: Timestamp) {
        self.run(&SET_ADDRESS_SENT, [id.into(), to_microseconds(now).into()]);
    }

    /// Notes that an address is verified. Fails as stale when the address is gone.
    pub fn set_address_verified(&mut self, id: Id<VerifiableAddress>, now: Timestamp) {
        self.change_one(&SET_ADDRESS_VERIFIED, [id.into(), true.into(), now.into(), to_microseconds(now).into()]);
    }

    fn insert_credential(&mut self, entropy: &Entropy, identity: IdentityId, credential: &Credential) {
        self.run(
            &INSERT_CREDENTIAL,
            [
                credential.id.into(),
                identity.into(),
                credential.kind.as_str().into(),
                (&credential.config).into(),
                credential.version.into(),
                to_microseconds(credential.created_at).into(),
                to_microseconds(credential.updated_at).into(),
            ],
        );
        self.insert_identifiers(entropy, identity, credential);
    }

    fn insert_identifiers(&mut self, entropy: &Entropy, identity: IdentityId, credential: &Credential) {
        for identifier in &credential.identifiers {
            self.run(
                &INSERT_IDENTIFIER,
                [
                    entropy.uuid().into(),
                    credential.kind.normalise(identifier).into(),
                    credential.id.into(),
                    identity.into(),
                    credential.kind.as_str().into(),
                    to_microseconds(credential.updated_at).into(),
                    to_microseconds(credential.updated_at).into(),
                ],
            );
        }
    }

    fn update_credentials(&mut self, entropy: &Entropy, before: &Identity, after: &Identity) {
        let gone = |old: &&Credential| after.credentials.get(&old.kind).is_none_or(|new| new.id != old.id);
        for old in before.credentials.values().filter(gone) {
            self.run(&DELETE_CREDENTIAL, [old.id.into()]);
        }
        for new in after.credentials.values() {
            let Some(old) = before.credentials.get(&new.kind).filter(|old| old.id == new.id) else {
                self.insert_credential(entropy, after.id, new);
                continue;
            };
            let same_identifiers = same_set(&old.identifiers, &new.identifiers);
            if !same_identifiers || old.config != new.config || old.version != new.version {
                let time = to_microseconds(after.updated_at);
                self.change_one(
                    &UPDATE_CREDENTIAL,
                    [new.id.into(), (&new.config).into(), new.version.into(), time.into()],
                );
            }
            if !same_identifiers {
                self.run(&DELETE_IDENTIFIERS, [new.id.into()]);
                self.insert_identifiers(entropy, after.id, new);
            }
        }
    }

    fn update_verifiable_addresses(&mut self, before: &Identity, after: &Identity) {
        let (old, new) = (&before.verifiable_addresses, &after.verifiable_addresses);
        for address in old.iter().filter(|address| new.iter().all(|kept| kept.id != address.id)) {
            self.run(&DELETE_VERIFIABLE, [address.id.into()]);
        }
        for address in new {
            match old.iter().find(|known| known.id == address.id) {
                Some(known) if same_address(known, address) => {}
                Some(_) => self.change_one(
                    &UPDATE_VERIFIABLE,
                    [
                        address.id.into(),
                        address.value.as_str().into(),
                        address.verified.into(),
                        address.via.as_str().into(),
                        address.status.as_str().into(),
                        address.verified_at.into(),
                        to_microseconds(after.updated_at).into(),
                    ],
                ),
                None => self.insert_verifiable_address(after.id, address),
            }
        }
    }

    fn update_recovery_addresses(&mut self, before: &Identity, after: &Identity) {
        let (old, new) = (&before.recovery_addresses, &after.recovery_addresses);
        for address in old.iter().filter(|address| new.iter().all(|kept| kept.id != address.id)) {
            self.run(&DELETE_RECOVERY, [address.id.into()]);
        }
        for address in new.iter().filter(|address| old.iter().all(|known| known.id != address.id)) {
            self.insert_recovery_address(after.id, address);
        }
    }

    fn insert_verifiable_address(&mut self, identity: IdentityId, address: &VerifiableAddress) {
        self.run(
            &INSERT_VERIFIABLE,
            [
                address.id.into(),
                identity.into(),
                address.value.as_str().into(),
                address.verified.into(),
                address.via.as_str().into(),
                address.status.as_str().into(),
                address.verified_at.into(),
                to_microseconds(address.created_at).into(),
                to_microseconds(address.updated_at).into(),
            ],
        );
    }

    fn insert_recovery_address(&mut self, identity: IdentityId, address: &RecoveryAddress) {
        self.run(
            &INSERT_RECOVERY,
            [
                address.id.into(),
                identity.into(),
                address.value.as_str().into(),
                address.via.as_str().into(),
                to_microseconds(address.created_at).into(),
                to_microseconds(address.updated_at).into(),
            ],
        );
    }
}

fn same_set(a: &[String], b: &[String]) -> bool {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort_unstable();
        list
    };
    a.len() == b.len() && sorted(a) == sorted(b)
}

/// Whether two states of an address are the same but for their times.
fn same_address(a: &VerifiableAddress, b: &VerifiableAddress) -> bool {
    let key = |address: &VerifiableAddress| -> (String, bool, AddressStatus, Option<Timestamp>) {
        (address.value.clone(), address.verified, address.status, address.verified_at)
    };
    a.via == b.via && key(a) == key(b)
}
