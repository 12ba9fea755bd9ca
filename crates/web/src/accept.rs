//! What a caller can read: the two questions that Kratos asks of the `Accept` header, with its two sets of offers.
//!
//! The crate `headers` has no `Accept`.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};

const HTML: &str = "text/html";
const JSON: &str = "application/json";

/// Whether a submission, or a request that failed, is answered in JSON: JSON is what the caller likes best, or is what it
/// sent. A `Content-Type` with parameters does not count, as in Kratos.
pub fn is_json_request(headers: &HeaderMap) -> bool {
    best(headers, &[HTML, "text/*", "*/*", JSON]) == JSON
        || headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes() == JSON.as_bytes())
}

/// Whether the caller likes a page best, or does not care. What it sent does not count.
pub fn prefers_html(headers: &HeaderMap) -> bool {
    best(headers, &[HTML, "text/*", "*/*", JSON]) == HTML
}

/// Whether a newly opened flow is answered in JSON. Only `Accept` counts, and a tie is answered with a redirect.
pub fn accepts_json(headers: &HeaderMap) -> bool {
    best(headers, &[HTML, JSON]) == JSON
}

/// One element of an `Accept` header (RFC 9110 §12.5.1), without the parameters of its media type.
struct Range<'a> {
    media: &'a str,
    /// Thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(element: &'a str) -> Option<Self> {
        let mut parts = element.split(';').map(str::trim);
        let media = parts.next().filter(|media| !media.is_empty())?;
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(Self { media, quality: quality.map_or(Some(1000), parse_quality)? })
    }

    /// How closely the range fits an offer: a wildcard fits less closely than a name.
    fn closeness(&self, offer: &str) -> Option<u8> {
        if self.media == "*/*" {
            return Some(0);
        }
        match self.media.strip_suffix('*') {
            Some(kind) if kind.ends_with('/') => offer.starts_with(kind).then_some(1),
            _ => self.media.eq_ignore_ascii_case(offer).then_some(2),
        }
    }
}

/// A weight of RFC 9110 §12.4.2, in thousandths.
fn parse_quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !matches!(whole, "0" | "1") || fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    Some((if whole == "1" { 1000 } else { 0 } + thousandths).min(1000))
}

/// The offer that the caller likes best: by weight, then by how closely it was named, then by the order of the offers.
/// The first one is also the answer to callers that say nothing, or take none.
fn best<'o>(headers: &HeaderMap, offers: &[&'o str]) -> &'o str {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    // The common cases need no comparing.
    let mut best = (0, 0, offers[0]);
    for range in values.flat_map(|value| value.split(',')).take(64).filter_map(Range::parse) {
        for offer in offers {
            let Some(closeness) = range.closeness(offer) else { continue };
            let is_better = (range.quality, closeness) > (best.0, best.1);
            let is_earlier =
                (range.quality, closeness) == (best.0, best.1) && position(offers, offer) < position(offers, best.2);
            if range.quality > 0 && (is_better || is_earlier) {
                best = (range.quality, closeness, offer);
            }
        }
    }
    best.2
}

fn position(offers: &[&str], offer: &str) -> usize {
    offers.iter().position(|other| *other == offer).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().expect("a header value"));
        headers
    }

    #[test]
    fn callers_get_what_they_like_best() {
        for (accept, json_request, json_flow) in [
            ("*/*", false, false),
            ("text/html", false, false),
            ("application/json", true, true),
            ("application/json, text/plain, */*", true, true),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false, false),
            ("text/html;q=0.5, application/json", true, true),
            ("text/html, application/json", false, false),
            ("application/json;q=0.1, */*;q=0.2", false, false),
            ("application/json;q=0", false, false),
            ("application/json;charset=utf-8", true, true),
            ("application/*", true, true),
            ("image/png", false, false),
            ("text/*, application/json;q=0.9", false, false),
            ("application/json;q=nonsense", false, false),
            ("", false, false),
        ] {
            assert_eq!(is_json_request(&headers(accept)), json_request, "{accept}");
            assert_eq!(accepts_json(&headers(accept)), json_flow, "{accept}");
        }
        assert!(!is_json_request(&HeaderMap::new()));
    }

    #[test]
    fn sending_json_counts_as_wanting_it_only_for_submissions() {
        let mut headers = headers("text/html");
        headers.insert(CONTENT_TYPE, "application/json".parse().expect("a header value"));
        assert!(is_json_request(&headers) && !accepts_json(&headers));
        headers.insert(CONTENT_TYPE, "application/json; charset=utf-8".parse().expect("a header value"));
        assert!(!is_json_request(&headers));
    }
}
