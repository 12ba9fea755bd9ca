//! Settings of who people are and how they stay signed in: schemas, secrets, hashing, cookies, sessions.

use std::collections::BTreeMap;

use model::{RequiredAal, Secret, SignedDuration};
use url::Url;

use crate::section::Section;
use crate::sources::Sources;

/// `identity`.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The schema of people who do not choose one; it is in the list.
    pub default_schema_id: String,
    /// At least one schema; ids are unique: of several with one id the first is here.
    pub schemas: Vec<IdentitySchema>,
}

/// `identity.schemas[]`.
#[derive(Clone, Debug)]
pub struct IdentitySchema {
    /// Its name, stored with identities.
    pub id: String,
    /// The document: a `file://`, `http(s)://` or `base64://` address.
    pub url: String,
    /// Whether people may choose it when they sign up.
    pub selfservice_selectable: bool,
}

/// `secrets`. The first of a list makes new values, all are tried on old ones.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// For whatever has no list of its own; never empty (the cookie list stands in, or a secret made for this process).
    pub default: Vec<Secret>,
    /// Cookies, codes and tokens; never empty (the default list stands in).
    pub cookie: Vec<Secret>,
    /// Encryption at rest: 32 bytes each. Empty when not set.
    pub cipher: Vec<Secret>,
    /// Page tokens; never empty (the default list stands in).
    pub pagination: Vec<Secret>,
}

/// `hashers`.
#[derive(Clone, Debug)]
pub struct Hashers {
    /// For new passwords.
    pub algorithm: HashAlgorithm,
    /// Bcrypt's cost, 4 to 31; at least 12 outside development.
    pub bcrypt_cost: u32,
    /// Argon2id's parameters.
    pub argon2: Argon2,
}

/// `hashers.algorithm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// bcrypt.
    Bcrypt,
    /// Argon2id.
    Argon2,
}

/// `hashers.argon2`.
#[derive(Clone, Debug)]
pub struct Argon2 {
    /// Bytes of memory per hash.
    pub memory: u64,
    /// Passes.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u8,
    /// Bytes of salt.
    pub salt_length: u32,
    /// Bytes of hash.
    pub key_length: u32,
    /// What the calibration aims at.
    pub expected_duration: SignedDuration,
    /// How far the calibration may miss.
    pub expected_deviation: SignedDuration,
    /// Bytes of memory for all hashes at once.
    pub dedicated_memory: u64,
}

/// `ciphers`.
#[derive(Clone, Debug)]
pub struct Ciphers {
    /// For new values.
    pub algorithm: CipherAlgorithm,
}

/// `ciphers.algorithm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CipherAlgorithm {
    /// None: values are kept in clear text.
    Noop,
    /// AES-256 in GCM.
    Aes,
    /// XChaCha20-Poly1305.
    XChaCha20Poly1305,
}

/// `cookies`: CSRF and continuity cookies, and what the session cookie falls back to.
#[derive(Clone, Debug)]
pub struct Cookies {
    /// `Domain`; absent when `None`.
    pub domain: Option<String>,
    /// `Path`.
    pub path: String,
    /// `SameSite`.
    pub same_site: SameSite,
    /// `Secure`; on outside development unless set.
    pub secure: bool,
}

/// The `SameSite` attribute of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Sent along when somebody follows a link from another site.
    Lax,
    /// Sent for requests from this site alone.
    Strict,
    /// Sent for requests from every site.
    None,
}

/// `session`.
#[derive(Clone, Debug)]
pub struct Session {
    /// How long a session lives.
    pub lifespan: SignedDuration,
    /// How long before its end a session may be extended; the whole life unless set.
    pub earliest_possible_extend: SignedDuration,
    /// The session cookie.
    pub cookie: SessionCookie,
    /// `whoami.required_aal`.
    pub whoami_required_aal: RequiredAal,
    /// `whoami.tokenizer.templates`.
    pub tokenizer_templates: BTreeMap<String, TokenizerTemplate>,
}

/// `session.cookie`, with what it falls back to.
#[derive(Clone, Debug)]
pub struct SessionCookie {
    /// Its name.
    pub name: String,
    /// `Domain`; `cookies.domain` unless set.
    pub domain: Option<String>,
    /// `Path`; `cookies.path` unless set.
    pub path: String,
    /// `SameSite`; `cookies.same_site` unless set.
    pub same_site: SameSite,
    /// `Secure`; on outside development unless set. As in Kratos, it does not fall back to `cookies.secure`.
    pub secure: bool,
    /// Whether the cookie outlives the browser's window.
    pub persistent: bool,
}

/// `session.whoami.tokenizer.templates.<name>`.
#[derive(Clone, Debug)]
pub struct TokenizerTemplate {
    /// How long a token is good.
    pub ttl: SignedDuration,
    /// The private key set; `base64://` ones are the keys themselves.
    pub jwks_url: Secret,
    /// Jsonnet that adds claims.
    pub claims_mapper_url: Option<String>,
    /// What `sub` holds.
    pub subject: TokenSubject,
}

/// `subject_source` of a tokenizer template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenSubject {
    /// The identity's id.
    Id,
    /// The identity's `external_id`.
    ExternalId,
}

/// `security`.
#[derive(Clone, Debug)]
pub struct Security {
    /// `account_enumeration.mitigate`: answer alike whether or not an account exists.
    pub mitigate_account_enumeration: bool,
}

/// `clients`.
#[derive(Clone, Debug)]
pub struct Clients {
    /// `http.disallow_private_ip_ranges`.
    pub disallow_private_ip_ranges: bool,
    /// `http.private_ip_exception_urls`: globs over the whole address.
    pub private_ip_exception_urls: Vec<String>,
    /// `web_hook.header_allowlist`: request headers that hooks are told.
    pub web_hook_header_allowlist: Vec<String>,
}

/// `feature_flags`.
#[derive(Clone, Debug)]
pub struct FeatureFlags {
    /// `cacheable_sessions`: caches are told how long whoami may be kept.
    pub cacheable_sessions: bool,
    /// The longest time that caches may keep a session; `None` sets no bound.
    pub cacheable_sessions_max_age: Option<SignedDuration>,
    /// `use_continue_with_transitions`: more `continue_with` items take the place of redirects.
    pub use_continue_with_transitions: bool,
    /// `choose_recovery_address`: people choose where the recovery message goes.
    pub choose_recovery_address: bool,
    /// `legacy_continue_with_verification_ui`: a verification is always offered after a sign-up.
    pub legacy_continue_with_verification_ui: bool,
    /// `legacy_require_verified_login_error`: a sign-in with an address that is not verified is an error on the form.
    pub legacy_require_verified_login_error: bool,
    /// `faster_session_extend`: extending a session is answered by 204, without a body.
    pub faster_session_extend: bool,
    /// `legacy_oidc_registration_node_group`: profile fields are in the group `oidc`.
    pub legacy_oidc_registration_node_group: bool,
}

/// `oauth2_provider`.
#[derive(Clone, Debug)]
pub struct OAuth2Provider {
    /// Its admin address.
    pub url: Url,
    /// Extra request headers.
    pub headers: BTreeMap<String, Secret>,
    /// Return to its request address.
    pub override_return_to: bool,
}

impl Identity {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let mut schemas: Vec<IdentitySchema> = Vec::new();
        for schema in section.list("schemas") {
            let id = schema.text("id");
            if schemas.iter().any(|other| other.id == id) {
                // As in Kratos, which starts with such a list, and finds the first.
                schema.warn("id", format!("\"{id}\" stands here before; this schema is ignored"));
                continue;
            }
            let selfservice_selectable = schema.flag("selfservice_selectable");
            schemas.push(IdentitySchema { id, url: schema.text("url"), selfservice_selectable });
        }
        let default_schema_id = section.text("default_schema_id");
        if !schemas.iter().any(|schema| schema.id == default_schema_id) {
            section.error(
                "default_schema_id",
                format!("expected the id of one of identity.schemas, found \"{default_schema_id}\""),
            );
        }
        Self { default_schema_id, schemas }
    }
}

impl Secrets {
    /// Cipher secrets are 32 bytes; Kratos counts characters when it checks and drops those that are more bytes.
    pub(crate) fn read(section: &Section<'_>, sources: &Sources) -> Self {
        let cookie = section.secrets("cookie");
        let mut default = section.secrets("default");
        if default.is_empty() {
            default.clone_from(&cookie);
        }
        if default.is_empty() {
            section.warn("default", "is not set; a secret was made for this process, and what it signs ends with it");
            default.push(sources.fallback_secret.clone());
        }
        let or_default = |list: Vec<Secret>| if list.is_empty() { default.clone() } else { list };
        let (fitting, odd): (Vec<Secret>, Vec<Secret>) =
            section.secrets("cipher").into_iter().partition(|secret| secret.expose().len() == 32);
        if !odd.is_empty() {
            section.warn("cipher", "has entries that are not 32 bytes long; they are ignored");
        }
        Self {
            cookie: or_default(cookie),
            pagination: or_default(section.secrets("pagination")),
            cipher: fitting,
            default,
        }
    }
}

/// Bcrypt's least cost outside development.
const LEAST_BCRYPT_COST: u32 = 12;

/// Argon2's least memory for each lane, in bytes (RFC 9106, section 3.1).
const LEAST_ARGON2_MEMORY: u64 = 8 * 1024;

impl Hashers {
    pub(crate) fn read(section: &Section<'_>, dev: bool, processors: usize) -> Self {
        let mut bcrypt_cost = section.section("bcrypt").number("cost");
        if !dev && bcrypt_cost < LEAST_BCRYPT_COST {
            section.section("bcrypt").warn("cost", format!("is raised to {LEAST_BCRYPT_COST} outside development"));
            bcrypt_cost = LEAST_BCRYPT_COST;
        }
        let algorithm =
            section.choice("algorithm", &[("bcrypt", HashAlgorithm::Bcrypt), ("argon2", HashAlgorithm::Argon2)]);
        let argon2 = section.section("argon2");
        let twice = u8::try_from(processors.saturating_mul(2)).unwrap_or(u8::MAX);
        let parallelism = argon2.number_if_set("parallelism").unwrap_or(twice);
        let mut memory = argon2.size("memory");
        let least = LEAST_ARGON2_MEMORY * u64::from(parallelism);
        if memory < least {
            if algorithm == HashAlgorithm::Argon2 {
                argon2.warn("memory", format!("is raised to {}KB, the least for {parallelism} lanes", least / 1024));
            }
            memory = least;
        }
        Self {
            algorithm,
            bcrypt_cost,
            argon2: Argon2 {
                memory,
                iterations: argon2.number("iterations"),
                parallelism,
                salt_length: argon2.number("salt_length"),
                key_length: argon2.number("key_length"),
                expected_duration: argon2.duration("expected_duration"),
                expected_deviation: argon2.duration("expected_deviation"),
                dedicated_memory: argon2.size("dedicated_memory"),
            },
        }
    }
}

impl Ciphers {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        const ALGORITHMS: [(&str, CipherAlgorithm); 3] = [
            ("noop", CipherAlgorithm::Noop),
            ("aes", CipherAlgorithm::Aes),
            ("xchacha20-poly1305", CipherAlgorithm::XChaCha20Poly1305),
        ];
        Self { algorithm: section.choice("algorithm", &ALGORITHMS) }
    }
}

const SAME_SITE: [(&str, SameSite); 3] =
    [("Lax", SameSite::Lax), ("Strict", SameSite::Strict), ("None", SameSite::None)];

impl Cookies {
    pub(crate) fn read(section: &Section<'_>, dev: bool) -> Self {
        Self {
            domain: section.text_if_set("domain"),
            path: section.text("path"),
            same_site: section.choice("same_site", &SAME_SITE),
            secure: section.loose_flag("secure").unwrap_or(!dev),
        }
    }
}

pub(super) const REQUIRED_AAL: [(&str, RequiredAal); 2] =
    [("highest_available", RequiredAal::HighestAvailable), ("aal1", RequiredAal::Aal1)];

impl Session {
    pub(crate) fn read(section: &Section<'_>, cookies: &Cookies, dev: bool) -> Self {
        let cookie = section.section("cookie");
        let whoami = section.section("whoami");
        let lifespan = section.duration("lifespan");
        let templates = whoami.section("tokenizer").named("templates");
        Self {
            lifespan,
            earliest_possible_extend: section.duration_if_set("earliest_possible_extend").unwrap_or(lifespan),
            cookie: SessionCookie {
                name: cookie.text("name"),
                domain: cookie.text_if_set("domain").or_else(|| cookies.domain.clone()),
                path: cookie.text_if_set("path").unwrap_or_else(|| cookies.path.clone()),
                same_site: cookie.choice_if_set("same_site", &SAME_SITE).unwrap_or(cookies.same_site),
                secure: cookie.loose_flag("secure").unwrap_or(!dev),
                persistent: cookie.flag("persistent"),
            },
            whoami_required_aal: whoami.choice("required_aal", &REQUIRED_AAL),
            tokenizer_templates: templates
                .into_iter()
                .map(|(name, template)| (name, TokenizerTemplate::read(&template)))
                .collect(),
        }
    }
}

impl TokenizerTemplate {
    fn read(section: &Section<'_>) -> Self {
        Self {
            ttl: section.duration("ttl"),
            jwks_url: Secret::new(section.text("jwks_url")),
            claims_mapper_url: section.text_if_set("claims_mapper_url"),
            subject: section
                .choice("subject_source", &[("id", TokenSubject::Id), ("external_id", TokenSubject::ExternalId)]),
        }
    }
}

impl Clients {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let http = section.section("http");
        Self {
            disallow_private_ip_ranges: http.flag("disallow_private_ip_ranges"),
            private_ip_exception_urls: http.texts("private_ip_exception_urls"),
            web_hook_header_allowlist: section.section("web_hook").texts("header_allowlist"),
        }
    }
}

impl FeatureFlags {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        Self {
            cacheable_sessions: section.flag("cacheable_sessions"),
            cacheable_sessions_max_age: section.duration_if_set("cacheable_sessions_max_age"),
            use_continue_with_transitions: section.flag("use_continue_with_transitions"),
            choose_recovery_address: section.flag("choose_recovery_address"),
            legacy_continue_with_verification_ui: section.flag("legacy_continue_with_verification_ui"),
            legacy_require_verified_login_error: section.flag("legacy_require_verified_login_error"),
            faster_session_extend: section.flag("faster_session_extend"),
            legacy_oidc_registration_node_group: section.flag("legacy_oidc_registration_node_group"),
        }
    }
}

impl OAuth2Provider {
    pub(crate) fn read(section: &Section<'_>) -> Option<Self> {
        Some(Self {
            url: section.url_if_set("url")?,
            headers: section.headers("headers"),
            override_return_to: section.flag("override_return_to"),
        })
    }
}
