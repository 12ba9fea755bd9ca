//! The kinds of provider that Kratos knows, as data: where they are, what they want, and where they say who signs in.

use config::{OidcProvider, Pkce};
use serde_json::Value;

use super::readers::{self, Reader};

/// A kind of provider.
pub struct ProviderKind {
    /// `provider` in the configuration.
    pub name: &'static str,
    /// Where it identifies itself, whatever is configured.
    pub issuer: Option<&'static str>,
    pub endpoints: Endpoints,
    pub protocol: Protocol,
    /// How it wants to be told the client's secret.
    pub style: Style,
    /// Whether the secret is a token that is signed anew each time.
    pub signs_secret: bool,
    /// Whether the scope `openid` is asked for even if it is not configured.
    pub adds_openid: bool,
    /// What separates the scopes that were granted; all that are configured must be among them.
    pub granted: Option<char>,
    /// What it is asked besides the standard, for a first sign-in and for a fresh one.
    pub prompt: Prompt,
    /// Sent along with the code.
    pub token_parameters: &'static [(&'static str, &'static str)],
    /// Where it says who signs in.
    pub source: Source,
    /// How ID tokens that native apps got by themselves are checked; `None` where they are not accepted.
    pub native: Option<Native>,
}

/// How a provider is spoken to.
#[derive(Clone, Copy)]
pub enum Protocol {
    OAuth2,
    /// OAuth 1.0a, with the endpoint that is told beforehand where people are sent back to.
    OAuth1 {
        request_token: &'static str,
    },
}

/// Where a provider's pages are.
pub enum Endpoints {
    /// Where its discovery document says.
    Discovered,
    Fixed {
        authorize: &'static str,
        token: &'static str,
    },
    /// Under `issuer_url`, or `default` without one.
    Under {
        default: Option<&'static str>,
        authorize: &'static str,
        token: &'static str,
    },
    /// Under `microsoft_tenant`.
    Tenant,
}

/// How the client's secret is told (RFC 6749 §2.3.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// In a header; if that is refused, in the form.
    Either,
    Header,
    Form,
    /// In a JSON object, with the code and names of DingTalk's own.
    Json,
}

/// The `prompt` parameter.
pub enum Prompt {
    Nothing,
    /// `login`, for a fresh sign-in; and the configured `claims`.
    Login,
    /// `none` at first, `consent` for a fresh sign-in.
    NoneOrConsent,
    Consent,
    /// No prompt, but the lowest level of UAE PASS unless another is asked for.
    UaePass,
}

/// Where a provider says who signs in.
pub enum Source {
    /// In the ID token, or at the userinfo endpoint (`claims_source`).
    Standard,
    /// At the userinfo endpoint, whatever is configured.
    UserInfo,
    /// In an ID token whose issuer depends on the person's own tenant.
    Microsoft,
    /// In the ID token, and (once) in what the browser brings along.
    Apple,
    /// In both the ID token and the userinfo answer.
    NetId,
    /// In an answer of its own.
    Own(Reader),
}

impl Source {
    /// Whether an ID token is looked at.
    pub fn has_id_token(&self) -> bool {
        !matches!(self, Self::Own(_))
    }
}

/// How an ID token that a native app got by itself is checked.
#[derive(Clone, Copy)]
pub struct Native {
    pub issuer: &'static str,
    pub keys: &'static str,
    pub nonce: Nonce,
    /// Where it is traded for another first.
    pub exchange: Option<&'static str>,
}

/// Whether a token may come without a nonce.
#[derive(Clone, Copy)]
pub enum Nonce {
    Optional,
    /// When it says `nonce_supported`.
    AsClaimed,
    Required,
}

/// A provider with nothing special about it.
const PLAIN: ProviderKind = ProviderKind {
    name: "generic",
    issuer: None,
    endpoints: Endpoints::Discovered,
    protocol: Protocol::OAuth2,
    style: Style::Either,
    signs_secret: false,
    adds_openid: true,
    granted: None,
    prompt: Prompt::Login,
    token_parameters: &[],
    source: Source::Standard,
    native: None,
};

/// A provider of OAuth 2.0 alone.
const OAUTH: ProviderKind = ProviderKind { adds_openid: false, prompt: Prompt::Nothing, ..PLAIN };

const fn fixed(authorize: &'static str, token: &'static str) -> Endpoints {
    Endpoints::Fixed { authorize, token }
}

/// All of them.
pub static KINDS: &[ProviderKind] = &[
    PLAIN,
    // Kratos accepts any ID token that is signed with a key that stands in its source. This one accepts none.
    ProviderKind { name: "fedcm-test", ..PLAIN },
    ProviderKind {
        name: "google",
        issuer: Some("https://accounts.google.com"),
        native: Some(Native {
            issuer: "https://accounts.google.com",
            keys: "https://www.googleapis.com/oauth2/v3/certs",
            nonce: Nonce::Optional,
            exchange: None,
        }),
        ..PLAIN
    },
    ProviderKind {
        name: "apple",
        issuer: Some("https://appleid.apple.com"),
        endpoints: fixed("https://appleid.apple.com/auth/authorize", "https://appleid.apple.com/auth/token"),
        style: Style::Form,
        signs_secret: true,
        source: Source::Apple,
        native: Some(Native {
            issuer: "https://appleid.apple.com",
            keys: "https://appleid.apple.com/auth/keys",
            nonce: Nonce::AsClaimed,
            exchange: None,
        }),
        ..PLAIN
    },
    ProviderKind { name: "microsoft", endpoints: Endpoints::Tenant, source: Source::Microsoft, ..PLAIN },
    ProviderKind {
        name: "netid",
        issuer: Some("https://broker.netid.de"),
        endpoints: fixed("https://broker.netid.de/authorize", "https://broker.netid.de/token"),
        source: Source::NetId,
        native: Some(Native {
            issuer: "https://broker.netid.de/",
            keys: "https://broker.netid.de/.well-known/jwks.json",
            nonce: Nonce::Required,
            exchange: Some("https://broker.netid.de/token"),
        }),
        ..PLAIN
    },
    ProviderKind {
        name: "line",
        issuer: Some("https://access.line.me"),
        // Without this LINE signs with the client's secret.
        token_parameters: &[("id_token_key_type", "JWK")],
        ..PLAIN
    },
    ProviderKind { name: "linkedin_v2", source: Source::UserInfo, ..PLAIN },
    ProviderKind {
        name: "gitlab",
        endpoints: Endpoints::Under {
            default: Some("https://gitlab.com"),
            authorize: "/oauth/authorize",
            token: "/oauth/token",
        },
        source: Source::Own(readers::GITLAB),
        adds_openid: false,
        ..PLAIN
    },
    ProviderKind {
        name: "auth0",
        endpoints: Endpoints::Under { default: None, authorize: "/authorize", token: "/oauth/token" },
        source: Source::Own(readers::AUTH0),
        adds_openid: false,
        ..PLAIN
    },
    ProviderKind {
        name: "salesforce",
        endpoints: Endpoints::Under {
            default: None,
            authorize: "/services/oauth2/authorize",
            token: "/services/oauth2/token",
        },
        source: Source::Own(readers::SALESFORCE),
        adds_openid: false,
        ..PLAIN
    },
    ProviderKind {
        name: "uaepass",
        endpoints: Endpoints::Under {
            default: Some("https://id.uaepass.ae"),
            authorize: "/idshub/authorize",
            token: "/idshub/token",
        },
        style: Style::Header,
        prompt: Prompt::UaePass,
        source: Source::Own(readers::UAEPASS),
        ..OAUTH
    },
    ProviderKind {
        name: "github",
        endpoints: fixed("https://github.com/login/oauth/authorize", "https://github.com/login/oauth/access_token"),
        granted: Some(','),
        source: Source::Own(readers::GITHUB),
        ..OAUTH
    },
    ProviderKind {
        name: "github-app",
        endpoints: fixed("https://github.com/login/oauth/authorize", "https://github.com/login/oauth/access_token"),
        source: Source::Own(readers::GITHUB_APP),
        ..OAUTH
    },
    ProviderKind {
        name: "discord",
        endpoints: fixed("https://discord.com/api/oauth2/authorize", "https://discord.com/api/oauth2/token"),
        granted: Some(' '),
        prompt: Prompt::NoneOrConsent,
        source: Source::Own(readers::DISCORD),
        ..OAUTH
    },
    ProviderKind {
        name: "slack",
        endpoints: fixed("https://slack.com/oauth/authorize", "https://slack.com/api/oauth.access"),
        granted: Some(','),
        source: Source::Own(readers::SLACK),
        ..OAUTH
    },
    ProviderKind {
        name: "facebook",
        issuer: Some("https://www.facebook.com"),
        endpoints: fixed("https://facebook.com/dialog/oauth", "https://graph.facebook.com/oauth/access_token"),
        source: Source::Own(readers::FACEBOOK),
        ..PLAIN
    },
    ProviderKind {
        name: "vk",
        endpoints: fixed("https://oauth.vk.com/authorize", "https://oauth.vk.com/access_token"),
        source: Source::Own(readers::VK),
        ..OAUTH
    },
    ProviderKind {
        name: "yandex",
        endpoints: fixed("https://oauth.yandex.com/authorize", "https://oauth.yandex.com/token"),
        source: Source::Own(readers::YANDEX),
        ..OAUTH
    },
    ProviderKind {
        name: "spotify",
        endpoints: fixed("https://accounts.spotify.com/authorize", "https://accounts.spotify.com/api/token"),
        granted: Some(' '),
        source: Source::Own(readers::SPOTIFY),
        ..OAUTH
    },
    ProviderKind {
        name: "dingtalk",
        endpoints: fixed(
            "https://login.dingtalk.com/oauth2/auth",
            "https://api.dingtalk.com/v1.0/oauth2/userAccessToken",
        ),
        style: Style::Json,
        prompt: Prompt::Consent,
        source: Source::Own(readers::DINGTALK),
        ..OAUTH
    },
    ProviderKind {
        name: "linkedin",
        endpoints: fixed(
            "https://www.linkedin.com/oauth/v2/authorization",
            "https://www.linkedin.com/oauth/v2/accessToken",
        ),
        source: Source::Own(readers::LINKEDIN),
        ..OAUTH
    },
    ProviderKind {
        name: "patreon",
        endpoints: fixed("https://www.patreon.com/oauth2/authorize", "https://www.patreon.com/api/oauth2/token"),
        prompt: Prompt::NoneOrConsent,
        source: Source::Own(readers::PATREON),
        ..OAUTH
    },
    ProviderKind {
        name: "lark",
        endpoints: fixed(
            "https://passport.feishu.cn/suite/passport/oauth/authorize",
            "https://passport.feishu.cn/suite/passport/oauth/token",
        ),
        style: Style::Form,
        source: Source::Own(readers::LARK),
        ..OAUTH
    },
    ProviderKind {
        name: "x",
        endpoints: fixed("https://api.twitter.com/oauth/authenticate", "https://api.twitter.com/oauth/access_token"),
        protocol: Protocol::OAuth1 { request_token: "https://api.twitter.com/oauth/request_token" },
        source: Source::Own(readers::X),
        ..OAUTH
    },
    ProviderKind {
        name: "amazon",
        endpoints: fixed("https://www.amazon.com/ap/oa", "https://api.amazon.com/auth/o2/token"),
        source: Source::Own(readers::AMAZON),
        ..OAUTH
    },
];

impl ProviderKind {
    /// The kind of that name.
    pub fn of(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    pub fn is_google(&self) -> bool {
        self.name == "google"
    }

    /// Fills in what a kind takes for granted.
    pub fn adjust(&self, config: &mut OidcProvider) {
        // UAE PASS knows PKCE and does not say so.
        if self.name == "uaepass" && config.pkce == Pkce::Auto {
            config.pkce = Pkce::Force;
        }
    }

    /// What a provider is asked besides the standard.
    pub fn parameters(&self, config: &OidcProvider, is_refresh: bool) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        let mut add = |name, value: &str| parameters.push((name, value.to_owned()));
        match self.prompt {
            Prompt::Nothing => {}
            Prompt::Login => {
                if is_refresh {
                    add("prompt", "login");
                }
                match &config.requested_claims {
                    Value::Null => {}
                    claims => add("claims", &claims.to_string()),
                }
            }
            Prompt::NoneOrConsent => add("prompt", if is_refresh { "consent" } else { "none" }),
            Prompt::Consent => add("prompt", "consent"),
            Prompt::UaePass => add("acr_values", "urn:safelayer:tws:policies:authentication:level:low"),
        }
        let asks_for = |scope: &str| config.scope.iter().any(|asked| asked == scope);
        if self.is_google() && asks_for("offline_access") {
            add("access_type", "offline");
        }
        // Apple sends names and addresses by form only.
        if self.name == "apple" && (asks_for("email") || asks_for("name")) {
            add("response_mode", "form_post");
        }
        parameters
    }
}
