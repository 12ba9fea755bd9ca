//! What a provider says about a person, under the names that Jsonnet snippets read (Kratos' claims).

use serde_json::{Map, Value};

use super::net::upstream;

/// What a provider says about a person. Members that it does not say are absent.
#[derive(Clone, Default)]
pub struct Claims {
    said: Map<String, Value>,
    /// When the person signed in at the provider, in seconds since 1970, if the provider says so.
    auth_time: Option<i64>,
    /// How well the provider says it knows who it is (OpenID Connect Core §2); empty if it does not say.
    acr: String,
}

/// The longest `acr` that is kept, in bytes. Those that are registered are short names and addresses.
const MAX_ACR: usize = 255;

/// Claims that are text. Everything else that a provider says is in `raw_claims`.
const TEXTS: [&str; 20] = [
    "iss",
    "sub",
    "oid",
    "name",
    "given_name",
    "family_name",
    "last_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "gender",
    "birthdate",
    "zoneinfo",
    "phone_number",
    "hd",
    "team",
];
const FLAGS: [&str; 3] = ["email_verified", "phone_number_verified", "nonce_supported"];

impl Claims {
    /// Reads the standard claims of an ID token or a userinfo answer (OpenID Connect Core §5.1), and keeps all of them as
    /// `raw_claims`.
    pub fn read(raw: Map<String, Value>) -> Self {
        let mut claims = Self::default();
        let text = |name: &str| raw.get(name).and_then(Value::as_str).unwrap_or_default();
        for name in TEXTS.into_iter().chain(["nonce"]) {
            claims = claims.with(name, text(name));
        }
        for name in FLAGS {
            // Apple says "true".
            let flag = raw.get(name).is_some_and(|value| *value == true || value == "true");
            claims = claims.with_flag(name, flag);
        }
        claims = claims.with("locale", &locale(raw.get("locale")));
        if let Some(time) = raw.get("updated_at").and_then(unix_time) {
            claims.said.insert("updated_at".to_owned(), time.into());
        }
        claims = claims.signed_in_as(&raw);
        claims.said.insert("raw_claims".to_owned(), Value::Object(raw));
        claims
    }

    /// Takes from an ID token when and how the person signed in, which other answers do not prove.
    #[must_use]
    pub fn signed_in_as(mut self, id_token: &Map<String, Value>) -> Self {
        let acr = id_token.get("acr").and_then(Value::as_str).filter(|acr| acr.len() <= MAX_ACR);
        self.acr = acr.unwrap_or_default().to_owned();
        self.auth_time = auth_time(id_token);
        self
    }

    /// How well the provider says it knows who it is; empty if it does not say.
    pub fn acr(&self) -> &str {
        &self.acr
    }

    /// When the person signed in at the provider, in seconds since 1970, if it says so.
    pub fn auth_time(&self) -> Option<i64> {
        self.auth_time
    }

    /// Adds a claim, unless it is empty.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.said.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Drops all claims but these.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        self.said.retain(|name, _| names.contains(&name.as_str()));
        self
    }

    /// Adds a claim that is true or absent.
    #[must_use]
    pub fn with_flag(mut self, name: &str, value: bool) -> Self {
        if value {
            self.said.insert(name.to_owned(), true.into());
        }
        self
    }

    /// Adds a claim, unless there is one of that name or it is empty.
    #[must_use]
    pub fn with_default(self, name: &str, value: &str) -> Self {
        if self.text(name).is_empty() { self.with(name, value) } else { self }
    }

    /// Adds a time, in seconds since 1970.
    #[must_use]
    pub fn with_time(mut self, name: &str, seconds: i64) -> Self {
        self.said.insert(name.to_owned(), seconds.into());
        self
    }

    /// A claim that is text; empty if it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.said.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A claim that says yes.
    pub fn flag(&self, name: &str) -> bool {
        self.said.get(name).is_some_and(|value| *value == true)
    }

    /// Who it is, to the provider.
    pub fn subject(&self) -> &str {
        self.text("sub")
    }

    /// As Jsonnet sees them.
    pub fn to_value(&self) -> Value {
        Value::Object(self.said.clone())
    }

    /// Checks that it is said who it is, and by whom.
    ///
    /// # Errors
    /// 502 otherwise.
    pub fn complete(self) -> Result<Self, model::Problem> {
        if self.subject().is_empty() {
            return Err(upstream("The provider did not say who it is that signs in."));
        }
        if self.text("iss").is_empty() {
            return Err(upstream("The provider did not say who it is itself."));
        }
        Ok(self)
    }
}

/// LinkedIn has an object where all others have text.
fn locale(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(parts)) => {
            let parts = ["language", "country"].map(|name| parts.get(name).and_then(Value::as_str).unwrap_or_default());
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
        }
        _ => String::new(),
    }
}

/// When the person signed in at the provider (OpenID Connect Core §2), in seconds since 1970.
fn auth_time(id_token: &Map<String, Value>) -> Option<i64> {
    let time = id_token.get("auth_time")?;
    time.as_f64().map(|seconds| seconds as i64).or_else(|| unix_time(time))
}

/// Seconds since 1970. Auth0 and Salesforce send RFC 3339.
fn unix_time(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse::<model::Timestamp>().ok().map(model::Timestamp::as_second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(raw: Value) -> Value {
        let Value::Object(raw) = raw else { panic!("not an object") };
        let mut claims = Claims::read(raw).said;
        claims.remove("raw_claims");
        Value::Object(claims)
    }

    #[test]
    fn claims_come_in_many_forms() {
        assert_eq!(
            read(
                json!({ "sub": "1", "email_verified": "true", "locale": { "language": "de", "country": "AT" }, "name": null,
                         "updated_at": "1970-01-01T00:01:00Z", "phone_number_verified": false, "own": [1] })
            ),
            json!({ "sub": "1", "email_verified": true, "locale": "de-AT", "updated_at": 60 })
        );
        assert_eq!(
            read(json!({ "sub": 5, "locale": "fr", "updated_at": 7 })),
            json!({ "locale": "fr", "updated_at": 7 })
        );
        assert!(Claims::default().with("sub", "1").complete().is_err());
    }
}
