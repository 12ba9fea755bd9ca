//! Transactions as data.
//!
//! The application makes ids and times itself, so a transaction never has to read what it wrote: it is a list of
//! statements with their parameters and, where it matters, the number of rows that each must change. A driver runs the
//! whole list at once (in one round trip, or together with others in one commit), and may run it again after a
//! serialization failure.

use crate::error::CommitError;
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
    pub expected: Expected,
}

/// How many rows a statement has to change, and what it means if it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Any number, none included.
    Any,
    /// Exactly one. Otherwise it is gone, or somebody else was faster.
    One,
    /// Exactly one, that of a single-use thing. Otherwise it was used before.
    Unused,
}

impl Operation {
    /// Compares how many rows the statement has changed with what was expected.
    ///
    /// # Errors
    /// [`CommitError::Stale`] or [`CommitError::Spent`], as the expectation says.
    pub fn check(&self, changed: usize) -> Result<(), CommitError> {
        match self.expected {
            Expected::One if changed != 1 => Err(CommitError::Stale(self.statement.name)),
            Expected::Unused if changed != 1 => Err(CommitError::Spent(self.statement.name)),
            Expected::Any | Expected::One | Expected::Unused => Ok(()),
        }
    }
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
        self.expect(statement, parameters, Expected::Any);
    }

    /// Adds a statement that must change exactly one row; otherwise the transaction fails as stale.
    pub(crate) fn change_one(&mut self, statement: &'static Statement, parameters: impl Into<Vec<Value>>) {
        self.expect(statement, parameters, Expected::One);
    }

    /// Adds a statement that uses up the one row which it changes; otherwise the transaction fails as spent.
    pub(crate) fn use_up(&mut self, statement: &'static Statement, parameters: impl Into<Vec<Value>>) {
        self.expect(statement, parameters, Expected::Unused);
    }

    fn expect(&mut self, statement: &'static Statement, parameters: impl Into<Vec<Value>>, expected: Expected) {
        self.operations.push(Operation { statement, parameters: parameters.into(), expected });
    }

    /// Appends the writes of another transaction.
    pub fn append(&mut self, mut other: Self) {
        self.operations.append(&mut other.operations);
    }
}
