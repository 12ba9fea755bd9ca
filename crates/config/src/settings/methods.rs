//! Settings of the ways to sign in and to prove things: `selfservice.methods`.

use model::{Secret, SignedDuration};
use serde_json::Value;
use url::Url;

use super::courier::HttpRequest;
use crate::section::Section;
use crate::values::BaseUrl;

/// `selfservice.methods`. A method that is not mentioned has its defaults.
#[derive(Clone, Debug)]
pub struct Methods {
    /// `password`.
    pub password: PasswordMethod,
    /// `code`.
    pub code: CodeMethod,
    /// `link`.
    pub link: LinkMethod,
    /// `profile.enabled`.
    pub profile_enabled: bool,
    /// `totp`.
    pub totp: TotpMethod,
    /// `lookup_secret.enabled`.
    pub lookup_secret_enabled: bool,
    /// `webauthn`.
    pub webauthn: WebAuthnMethod,
    /// `passkey`.
    pub passkey: PasskeyMethod,
    /// `oidc`.
    pub oidc: OidcMethod,
}

impl Methods {
    /// Whether the method of this name is on. `identifier_first` is not configured here: it follows the login style.
    pub fn enabled(&self, method: &str) -> bool {
        match method {
            "password" => self.password.enabled,
            "code" => self.code.enabled,
            "link" => self.link.enabled,
            "profile" => self.profile_enabled,
            "totp" => self.totp.enabled,
            "lookup_secret" => self.lookup_secret_enabled,
            "webauthn" => self.webauthn.enabled,
            "passkey" => self.passkey.enabled,
            "oidc" => self.oidc.enabled,
            _ => false,
        }
    }
}

/// `selfservice.methods.password`.
#[derive(Clone, Debug)]
pub struct PasswordMethod {
    /// Whether the method is on.
    pub enabled: bool,
    /// Ask about leaked passwords.
    pub haveibeenpwned_enabled: bool,
    /// The host that is asked, without a scheme.
    pub haveibeenpwned_host: String,
    /// Leaks that are tolerated.
    pub max_breaches: u32,
    /// Accept the password when the host cannot be reached.
    pub ignore_network_errors: bool,
    /// Fewest characters.
    pub min_password_length: u32,
    /// Refuse passwords that look like the identifier.
    pub identifier_similarity_check_enabled: bool,
    /// Ask another system once; `None` when off.
    pub migrate_hook: Option<MigrateHook>,
}

/// `selfservice.methods.password.config.migrate_hook`.
#[derive(Clone, Debug)]
pub struct MigrateHook {
    /// The request that asks.
    pub request: HttpRequest,
    /// Whether requests carry `Ory-Webhook-Trigger-ID` and `Ory-Webhook-Request-ID` (`emit_analytics_event`).
    pub identifies_requests: bool,
}

/// `selfservice.methods.code`.
#[derive(Clone, Debug)]
pub struct CodeMethod {
    /// On too when `passwordless_enabled` is.
    pub enabled: bool,
    /// Whether a code alone signs in and up.
    pub passwordless_enabled: bool,
    /// Whether a code is a second factor; see [`CodeMethod::is_second_factor`].
    pub mfa_enabled: bool,
    /// How long a code is good.
    pub lifespan: SignedDuration,
    /// Tries before a code is void.
    pub max_submissions: u8,
    /// Let people sign in with a code though their schema has no code credential.
    pub missing_credential_fallback_enabled: bool,
}

impl CodeMethod {
    /// Whether a code is a second factor. Where it is the first one already, a second code to the same address would
    /// prove nothing more; Kratos refuses it too, after it has offered it.
    pub fn is_second_factor(&self) -> bool {
        self.mfa_enabled && !self.passwordless_enabled
    }
}

/// `selfservice.methods.link`.
#[derive(Clone, Debug)]
pub struct LinkMethod {
    /// Whether the method is on.
    pub enabled: bool,
    /// How long a link is good.
    pub lifespan: SignedDuration,
}

/// `selfservice.methods.totp`.
#[derive(Clone, Debug)]
pub struct TotpMethod {
    /// Whether the method is on.
    pub enabled: bool,
    /// Name shown in the app; the public host unless set.
    pub issuer: String,
}

/// `selfservice.methods.webauthn`.
#[derive(Clone, Debug)]
pub struct WebAuthnMethod {
    /// Whether the method is on.
    pub enabled: bool,
    /// Keys as the only factor.
    pub passwordless: bool,
    /// Whose keys they are, where that is configured.
    pub relying_party: Option<RelyingParty>,
}

/// `selfservice.methods.passkey`.
#[derive(Clone, Debug)]
pub struct PasskeyMethod {
    /// Whether the method is on.
    pub enabled: bool,
    /// Whose keys they are, where that is configured.
    pub relying_party: Option<RelyingParty>,
}

/// `….config.rp`.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    /// The domain that keys belong to.
    pub id: String,
    /// The name that browsers show.
    pub display_name: String,
    /// Origins that may use the keys; the public scheme with the id unless set.
    pub origins: Vec<String>,
}

/// `selfservice.methods.oidc`.
#[derive(Clone, Debug)]
pub struct OidcMethod {
    /// Whether the method is on.
    pub enabled: bool,
    /// Base of the callback address; the public base URL unless set.
    pub base_redirect_uri: BaseUrl,
    /// The providers, in the order of their buttons.
    pub providers: Vec<OidcProvider>,
}

/// `selfservice.methods.oidc.config.providers[]`, with the defaults that Kratos leaves to its code.
#[derive(Clone, Debug)]
pub struct OidcProvider {
    /// The name in addresses and credentials, unique among the providers.
    pub id: String,
    /// The kind: `generic`, `google`, `apple` …
    pub provider: String,
    /// The words on the button; the id when `None`.
    pub label: Option<String>,
    /// The client's id at the provider.
    pub client_id: String,
    /// The client's secret; `None` where each request is signed instead.
    pub client_secret: Option<Secret>,
    /// The issuer, below which the discovery document is found.
    pub issuer_url: Option<Url>,
    /// The authorization endpoint, where it is not discovered.
    pub auth_url: Option<Url>,
    /// The token endpoint, where it is not discovered.
    pub token_url: Option<Url>,
    /// Jsonnet, as an address.
    pub mapper_url: String,
    /// The scopes that are asked for, besides what the kind adds.
    pub scope: Vec<String>,
    /// The tenant at Microsoft: a directory's id, `common`, `organizations` or `consumers`.
    pub microsoft_tenant: Option<String>,
    /// `userinfo`, `me` or `oid` (Microsoft).
    pub subject_source: String,
    /// The team's id at Apple.
    pub apple_team_id: Option<String>,
    /// The id of `apple_private_key`.
    pub apple_private_key_id: Option<String>,
    /// The key that signs the client's secret for Apple (PEM).
    pub apple_private_key: Option<Secret>,
    /// The `claims` parameter; null when not set.
    pub requested_claims: Value,
    /// The audiences that ID tokens of native apps may have besides the client's id.
    pub additional_id_token_audiences: Vec<String>,
    /// Where the claims are read from.
    pub claims_source: ClaimsSource,
    /// Whether the authorization code is bound to this server (RFC 7636).
    pub pkce: Pkce,
    /// `zelus_nonce`: whether ID tokens have to repeat what they were asked with; as `zelus.defaults` says when `None`.
    pub nonce: Option<bool>,
    /// The `Origin` header for the token endpoint of netID.
    pub net_id_token_origin_header: Option<String>,
    /// Whose members alone may use it.
    pub organization_id: Option<String>,
}

/// `claims_source` of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsSource {
    /// The ID token.
    IdToken,
    /// The answer of the userinfo endpoint.
    UserInfo,
}

/// `pkce` of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pkce {
    /// When the provider's discovery document offers it.
    Auto,
    /// Not at all.
    Never,
    /// Always.
    Force,
}

impl Methods {
    pub(crate) fn read(section: &Section<'_>, public: &BaseUrl) -> Self {
        let config = |method: &str| section.section(method).section("config");
        let enabled = |method: &str| section.section(method).flag("enabled");
        let code = section.section("code");
        let passwordless_enabled = code.flag("passwordless_enabled");
        Self {
            password: PasswordMethod::read(enabled("password"), &config("password")),
            code: CodeMethod {
                enabled: enabled("code") || passwordless_enabled,
                passwordless_enabled,
                mfa_enabled: code.flag("mfa_enabled"),
                lifespan: config("code").duration("lifespan"),
                max_submissions: config("code").number("max_submissions"),
                missing_credential_fallback_enabled: config("code").flag("missing_credential_fallback_enabled"),
            },
            link: LinkMethod { enabled: enabled("link"), lifespan: config("link").duration("lifespan") },
            profile_enabled: enabled("profile"),
            totp: TotpMethod {
                enabled: enabled("totp"),
                issuer: config("totp")
                    .text_if_set("issuer")
                    .unwrap_or_else(|| public.url.host_str().unwrap_or_default().to_owned()),
            },
            lookup_secret_enabled: enabled("lookup_secret"),
            webauthn: WebAuthnMethod {
                enabled: enabled("webauthn"),
                passwordless: config("webauthn").flag("passwordless"),
                relying_party: RelyingParty::read(&config("webauthn"), public),
            },
            passkey: PasskeyMethod {
                enabled: enabled("passkey"),
                relying_party: RelyingParty::read(&config("passkey"), public),
            },
            oidc: OidcMethod {
                enabled: enabled("oidc"),
                base_redirect_uri: OidcMethod::base_redirect_uri(&config("oidc"), public),
                providers: config("oidc").list("providers").iter().map(OidcProvider::read).collect(),
            },
        }
    }
}

impl PasswordMethod {
    fn read(enabled: bool, config: &Section<'_>) -> Self {
        let migrate = config.section("migrate_hook");
        Self {
            enabled,
            haveibeenpwned_enabled: config.flag("haveibeenpwned_enabled"),
            haveibeenpwned_host: config.text("haveibeenpwned_host"),
            max_breaches: config.number("max_breaches"),
            ignore_network_errors: config.flag("ignore_network_errors"),
            min_password_length: config.number("min_password_length"),
            identifier_similarity_check_enabled: config.flag("identifier_similarity_check_enabled"),
            migrate_hook: migrate.flag("enabled").then(|| MigrateHook::read(&migrate.section("config"))).flatten(),
        }
    }
}

impl MigrateHook {
    /// `None` without an address.
    fn read(section: &Section<'_>) -> Option<Self> {
        let request = HttpRequest::read(section)?;
        Some(Self { request, identifies_requests: section.flag("emit_analytics_event") })
    }
}

impl RelyingParty {
    fn read(config: &Section<'_>, public: &BaseUrl) -> Option<Self> {
        let rp = config.present("rp")?;
        let id = rp.text("id");
        let mut origins = rp.texts("origins");
        if origins.is_empty() {
            let own = format!("{}://{id}", public.url.scheme());
            origins.push(rp.text_if_set("origin").unwrap_or(own));
        }
        Some(Self { id, display_name: rp.text("display_name"), origins })
    }
}

impl OidcMethod {
    fn base_redirect_uri(config: &Section<'_>, public: &BaseUrl) -> BaseUrl {
        let Some(text) = config.text_if_set("base_redirect_uri") else { return public.clone() };
        BaseUrl::parse(&text, &public.url).unwrap_or_else(|error| {
            config.error("base_redirect_uri", format!("is not a usable address: {error}"));
            public.clone()
        })
    }
}

impl OidcProvider {
    fn read(section: &Section<'_>) -> Self {
        const PKCE: [(&str, Pkce); 3] = [("auto", Pkce::Auto), ("never", Pkce::Never), ("force", Pkce::Force)];
        Self {
            id: section.text("id"),
            provider: section.text("provider"),
            label: section.text_if_set("label"),
            client_id: section.text("client_id"),
            client_secret: section.secret_if_set("client_secret"),
            issuer_url: section.url_if_set("issuer_url"),
            auth_url: section.url_if_set("auth_url"),
            token_url: section.url_if_set("token_url"),
            mapper_url: section.text("mapper_url"),
            scope: section.texts("scope"),
            microsoft_tenant: section.text_if_set("microsoft_tenant"),
            subject_source: section.text("subject_source"),
            apple_team_id: section.text_if_set("apple_team_id"),
            apple_private_key_id: section.text_if_set("apple_private_key_id"),
            apple_private_key: section.secret_if_set("apple_private_key"),
            requested_claims: section.section("requested_claims").value().clone(),
            additional_id_token_audiences: section.texts("additional_id_token_audiences"),
            claims_source: section
                .choice("claims_source", &[("id_token", ClaimsSource::IdToken), ("userinfo", ClaimsSource::UserInfo)]),
            pkce: section.choice("pkce", &PKCE),
            nonce: section.loose_flag("zelus_nonce"),
            net_id_token_origin_header: section.text_if_set("net_id_token_origin_header"),
            organization_id: section.text_if_set("organization_id").filter(|id| !id.is_empty()),
        }
    }
}
