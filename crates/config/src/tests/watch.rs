use std::os::unix::fs::symlink;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;

fn watched(path: PathBuf) -> (crate::Watcher, Receiver<()>) {
    let (sender, changes) = channel();
    let watcher = crate::watch(&[path], move || sender.send(()).unwrap()).unwrap();
    (watcher, changes)
}

const LONG: Duration = Duration::from_secs(10);
/// In which a change would be told.
const SHORT: Duration = Duration::from_secs(2);

#[test]
fn a_burst_of_writes_is_one_change_and_same_content_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kratos.yaml");
    std::fs::write(&path, "a").unwrap();
    let (_watcher, changes) = watched(path.clone());
    for text in ["b", "c", "d"] {
        std::fs::write(&path, text).unwrap();
    }
    changes.recv_timeout(LONG).unwrap();
    std::fs::write(&path, "d").unwrap();
    std::fs::write(folder.path().join("other"), "x").unwrap();
    assert!(changes.recv_timeout(SHORT).is_err());
    // Editors write a new file and rename it.
    std::fs::write(folder.path().join("new"), "e").unwrap();
    std::fs::rename(folder.path().join("new"), &path).unwrap();
    changes.recv_timeout(LONG).unwrap();
}

#[test]
fn a_swapped_config_map_is_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, text) in [("..v1", "one"), ("..v2", "two")] {
        std::fs::create_dir(at(name)).unwrap();
        std::fs::write(at(name).join("kratos.yaml"), text).unwrap();
    }
    symlink("..v1", at("..data")).unwrap();
    symlink("..data/kratos.yaml", at("kratos.yaml")).unwrap();
    let (_watcher, changes) = watched(at("kratos.yaml"));
    symlink("..v2", at("..data_tmp")).unwrap();
    std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
    changes.recv_timeout(LONG).unwrap();
}

#[test]
fn a_busy_folder_hides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, database) = (folder.path().join("kratos.yaml"), folder.path().join("zelus.sqlite"));
    std::fs::write(&path, "a").unwrap();
    let (_watcher, changes) = watched(path.clone());
    std::fs::write(&path, "b").unwrap();
    let begun = std::time::Instant::now();
    let told = loop {
        std::fs::write(&database, "x").unwrap();
        std::thread::sleep(Duration::from_millis(10));
        match changes.try_recv() {
            Err(std::sync::mpsc::TryRecvError::Empty) if begun.elapsed() < LONG => {}
            told => break told,
        }
    };
    assert!(told.is_ok());
}

#[test]
fn a_file_that_comes_or_changes_below_a_folder_is_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let templates = folder.path().join("templates");
    std::fs::create_dir_all(templates.join("recovery/valid")).unwrap();
    let (_watcher, changes) = watched(templates.clone());
    std::fs::write(templates.join("recovery/valid/email.subject.gotmpl"), "a").unwrap();
    changes.recv_timeout(LONG).unwrap();
    std::fs::write(templates.join("recovery/valid/email.subject.gotmpl"), "b").unwrap();
    changes.recv_timeout(LONG).unwrap();
    std::fs::write(folder.path().join("beside"), "b").unwrap();
    assert!(changes.recv_timeout(SHORT).is_err());
}

#[test]
fn the_files_that_a_configuration_names_are_known() {
    let yaml = "
dsn: memory
identity:
  schemas:
    - { id: default, url: 'file:///etc/zelus/a%20person.json' }
    - { id: near, url: 'file://./near.json' }
    - { id: inline, url: 'base64://e30=' }
    - { id: away, url: 'https://example.org/schema.json' }
selfservice: { default_browser_return_url: 'https://app.example.org/' }
courier:
  template_override_path: /etc/zelus/templates
  templates:
    recovery_code:
      valid: { email: { subject: 'file:///etc/zelus/subject.gotmpl', body: { plaintext: 'base64://YQ==' } } }
";
    let config = load_with(yaml, &[]).unwrap().config;
    let files = ["/etc/zelus/a person.json", "./near.json", "/etc/zelus/templates", "/etc/zelus/subject.gotmpl"];
    assert_eq!(config.files(), files.map(PathBuf::from));
}
