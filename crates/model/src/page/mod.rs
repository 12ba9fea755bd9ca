//! Pages of lists: how long they are, and links from each to the others. Where a page begins is said by a number or by a
//! token; each list that has tokens makes its own.

mod numbered;

pub use numbered::{PageQuery, numbered_page, offset};

use std::borrow::Cow;
use std::num::ParseIntError;

use url::form_urlencoded;

use crate::go::encode_query;

/// How long the pages of a list are, in entries.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Unless it is asked for otherwise.
    pub default: u32,
    /// At most.
    pub most: u32,
}

impl Sizes {
    /// Those of the lists of sessions and of schemas.
    pub const USUAL: Self = Self { default: 250, most: 1000 };

    /// The size that a parameter asks for. Empty text, zero and negative numbers are the default.
    ///
    /// # Errors
    /// When it is not a whole number.
    pub fn read(self, text: &str) -> Result<u32, ParseIntError> {
        let asked = if text.is_empty() { 0 } else { text.parse::<i64>()? };
        Ok(if asked <= 0 { self.default } else { self.fitting(asked) })
    }

    /// The size that a parameter of numbered pages asks for, at least one. What cannot be read is the default.
    pub fn read_numbered(self, text: &str) -> u32 {
        text.parse::<i64>().map_or(self.default, |asked| self.fitting(asked.max(1)))
    }

    fn fitting(self, asked: i64) -> u32 {
        u32::try_from(asked).unwrap_or(self.most).min(self.most)
    }
}

/// One page of a list, and what its headers say.
#[derive(Debug)]
pub struct Page<T> {
    /// The entries of this page.
    pub items: Vec<T>,
    /// `X-Total-Count`, where the list is counted.
    pub total: Option<i64>,
    /// For the header `Link` (RFC 8288), in this order.
    pub links: Vec<PageLink>,
}

/// A link to another page of the same list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageLink {
    /// `first`, `next`, `prev` or `last`.
    pub rel: &'static str,
    /// Query parameters, which take the place of those of the same name in the request's query.
    pub parameters: Vec<(&'static str, String)>,
}

impl<T> Page<T> {
    /// The value of the header `Link`, for a list that was asked for at `path` with `query` (without its question mark).
    pub fn link_header(&self, path: &str, query: &str) -> String {
        let link = |link: &PageLink| {
            let is_kept = |key: &str| link.parameters.iter().all(|(name, _)| *name != key);
            let mut parameters: Vec<_> =
                form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| is_kept(key)).collect();
            parameters.extend(link.parameters.iter().map(|(key, value)| (Cow::from(*key), Cow::from(value))));
            parameters.sort_by(|(a, _), (b, _)| a.cmp(b));
            let query = encode_query(parameters.iter().map(|(key, value)| (key.as_ref(), value.as_ref())));
            format!("<{path}?{query}>; rel=\"{}\"", link.rel)
        };
        self.links.iter().map(link).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { default: 10, most: 500 };

    #[test]
    fn sizes_are_read_as_kratos_reads_them() {
        for (text, expected) in [("", 10), ("0", 10), ("-7", 10), ("7", 7), ("501", 500), ("9223372036854775807", 500)]
        {
            assert_eq!(SIZES.read(text), Ok(expected), "{text}");
        }
        assert!(SIZES.read("x").is_err() && SIZES.read("1.5").is_err() && SIZES.read("99999999999999999999").is_err());
        for (text, expected) in [("", 10), ("x", 10), ("0", 1), ("-7", 1), ("7", 7), ("501", 500)] {
            assert_eq!(SIZES.read_numbered(text), expected, "{text}");
        }
    }
}
