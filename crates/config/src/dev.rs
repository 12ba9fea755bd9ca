//! The configuration of `serve --dev` without a file: everything works, on this machine alone.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use model::Secret;
use serde_json::{Value, json};

use crate::file::Layer;
use crate::finding::{ConfigError, Finding, SourceLocation};
use crate::load::{Loaded, Mode};
use crate::settings::{Config, DeliveryStrategy};
use crate::sources::{Machine, Sources};

/// Secrets for development, made once and kept in the data folder by the caller, so that sessions outlive a restart.
#[derive(Clone, Debug)]
pub struct DevSecrets {
    /// At least 16 characters.
    pub default: Secret,
    /// Exactly 32 ASCII characters.
    pub cipher: Secret,
}

impl Config {
    /// The development configuration, with its database in `folder` and the given environment on top. Another public
    /// port (`SERVE_PUBLIC_PORT`) changes the addresses that are made from it too. `DSN` is left out, with a warning: a
    /// demonstration account is made in the database, and mail is taken out of it, which must be nobody else's.
    ///
    /// # Errors
    /// Everything that is wrong with the environment, at once.
    pub fn dev(
        folder: &Path,
        secrets: &DevSecrets,
        mut environment: Vec<(String, String)>,
        machine: Machine,
    ) -> Result<Loaded, ConfigError> {
        let database = folder.join(DEV_DATABASE);
        let ignored: Vec<Finding> = environment
            .extract_if(.., |(name, _)| name.eq_ignore_ascii_case("DSN"))
            .map(|(name, _)| {
                let message = format!(
                    "is ignored without a configuration file: development uses a database of its own, {}",
                    database.display()
                );
                Finding::new(SourceLocation { source: name, line: None }, "dsn", message)
            })
            .collect();
        let layer =
            Layer::document("the development configuration", document(&database, secrets, public_port(&environment)));
        let fallback_secret = secrets.default.clone();
        let sources = Sources { files: Vec::new(), environment, machine, fallback_secret };
        let mode = Mode { dev: true, watch_courier: true };
        let mut loaded = Loaded::from_layers(vec![layer], Vec::new(), &sources, mode)?;
        loaded.warnings.extend(ignored);
        let courier = &mut loaded.config.courier;
        courier.mailbox = courier.smtp.connection_uri.is_none() && courier.delivery_strategy == DeliveryStrategy::Smtp;
        Ok(loaded)
    }
}

/// The file of the development database, in its folder.
pub const DEV_DATABASE: &str = "zelus.sqlite";

/// Ports at which single-page apps are commonly developed.
const APP_PORTS: [u16; 8] = [3000, 3001, 4200, 4321, 4455, 5173, 8000, 8080];

/// The port that the environment asks for. What is no port is left to the check of the whole configuration.
fn public_port(environment: &[(String, String)]) -> u16 {
    let asked = environment.iter().find(|(name, _)| name == "SERVE_PUBLIC_PORT");
    asked.and_then(|(_, port)| port.parse().ok()).unwrap_or(4433)
}

fn document(database: &Path, secrets: &DevSecrets, public_port: u16) -> Value {
    let own = format!("http://localhost:{public_port}");
    let apps =
        APP_PORTS.iter().flat_map(|port| [format!("http://localhost:{port}"), format!("http://127.0.0.1:{port}")]);
    let return_urls: Vec<String> = std::iter::once(own.clone()).chain(apps).collect();
    json!({
        "dsn": format!("sqlite://{}?_fk=true", database.display()),
        "serve": {
            "public": {
                "host": "127.0.0.1",
                "port": public_port,
                "base_url": format!("{own}/"),
                "cors": {
                    "enabled": true,
                    "allowed_origins": ["http://localhost:*", "http://127.0.0.1:*"],
                    "allow_credentials": true
                }
            },
            "admin": { "host": "127.0.0.1", "port": 4434 }
        },
        "secrets": { "default": [secrets.default.expose()], "cipher": [secrets.cipher.expose()] },
        "courier": { "smtp": { "from_name": "Zelus" } },
        "ciphers": { "algorithm": "xchacha20-poly1305" },
        "identity": { "default_schema_id": "default", "schemas": [{ "id": "default", "url": identity_schema() }] },
        "selfservice": {
            "default_browser_return_url": "/ui/welcome",
            "allowed_return_urls": return_urls,
            "flows": {
                "registration": { "style": "unified", "after": { "password": { "hooks": [{ "hook": "session" }] } } },
                "verification": { "enabled": true },
                "recovery": { "enabled": true }
            },
            "methods": { "password": { "enabled": true } }
        },
        "zelus": { "defaults": "zelus" }
    })
}

/// An e-mail address with a password, as an inline document.
fn identity_schema() -> String {
    let schema = json!({
        "$id": "https://zelus.invalid/schemas/email.json",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Person",
        "type": "object",
        "properties": {
            "traits": {
                "type": "object",
                "properties": {
                    "email": {
                        "title": "E-mail",
                        "type": "string",
                        "format": "email",
                        "maxLength": 320,
                        "ory.sh/kratos": {
                            "credentials": {
                                "password": { "identifier": true },
                                "code": { "identifier": true, "via": "email" }
                            },
                            "verification": { "via": "email" },
                            "recovery": { "via": "email" }
                        }
                    }
                },
                "required": ["email"],
                "additionalProperties": false
            }
        }
    });
    format!("base64://{}", BASE64_STANDARD.encode(schema.to_string()))
}
