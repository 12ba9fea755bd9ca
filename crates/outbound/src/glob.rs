//! Globs over URLs, in the dialect that Kratos' configuration uses.
//!
//! The crate `globset` separates at `/` alone; here `.` separates as well.

use regex::Regex;

use crate::Error;

/// Patterns of which one has to match.
pub(crate) struct Globs(Vec<Regex>);

impl Globs {
    pub(crate) fn new(patterns: &[String]) -> Result<Self, Error> {
        let compile = |pattern: &String| {
            let expression = to_regex(pattern).ok_or_else(|| Error::InvalidGlob(pattern.clone()))?;
            Regex::new(&expression).map_err(|_| Error::InvalidGlob(pattern.clone()))
        };
        patterns.iter().map(compile).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.is_match(text))
    }
}

/// A glob as a regular expression: `*` and `?` stand for any characters (one) but `.` and `/`, `**` for any at all,
/// `[abc]`, `[a-z]` and `[!abc]` for one of (or outside) a set, `{a,b}` for alternatives, and `\` makes the next
/// character plain. `None` if brackets or braces do not close.
fn to_regex(glob: &str) -> Option<String> {
    let mut expression = String::from("(?s)^(?:");
    let mut rest = glob.chars().peekable();
    let mut open_braces = 0;
    while let Some(next) = rest.next() {
        match next {
            '*' if rest.next_if_eq(&'*').is_some() => {
                while rest.next_if_eq(&'*').is_some() {}
                expression.push_str(".*");
            }
            '*' => expression.push_str("[^./]*"),
            '?' => expression.push_str("[^./]"),
            '[' => {
                expression.push('[');
                if rest.next_if_eq(&'!').is_some() {
                    expression.push('^');
                }
                let mut members = 0;
                loop {
                    match rest.next()? {
                        ']' if members > 0 => break,
                        '-' if members > 0 && rest.peek().is_some_and(|next| *next != ']') => expression.push('-'),
                        '\\' => push_in_set(&mut expression, rest.next()?),
                        member => push_in_set(&mut expression, member),
                    }
                    members += 1;
                }
                expression.push(']');
            }
            '{' => {
                open_braces += 1;
                expression.push_str("(?:");
            }
            '}' if open_braces > 0 => {
                open_braces -= 1;
                expression.push(')');
            }
            ',' if open_braces > 0 => expression.push('|'),
            '\\' => push_plain(&mut expression, rest.next()?),
            plain => push_plain(&mut expression, plain),
        }
    }
    expression.push_str(")$");
    (open_braces == 0).then_some(expression)
}

fn push_plain(expression: &mut String, plain: char) {
    expression.push_str(&regex::escape(plain.encode_utf8(&mut [0; 4])));
}

/// Within a set, letters and digits are plain and everything else may be escaped.
fn push_in_set(expression: &mut String, member: char) {
    if member.is_ascii_punctuation() {
        expression.push('\\');
    }
    expression.push(member);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Globs, to_regex};

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let glob = Globs::new(&[pattern.to_owned()]).expect("a glob");
        for text in matching {
            assert!(glob.matches(text), "{pattern} should match {text}");
        }
        for text in others {
            assert!(!glob.matches(text), "{pattern} should not match {text}");
        }
    }

    #[test]
    fn stars_stop_at_dots_and_slashes() {
        check("http://*.corp/hook", &["http://a.corp/hook"], &["http://a.b.corp/hook", "http://a.corp/hook/x"]);
        check("http://**.corp/**", &["http://a.b.corp/x/y.z"], &["http://corp/x", "https://a.corp/x"]);
        check("http://h?st/", &["http://host/"], &["http://h.st/", "http://hst/"]);
    }

    #[test]
    fn sets_alternatives_and_escapes() {
        check("http://{a,b.c}[0-9][!x-z]/", &["http://a1a/", "http://b.c9-/"], &["http://a1x/", "http://c1a/"]);
        check(r"http://a/\*", &["http://a/*"], &["http://a/b"]);
        check("http://127.0.0.1:8080/a+b(c)", &["http://127.0.0.1:8080/a+b(c)"], &["http://127x0.0.1:8080/a+b(c)"]);
    }

    #[test]
    fn patterns_that_do_not_close_are_refused() {
        for pattern in ["http://{a,b", "http://[ab", "x\\"] {
            assert!(Globs::new(&[pattern.to_owned()]).is_err(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn every_pattern_is_refused_or_compiles(pattern in any::<String>()) {
            let _ = Globs::new(&[pattern]);
        }

        #[test]
        fn plain_text_matches_itself(text in "[a-z0-9:/.=&%_ -]{0,40}") {
            prop_assert!(Globs::new(std::slice::from_ref(&text)).expect("a glob").matches(&text));
            prop_assert!(to_regex(&text).is_some());
        }
    }
}
