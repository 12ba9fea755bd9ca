use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{HttpAuth, env, schema};

fn with(environment: &[(&str, &str)]) -> Loaded {
    load_with(LEAST, environment).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn variables_win_over_files_and_have_the_schemas_type() {
    let config = with(&[
        ("DSN", "postgres://u:p@h/db"),
        ("SERVE_PUBLIC_PORT", "8080"),
        ("SELFSERVICE_METHODS_PASSWORD_ENABLED", "false"),
        ("SELFSERVICE_METHODS_LOOKUP_SECRET_ENABLED", "1"),
        ("SECRETS_COOKIE", "first-secret-0000,second-secret-111"),
        ("SECRETS_DEFAULT", r#"["a-json-list-of-one, with comma"]"#),
        ("SELFSERVICE_FLOWS_LOGIN_UI_URL", "https://ui.example.org/login"),
        ("COOKIES_SECURE", "false"),
        ("TRACING_PROVIDERS_OTLP_SAMPLING_SAMPLING_RATIO", "0.25"),
        ("FEATURE_FLAGS_CACHEABLE_SESSIONS_MAX_AGE", "30s"),
        ("OAUTH2_PROVIDER_HEADERS", r#"{"Authorization":"x"}"#),
        ("OAUTH2_PROVIDER_URL", "https://hydra/"),
        ("HOME", "/root"),
        ("LOG_LEVEL", ""),
        ("SERVE_PUBLIC", ""),
        ("SERVE_PUBLIC_NOTHING", "x"),
    ])
    .config;
    assert_eq!(config.dsn.expose(), "postgres://u:p@h/db");
    assert_eq!(config.serve.public.port, 8080);
    assert!(!config.selfservice.methods.password.enabled && config.selfservice.methods.lookup_secret_enabled);
    let cookie: Vec<_> = config.secrets.cookie.iter().map(|secret| secret.expose().as_str()).collect();
    assert_eq!(cookie, ["first-secret-0000", "second-secret-111"]);
    assert_eq!(config.secrets.default[0].expose(), "a-json-list-of-one, with comma");
    assert_eq!(config.selfservice.login.ui_url.unwrap().as_str(), "https://ui.example.org/login");
    assert!(!config.cookies.secure && config.session.cookie.secure);
    assert_eq!(config.feature_flags.cacheable_sessions_max_age.unwrap().as_secs(), 30);
    assert_eq!(config.oauth2_provider.unwrap().headers["Authorization"].expose(), "x");
}

#[test]
fn elements_of_lists_are_addressed_by_position() {
    let yaml = "dsn: memory
identity: { schemas: [{ id: default, url: 'file:///a' }] }
selfservice:
  default_browser_return_url: https://app.example.org/
  methods:
    oidc:
      config: { providers: [{ id: g, provider: google, client_id: c, client_secret: in-file, mapper_url: 'file:///m' }] }
";
    let loaded = load_with(
        yaml,
        &[
            ("SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_CLIENT_SECRET", "from-environment"),
            ("IDENTITY_SCHEMAS_1_URL", "file:///b"),
            ("IDENTITY_SCHEMAS_1_ID", "second"),
            ("SELFSERVICE_ALLOWED_RETURN_URLS", "https://a.example.org,https://b.example.org"),
        ],
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let provider = &loaded.config.selfservice.methods.oidc.providers[0];
    assert_eq!(provider.client_secret.as_ref().unwrap().expose(), "from-environment");
    assert_eq!(provider.client_id, "c");
    assert_eq!(loaded.config.identity.schemas[1].id, "second");
    let gap = load_with(LEAST, &[("IDENTITY_SCHEMAS_3_ID", "x")]).unwrap_err().to_string();
    assert!(gap.contains("identity.schemas.1"), "{gap}");
}

#[test]
fn native_flows_are_taken_from_browsers_in_tests_only() {
    let variable = |value| [("DEV_DISABLE_API_FLOW_ENFORCEMENT", value)];
    let dev = Mode { dev: true, ..Mode::default() };
    for (value, mode, expected) in
        [("true", dev, true), ("1", dev, false), ("", dev, false), ("true", Mode::default(), false)]
    {
        let loaded = Files::new(&[("kratos.yaml", LEAST)], &variable(value)).load(mode).expect("it is good");
        assert_eq!(loaded.config.takes_native_flows_from_browsers, expected, "{value}");
        let is_said = lines(loaded.warnings).iter().any(|line| line.starts_with("DEV_DISABLE_API_FLOW_ENFORCEMENT: "));
        assert_eq!(is_said, expected, "{value}");
    }
}

#[test]
fn errors_name_the_variable() {
    let error = load_with(LEAST, &[("SERVE_PUBLIC_PORT", "http"), ("SELFSERVICE_METHODS", "on")]).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("SERVE_PUBLIC_PORT: serve.public.port: expected a whole number"), "{text}");
    assert!(text.contains("SELFSERVICE_METHODS: selfservice.methods: expected a JSON object"), "{text}");
    let text = load_with(LEAST, &[("SESSION_LIFESPAN", "soon")]).unwrap_err().to_string();
    assert_eq!(text, "SESSION_LIFESPAN: session.lifespan: expected a duration such as \"1h30m\", found \"soon\"");
}

#[test]
fn old_names_and_the_whole_configuration_work_too() {
    let loaded = load_with(
        "",
        &[
            ("DSN", "memory"),
            ("IDENTITY_SCHEMAS", r#"[{"id":"default","url":"file:///a"}]"#),
            ("SELFSERVICE_DEFAULT_BROWSER_RETURN_URL", "https://app.example.org/"),
            ("SELFSERVICE_WHITELISTED_RETURN_URLS", "https://a.example.org"),
        ],
    )
    .unwrap_or_else(|error| panic!("{error}"));
    assert!(loaded.config.selfservice.allowed_return_urls.allows(&"https://a.example.org/".parse().unwrap()));
    assert!(lines(loaded.warnings).iter().any(|line| line.starts_with("SELFSERVICE_WHITELISTED_RETURN_URLS: ")));
}

/// Every key that any part of the schema speaks of, conditions and alternatives included, with all that is said of it.
fn spoken_of(node: &'static Value, at: &[&'static str], found: &mut BTreeMap<Vec<&'static str>, Vec<&'static Value>>) {
    if at.len() > 16 {
        return;
    }
    if !at.is_empty() {
        found.entry(at.to_vec()).or_default().push(node);
    }
    if let Some(name) = node["$ref"].as_str() {
        spoken_of(schema::definition(name.strip_prefix("#/definitions/").unwrap()), at, found);
    }
    for keyword in ["allOf", "anyOf", "oneOf", "if", "then", "else", "not"] {
        match node.get(keyword) {
            Some(Value::Array(parts)) => parts.iter().for_each(|part| spoken_of(part, at, found)),
            Some(part) => spoken_of(part, at, found),
            None => {}
        }
    }
    for (name, child) in node["properties"].as_object().into_iter().flatten() {
        spoken_of(child, &[at, &[name]].concat(), found);
    }
    if node["items"].is_object() {
        spoken_of(&node["items"], &[at, &["#"]].concat(), found);
    }
}

/// A text for a variable, and the value that has to arrive.
fn example(nodes: &[&'static Value]) -> (String, Value) {
    let said = |keyword: &str| nodes.iter().find_map(|node| schema::keyword(node, keyword));
    let choice = said("enum").map(|choices| choices[0].clone());
    let kind = said("type").and_then(|kind| kind.as_str().or_else(|| kind[0].as_str()));
    let value = match kind {
        Some("boolean") => Value::from(true),
        Some("integer") => Value::from(7),
        Some("number") => Value::from(0.5),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => choice.unwrap_or_else(|| Value::from("text")),
    };
    (value.as_str().map_or_else(|| value.to_string(), str::to_owned), value)
}

#[test]
fn every_key_of_the_schema_is_set_by_its_variable() {
    let mut keys = BTreeMap::new();
    spoken_of(schema::document(), &[], &mut keys);
    assert!(keys.len() > 1000, "{}", keys.len());
    let mut wrong = Vec::new();
    for (path, nodes) in &keys {
        let name = path.join("_").replace(['-', '.'], "_").replace('#', "3").to_ascii_uppercase();
        let (text, value) = example(nodes);
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        let layers = env::layers(&[(name.clone(), text)], &mut errors, &mut warnings);
        let wanted: Vec<_> = path.iter().map(|step| if *step == "#" { "3" } else { step }.to_owned()).collect();
        let arrived = layers.first().is_some_and(|layer| {
            layer.value == value && layer.path.iter().map(ToString::to_string).eq(wanted.iter().cloned())
        });
        if !arrived || !errors.is_empty() {
            wrong.push(format!("{name}: {errors:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), keys.len());
}

#[test]
fn secrets_of_outgoing_requests_are_given_by_the_environment() {
    let yaml = "dsn: memory
identity: { schemas: [{ id: default, url: 'file:///a' }] }
selfservice:
  default_browser_return_url: https://app.example.org/
  flows:
    login:
      after:
        hooks:
          - hook: web_hook
            config:
              url: https://crm.example.org/
              method: POST
              auth: { type: api_key, config: { name: X-Key, value: in-file, in: header } }
courier:
  channels:
    - id: sms
      type: http
      request_config:
        url: https://sms.example.org/
        method: POST
        body: base64://e30=
        auth: { type: basic_auth, config: { user: u, password: in-file } }
";
    let variables = [
        ("SELFSERVICE_FLOWS_LOGIN_AFTER_HOOKS_0_CONFIG_AUTH_CONFIG_VALUE", "from-environment"),
        ("COURIER_CHANNELS_0_REQUEST_CONFIG_AUTH_CONFIG_PASSWORD", "from-environment"),
    ];
    let config = load_with(yaml, &variables).unwrap_or_else(|error| panic!("{error}")).config;
    let hook = config.selfservice.login.after.hooks[0].config.clone();
    assert_eq!(hook["auth"]["config"], json!({ "name": "X-Key", "value": "from-environment", "in": "header" }));
    let Some(HttpAuth::Basic { password, .. }) = &config.courier.channels[0].request.auth else { panic!() };
    assert_eq!(password.expose(), "from-environment");
}
