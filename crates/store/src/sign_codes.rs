//! Codes that people sign in and sign up with. Only their HMACs are kept.

use model::flow::{Login, Registration};
use model::{Channel, Flow, Id, IdentityId, Timestamp, Uuid};

use crate::error::StoreError;
use crate::flows::FlowTable;
use crate::row::Columns;
use crate::statement::Statement;
use crate::{Store, Tx};

/// A code that was sent to an address (`identity_login_codes`, `identity_registration_codes`).
#[derive(Clone, Debug)]
pub struct SentCode<K: CodeTable> {
    /// The identifier.
    pub id: Uuid,
    /// Of the code, under the first secret when it was made.
    pub hmac: String,
    /// The channel that carried it.
    pub channel: Channel,
    /// The address that it was sent to, normalised.
    pub address: String,
    /// The flow that it was sent for.
    pub flow_id: Id<Flow<K>>,
    /// Whom it signs in; nobody yet, for one that signs up.
    pub owner: K::Owner,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it is no longer good.
    pub expires_at: Timestamp,
    /// When it was used; `None` while it can be.
    pub used_at: Option<Timestamp>,
}

/// The kinds of flow in which such codes are sent.
pub trait CodeTable: FlowTable {
    /// Whom a code belongs to.
    type Owner: Clone + std::fmt::Debug + Send + Sync;
    #[doc(hidden)]
    fn statements() -> &'static CodeStatements;
    #[doc(hidden)]
    fn insert(code: &SentCode<Self>, tx: &mut Tx);
    #[doc(hidden)]
    fn owner(columns: &mut Columns<'_>) -> Result<Self::Owner, StoreError>;
}

#[doc(hidden)]
pub struct CodeStatements {
    insert: Statement,
    of_flow: Statement,
    /// Changes a row only if it was not used: whoever is second changes none.
    mark_used: Statement,
    delete_of_flow: Statement,
}

static LOGIN: CodeStatements = CodeStatements {
    insert: Statement::new(
        "login_codes.insert",
        "INSERT INTO identity_login_codes
           (nid, id, code, address, address_type, selfservice_login_flow_id, issued_at, expires_at, created_at,
            updated_at, identity_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7, ?7, ?9)",
    ),
    of_flow: Statement::new(
        "login_codes.of_flow",
        "SELECT id, code, address_type, address, selfservice_login_flow_id, issued_at, expires_at, used_at, identity_id
         FROM identity_login_codes WHERE +nid = ?1 AND selfservice_login_flow_id = ?2",
    ),
    mark_used: Statement::new(
        "login_codes.mark_used",
        "UPDATE identity_login_codes SET used_at = ?3 WHERE nid = ?1 AND id = ?2 AND used_at IS NULL",
    ),
    delete_of_flow: Statement::new(
        "login_codes.delete_of_flow",
        "DELETE FROM identity_login_codes WHERE +nid = ?1 AND selfservice_login_flow_id = ?2",
    ),
};

static REGISTRATION: CodeStatements = CodeStatements {
    insert: Statement::new(
        "registration_codes.insert",
        "INSERT INTO identity_registration_codes
           (nid, id, code, address, address_type, selfservice_registration_flow_id, issued_at, expires_at, created_at,
            updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7, ?7)",
    ),
    of_flow: Statement::new(
        "registration_codes.of_flow",
        "SELECT id, code, address_type, address, selfservice_registration_flow_id, issued_at, expires_at, used_at
         FROM identity_registration_codes WHERE +nid = ?1 AND selfservice_registration_flow_id = ?2",
    ),
    mark_used: Statement::new(
        "registration_codes.mark_used",
        "UPDATE identity_registration_codes SET used_at = ?3 WHERE nid = ?1 AND id = ?2 AND used_at IS NULL",
    ),
    delete_of_flow: Statement::new(
        "registration_codes.delete_of_flow",
        "DELETE FROM identity_registration_codes WHERE +nid = ?1 AND selfservice_registration_flow_id = ?2",
    ),
};

/// Every statement of this file.
pub(crate) fn statements() -> impl Iterator<Item = &'static Statement> {
    [&LOGIN, &REGISTRATION]
        .into_iter()
        .flat_map(|table| [&table.insert, &table.of_flow, &table.mark_used, &table.delete_of_flow])
}

impl CodeTable for Login {
    type Owner = IdentityId;

    fn statements() -> &'static CodeStatements {
        &LOGIN
    }

    fn insert(code: &SentCode<Self>, tx: &mut Tx) {
        let mut parameters = inserted(code);
        parameters.push(code.owner.into());
        tx.run(&LOGIN.insert, parameters);
    }

    fn owner(columns: &mut Columns<'_>) -> Result<IdentityId, StoreError> {
        columns.next()
    }
}

impl CodeTable for Registration {
    type Owner = ();

    fn statements() -> &'static CodeStatements {
        &REGISTRATION
    }

    fn insert(code: &SentCode<Self>, tx: &mut Tx) {
        tx.run(&REGISTRATION.insert, inserted(code));
    }

    fn owner(_: &mut Columns<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

fn inserted<K: CodeTable>(code: &SentCode<K>) -> Vec<crate::value::Value> {
    vec![
        code.id.into(),
        code.hmac.as_str().into(),
        code.address.as_str().into(),
        code.channel.as_str().into(),
        code.flow_id.into(),
        code.issued_at.into(),
        code.expires_at.into(),
    ]
}

impl Store {
    /// The codes that were sent for a flow, used and expired ones too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sent_codes<K: CodeTable>(&self, flow: Id<Flow<K>>) -> Result<Vec<SentCode<K>>, StoreError> {
        let rows = self.fetch(&<K as CodeTable>::statements().of_flow, &[flow.into()]).await?;
        rows.iter().map(|row| read(&mut row.columns())).collect()
    }
}

fn read<K: CodeTable>(columns: &mut Columns<'_>) -> Result<SentCode<K>, StoreError> {
    let (id, hmac) = (columns.next()?, columns.next()?);
    // Before text messages there was no such column, and PostgreSQL pads it.
    let channel: Option<String> = columns.optional()?;
    Ok(SentCode {
        id,
        hmac,
        channel: channel.and_then(|name| Channel::parse(name.trim())).unwrap_or(Channel::Email),
        address: columns.next()?,
        flow_id: columns.next()?,
        issued_at: columns.next()?,
        expires_at: columns.next()?,
        used_at: columns.optional()?,
        owner: K::owner(columns)?,
    })
}

impl Tx {
    /// Keeps a code that is sent to an address. The flow has to be there already.
    pub fn insert_code<K: CodeTable>(&mut self, code: &SentCode<K>) {
        K::insert(code, self);
    }

    /// Uses a code up. The transaction fails as spent if it was used before.
    pub fn use_code<K: CodeTable>(&mut self, code: &SentCode<K>, now: Timestamp) {
        self.use_up(&<K as CodeTable>::statements().mark_used, [code.id.into(), now.into()]);
    }

    /// Voids the codes that were sent for a flow before.
    pub fn delete_codes<K: CodeTable>(&mut self, flow: Id<Flow<K>>) {
        self.run(&<K as CodeTable>::statements().delete_of_flow, [flow.into()]);
    }
}
