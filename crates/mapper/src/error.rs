//! Why a snippet gave nothing.

/// Why a snippet gave nothing. The texts are for operators; they may quote the snippet, but never its input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapperError {
    /// The snippet itself said `error '…'`. Webhooks are called off by `error 'cancel'`.
    #[error("the Jsonnet snippet stopped with the error {0:?}")]
    Raised(String),
    /// It is no Jsonnet, or something in it cannot be computed.
    #[error("the Jsonnet snippet cannot be evaluated: {0}")]
    Invalid(String),
    /// It did not come to an end in time.
    #[error("the Jsonnet snippet did not come to an end in time")]
    TooSlow,
    /// It asked for more memory than it may have.
    #[error("the Jsonnet snippet needs too much memory")]
    TooMuchMemory,
    /// What it is given, or what came out, is too large.
    #[error("the {what} of the Jsonnet snippet is larger than {limit} bytes")]
    TooLarge {
        /// Which of them: `input` or `output`.
        what: &'static str,
        /// How large it may be, in bytes.
        limit: usize,
    },
    /// So many snippets are being evaluated that this one found no room in time.
    #[error("too many Jsonnet snippets are being evaluated at once")]
    Busy,
    /// The worker died over it.
    #[error("the Jsonnet worker ended unexpectedly")]
    Crashed,
    /// No worker can be started.
    #[error("the Jsonnet worker does not start: {0}")]
    Start(String),
    /// The snippet is not where it should be.
    #[error("the Jsonnet snippet cannot be read: {0}")]
    Source(String),
}

impl MapperError {
    /// Whether the snippet stopped with exactly this error.
    pub fn is_raised(&self, error: &str) -> bool {
        matches!(self, Self::Raised(raised) if raised == error)
    }
}
