//! Holds the modules of each crate apart: files that import each other in a circle can only be understood together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// How many files may import each other in a circle.
const LARGEST_CIRCLE: usize = 3;

/// A module by its path inside its crate; the root is empty.
type Module = Vec<String>;

/// What each module of a crate names of the others. Modules of tests are left out.
fn imports(source: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut files = BTreeMap::new();
    collect(source, &mut Vec::new(), &mut files);
    let names: BTreeSet<Module> = files.keys().cloned().collect();
    let edges = files.iter().map(|(module, text)| {
        let named = paths(module, text).into_iter().filter_map(|path| {
            (0..=path.len()).rev().map(|length| path[..length].to_vec()).find(|prefix| names.contains(prefix))
        });
        (module.clone(), named.filter(|other| other != module).collect())
    });
    edges.collect()
}

fn collect(folder: &Path, module: &mut Module, files: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            module.push(name);
            collect(&path, module, files);
            module.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !["tests", "testing"].contains(&name.as_str())
        {
            let mut own = module.clone();
            if !["mod", "lib", "main"].contains(&name.as_str()) {
                own.push(name);
            }
            files.insert(own, code(&fs::read_to_string(&path).expect("text")));
        }
    }
}

/// A file without its comments and its own tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The paths in a file that lead to other modules of its crate, written out from the root.
fn paths(module: &Module, text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("::") {
        let head = text[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |before| before + 1);
        let is_first = !text[..head].ends_with("::");
        let base = match &text[head..at] {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => module[..module.len().saturating_sub(1)].to_vec(),
            _ => continue,
        };
        if is_first {
            tree(&text[at + 2..], base, &mut found);
        }
    }
    found
}

/// Reads one branch of a `use` tree, or a plain path; gives back what follows it.
fn tree<'a>(text: &'a str, mut path: Module, found: &mut Vec<Module>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = tree(rest, path.clone(), found).trim_start();
            match rest.strip_prefix(',') {
                Some(after) => rest = after,
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name {
        "super" => drop(path.pop()),
        "" | "self" => {}
        name => path.push(name.to_owned()),
    }
    match rest.strip_prefix("::") {
        Some(below) => tree(below, path, found),
        None => {
            found.push(path);
            let rest = rest.trim_start();
            rest.strip_prefix("as ")
                .map_or(rest, |renamed| renamed.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'))
        }
    }
}

/// All that can be reached from a module.
fn reached(from: &Module, imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let (mut reached, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(module) = left.pop() {
        left.extend(imports[module].iter().filter(|other| reached.insert((*other).clone())));
    }
    reached
}

#[test]
fn few_files_import_each_other_in_a_circle() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of all crates");
    let mut seen = 0;
    for entry in fs::read_dir(crates).expect("crates/") {
        let source = entry.expect("an entry").path().join("src");
        if !source.is_dir() {
            continue;
        }
        let imports = imports(&source);
        let reached: BTreeMap<_, _> = imports.keys().map(|module| (module, reached(module, &imports))).collect();
        for (module, others) in &reached {
            let circle: Vec<_> = others.iter().filter(|other| reached[other].contains(*module)).collect();
            assert!(circle.len() <= LARGEST_CIRCLE, "in {}: {circle:?}", source.display());
        }
        seen += imports.len();
    }
    assert!(seen > 200, "the files are where they are looked for");
}

#[test]
fn paths_are_read_as_the_compiler_reads_them() {
    let module = ["login".to_owned(), "submit".to_owned()].to_vec();
    let text =
        "use super::{complete::{sign_in, Done as D}, form};\nuse crate::runtime::Engine; self::x(); flow::super_::y()";
    let found: Vec<String> = paths(&module, text).iter().map(|path| path.join("/")).collect();
    assert_eq!(
        found,
        ["login/complete/sign_in", "login/complete/Done", "login/form", "runtime/Engine", "login/submit/x"]
    );
}
