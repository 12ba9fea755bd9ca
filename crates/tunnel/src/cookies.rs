//! Cookies of the server, as a browser takes them from plain HTTP on this machine.

use crate::address::Address;

/// How cookies are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct CookieRules {
    /// The paths below which the server has its routes: those of a cookie begin with them.
    pub paths: Vec<String>,
    /// The domain that cookies are for, rather than the tunnel's host alone.
    pub domain: Option<String>,
}

impl CookieRules {
    pub fn new<'a>(addresses: impl IntoIterator<Item = &'a Address>, domain: Option<String>) -> Self {
        let paths = addresses.into_iter().map(|address| address.path().to_owned());
        let mut paths: Vec<String> = paths.filter(|path| !path.is_empty()).collect();
        paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
        Self { paths, domain }
    }

    /// A `Set-Cookie` of the server, as the tunnel sends it: without the server's domain and path, and without what only
    /// TLS allows. Name, value and lifetime stay as they are.
    ///
    /// Names that begin with `__Host-` or `__Secure-` stay `Secure`, or no browser would take them: most take secure cookies
    /// from this machine without TLS, and Safari does not.
    pub fn rewrite(&self, cookie: &[u8]) -> Vec<u8> {
        let mut parts = cookie.split(|byte| *byte == b';');
        let pair = parts.next().unwrap_or_default().trim_ascii();
        let is_named = |prefix: &[u8]| pair.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let (is_host, is_secure) = (is_named(b"__Host-"), is_named(b"__Host-") || is_named(b"__Secure-"));
        let mut written = pair.to_vec();
        let mut write = |attribute: &[u8]| {
            written.extend_from_slice(b"; ");
            written.extend_from_slice(attribute);
        };
        for part in parts.map(<[u8]>::trim_ascii).filter(|part| !part.is_empty()) {
            let (name, value) = split_at_equals(part);
            match &name.to_ascii_lowercase()[..] {
                b"domain" | b"partitioned" => {}
                b"secure" if !is_secure => {}
                b"samesite" if value.eq_ignore_ascii_case(b"none") => write(b"SameSite=Lax"),
                b"path" => write(&[b"Path=", self.path(value)].concat()),
                _ => write(part),
            }
        }
        if let Some(domain) = self.domain.as_deref().filter(|_| !is_host) {
            write(format!("Domain={domain}").as_bytes());
        }
        written
    }

    fn path<'p>(&self, path: &'p [u8]) -> &'p [u8] {
        let below = |base: &String| match path.strip_prefix(base.as_bytes())? {
            [] => Some(&b"/"[..]),
            rest => rest.starts_with(b"/").then_some(rest),
        };
        self.paths.iter().find_map(below).unwrap_or(path)
    }
}

fn split_at_equals(part: &[u8]) -> (&[u8], &[u8]) {
    match part.iter().position(|byte| *byte == b'=') {
        Some(at) => (part[..at].trim_ascii(), part[at + 1..].trim_ascii()),
        None => (part, b""),
    }
}

/// Reads a domain for cookies, such as `app.local`.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn parse_cookie_domain(text: &str) -> Result<String, String> {
    let domain = text.trim_start_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    domain.split('.').all(is_label).then_some(domain).ok_or_else(|| "expected a domain such as app.local".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(addresses: &[&str], domain: Option<&str>) -> CookieRules {
        let addresses: Vec<Address> = addresses.iter().map(|text| Address::parse(text).expect("an address")).collect();
        CookieRules::new(&addresses, domain.map(str::to_owned))
    }

    #[track_caller]
    fn check(rules: &CookieRules, cookie: &str, expected: &str) {
        assert_eq!(String::from_utf8(rules.rewrite(cookie.as_bytes())).expect("text"), expected);
    }

    #[test]
    fn cookies_lose_what_plain_http_on_another_host_cannot_keep() {
        let root = rules(&["https://id.example.org"], None);
        check(
            &root,
            "ory_kratos_session=MTY=; Path=/; Domain=example.org; Expires=Sat, 21 Nov 2026 10:00:00 GMT; Max-Age=86400; \
             HttpOnly; Secure; SameSite=None",
            "ory_kratos_session=MTY=; Path=/; Expires=Sat, 21 Nov 2026 10:00:00 GMT; Max-Age=86400; HttpOnly; SameSite=Lax",
        );
        check(&root, "a=b;secure;DOMAIN=x;samesite=NONE;Partitioned;httponly", "a=b; SameSite=Lax; httponly");
        check(&root, "a=; Max-Age=0; SameSite=Strict", "a=; Max-Age=0; SameSite=Strict");
        check(&root, "", "");
    }

    #[test]
    fn names_that_only_secure_cookies_may_have_stay_secure() {
        let domain = rules(&["https://id.example.org"], Some("app.local"));
        check(&domain, "__Host-s=1; Secure; Path=/; SameSite=None", "__Host-s=1; Secure; Path=/; SameSite=Lax");
        check(&domain, "__secure-s=1; Secure; Domain=x", "__secure-s=1; Secure; Domain=app.local");
        check(&domain, "s=1; Secure; Domain=x", "s=1; Domain=app.local");
    }

    #[test]
    fn paths_begin_where_the_tunnel_does() {
        let rules = rules(&["https://a/kratos", "http://b/kratos/v1"], None);
        for (path, expected) in [
            ("/kratos", "/"),
            ("/kratos/", "/"),
            ("/kratos/v1/x", "/x"),
            ("/kratosx", "/kratosx"),
            ("/", "/"),
            ("", ""),
        ] {
            check(&rules, &format!("s=1; path = {path}"), &format!("s=1; Path={expected}"));
        }
    }

    #[test]
    fn domains_are_plain_names() {
        assert_eq!(parse_cookie_domain(".App.local"), Ok("app.local".to_owned()));
        for text in ["", "a..b", "a b", "a;Secure", "a/b", "a\r\nb", "[::1]", "a:1"] {
            assert!(parse_cookie_domain(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_cookie_keeps_the_domain_of_the_server_or_needs_tls(
            value in "[a-zA-Z0-9+/=|-]{0,20}",
            attributes in proptest::collection::vec(
                "( ?(Domain|SECURE|samesite|Path|Max-Age|x)( ?= ?(None|lax|/|example\\.org|7)?)? ?)?", 0..6),
        ) {
            let cookie = [vec![format!("s={value}")], attributes].concat().join(";");
            let rewritten = String::from_utf8(rules(&["https://example.org/"], None).rewrite(cookie.as_bytes()));
            let rewritten = rewritten.expect("text");
            let mut parts = rewritten.split(';').map(str::trim);
            prop_assert_eq!(parts.next(), Some(&*format!("s={value}")));
            for part in parts.map(str::to_ascii_lowercase) {
                let name = part.split('=').next().unwrap_or_default().trim().to_owned();
                prop_assert!(!["domain", "secure", "partitioned"].contains(&&*name), "{}", rewritten);
                prop_assert!(name != "samesite" || !part.ends_with("none"), "{}", rewritten);
            }
        }
    }
}
