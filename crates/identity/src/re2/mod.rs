//! Regular expressions as Go reads them (RE2), which is how the patterns of identity schemas are meant.
//!
//! The `regex` crate reads almost the same language, and differs where it hurts: its `\d`, `\s`, `\w` and `\b` know all of
//! Unicode, its classes have set operations, and `\Q…\E`, octal numbers and `a{,2}` mean something else. So the text is read
//! here, and only the search is left to `regex-automata`, the engine of that crate.
//!
//! One thing is more lenient than Go: `\p{…}` takes the short names of scripts too (`\p{Grek}`).

mod class;
mod parse;
mod portable;

use regex_automata::meta;
use regex_automata::nfa::thompson;

/// The memory that one compiled expression may take, in bytes. `^[\pL\pM]{1,1000}$` takes about 20 MB.
const MAX_BYTES: usize = 64 << 20;
/// States of the automaton times bytes of the text. The search is linear as a rule; this bounds the worst, about a second.
const MAX_WORK: usize = 1 << 30;

/// Why a text is no regular expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It breaks a rule of the language.
    #[error("the pattern has {0}")]
    Syntax(&'static str),
    /// It takes too much memory.
    #[error("the pattern is too large")]
    TooLarge,
}

/// A compiled regular expression.
#[derive(Debug)]
pub struct Pattern {
    regex: meta::Regex,
    states: usize,
    longest: Option<usize>,
}

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// When Go would refuse it, or when it is larger than 64 MiB.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        let hir = parse::parse(pattern)?;
        let limits = thompson::Config::new().nfa_size_limit(Some(MAX_BYTES));
        let nfa = thompson::Compiler::new().configure(limits).build_from_hir(&hir);
        let states = nfa.map_err(|_| PatternError::TooLarge)?.states().len();
        let limits = meta::Config::new().nfa_size_limit(Some(MAX_BYTES));
        let regex = meta::Builder::new().configure(limits).build_from_hir(&hir);
        let regex = regex.map_err(|_| PatternError::TooLarge)?;
        let looks = hir.properties();
        let is_whole = looks.look_set_prefix().contains(regex_syntax::hir::Look::Start)
            && looks.look_set_suffix().contains(regex_syntax::hir::Look::End);
        Ok(Self { regex, states, longest: looks.maximum_len().filter(|_| is_whole) })
    }

    /// Whether a part of the text matches. A text whose search could take longer than about a second does not: that is
    /// hundreds of kilobytes for an ordinary expression, and kilobytes for one with counts in the hundreds.
    pub fn is_match(&self, text: &str) -> bool {
        if self.longest.is_some_and(|longest| text.len() > longest) {
            return false;
        }
        self.states.saturating_mul(text.len()) <= MAX_WORK && self.regex.is_match(text)
    }
}

/// Checks an expression without compiling it.
///
/// # Errors
/// When Go would refuse it.
pub fn check(pattern: &str) -> Result<(), PatternError> {
    parse::parse(pattern).map(drop)
}

/// The expression in words that ECMAScript and the `regex` crate read the same way, for a library that takes only those.
/// `\b` and `\B` are the exception: there they count letters of all scripts.
///
/// # Errors
/// When Go would refuse it.
pub fn portable(pattern: &str) -> Result<String, PatternError> {
    parse::parse(pattern).map(|hir| portable::text(&hir))
}
