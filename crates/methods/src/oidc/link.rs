//! Accounts at providers, as an identity's `oidc` credential holds them.

use config::OidcProvider;
use flow::Context;
use model::go::null_is_empty;
use model::{Aal, AuthenticationMethod, Credential, CredentialType, Id, Identity, Problem, RawJson};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The `config` of an `oidc` credential, in Kratos' form.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct LinksConfig {
    #[serde(default, deserialize_with = "null_is_empty")]
    pub providers: Vec<Link>,
}

/// An account at a provider. The tokens are those of the first sign-in, encrypted.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    pub subject: String,
    pub provider: String,
    pub initial_id_token: String,
    pub initial_access_token: String,
    pub initial_refresh_token: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub organization: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub use_auto_link: bool,
}

impl Link {
    /// What a person is recognised by.
    pub fn identifier(&self) -> String {
        identifier(&self.provider, &self.subject)
    }

    /// The `config` of a credential that is nothing but this link.
    pub fn alone(&self) -> Result<Value, Problem> {
        serde_json::to_value(LinksConfig { providers: vec![self.clone()] }).map_err(Problem::internal)
    }
}

/// What a person is recognised by.
pub fn identifier(provider: &str, subject: &str) -> String {
    format!("{provider}:{subject}")
}

impl LinksConfig {
    /// The links that an identity has.
    pub fn of(identity: &Identity) -> Self {
        let credential = identity.credentials.get(&CredentialType::Oidc);
        credential.and_then(|credential| serde_json::from_str(credential.config.as_str()).ok()).unwrap_or_default()
    }

    /// Whether there is one to this provider.
    pub fn has(&self, provider: &str) -> bool {
        self.providers.iter().any(|link| link.provider == provider)
    }

    /// Makes these the links of an identity.
    pub fn put_into(self, cx: Context<'_>, identity: &mut Identity) -> Result<(), Problem> {
        let config = RawJson::from_value(&serde_json::to_value(&self).map_err(Problem::internal)?);
        let identifiers = self.providers.iter().map(Link::identifier).collect();
        match identity.credentials.get_mut(&CredentialType::Oidc) {
            Some(credential) => {
                credential.config = config;
                credential.identifiers = identifiers;
            }
            None => {
                let now = cx.now();
                let credential = Credential {
                    id: Id::random(&cx.entropy),
                    kind: CredentialType::Oidc,
                    identifiers,
                    config,
                    version: 0,
                    created_at: now,
                    updated_at: now,
                };
                identity.credentials.insert(CredentialType::Oidc, credential);
            }
        }
        Ok(())
    }
}

/// Adds a link to an identity.
pub fn add(cx: Context<'_>, identity: &mut Identity, link: Link) -> Result<(), Problem> {
    let mut links = LinksConfig::of(identity);
    links.providers.push(link);
    links.put_into(cx, identity)
}

/// What a sign-in at a provider proves.
pub fn proved(cx: Context<'_>, provider: &OidcProvider) -> AuthenticationMethod {
    let mut method = AuthenticationMethod::new("oidc", Aal::Aal1, cx.now());
    method.provider.clone_from(&provider.id);
    method
}

/// Adds a link to an identity that stands in a `config` of its own ([`Link::alone`]). Says what it proves.
pub fn add_alone(cx: Context<'_>, identity: &mut Identity, config: &Value) -> Result<AuthenticationMethod, Problem> {
    let LinksConfig { providers } = serde_json::from_value(config.clone()).map_err(Problem::internal)?;
    let [link] = <[Link; 1]>::try_from(providers)
        .map_err(|_| Problem::internal("what is to be linked is not one account at a provider"))?;
    let mut method = AuthenticationMethod::new("oidc", Aal::Aal1, cx.now());
    method.provider.clone_from(&link.provider);
    method.organization.clone_from(&link.organization);
    add(cx, identity, link)?;
    Ok(method)
}
