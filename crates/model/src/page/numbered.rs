//! Pages by number, or by an offset in a token.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::{Page, PageLink, Sizes};

/// The longest page token that is looked at, in bytes.
const MAX_TOKEN: usize = 256;

/// The parameters of numbered pages, as they were sent.
#[derive(Clone, Debug, Default)]
pub struct PageQuery {
    /// The number of the page, beside `per_page`.
    pub page: Option<String>,
    /// The number of entries, beside `page`.
    pub per_page: Option<String>,
    /// The number of entries, beside `page_token`. Where one of these two is set, the others are not looked at.
    pub page_size: Option<String>,
    /// The token of a link to the page, which holds an offset.
    pub page_token: Option<String>,
}

impl PageQuery {
    /// The number of the page and its size. What cannot be read is left out, as in Kratos.
    pub fn parse(&self, sizes: Sizes) -> (i64, i64) {
        let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<i64>().ok());
        let size = |text: &Option<String>| i64::from(sizes.read_numbered(text.as_deref().unwrap_or_default()));
        if self.page_token.is_some() || self.page_size.is_some() {
            let size = size(&self.page_size);
            let offset = self.page_token.as_deref().and_then(offset_of_token).unwrap_or(0);
            ((offset / size).max(0), size)
        } else {
            (number(&self.page).unwrap_or(0).clamp(0, i64::MAX / i64::from(sizes.most) / 2), size(&self.per_page))
        }
    }
}

/// Where a page begins. Kratos counts pages from one here and from zero in its links, so pages 0 and 1 are the same.
pub fn offset(page: i64, size: i64) -> i64 {
    (page - 1).max(0) * size
}

/// A page by number, with Kratos' links.
pub fn numbered_page<T>(items: Vec<T>, total: i64, page: i64, size: i64) -> Page<T> {
    let offset = page * size;
    let last = if total % size == 0 { total - size } else { total / size * size };
    let (next, prev) = ((page + 1) * size, (page - 1) * size);
    let link = |rel, offset: i64| offset_link(rel, size, offset);
    let links = if offset < last {
        if offset < size {
            vec![link("next", size), link("last", last)]
        } else {
            vec![link("first", 0), link("next", next), link("prev", prev), link("last", last)]
        }
    } else if total == 0 {
        vec![link("first", 0), link("next", next), link("prev", prev)]
    } else if total <= size {
        vec![offset_link("first", total, 0)]
    } else {
        vec![link("first", 0), link("prev", last - size)]
    };
    Page { items, total: Some(total), links }
}

fn offset_link(rel: &'static str, size: i64, offset: i64) -> PageLink {
    let token = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"offset":"{offset}","v":2}}"#));
    let parameters = vec![
        ("page_size", size.to_string()),
        ("page_token", token),
        ("per_page", size.to_string()),
        ("page", (offset / size).to_string()),
    ];
    PageLink { rel, parameters }
}

fn offset_of_token(token: &str) -> Option<i64> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let token: serde_json::Value = serde_json::from_slice(&token).ok()?;
    let offset = token.get("offset")?;
    offset.as_i64().or_else(|| offset.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The links of a page by number, without tokens: `rel page/size` each.
    fn links(total: i64, page: i64, size: i64) -> Vec<String> {
        let page = numbered_page::<()>(Vec::new(), total, page, size);
        let value = |link: &PageLink, key| {
            link.parameters.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        page.links
            .iter()
            .map(|link| format!("{} {}/{}", link.rel, value(link, "page"), value(link, "per_page")))
            .collect()
    }

    #[test]
    fn links_by_number_are_those_of_kratos() {
        assert_eq!(links(2, 0, 250), ["first 0/2"]);
        assert_eq!(links(2, 1, 1), ["first 0/1", "prev 0/1"]);
        assert_eq!(links(2, 0, 1), ["next 1/1", "last 1/1"]);
        assert_eq!(links(10, 2, 2), ["first 0/2", "next 3/2", "prev 1/2", "last 4/2"]);
        assert_eq!(links(10, 9, 2), ["first 0/2", "prev 3/2"]);
        assert_eq!(links(0, 0, 250), ["first 0/250", "next 1/250", "prev -1/250"]);
        assert_eq!((offset(0, 10), offset(1, 10), offset(2, 10)), (0, 0, 10));
    }

    #[test]
    fn the_link_header_keeps_the_rest_of_the_query() {
        let page = numbered_page::<()>(Vec::new(), 2, 1, 1);
        let token = "eyJvZmZzZXQiOiIwIiwidiI6Mn0";
        assert_eq!(
            page.link_header("/sessions", "page=1&per_page=1&x=~%2A"),
            format!(
                "</sessions?page=0&page_size=1&page_token={token}&per_page=1&x=~%2A>; rel=\"first\",\
                 </sessions?page=0&page_size=1&page_token={token}&per_page=1&x=~%2A>; rel=\"prev\""
            )
        );
    }

    #[test]
    fn page_parameters_are_read_as_kratos_reads_them() {
        let text = |text: &str| Some(text.to_owned());
        let by_page = |page, per_page| PageQuery { page, per_page, ..PageQuery::default() }.parse(Sizes::USUAL);
        let by_token =
            |page_token, page_size| PageQuery { page_token, page_size, ..PageQuery::default() }.parse(Sizes::USUAL);
        assert_eq!(by_page(None, None), (0, 250));
        assert_eq!(by_page(text("3"), text("10")), (3, 10));
        assert_eq!(by_page(text("-3"), text("5000")), (0, 1000));
        assert_eq!(by_page(text("x"), text("0")), (0, 1));
        assert_eq!(by_page(text("9223372036854775807"), None).1, 250);
        assert_eq!(by_token(text("eyJvZmZzZXQiOiI1MDAiLCJ2IjoyfQ"), None), (2, 250));
        assert_eq!(by_token(text("eyJvZmZzZXQiOiI1MDAiLCJ2IjoyfQ"), text("100")), (5, 100));
        assert_eq!(by_token(text("garbage"), text("x")), (0, 250));
        let both = PageQuery { page: text("7"), page_size: text("5"), ..PageQuery::default() };
        assert_eq!(both.parse(Sizes::USUAL), (0, 5), "the newer parameters win");
    }
}
