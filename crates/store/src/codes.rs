//! One-time proofs of verification and recovery: codes that people type, and the tokens of links that they open. Only
//! their HMACs are kept.

use model::flow::{Recovery, Verification};
use model::{Flow, Id, IdentityId, RecoveryAddress, Timestamp, Uuid, VerifiableAddress};

use crate::error::StoreError;
use crate::row::Columns;
use crate::statement::Statement;
use crate::value::Value;
use crate::{Store, Tx};

/// What a person is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofKind {
    /// Six digits to type.
    Code,
    /// A link to open.
    Link,
}

/// A proof that an address is one's own (`identity_verification_codes`, `identity_verification_tokens`).
#[derive(Clone, Debug)]
pub struct VerificationProof {
    /// The identifier.
    pub id: Uuid,
    /// Of the code or token, under the first secret when it was made.
    pub hmac: String,
    /// The address that is verified.
    pub address_id: Id<VerifiableAddress>,
    /// The flow that it was sent for.
    pub flow_id: Id<Flow<Verification>>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it is no longer good.
    pub expires_at: Timestamp,
    /// When it was used; `None` while it can be.
    pub used_at: Option<Timestamp>,
}

/// A proof that wins back access (`identity_recovery_codes`, `identity_recovery_tokens`).
#[derive(Clone, Debug)]
pub struct RecoveryProof {
    /// The identifier.
    pub id: Uuid,
    /// Of the code or token, under the first secret when it was made.
    pub hmac: String,
    /// Where it was sent; `None` for one that an operator hands over.
    pub address_id: Option<Id<RecoveryAddress>>,
    /// Whose access is won back.
    pub identity_id: IdentityId,
    /// The flow that it was sent for.
    pub flow_id: Id<Flow<Recovery>>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it is no longer good.
    pub expires_at: Timestamp,
    /// When it was used; `None` while it can be.
    pub used_at: Option<Timestamp>,
}

/// The statements of one table.
struct Table {
    insert: Statement,
    of_flow: Statement,
    /// Changes a row only if it was not used: whoever is second changes none.
    mark_used: Statement,
    delete_of_flow: Statement,
}

static VERIFICATION_CODES: Table = Table {
    insert: Statement::new(
        "verification_codes.insert",
        "INSERT INTO identity_verification_codes
           (nid, id, code_hmac, identity_verifiable_address_id, selfservice_verification_flow_id, issued_at, expires_at,
            created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
    ),
    of_flow: Statement::new(
        "verification_codes.of_flow",
        "SELECT id, code_hmac, identity_verifiable_address_id, selfservice_verification_flow_id, issued_at, expires_at,
                used_at
         FROM identity_verification_codes
         WHERE +nid = ?1 AND selfservice_verification_flow_id = ?2 AND identity_verifiable_address_id IS NOT NULL",
    ),
    mark_used: Statement::new(
        "verification_codes.mark_used",
        "UPDATE identity_verification_codes SET used_at = ?3 WHERE nid = ?1 AND id = ?2 AND used_at IS NULL",
    ),
    delete_of_flow: Statement::new(
        "verification_codes.delete_of_flow",
        "DELETE FROM identity_verification_codes WHERE +nid = ?1 AND selfservice_verification_flow_id = ?2",
    ),
};

static VERIFICATION_TOKENS: Table = Table {
    insert: Statement::new(
        "verification_tokens.insert",
        "INSERT INTO identity_verification_tokens
           (nid, id, token, used, identity_verifiable_address_id, selfservice_verification_flow_id, issued_at,
            expires_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, FALSE, ?4, ?5, ?6, ?7, ?8, ?8)",
    ),
    of_flow: Statement::new(
        "verification_tokens.of_flow",
        "SELECT id, token, identity_verifiable_address_id, selfservice_verification_flow_id, issued_at, expires_at,
                used_at
         FROM identity_verification_tokens WHERE nid = ?1 AND selfservice_verification_flow_id = ?2",
    ),
    mark_used: Statement::new(
        "verification_tokens.mark_used",
        "UPDATE identity_verification_tokens SET used = TRUE, used_at = ?3
         WHERE nid = ?1 AND id = ?2 AND used_at IS NULL",
    ),
    delete_of_flow: Statement::new(
        "verification_tokens.delete_of_flow",
        "DELETE FROM identity_verification_tokens WHERE nid = ?1 AND selfservice_verification_flow_id = ?2",
    ),
};

static RECOVERY_CODES: Table = Table {
    insert: Statement::new(
        "recovery_codes.insert",
        "INSERT INTO identity_recovery_codes
           (nid, id, code, identity_recovery_address_id, identity_id, selfservice_recovery_flow_id, issued_at, expires_at,
            created_at, updated_at, code_type)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
    ),
    of_flow: Statement::new(
        "recovery_codes.of_flow",
        "SELECT id, code, identity_recovery_address_id, identity_id, selfservice_recovery_flow_id, issued_at, expires_at,
                used_at
         FROM identity_recovery_codes WHERE +nid = ?1 AND selfservice_recovery_flow_id = ?2",
    ),
    mark_used: Statement::new(
        "recovery_codes.mark_used",
        "UPDATE identity_recovery_codes SET used_at = ?3 WHERE nid = ?1 AND id = ?2 AND used_at IS NULL",
    ),
    delete_of_flow: Statement::new(
        "recovery_codes.delete_of_flow",
        "DELETE FROM identity_recovery_codes WHERE +nid = ?1 AND selfservice_recovery_flow_id = ?2",
    ),
};

static RECOVERY_TOKENS: Table = Table {
    insert: Statement::new(
        "recovery_tokens.insert",
        "INSERT INTO identity_recovery_tokens
           (nid, id, token, used, identity_recovery_address_id, identity_id, selfservice_recovery_flow_id, issued_at,
            expires_at, created_at, updated_at, token_type)
         VALUES (?1, ?2, ?3, FALSE, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
    ),
    of_flow: Statement::new(
        "recovery_tokens.of_flow",
        "SELECT id, token, identity_recovery_address_id, identity_id, selfservice_recovery_flow_id, issued_at, expires_at,
                used_at
         FROM identity_recovery_tokens
         WHERE nid = ?1 AND selfservice_recovery_flow_id = ?2 AND identity_id IS NOT NULL",
    ),
    mark_used: Statement::new(
        "recovery_tokens.mark_used",
        "UPDATE identity_recovery_tokens SET used = TRUE, used_at = ?3
         WHERE nid = ?1 AND id = ?2 AND used_at IS NULL",
    ),
    delete_of_flow: Statement::new(
        "recovery_tokens.delete_of_flow",
        "DELETE FROM identity_recovery_tokens WHERE nid = ?1 AND selfservice_recovery_flow_id = ?2",
    ),
};

/// Every statement of this file.
pub(crate) fn statements() -> impl Iterator<Item = &'static Statement> {
    [&VERIFICATION_CODES, &VERIFICATION_TOKENS, &RECOVERY_CODES, &RECOVERY_TOKENS]
        .into_iter()
        .flat_map(|table| [&table.insert, &table.of_flow, &table.mark_used, &table.delete_of_flow])
}

const fn verification(kind: ProofKind) -> &'static Table {
    match kind {
        ProofKind::Code => &VERIFICATION_CODES,
        ProofKind::Link => &VERIFICATION_TOKENS,
    }
}

const fn recovery(kind: ProofKind) -> &'static Table {
    match kind {
        ProofKind::Code => &RECOVERY_CODES,
        ProofKind::Link => &RECOVERY_TOKENS,
    }
}

impl Store {
    /// The proofs that were sent for a verification flow, used and expired ones too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verification_proofs(
        &self,
        kind: ProofKind,
        flow: Id<Flow<Verification>>,
    ) -> Result<Vec<VerificationProof>, StoreError> {
        let rows = self.fetch(&verification(kind).of_flow, &[flow.into()]).await?;
        rows.iter().map(|row| read_verification(&mut row.columns())).collect()
    }

    /// The proofs that were sent for a recovery flow, used and expired ones too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recovery_proofs(
        &self,
        kind: ProofKind,
        flow: Id<Flow<Recovery>>,
    ) -> Result<Vec<RecoveryProof>, StoreError> {
        let rows = self.fetch(&recovery(kind).of_flow, &[flow.into()]).await?;
        rows.iter().map(|row| read_recovery(&mut row.columns())).collect()
    }
}

fn read_verification(columns: &mut Columns<'_>) -> Result<VerificationProof, StoreError> {
    Ok(VerificationProof {
        id: columns.next()?,
        hmac: columns.next()?,
        address_id: columns.next()?,
        flow_id: columns.next()?,
        issued_at: columns.next()?,
        expires_at: columns.next()?,
        used_at: columns.optional()?,
    })
}

fn read_recovery(columns: &mut Columns<'_>) -> Result<RecoveryProof, StoreError> {
    Ok(RecoveryProof {
        id: columns.next()?,
        hmac: columns.next()?,
        address_id: columns.optional()?,
        identity_id: columns.next()?,
        flow_id: columns.next()?,
        issued_at: columns.next()?,
        expires_at: columns.next()?,
        used_at: columns.optional()?,
    })
}

impl Tx {
    /// Keeps a proof that is sent to an address.
    pub fn insert_verification_proof(&mut self, kind: ProofKind, proof: &VerificationProof) {
        self.run(
            &verification(kind).insert,
            [
                proof.id.into(),
                proof.hmac.as_str().into(),
                proof.address_id.into(),
                proof.flow_id.into(),
                proof.issued_at.into(),
                proof.expires_at.into(),
                proof.issued_at.into(),
            ],
        );
    }

    /// Uses a proof up. The transaction fails as spent if it was used before.
    pub fn use_verification_proof(&mut self, kind: ProofKind, id: Uuid, now: Timestamp) {
        self.use_up(&verification(kind).mark_used, [id.into(), now.into()]);
    }

    /// Voids what was sent for a flow before.
    pub fn delete_verification_proofs(&mut self, kind: ProofKind, flow: Id<Flow<Verification>>) {
        self.run(&verification(kind).delete_of_flow, [flow.into()]);
    }

    /// Keeps a proof that is sent to an address, or handed over by an operator.
    pub fn insert_recovery_proof(&mut self, kind: ProofKind, proof: &RecoveryProof) {
        // Kratos' `code_type` and `token_type`.
        let issued_by: i32 = if proof.address_id.is_none() { 1 } else { 2 };
        self.run(
            &recovery(kind).insert,
            [
                proof.id.into(),
                proof.hmac.as_str().into(),
                proof.address_id.map_or(Value::Null, Value::from),
                proof.identity_id.into(),
                proof.flow_id.into(),
                proof.issued_at.into(),
                proof.expires_at.into(),
                proof.issued_at.into(),
                issued_by.into(),
            ],
        );
    }

    /// Uses a proof up. The transaction fails as spent if it was used before.
    pub fn use_recovery_proof(&mut self, kind: ProofKind, id: Uuid, now: Timestamp) {
        self.use_up(&recovery(kind).mark_used, [id.into(), now.into()]);
    }

    /// Voids what was sent for a flow before.
    pub fn delete_recovery_proofs(&mut self, kind: ProofKind, flow: Id<Flow<Recovery>>) {
        self.run(&recovery(kind).delete_of_flow, [flow.into()]);
    }
}
