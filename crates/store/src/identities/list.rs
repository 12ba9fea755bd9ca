//! Lists of identities: filters, pages, and the statements put together for them.

use model::{CredentialType, Identity, IdentityId, Uuid};

use super::{credentials_column, identity_columns, read, read_credentials};
use crate::Store;
use crate::error::StoreError;
use crate::statement::Dialect;
use crate::value::Value;

/// Which identities to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IdentityFilter {
    /// All of them.
    #[default]
    All,
    /// Those with these ids.
    Ids(Vec<IdentityId>),
    /// The one that signs in with this identifier, whatever the credential type; normalised here.
    Identifier(String),
    /// Those whose identifiers begin like this.
    IdentifierPrefix(String),
    /// The members of an organization.
    Organization(Uuid),
}

/// Which part of a list to give back; always in the order of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityPage {
    /// At most `size` identities whose ids come after `after`; the nil UUID is before all.
    After {
        /// The id that the page comes after.
        after: Uuid,
        /// How many identities, at most.
        size: u32,
    },
    /// Page `page`, counted from 0, of `size` identities each.
    Number {
        /// The number of the page.
        page: u32,
        /// How many identities, at most.
        size: u32,
    },
}

/// A part of a list.
#[derive(Debug)]
pub struct IdentityList {
    /// The identities.
    pub identities: Vec<Identity>,
    /// What the next page comes after; `None` on the last page, and for numbered pages.
    pub next: Option<IdentityId>,
}

impl Store {
    /// Lists identities by id, with their addresses, and with their credentials if wanted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_identities(
        &self,
        filter: &IdentityFilter,
        page: IdentityPage,
        with_credentials: bool,
    ) -> Result<IdentityList, StoreError> {
        let mut query = Query::new(self.dialect(), with_credentials);
        self.filter(&mut query, filter).await?;
        query.page(page);
        let rows = self.fetch_text(&query.text, &query.parameters).await?;
        let mut identities = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut columns = row.columns();
            let mut identity = read(&mut columns)?;
            if with_credentials {
                identity.credentials = read_credentials(&mut columns)?;
            }
            identities.push(identity);
        }
        let mut next = None;
        if let IdentityPage::After { size, .. } = page
            && identities.len() > size as usize
        {
            identities.truncate(size as usize);
            next = identities.last().map(|identity| identity.id);
        }
        Ok(IdentityList { identities, next })
    }

    async fn filter(&self, query: &mut Query, filter: &IdentityFilter) -> Result<(), StoreError> {
        match filter {
            IdentityFilter::All => {}
            IdentityFilter::Ids(ids) => query.one_of(" AND i.id IN ", ids.iter().map(|id| Value::Uuid(id.uuid()))),
            IdentityFilter::Organization(id) => {
                query.text.push_str(" AND i.organization_id = ");
                query.bind(Value::Uuid(*id));
            }
            IdentityFilter::Identifier(identifier) => self.by_identifier(query, identifier, "= ", "").await?,
            IdentityFilter::IdentifierPrefix(prefix) => {
                let pattern = prefix.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_") + "%";
                self.by_identifier(query, &pattern, "LIKE ", " ESCAPE '\\'").await?;
            }
        }
        Ok(())
    }

    /// Adds a condition on the identifiers, which are compared as each credential type stores them.
    async fn by_identifier(
        &self,
        query: &mut Query,
        identifier: &str,
        operator: &str,
        after: &str,
    ) -> Result<(), StoreError> {
        const TYPED: [CredentialType; 3] = [CredentialType::Password, CredentialType::Webauthn, CredentialType::Code];
        const MADE: [CredentialType; 2] = [CredentialType::Oidc, CredentialType::Saml];
        query.text.push_str(
            " AND i.id IN (SELECT ci.identity_id FROM identity_credential_identifiers ci WHERE ci.nid = ?1 AND (",
        );
        for (kinds, or) in [(&TYPED[..], ""), (&MADE[..], " OR ")] {
            let mut ids = Vec::new();
            for kind in kinds {
                ids.push(Value::Uuid(self.credential_type_id(*kind).await?));
            }
            query.text.push_str(or);
            query.one_of("(ci.identity_credential_type_id IN ", ids);
            query.text.push_str(" AND ci.identifier ");
            query.text.push_str(operator);
            query.bind(Value::Text(kinds[0].normalise(identifier)));
            query.text.push_str(after);
            query.text.push(')');
        }
        query.text.push_str("))");
        Ok(())
    }
}

/// A statement under construction. Parameter 1 is the network.
struct Query {
    text: String,
    parameters: Vec<Value>,
}

impl Query {
    fn new(dialect: Dialect, with_credentials: bool) -> Self {
        let (columns, credentials) = match dialect {
            Dialect::Sqlite => (identity_columns!(sqlite), credentials_column!(sqlite)),
            Dialect::Postgres => (identity_columns!(postgres), credentials_column!(postgres)),
        };
        let more = if with_credentials { format!(", {credentials}") } else { String::new() };
        let text = format!("SELECT {columns}{more} FROM identities i WHERE i.nid = ?1");
        Self { text, parameters: Vec::new() }
    }

    fn bind(&mut self, value: Value) {
        self.parameters.push(value);
        self.text.push_str(&format!("?{}", self.parameters.len() + 1));
    }

    /// Appends `before` and the values in parentheses; an empty list stands for nothing.
    fn one_of(&mut self, before: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(before);
        self.text.push('(');
        for (i, value) in values.into_iter().enumerate() {
            if i > 0 {
                self.text.push_str(", ");
            }
            self.bind(value);
        }
        if self.text.ends_with('(') {
            self.text.push_str("NULL");
        }
        self.text.push(')');
    }

    fn page(&mut self, page: IdentityPage) {
        match page {
            IdentityPage::After { after, size } => {
                if !after.is_nil() {
                    self.text.push_str(" AND i.id > ");
                    self.bind(Value::Uuid(after));
                }
                self.text.push_str(" ORDER BY i.id LIMIT ");
                // One more than asked for tells whether there is a next page.
                self.bind(Value::Int(i64::from(size) + 1));
            }
            IdentityPage::Number { page, size } => {
                self.text.push_str(" ORDER BY i.id LIMIT ");
                self.bind(Value::Int(size.into()));
                self.text.push_str(" OFFSET ");
                self.bind(Value::Int(i64::from(page) * i64::from(size)));
            }
        }
    }
}
