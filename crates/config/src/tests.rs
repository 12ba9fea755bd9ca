//! Tests of the whole crate, by topic.

mod check;
mod environment;
mod files;
mod return_to;
mod samples;
mod snapshot;
mod watch;

use std::path::PathBuf;

use model::Secret;

use crate::{ConfigError, Loaded, Machine, Mode, Sources};

/// The least that a configuration needs.
const LEAST: &str = "
dsn: memory
identity: { schemas: [{ id: default, url: 'file:///person.json' }] }
selfservice: { default_browser_return_url: 'https://app.example.org/' }
";

fn machine() -> Machine {
    Machine { hostname: "box".to_owned(), processors: 4 }
}

/// A folder with one file for each text, given with `-c` in this order.
struct Files {
    _folder: tempfile::TempDir,
    sources: Sources,
}

impl Files {
    fn new(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |(name, text): &(&str, &str)| -> PathBuf {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let sources = Sources {
            files: files.iter().map(write).collect(),
            environment: environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            machine: machine(),
            fallback_secret: Secret::from("made-for-this-process"),
        };
        Self { _folder: folder, sources }
    }

    fn load(&self, mode: Mode) -> Result<Loaded, ConfigError> {
        Loaded::from(&self.sources, mode)
    }
}

fn load_with(yaml: &str, environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    Files::new(&[("kratos.yaml", yaml)], environment).load(Mode::default())
}

/// [`LEAST`] with more keys after it.
fn load(more: &str) -> Loaded {
    load_with(&format!("{LEAST}{more}"), &[]).unwrap_or_else(|error| panic!("{error}"))
}

/// The lines about a configuration that cannot be used, without the folder of the file.
fn errors(yaml: &str) -> Vec<String> {
    let error = load_with(yaml, &[]).expect_err("this configuration is wrong");
    lines(error.0)
}

fn lines(findings: Vec<crate::Finding>) -> Vec<String> {
    let text = findings.into_iter().map(|finding| finding.to_string());
    text.map(|line| line.split_once("kratos.yaml").map_or(line.clone(), |(_, rest)| format!("kratos.yaml{rest}")))
        .collect()
}
