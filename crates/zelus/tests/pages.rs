//! Holds pages that name tests to the tests that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGES: [&str; 2] = ["docs/security.md", "docs/asvs.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the repository").to_owned()
}

/// The names of all functions that are tests, or may be.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("text");
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split_once('(').map(|(name, _)| name));
            found.extend(names.map(str::to_owned));
        }
    }
}

/// What a row calls tests: words in backticks behind "test".
fn tests_of(line: &str) -> Vec<&str> {
    let is_name = |word: &&str| {
        word.matches('_').count() >= 3
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let behind = line.split("test").skip(1).flat_map(|rest| rest.split('`').skip(1).step_by(2));
    behind.filter(is_name).collect()
}

#[test]
fn tests_that_pages_name_are_there() {
    let mut functions_found = BTreeSet::new();
    functions(&root().join("crates"), &mut functions_found);
    for page in PAGES {
        let text = fs::read_to_string(root().join(page)).expect(page);
        let named: Vec<&str> = text.lines().flat_map(tests_of).collect();
        assert!(named.len() > 20, "{page} names {} tests", named.len());
        let missing: Vec<_> = named.into_iter().filter(|name| !functions_found.contains(*name)).collect();
        assert!(missing.is_empty(), "{page} names tests that are not there: {missing:?}");
    }
}
