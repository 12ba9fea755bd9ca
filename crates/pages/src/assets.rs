//! Files that pages refer to. Their names change with their content, so that browsers may keep them for good.

/// A file below `/ui/assets`.
pub(crate) struct Asset {
    stem: &'static str,
    extension: &'static str,
    pub media_type: &'static str,
    pub content: &'static str,
    fingerprint: u64,
}

pub(crate) static STYLESHEET: Asset =
    Asset::new("pages", "css", "text/css; charset=utf-8", include_str!("../assets/pages.css"));
pub(crate) static ICON: Asset = Asset::new("icon", "svg", "image/svg+xml", include_str!("../assets/icon.svg"));

impl Asset {
    const fn new(stem: &'static str, extension: &'static str, media_type: &'static str, content: &'static str) -> Self {
        Self { stem, extension, media_type, content, fingerprint: fingerprint(content.as_bytes()) }
    }

    /// `pages-0123456789abcdef.css`
    pub fn file_name(&self) -> String {
        format!("{}-{:016x}.{}", self.stem, self.fingerprint, self.extension)
    }

    /// The asset of that name, as long as its content is still the one that it was named for.
    pub fn find(file_name: &str) -> Option<&'static Self> {
        [&STYLESHEET, &ICON].into_iter().find(|asset| asset.file_name() == file_name)
    }
}

/// FNV-1a. It tells versions of our own files apart; nobody gains by making two of them collide.
const fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    hash
}
