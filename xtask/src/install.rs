//! Installs what the tests need: Debian's packages where we may, and each language's own by its own client.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{command, run_quietly, succeed, which};
use crate::{Result, postgres, root, target};

/// Something that comes from the system: how to tell that it is there, and Debian's packages that bring it.
pub struct Need {
    is_there: fn() -> bool,
    packages: &'static [&'static str],
}

pub const POSTGRES: Need = Need { is_there: || postgres::programs().is_some(), packages: &["postgresql"] };
pub const WRK: Need = Need { is_there: || which("wrk").is_some(), packages: &["wrk"] };
pub const SQLITE: Need = Need { is_there: || which("sqlite3").is_some(), packages: &["sqlite3"] };
pub const CHROMIUM: Need =
    Need { is_there: || which("chromium").is_some(), packages: &["chromium", "fonts-liberation"] };
pub const NODE: Need =
    Need { is_there: || which("node").is_some() && which("npm").is_some(), packages: &["nodejs", "npm"] };
pub const PYTHON: Need = Need { is_there: has_python, packages: &["python3", "python3-venv"] };
pub const GO: Need = Need { is_there: || which("go").is_some(), packages: &["golang-go"] };
pub const JAVA: Need = Need {
    is_there: || which("javac").is_some() && which("mvn").is_some(),
    packages: &["default-jdk-headless", "maven"],
};

/// Python with what `python3 -m venv` needs, which Debian packs apart.
fn has_python() -> bool {
    run_quietly(command("python3").args(["-c", "import ensurepip, venv"])).is_ok()
}

/// Whether this process may install packages for the whole system.
pub fn is_root() -> bool {
    run_quietly(command("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0")
}

/// Installs whatever is missing. Without the right to, the error says exactly what to install.
pub fn ensure(needs: &[&Need]) -> Result {
    let missing = needs.iter().filter(|need| !(need.is_there)());
    let packages: BTreeSet<_> = missing.flat_map(|need| need.packages).copied().collect();
    let packages = Vec::from_iter(packages);
    if packages.is_empty() {
        return Ok(());
    }
    if !is_root() || which("apt-get").is_none() {
        return Err(format!("please install these first:\n\n  sudo apt-get install {}\n", packages.join(" ")).into());
    }
    println!("Installing {}", packages.join(", "));
    run_quietly(apt_get().args(["update", "--quiet"]))?;
    run_quietly(apt_get().args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(&packages))?;
    Ok(())
}

fn apt_get() -> Command {
    let mut apt_get = command("apt-get");
    apt_get.env("DEBIAN_FRONTEND", "noninteractive");
    apt_get
}

/// The packages that `folder`'s `package-lock.json` names.
pub fn npm(folder: &str) -> Result {
    let folder = root().join(folder);
    once(&folder.join("package-lock.json"), &folder.join("node_modules/.installed"), || {
        println!("$ npm ci  ({})", folder.display());
        run_quietly(command("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder)).map(drop)
    })
}

/// A virtual environment of its own with the packages of a requirements file. Gives back its Python.
pub fn python(name: &str, requirements: &str) -> Result<PathBuf> {
    let venv = target().join("e2e").join(name);
    let python = venv.join("bin/python");
    let requirements = root().join(requirements);
    once(&requirements, &venv.join(".installed"), || {
        println!("$ pip install -r {}", requirements.display());
        run_quietly(command("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        succeed(
            command(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
                .arg(&requirements),
        )
    })?;
    Ok(python)
}

/// Installs, unless the last time was by the same list; `mark` remembers the list.
fn once(list: &Path, mark: &Path, install: impl FnOnce() -> Result) -> Result {
    let wanted = fs::read(list).map_err(|error| format!("{}: {error}", list.display()))?;
    if fs::read(mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    Ok(fs::write(mark, wanted)?)
}
