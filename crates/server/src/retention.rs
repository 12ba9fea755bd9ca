//! How long rows are kept after they are out of date.

use config::{Config, Defaults};
use model::SignedDuration;
use store::Outdated;

/// How long what has expired is kept.
const KEEP_EXPIRED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long sessions are kept after their end and messages after their delivery, to be looked at.
const KEEP_RECORDS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long the two codes of an exchange may take to meet. Kratos means this too, but adds where it should subtract.
const EXCHANGE_LIFESPAN: SignedDuration = SignedDuration::from_hours(1);
/// How long messages keep their text after codes and links of their age have expired: clocks differ, and people ask.
const KEEP_TEXTS: SignedDuration = SignedDuration::from_hours(1);
/// How long errors are kept for whoever has the address of their page.
const KEEP_ERRORS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest that a sign-in or sign-up may take where no configuration says so; as in Kratos.
const LIFESPAN: SignedDuration = SignedDuration::from_hours(1);

/// How long rows are kept after they are out of date. `None` is for ever, and never is it less than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Flows, codes, links and what browsers left unfinished.
    expired: SignedDuration,
    /// Sessions that have expired.
    expired_sessions: Option<SignedDuration>,
    /// Sessions that were ended, and messages that were sent or given up.
    records: Option<SignedDuration>,
    /// What messages say, from when they were queued.
    texts: Option<SignedDuration>,
    /// The longest life of a flow that exchanges of codes belong to: they do not say themselves when they expire.
    exchanging: SignedDuration,
}

impl Retention {
    /// What a server keeps.
    pub fn of_server(config: &Config) -> Self {
        let asked = config.database.cleanup_older_than;
        let usual = (config.zelus.defaults == Defaults::Zelus).then_some(KEEP_RECORDS);
        let (service, methods) = (&config.selfservice, &config.selfservice.methods);
        let longest = methods.code.lifespan.max(methods.link.lifespan).max(SignedDuration::ZERO);
        Self {
            expired: asked.unwrap_or(KEEP_EXPIRED),
            expired_sessions: asked.or(usual),
            records: asked.or(usual),
            texts: (!config.zelus.keep_message_texts).then(|| longest + KEEP_TEXTS),
            exchanging: service.login.lifespan.max(service.registration.lifespan),
        }
    }

    /// What `cleanup sql` keeps: nothing that expired longer ago than `keep_last`, sessions included, as in Kratos. What is a
    /// record stays as the configuration says; where there is none, for ever.
    pub fn of_command(config: Option<&Config>, keep_last: SignedDuration) -> Self {
        let of_server = config.map(Self::of_server);
        Self {
            expired: keep_last,
            expired_sessions: Some(keep_last),
            records: of_server.and_then(|server| server.records),
            texts: of_server.and_then(|server| server.texts),
            exchanging: of_server.map_or(LIFESPAN, |server| server.exchanging),
        }
    }

    /// How long rows of a kind are kept.
    pub fn keep(&self, rows: Outdated) -> Option<SignedDuration> {
        let keep = match rows {
            Outdated::LoginFlows
            | Outdated::RegistrationFlows
            | Outdated::SettingsFlows
            | Outdated::RecoveryFlows
            | Outdated::VerificationFlows
            | Outdated::LoginCodes
            | Outdated::RegistrationCodes
            | Outdated::RecoveryCodes
            | Outdated::RecoveryTokens
            | Outdated::VerificationCodes
            | Outdated::VerificationTokens
            | Outdated::ContinuityContainers => Some(self.expired),
            Outdated::Errors => Some(KEEP_ERRORS),
            Outdated::GuardRows | Outdated::SupersededTokens => Some(SignedDuration::ZERO),
            // Their two codes may meet for a while after their flow has expired.
            Outdated::TokenExchanges => {
                Some((self.expired + self.exchanging).max(SignedDuration::ZERO) + EXCHANGE_LIFESPAN)
            }
            Outdated::ExpiredSessions => self.expired_sessions,
            Outdated::EndedSessions | Outdated::FinishedMessages => self.records,
            Outdated::MessageTexts => self.texts,
        };
        // A time that is not negative, or what is of use still would go.
        keep.map(|keep| keep.max(SignedDuration::ZERO))
    }
}
