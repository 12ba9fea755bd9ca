//! The messages that were queued, for operators and for the mailbox of development.

use model::{Problem, Uuid};
use store::{CourierMessage, Dispatch, MessageFilter, MessagePosition};

use crate::Courier;

/// A part of the list of messages, the newest first.
#[derive(Debug)]
pub struct MessageList {
    /// The messages.
    pub messages: Vec<CourierMessage>,
    /// What the next page comes after; `None` on the last page.
    pub next: Option<MessagePosition>,
}

impl Courier {
    /// Lists messages: at most `size` of those that come after `after`, or from the newest on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(
        &self,
        filter: &MessageFilter,
        after: Option<MessagePosition>,
        size: u32,
    ) -> Result<MessageList, Problem> {
        // One more tells whether there is another page.
        let mut messages = self.store.list_messages(filter, after, size + 1).await?;
        let has_next = messages.len() > size as usize;
        messages.truncate(size as usize);
        let last = messages.last().filter(|_| has_next);
        let next = last.map(|last| MessagePosition { created_at: last.created_at, id: last.id });
        Ok(MessageList { messages, next })
    }

    /// How many messages wait to be delivered or are on their way, of all nodes; 100,000 stands for more as well.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting(&self) -> Result<usize, Problem> {
        Ok(self.store.count_waiting_messages(100_000).await?)
    }

    /// A message.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn message(&self, id: Uuid) -> Result<CourierMessage, Problem> {
        self.store.courier_message(id).await?.ok_or_else(Problem::not_found)
    }

    /// A message, and all attempts at it.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn message_with_dispatches(&self, id: Uuid) -> Result<(CourierMessage, Vec<Dispatch>), Problem> {
        let message = self.message(id).await?;
        Ok((message, self.store.dispatches_of(id).await?))
    }
}
