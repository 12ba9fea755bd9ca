//! Removing rows that nobody needs any more, a few at a time.
//!
//! Kratos' tables have no index on the time by which rows are out of date, and Zelus adds none to them. So rows are looked
//! for by a read, which holds up no writer, and then removed by their ids. What is removed is checked once more: several
//! nodes may do this at once, and each row goes but once.

use model::{Timestamp, Uuid};

use crate::error::CommitError;
use crate::statement::Statement;
use crate::{Store, Tx};

/// Rows that are out of date at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outdated {
    /// Sign-in flows that have expired, with the codes that were sent for them.
    LoginFlows,
    /// Sign-up flows that have expired, with the codes that were sent for them.
    RegistrationFlows,
    /// Settings flows that have expired.
    SettingsFlows,
    /// Recovery flows that have expired, with the codes and links that were sent for them.
    RecoveryFlows,
    /// Verification flows that have expired, with the codes and links that were sent for them.
    VerificationFlows,
    /// Codes to sign in that have expired, whose flows have not.
    LoginCodes,
    /// Codes to sign up that have expired, whose flows have not.
    RegistrationCodes,
    /// Codes to win back access that have expired, whose flows have not.
    RecoveryCodes,
    /// Links to win back access that have expired, whose flows have not.
    RecoveryTokens,
    /// Codes to verify an address that have expired, whose flows have not.
    VerificationCodes,
    /// Links to verify an address that have expired, whose flows have not.
    VerificationTokens,
    /// What browsers have left unfinished, once it is too late to go on with it.
    ContinuityContainers,
    /// Errors that browsers were shown, by when they were made.
    Errors,
    /// Exchanges of codes for a session, by when they were prepared.
    TokenExchanges,
    /// Sessions that have expired, with their devices.
    ExpiredSessions,
    /// Sessions that were ended, by when that was, with their devices.
    EndedSessions,
    /// Messages that were delivered or given up, by when that was, with the tries to deliver them.
    FinishedMessages,
}

/// How rows of a table are found and removed. In both statements `?2` is the time at or before which they were out of date.
struct Statements {
    find: Statement,
    remove: Statement,
}

/// The statements for the rows of `$table` that meet `$condition`, named after `$what`.
macro_rules! outdated {
    ($what:literal, $table:literal, $condition:literal) => {
        Statements {
            find: Statement::new(
                concat!($what, ".find_outdated"),
                concat!("SELECT id FROM ", $table, " WHERE +nid = ?1 AND ", $condition, " LIMIT ?3"),
            ),
            remove: Statement::new(
                concat!($what, ".remove_outdated"),
                concat!("DELETE FROM ", $table, " WHERE nid = ?1 AND id = ?3 AND ", $condition),
            ),
        }
    };
}

static LOGIN_FLOWS: Statements = outdated!("login_flows", "selfservice_login_flows", "expires_at <= ?2");
static REGISTRATION_FLOWS: Statements =
    outdated!("registration_flows", "selfservice_registration_flows", "expires_at <= ?2");
static SETTINGS_FLOWS: Statements = outdated!("settings_flows", "selfservice_settings_flows", "expires_at <= ?2");
static RECOVERY_FLOWS: Statements = outdated!("recovery_flows", "selfservice_recovery_flows", "expires_at <= ?2");
static VERIFICATION_FLOWS: Statements =
    outdated!("verification_flows", "selfservice_verification_flows", "expires_at <= ?2");
static LOGIN_CODES: Statements = outdated!("login_codes", "identity_login_codes", "expires_at <= ?2");
static REGISTRATION_CODES: Statements =
    outdated!("registration_codes", "identity_registration_codes", "expires_at <= ?2");
static RECOVERY_CODES: Statements = outdated!("recovery_codes", "identity_recovery_codes", "expires_at <= ?2");
static RECOVERY_TOKENS: Statements = outdated!("recovery_tokens", "identity_recovery_tokens", "expires_at <= ?2");
static VERIFICATION_CODES: Statements =
    outdated!("verification_codes", "identity_verification_codes", "expires_at <= ?2");
static VERIFICATION_TOKENS: Statements =
    outdated!("verification_tokens", "identity_verification_tokens", "expires_at <= ?2");
static CONTINUITY_CONTAINERS: Statements =
    outdated!("continuity_containers", "continuity_containers", "expires_at <= ?2");
static ERRORS: Statements = outdated!("selfservice_errors", "selfservice_errors", "created_at <= ?2");
static ENDED_SESSIONS: Statements = outdated!("ended_sessions", "sessions", "active = FALSE AND updated_at <= ?2");
static FINISHED_MESSAGES: Statements =
    outdated!("courier_messages", "courier_messages", "status IN (2, 4) AND updated_at <= ?2");

/// Every statement of this file.
pub(crate) fn statements() -> impl Iterator<Item = &'static Statement> {
    Outdated::ALL.into_iter().filter_map(Outdated::statements).flat_map(|Statements { find, remove }| [find, remove])
}

impl Outdated {
    /// All kinds, in the order in which they are best removed: flows before the codes that go with them.
    pub const ALL: [Self; 17] = [
        Self::LoginFlows,
        Self::RegistrationFlows,
        Self::SettingsFlows,
        Self::RecoveryFlows,
        Self::VerificationFlows,
        Self::LoginCodes,
        Self::RegistrationCodes,
        Self::RecoveryCodes,
        Self::RecoveryTokens,
        Self::VerificationCodes,
        Self::VerificationTokens,
        Self::ContinuityContainers,
        Self::Errors,
        Self::TokenExchanges,
        Self::ExpiredSessions,
        Self::EndedSessions,
        Self::FinishedMessages,
    ];

    /// `None` for rows that have statements among those of their table.
    fn statements(self) -> Option<&'static Statements> {
        Some(match self {
            Self::LoginFlows => &LOGIN_FLOWS,
            Self::RegistrationFlows => &REGISTRATION_FLOWS,
            Self::SettingsFlows => &SETTINGS_FLOWS,
            Self::RecoveryFlows => &RECOVERY_FLOWS,
            Self::VerificationFlows => &VERIFICATION_FLOWS,
            Self::LoginCodes => &LOGIN_CODES,
            Self::RegistrationCodes => &REGISTRATION_CODES,
            Self::RecoveryCodes => &RECOVERY_CODES,
            Self::RecoveryTokens => &RECOVERY_TOKENS,
            Self::VerificationCodes => &VERIFICATION_CODES,
            Self::VerificationTokens => &VERIFICATION_TOKENS,
            Self::ContinuityContainers => &CONTINUITY_CONTAINERS,
            Self::Errors => &ERRORS,
            Self::EndedSessions => &ENDED_SESSIONS,
            Self::FinishedMessages => &FINISHED_MESSAGES,
            Self::TokenExchanges | Self::ExpiredSessions => return None,
        })
    }
}

impl Store {
    /// Removes up to `limit` rows that were out of date at or before `before`, and says how many it found: fewer than
    /// `limit` are the last.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn remove_outdated(&self, rows: Outdated, before: Timestamp, limit: u32) -> Result<usize, CommitError> {
        let Some(Statements { find, remove }) = rows.statements() else {
            return match rows {
                Outdated::TokenExchanges => self.delete_old_token_exchanges(before, limit.into()).await,
                _ => self.delete_expired_sessions(before, limit.into()).await,
            };
        };
        let found = self.fetch_apart(find, &[before.into(), i64::from(limit).into()]).await?;
        let mut ids: Vec<Uuid> = found.iter().map(|row| row.columns().next()).collect::<Result<_, _>>()?;
        if ids.is_empty() {
            return Ok(0);
        }
        // Nodes that remove the same rows take them in the same order, so that none waits for another in a circle.
        ids.sort_unstable();
        let mut tx = Tx::new();
        for id in &ids {
            tx.run(remove, [before.into(), (*id).into()]);
        }
        self.commit(tx).await?;
        Ok(ids.len())
    }
}
