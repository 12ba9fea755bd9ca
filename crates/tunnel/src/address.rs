//! The address of a server, and what lies below it.

use url::Url;

/// The address of a server: an origin, and the path below which its routes are. It has no query, and nobody's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its path ends in a slash.
    url: Url,
}

impl Address {
    /// Reads an address such as `https://id.example.org` or `http://127.0.0.1:4433/auth/`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("it is no URL: {error}"))?;
        Self::of(url).ok_or_else(|| "expected an address such as https://id.example.org".to_owned())
    }

    /// The address that a URL is; `None` if it has a query or a fragment, names a user, or is not of the web.
    pub(crate) fn of(mut url: Url) -> Option<Self> {
        let is_plain = url.query().is_none() && url.fragment().is_none();
        let names_nobody = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain || !names_nobody {
            return None;
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Some(Self { url })
    }

    /// The address as a URL, whose path ends in a slash.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Scheme, host and port, such as `https://id.example.org`.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The path below which the routes are, without its last slash; empty at the root.
    pub fn path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// The same without a slash at the end, such as `https://id.example.org/auth`.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.origin(), self.path())
    }

    /// The URL of a path with its query, which begins with a slash. `None` if it leads out of this address, by dots say.
    pub(crate) fn locate(&self, path_and_query: &str) -> Option<Url> {
        let url = Url::parse(&format!("{}{path_and_query}", self.text())).ok()?;
        self.below(&url).is_some().then_some(url)
    }

    /// What a URL has below this address: its path, which begins with a slash, query and fragment. `None` if it is
    /// somewhere else.
    pub(crate) fn below<'a>(&self, url: &'a Url) -> Option<&'a str> {
        if url.origin() != self.url.origin() || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let rest = url[url::Position::BeforePath..].strip_prefix(self.path())?;
        (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some(rest)
    }
}

/// Reads an origin such as `http://localhost:3000`; a slash may follow.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn parse_origin(text: &str) -> Result<String, String> {
    if text.contains('*') {
        return Err(
            "each origin has to be named; there are no wildcards, since answers come with credentials".to_owned()
        );
    }
    match Address::parse(text)? {
        address if address.path().is_empty() => Ok(address.origin()),
        _ => Err("expected an origin such as http://localhost:3000, without a path".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).expect("an address")
    }

    #[test]
    fn addresses_are_of_the_web_and_plain() {
        assert_eq!(address("HTTPS://Id.Example.org:443").text(), "https://id.example.org");
        assert_eq!(address("http://[::1]:4433/auth/").text(), "http://[::1]:4433/auth");
        for text in
            ["", "id.example.org", "ftp://a", "https://u@a", "https://u:p@a", "https://a?b", "https://a#b", "a:b"]
        {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn origins_are_named_one_by_one() {
        assert_eq!(parse_origin("http://LOCALHOST:80/"), Ok("http://localhost".to_owned()));
        for text in ["*", "http://*.a", "null", "http://a/b", "file:///a"] {
            assert!(parse_origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_leads_out_of_an_address() {
        let at = |base: &str, path| address(base).locate(path).map(String::from);
        assert_eq!(at("http://a/b", "/c?d=../..").as_deref(), Some("http://a/b/c?d=../.."));
        assert_eq!(at("http://a/b", "//evil/").as_deref(), Some("http://a/b//evil/"));
        assert_eq!(at("http://a", "//evil/").as_deref(), Some("http://a//evil/"));
        for path in ["/../c", "/%2e%2e/c", "/.%2E", "/..\\c", "@evil/", ":80/", ".evil/"] {
            assert_eq!(at("http://a/b", path), None, "{path}");
        }
        for path in ["@evil/", ".evil/", ":1/", "evil"] {
            assert_eq!(at("http://a", path), None, "{path}");
        }
    }

    #[test]
    fn what_lies_below_is_told_from_what_only_looks_so() {
        let below = |url: &str| address("https://a/b").below(&Url::parse(url).expect("a URL")).map(str::to_owned);
        assert_eq!(below("https://a:443/b/c?d#e").as_deref(), Some("/c?d#e"));
        assert_eq!(below("https://a/b").as_deref(), Some(""));
        for url in
            ["http://a/b/", "https://a/", "https://a/bc", "https://a:1/b/", "https://u@a/b/", "https://a.evil/b/"]
        {
            assert_eq!(below(url), None, "{url}");
        }
    }
}
