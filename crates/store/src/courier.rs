//! Messages that wait to be delivered (`courier_messages`), and the codes that go out with them.

use model::flow::Verification;
use model::{Channel, Flow, Id, Timestamp, Uuid, VerifiableAddress};

use crate::Tx;
use crate::statement::Statement;
use crate::value::Value;

static INSERT: Statement = Statement::new(
    "courier_messages.insert",
    "INSERT INTO courier_messages
       (nid, id, type, status, body, subject, recipient, template_type, template_data, send_count, channel,
        request_headers, created_at, updated_at)
     VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10, ?11, ?11)",
);

static INSERT_VERIFICATION_CODE: Statement = Statement::new(
    "verification_codes.insert",
    "INSERT INTO identity_verification_codes
       (nid, id, code_hmac, identity_verifiable_address_id, selfservice_verification_flow_id, issued_at, expires_at,
        created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
);

pub(crate) static STATEMENTS: &[&Statement] = &[&INSERT, &INSERT_VERIFICATION_CODE];

/// A message to be queued.
pub struct QueuedMessage {
    pub id: Uuid,
    pub channel: Channel,
    pub recipient: String,
    pub subject: String,
    /// Plain text; HTML is made from `template_data` when the message goes out.
    pub body: String,
    /// Kratos' name of the template, such as `verification_code_valid`.
    pub template_type: &'static str,
    /// The variables of the template, as JSON.
    pub template_data: String,
    /// Headers of the request that caused it, as JSON, for HTTP channels.
    pub request_headers: Option<String>,
    pub created_at: Timestamp,
}

/// A code that proves an address, kept as its HMAC.
pub struct VerificationCode {
    pub id: Uuid,
    pub hmac: String,
    pub address_id: Id<VerifiableAddress>,
    pub flow_id: Id<Flow<Verification>>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Tx {
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
                message.request_headers.clone().map(Value::Json).unwrap_or(Value::Null),
                message.created_at.into(),
            ],
        );
    }

    /// Keeps a code that was sent to an address.
    pub fn insert_verification_code(&mut self, code: &VerificationCode) {
        self.run(
            &INSERT_VERIFICATION_CODE,
            [
                code.id.into(),
                code.hmac.as_str().into(),
                code.address_id.into(),
                code.flow_id.into(),
                code.issued_at.into(),
                code.expires_at.into(),
                code.issued_at.into(),
            ],
        );
    }
}
