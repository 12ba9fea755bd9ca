//! What people may do with their own sessions.

use model::page::{Page, PageQuery};
use model::{Cx, Problem, Session};
use store::{SecondFactors, SessionFilter};

use crate::denied::not_signed_in;
use crate::{Denied, Found, Lookup, RequestCredentials, Sessions, StepUp};

impl Sessions {
    /// `GET /sessions`: the caller's other living sessions, to be shown with `IdentityView::Embedded`.
    ///
    /// # Errors
    /// When nobody is signed in, or not far enough.
    pub async fn list_own(
        &self,
        cx: &Cx,
        credentials: &RequestCredentials,
        page: &PageQuery,
    ) -> Result<Page<Session>, Denied> {
        let session = match self.find_to_read(cx, credentials, SecondFactors::Wanted).await? {
            Lookup::Found(found) => found.session,
            Lookup::Refused(refusal) => return Err(not_signed_in(&refusal).into()),
        };
        self.require_aal(&session, self.policy.whoami_aal, StepUp::default())?;
        let filter = SessionFilter { active: Some(true), except: Some(session.id) };
        let mut page = self.page_of_identity(cx, session.identity_id, filter, page).await?;
        page.items.iter_mut().for_each(|other| other.identity.clone_from(&session.identity));
        Ok(page)
    }

    /// `DELETE /sessions`: ends the caller's other sessions, and says how many there are, those that had ended before
    /// included.
    ///
    /// # Errors
    /// 401 without an id when nobody is signed in.
    pub async fn revoke_others(&self, cx: &Cx, credentials: &RequestCredentials) -> Result<usize, Problem> {
        let Found { session, .. } = self.signed_in(cx, credentials).await?;
        Ok(self.store().revoke_other_sessions(session.identity_id, session.id, cx.now()).await?)
    }

    /// `DELETE /sessions/{id}`: ends another session of the caller. Sessions that are not theirs, or not there, are left
    /// alone without a word.
    ///
    /// # Errors
    /// 401 without an id when nobody is signed in; 400 when `id` is malformed, or is the caller's current session.
    pub async fn revoke_own(&self, cx: &Cx, credentials: &RequestCredentials, id: &str) -> Result<(), Problem> {
        let Found { session, .. } = self.signed_in(cx, credentials).await?;
        let id = crate::admin::parse_id(id)?;
        if id == session.id {
            return Err(Problem::new(400).message("This is the session you are using. Please log out to end it."));
        }
        self.store().revoke_session_of_identity(id, session.identity_id, cx.now()).await?;
        Ok(())
    }

    async fn signed_in(&self, cx: &Cx, credentials: &RequestCredentials) -> Result<Found, Problem> {
        match self.find(cx, credentials).await? {
            Lookup::Found(found) => Ok(*found),
            Lookup::Refused(refusal) => Err(not_signed_in(&refusal)),
        }
    }
}
