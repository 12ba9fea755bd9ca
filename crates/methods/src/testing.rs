//! A person, their flows, and a server to be a method of.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use config::{Loaded, Machine, Mode, Sources};
use crypto::{HashingPool, PoolLimits, TotpSecret};
use flow::{Hooks, Input, Parts, Runtime};
use identity::{SchemaSource, Schemas};
use mapper::Mapper;
use model::flow::{Login, Settings};
use model::{
    Aal, AuthenticationMethod, Clock, Cx, Entropy, Flow, FlowClient, FlowState, Id, Identity, IdentityId, RawJson,
    Session, Timestamp, Ui,
};
use outbound::{Outbound, OutboundOptions};
use serde_json::{Map, Value, json};
use store::{Dsn, Store, Tx};

pub(crate) fn cx() -> Cx {
    let now = "2026-11-21T07:44:37.5Z".parse().expect("a time");
    Cx { clock: Clock::manual(now), entropy: Entropy::seeded(7) }
}

/// A server with an empty database, whose people are called by their address in authenticator apps.
pub(crate) async fn runtime() -> Runtime {
    let address = json!({ "type": "string", "ory.sh/kratos": { "credentials": {
        "password": { "identifier": true }, "totp": { "account_name": true } } } });
    let schema = json!({ "properties": { "traits": { "type": "object", "properties": { "email": address } } } });
    let url = format!("base64://{}", BASE64_STANDARD.encode(schema.to_string()));
    let text = json!({
        "dsn": "memory",
        "serve": { "public": { "base_url": "https://id.example.org/" } },
        "identity": { "default_schema_id": "person", "schemas": [{ "id": "person", "url": url }] },
        "selfservice": { "default_browser_return_url": "https://id.example.org/" },
        "courier": { "smtp": { "connection_uri": "smtp://127.0.0.1/" } },
    });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kratos.json");
    std::fs::write(&path, text.to_string()).expect("a file");
    let machine = Machine { hostname: "localhost".to_owned(), processors: 1 };
    let sources =
        Sources { files: vec![path], environment: Vec::new(), machine, fallback_secret: "0123456789abcdef".into() };
    let loaded = Loaded::from(&sources, Mode { dev: true, watch_courier: false }).expect("a configuration");
    let config = Arc::new(loaded.config);
    let store = Store::open(&Dsn::parse("memory").expect("a DSN")).await.expect("a database");
    let cx = cx();
    store.migrate_up(cx.entropy.uuid(), cx.now(), &mut |_| {}).await.expect("a schema");
    let schemas = Arc::new(Schemas::load(&config.identity, &SchemaSource::new()).expect("schemas"));
    let (clock, entropy) = (cx.clock, cx.entropy);
    let parts = Parts {
        store,
        schemas,
        hashing: HashingPool::new(PoolLimits { workers: 1, memory_bytes: 1 << 20, queue: 8 }),
        outbound: Outbound::new(&OutboundOptions::new(clock.clone(), entropy.clone())).expect("a client"),
        mapper: Mapper::unconfined(clock.clone()),
        templates: courier::Templates::own("Zelus"),
        clock,
        entropy,
    };
    let methods = crate::enabled(&config);
    Runtime::new(config, parts, methods, Hooks::default())
}

pub(crate) fn identity(cx: &Cx) -> Identity {
    let traits = RawJson::from_value(&json!({ "email": "a@example.org" }));
    Identity::new(IdentityId::random(&cx.entropy), "person".to_owned(), traits, cx.now())
}

/// Stores an identity as it is.
pub(crate) async fn store(cx: &Cx, runtime: &Runtime, identity: &mut Identity) {
    let mut tx = Tx::new();
    runtime.identities.insert(cx, identity, &mut tx);
    runtime.store.commit(tx).await.expect("an identity");
}

/// A session of somebody who has shown a first factor.
pub(crate) fn session(cx: &Cx, identity: &Identity) -> Session {
    let now = cx.now();
    Session {
        id: Id::random(&cx.entropy),
        identity_id: identity.id,
        token: None,
        logout_token: None,
        active: true,
        issued_at: now,
        expires_at: now,
        authenticated_at: now,
        aal: Aal::Aal1,
        authentication_methods: vec![AuthenticationMethod::new("password", Aal::Aal1, now)],
        created_at: now,
        updated_at: now,
        devices: None,
        identity: None,
    }
}

pub(crate) fn input(body: Value) -> Input {
    Input::from_json(body.to_string().as_bytes()).expect("an object")
}

/// A form that asks for a second factor.
pub(crate) fn login_flow(cx: &Cx) -> Flow<Login> {
    flow(cx, FlowState::ChooseMethod, Login { requested_aal: Aal::Aal2, ..Login::default() })
}

pub(crate) fn settings_flow(cx: &Cx, identity: &Identity) -> Flow<Settings> {
    flow(cx, FlowState::ShowForm, Settings { identity_id: identity.id })
}

fn flow<K: model::flow::Kind>(cx: &Cx, state: FlowState, detail: K) -> Flow<K> {
    let now = cx.now();
    Flow {
        id: Id::random(&cx.entropy),
        client: FlowClient::Browser,
        request_url: String::new(),
        issued_at: now,
        expires_at: now,
        state,
        active: None,
        ui: Ui::new(String::new()),
        csrf_token: String::new(),
        internal_context: Map::new(),
        created_at: now,
        updated_at: now,
        detail,
        return_to: None,
        transient_payload: None,
    }
}

/// The code that an authenticator app shows that has scanned this key URI.
pub(crate) fn code_of(uri: &str, now: Timestamp) -> String {
    let (_, secret) = uri.rsplit_once("secret=").expect("a secret");
    TotpSecret::from_base32(secret).expect("base32").code_at(now)
}
