//! Messages that wait to be delivered (`courier_messages`).

use model::{Channel, Timestamp, Uuid};

use crate::Tx;
use crate::statement::Statement;
use crate::value::Value;

mod queue;

pub use queue::{
    ClaimTimes, CourierMessage, Dispatch, MessageFilter, MessagePosition, MessageStatus, STATEMENTS as QUEUE,
};

static INSERT: Statement = Statement::new(
    "courier_messages.insert",
    "INSERT INTO courier_messages
       (nid, id, type, status, body, subject, recipient, template_type, template_data, send_count, channel,
        request_headers, created_at, updated_at)
     VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10, ?11, ?11)",
);

pub(crate) static STATEMENTS: &[&Statement] = &[&INSERT, &DELETE];

/// A message to be queued.
pub struct QueuedMessage {
    /// The identifier.
    pub id: Uuid,
    /// The channel that carries it.
    pub channel: Channel,
    /// The e-mail address or phone number.
    pub recipient: String,
    /// The subject; empty for text messages.
    pub subject: String,
    /// Plain text; HTML is made from `template_data` when the message goes out.
    pub body: String,
    /// Kratos' name of the template, such as `verification_code_valid`.
    pub template_type: &'static str,
    /// The variables of the template, as JSON.
    pub template_data: String,
    /// Headers of the request that caused it, as JSON, for HTTP channels.
    pub request_headers: String,
    /// When it is queued.
    pub created_at: Timestamp,
}

static DELETE: Statement =
    Statement::new("courier_messages.delete", "DELETE FROM courier_messages WHERE nid = ?1 AND id = ?2");

impl Tx {
    /// Takes back what this transaction queues. For the database it is as much work as queueing one more, so that the
    /// time of an answer does not tell whether a message went out.
    pub fn unqueue_messages(&mut self) {
        let queued = self.operations.iter().filter(|operation| std::ptr::eq(operation.statement, &INSERT));
        let ids: Vec<Value> = queued.filter_map(|operation| operation.parameters.first().cloned()).collect();
        ids.into_iter().for_each(|id| self.run(&DELETE, [id]));
    }

    /// Queues a message. It goes out only if the transaction is committed.
    pub fn queue_message(&mut self, message: &QueuedMessage) {
        let kind = match message.channel {
            Channel::Email => 1,
            Channel::Sms => 2,
        };
        self.run(
            &INSERT,
            [
                message.id.into(),
                kind.into(),
                message.body.as_str().into(),
                message.subject.as_str().into(),
                message.recipient.as_str().into(),
                message.template_type.into(),
                Value::Bytes(message.template_data.clone().into_bytes()),
                message.channel.as_str().into(),
                Value::Json(message.request_headers.clone()),
                message.created_at.into(),
            ],
        );
    }
}
