//! What operators may do with sessions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::go::parse_bool;
use model::page::{Page, PageQuery, Sizes, numbered_page, offset};
use model::{Cx, Identity, IdentityId, Problem, Session};
use store::{Extension, IdentityFilter, IdentityPage, SessionFilter};

use crate::Sessions;
use crate::page;

/// What is shown of a session besides itself (`expand`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expand {
    /// Whether the identity is shown.
    pub identity: bool,
    /// Whether the devices are shown.
    pub devices: bool,
}

impl Expand {
    /// Reads the values of all `expand` parameters, in any case.
    ///
    /// # Errors
    /// 400 for a value that is neither `identity` nor `devices`.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, Problem> {
        let mut expand = Self::default();
        for value in values {
            match value.to_ascii_lowercase().as_str() {
                "identity" => expand.identity = true,
                "devices" => expand.devices = true,
                _ => return Err(Problem::bad_request("\"expand\" can be \"identity\" or \"devices\".")),
            }
        }
        Ok(expand)
    }
}

/// The query of `GET /admin/sessions`, as it was sent.
#[derive(Clone, Debug, Default)]
pub struct AdminListQuery {
    /// Whether the living or the ended ones are shown, as a boolean of Go's; both if missing or empty.
    pub active: Option<String>,
    /// The number of entries.
    pub page_size: Option<String>,
    /// The position that the page begins after.
    pub page_token: Option<String>,
    /// What is shown of each; see [`Expand`].
    pub expand: Vec<String>,
}

impl Sessions {
    /// `GET /admin/sessions`: everyone's sessions, the newest first.
    ///
    /// # Errors
    /// 400 for a parameter that cannot be read.
    pub async fn list_all(&self, cx: &Cx, query: &AdminListQuery) -> Result<Page<Session>, Problem> {
        let active = parse_active(query.active.as_deref())?;
        let (after, size) = page::parse_keyset(query.page_token.as_deref(), query.page_size.as_deref())?;
        let expand = Expand::parse(query.expand.iter().map(String::as_str))?;

        let filter = SessionFilter { active, except: None };
        // One more than asked for tells whether there is a next page.
        let mut sessions = self.store().sessions(filter, cx.now(), after, size + 1).await?;
        let more = sessions.len() > usize::try_from(size).unwrap_or(usize::MAX);
        if more {
            sessions.pop();
        }
        let last = sessions.last().filter(|_| more).map(page::position_of);
        sessions.iter_mut().for_each(|session| show(session, expand, None));
        if expand.identity {
            self.add_identities(&mut sessions).await?;
        }
        Ok(page::keyset_page(sessions, last, size))
    }

    /// Adds their identities to sessions; those of one person share it. As in Kratos, addresses are shown with a single
    /// session only.
    async fn add_identities(&self, sessions: &mut [Session]) -> Result<(), Problem> {
        let ids: HashSet<IdentityId> = sessions.iter().map(|session| session.identity_id).collect();
        let page = IdentityPage::Number { page: 0, size: u32::try_from(ids.len()).unwrap_or(u32::MAX) };
        let filter = IdentityFilter::Ids(ids.into_iter().collect());
        let found = self.store().list_identities(&filter, page, false).await?.identities.into_iter();
        let bare = |identity| Identity { verifiable_addresses: Vec::new(), recovery_addresses: Vec::new(), ..identity };
        let identities: HashMap<_, _> = found.map(|identity| (identity.id, Arc::new(bare(identity)))).collect();
        for session in sessions {
            session.identity = identities.get(&session.identity_id).cloned();
        }
        Ok(())
    }

    /// `GET /admin/sessions/{id}`.
    ///
    /// # Errors
    /// 400 when `id` is malformed, 404 when there is no such session.
    pub async fn get(&self, id: &str, expand: Expand) -> Result<Session, Problem> {
        let mut session = self.store().session(parse_id(id)?).await?.ok_or_else(Problem::not_found)?;
        show(&mut session, expand, Some(Vec::new()));
        Ok(session)
    }

    /// `DELETE /admin/sessions/{id}`: ends a session.
    ///
    /// # Errors
    /// 400 when `id` is malformed, 404 when there is no such session.
    pub async fn revoke(&self, cx: &Cx, id: &str) -> Result<(), Problem> {
        let ended = self.store().revoke_session(parse_id(id)?, cx.now()).await?;
        ended.map(drop).ok_or_else(Problem::not_found)
    }

    /// `PATCH /admin/sessions/{id}/extend`: makes a session last `session.lifespan` from now on, if no more than
    /// `session.earliest_possible_extend` is left of it. A session that is over stays over; Kratos brings expired ones
    /// back to life.
    ///
    /// # Errors
    /// 400 when `id` is malformed, 404 when there is no such session.
    pub async fn extend(&self, cx: &Cx, id: &str) -> Result<Session, Problem> {
        let lifespan = self.policy.lifespan;
        let earliest = self.policy.earliest_possible_extend;
        let outcome = self.store().extend_session(parse_id(id)?, cx.now(), lifespan, earliest).await?;
        match outcome {
            Extension::Unknown => Err(Problem::not_found()),
            Extension::Extended | Extension::Unchanged => self.get(id, Expand { identity: true, devices: false }).await,
        }
    }

    /// `GET /admin/identities/{id}/sessions`, to be shown with `IdentityView::Embedded`.
    ///
    /// # Errors
    /// 400 when `identity` or `active` cannot be read.
    pub async fn list_of_identity(
        &self,
        cx: &Cx,
        identity: &str,
        active: Option<&str>,
        page: &PageQuery,
    ) -> Result<Page<Session>, Problem> {
        let identity = parse_id(identity)?;
        let filter = SessionFilter { active: parse_active(active)?, except: None };
        let mut page = self.page_of_identity(cx, identity, filter, page).await?;
        if !page.items.is_empty() {
            self.add_identities(&mut page.items).await?;
        }
        Ok(page)
    }

    /// `DELETE /admin/identities/{id}/sessions`: removes all sessions of an identity for good.
    ///
    /// # Errors
    /// 400 when `identity` is malformed, 404 when it has no sessions.
    pub async fn delete_of_identity(&self, identity: &str) -> Result<(), Problem> {
        let removed = self.store().delete_sessions_of_identity(parse_id(identity)?).await?;
        if removed == 0 { Err(Problem::not_found()) } else { Ok(()) }
    }

    /// A page of an identity's sessions, without the identity.
    pub(crate) async fn page_of_identity(
        &self,
        cx: &Cx,
        identity: IdentityId,
        filter: SessionFilter,
        query: &PageQuery,
    ) -> Result<Page<Session>, Problem> {
        let (page, size) = query.parse(Sizes::USUAL);
        let total = self.store().count_sessions_of_identity(identity, filter, cx.now()).await?;
        let offset = offset(page, size);
        let sessions = self.store().sessions_of_identity(identity, filter, cx.now(), offset, size).await?;
        Ok(numbered_page(sessions, total, page, size))
    }
}

/// Leaves only what was asked for.
fn show(session: &mut Session, expand: Expand, no_devices: Option<Vec<model::Device>>) {
    if !expand.identity {
        session.identity = None;
    }
    if !expand.devices {
        session.devices = no_devices;
    }
}

/// Reads an identifier from a path.
pub(crate) fn parse_id<T: ?Sized>(id: &str) -> Result<model::Id<T>, Problem> {
    id.parse().map_err(|_| Problem::new(400).message("This is not a valid identifier (UUID)."))
}

/// Reads a truth value as Go does.
fn parse_active(value: Option<&str>) -> Result<Option<bool>, Problem> {
    let Some(text) = value.filter(|text| !text.is_empty()) else { return Ok(None) };
    let read = parse_bool(text).ok_or_else(|| Problem::new(400).message("\"active\" can be \"true\" or \"false\"."));
    read.map(Some)
}
