//! Who brings what ends a sign-in.

use store::TokenExchange;

/// Who brings what ends a sign-in.
pub(crate) enum Sender {
    /// Whoever sent the flow's form.
    Form,
    /// A browser that comes back from a provider. With an `exchange` the session goes to the native app that has its codes,
    /// and to no one else.
    Returning { exchange: Option<TokenExchange> },
}

impl Sender {
    /// The codes of the native app that waits for the session, if one does.
    pub(crate) fn exchange(&self) -> Option<&TokenExchange> {
        match self {
            Self::Form => None,
            Self::Returning { exchange } => exchange.as_ref(),
        }
    }
}
