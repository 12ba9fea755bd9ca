//! Signing in and up with an account elsewhere: OpenID Connect, OAuth 2.0 and, for X, OAuth 1.0a (Kratos' `oidc` strategy).
//!
//! A submission that names a provider sends the browser there ([`start`]); it comes back to [`callback`], which asks the
//! provider who it is. Somebody known is signed in, somebody new is signed up, and whoever is signed in already links the
//! account to their own.

mod callback;
mod claims;
mod id_token;
mod kinds;
mod link;
mod login;
mod mapper;
mod net;
mod oauth1;
mod provider;
mod readers;
mod recognised;
mod registration;
mod settings;
mod source;
mod start;
mod state;

use config::{Config, Pkce};
use flow::{
    CallbackMethod, Input, InputClaims, LoginMethod, Method, ProviderMethod, RegistrationMethod, SettingsMethod,
};
use model::{Group, Message, Node, Problem, Ui};

pub use claims::Claims;
pub use net::{Tokens, read_tokens};
use provider::Provider;
use state::Ciphers;

/// What is meant for this method. Traits are checked ahead of the answer that it is switched off.
pub const CLAIMS: InputClaims = InputClaims {
    login: |_, input| is_named(input),
    registration: is_named,
    settings: |input| !input.text("link").is_empty() || !input.text("unlink").is_empty(),
    ..InputClaims::of(NAME)
};

fn is_named(input: &Input) -> bool {
    !input.text("provider").is_empty() && matches!(input.method().as_str(), "" | NAME)
}

/// Signing in with an account elsewhere.
pub struct Oidc {
    providers: Vec<Provider>,
    ciphers: Ciphers,
}

/// The name of the method, of its credential and of its nodes' group.
const NAME: &str = "oidc";

impl Oidc {
    /// The method with the configured providers.
    pub fn new(config: &Config) -> Self {
        let mut providers = Vec::new();
        for provider in &config.selfservice.methods.oidc.providers {
            let (id, kind) = (&provider.id, &provider.provider);
            match Provider::new(provider.clone(), config.zelus.defaults) {
                Some(provider) => providers.push(provider),
                None => tracing::warn!(provider = id, kind, "Providers of this kind are not known yet."),
            }
        }
        for provider in providers.iter().filter(|provider| provider.config.pkce == Pkce::Never) {
            tracing::debug!(provider = provider.config.id, "PKCE is switched off for this provider.");
        }
        Self { providers, ciphers: Ciphers::new(config) }
    }

    /// The provider that a form or an address names.
    ///
    /// # Errors
    /// 404 for one that is not configured.
    fn provider(&self, id: &str) -> Result<&Provider, Problem> {
        let known = self.providers.iter().find(|provider| provider.config.id == id);
        known.ok_or_else(|| Problem::not_found().reason(format!("There is no provider {id:?} to sign in with.")))
    }

    /// The providers that everybody may use. Those of organizations are for their members only.
    fn open_to_all(&self) -> impl Iterator<Item = &Provider> {
        self.providers.iter().filter(|provider| provider.config.organization_id.is_none())
    }
}

impl Method for Oidc {
    fn name(&self) -> &'static str {
        NAME
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }

    fn callback(&self) -> Option<&dyn CallbackMethod> {
        Some(self)
    }

    fn provider(&self) -> Option<&dyn ProviderMethod> {
        Some(self)
    }
}

/// The provider that a submission to a sign-in or sign-up form names, if it is meant for this method.
fn named_provider(input: &Input) -> Option<String> {
    let (provider, method) = (input.text("provider"), input.method());
    let is_meant = !provider.is_empty() && (method.is_empty() || method.eq_ignore_ascii_case(NAME));
    is_meant.then_some(provider)
}

/// Adds a provider's button, in the place of the one it had.
fn add_button(ui: &mut Ui, provider: &Provider, label: Message) {
    ui.remove_button("provider", Group::Oidc, &provider.config.id);
    ui.nodes.push(Node::submit("provider", Group::Oidc, &provider.config.id, label));
}
