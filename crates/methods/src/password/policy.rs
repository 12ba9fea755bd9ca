//! Which passwords are good enough.

use flow::Services;
use model::{Message, message};

use super::breach;

/// The rules, as configured under `selfservice.methods.password.config`.
pub struct Policy<'a> {
    services: &'a Services,
}

impl<'a> Policy<'a> {
    /// The rules in force.
    pub fn new(services: &'a Services) -> Self {
        Self { services }
    }

    /// Checks a password against the identifiers that it will be used with: its length, its likeness to them, and
    /// whether it is known from a breach. `None` is good news.
    pub async fn complaint(&self, password: &str, identifiers: &[String]) -> Option<Message> {
        let rules = &self.services.config.selfservice.methods.password;
        let minimum = rules.min_password_length as usize;
        let length = password.chars().count();
        if length < minimum {
            return Some(message::password_too_short(minimum, length));
        }
        if rules.identifier_similarity_check_enabled
            && identifiers.iter().any(|identifier| is_similar(password, identifier))
        {
            return Some(message::password_too_similar());
        }
        if !rules.haveibeenpwned_enabled {
            return None;
        }
        match breach::count(&self.services.outbound, &rules.haveibeenpwned_host, password).await {
            Ok(count) if count > u64::from(rules.max_breaches) => Some(message::password_breached(count)),
            Ok(_) => None,
            Err(error) if rules.ignore_network_errors => {
                tracing::warn!(%error, "The breached-password service did not answer; the password is taken unchecked.");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "The breached-password service did not answer.");
                Some(message::password_policy("it could not be checked against known breaches just now"))
            }
        }
    }
}

/// How far apart two texts must be at least, in single-character edits.
const MINIMUM_DISTANCE: usize = 5;
/// How much of the password the longest text that both share may make up.
const MAXIMUM_SHARE: f64 = 0.5;

/// Whether a password is too much like an identifier: few edits apart, or sharing a long run with it.
fn is_similar(password: &str, identifier: &str) -> bool {
    let (password, identifier) = (password.to_lowercase(), identifier.to_lowercase());
    let (password, identifier): (Vec<char>, Vec<char>) = (password.chars().collect(), identifier.chars().collect());
    // Both measures take time in proportion to the product of the lengths.
    let (password, identifier) = (&password[..password.len().min(512)], &identifier[..identifier.len().min(512)]);
    if password.is_empty() || identifier.is_empty() {
        return false;
    }
    let share = longest_common_run(password, identifier) as f64 / password.len() as f64;
    distance(password, identifier) < MINIMUM_DISTANCE || share > MAXIMUM_SHARE
}

/// The Levenshtein distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = previous[0];
        previous[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = previous[j + 1];
            previous[j + 1] = replaced.min(previous[j] + 1).min(diagonal + 1);
        }
    }
    previous[b.len()]
}

/// The length of the longest run that both contain.
fn longest_common_run(a: &[char], b: &[char]) -> usize {
    let mut runs = vec![0; b.len() + 1];
    let mut longest = 0;
    for x in a {
        for j in (0..b.len()).rev() {
            runs[j + 1] = if *x == b[j] { runs[j] + 1 } else { 0 };
            longest = longest.max(runs[j + 1]);
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_password_may_not_be_its_identifier_in_disguise() {
        for password in ["alice@example.org", "ALICE@example.org", "alice@example.com", "xalice@example.org1"] {
            assert!(is_similar(password, "alice@example.org"), "{password}");
        }
        for password in ["a-v3ry-g00d-Pass!", "correct horse battery staple"] {
            assert!(!is_similar(password, "alice@example.org"), "{password}");
        }
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        let of = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!((of("kitten", "sitting"), of("", "abc"), of("same", "same"), of("flaw", "lawn")), (3, 3, 0, 2));
    }

    proptest! {
        #[test]
        fn everything_is_like_itself(text in "\\PC{1,40}") {
            prop_assert!(is_similar(&text, &text));
        }

        #[test]
        fn the_distance_is_symmetric_and_bounded(a in "[a-c]{0,12}", b in "[a-c]{0,12}") {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert!(distance(&a, &b) <= a.len().max(b.len()));
            prop_assert!(longest_common_run(&a, &b) <= a.len().min(b.len()));
        }
    }
}
