//! Hooks about sessions.

use flow::{Context, Hook, LoginInProgress, RecoveryInProgress, RegistrationInProgress, SettingsInProgress, Stop};
use model::FlowClient;
use model::wire::ContinueWith;
use store::Tx;

/// `session`: whoever signs up is signed in.
pub struct IssueSession;

impl Hook for IssueSession {
    fn signs_in(&self) -> bool {
        true
    }

    fn on_registration(
        &self,
        _: Context<'_>,
        progress: &mut RegistrationInProgress<'_>,
        _: &mut Tx,
    ) -> Result<(), Stop> {
        if progress.flow.client == FlowClient::Api
            && let Some(token) = &progress.session.token
        {
            let ory_session_token = token.expose().clone();
            progress.continue_with.push(ContinueWith::SetOrySessionToken { ory_session_token });
        }
        Ok(())
    }
}

/// `revoke_active_sessions`: a sign-in, a recovery or a change of settings ends all other sessions of the person.
pub struct RevokeOtherSessions;

impl Hook for RevokeOtherSessions {
    fn on_login(&self, cx: Context<'_>, progress: &mut LoginInProgress<'_>, tx: &mut Tx) -> Result<(), Stop> {
        tx.revoke_sessions_of_identity(progress.identity.id, Some(progress.session.id), cx.now());
        Ok(())
    }

    fn on_recovery(&self, cx: Context<'_>, progress: &RecoveryInProgress<'_>, tx: &mut Tx) -> Result<(), Stop> {
        tx.revoke_sessions_of_identity(progress.identity.id, Some(progress.session.id), cx.now());
        Ok(())
    }

    fn on_settings(&self, cx: Context<'_>, progress: &mut SettingsInProgress<'_>, tx: &mut Tx) -> Result<(), Stop> {
        tx.revoke_sessions_of_identity(progress.identity.id, Some(progress.session.id), cx.now());
        Ok(())
    }
}
