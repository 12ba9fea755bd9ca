//! Statements: SQL text in one table per aggregate, in the subset that all dialects share.

use std::sync::OnceLock;

/// The dialects that a statement may be written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// One SQL statement. Parameters are `?1`, `?2` …; the first is always the network (`nid`), which the store binds.
#[derive(Debug)]
pub struct Statement {
    /// Stands in logs, metrics and test names.
    pub name: &'static str,
    text: &'static str,
    postgres: Option<&'static str>,
    /// Whether `?1` is the network. Only the statements about networks themselves do without.
    pub(crate) of_network: bool,
    /// PostgreSQL's spelling of the parameters, made once.
    numbered: OnceLock<String>,
}

impl Statement {
    /// A statement in the common subset. In that, `+nid` keeps SQLite from an index on the network alone, which holds
    /// nearly every row; PostgreSQL knows better, and has no such plus.
    pub const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text, postgres: None, of_network: true, numbered: OnceLock::new() }
    }

    /// A statement that concerns no network in particular; its own parameters begin at `?1`.
    pub(crate) const fn of_no_network(name: &'static str, text: &'static str) -> Self {
        Self { name, text, postgres: None, of_network: false, numbered: OnceLock::new() }
    }

    /// The same for PostgreSQL, where the common subset does not reach.
    #[must_use]
    pub const fn postgres(mut self, text: &'static str) -> Self {
        self.postgres = Some(text);
        self
    }

    /// The text for a dialect, with its own spelling of parameters.
    pub fn text(&'static self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.text,
            Dialect::Postgres => self.numbered.get_or_init(|| match self.postgres {
                Some(text) => number_parameters(text),
                None => number_parameters(&self.text.replace(" +nid ", " nid ")),
            }),
        }
    }
}

/// Turns `?1` into `$1`. Question marks inside string literals are left alone.
pub(crate) fn number_parameters(text: &str) -> String {
    let mut quoted = false;
    text.chars()
        .map(|c| {
            quoted ^= c == '\'';
            if c == '?' && !quoted { '$' } else { c }
        })
        .collect()
}
