//! Pages of all sessions: by position, in tokens of Kratos' form. (Those of one identity are numbered, as
//! [`model::page::PageQuery`] reads them.)

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use model::page::{Page, PageLink, Sizes};
use model::{Id, Problem, Session, Timestamp};
use store::SessionPosition;

/// The longest page token that is looked at, in bytes.
const MAX_TOKEN: usize = 256;

/// Where Kratos' list of all sessions begins: later than any session.
const BEGINNING: Timestamp = Timestamp::constant(7_289_654_399, 0);

/// Reads the position and the size of a page of all sessions.
pub(crate) fn parse_keyset(token: Option<&str>, size: Option<&str>) -> Result<(SessionPosition, i64), Problem> {
    let after = match token {
        None | Some("") => SessionPosition { created_at: BEGINNING, id: Id::from_uuid(model::Uuid::nil()) },
        Some(token) => position_of_token(token).ok_or_else(|| {
            Problem::new(400).message("\"page_token\" is not valid. Please start from the first page.")
        })?,
    };
    let size = Sizes::USUAL.read(size.unwrap_or_default());
    let size = size.map_err(|_| Problem::new(400).message("\"page_size\" is not a whole number."))?;
    Ok((after, size.into()))
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
