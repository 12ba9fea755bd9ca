//! A person, their flows, and a server to be a method of.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crypto::CsrfToken;
use engine::Runtime;
use flow::{
    Binding, Context, Input, LoginForm, LoginMethod, LoginOutcome, Method, Request, RequestFacts, SettingsForm,
    SettingsMethod, SettingsOutcome,
};
use model::flow::{Login, Settings};
use model::{
    Aal, AuthenticationMethod, ClientInfo, Clock, Credential, CredentialType, Cx, Entropy, Flow, FlowClient, FlowState,
    Id, Identity, IdentityId, Node, RawJson, Session, Ui,
};
use serde_json::{Map, Value, json};
use store::Tx;
use testkit::{Database, Server, Setup};

/// A server with an empty database, and the person who uses it.
pub struct Place {
    pub cx: Cx,
    pub runtime: Arc<Runtime>,
    request: Request,
    pub person: Identity,
    /// Removed in the end.
    _database: Database,
}

impl Place {
    /// People are called by their address in authenticator apps.
    pub async fn new() -> Self {
        let address = json!({ "type": "string", "ory.sh/kratos": { "credentials": {
            "password": { "identifier": true }, "totp": { "account_name": true } } } });
        let schema = json!({ "properties": { "traits": { "type": "object", "properties": { "email": address } } } });
        let url = format!("base64://{}", BASE64_STANDARD.encode(schema.to_string()));
        let more = json!({
            "serve": { "public": { "base_url": "https://id.example.org/" } },
            "identity": { "default_schema_id": "person", "schemas": [{ "id": "person", "url": url }] },
            "selfservice": { "methods": { "totp": { "enabled": true }, "lookup_secret": { "enabled": true } } },
        });
        let clock = Clock::manual("2026-11-21T07:44:37.5Z".parse().expect("a time"));
        let database = Database::sqlite().await;
        let setup = Setup { clock: clock.clone(), ..Setup::with(&more.to_string()) };
        let server = Server::of(&database, setup).await;
        let cx = Cx { clock, entropy: Entropy::seeded(7) };
        let traits = RawJson::from_value(&json!({ "email": "a@example.org" }));
        let person = Identity::new(IdentityId::random(&cx.entropy), "person".to_owned(), traits, cx.now());
        let request = request(&cx);
        Self { cx, runtime: server.app.site().runtime.clone(), request, person, _database: database }
    }

    /// What the method is given.
    pub fn context(&self) -> Context<'_> {
        Context::new(&self.cx, &self.runtime, &self.request)
    }

    /// The method of a name, for signing in.
    pub fn login(&self, name: &str) -> &dyn LoginMethod {
        self.method(name).login().expect("it signs in")
    }

    /// The method of a name, for changing one's account.
    pub fn settings(&self, name: &str) -> &dyn SettingsMethod {
        self.method(name).settings().expect("it has settings")
    }

    fn method(&self, name: &str) -> &dyn Method {
        let method = self.runtime.methods.iter().find(|method| method.name() == name);
        method.expect("the method is switched on").as_ref()
    }

    /// Gives the person a second factor.
    pub fn set_up(&mut self, kind: CredentialType, config: RawJson) {
        let now = self.cx.now();
        let identifiers = vec![self.person.id.to_string()];
        let id = Id::random(&self.cx.entropy);
        let credential = Credential { id, kind, identifiers, config, version: 0, created_at: now, updated_at: now };
        self.person.credentials.insert(kind, credential);
    }

    /// Stores the person as they are.
    pub async fn store(&mut self) {
        let mut tx = Tx::new();
        self.runtime.identities.insert(&self.cx, &mut self.person, &mut tx);
        self.runtime.store.commit(tx).await.expect("an identity");
    }

    /// What a method makes of a second factor, from somebody who has shown a first one.
    pub async fn sign_in(&self, name: &str, body: Value) -> LoginOutcome {
        let (session, mut flow) = (self.session(), self.login_flow());
        let form = LoginForm { flow: &mut flow, session: Some(&session), input: &input(body) };
        self.login(name).verify(self.context(), form).await.expect("an outcome")
    }

    /// What a method makes of a change that the person has just signed in for.
    pub async fn change(&self, name: &str, flow: &mut Flow<Settings>, body: Value) -> SettingsOutcome {
        let (session, input) = (self.session(), input(body));
        let form = SettingsForm { flow, session: &session, identity: &self.person, input: &input };
        let outcome = self.settings(name).verify(self.context(), form).await;
        outcome.unwrap_or_else(|_| panic!("no outcome"))
    }

    /// A form that asks for a second factor.
    pub fn login_flow(&self) -> Flow<Login> {
        self.flow(FlowState::ChooseMethod, Login { requested_aal: Aal::Aal2, ..Login::default() })
    }

    /// A form for the person's account.
    pub fn settings_flow(&self) -> Flow<Settings> {
        self.flow(FlowState::ShowForm, Settings { identity_id: self.person.id })
    }

    fn flow<K: model::flow::FlowKind>(&self, state: FlowState, detail: K) -> Flow<K> {
        let now = self.cx.now();
        Flow {
            id: Id::random(&self.cx.entropy),
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

    /// A session of somebody who has shown a first factor.
    fn session(&self) -> Session {
        let now = self.cx.now();
        Session {
            id: Id::random(&self.cx.entropy),
            identity_id: self.person.id,
            token: None,
            logout_token: None,
            active: true,
            issued_at: now,
            expires_at: now,
            authenticated_at: now,
            aal: Aal::Aal1,
            authentication_methods: vec![AuthenticationMethod::new("password", Aal::Aal1, now)],
            attainable_aal: None,
            created_at: now,
            updated_at: now,
            devices: None,
            identity: None,
        }
    }
}

pub fn input(body: Value) -> Input {
    Input::from_json(body.to_string().as_bytes()).expect("an object")
}

pub fn names(nodes: &[Node]) -> Vec<&str> {
    nodes.iter().map(Node::id).collect()
}

fn request(cx: &Cx) -> Request {
    Request {
        id: "a-request".to_owned(),
        url: "https://id.example.org/".parse().expect("a URL"),
        credentials: session::RequestCredentials::default(),
        client: ClientInfo::default(),
        client_address: None,
        csrf: CsrfToken::generate(&cx.entropy),
        has_csrf_cookie: true,
        repeats_csrf_cookie: false,
        binding: Binding::default(),
        csrf_header: None,
        continuity_cookie: None,
        cookies: Vec::new(),
        origin: None,
        any_client: false,
        sends_json: true,
        wants_json: true,
        is_get: false,
        from_script: false,
        facts: RequestFacts::default(),
    }
}
