//! Counters of failed tries, and the browsers and apps that people have signed in with (`zelus_guard`).
//!
//! A try is reserved before anything is checked, by one statement, so that tries at the same moment count one by one. A row
//! rests for a while after each failure beyond its allowance; whoever comes earlier changes no row, and is refused.

use model::Timestamp;

use crate::error::{CommitError, StoreError};
use crate::row::Columns;
use crate::statement::Statement;
use crate::value::Value;
use crate::{Store, Tx};

/// How failures are made to cost time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rests {
    /// How many failures cost nothing.
    pub allowance: i32,
    /// How many do of those who were never here, while their prefix is conspicuous.
    pub crowded_allowance: i32,
    /// The rest after the first failure that does, in milliseconds. It doubles with each.
    pub first: i64,
    /// The longest rest, in milliseconds.
    pub longest: i64,
    /// How many failures of a prefix within [`WINDOW`] make it conspicuous.
    pub crowd: i32,
}

/// After so many failures in a row the rest is [`LAST_REST`] (NIST SP 800-63B-4 §3.2.2).
pub const MOST_FAILURES: i32 = 100;
/// A day, in milliseconds.
pub const LAST_REST: i64 = 24 * 60 * 60 * 1000;
/// An hour, in milliseconds: the time in which messages to an address, and failures of a prefix, are counted.
pub const WINDOW: i64 = 60 * 60 * 1000;
/// Doubling goes on no further, so that nothing overflows.
const MOST_DOUBLINGS: i32 = 30;

impl Rests {
    /// How long a row rests after so many failures, in milliseconds. The statement that reserves a try says the same in SQL.
    pub fn after(&self, failures: i32, allowance: i32) -> i64 {
        match failures {
            _ if failures < allowance => 0,
            MOST_FAILURES.. => LAST_REST,
            _ => (self.first << (failures - allowance).min(MOST_DOUBLINGS)).min(self.longest),
        }
    }
}

/// Whose try it is. Subjects and devices are keyed hashes.
#[derive(Clone, Debug)]
pub struct Try<'a> {
    /// What is counted, for whoever looks at the table.
    pub kind: &'static str,
    /// By what those are counted who were never here.
    pub subject: &'a str,
    /// By what known devices of the account are looked for.
    pub known: &'a str,
    /// What the request shows of the device that it comes from.
    pub devices: [&'a str; 3],
    /// The client's prefix; empty if it has none.
    pub prefix: &'a str,
    /// When rows of strangers are of no use any more.
    pub expires_at: Timestamp,
    /// How many may be under way at once before any is known to have failed. Each counts all the same.
    pub burst: i32,
}

/// A try that may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The row that counts it.
    pub row: GuardKey,
    /// How many failures it makes, should it be one.
    pub failures: i32,
    /// Whether the device is known to other accounts too.
    pub is_shared: bool,
}

/// What a row is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GuardKey {
    /// Whose tries are counted.
    pub subject: String,
    /// The device that they come from; empty for those who were never here.
    pub device: String,
}

/// A row, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardRow {
    /// What it is known by.
    pub key: GuardKey,
    /// What is counted.
    pub kind: String,
    /// How many failures, or messages.
    pub failures: i32,
    /// How many of them cost nothing.
    pub allowance: i32,
    /// The last failure, or when the window began.
    pub since: Timestamp,
}

/// The first of the devices of a request (`?4` to `?6`) that is known to the account.
macro_rules! known_device {
    () => {
        "(SELECT known.device FROM zelus_guard known
          WHERE known.nid = ?1 AND known.subject = ?3 AND known.device IN (?4, ?5, ?6) AND known.device <> ''
            AND known.expires_at > ?7
          ORDER BY CASE known.device WHEN ?4 THEN 1 WHEN ?5 THEN 2 ELSE 3 END LIMIT 1)"
    };
}

/// `?7` is the time. Where a burst is allowed (`?17`), a rest begins when the first try has failed, or when as many are under
/// way.
static RESERVE: Statement = Statement::new(
    "guard.reserve",
    concat!(
        "INSERT INTO zelus_guard (nid, subject, device, kind, failures, allowance, since, expires_at) VALUES (
           ?1, CASE WHEN ",
        known_device!(),
        " IS NULL THEN ?2 ELSE ?3 END, COALESCE(",
        known_device!(),
        ", ''), ?8, 1,
           CASE WHEN ",
        known_device!(),
        " IS NULL AND (SELECT crowd.failures FROM zelus_guard crowd
               WHERE crowd.nid = ?1 AND crowd.subject = ?9 AND crowd.device = '' AND crowd.since > ?7 - ?15) >= ?10
             THEN CAST(?11 AS integer) ELSE CAST(?12 AS integer) END,
           CASE WHEN ?17 <= CAST(1 AS integer) THEN ?7 ELSE 0 END, ?16)
         ON CONFLICT (nid, subject, device) DO UPDATE SET
           failures = zelus_guard.failures + 1, allowance = excluded.allowance,
           since = CASE WHEN zelus_guard.failures + 1 >= ?17 THEN ?7 ELSE zelus_guard.since END,
           expires_at = CASE WHEN zelus_guard.device <> '' OR zelus_guard.expires_at > excluded.expires_at
                             THEN zelus_guard.expires_at ELSE excluded.expires_at END
         WHERE zelus_guard.since + CASE
             WHEN zelus_guard.failures < excluded.allowance THEN 0
             WHEN zelus_guard.failures >= 100 THEN 86400000
             WHEN zelus_guard.failures - excluded.allowance > 30
               OR CAST(?13 AS bigint) << (zelus_guard.failures - excluded.allowance) > ?14 THEN CAST(?14 AS bigint)
             ELSE CAST(?13 AS bigint) << (zelus_guard.failures - excluded.allowance) END <= ?7
         RETURNING subject, device, failures,
           (SELECT COUNT(*) FROM zelus_guard WHERE +nid = ?1 AND device = ?4 AND device <> '' AND subject <> ?3)"
    ),
);

/// Of the rows that would count a try, the one that does, as [`RESERVE`] chooses it.
static RESTING: Statement = Statement::new(
    "guard.resting",
    "SELECT subject, device, kind, failures, allowance, since FROM zelus_guard
     WHERE nid = ?1 AND subject IN (?2, ?3) AND ((subject = ?3 AND device IN (?4, ?5, ?6) AND device <> '' AND expires_at > ?7)
       OR (subject = ?2 AND device = ''))
     ORDER BY CASE device WHEN '' THEN 4 WHEN ?4 THEN 1 WHEN ?5 THEN 2 ELSE 3 END LIMIT 1",
);

/// A success: nothing counts any more, and the device is known from here on. The rows must differ.
macro_rules! settle {
    ($rows:literal) => {
        concat!(
            "INSERT INTO zelus_guard (nid, subject, device, kind, failures, allowance, since, expires_at) VALUES ",
            $rows,
            " ON CONFLICT (nid, subject, device) DO UPDATE SET failures = 0, since = 0,
                expires_at = CASE WHEN excluded.device = '' OR zelus_guard.expires_at < excluded.expires_at
                                  THEN excluded.expires_at ELSE zelus_guard.expires_at END"
        )
    };
}

static SETTLE_ONE: Statement = Statement::new("guard.settle_one", settle!("(?1, ?2, ?3, ?4, 0, 0, 0, ?5)"));
static SETTLE_TWO: Statement =
    Statement::new("guard.settle_two", settle!("(?1, ?2, ?3, ?4, 0, 0, 0, ?5), (?1, ?6, ?7, ?8, 0, 0, 0, ?9)"));
static SETTLE_THREE: Statement = Statement::new(
    "guard.settle_three",
    settle!("(?1, ?2, ?3, ?4, 0, 0, 0, ?5), (?1, ?6, ?7, ?8, 0, 0, 0, ?9), (?1, ?10, ?11, ?12, 0, 0, 0, ?13)"),
);

/// A browser's marks move on with its secret, those for all accounts. One of them may have been at work, and is settled.
static MOVE: Statement = Statement::new(
    "guard.move",
    "UPDATE zelus_guard SET device = ?3, failures = CASE WHEN subject = ?4 THEN 0 ELSE failures END,
       since = CASE WHEN subject = ?4 THEN 0 ELSE since END, expires_at = CASE WHEN subject = ?4 THEN CAST(?5 AS bigint) ELSE expires_at END
     WHERE +nid = ?1 AND device = ?2 AND device <> ''",
);

/// A try that was none: what was to be checked could not be.
static GIVE_BACK: Statement = Statement::new(
    "guard.give_back",
    "UPDATE zelus_guard SET failures = failures - 1 WHERE nid = ?1 AND subject = ?2 AND device = ?3 AND failures > 0",
);

/// A rest begins.
static REST: Statement = Statement::new(
    "guard.rest",
    "UPDATE zelus_guard SET since = ?4 WHERE nid = ?1 AND subject = ?2 AND device = ?3 AND since < ?4",
);

/// Counts within a window.
macro_rules! count {
    ($limit:literal) => {
        concat!(
            "INSERT INTO zelus_guard (nid, subject, device, kind, failures, allowance, since, expires_at)
             VALUES (?1, ?2, '', ?3, 1, ?4, ?5, ?6)
             ON CONFLICT (nid, subject, device) DO UPDATE SET
               failures = CASE WHEN zelus_guard.since + ?7 <= excluded.since THEN 1 ELSE zelus_guard.failures + 1 END,
               allowance = excluded.allowance,
               since = CASE WHEN zelus_guard.since + ?7 <= excluded.since THEN excluded.since ELSE zelus_guard.since END,
               expires_at = excluded.expires_at",
            $limit
        )
    };
}

static COUNT: Statement = Statement::new("guard.count", count!(""));
static COUNT_UP_TO: Statement = Statement::new(
    "guard.count_up_to",
    count!(
        " WHERE zelus_guard.since + ?7 <= excluded.since OR zelus_guard.failures < excluded.allowance RETURNING failures"
    ),
);

static LIST: Statement = Statement::new(
    "guard.list",
    "SELECT subject, device, kind, failures, allowance, since FROM zelus_guard
     WHERE nid = ?1 AND failures > 0 ORDER BY failures DESC, since DESC LIMIT ?2",
);

static OF_SUBJECT: Statement = Statement::new(
    "guard.of_subject",
    "SELECT subject, device, kind, failures, allowance, since FROM zelus_guard
     WHERE nid = ?1 AND subject = ?2 AND failures > 0",
);

/// Devices stay known.
static CLEAR_DEVICES: Statement = Statement::new(
    "guard.clear_devices",
    "UPDATE zelus_guard SET failures = 0 WHERE nid = ?1 AND subject = ?2 AND device <> '' AND failures > 0 RETURNING subject",
);
static CLEAR_STRANGERS: Statement = Statement::new(
    "guard.clear_strangers",
    "DELETE FROM zelus_guard WHERE nid = ?1 AND subject = ?2 AND device = '' RETURNING subject",
);
static CLEAR_ALL_DEVICES: Statement = Statement::new(
    "guard.clear_all_devices",
    "UPDATE zelus_guard SET failures = 0 WHERE nid = ?1 AND device <> '' AND failures > 0 RETURNING subject",
);
static CLEAR_ALL_STRANGERS: Statement = Statement::new(
    "guard.clear_all_strangers",
    "DELETE FROM zelus_guard WHERE nid = ?1 AND device = '' RETURNING subject",
);

static REMOVE_EXPIRED: Statement = Statement::new(
    "guard.remove_expired",
    "DELETE FROM zelus_guard WHERE nid = ?1 AND (subject, device) IN
       (SELECT subject, device FROM zelus_guard WHERE +nid = ?1 AND expires_at <= ?2 LIMIT ?3) AND expires_at <= ?2
     RETURNING subject",
);

pub(crate) static STATEMENTS: &[&Statement] = &[
    &RESERVE,
    &RESTING,
    &SETTLE_ONE,
    &SETTLE_TWO,
    &SETTLE_THREE,
    &MOVE,
    &GIVE_BACK,
    &REST,
    &COUNT,
    &COUNT_UP_TO,
    &LIST,
    &OF_SUBJECT,
    &CLEAR_DEVICES,
    &CLEAR_STRANGERS,
    &CLEAR_ALL_DEVICES,
    &CLEAR_ALL_STRANGERS,
    &REMOVE_EXPIRED,
];

/// A device that is known to an account from now on.
#[derive(Clone, Debug)]
pub struct Mark {
    /// By what known devices of the account are looked for.
    pub known: String,
    /// The device.
    pub device: String,
    /// Until when it is known.
    pub expires_at: Timestamp,
}

/// The kind of the rows of known devices.
const DEVICE: &str = "device";

impl Store {
    /// Reserves a try, which counts as a failure until it is settled. `Err` holds the row that rests.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reserve_try(
        &self,
        tried: &Try<'_>,
        rests: &Rests,
        now: Timestamp,
    ) -> Result<Result<Reserved, GuardRow>, CommitError> {
        let [first, second, third] = tried.devices;
        let whose: Vec<Value> = vec![
            tried.subject.into(),
            tried.known.into(),
            first.into(),
            second.into(),
            third.into(),
            now.as_millisecond().into(),
        ];
        let mut tx = Tx::new();
        let mut parameters = whose.clone();
        parameters.extend([
            tried.kind.into(),
            tried.prefix.into(),
            rests.crowd.into(),
            rests.crowded_allowance.into(),
            rests.allowance.into(),
            rests.first.into(),
            rests.longest.into(),
            WINDOW.into(),
            tried.expires_at.as_millisecond().into(),
            tried.burst.into(),
        ]);
        tx.run(&RESERVE, parameters);
        let rows = self.commit_rows(tx).await?;
        if let Some(row) = rows.iter().flatten().next() {
            let mut columns = row.columns();
            let row = GuardKey { subject: columns.next()?, device: columns.next()? };
            let failures = columns.next()?;
            let others: i64 = columns.next()?;
            return Ok(Ok(Reserved { row, failures, is_shared: others > 0 }));
        }
        let resting = self.fetch_one(&RESTING, &whose).await?;
        let gone = || StoreError::Unavailable("a counter of the guard went away just now".to_owned());
        Ok(Err(read(&mut resting.ok_or_else(gone)?.columns())?))
    }

    /// Counts one more within [`WINDOW`], unless there were `most` of them; whether it did.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_up_to(
        &self,
        (kind, subject): (&'static str, &str),
        most: i32,
        now: Timestamp,
    ) -> Result<bool, CommitError> {
        let mut tx = Tx::new();
        tx.run(&COUNT_UP_TO, counted(kind, subject, most, now));
        Ok(self.commit_rows(tx).await?.iter().flatten().next().is_some())
    }

    /// The rows with failures, those with the most of them first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guard_rows(&self, limit: u32) -> Result<Vec<GuardRow>, StoreError> {
        let rows = self.fetch(&LIST, &[i64::from(limit).into()]).await?;
        rows.iter().map(|row| read(&mut row.columns())).collect()
    }

    /// The rows of `subjects` with failures.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guard_rows_of(&self, subjects: &[String]) -> Result<Vec<GuardRow>, StoreError> {
        let mut found = Vec::new();
        for subject in subjects {
            let rows = self.fetch(&OF_SUBJECT, &[subject.into()]).await?;
            for row in &rows {
                found.push(read(&mut row.columns())?);
            }
        }
        Ok(found)
    }

    /// Forgets the failures of `subjects`, or all; how many rows had some.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear_guard(&self, subjects: Option<&[String]>) -> Result<usize, CommitError> {
        let mut tx = Tx::new();
        match subjects {
            None => {
                tx.run(&CLEAR_ALL_DEVICES, []);
                tx.run(&CLEAR_ALL_STRANGERS, []);
            }
            Some(subjects) => {
                for subject in subjects {
                    tx.run(&CLEAR_DEVICES, [subject.into()]);
                    tx.run(&CLEAR_STRANGERS, [subject.into()]);
                }
            }
        }
        Ok(self.commit_rows(tx).await?.iter().flatten().count())
    }

    /// Removes up to `limit` rows that are of no use since `before`; how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn remove_expired_guard_rows(&self, before: Timestamp, limit: u32) -> Result<usize, CommitError> {
        let mut tx = Tx::new();
        tx.run(&REMOVE_EXPIRED, [before.as_millisecond().into(), i64::from(limit).into()]);
        Ok(self.commit_rows(tx).await?.iter().flatten().count())
    }
}

fn read(columns: &mut Columns<'_>) -> Result<GuardRow, StoreError> {
    Ok(GuardRow {
        key: GuardKey { subject: columns.next()?, device: columns.next()? },
        kind: columns.next()?,
        failures: columns.next()?,
        allowance: columns.next()?,
        since: millisecond(columns.next()?)?,
    })
}

fn millisecond(at: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(at).map_err(|_| StoreError::corrupt("a counter of the guard has no time"))
}

fn counted(kind: &'static str, subject: &str, allowance: i32, now: Timestamp) -> Vec<Value> {
    let now = now.as_millisecond();
    vec![subject.into(), kind.into(), allowance.into(), now.into(), (now + 2 * WINDOW).into(), WINDOW.into()]
}

impl Tx {
    /// Forgets the failures of the row that counted a successful try, and knows these devices from now on.
    pub fn settle_try(&mut self, row: &GuardKey, kind: &'static str, marks: &[Mark], now: Timestamp) {
        let (again, mut others): (Vec<&Mark>, Vec<&Mark>) =
            marks.iter().partition(|mark| (&mark.known, &mark.device) == (&row.subject, &row.device));
        others.truncate(2);
        let kind = if row.device.is_empty() { kind } else { DEVICE };
        // A row of strangers is of no use any more once nothing counts.
        let expires_at = again.first().map_or(now, |mark| mark.expires_at);
        let mut parameters: Vec<Value> = vec![
            row.subject.as_str().into(),
            row.device.as_str().into(),
            kind.into(),
            expires_at.as_millisecond().into(),
        ];
        for mark in &others {
            parameters.extend([
                Value::from(&mark.known),
                (&mark.device).into(),
                DEVICE.into(),
                mark.expires_at.as_millisecond().into(),
            ]);
        }
        let statement = match others.len() {
            0 => &SETTLE_ONE,
            1 => &SETTLE_TWO,
            _ => &SETTLE_THREE,
        };
        self.run(statement, parameters);
    }

    /// Moves the marks of a browser on from one secret to another. On the way the failures of `settled` are forgotten, and it
    /// is known until `expires_at`.
    pub fn move_marks(&mut self, from: &str, to: &str, settled: &str, expires_at: Timestamp) {
        self.run(&MOVE, [from.into(), to.into(), settled.into(), expires_at.as_millisecond().into()]);
    }

    /// Takes back that a try was counted, which could not be made.
    pub fn give_back_try(&mut self, row: &GuardKey) {
        self.run(&GIVE_BACK, [row.subject.as_str().into(), row.device.as_str().into()]);
    }

    /// A try has failed that was under way with others: the row rests from now on.
    pub fn rest_after_try(&mut self, row: &GuardKey, now: Timestamp) {
        self.run(&REST, [row.subject.as_str().into(), row.device.as_str().into(), now.as_millisecond().into()]);
    }

    /// Counts one more within [`WINDOW`].
    pub fn count_in_window(&mut self, kind: &'static str, subject: &str, now: Timestamp) {
        self.run(&COUNT, counted(kind, subject, 0, now));
    }
}
