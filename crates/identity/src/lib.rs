//! Who people are: identity schemas with Kratos' `ory.sh/kratos` keyword, and identities that follow them.
//!
//! [`Schemas`] are compiled once for each configuration. They check traits, say what is wrong with them in the words of
//! forms, derive identifiers and addresses from them, and describe the fields of forms. [`Identities`] creates, reads,
//! changes and deletes identities; the admin API and the flows are written against it.

mod address;
mod admin;
mod changes;
mod creation;
mod credentials;
mod derive;
mod document;
mod identities;
mod import;
mod invisible;
mod misfit;
mod patch;
pub mod re2;
mod schema;
#[cfg(test)]
mod tests;

pub use address::{identifier_for_code, is_email, phone_to_e164};
pub use admin::{CreateIdentity, SuppliedAddress, UpdateIdentity};
pub use changes::IdentityChanges;
pub use creation::Creation;
pub use document::Document;
pub use identities::{Identities, hasher};
pub use import::{ImportCredentials, ImportOidc, ImportPassword, ImportSaml};
pub use patch::{PatchError, apply as apply_patch};
pub use schema::{Schema, SchemaError, SchemaSource, Schemas, SentFields, TraitError, TraitField};
pub use store::{IdentityFilter, IdentityList, IdentityPage};
