//! Accounts at providers: what a provider says of a person, and what a method makes of it.

use guard::Attempt;
use model::flow::Registration;
use model::{AuthenticationMethod, CredentialType, Flow, Identity, Problem};
use serde_json::Value;
use store::Tx;

use crate::BoxFuture;
use crate::context::Context;
use crate::form::Rejection;

/// A person whom a provider has recognised, whoever they are here.
pub struct Recognised {
    /// The provider's id in the configuration.
    pub provider: String,
    /// The provider as people are told of it.
    pub provider_label: String,
    /// The type of the credential that holds accounts at providers.
    pub kind: CredentialType,
    /// What the account at the provider is known by here: an identifier of that credential.
    pub identifier: String,
    /// The account at the provider: the `config` of a credential with nothing else in it.
    pub link: Value,
    /// What the provider says of the person; the method reads it again if they are new.
    pub claims: Value,
    /// The traits that the person typed before.
    pub typed: Value,
    /// What is proved by this.
    pub proved: AuthenticationMethod,
    /// The try that this was.
    pub attempt: Attempt,
    /// Uses up what the provider said.
    pub writes: Tx,
}

/// A provider's word that is not accepted.
pub struct Unrecognised {
    /// The provider's id in the configuration.
    pub provider: String,
    /// What the form says of it.
    pub rejections: Vec<Rejection>,
}

/// The identity of somebody who is new.
pub enum Newcomer {
    /// Complete, with its credential.
    Complete(Box<Identity>),
    /// What the provider says and the person typed is not enough.
    Incomplete {
        /// The traits as far as they are known.
        traits: Value,
        /// What the form says of the others.
        rejections: Vec<Rejection>,
    },
}

/// Knowing people by their accounts at providers.
pub trait ProviderMethod: Send + Sync {
    /// Makes the identity of somebody who is new.
    fn newcomer<'a>(
        &'a self,
        cx: Context<'a>,
        flow: &'a Flow<Registration>,
        recognised: &'a Recognised,
    ) -> BoxFuture<'a, Result<Newcomer, Problem>>;

    /// Adds an account at a provider to an identity, in the form of [`Recognised::link`]. Says what was proved by it.
    ///
    /// # Errors
    /// When it cannot be read.
    fn link(&self, cx: Context<'_>, identity: &mut Identity, link: &Value) -> Result<AuthenticationMethod, Problem>;

    /// Has a sign-up form ask for what is missing, with a button that leads to the provider once more. `traits` are those
    /// that are known.
    ///
    /// # Errors
    /// 404 when the provider is not configured.
    fn ask_for_rest(
        &self,
        cx: Context<'_>,
        flow: &mut Flow<Registration>,
        provider: &str,
        traits: Option<&Value>,
    ) -> Result<(), Problem>;
}
