//! Where values were set.

use crate::file::Layer;
use crate::finding::SourceLocation;

/// Which source set a value last.
pub(crate) struct Origins(Vec<Layer>);

impl Origins {
    /// Of these layers, the last of which counts most.
    pub fn new(layers: Vec<Layer>) -> Self {
        Self(layers)
    }

    /// The place of the value at `pointer`, or of its nearest parent that was set somewhere.
    pub fn place(&self, pointer: &str) -> SourceLocation {
        let mut at = pointer;
        loop {
            if let Some(place) = self.0.iter().rev().find_map(|layer| layer.place(at)) {
                // The top of a document is in every source: naming the last one would mislead.
                return if at.is_empty() { self.only_file() } else { place };
            }
            let Some(cut) = at.rfind('/') else { return SourceLocation::default() };
            at = &at[..cut];
        }
    }

    /// The file, when there is just one: a missing key can only be missing there.
    fn only_file(&self) -> SourceLocation {
        let mut files = self.0.iter().filter(|layer| layer.is_file());
        match (files.next(), files.next()) {
            (Some(file), None) => SourceLocation { source: file.source.clone(), line: None },
            _ => SourceLocation::default(),
        }
    }
}
