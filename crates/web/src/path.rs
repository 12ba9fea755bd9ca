//! Paths as Go's router reads them.
//!
//! The crate `path-clean` is for files: it drops the slash at the end.

use std::borrow::Cow;

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// The path without empty, `.` and `..` segments. A slash at its end stays.
pub(crate) fn clean(path: &str) -> Cow<'_, str> {
    let may_be_unclean = |pair: &[u8]| matches!(pair, b"//" | b"/.");
    if path.starts_with('/') && !path.as_bytes().windows(2).any(may_be_unclean) {
        return Cow::Borrowed(path);
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => _ = kept.pop(),
            segment => kept.push(segment),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    Cow::Owned(format!("/{}{end}", kept.join("/")))
}

/// Puts `/admin` in front of a path that is not below it: every admin route answers with and without.
pub(crate) fn with_admin_prefix(uri: &Uri) -> Option<Uri> {
    if uri.path().starts_with("/admin") {
        return None;
    }
    let path = format!("/admin{}", clean(uri.path()).trim_end_matches('/'));
    with_path(uri, &path)
}

/// The same address at another path.
pub(crate) fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_cleans_them() {
        for (path, expected) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("//a", "/a"),
            ("/a//b/", "/a/b/"),
            ("/a/../b", "/b"),
            ("/a/./b", "/a/b"),
            ("/../..", "/"),
            ("/a/..", "/"),
            ("//", "/"),
            ("/a/b/", "/a/b/"),
            ("/.a/..b", "/.a/..b"),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    #[test]
    fn admin_routes_answer_without_their_prefix() {
        let prefixed = |uri: &'static str| with_admin_prefix(&Uri::from_static(uri)).map(|uri| uri.to_string());
        assert_eq!(prefixed("/identities?a=b").as_deref(), Some("/admin/identities?a=b"));
        assert_eq!(prefixed("/").as_deref(), Some("/admin"));
        assert_eq!(prefixed("/admin/identities"), None);
    }

    proptest! {
        #[test]
        fn a_clean_path_stays_as_it_is(path in "(/|\\.|\\.\\.|a|b){0,12}") {
            let path = format!("/{path}");
            let cleaned = clean(&path).into_owned();
            prop_assert_eq!(clean(&cleaned), cleaned.as_str());
            prop_assert!(cleaned.starts_with('/') && !cleaned.contains("//"));
        }
    }
}
