//! Credentials that an operator brings along: `credentials` of the admin API's create and update.

use crypto::{Hasher, HashingPool, password};
use model::{CredentialType, Cx, Identity, Problem, RawJson, Secret, Uuid};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::derive::new_credential;

/// Credentials to import.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportCredentials {
    /// A password.
    pub password: Option<WithConfig<ImportPassword>>,
    /// Accounts at OpenID providers.
    pub oidc: Option<WithConfig<ImportOidc>>,
    /// Accounts at SAML providers.
    pub saml: Option<WithConfig<ImportSaml>>,
}

impl ImportCredentials {
    /// The kinds that can be imported.
    pub(crate) const KINDS: [&str; 3] = ["password", "oidc", "saml"];
}

/// Kratos wraps each in `config`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WithConfig<T> {
    pub config: T,
}

/// A password: in clear text, as a hash of any known format, or one that another system still checks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImportPassword {
    /// The password in clear text, which is hashed.
    pub password: Option<Secret>,
    /// The hash of the password.
    pub hashed_password: Option<Secret>,
    /// Whether the password migration hook is asked at the first sign-in.
    pub use_password_migration_hook: bool,
}

impl ImportPassword {
    /// Whether it holds a password that has to be hashed.
    pub fn is_clear_text(&self) -> bool {
        !self.use_password_migration_hook
            && self.password.as_ref().is_some_and(|password| !password.expose().is_empty())
    }
}

/// Accounts at OpenID providers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImportOidc {
    /// The accounts.
    pub providers: Vec<ImportLink>,
}

/// Accounts at SAML providers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImportSaml {
    /// The accounts.
    pub providers: Vec<ImportLink>,
}

/// An account at a provider.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImportLink {
    pub subject: String,
    pub provider: String,
    pub organization: Option<Uuid>,
    pub use_auto_link: bool,
}

/// Hashes what comes in clear text.
pub(crate) struct Import<'a> {
    pub cx: &'a Cx,
    pub hasher: &'a Hasher,
    pub pool: &'a HashingPool,
}

impl Import<'_> {
    /// Adds credentials to an identity. A password takes the place of the old one, accounts at providers are added. The
    /// identifiers of a password follow from the traits, later.
    ///
    /// # Errors
    /// 400 for a hash of an unknown format or a password that is too long, 503 when too many are being hashed.
    pub async fn add(&self, identity: &mut Identity, credentials: &ImportCredentials) -> Result<(), Problem> {
        if let Some(password) = &credentials.password {
            let config = self.password_config(&password.config).await?;
            let entry = identity.credentials.entry(CredentialType::Password);
            let credential = entry.or_insert_with(|| new_credential(self.cx, CredentialType::Password, 0));
            credential.config = RawJson::from_value(&config);
            credential.version = 0;
        }
        if let Some(oidc) = &credentials.oidc {
            self.add_links(identity, CredentialType::Oidc, &oidc.config.providers);
        }
        if let Some(saml) = &credentials.saml {
            self.add_links(identity, CredentialType::Saml, &saml.config.providers);
        }
        Ok(())
    }

    /// As Kratos: the password policy does not apply, so that people can go on with the password they have.
    async fn password_config(&self, import: &ImportPassword) -> Result<Value, Problem> {
        if import.use_password_migration_hook {
            return Ok(json!({ "hashed_password": "", "use_password_migration_hook": true }));
        }
        let hash = match &import.password {
            Some(clear) if import.is_clear_text() => {
                self.pool.hash(self.hasher, &self.cx.entropy, clear).await.map_err(hash_problem)?
            }
            _ => import.hashed_password.as_ref().map(|hash| hash.expose().clone()).unwrap_or_default(),
        };
        if !password::is_known_format(&hash) {
            return Err(Problem::bad_request("The hash of the imported password is in no format that is known here."));
        }
        Ok(json!({ "hashed_password": hash }))
    }

    fn add_links(&self, identity: &mut Identity, kind: CredentialType, links: &[ImportLink]) {
        let entry = identity.credentials.entry(kind);
        let credential = entry.or_insert_with(|| new_credential(self.cx, kind, 0));
        let mut config = credential.config.to_value();
        if !config.is_object() {
            config = json!({});
        }
        let mut stored = config["providers"].as_array().cloned().unwrap_or_default();
        for link in links {
            let identifier = format!("{}:{}", link.provider, link.subject);
            if credential.identifiers.contains(&identifier) {
                continue;
            }
            credential.identifiers.push(identifier);
            stored.push(stored_link(link, kind));
        }
        config["providers"] = Value::Array(stored);
        credential.config = RawJson::from_value(&config);
    }
}

/// A link as Kratos stores it; an imported one has no tokens yet.
fn stored_link(link: &ImportLink, kind: CredentialType) -> Value {
    let mut stored = json!({ "subject": link.subject, "provider": link.provider });
    if kind == CredentialType::Oidc {
        for token in ["initial_id_token", "initial_access_token", "initial_refresh_token"] {
            stored[token] = "".into();
        }
    }
    if let Some(organization) = link.organization.filter(|id| !id.is_nil()) {
        stored["organization"] = organization.to_string().into();
    }
    if link.use_auto_link && kind == CredentialType::Oidc {
        stored["use_auto_link"] = true.into();
    }
    stored
}

fn hash_problem(error: crypto::HashError) -> Problem {
    match error {
        crypto::HashError::TooLong { max, .. } => {
            Problem::bad_request(format!("A password may have at most {max} bytes here."))
        }
        crypto::HashError::Busy | crypto::HashError::Interrupted => Problem::unavailable(error),
        _ => Problem::internal(error),
    }
}
