//! Where snippets come from.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use model::{Clock, SignedDuration, Timestamp};
use tokio::io::AsyncReadExt;

use crate::MapperError;

/// The largest snippet, in bytes.
pub const MAX_SNIPPET: usize = 1 << 20;
/// How long a download is kept; as in Kratos.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);
/// How many downloads are kept.
const MAX_DOWNLOADS: usize = 256;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Snippets that were fetched over the network.
#[derive(Debug)]
pub struct Downloads {
    clock: Clock,
    kept: Mutex<HashMap<String, (Timestamp, Arc<str>)>>,
}

impl Downloads {
    pub fn new(clock: Clock) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    pub async fn load<F, E>(&self, address: &str, fetch: impl FnOnce(String) -> F) -> Result<Arc<str>, MapperError>
    where
        F: Future<Output = Result<Vec<u8>, E>>,
        E: Display,
    {
        if let Some(encoded) = address.strip_prefix("base64://") {
            let bytes = LENIENT.decode(encoded).map_err(|error| unreadable(format!("its Base64 is wrong: {error}")))?;
            return text(bytes);
        }
        if !address.starts_with("http://") && !address.starts_with("https://") {
            return read_file(Path::new(address.strip_prefix("file://").unwrap_or(address))).await;
        }
        let now = self.clock.now();
        if let Some(kept) = self.kept(address, now) {
            return Ok(kept);
        }
        let snippet = text(fetch(address.to_owned()).await.map_err(|error| unreadable(error.to_string()))?)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_DOWNLOADS {
            kept.clear();
        }
        kept.insert(address.to_owned(), (now, snippet.clone()));
        Ok(snippet)
    }

    fn kept(&self, address: &str, now: Timestamp) -> Option<Arc<str>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(address).filter(|(at, _)| now.duration_since(*at) < KEPT_FOR).map(|(_, snippet)| snippet.clone())
    }
}

async fn read_file(path: &Path) -> Result<Arc<str>, MapperError> {
    let cannot_read = |error: std::io::Error| unreadable(format!("{}: {error}", path.display()));
    let file = tokio::fs::File::open(path).await.map_err(cannot_read)?;
    let mut bytes = Vec::new();
    file.take(MAX_SNIPPET as u64 + 1).read_to_end(&mut bytes).await.map_err(cannot_read)?;
    text(bytes)
}

fn text(bytes: Vec<u8>) -> Result<Arc<str>, MapperError> {
    if bytes.len() > MAX_SNIPPET {
        return Err(unreadable(format!("it is larger than {MAX_SNIPPET} bytes")));
    }
    String::from_utf8(bytes).map(Arc::from).map_err(|_| unreadable("it is not text".to_owned()))
}

fn unreadable(why: String) -> MapperError {
    MapperError::Source(why)
}
