//! Holds the repository to its own `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Longer files are taken apart.
const MAX_LINES: usize = 600;

/// Outside crates that belong to some of ours alone.
const RESERVED: [(&str, &[&str]); 13] = [
    ("rusqlite", &["store", "testkit"]),
    ("tokio-postgres", &["store", "testkit"]),
    ("reqwest", &["outbound"]),
    ("jrsonnet-evaluator", &["mapper"]),
    ("jrsonnet-stdlib", &["mapper"]),
    ("lettre", &["courier"]),
    ("prometheus-client", &["metrics"]),
    ("procfs", &["metrics"]),
    ("axum", HTTP),
    ("hyper", HTTP),
    ("hyper-util", HTTP),
    ("tower-http", HTTP),
    ("tower-service", HTTP),
];
const HTTP: &[&str] = &["web", "api", "pages", "listener", "tunnel", "server", "testkit"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the repository").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The crates, each with the names of all that it depends on outside its tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let folders = fs::read_dir(root().join("crates")).expect("crates/");
    let manifests = folders.map(|folder| folder.expect("a folder").path().join("Cargo.toml"));
    let crates = manifests.filter(|manifest| manifest.exists()).map(|manifest| {
        let manifest: toml::Table = read(&manifest).parse().expect("a manifest");
        let name = manifest["package"]["name"].as_str().expect("a name").to_owned();
        let names = |section: &str| {
            let section = manifest.get(section).and_then(toml::Value::as_table);
            section.into_iter().flat_map(|section| section.keys().cloned()).collect::<Vec<_>>()
        };
        (name, ["dependencies", "build-dependencies"].into_iter().flat_map(names).collect())
    });
    crates.collect()
}

/// The table of `ARCHITECTURE.md`: what each crate may use; `None` for all.
fn allowed() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let page = read(&root().join("ARCHITECTURE.md"));
    let table = page.split("<!-- edges: begin -->").nth(1).and_then(|rest| rest.split("<!-- edges: end -->").next());
    let rows = table.expect("the table").lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let uses = match cells[2] {
            "all" => None,
            "–" => Some(BTreeSet::new()),
            list => Some(list.split(", ").map(str::to_owned).collect()),
        };
        (cells[0].trim_matches('`').to_owned(), uses)
    });
    rows.collect()
}

#[test]
fn crates_use_what_the_table_says_and_no_more() {
    let (dependencies, allowed) = (dependencies(), allowed());
    let (found, listed): (Vec<_>, Vec<_>) = (dependencies.keys().collect(), allowed.keys().collect());
    assert_eq!(found, listed, "the crates, and the rows of the table");
    for (name, uses) in &dependencies {
        let Some(may_use) = &allowed[name] else { continue };
        let ours: BTreeSet<_> = uses.iter().filter(|used| dependencies.contains_key(*used)).cloned().collect();
        let excess: Vec<_> = ours.difference(may_use).collect();
        assert!(excess.is_empty(), "{name} may not use {excess:?}; see ARCHITECTURE.md");
        let idle: Vec<_> = may_use.difference(&ours).collect();
        assert!(idle.is_empty(), "{name} does not use {idle:?}, which ARCHITECTURE.md says it may");
    }
}

#[test]
fn the_table_has_no_circles() {
    let allowed = allowed();
    let mut done = BTreeSet::new();
    while done.len() < allowed.len() {
        let is_ready = |uses: &Option<BTreeSet<String>>| uses.as_ref().is_none_or(|uses| uses.is_subset(&done));
        let ready: Vec<String> = allowed
            .iter()
            .filter(|(name, uses)| !done.contains(*name) && is_ready(uses))
            .map(|(name, _)| name.clone())
            .collect();
        assert!(
            !ready.is_empty(),
            "these use each other: {:?}",
            allowed.keys().filter(|name| !done.contains(*name)).collect::<Vec<_>>()
        );
        done.extend(ready);
    }
}

#[test]
fn drivers_clients_and_servers_stay_in_their_places() {
    for (name, uses) in dependencies() {
        for (reserved, places) in RESERVED {
            let is_allowed = !uses.contains(reserved) || places.contains(&name.as_str());
            assert!(is_allowed, "{reserved} belongs to {places:?}, and {name} uses it");
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let mut folders: Vec<PathBuf> = ["crates", "xtask", "bench", "fuzz"].map(|folder| root().join(folder)).into();
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target" && name != "node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = read(&path).lines().count();
                assert!(lines <= MAX_LINES, "{} has {lines} lines; {MAX_LINES} are enough", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "the source files are where they are looked for");
}

#[test]
fn the_page_names_files_that_exist() {
    let page = read(&root().join("ARCHITECTURE.md"));
    let quoted = page.split('`').skip(1).step_by(2);
    for path in quoted.filter(|text| ["crates/", "docs/", "e2e/", "fuzz/"].iter().any(|start| text.starts_with(start)))
    {
        assert!(root().join(path).exists(), "{path} is named, and is not there");
    }
}
