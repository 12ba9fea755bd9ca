//! Settings of what people do themselves: flows, hooks, return addresses.

use std::collections::BTreeMap;
use std::fmt;

use model::{FlowName, RequiredAal, SignedDuration};
use serde_json::Value;
use url::Url;

use super::methods::Methods;
use super::security::REQUIRED_AAL;
use crate::return_to::ReturnUrls;
use crate::section::Section;
use crate::values::BaseUrl;
use crate::{redact, schema};

/// `selfservice`.
#[derive(Clone, Debug)]
pub struct SelfService {
    /// Where browsers go when nothing else says so.
    pub default_browser_return_url: Url,
    /// Where `return_to` may point.
    pub allowed_return_urls: ReturnUrls,
    /// `flows.login`.
    pub login: FlowConfig,
    /// `flows.registration`.
    pub registration: FlowConfig,
    /// `flows.settings`.
    pub settings: FlowConfig,
    /// `flows.recovery`.
    pub recovery: FlowConfig,
    /// `flows.verification`.
    pub verification: FlowConfig,
    /// `flows.error.ui_url`: the page that shows errors; the built-in one when `None`.
    pub error_ui_url: Option<Url>,
    /// `flows.logout.after.default_browser_return_url`, or the global one.
    pub logout_return_url: Url,
    /// `flows.login.style`.
    pub login_style: LoginStyle,
    /// `flows.registration.style`, and its deprecated spelling.
    pub registration_style: RegistrationStyle,
    /// `flows.registration.login_hints`: tell people who are registered already how they signed up.
    pub registration_login_hints: bool,
    /// `flows.settings.privileged_session_max_age`: how long after signing in credentials may be changed.
    pub privileged_session_max_age: SignedDuration,
    /// `flows.settings.required_aal`.
    pub settings_required_aal: RequiredAal,
    /// `flows.recovery.use`.
    pub recovery_use: AddressProof,
    /// `flows.recovery.notify_unknown_recipients`.
    pub recovery_notify_unknown_recipients: bool,
    /// `flows.verification.use`.
    pub verification_use: AddressProof,
    /// `flows.verification.notify_unknown_recipients`.
    pub verification_notify_unknown_recipients: bool,
    /// `methods`.
    pub methods: Methods,
}

impl SelfService {
    /// The settings that all flows share, of one flow.
    pub fn flow(&self, name: FlowName) -> &FlowConfig {
        match name {
            FlowName::Login => &self.login,
            FlowName::Registration => &self.registration,
            FlowName::Settings => &self.settings,
            FlowName::Recovery => &self.recovery,
            FlowName::Verification => &self.verification,
        }
    }
}

/// What all flows have in common: `selfservice.flows.<name>`.
#[derive(Clone, Debug)]
pub struct FlowConfig {
    /// Whether the flow may be used. Login and settings always may.
    pub enabled: bool,
    /// The page that shows the flow; the built-in one when `None`.
    pub ui_url: Option<Url>,
    /// How long a flow may take.
    pub lifespan: SignedDuration,
    /// `before.hooks`.
    pub before_hooks: Vec<HookConfig>,
    /// `after`.
    pub after: After,
}

/// `selfservice.flows.<name>.after`: where to go and what to run.
#[derive(Clone, Debug)]
pub struct After {
    /// `after.hooks`: for methods without a list of their own.
    pub hooks: Vec<HookConfig>,
    /// `after.default_browser_return_url`.
    pub flow_return_url: Option<Url>,
    /// `selfservice.default_browser_return_url`.
    pub global_return_url: Url,
    /// `after.<method>`.
    pub methods: BTreeMap<String, AfterMethod>,
}

/// `selfservice.flows.<name>.after.<method>`.
#[derive(Clone, Debug)]
pub struct AfterMethod {
    /// `default_browser_return_url` of the method.
    pub return_url: Option<Url>,
    /// `hooks` of the method.
    pub hooks: Vec<HookConfig>,
}

impl After {
    /// Where browsers go after `method`: its own value, else the flow's, else the global one.
    pub fn return_url(&self, method: &str) -> &Url {
        self.own_return_url(method).unwrap_or(&self.global_return_url)
    }

    /// The method's or the flow's value, without the global one: settings, recovery and verification go elsewhere then.
    pub fn own_return_url(&self, method: &str) -> Option<&Url> {
        let own = self.methods.get(method).and_then(|after| after.return_url.as_ref());
        own.or(self.flow_return_url.as_ref())
    }

    /// The hooks after `method`: its own list, or the flow's if that is empty.
    pub fn hooks(&self, method: &str) -> &[HookConfig] {
        Some(self.own_hooks(method)).filter(|hooks| !hooks.is_empty()).unwrap_or(&self.hooks)
    }

    /// The method's own list. Hooks that run before an identity is stored are taken from it alone.
    pub fn own_hooks(&self, method: &str) -> &[HookConfig] {
        self.methods.get(method).map(|after| after.hooks.as_slice()).unwrap_or_default()
    }
}

/// One configured hook.
#[derive(Clone, PartialEq)]
pub struct HookConfig {
    /// `session`, `web_hook` …
    pub name: String,
    /// Its `config`, with defaults filled in; an empty object when there is none. It may hold secrets.
    pub config: Value,
}

/// Without the secrets of web hooks.
impl fmt::Debug for HookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = redact::redacted_as(&self.config, schema::definition("web_hook"));
        f.debug_struct("HookConfig").field("name", &self.name).field("config", &config.to_string()).finish()
    }
}

/// `selfservice.flows.login.style`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginStyle {
    /// Identifier and credential on one page.
    Unified,
    /// The identifier first, then what it can sign in with.
    IdentifierFirst,
}

/// `selfservice.flows.registration.style`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationStyle {
    /// The profile, then the credential.
    ProfileFirst,
    /// All on one page.
    Unified,
}

/// How people prove that an address is theirs: `flows.recovery.use`, `flows.verification.use`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressProof {
    /// A code to type.
    Code,
    /// A link to open.
    Link,
}

impl AddressProof {
    /// The method's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Link => "link",
        }
    }
}

impl SelfService {
    pub(crate) fn read(section: &Section<'_>, public: &BaseUrl) -> Option<Self> {
        const PROOFS: [(&str, AddressProof); 2] = [("code", AddressProof::Code), ("link", AddressProof::Link)];
        let default_browser_return_url = section.url_if_set("default_browser_return_url").or_else(|| {
            section.error("default_browser_return_url", "expected an address");
            None
        })?;
        let flows = section.section("flows");
        let flow = |name: &str| FlowConfig::read(&flows.section(name), &default_browser_return_url);
        let (registration, settings) = (flows.section("registration"), flows.section("settings"));
        let (recovery, verification) = (flows.section("recovery"), flows.section("verification"));
        let allowed = section.texts("allowed_return_urls");
        let (allowed_return_urls, ignored) = ReturnUrls::new(allowed.iter().map(String::as_str), public);
        for entry in ignored {
            section
                .section("allowed_return_urls")
                .warn(&entry.position.to_string(), format!("is ignored: {}", entry.reason));
        }
        Some(Self {
            login: FlowConfig { enabled: true, ..flow("login") },
            registration: flow("registration"),
            settings: FlowConfig { enabled: true, ..flow("settings") },
            recovery: flow("recovery"),
            verification: flow("verification"),
            error_ui_url: flows.section("error").url_if_set("ui_url"),
            logout_return_url: flows
                .section("logout")
                .section("after")
                .url_if_set("default_browser_return_url")
                .unwrap_or_else(|| default_browser_return_url.clone()),
            login_style: flows.section("login").choice(
                "style",
                &[("unified", LoginStyle::Unified), ("identifier_first", LoginStyle::IdentifierFirst)],
            ),
            registration_style: RegistrationStyle::read(&registration),
            registration_login_hints: registration.flag("login_hints"),
            privileged_session_max_age: settings.duration("privileged_session_max_age"),
            settings_required_aal: settings.choice("required_aal", &REQUIRED_AAL),
            recovery_use: recovery.choice("use", &PROOFS),
            recovery_notify_unknown_recipients: recovery.flag("notify_unknown_recipients"),
            verification_use: verification.choice("use", &PROOFS),
            verification_notify_unknown_recipients: verification.flag("notify_unknown_recipients"),
            methods: Methods::read(&section.section("methods"), public),
            allowed_return_urls,
            default_browser_return_url,
        })
    }
}

impl FlowConfig {
    fn read(section: &Section<'_>, global_return_url: &Url) -> Self {
        let after = section.section("after");
        let not_methods = ["hooks", "default_browser_return_url"];
        let methods = section.named("after").into_iter().filter(|(name, _)| !not_methods.contains(&name.as_str()));
        Self {
            enabled: section.flag("enabled"),
            ui_url: section.url_if_set("ui_url"),
            lifespan: section.duration("lifespan"),
            before_hooks: HookConfig::read_list(&section.section("before")),
            after: After {
                hooks: HookConfig::read_list(&after),
                flow_return_url: after.url_if_set("default_browser_return_url"),
                global_return_url: global_return_url.clone(),
                methods: methods
                    .map(|(name, after)| {
                        let return_url = after.url_if_set("default_browser_return_url");
                        (name, AfterMethod { return_url, hooks: HookConfig::read_list(&after) })
                    })
                    .collect(),
            },
        }
    }
}

impl HookConfig {
    fn read_list(section: &Section<'_>) -> Vec<Self> {
        section.list("hooks").iter().map(Self::read).collect()
    }

    fn read(section: &Section<'_>) -> Self {
        let name = section.text("hook");
        let mut config =
            section.present("config").map_or_else(|| Value::Object(Default::default()), |c| c.value().clone());
        if name == "web_hook" {
            schema::fill_defaults(&mut config, schema::definition("web_hook"));
        }
        Self { name, config }
    }
}

impl RegistrationStyle {
    fn read(section: &Section<'_>) -> Self {
        if section.flag("enable_legacy_one_step") {
            section.warn("enable_legacy_one_step", "is the old way to write style: unified");
            return Self::Unified;
        }
        section.choice("style", &[("profile_first", Self::ProfileFirst), ("unified", Self::Unified)])
    }
}
