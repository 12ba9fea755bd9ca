//! Where browsers may be sent: the rules of `return_to` and `selfservice.allowed_return_urls`.
//!
//! The order and the rules are Kratos' (`x/redir`). Addresses are read as browsers read them (WHATWG), and what comes
//! out is exactly what was checked, in normal form: a value that one parser takes for our host and a browser for
//! another cannot pass. Values that only serve to confuse (control characters, backslashes, user names) are refused.

use std::fmt;

use url::Url;

use crate::values::BaseUrl;

/// Longer values are refused.
const MAX_LENGTH: usize = 8 * 1024;

/// Schemes that run code or open files in the browser. They are never a place to return to.
const UNSAFE_SCHEMES: [&str; 7] = ["javascript", "data", "vbscript", "blob", "file", "about", "filesystem"];

/// The allowed return addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnUrls {
    rules: Vec<Rule>,
}

/// One allowed address: everything whose scheme and host match, and whose path starts with this one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    scheme: String,
    host: HostRule,
    /// As in the URL, percent-encoded. It is a plain prefix, without a boundary: `/app` admits `/apple`.
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostRule {
    /// Host and, unless it is the scheme's own, port.
    Exactly { host: String, port: Option<u16> },
    /// `*.example.org`: any name below `domain`.
    Below { domain: String, port: Option<u16> },
}

/// An entry of the list that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoredEntry {
    /// Its position in the list.
    pub position: usize,
    /// Why.
    pub reason: &'static str,
}

/// Why a `return_to` was refused. Both are 400 answers; the second has the id `self_service_flow_return_to_forbidden`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReturnUrlError {
    /// It is not an address.
    Unparsable(String),
    /// It is an address outside the list.
    Forbidden(String),
}

impl fmt::Display for ReturnUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unparsable(value) => write!(f, "The return address {value:?} cannot be understood."),
            Self::Forbidden(value) => write!(f, "The return address {value:?} is not on the list of allowed ones."),
        }
    }
}

impl std::error::Error for ReturnUrlError {}

impl ReturnUrls {
    /// The list of `selfservice.allowed_return_urls`, and the server's own `/self-service` below its public base URL.
    /// Entries that would admit strangers' hosts, or nothing at all, are left out and told about.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>, public: &BaseUrl) -> (Self, Vec<IgnoredEntry>) {
        let mut rules = Vec::new();
        let mut ignored = Vec::new();
        for (position, entry) in entries.into_iter().enumerate().filter(|(_, entry)| !entry.is_empty()) {
            match Rule::parse(entry) {
                Ok(rule) => rules.push(rule),
                Err(reason) => ignored.push(IgnoredEntry { position, reason }),
            }
        }
        rules.extend(Rule::of(&public.join("/self-service")));
        (Self { rules }, ignored)
    }

    /// Where to send the browser: `explicit` (what the flow has stored), else the `return_to` of `source_url`'s query
    /// (the request that opened the flow), else `default`. The default itself is not checked: it is configured.
    ///
    /// A value without scheme or host gets those of the default before it is checked.
    ///
    /// # Errors
    /// When the value is no address, or one that is not on the list.
    pub fn resolve(
        &self,
        explicit: Option<&str>,
        source_url: Option<&Url>,
        default: &Url,
    ) -> Result<Url, ReturnUrlError> {
        let explicit = explicit.filter(|value| !value.is_empty()).map(str::to_owned);
        let in_query = || {
            let mut pairs = source_url?.query_pairs();
            pairs.find(|(name, _)| name == "return_to").map(|(_, value)| value.into_owned())
        };
        let Some(value) = explicit.or_else(in_query).filter(|value| !value.is_empty()) else {
            return Ok(default.clone());
        };
        let url = parse(&value, default)?;
        if self.allows(&url) { Ok(url) } else { Err(ReturnUrlError::Forbidden(value)) }
    }

    /// Whether an absolute address is on the list.
    pub fn allows(&self, url: &Url) -> bool {
        url.username().is_empty() && url.password().is_none() && self.rules.iter().any(|rule| rule.admits(url))
    }
}

/// Reads a value against the default's scheme and host.
fn parse(value: &str, default: &Url) -> Result<Url, ReturnUrlError> {
    let unparsable = || ReturnUrlError::Unparsable(value.to_owned());
    // Browsers drop tabs and newlines and take a backslash for a slash; honest values have none before the query.
    let address_end = value.find(['?', '#']).unwrap_or(value.len());
    if value.len() > MAX_LENGTH || value.contains(char::is_control) || value[..address_end].contains('\\') {
        return Err(unparsable());
    }
    if !has_whole_escapes(&value[..address_end]) {
        return Err(unparsable());
    }
    let absolute = match value.chars().next() {
        Some('/') if value.starts_with("//") => format!("{}:{value}", default.scheme()),
        Some('/') => format!("{}{value}", origin(default)),
        Some('?' | '#') => format!("{}/{value}", origin(default)),
        _ if has_scheme(value) => value.to_owned(),
        // A path that starts without a slash matches no rule.
        _ => return Err(ReturnUrlError::Forbidden(value.to_owned())),
    };
    Url::parse(&absolute).map_err(|_| unparsable())
}

/// Whether each `%` begins an escape (RFC 3986 §2.1).
fn has_whole_escapes(address: &str) -> bool {
    let is_hex = |text: &str| text.len() >= 2 && text.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    address.split('%').skip(1).all(is_hex)
}

fn has_scheme(value: &str) -> bool {
    let Some((scheme, _)) = value.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// `scheme://host:port` of a URL, for custom schemes too.
fn origin(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

impl Rule {
    /// Reads an entry of the list.
    fn parse(entry: &str) -> Result<Self, &'static str> {
        let Some((scheme, rest)) = entry.split_once("://") else {
            return Err("it is not an absolute address, so it can match nothing");
        };
        if UNSAFE_SCHEMES.iter().any(|name| name.eq_ignore_ascii_case(scheme)) {
            return Err("addresses with this scheme run or open things in the browser");
        }
        let Some(wildcard) = rest.strip_prefix('*') else {
            let url = Url::parse(entry).map_err(|_| "it is not an address")?;
            return Self::of(&url).ok_or("it has no host, so it can match nothing");
        };
        let domain = wildcard.strip_prefix('.').unwrap_or(wildcard);
        let url = Url::parse(&format!("{scheme}://{domain}")).map_err(|_| "* may only stand before a domain")?;
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        if host.is_empty() || domain.starts_with(['/', ':', '?', '#']) || host.contains('*') {
            return Err("a * alone would admit every host");
        }
        let suffix = psl::suffix(host.as_bytes());
        if suffix.is_some_and(|suffix| suffix.typ() == Some(psl::Type::Icann) && suffix.as_bytes() == host.as_bytes()) {
            return Err("anybody can register names below this public suffix");
        }
        let host = HostRule::Below { domain: host.to_ascii_lowercase(), port: url.port() };
        Ok(Self { scheme: url.scheme().to_owned(), host, path: path_of(&url).to_owned() })
    }

    /// The rule of an address without a wildcard. `None` if it has no host.
    fn of(url: &Url) -> Option<Self> {
        let host = url.host_str().filter(|host| !host.is_empty())?.to_ascii_lowercase();
        let host = HostRule::Exactly { host, port: url.port() };
        Some(Self { scheme: url.scheme().to_owned(), host, path: path_of(url).to_owned() })
    }

    fn admits(&self, url: &Url) -> bool {
        let Some(host) = url.host_str().map(str::to_ascii_lowercase) else { return false };
        let host_fits = match &self.host {
            HostRule::Exactly { host: allowed, port } => *allowed == host && *port == url.port(),
            HostRule::Below { domain, port } => {
                let below = host.strip_suffix(domain.as_str()).and_then(|rest| rest.strip_suffix('.'));
                below.is_some_and(|name| !name.is_empty()) && *port == url.port()
            }
        };
        host_fits && self.scheme == url.scheme() && path_of(url).starts_with(&self.path)
    }
}

/// The path, where none is `/`.
fn path_of(url: &Url) -> &str {
    if url.path().is_empty() { "/" } else { url.path() }
}
