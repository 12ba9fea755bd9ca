//! Transactions as data.
//!
//! The application makes ids and times itself, so a transaction never has to read what it wrote: it is a list of
//! statements with their parameters and, where it matters, the number of rows that each must change. A driver runs the
//! whole list at once (in one round trip, or together with others in one commit), and may run it again after a
//! serialization failure.

use crate::statement::Statement;
use crate::value::Value;

/// Writes that are committed together or not at all.
#[derive(Clone, Debug, Default)]
#[must_use = "a transaction does nothing until it is committed"]
pub struct Tx {
    pub(crate) operations: Vec<Operation>,
}

/// One statement of a transaction.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub statement: &'static Statement,
    /// Without the network, which the driver binds first.
    pub parameters: Vec<Value>,
    /// Whether the transaction fails unless exactly one row changes.
    pub must_change_one: bool,
}

impl Tx {
    /// An empty transaction.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Adds a statement that may change any number of rows.
    pub(crate) fn run(&mut self, statement: &'static Statement, parameters: impl Into<Vec<Value>>) {
        self.operations.push(Operation { statement, parameters: parameters.into(), must_change_one: false });
    }

    /// Adds a statement that must change exactly one row; otherwise the transaction fails as stale.
    pub(crate) fn change_one(&mut self, statement: &'static Statement, parameters: impl Into<Vec<Value>>) {
        self.operations.push(Operation { statement, parameters: parameters.into(), must_change_one: true });
    }

    /// Appends the writes of another transaction.
    pub fn append(&mut self, mut other: Self) {
        self.operations.append(&mut other.operations);
    }
}
