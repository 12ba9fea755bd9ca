//! Secrets that can be rotated.

use model::Secret;

/// An ordered, never empty list of secrets: the first one writes, all of them read.
///
/// To rotate a secret, put the new one first and drop the old one once nothing that it wrote is alive any more.
#[derive(Clone, Debug)]
pub struct KeyRing(Vec<Secret>);

impl KeyRing {
    /// A ring of these secrets, in their order. `None` for an empty list: nothing could be written with it.
    pub fn new(secrets: Vec<Secret>) -> Option<Self> {
        (!secrets.is_empty()).then_some(Self(secrets))
    }

    /// The secret that writes.
    pub fn first(&self) -> &Secret {
        &self.0[0]
    }

    /// All secrets in their order, the one that writes first.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter()
    }
}

impl From<Secret> for KeyRing {
    fn from(secret: Secret) -> Self {
        Self(vec![secret])
    }
}
