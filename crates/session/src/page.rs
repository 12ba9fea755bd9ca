//! Pages of lists, in the two ways of Kratos' API: by number or offset for the sessions of one identity, by position for
//! the sessions of all.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use model::{Id, Problem, Session, Timestamp};
use store::SessionPosition;
use url::form_urlencoded;

const DEFAULT_SIZE: i64 = 250;
const MAX_SIZE: i64 = 1000;
/// The longest page token that is looked at, in bytes.
const MAX_TOKEN: usize = 256;

/// Where Kratos' list of all sessions begins: later than any session.
const BEGINNING: Timestamp = Timestamp::constant(7_289_654_399, 0);

/// One page of a list, and what its headers say.
#[derive(Debug)]
pub struct Page<T> {
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

/// The paging parameters of `GET /sessions` and `GET /admin/identities/{id}/sessions`, as they were sent.
#[derive(Clone, Debug, Default)]
pub struct PageQuery {
    pub page: Option<String>,
    pub per_page: Option<String>,
    pub page_size: Option<String>,
    pub page_token: Option<String>,
}

impl PageQuery {
    /// The number of the page and its size. What cannot be read is left out, as in Kratos.
    pub fn parse(&self) -> (i64, i64) {
        let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<i64>().ok());
        let size = |text| number(text).unwrap_or(DEFAULT_SIZE).clamp(1, MAX_SIZE);
        if self.page_token.is_some() || self.page_size.is_some() {
            let size = size(&self.page_size);
            let offset = self.page_token.as_deref().and_then(offset_of_token).unwrap_or(0);
            ((offset / size).max(0), size)
        } else {
            (number(&self.page).unwrap_or(0).clamp(0, i64::MAX / MAX_SIZE / 2), size(&self.per_page))
        }
    }
}

/// Where a page begins. Kratos counts pages from one here and from zero in its links, so pages 0 and 1 are the same.
pub(crate) fn offset(page: i64, size: i64) -> i64 {
    (page - 1).max(0) * size
}

/// A page by number, with Kratos' links.
pub fn offset_page<T>(items: Vec<T>, total: i64, page: i64, size: i64) -> Page<T> {
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

/// Reads the position and the size of a page of all sessions.
pub(crate) fn parse_keyset(token: Option<&str>, size: Option<&str>) -> Result<(SessionPosition, i64), Problem> {
    let after = match token {
        None | Some("") => SessionPosition { created_at: BEGINNING, id: Id::from_uuid(model::Uuid::nil()) },
        Some(token) => position_of_token(token).ok_or_else(|| {
            Problem::new(400).message("\"page_token\" is not valid. Please start from the first page.")
        })?,
    };
    let size = match size {
        None | Some("") => 0,
        Some(size) => {
            size.parse::<i64>().map_err(|_| Problem::new(400).message("\"page_size\" is not a whole number."))?
        }
    };
    let size = if size <= 0 { DEFAULT_SIZE } else { size.min(MAX_SIZE) };
    Ok((after, size))
}

pub(crate) fn position_of(session: &Session) -> SessionPosition {
    SessionPosition { created_at: session.created_at, id: session.id }
}

/// A page of all sessions. `last` is its last row if another page follows.
pub(crate) fn keyset_page<T>(items: Vec<T>, last: Option<SessionPosition>, size: i64) -> Page<T> {
    let link = |rel, position: SessionPosition| PageLink {
        rel,
        parameters: vec![("page_token", token_of_position(position)), ("page_size", size.to_string())],
    };
    let first = SessionPosition { created_at: BEGINNING, id: Id::from_uuid(model::Uuid::nil()) };
    let mut links = vec![link("first", first)];
    links.extend(last.map(|last| link("next", last)));
    Page { items, total: None, links }
}

/// Kratos' form, but with the whole fraction of the second: Kratos cuts it to five digits, and so may leave out sessions
/// that were made within the same hundredth of a millisecond.
fn token_of_position(position: SessionPosition) -> String {
    let time = position.created_at.to_string();
    let time = time.trim_end_matches('Z').replace('T', " ");
    BASE64_STANDARD_NO_PAD.encode(format!("id={}/created_at={time}", position.id))
}

fn position_of_token(token: &str) -> Option<SessionPosition> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    // A plus sign that was not escaped arrives as a blank.
    let token = BASE64_STANDARD_NO_PAD.decode(token.replace(' ', "+")).ok()?;
    let token = String::from_utf8(token).ok()?;
    let get = |name| token.split('/').filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name);
    let id = get("id")?.1.parse().ok()?;
    let created_at = get("created_at").map_or(Some(BEGINNING), |(_, time)| {
        format!("{}Z", time.trim_end_matches('Z').replace(' ', "T")).parse().ok()
    })?;
    Some(SessionPosition { created_at, id })
}

/// A query as Go writes it.
pub(crate) fn encode_query<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut parameters: Vec<_> = parameters.into_iter().collect();
    parameters.sort_by_key(|(key, _)| *key);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    // The two characters that Go and the URL standard disagree on.
    query.replace('*', "%2A").replace("%7E", "~")
}

/// The query parameters of a URL.
pub(crate) fn query_of(url: &str) -> Vec<(String, String)> {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let query = url.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
