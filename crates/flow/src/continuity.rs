//! What a browser has left unfinished and comes back to: a change that waits for a fresh sign-in, say.
//!
//! The cookie `ory_kratos_continuity` says what there is: names, each with the id of a row. The row holds what is needed to
//! go on; it is good once, for a short time, and for one person only.

use std::collections::BTreeMap;

use model::{IdentityId, Problem, RawJson, SignedDuration, Uuid};
use serde_json::Value;
use store::{CommitError, ContinuityContainer, Tx};

use crate::context::Context;

/// The value of the cookie as it is to be set.
#[derive(Clone)]
pub struct ContinuityCookie(pub String);

/// What is to be kept.
pub struct Pause<'a> {
    /// The name under which the browser finds it again.
    pub name: &'a str,
    /// Who may go on; anybody with the cookie when `None`.
    pub identity: Option<IdentityId>,
    /// How long it is good for.
    pub lifespan: SignedDuration,
}

/// Keeps something until the browser comes back. `payload` is told the id under which it is kept.
///
/// # Errors
/// 400 when the browser has left more unfinished than a cookie holds.
pub fn pause(
    cx: Context<'_>,
    what: &Pause<'_>,
    payload: impl FnOnce(Uuid) -> Value,
    tx: &mut Tx,
) -> Result<ContinuityCookie, Problem> {
    let (id, now) = (cx.entropy.uuid(), cx.now());
    let mut entries = entries(cx);
    if let Some(replaced) = entries.insert(what.name.to_owned(), id.to_string()).and_then(|id| id.parse().ok()) {
        tx.delete_continuity_container(replaced);
    }
    if let Some(identity) = what.identity {
        tx.delete_expired_continuity_containers(identity, now);
    }
    tx.insert_continuity_container(&ContinuityContainer {
        id,
        name: what.name.to_owned(),
        identity_id: what.identity,
        payload: RawJson::from_value(&payload(id)),
        expires_at: now + what.lifespan,
        created_at: now,
    });
    cookie(cx, &entries)
}

/// Finds what the browser has left unfinished under `name`, if `identity` may go on with it, and leaves it there.
///
/// # Errors
/// When the database fails.
pub async fn find(
    cx: Context<'_>,
    name: &str,
    identity: Option<IdentityId>,
) -> Result<Option<ContinuityContainer>, Problem> {
    let Some(id) = entries(cx).get(name).and_then(|id| id.parse().ok()) else { return Ok(None) };
    let found = cx.services.store.continuity_container(id).await?;
    let may_go_on = |container: &ContinuityContainer| {
        container.name == name
            && container.expires_at > cx.now()
            && (identity.is_none() || container.identity_id == identity)
    };
    Ok(found.filter(may_go_on))
}

/// Uses up what [`find`] found. `None` if somebody else was first.
///
/// # Errors
/// When the database fails.
pub async fn use_up(cx: Context<'_>, container: &ContinuityContainer) -> Result<Option<ContinuityCookie>, Problem> {
    let mut tx = Tx::new();
    tx.use_continuity_container(container.id);
    match cx.services.store.commit(tx).await {
        Ok(()) => {
            let mut entries = entries(cx);
            entries.remove(&container.name);
            cookie(cx, &entries).map(Some)
        }
        Err(CommitError::Spent(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Forgets all that the browser has left unfinished under names that begin with `prefix`. `None` if there is nothing.
///
/// # Errors
/// Never in practice: what is left of a cookie fits into a cookie.
pub fn forget(cx: Context<'_>, prefix: &str, tx: &mut Tx) -> Result<Option<ContinuityCookie>, Problem> {
    if cx.request.continuity_cookie.is_none() {
        return Ok(None);
    }
    let mut entries = entries(cx);
    let count = entries.len();
    entries.retain(|name, id| {
        let is_kept = !name.starts_with(prefix);
        if let (false, Ok(id)) = (is_kept, id.parse()) {
            tx.delete_continuity_container(id);
        }
        is_kept
    });
    match entries.len() < count {
        true => cookie(cx, &entries).map(Some),
        false => Ok(None),
    }
}

/// What the cookie says. One that cannot be read says nothing: it is replaced when there is something to say.
fn entries(cx: Context<'_>) -> BTreeMap<String, String> {
    let value = cx.request.continuity_cookie.as_deref();
    value.and_then(|value| cx.services.continuity_codec().decode(cx.now(), value).ok()).unwrap_or_default()
}

fn cookie(cx: Context<'_>, entries: &BTreeMap<String, String>) -> Result<ContinuityCookie, Problem> {
    let value = cx.services.continuity_codec().encode(cx.now(), &cx.entropy, entries);
    value.map(ContinuityCookie).map_err(|error| {
        Problem::bad_request("This browser has left too much unfinished. Please delete its cookies of this site.")
            .log(error)
    })
}
