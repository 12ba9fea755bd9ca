//! The small value types of the configuration: sizes and base URLs. The crate `bytesize` takes a kB for 1000 bytes; Kratos'
//! configuration files mean 1024.

use url::Url;

/// Parses a size with a unit, `128MB`, into bytes; units are powers of 1024, as in Kratos. A bare number is bytes.
pub fn parse_size(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.trim().to_ascii_uppercase();
    let power = match unit.as_str() {
        "" | "B" => 0,
        "KB" | "KIB" => 1,
        "MB" | "MIB" => 2,
        "GB" | "GIB" => 3,
        "TB" | "TIB" => 4,
        "PB" | "PIB" => 5,
        "EB" | "EIB" => 6,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1024_u64.checked_pow(power)?)
}

/// The address of a listener as the world sees it: `serve.public.base_url` or `serve.admin.base_url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// The text as Kratos normalises it (Go's `url.Parse(…).String()`): no slash is added. The names of the CSRF
    /// cookies contain its SHA-256, so it must not change by a byte.
    pub text: String,
    /// The same as a URL.
    pub url: Url,
}

impl BaseUrl {
    /// Takes a configured value. A relative one (`/`) is read against `fallback`.
    pub(crate) fn parse(text: &str, fallback: &Url) -> Result<Self, url::ParseError> {
        Ok(Self { text: as_go_prints(text), url: fallback.join(text)? })
    }

    /// The URL of `path` (which starts with a slash) below the base URL's own path, without query and fragment.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        let joined = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&joined);
        url
    }
}

/// What Go's URL parser and printer make of a URL: the scheme in lower case, an empty fragment dropped, characters that
/// no URL may hold percent-encoded; everything else as it was.
fn as_go_prints(text: &str) -> String {
    let text = text.strip_suffix('#').unwrap_or(text);
    let mut printed = String::with_capacity(text.len());
    let rest = match text.split_once("://") {
        Some((scheme, rest)) => {
            printed.push_str(&scheme.to_ascii_lowercase());
            printed.push_str("://");
            rest
        }
        None => text,
    };
    for character in rest.chars() {
        if character.is_ascii_graphic() && !"\"<>\\^`{|}".contains(character) {
            printed.push(character);
        } else {
            let mut buffer = [0; 4];
            for byte in character.encode_utf8(&mut buffer).bytes() {
                printed.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    printed
}
