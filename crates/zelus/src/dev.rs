//! `zelus serve --dev` without a configuration: its folder, its secrets, its second port.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use config::{DEV_DATABASE, DevSecrets};
use model::{Entropy, Secret};
use serde_json::{Value, json};
use server::{Endpoint, Running};

/// Where the database and the secrets are kept, below the working directory.
pub const FOLDER: &str = ".zelus";
/// What generated secrets are made of.
pub const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Where single-page apps that were written for Ory's tunnel look for their server.
const TUNNEL_PORT: u16 = 4000;

/// The secrets beside the database; made at the first start, and readable by their owner only.
///
/// # Errors
/// When the folder or the file cannot be used, and when there is a database without them: it was made by somebody else,
/// who does not expect a demonstration account in it.
pub fn secrets(folder: &Path, entropy: &Entropy) -> Result<DevSecrets, String> {
    let path = folder.join("secrets.json");
    let unusable = |error: &dyn std::fmt::Display| {
        format!("{} cannot be used: {error}. Remove {} to start afresh.", path.display(), folder.display())
    };
    if let Ok(text) = fs::read_to_string(&path) {
        let secrets: Value = serde_json::from_str(&text).map_err(|error| unusable(&error))?;
        let secret = |name: &str| secrets.get(name).and_then(Value::as_str).map(Secret::from);
        let (Some(default), Some(cipher)) = (secret("default"), secret("cipher")) else {
            return Err(unusable(&"a secret is missing"));
        };
        return Ok(DevSecrets { default, cipher });
    }
    let database = folder.join(DEV_DATABASE);
    if database.exists() {
        return Err(format!(
            "{} is there without {}, so it was not made by `zelus serve --dev`. Move it away, or name it in a \
             configuration (-c).",
            database.display(),
            path.display()
        ));
    }
    // The folder is nobody else's business, nor is what comes to be in it.
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| format!("The folder {} cannot be made: {error}.", folder.display()))?;
    let secrets = DevSecrets {
        default: Secret::new(entropy.string(ALPHABET, 32)),
        cipher: Secret::new(entropy.string(ALPHABET, 32)),
    };
    let text = json!({ "default": secrets.default.expose(), "cipher": secrets.cipher.expose() }).to_string();
    let mut file = private().create_new(true).open(&path).map_err(|error| unusable(&error))?;
    file.write_all(text.as_bytes()).map_err(|error| unusable(&error))?;
    // Least of all it is a version control system's business.
    let ignored = private().create(true).truncate(true).open(folder.join(".gitignore"));
    ignored.and_then(|mut file| file.write_all(b"*\n")).map_err(|error| unusable(&error))?;
    Ok(secrets)
}

/// How files are made that their owner alone reads.
fn private() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// Serves what is public at the address of Ory's tunnel too, if it is free. Says the port, if so.
pub async fn serve_tunnel_port(running: &Running, public: &Endpoint) -> Option<u16> {
    let sockets = listener::bind("localhost", TUNNEL_PORT, public.options.workers.count()).await;
    let say = |why: &_| {
        tracing::info!("Port {TUNNEL_PORT} is not free ({why:?}). Apps written for it can use the public port.")
    };
    running.serve(sockets.inspect_err(say).ok()?, public);
    Some(TUNNEL_PORT)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_are_made_once_and_kept_private() {
        let folder = std::env::temp_dir().join(format!("zelus-secrets-{}", Entropy::system().uuid()));
        let first = secrets(&folder, &Entropy::seeded(1)).expect("secrets");
        let second = secrets(&folder, &Entropy::seeded(2)).expect("secrets");
        assert_eq!(first.default, second.default);
        let mode = fs::metadata(folder.join("secrets.json")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(".gitignore"))), (0o700, 0o600));
        fs::write(folder.join("secrets.json"), "{}").expect("a file");
        assert!(secrets(&folder, &Entropy::seeded(3)).is_err());
        fs::remove_file(folder.join("secrets.json")).expect("the file is removed");
        fs::write(folder.join(DEV_DATABASE), "").expect("a file");
        assert!(secrets(&folder, &Entropy::seeded(3)).is_err_and(|why| why.contains("was not made by")));
        fs::remove_dir_all(&folder).expect("the folder is removed");
    }
}
