//! A try, from before it is checked until it is known whether it was right.

use crypto::CsrfToken;
use model::{Aal, Cx, FlowClient, IdentityId, Message, Problem, Secret, SignedDuration, Timestamp, message};
use store::{GuardKey, Mark, Reserved, Tx};

use crate::Guard;
use crate::client::{Client, Hashes};
use crate::subject::{Factor, Subject};

/// How long the browser or app of a sign-in is known: as long as browsers keep the cookie.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How long the address of an app is: others may have it by then.
const ADDRESS_KNOWN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A try that is being made. It counts as a failure until it has succeeded.
#[must_use = "a right try has to be settled, or it counts as a failure"]
#[derive(Clone)]
pub struct Attempt(Option<Box<Counted>>);

#[derive(Clone)]
struct Counted {
    guard: Guard,
    client: Client,
    subject: Subject,
    reserved: Reserved,
}

/// How somebody has just signed in.
#[derive(Clone, Copy)]
pub struct SignedIn<'a> {
    /// Whether in a browser or in an app.
    pub client: FlowClient,
    /// The browser's anti-CSRF token from now on.
    pub csrf: &'a CsrfToken,
    /// Whether that is another than it had before.
    pub renewed: bool,
    /// The session's token, which an app holds from now on.
    pub token: Option<&'a Secret>,
}

/// Why nothing may be checked.
#[derive(Debug)]
pub enum Refused {
    /// There were too many failures.
    Resting(Resting),
    /// The database failed.
    Problem(Problem),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Nothing may be tried for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Until when.
    pub until: Timestamp,
    pub(crate) now: Timestamp,
}

impl Resting {
    /// How many seconds that is, one at least.
    pub fn seconds(self) -> u64 {
        u64::try_from(self.until.duration_since(self.now).as_millis()).map_or(1, |left| left.div_ceil(1000).max(1))
    }

    /// 429, where there is no form to say it on.
    pub fn problem(self) -> Problem {
        Problem::new(429)
            .message("There were too many tries.")
            .reason(message::too_many_failures(self.seconds()).text.into_owned())
    }
}

impl From<Resting> for Message {
    fn from(resting: Resting) -> Self {
        message::too_many_failures(resting.seconds())
    }
}

impl Attempt {
    /// One that nobody counts: nothing can be guessed, or the guard is off.
    pub fn uncounted() -> Self {
        Self(None)
    }

    pub(crate) fn counted(guard: Guard, client: &Client, subject: &Subject, reserved: Reserved) -> Self {
        Self(Some(Box::new(Counted { guard, client: client.clone(), subject: subject.clone(), reserved })))
    }

    /// Whether it counts as a failure until it has succeeded.
    pub fn is_counted(&self) -> bool {
        self.0.is_some()
    }

    /// It was wrong. It stays counted; that of its prefix is written with `tx`.
    pub fn failed(&self, cx: &Cx, tx: &mut Tx) {
        let Some(counted) = self.0.as_deref() else { return };
        tracing::info!(
            identity.id = counted.subject.account.map(tracing::field::display),
            flow.factor = counted.subject.factor.as_str(),
            client.prefix = counted.client.prefix_shown().map(tracing::field::display),
            failures = counted.reserved.failures,
            "A try failed."
        );
        counted.guard.0.metrics.failed_tries.count([counted.subject.factor.as_str()]);
        if counted.subject.factor.burst() > 1 {
            tx.rest_after_try(&counted.reserved.row, cx.now());
        }
        if counted.reserved.row.device.is_empty() && !counted.client.prefix().is_empty() {
            tx.count_in_window("prefix", counted.client.prefix(), cx.now());
        }
    }

    /// It was right, whether or not somebody is signed in by it.
    pub fn succeeded(&self, cx: &Cx, tx: &mut Tx) {
        let Some(counted) = self.0.as_deref() else { return };
        tx.settle_try(&counted.reserved.row, counted.subject.factor.as_str(), &[], cx.now());
    }

    /// It was right, and somebody is signed in up to a level: the browser or app is known there from now on.
    pub fn signed_in(&self, cx: &Cx, (identity, aal): (IdentityId, Aal), signed_in: &SignedIn<'_>, tx: &mut Tx) {
        let Some(counted) = self.0.as_deref() else { return };
        let Counted { guard, client, subject, reserved: Reserved { row, is_shared, .. } } = counted;
        let hashes = &guard.0.hashes;
        let (browser, was_by_browser) = (hashes.browser(signed_in.csrf), row.device == client.browser());
        if signed_in.client == FlowClient::Browser && signed_in.renewed && !client.browser().is_empty() {
            let is_known = was_by_browser && !row.device.is_empty();
            if is_known {
                let until = later(cx.now(), KNOWN_FOR);
                return tx.move_marks(client.browser(), &browser, &row.subject, until);
            }
            if *is_shared {
                tx.move_marks(client.browser(), &browser, "", Timestamp::UNIX_EPOCH);
            }
        }
        let marks = marks(hashes, cx, &hashes.account(aal, identity), signed_in, client.address());
        tx.settle_try(row, subject.factor.as_str(), &marks, cx.now());
    }

    /// As [`Attempt::succeeded`], or else [`Attempt::failed`], where nothing else is to be written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle(&self, cx: &Cx, is_right: bool) -> Result<(), Problem> {
        let mut tx = Tx::new();
        match is_right {
            true => self.succeeded(cx, &mut tx),
            false => self.failed(cx, &mut tx),
        }
        self.commit(tx).await
    }

    /// Nothing could be checked, by no fault of whoever tried.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(&self) -> Result<(), Problem> {
        let mut tx = Tx::new();
        if let Some(counted) = self.0.as_deref() {
            tx.give_back_try(&counted.reserved.row);
        }
        self.commit(tx).await
    }

    async fn commit(&self, tx: Tx) -> Result<(), Problem> {
        match self.0.as_deref() {
            Some(counted) => Ok(counted.guard.0.store.commit(tx).await?),
            None => Ok(()),
        }
    }
}

/// Knows the browser or app of a sign-in that needed no try.
pub(crate) fn mark(hashes: &Hashes, cx: &Cx, known: &str, signed_in: &SignedIn<'_>, tx: &mut Tx) {
    let mut marks = marks(hashes, cx, known, signed_in, "");
    if let Some(own) = marks.pop() {
        let row = GuardKey { subject: own.known.clone(), device: own.device.clone() };
        tx.settle_try(&row, Factor::Password.as_str(), &[own], cx.now());
    }
}

/// What a browser or an app is known by after signing in.
fn marks(hashes: &Hashes, cx: &Cx, known: &str, signed_in: &SignedIn<'_>, address: &str) -> Vec<Mark> {
    let mark = |device: String, time| Mark { known: known.to_owned(), device, expires_at: later(cx.now(), time) };
    match signed_in.client {
        FlowClient::Browser => vec![mark(hashes.browser(signed_in.csrf), KNOWN_FOR)],
        FlowClient::Api => {
            let app = signed_in.token.map(|token| mark(hashes.app(token), KNOWN_FOR));
            let address = (!address.is_empty()).then(|| mark(address.to_owned(), ADDRESS_KNOWN_FOR));
            app.into_iter().chain(address).collect()
        }
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
