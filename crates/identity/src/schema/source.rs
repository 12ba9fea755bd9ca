//! Where schema documents come from: files, base64 text in the address itself, and documents fetched beforehand.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jsonschema::{Retrieve, Uri};
use serde_json::Value;

use super::{keyword, patterns};

/// Larger documents are refused, as in Kratos.
const MAX_DOCUMENT_BYTES: u64 = 1 << 20;

/// Reads schema documents. Clones share what was fetched.
///
/// Nothing here opens a network connection: documents at `http(s)://` addresses are fetched by the caller and added
/// with [`SchemaSource::add`]. [`super::SchemaError::NotFetched`] names the next one that is needed, so that a caller
/// can fetch it and try again until none is missing.
#[derive(Clone, Debug, Default)]
pub struct SchemaSource(Arc<Mutex<Documents>>);

#[derive(Debug, Default)]
struct Documents {
    fetched: BTreeMap<String, String>,
    missing: Option<String>,
}

impl SchemaSource {
    /// A source of files and base64 addresses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a document that was fetched from `url`.
    pub fn add(&self, url: impl Into<String>, document: String) {
        self.documents(|documents| documents.fetched.insert(url.into(), document));
    }

    /// The text of the document at `url`: `file://`, `base64://`, or one that was added.
    pub(super) fn read(&self, url: &str) -> Result<String, String> {
        if let Some(text) = self.documents(|documents| documents.fetched.get(url).cloned()) {
            return Ok(text);
        }
        if let Some(encoded) = url.strip_prefix("base64://") {
            return decode(encoded);
        }
        if let Some(path) = config::schema_file(url) {
            return read_file(&path);
        }
        match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("http" | "https") => {
                self.documents(|documents| documents.missing = Some(url.to_owned()));
                Err("has not been fetched".to_owned())
            }
            _ => Err("has an unknown kind of address; expected file://, http://, https:// or base64://".to_owned()),
        }
    }

    /// The `http(s)://` address that was asked for last and had not been fetched.
    pub(super) fn take_missing(&self) -> Option<String> {
        self.documents(|documents| documents.missing.take())
    }

    fn documents<T>(&self, with: impl FnOnce(&mut Documents) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Retrieve for SchemaSource {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let text = self.read(uri.as_str()).map_err(|why| format!("{uri} {why}"))?;
        let mut document = serde_json::from_str(&text).map_err(|error| format!("{uri} is not JSON: {error}"))?;
        keyword::drop_siblings_of_references(&mut document);
        patterns::prepare(&mut document, "").map_err(|(place, message)| format!("{uri} at {place}: {message}"))?;
        Ok(document)
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let mut text = String::new();
    file.take(MAX_DOCUMENT_BYTES + 1).read_to_string(&mut text).map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > MAX_DOCUMENT_BYTES {
        return Err("is larger than 1 MiB".to_owned());
    }
    Ok(text)
}

/// Decodes either alphabet of RFC 4648, padded or not.
fn decode(encoded: &str) -> Result<String, String> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if encoded.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    let bytes =
        GeneralPurpose::new(alphabet, LENIENT).decode(encoded).map_err(|error| format!("is not base64: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}
