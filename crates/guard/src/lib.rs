//! Guessing costs more than it brings.
//!
//! Whatever can be guessed is tried under a budget: of each account and factor, or of whatever else a secret belongs to. A
//! try is reserved before it is checked ([`Guard::attempt`]), and counts as a failure until it has succeeded, so that many
//! at the same moment count as well. Some failures are free; after those the budget rests, longer with each. A success
//! forgets them.
//!
//! The owner is not kept out by that: a browser or an app that signed in to an account before has a budget of its own there
//! (OWASP calls such marks device cookies). There is no new cookie. A browser is known by its anti-CSRF cookie, which lasts
//! a year and is secret; an app by the session token that it last held, or by its address.
//!
//! A client's prefix never refuses anybody by itself. One from which many failures come leaves those without a mark fewer
//! free ones. So forging an address, or owning many, gives no more than the budget of an account does.
//!
//! The counters are in the database, for all nodes, and hold keyed hashes. What nobody has is counted in a fixed number of
//! buckets. Limits after OWASP ASVS 5.0 §6.3.1 and NIST SP 800-63B-4 §3.2.2.

mod attempt;
mod client;
mod subject;

use std::sync::Arc;

pub use attempt::{Attempt, Refused, Resting, SignedIn};
pub use client::{Client, Shown};
use config::Config;
use crypto::CsrfToken;
use metrics::Metrics;
use model::{Aal, Cx, Identity, IdentityId, Problem, Secret, Timestamp};
pub use store::GuardRow;
use store::{OwnTable, Rests, Store, Tx};
pub use subject::{Factor, Subject};

use crate::client::Hashes;

/// How many free failures those without a mark have left while many come from their prefix.
const CROWDED_ALLOWANCE: i32 = 3;
/// How many failures of a prefix within an hour that takes.
const CROWD: i32 = 300;

/// Counts tries. Clones count together.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    store: Store,
    hashes: Hashes,
    config: Arc<Config>,
    rests: Rests,
    metrics: Arc<Metrics>,
}

impl Guard {
    /// A guard under a configuration, which has a cookie secret.
    pub fn new(store: Store, config: Arc<Config>, metrics: Arc<Metrics>) -> Self {
        let settings = &config.zelus.guard;
        let rests = Rests {
            allowance: settings.failures,
            crowded_allowance: settings.failures.min(CROWDED_ALLOWANCE),
            first: milliseconds(settings.rest),
            longest: milliseconds(settings.longest_rest),
            crowd: CROWD,
        };
        let key = config.secrets.cookie.first().cloned().unwrap_or_else(|| Secret::from(""));
        Self(Arc::new(Inner { store, hashes: Hashes::new(key), config, rests, metrics }))
    }

    /// Reserves a try, before anything of it is checked.
    ///
    /// # Errors
    /// [`Refused::Resting`] when there were too many failures; nothing may be checked then.
    pub async fn attempt(&self, cx: &Cx, client: &Client, subject: &Subject) -> Result<Attempt, Refused> {
        if !self.is_on().await? {
            return Ok(Attempt::uncounted());
        }
        let reserved = self.0.store.reserve_try(&subject.reserving(client, cx.now()), &self.0.rests, cx.now()).await;
        match reserved.map_err(Problem::from)? {
            Ok(reserved) => Ok(Attempt::counted(self.clone(), client, subject, reserved)),
            Err(row) => Err(Refused::Resting(self.refuse(cx, client, subject, &row))),
        }
    }

    fn refuse(&self, cx: &Cx, client: &Client, subject: &Subject, row: &GuardRow) -> Resting {
        self.0.metrics.refused_tries.count([subject.factor.as_str()]);
        let until = self.rests_until(row);
        tracing::warn!(
            identity.id = subject.account.map(tracing::field::display),
            flow.factor = subject.factor.as_str(),
            client.prefix = client.prefix_shown().map(tracing::field::display),
            failures = row.failures,
            "A try was refused: there were too many failures."
        );
        Resting { until: until.max(cx.now()), now: cx.now() }
    }

    /// Until when a row rests.
    pub fn rests_until(&self, row: &GuardRow) -> Timestamp {
        let rest = self.0.rests.after(row.failures, row.allowance);
        row.since.saturating_add(model::SignedDuration::from_millis(rest)).unwrap_or(Timestamp::MAX)
    }

    /// Whether a code or a link may be sent to an address: not beyond so many an hour (`zelus.guard.messages_per_hour`). One that
    /// may is counted. `is_known` says whether somebody has the address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn may_send(&self, cx: &Cx, address: &str, is_known: bool) -> Result<bool, Problem> {
        if !self.is_on().await? {
            return Ok(true);
        }
        let subject = self.0.hashes.address(Factor::MESSAGES, address, is_known);
        let most = self.0.config.zelus.guard.messages_per_hour;
        let may = self.0.store.count_up_to((Factor::MESSAGES, &subject), most, cx.now()).await?;
        if !may {
            self.0.metrics.held_back.count([if is_known { "known" } else { "unknown" }]);
            tracing::warn!("A message was not sent: its address has had as many as it gets in an hour.");
        }
        Ok(may)
    }

    /// Knows the browser or app of somebody from now on who has just signed up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn signed_up(&self, cx: &Cx, identity: IdentityId, signed_in: &SignedIn<'_>) -> Result<Tx, Problem> {
        let mut tx = Tx::new();
        if self.is_on().await? {
            let known = self.0.hashes.account(Aal::Aal1, identity);
            attempt::mark(&self.0.hashes, cx, &known, signed_in, &mut tx);
        }
        Ok(tx)
    }

    /// A browser's anti-CSRF cookie, if it has one, is replaced: what it is known by moves on with it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renewed(&self, from: Option<&CsrfToken>, to: &CsrfToken) -> Result<Tx, Problem> {
        let mut tx = Tx::new();
        if let Some(from) = from
            && self.is_on().await?
        {
            tx.move_marks(&self.0.hashes.browser(from), &self.0.hashes.browser(to), "", Timestamp::UNIX_EPOCH);
        }
        Ok(tx)
    }

    /// The rows with failures, those with the most of them first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rows(&self, limit: u32) -> Result<Vec<GuardRow>, Problem> {
        match self.has_table().await? {
            true => Ok(self.0.store.guard_rows(limit).await?),
            false => Ok(Vec::new()),
        }
    }

    /// The rows with failures that concern an identity, with its addresses and identifiers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rows_of(&self, identity: &Identity) -> Result<Vec<GuardRow>, Problem> {
        match self.has_table().await? {
            true => Ok(self.0.store.guard_rows_of(&self.0.hashes.all_of(identity)).await?),
            false => Ok(Vec::new()),
        }
    }

    /// Forgets the failures that concern an identity, with its addresses and identifiers, or all failures. Says how many rows
    /// had some.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear(&self, whose: Option<&Identity>) -> Result<usize, Problem> {
        if !self.has_table().await? {
            return Ok(0);
        }
        let subjects = whose.map(|identity| self.0.hashes.all_of(identity));
        Ok(self.0.store.clear_guard(subjects.as_deref()).await?)
    }

    /// Whether tries are counted.
    ///
    /// # Errors
    /// When the database fails.
    async fn is_on(&self) -> Result<bool, Problem> {
        Ok(self.0.config.zelus.guard.enabled && self.has_table().await?)
    }

    async fn has_table(&self) -> Result<bool, Problem> {
        Ok(self.0.store.has_own_table(OwnTable::Guard).await?)
    }

    /// Whether tries would be counted, had the database the table for it: then `zelus migrate sql up` makes it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lacks_table(&self) -> Result<bool, Problem> {
        Ok(self.0.config.zelus.guard.enabled && !self.has_table().await?)
    }

    /// What tries of a client are counted by.
    pub fn client(&self, shown: &Shown<'_>) -> Client {
        Client::new(&self.0.hashes, shown, &self.0.config.zelus.trusted_proxies)
    }

    /// Somebody's tries to prove `aal` with a factor.
    pub fn account(&self, factor: Factor, aal: Aal, identity: IdentityId) -> Subject {
        Subject::account(&self.0.hashes, factor, aal, identity)
    }

    /// Tries for whoever is known by what was typed, of whom there is nobody.
    pub fn nobody(&self, factor: Factor, typed: &str) -> Subject {
        Subject::nobody(&self.0.hashes, factor, typed)
    }

    /// As [`Guard::account`] where there is an identity, and otherwise as [`Guard::nobody`].
    pub fn whoever(&self, factor: Factor, aal: Aal, identity: Option<IdentityId>, typed: &str) -> Subject {
        match identity {
            Some(identity) => self.account(factor, aal, identity),
            None => self.nobody(factor, typed),
        }
    }

    /// Tries at what was sent to an address, which is somebody's if there is an `owner`.
    pub fn address(&self, factor: Factor, address: &str, owner: Option<IdentityId>) -> Subject {
        Subject::address(&self.0.hashes, factor, address, (owner.is_some(), owner))
    }

    /// As [`Guard::address`], where it does not matter whose the address is, as long as it is somebody's.
    pub fn sent(&self, factor: Factor, address: &str, is_known: bool) -> Subject {
        Subject::address(&self.0.hashes, factor, address, (is_known, None))
    }

    /// Tries at what belongs to one flow, or to something else that is not there for long.
    pub fn passing(&self, factor: Factor, id: model::Uuid) -> Subject {
        Subject::passing(&self.0.hashes, factor, id)
    }
}

fn milliseconds(duration: model::SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).max(0)
}
