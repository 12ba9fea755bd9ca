//! Removing rows that nobody needs any more, a few at a time.
//!
//! Kratos' tables have no index on the time by which rows are out of date, and Zelus adds none to them. So rows are looked
//! for by a read, which holds up no writer, and then removed by their ids. What is removed is checked once more: several
//! nodes may do this at once, and each row goes but once.

use model::{Timestamp, Uuid};

use crate::error::CommitError;
use crate::own_tables::OwnTable;
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
    /// Tokens that others have taken the place of, once they are worth nothing.
    SupersededTokens,
    /// Sessions that have expired, with their devices.
    ExpiredSessions,
    /// Sessions that were ended, by when that was, with their devices.
    EndedSessions,
    /// Messages that were delivered or given up, by when that was, with the tries to deliver them.
    FinishedMessages,
    /// Counters and marks of the guard, once they have expired.
    GuardRows,
    /// What messages say that were delivered or given up, by when they were queued: codes and links. The rows stay, and say
    /// what was sent to whom.
    MessageTexts,
}

/// How rows of a table are found and removed. In both statements `?2` is the time at or before which they were out of date.
struct Statements {
    find: Statement,
    remove: Statement,
}

/// The statements for the rows of `$table` that meet `$condition`, or else have expired; named after `$what`. They are
/// deleted, or else what `$remove` says is done to them.
macro_rules! outdated {
    ($what:literal, $table:literal) => {
        outdated!($what, $table, "expires_at <= ?2")
    };
    ($what:literal, $table:literal, $condition:literal) => {
        outdated!($what, $table, $condition, "DELETE FROM ")
    };
    ($what:literal, $table:literal, $condition:literal, $remove:literal $(, $set:literal)?) => {{
        static STATEMENTS: Statements = Statements {
            find: Statement::new(
                concat!($what, ".find_outdated"),
                concat!("SELECT id FROM ", $table, " WHERE +nid = ?1 AND ", $condition, " LIMIT ?3"),
            ),
            remove: Statement::new(
                concat!($what, ".remove_outdated"),
                concat!($remove, $table, $($set,)? " WHERE nid = ?1 AND id = ?3 AND ", $condition),
            ),
        };
        &STATEMENTS
    }};
}

/// Every statement of this file.
pub(crate) fn statements() -> impl Iterator<Item = &'static Statement> {
    Outdated::ALL.into_iter().filter_map(Outdated::statements).flat_map(|Statements { find, remove }| [find, remove])
}

impl Outdated {
    /// All kinds, in the order in which they are best removed: flows before the codes that go with them.
    pub const ALL: [Self; 20] = [
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
        Self::SupersededTokens,
        Self::ExpiredSessions,
        Self::EndedSessions,
        Self::FinishedMessages,
        Self::GuardRows,
        Self::MessageTexts,
    ];

    /// What people call them.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoginFlows => "login flows",
            Self::RegistrationFlows => "registration flows",
            Self::SettingsFlows => "settings flows",
            Self::RecoveryFlows => "recovery flows",
            Self::VerificationFlows => "verification flows",
            Self::LoginCodes => "login codes",
            Self::RegistrationCodes => "registration codes",
            Self::RecoveryCodes => "recovery codes",
            Self::RecoveryTokens => "recovery links",
            Self::VerificationCodes => "verification codes",
            Self::VerificationTokens => "verification links",
            Self::ContinuityContainers => "what browsers left unfinished",
            Self::Errors => "errors",
            Self::TokenExchanges => "session token exchanges",
            Self::ExpiredSessions => "expired sessions",
            Self::EndedSessions => "ended sessions",
            Self::FinishedMessages => "messages that were sent or given up",
            Self::GuardRows => "failed tries",
            Self::SupersededTokens => "tokens whose place others took",
            Self::MessageTexts => "texts of messages",
        }
    }

    /// The table of ours that they are in; `None` for one of Kratos'.
    const fn own_table(self) -> Option<OwnTable> {
        match self {
            Self::GuardRows => Some(OwnTable::Guard),
            Self::SupersededTokens => Some(OwnTable::SupersededTokens),
            _ => None,
        }
    }

    /// `None` for rows whose statement is among those of their table.
    fn statements(self) -> Option<&'static Statements> {
        Some(match self {
            Self::LoginFlows => outdated!("login_flows", "selfservice_login_flows"),
            Self::RegistrationFlows => outdated!("registration_flows", "selfservice_registration_flows"),
            Self::SettingsFlows => outdated!("settings_flows", "selfservice_settings_flows"),
            Self::RecoveryFlows => outdated!("recovery_flows", "selfservice_recovery_flows"),
            Self::VerificationFlows => outdated!("verification_flows", "selfservice_verification_flows"),
            Self::LoginCodes => outdated!("login_codes", "identity_login_codes"),
            Self::RegistrationCodes => outdated!("registration_codes", "identity_registration_codes"),
            Self::RecoveryCodes => outdated!("recovery_codes", "identity_recovery_codes"),
            Self::RecoveryTokens => outdated!("recovery_tokens", "identity_recovery_tokens"),
            Self::VerificationCodes => outdated!("verification_codes", "identity_verification_codes"),
            Self::VerificationTokens => outdated!("verification_tokens", "identity_verification_tokens"),
            Self::ContinuityContainers => outdated!("continuity_containers", "continuity_containers"),
            Self::Errors => outdated!("selfservice_errors", "selfservice_errors", "created_at <= ?2"),
            Self::TokenExchanges => {
                outdated!("session_token_exchanges", "session_token_exchanges", "created_at <= ?2")
            }
            Self::SupersededTokens => outdated!("superseded_tokens", "zelus_superseded_tokens"),
            Self::EndedSessions => outdated!("ended_sessions", "sessions", "active = FALSE AND updated_at <= ?2"),
            Self::FinishedMessages => {
                outdated!("courier_messages", "courier_messages", "status IN (2, 4) AND updated_at <= ?2")
            }
            Self::MessageTexts => outdated!(
                "courier_message_texts",
                "courier_messages",
                "status IN (2, 4) AND created_at <= ?2 AND (body <> '' OR subject <> '' OR template_data IS NOT NULL)",
                "UPDATE ",
                " SET body = '', subject = '', template_data = NULL"
            ),
            // These have an index on that time, so one statement finds and removes them.
            Self::ExpiredSessions | Self::GuardRows => return None,
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
        if let Some(table) = rows.own_table()
            && !self.has_own_table(table).await?
        {
            return Ok(0);
        }
        let Some(Statements { find, remove }) = rows.statements() else {
            return match rows {
                Outdated::GuardRows => self.remove_expired_guard_rows(before, limit).await,
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
