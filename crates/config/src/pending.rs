//! Keys that are accepted and checked, and that this release does not act upon yet.

use serde_json::Value;

/// Keys whose features come later; `*` stands for any name, and a key covers everything below it. Setting one of them
/// is worth one line in the log, so that nobody believes it works.
pub const NOT_USED_YET: &[&str] = &["enterprise", "organizations", "preview", "selfservice.methods.b2b", "tracing"];

/// The keys of [`NOT_USED_YET`] that `document` sets, with names in the place of `*`.
pub(crate) fn set_in(document: &Value) -> Vec<String> {
    let mut set = Vec::new();
    for key in NOT_USED_YET {
        find(document, key.split('.').collect::<Vec<_>>().as_slice(), String::new(), &mut set);
    }
    set
}

fn find(value: &Value, path: &[&str], at: String, set: &mut Vec<String>) {
    let Some((name, rest)) = path.split_first() else {
        set.push(at);
        return;
    };
    let below = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    for (key, child) in value.as_object().into_iter().flatten() {
        if name == key || *name == "*" {
            find(child, rest, below(key), set);
        }
    }
}
