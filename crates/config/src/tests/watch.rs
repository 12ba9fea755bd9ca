use std::os::unix::fs::symlink;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::Change;

fn watched(path: PathBuf) -> (crate::Watcher, Receiver<Change>) {
    let (sender, changes) = channel();
    let watcher = crate::watch(&[path], move |change| {
        let _ = sender.send(change);
    })
    .unwrap();
    (watcher, changes)
}

/// Waits for a change of content.
#[track_caller]
fn changed(changes: &Receiver<Change>) {
    while changes.recv_timeout(LONG).expect("a change of content") != Change::Content {}
}

/// Waits until the files have settled.
#[track_caller]
fn settled(changes: &Receiver<Change>) {
    while changes.recv_timeout(LONG).expect("a rest") != Change::Settled {}
}

const LONG: Duration = Duration::from_secs(10);
/// In which a change would be told.
const SHORT: Duration = Duration::from_secs(2);

#[test]
fn changes_are_told_at_once_and_once_more_when_they_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kratos.yaml");
    std::fs::write(&path, "a").unwrap();
    let (_watcher, changes) = watched(path.clone());
    settled(&changes);
    // Nobody waits for the end of the writing.
    let (done, stop) = channel::<()>();
    let writer = std::thread::spawn({
        let path = path.clone();
        move || {
            let mut n = 0;
            while stop.recv_timeout(Duration::from_millis(20)).is_err() {
                n += 1;
                std::fs::write(&path, format!("b{n}")).unwrap();
            }
        }
    });
    assert_eq!(changes.recv_timeout(LONG), Ok(Change::Content));
    assert_eq!(changes.recv_timeout(LONG), Ok(Change::Content));
    done.send(()).unwrap();
    writer.join().unwrap();
    settled(&changes);
    // Neither the same content nor another file is a change.
    std::fs::write(&path, std::fs::read(&path).unwrap()).unwrap();
    std::fs::write(folder.path().join("other"), "x").unwrap();
    assert_eq!(changes.recv_timeout(LONG), Ok(Change::Settled));
    assert!(changes.recv_timeout(SHORT).is_err());
    // Editors write a new file and rename it.
    std::fs::write(folder.path().join("new"), "e").unwrap();
    std::fs::rename(folder.path().join("new"), &path).unwrap();
    assert_eq!(changes.recv_timeout(LONG), Ok(Change::Content));
    assert_eq!(changes.recv_timeout(LONG), Ok(Change::Settled));
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
    changed(&changes);
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
            Ok(Change::Settled) | Err(std::sync::mpsc::TryRecvError::Empty) if begun.elapsed() < LONG => {}
            told => break told,
        }
    };
    assert_eq!(told, Ok(Change::Content));
}

#[test]
fn a_file_that_comes_or_changes_below_a_folder_is_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let templates = folder.path().join("templates");
    std::fs::create_dir_all(templates.join("recovery/valid")).unwrap();
    let (_watcher, changes) = watched(templates.clone());
    std::fs::write(templates.join("recovery/valid/email.subject.gotmpl"), "a").unwrap();
    changed(&changes);
    std::fs::write(templates.join("recovery/valid/email.subject.gotmpl"), "b").unwrap();
    changed(&changes);
    settled(&changes);
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
