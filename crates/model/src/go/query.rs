//! Queries of URLs (`url.Values.Encode`).

use url::form_urlencoded;

/// A query as Go writes it: by the names of its parameters.
pub fn encode_query<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut parameters: Vec<_> = parameters.into_iter().collect();
    parameters.sort_by_key(|(key, _)| *key);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    // The two characters that Go and the URL standard disagree on.
    query.replace('*', "%2A").replace("%7E", "~")
}
