//! Forms of self-service flows: opened, filled in and sent as browsers, scripts and native apps do it.

use serde_json::{Value, json};

use crate::client::{Answer, Ask, Browser, Native};
use crate::server::Server;

/// A password that no rule has anything against.
pub const PASSWORD: &str = "a-v3ry-g00d-Pass!";

/// A form as the API describes it.
#[derive(Clone, Debug)]
pub struct Form {
    /// The flow in JSON.
    pub body: Value,
}

impl Form {
    /// The form in an answer.
    pub fn of(answer: &Answer) -> Self {
        let body = answer.json();
        assert!(body["ui"].is_object(), "{}: {}", answer.status, answer.body);
        Self { body }
    }

    /// The flow's id.
    pub fn id(&self) -> &str {
        self.body["id"].as_str().expect("an id")
    }

    /// Where it is sent to.
    pub fn action(&self) -> &str {
        self.body["ui"]["action"].as_str().expect("an address")
    }

    /// The attributes of a field; `null` without it.
    pub fn field(&self, name: &str) -> &Value {
        let nodes = self.body["ui"]["nodes"].as_array().expect("nodes");
        nodes.iter().map(|node| &node["attributes"]).find(|field| field["name"] == name).unwrap_or(&Value::Null)
    }

    /// The hidden anti-CSRF token.
    pub fn csrf_token(&self) -> &str {
        self.field("csrf_token")["value"].as_str().unwrap_or_default()
    }

    /// The ids of all messages: those of the form, then those of its fields.
    pub fn messages(&self) -> Vec<u64> {
        let ui = &self.body["ui"];
        let nodes = ui["nodes"].as_array().expect("nodes").iter();
        let lists = std::iter::once(&ui["messages"]).chain(nodes.map(|node| &node["messages"]));
        lists.filter_map(Value::as_array).flatten().filter_map(|message| message["id"].as_u64()).collect()
    }

    /// The same form with another anti-CSRF token, and without the flow's id: what two answers may differ in.
    pub fn without_chance(&self) -> String {
        let mut text = self.body.to_string();
        for chance in [self.id(), self.csrf_token()].into_iter().filter(|chance| !chance.is_empty()) {
            text = text.replace(chance, "*");
        }
        text
    }

    /// A submission with the form's token.
    pub fn ask(&self, server: &Server, mut body: Value) -> Ask {
        body["csrf_token"] = self.csrf_token().into();
        server.ask("POST", self.action()).accept_json().json(&body)
    }
}

fn login(email: &str, password: &str) -> Value {
    json!({ "method": "password", "identifier": email, "password": password })
}

fn registration(email: &str) -> Value {
    json!({ "method": "password", "traits": { "email": email }, "password": PASSWORD })
}

impl Browser {
    /// Opens a form, as a script does. `flow` may end with a query: `login?refresh=true`.
    pub async fn open(&mut self, flow: &str) -> Form {
        let (name, query) = flow.split_once('?').unwrap_or((flow, ""));
        let answer = self.fetch(&format!("/self-service/{name}/browser?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Form::of(&answer)
    }

    /// Sends a form as JSON, with its token.
    pub async fn submit(&mut self, form: &Form, body: Value) -> Answer {
        let ask = form.ask(&self.server, body);
        self.send(ask).await
    }

    /// Signs up; gives back the session.
    pub async fn sign_up(&mut self, email: &str) -> Value {
        let form = self.open("registration").await;
        let answer = self.submit(&form, registration(email)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["session"].clone()
    }

    /// Sends the sign-in form.
    pub async fn try_sign_in(&mut self, form: &Form, email: &str, password: &str) -> Answer {
        self.submit(form, login(email, password)).await
    }

    /// Signs in with [`PASSWORD`]; gives back the session.
    pub async fn sign_in(&mut self, email: &str) -> Value {
        let form = self.open("login").await;
        let answer = self.try_sign_in(&form, email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["session"].clone()
    }
}

impl Native {
    /// Opens a form.
    pub async fn open(&self, flow: &str) -> Form {
        let (name, query) = flow.split_once('?').unwrap_or((flow, ""));
        let answer = self.server.ask("GET", &format!("/self-service/{name}/api?{query}")).send().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Form::of(&answer)
    }

    /// Sends a form.
    pub async fn submit(&self, form: &Form, body: Value) -> Answer {
        self.server.ask("POST", form.action()).json(&body).send().await
    }

    /// Sends the sign-up form.
    pub async fn try_sign_up(&self, email: &str) -> Answer {
        let form = self.open("registration").await;
        self.submit(&form, registration(email)).await
    }

    /// Signs up; gives back the session token.
    pub async fn sign_up(&self, email: &str) -> String {
        token(&self.try_sign_up(email).await)
    }

    /// Sends the sign-in form.
    pub async fn try_sign_in(&self, email: &str, password: &str) -> Answer {
        let form = self.open("login").await;
        self.submit(&form, login(email, password)).await
    }

    /// Signs in with [`PASSWORD`]; gives back the session token.
    pub async fn sign_in(&self, email: &str) -> String {
        token(&self.try_sign_in(email, PASSWORD).await)
    }

    /// Signs out.
    pub async fn log_out(&self, token: &str) -> Answer {
        self.server.ask("DELETE", "/self-service/logout/api").json(&json!({ "session_token": token })).send().await
    }
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["session_token"].as_str().expect("a session token").to_owned()
}
