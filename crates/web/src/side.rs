//! The two listeners.

/// Which listener a request came in at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// For browsers and apps.
    Public,
    /// For the operator's own services; no cross-origin rules, no cookies.
    Admin,
}
