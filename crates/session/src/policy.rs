//! The rules that sessions are under.

use config::Config;
use crypto::KeyRing;
use model::factors::FactorRules;
use model::go::encode_query;
use model::{RequiredAal, SignedDuration};

/// What the configuration says about sessions.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `serve.public.base_url`, with or without a slash at its end.
    pub public_base_url: String,
    /// `session.cookie.name`, which is part of what is signed.
    pub cookie_name: String,
    /// `session.cookie.persistent`: whether the cookie outlives the browser.
    pub cookie_persistent: bool,
    /// `secrets.cookie`, or `secrets.default` without it.
    pub cookie_secrets: KeyRing,
    /// `session.lifespan`.
    pub lifespan: SignedDuration,
    /// `session.earliest_possible_extend`, or the lifespan without it: a session may be extended when no more than this
    /// is left of it.
    pub earliest_possible_extend: SignedDuration,
    /// `session.whoami.required_aal`.
    pub whoami_aal: RequiredAal,
    /// `selfservice.flows.settings.privileged_session_max_age`.
    pub privileged_session_max_age: SignedDuration,
    /// `zelus.session.rotate_native_tokens`.
    pub rotate_native_tokens: bool,
    /// Which credentials count as factors.
    pub factors: FactorRules,
}

impl Policy {
    /// The rules that a configuration sets.
    ///
    /// # Panics
    /// When there is no cookie secret, which `config` rules out.
    pub fn of(config: &Config) -> Self {
        let Config { secrets, session, selfservice, .. } = config;
        let methods = &selfservice.methods;
        Self {
            public_base_url: config.serve.public.base_url.text.clone(),
            cookie_name: session.cookie.name.clone(),
            cookie_persistent: session.cookie.persistent,
            cookie_secrets: KeyRing::new(secrets.cookie.clone()).expect("a configuration has a cookie secret"),
            lifespan: session.lifespan,
            earliest_possible_extend: session.earliest_possible_extend,
            whoami_aal: session.whoami_required_aal,
            privileged_session_max_age: selfservice.privileged_session_max_age,
            rotate_native_tokens: config.zelus.rotate_native_tokens,
            factors: FactorRules {
                code_passwordless: methods.code.passwordless_enabled,
                code_mfa: methods.code.is_second_factor(),
                password_migration: methods.password.migrate_hook.is_some(),
            },
        }
    }

    /// A URL below the public base URL. `path` begins with a slash.
    pub(crate) fn public_url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let base = self.public_base_url.trim_end_matches('/');
        format!("{base}{path}?{}", encode_query(query.iter().copied()))
    }
}
