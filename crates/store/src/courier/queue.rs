//! The queue of messages: claiming those that are due, noting what became of them, and looking at them.
//!
//! The columns are Kratos', so a message's lease and its next attempt follow from what is there: `processing` rows whose
//! `updated_at` is old belong to a courier that died, and the rest after a failure follows from `send_count`.

use model::{Channel, RawJson, Timestamp, Uuid};

use crate::error::{CommitError, StoreError};
use crate::row::Columns;
use crate::statement::Statement;
use crate::value::Value;
use crate::{Store, Tx};

/// `?2` is now, `?3` the beginning of a lease that has run out, `?4` to `?8` when a message that failed once, twice … must
/// have failed to be due.
macro_rules! due {
    () => {
        "nid = ?1 AND status IN (1, 3) AND (status = 1 OR updated_at <= ?3) AND created_at <= ?2 AND
         (status = 3 OR send_count = 0 OR send_count = 1 AND updated_at <= ?4 OR send_count = 2 AND updated_at <= ?5 OR
          send_count = 3 AND updated_at <= ?6 OR send_count = 4 AND updated_at <= ?7 OR
          send_count >= 5 AND updated_at <= ?8)"
    };
}

macro_rules! columns {
    () => {
        "id, type, status, body, subject, recipient, template_type, template_data, send_count, channel, request_headers,
         created_at, updated_at"
    };
}

static ANY_DUE: Statement =
    Statement::new("courier_messages.any_due", concat!("SELECT id FROM courier_messages WHERE ", due!(), " LIMIT 1"));

static CLAIM: Statement = Statement::new(
    "courier_messages.claim",
    concat!(
        "UPDATE courier_messages SET status = 3, send_count = send_count + 1, updated_at = ?2
         WHERE id IN (SELECT id FROM courier_messages WHERE ",
        due!(),
        " ORDER BY created_at LIMIT ?9) RETURNING ",
        columns!()
    ),
)
.postgres(concat!(
    "UPDATE courier_messages SET status = 3, send_count = send_count + 1, updated_at = ?2
     WHERE id = ANY(ARRAY(SELECT id FROM courier_messages WHERE ",
    due!(),
    " ORDER BY created_at LIMIT ?9 FOR UPDATE SKIP LOCKED)) RETURNING ",
    columns!()
));

static FINISH: Statement = Statement::new(
    "courier_messages.finish",
    "UPDATE courier_messages SET status = ?4, updated_at = ?5
     WHERE nid = ?1 AND id = ?2 AND status = 3 AND send_count = ?3",
);

static INSERT_DISPATCH: Statement = Statement::new(
    "courier_message_dispatches.insert",
    "INSERT INTO courier_message_dispatches (nid, id, message_id, status, error, created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
);

static BY_ID: Statement = Statement::new(
    "courier_messages.by_id",
    concat!("SELECT ", columns!(), " FROM courier_messages WHERE nid = ?1 AND id = ?2"),
);

/// An index leads to them; a queue that nobody empties is not counted to its end.
static COUNT_WAITING: Statement = Statement::new(
    "courier_messages.count_waiting",
    "SELECT count(*) FROM
       (SELECT 1 FROM courier_messages WHERE nid = ?1 AND status IN (1, 3) LIMIT ?2) AS waiting",
);

static DISPATCHES: Statement = Statement::new(
    "courier_message_dispatches.of_message",
    "SELECT id, status, error, created_at, updated_at FROM courier_message_dispatches
     WHERE nid = ?1 AND message_id = ?2 ORDER BY created_at DESC",
);

/// Every statement of this file.
pub static STATEMENTS: &[&Statement] =
    &[&ANY_DUE, &CLAIM, &FINISH, &INSERT_DISPATCH, &BY_ID, &COUNT_WAITING, &DISPATCHES];

/// What has become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// It waits for its first or its next attempt.
    Queued,
    /// It went out.
    Sent,
    /// A courier is at it.
    Processing,
    /// Given up.
    Abandoned,
}

impl MessageStatus {
    const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::Processing, Self::Abandoned];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Processing => "processing",
            Self::Abandoned => "abandoned",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    const fn number(self) -> i32 {
        match self {
            Self::Queued => 1,
            Self::Sent => 2,
            Self::Processing => 3,
            Self::Abandoned => 4,
        }
    }
}

/// A row of `courier_messages`.
#[derive(Clone)]
pub struct CourierMessage {
    /// The identifier.
    pub id: Uuid,
    /// The kind of its recipient's address.
    pub kind: Channel,
    /// How far it has come.
    pub status: MessageStatus,
    /// Plain text.
    pub body: String,
    /// The subject; empty for text messages.
    pub subject: String,
    /// The e-mail address or phone number.
    pub recipient: String,
    /// Kratos' name of the template, such as `verification_code_valid`.
    pub template_type: String,
    /// The variables of the template.
    pub template_data: Option<RawJson>,
    /// Attempts begun.
    pub send_count: i32,
    /// The channel that sends it; rows of old versions have none.
    pub channel: Option<String>,
    /// Headers of the request that caused it.
    pub request_headers: Option<RawJson>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When its status was last changed.
    pub updated_at: Timestamp,
}

impl std::fmt::Debug for CourierMessage {
    /// Without the recipient and what they are told, which may be a code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CourierMessage({}, {}, {})", self.id, self.template_type, self.status.as_str())
    }
}

/// One attempt at a message: a row of `courier_message_dispatches`.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// The identifier.
    pub id: Uuid,
    /// The message.
    pub message_id: Uuid,
    /// Why it failed, in the form of the API's errors; `None` if the message went out.
    pub error: Option<RawJson>,
    /// When it ended.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

/// Which messages are due.
#[derive(Clone, Copy, Debug)]
pub struct ClaimTimes {
    /// The current time.
    pub now: Timestamp,
    /// A courier that claimed a message before this is taken for dead.
    pub lease_began: Timestamp,
    /// When a message that failed once, twice, three times, four times or more often must have failed.
    pub failed: [Timestamp; 5],
}

/// Which messages to list.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Those of this status.
    pub status: Option<MessageStatus>,
    /// Those to this address, word for word.
    pub recipient: Option<String>,
}

/// A place in the list of messages, which begins with the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessagePosition {
    /// When the last message before it was queued.
    pub created_at: Timestamp,
    /// The identifier of that message.
    pub id: Uuid,
}

impl Store {
    /// Takes up to `limit` messages that are due, the oldest first, and counts an attempt for each. No other courier gets
    /// them until the lease runs out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_messages(&self, times: &ClaimTimes, limit: u32) -> Result<Vec<CourierMessage>, CommitError> {
        let mut parameters: Vec<Value> = vec![times.now.into(), times.lease_began.into()];
        parameters.extend(times.failed.map(Value::from));
        // Most of the time there is nothing to do, which a read tells without taking a lock.
        if self.fetch_one(&ANY_DUE, &parameters).await?.is_none() {
            return Ok(Vec::new());
        }
        parameters.push(i64::from(limit).into());
        let mut tx = Tx::new();
        tx.run(&CLAIM, parameters);
        let rows = self.commit_rows(tx).await?;
        let messages = rows.iter().flatten().map(|row| read(&mut row.columns()));
        let mut messages = messages.collect::<Result<Vec<_>, _>>()?;
        messages.sort_by_key(|message| message.created_at);
        Ok(messages)
    }

    /// How many messages wait to be delivered or are on their way, counted to `most`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_waiting_messages(&self, most: u32) -> Result<usize, StoreError> {
        let row = self.fetch_one(&COUNT_WAITING, &[i64::from(most).into()]).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.columns().next())?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// A message by its id; `None` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn courier_message(&self, id: Uuid) -> Result<Option<CourierMessage>, StoreError> {
        let row = self.fetch_one(&BY_ID, &[id.into()]).await?;
        row.map(|row| read(&mut row.columns())).transpose()
    }

    /// The attempts at a message, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dispatches_of(&self, message_id: Uuid) -> Result<Vec<Dispatch>, StoreError> {
        let rows = self.fetch(&DISPATCHES, &[message_id.into()]).await?;
        let read = |columns: &mut Columns<'_>| {
            let id = columns.next()?;
            let _: String = columns.next()?;
            let error = columns.optional::<RawJson>()?.filter(|error| error.as_str() != "null");
            Ok(Dispatch { id, message_id, error, created_at: columns.next()?, updated_at: columns.next()? })
        };
        rows.iter().map(|row| read(&mut row.columns())).collect()
    }

    /// Messages, the newest first: at most `size` of those that come after `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_messages(
        &self,
        filter: &MessageFilter,
        after: Option<MessagePosition>,
        size: u32,
    ) -> Result<Vec<CourierMessage>, StoreError> {
        let mut text = concat!("SELECT ", columns!(), " FROM courier_messages WHERE nid = ?1").to_owned();
        let mut parameters: Vec<Value> = Vec::new();
        let mut bind = |value: Value| {
            parameters.push(value);
            format!("?{}", parameters.len() + 1)
        };
        if let Some(status) = filter.status {
            text += &format!(" AND status = {}", bind(status.number().into()));
        }
        if let Some(recipient) = &filter.recipient {
            text += &format!(" AND recipient = {}", bind(recipient.into()));
        }
        if let Some(after) = after {
            let (created_at, id) = (bind(after.created_at.into()), bind(after.id.into()));
            text += &format!(" AND (created_at < {created_at} OR created_at = {created_at} AND id > {id})");
        }
        text += &format!(" ORDER BY created_at DESC, id LIMIT {}", bind(i64::from(size).into()));
        let rows = self.fetch_text(&text, &parameters).await?;
        rows.iter().map(|row| read(&mut row.columns())).collect()
    }
}

impl Tx {
    /// Notes what has become of a claimed message. Does nothing if another courier has claimed it since.
    pub fn finish_message(&mut self, message: &CourierMessage, status: MessageStatus, now: Timestamp) {
        let parameters = [message.id.into(), message.send_count.into(), status.number().into(), now.into()];
        self.run(&FINISH, parameters);
    }

    /// Keeps an attempt.
    pub fn insert_dispatch(&mut self, dispatch: &Dispatch) {
        let status = if dispatch.error.is_none() { "success" } else { "failed" };
        self.run(
            &INSERT_DISPATCH,
            [
                dispatch.id.into(),
                dispatch.message_id.into(),
                status.into(),
                dispatch.error.as_ref().map_or(Value::Null, Value::from),
                dispatch.created_at.into(),
            ],
        );
    }
}

fn read(columns: &mut Columns<'_>) -> Result<CourierMessage, StoreError> {
    Ok(CourierMessage {
        id: columns.next()?,
        kind: match columns.next::<i32>()? {
            2 => Channel::Sms,
            _ => Channel::Email,
        },
        status: {
            let number: i32 = columns.next()?;
            let status = MessageStatus::ALL.into_iter().find(|status| status.number() == number);
            status.ok_or_else(|| StoreError::corrupt(format!("a message has the status {number}")))?
        },
        body: columns.next()?,
        subject: columns.next()?,
        recipient: columns.next()?,
        template_type: columns.next()?,
        template_data: columns.optional::<Vec<u8>>()?.and_then(|data| {
            let text = String::from_utf8(data).ok()?;
            RawJson::parse(text).ok()
        }),
        send_count: columns.next()?,
        channel: columns.optional()?,
        request_headers: columns.optional()?,
        created_at: columns.next()?,
        updated_at: columns.next()?,
    })
}
