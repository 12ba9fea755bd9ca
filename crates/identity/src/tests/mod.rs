mod addresses;
mod crud;
mod document;
mod formats;
mod keyword;
mod patching;
mod patterns;
mod sent;
mod traits;

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use config::{Config, Loaded, Machine, Mode, Sources};
use crypto::{HashingPool, PoolLimits};
use model::{Clock, Cx, Entropy, Identity, IdentityId, RawJson};
use serde_json::{Value, json};
use store::{Dsn, Store};

use crate::{Identities, SchemaError, SchemaSource, Schemas};

/// A schema with every kind of trait.
pub(super) fn person() -> Value {
    json!({
        "$id": "https://example.org/person.schema.json",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": { "traits": {
            "type": "object",
            "properties": {
                "email": {
                    "type": "string", "format": "email", "title": "E-Mail", "minLength": 3,
                    "ory.sh/kratos": {
                        "credentials": {
                            "password": { "identifier": true },
                            "code": { "identifier": true, "via": "email" },
                            "webauthn": { "identifier": true },
                            "passkey": { "display_name": true },
                            "totp": { "account_name": true }
                        },
                        "verification": { "via": "email" },
                        "recovery": { "via": "email" }
                    }
                },
                "name": { "type": "object", "properties": {
                    "first": { "title": "First name", "type": "string", "maxLength": 5, "pattern": "^[A-Z]" },
                    "last": { "title": "Last name", "type": "string" }
                } },
                "age": { "title": "Age", "type": "integer", "minimum": 0 },
                "newsletter": { "title": "Newsletter", "type": "boolean" }
            },
            "required": ["email"],
            "additionalProperties": false
        } }
    })
}

/// `traits` with these properties and nothing required.
pub(super) fn schema_of(properties: Value) -> Value {
    json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": properties } } })
}

pub(super) fn load(schema: &Value) -> Result<Schemas, SchemaError> {
    let url = format!("base64://{}", BASE64_STANDARD.encode(schema.to_string()));
    let one = config::IdentitySchema { id: "person".to_owned(), url, selfservice_selectable: true };
    let config = config::Identity { default_schema_id: "person".to_owned(), schemas: vec![one] };
    Schemas::load(&config, &SchemaSource::new())
}

pub(super) fn schemas(schema: &Value) -> Schemas {
    load(schema).expect("a schema")
}

pub(super) fn cx() -> Cx {
    let now = "2026-11-21T07:44:37.123456789Z".parse().expect("a time");
    Cx { clock: Clock::manual(now), entropy: Entropy::seeded(7) }
}

pub(super) fn config() -> Config {
    let folder = tempfile::tempdir().expect("a folder");
    let schema = format!("base64://{}", BASE64_STANDARD.encode(person().to_string()));
    let text = json!({
        "dev": true,
        "dsn": "memory",
        "identity": { "default_schema_id": "person", "schemas": [{ "id": "person", "url": schema }] },
        "selfservice": { "default_browser_return_url": "http://127.0.0.1/", "methods": { "code": { "mfa_enabled": true } } },
        "hashers": { "algorithm": "bcrypt", "bcrypt": { "cost": 4 } },
        "courier": { "smtp": { "connection_uri": "smtp://127.0.0.1/" } },
    });
    let path = folder.path().join("kratos.json");
    std::fs::write(&path, text.to_string()).expect("a file");
    let machine = Machine { hostname: "localhost".to_owned(), processors: 1 };
    let sources =
        Sources { files: vec![path], environment: Vec::new(), machine, fallback_secret: "0123456789abcdef".into() };
    Loaded::from(&sources, Mode { dev: true, watch_courier: false }).expect("a configuration").config
}

pub(super) async fn identities(cx: &Cx) -> Identities {
    let store = Store::open(&Dsn::parse("memory").expect("a DSN")).await.expect("a database");
    store.migrate_up(cx.entropy.uuid(), cx.now(), &mut |_| {}).await.expect("a schema");
    let config = config();
    let schemas = Schemas::load(&config.identity, &SchemaSource::new()).expect("a schema");
    let pool = HashingPool::new(PoolLimits { workers: 1, memory_bytes: 1 << 20, queue: 8 });
    Identities::new(store, Arc::new(schemas), &config, pool)
}

pub(super) fn identity(cx: &Cx, traits: &Value) -> Identity {
    Identity::new(IdentityId::random(&cx.entropy), "person".to_owned(), RawJson::from_value(traits), cx.now())
}
