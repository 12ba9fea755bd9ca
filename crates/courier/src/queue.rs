//! The worker: claims what is due, sends it, notes what came of it.

use std::time::Duration;

use futures_util::future::join_all;
use model::{RawJson, SignedDuration};
use serde_json::json;
use store::{ClaimTimes, CommitError, CourierMessage, Dispatch, MessageStatus, Tx};
use tokio::task::JoinSet;

use crate::Courier;
use crate::channel::SendError;

/// How many messages are under way at a time.
const AT_ONCE: u32 = 64;
/// The longest that one attempt may take, whatever the channel; well within the lease.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(30);
/// A courier that has not finished a message after this time is taken for dead, and another takes over.
const LEASE: SignedDuration = SignedDuration::from_mins(3);
/// How long a message rests after it failed once, twice … and ever after.
const RESTS: [SignedDuration; 5] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(10),
    SignedDuration::from_mins(30),
];
/// How often, and after which wait, the outcome of an attempt is written again when the database does not take it.
const NOTES: u32 = 5;
const NOTE_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The longest rest after the database failed.
const LONGEST_OUTAGE_REST: Duration = Duration::from_secs(30);

/// Delivers messages until `stop` is ready, then finishes those under way. Every `courier.worker.pull_wait` it looks for
/// what is due, by the configuration of then, and does not wait for what is under way: a mail server that hangs delays
/// no other message.
pub async fn watch(current: impl Fn() -> Courier, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut under_way = JoinSet::new();
    let mut failures = 0;
    loop {
        let courier = current();
        let worker = &courier.config.courier;
        let pull_wait = Duration::try_from(worker.pull_wait).unwrap_or_default();
        let free = AT_ONCE.saturating_sub(u32::try_from(under_way.len()).unwrap_or(AT_ONCE));
        let limit = free.min(worker.pull_count);
        let rest = match courier.claim(limit).await {
            Ok(messages) => {
                failures = 0;
                let is_all = messages.len() < limit as usize;
                for message in messages {
                    let courier = courier.clone();
                    under_way.spawn(async move { courier.deliver(&message).await });
                }
                if is_all || limit == 0 { pull_wait } else { Duration::ZERO }
            }
            Err(error) => {
                failures += 1;
                tracing::error!(%error, "The queue of messages cannot be read.");
                pull_wait.max(Duration::from_millis(100)).saturating_mul(1 << failures.min(10)).min(LONGEST_OUTAGE_REST)
            }
        };
        while under_way.try_join_next().is_some() {}
        tokio::select! {
            () = &mut stop => break,
            () = tokio::time::sleep(rest) => {}
        }
    }
    while under_way.join_next().await.is_some() {}
}

impl Courier {
    /// Makes one attempt at each of up to `courier.worker.pull_count` messages that are due, and says how many there were.
    ///
    /// # Errors
    /// When no messages can be claimed. What goes wrong with a message itself is noted with that message.
    pub async fn deliver_due(&self) -> Result<usize, CommitError> {
        let messages = self.claim(self.config.courier.pull_count).await?;
        join_all(messages.iter().map(|message| self.deliver(message))).await;
        Ok(messages.len())
    }

    async fn claim(&self, limit: u32) -> Result<Vec<CourierMessage>, CommitError> {
        match limit {
            0 => Ok(Vec::new()),
            limit => self.store.claim_messages(&self.claim_times(), limit).await,
        }
    }

    fn claim_times(&self) -> ClaimTimes {
        let now = self.clock.now();
        let before = |rest: SignedDuration| now.saturating_sub(rest).unwrap_or(now);
        ClaimTimes { now, lease_began: before(LEASE), failed: RESTS.map(before) }
    }

    /// Makes one attempt at a claimed message, and notes what came of it.
    async fn deliver(&self, message: &CourierMessage) {
        let attempts = i64::from(self.config.courier.message_retries) + 1;
        if i64::from(message.send_count) > attempts {
            // Couriers died over it, or `message_retries` was lowered.
            self.metrics.deliveries.count([message.kind.as_str(), "abandoned"]);
            return self.note(message, MessageStatus::Abandoned, None).await;
        }
        let attempt = tokio::time::timeout(LONGEST_ATTEMPT, self.send(message)).await;
        let outcome = attempt.unwrap_or_else(|_| Err(SendError::passing("The attempt took too long.")));
        let status = match &outcome {
            Ok(()) => MessageStatus::Sent,
            Err(error) if error.is_final || i64::from(message.send_count) >= attempts => MessageStatus::Abandoned,
            Err(_) => MessageStatus::Queued,
        };
        let counted = match status {
            MessageStatus::Sent => "sent",
            MessageStatus::Abandoned => "abandoned",
            MessageStatus::Queued | MessageStatus::Processing => "failed",
        };
        self.metrics.deliveries.count([message.kind.as_str(), counted]);
        match &outcome {
            Ok(()) => tracing::info!(
                message.id = %message.id,
                message.template = message.template_type,
                "A message was sent."
            ),
            Err(error) => tracing::warn!(
                message.id = %message.id,
                message.template = message.template_type,
                message.attempt = message.send_count,
                message.status = status.as_str(),
                error = error.message,
                "A message could not be sent."
            ),
        }
        self.note(message, status, Some(outcome)).await;
    }

    /// Writes what has become of a message, and the attempt if there was one. A database that is away for a moment must not
    /// make a message go out twice, so this is tried several times.
    async fn note(&self, message: &CourierMessage, status: MessageStatus, attempt: Option<Result<(), SendError>>) {
        let now = self.clock.now();
        let mut tx = Tx::new();
        tx.finish_message(message, status, now);
        if let Some(outcome) = attempt {
            let error = outcome.err().map(|error| dispatch_error(&error));
            let id = self.entropy.uuid();
            tx.insert_dispatch(&Dispatch { id, message_id: message.id, error, created_at: now, updated_at: now });
        }
        for again in (0..NOTES).rev() {
            match self.store.commit(tx.clone()).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(%error, message.id = %message.id, "What became of a message cannot be written.");
                    if again > 0 {
                        tokio::time::sleep(NOTE_AGAIN_AFTER).await;
                    }
                }
            }
        }
    }
}

/// A failed attempt, in the form of the API's errors.
fn dispatch_error(error: &SendError) -> RawJson {
    let mut json = json!({ "code": 500, "status": "Internal Server Error", "message": error.message });
    if let Some(reason) = error.reason {
        json["reason"] = reason.into();
    }
    RawJson::from_value(&json)
}
