//! Addresses within text: JSON, pages, headers.
//!
//! Text is not parsed. Whatever stands around an address stays byte for byte, the order of fields and the spelling of numbers
//! included. In JSON and HTML a slash may be escaped, so each spelling of it is known. What is percent-encoded stays: it is
//! part of a query, which goes back to the server, or to somebody who knows the server by that name (`redirect_uri`).

use std::borrow::Cow;

use crate::address::Address;

const SLASHES: [&[u8]; 6] = [b"/", b"\\/", b"\\u002f", b"&#x2f;", b"&#47;", b"&sol;"];
const COLONS: [&[u8]; 5] = [b":", b"\\u003a", b"&#x3a;", b"&#58;", b"&colon;"];

/// The names of a server, as they are looked for in text.
#[derive(Clone, Debug)]
pub(crate) struct Names(Vec<Name>);

/// One spelling of an address.
#[derive(Clone, Debug)]
struct Name {
    /// In lower case, and compared without regard to case.
    origin: String,
    /// Compared as it is.
    path: String,
}

impl Names {
    /// All spellings of these addresses.
    pub fn new<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Self {
        let spellings = addresses.into_iter().flat_map(|address| {
            let (origin, path) = (address.origin(), address.path().to_owned());
            let has_default_port = address.url().port().is_none();
            let port = address.url().port_or_known_default().filter(|_| has_default_port);
            let explicit = port.map(|port| Name { origin: format!("{origin}:{port}"), path: path.clone() });
            explicit.into_iter().chain([Name { origin, path }])
        });
        let mut names: Vec<Name> = spellings.collect();
        // The longest first, of which others are the beginning.
        names.sort_by_key(|name| std::cmp::Reverse(name.origin.len() + name.path.len()));
        Self(names)
    }

    /// The length of the name that `text` begins with, and how its slashes are written.
    fn at<'t>(&self, text: &'t [u8]) -> Option<(usize, &'t [u8])> {
        self.0.iter().find_map(|name| name.at(text))
    }
}

impl Name {
    fn at<'t>(&self, text: &'t [u8]) -> Option<(usize, &'t [u8])> {
        let (mut rest, mut slash) = (text, &b"/"[..]);
        let origin = self.origin.bytes().map(|byte| (byte, false));
        for (expected, is_exact) in origin.chain(self.path.bytes().map(|byte| (byte, true))) {
            let length = match expected {
                b'/' => spelt(rest, &SLASHES)?,
                b':' => spelt(rest, &COLONS)?,
                _ => 1,
            };
            let (found, behind) = rest.split_at_checked(length)?;
            match expected {
                b'/' => slash = found,
                b':' => {}
                _ if found == [expected] || !is_exact && found.eq_ignore_ascii_case(&[expected]) => {}
                _ => return None,
            }
            rest = behind;
        }
        ends(rest).then_some((text.len() - rest.len(), slash))
    }
}

/// The length of the first of `spellings` that `text` begins with.
fn spelt(text: &[u8], spellings: &[&[u8]]) -> Option<usize> {
    let begins = |spelling: &&&[u8]| {
        text.get(..spelling.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(spelling))
    };
    spellings.iter().find(begins).map(|spelling| spelling.len())
}

/// Whether a host or path that is followed by this has ended there.
fn ends(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [b'.', next @ ..] => next.first().is_none_or(|next| next.is_ascii_whitespace() || b"\"'<".contains(next)),
        [next, ..] => !next.is_ascii_alphanumeric() && next.is_ascii() && !b"-_~%:@".contains(next),
    }
}

/// Text in which each name of the server is `here` instead (such as `http://localhost:4000`), and nothing else has changed.
pub(crate) fn rewrite<'t>(text: &'t [u8], names: &Names, here: &str) -> Cow<'t, [u8]> {
    let mut written: Option<Vec<u8>> = None;
    let (mut kept, mut at) = (0, 0);
    while at < text.len() {
        let found = if text[at].eq_ignore_ascii_case(&b'h') { names.at(&text[at..]) } else { None };
        let Some((length, slash)) = found else {
            at += 1;
            continue;
        };
        let written = written.get_or_insert_with(|| Vec::with_capacity(text.len()));
        written.extend_from_slice(&text[kept..at]);
        for byte in here.bytes() {
            written.extend_from_slice(if byte == b'/' { slash } else { std::slice::from_ref(&byte) });
        }
        at += length;
        kept = at;
    }
    match written {
        Some(mut written) => {
            written.extend_from_slice(&text[kept..]);
            Cow::Owned(written)
        }
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: &str = "http://localhost:4000";

    fn names(addresses: &[&str]) -> Names {
        let addresses: Vec<Address> = addresses.iter().map(|text| Address::parse(text).expect("an address")).collect();
        Names::new(&addresses)
    }

    #[track_caller]
    fn check(addresses: &[&str], text: &str, expected: &str) {
        let rewritten = rewrite(text.as_bytes(), &names(addresses), HERE).into_owned();
        assert_eq!(String::from_utf8(rewritten).expect("text"), expected);
    }

    #[test]
    fn addresses_of_the_server_become_those_of_the_tunnel() {
        let ours = ["https://id.example.org"];
        for (text, expected) in [
            (r#"{"action":"https://id.example.org/a?b=1"}"#, r#"{"action":"http://localhost:4000/a?b=1"}"#),
            (r#"["HTTPS://ID.example.org"]"#, r#"["http://localhost:4000"]"#),
            ("https://id.example.org:443/a", "http://localhost:4000/a"),
            (r#"{"a":"https:\/\/id.example.org\/a"}"#, r#"{"a":"http:\/\/localhost:4000\/a"}"#),
            (r#""Open\nhttps:\u002f\u002Fid.example.org\n""#, r#""Open\nhttp:\u002F\u002Flocalhost:4000\n""#),
            ("<a href=https:&#x2f;&#x2f;id.example.org&#x2f;>", "<a href=http:&#x2f;&#x2f;localhost:4000&#x2f;>"),
            ("https://id.example.org. https://id.example.org,", "http://localhost:4000. http://localhost:4000,"),
        ] {
            check(&ours, text, expected);
        }
        check(
            &["http://a/b", "http://a"],
            "http://a/b/c http://a/c http://a/bc",
            &format!("{HERE}/c {HERE}/c {HERE}/bc"),
        );
        check(
            &["http://a/b"],
            r"http:\/\/a\/b\/c http://a/B/ http://A/b/",
            &format!(r"http:\/\/localhost:4000\/c http://a/B/ {HERE}/"),
        );
    }

    #[test]
    fn what_only_looks_like_the_server_stays() {
        for text in [
            "https://id.example.org.evil/",
            "https://id.example.orgs",
            "https://id.example.org@evil/",
            "https://id.example.org:444/",
            "https://id.example.org:evil@a/",
            "https://id.example.org-evil/",
            "http://id.example.org/",
            "https://evil/?to=https%3A%2F%2Fid.example.org%2F",
            "https:/id.example.org",
            "id.example.org",
            "https://id.example.or",
        ] {
            check(&["https://id.example.org"], text, text);
        }
        check(&["http://localhost"], HERE, HERE);
    }

    /// Text that nothing of an address is in, ends of hosts included.
    fn between() -> impl Strategy<Value = String> {
        "[ \"'<>{},;()=\\\\]{1,3}[A-Zg-z0-9 :/.\"\\\\&#%\u{e9}]{0,20}[ \"'<>=\n]{1,3}"
    }

    proptest! {
        #[test]
        fn nothing_of_the_server_is_left_and_nothing_else_changes(
            parts in proptest::collection::vec((between(), 0..3usize), 0..6),
            end in between(),
        ) {
            let write = |address: &str| -> String {
                let slashes = ["/", "\\/", "&#x2f;"];
                let spelt = parts.iter().map(|(text, n)| format!("{text}{}", address.replace('/', slashes[*n])));
                spelt.chain([end.clone()]).collect()
            };
            let (there, here) = (write("https://id.example.org/b"), write(HERE));
            let rewritten = rewrite(there.as_bytes(), &names(&["https://id.example.org/b"]), HERE).into_owned();
            prop_assert_eq!(String::from_utf8(rewritten).expect("text"), here);
        }

        #[test]
        fn any_bytes_are_rewritten_once_and_for_all(text in "(https?|:|/|\\\\/|&#x2f;|a|b|\\.|@|\"|:1| |\u{e9}|\\\\u002f){0,30}") {
            let names = names(&["http://a", "https://a/b", "http://b:1"]);
            let once = rewrite(text.as_bytes(), &names, HERE).into_owned();
            prop_assert_eq!(&*rewrite(&once, &names, HERE), &once[..]);
            if !text.contains("http") {
                prop_assert_eq!(&once[..], text.as_bytes());
            }
        }
    }
}
