//! The small value types of the configuration: durations, sizes, base URLs.

use model::SignedDuration;
use url::Url;

/// Nanoseconds per unit, as Go names the units.
const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// Parses a Go duration without a sign: numbers with units, chained (`1h30m`), with fractions (`1.5s`). A bare `0` is
/// zero. `None` for anything else, and beyond the 292 years that Go can express.
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    if text == "0" {
        return Some(SignedDuration::ZERO);
    }
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    let mut rest = text;
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_len = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_len);
        let unit_len = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_len);
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(scaled(number, *scale)?)?;
        rest = after;
    }
    let nanos = i64::try_from(total).ok()?;
    Some(SignedDuration::from_nanos(nanos))
}

/// `number`, which may have a fraction, times `scale`, rounded down.
fn scaled(number: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.chars() {
        place /= 10;
        total += i128::from(digit.to_digit(10)?) * place;
    }
    Some(total)
}

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

/// What Go's `strconv.ParseBool` takes for a boolean.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
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
