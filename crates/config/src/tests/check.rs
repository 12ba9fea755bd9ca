use super::*;

#[test]
fn every_error_is_told_at_once_with_file_line_key_and_expectation() {
    let found = errors(
        "dsn: 5
serve:
  public:
    port: 70000
    basee_url: https://x/
log:
  level: loud
identity:
  schemas: []
session:
  lifespan: 1 day
secrets:
  cookie: [short-one]
selfservice:
  allowed_return_urls: https://x/
  flows:
    login:
      after:
        password: { hooks: [{ hook: sesion }] }
",
    );
    let expected = [
        "kratos.yaml:1: dsn: expected text",
        "kratos.yaml:4: serve.public.port: expected 65535 or less, found 70000",
        "kratos.yaml:5: serve.public.basee_url: is not a known key; did you mean \"base_url\"?",
        "kratos.yaml:7: log.level: expected one of \"trace\", \"debug\"",
        "kratos.yaml:9: identity.schemas: expected at least 1 entries",
        "kratos.yaml:11: session.lifespan: expected a duration such as \"1h30m\", found \"1 day\"",
        "kratos.yaml:13: secrets.cookie.0: expected at least 16 characters",
        "kratos.yaml:14: selfservice.default_browser_return_url: is missing, and has no default",
        "kratos.yaml:15: selfservice.allowed_return_urls: expected a list",
        "kratos.yaml:19: selfservice.flows.login.after.password.hooks.0.hook: expected one of",
    ];
    for line in expected {
        assert!(found.iter().any(|text| text.starts_with(line)), "{line}\n{}", found.join("\n"));
    }
    assert_eq!(found.len(), expected.len(), "{}", found.join("\n"));
    assert!(!found.join("\n").contains("short-one"), "a secret is never quoted");
}

#[test]
fn what_is_missing_from_everything_is_named() {
    assert_eq!(
        errors("version: v1.0.0\n"),
        [
            "kratos.yaml: dsn: is missing, and has no default",
            "kratos.yaml: identity.schemas: is missing, and has no default",
            "kratos.yaml: selfservice.default_browser_return_url: is missing, and has no default",
        ]
    );
}

#[test]
fn rules_between_keys_are_put_into_words() {
    let cipher = "secrets: { default: [0123456789abcdef] }\nciphers: { algorithm: aes }\n";
    assert_eq!(errors(&format!("{LEAST}{cipher}")), ["kratos.yaml:5: secrets.cipher: is missing, and has no default"]);

    let check = |keys: &str, expected: &str| {
        let found = errors(&LEAST.replace("app.example.org/' }", &format!("app.example.org/', {keys} }}")));
        assert!(found.iter().any(|line| line.contains(expected)), "{found:?}");
    };
    check(
        "methods: { code: { passwordless_enabled: true, mfa_enabled: true } }",
        "either \"passwordless_enabled\" or \"mfa_enabled\"",
    );
    check("methods: { passkey: { enabled: true } }", "passkey.config: is missing");
    check(
        "methods: { webauthn: { config: { rp: { id: a, display_name: b, origin: 'https://a', origins: ['https://a'] } } } }",
        "either \"origin\" or \"origins\"",
    );
    let provider = "id: a, client_id: c, mapper_url: 'file:///m'";
    let providers =
        |rest: &str| format!("methods: {{ oidc: {{ config: {{ providers: [{{ {provider}, {rest} }}] }} }} }}");
    check(&providers("provider: google"), "providers.0.client_secret: is missing");
    check(&providers("provider: microsoft, client_secret: s"), "providers.0.microsoft_tenant: is missing");
    check(&providers("provider: google, client_secret: s, microsoft_tenant: t"), "providers.0.microsoft_tenant");
    check(&providers("provider: apple, client_secret: s"), "providers.0.apple_team_id: is missing");
    let hook = |config: &str| {
        format!("flows: {{ login: {{ after: {{ hooks: [{{ hook: web_hook, config: {{ {config} }} }}] }} }} }}")
    };
    check(&hook("url: 'https://x'"), "hooks.0.config.method: is missing");
    check(
        &hook("url: 'https://x', method: POST, response: { ignore: true, parse: true }"),
        "either \"ignore\" or \"parse\"",
    );
    check(
        &hook("url: 'https://x', method: POST, response: { ignore: true }, can_interrupt: true"),
        "\"can_interrupt\", not both",
    );
    check(
        &hook("url: 'https://x', method: POST, auth: { type: basic_auth, config: { user: a } }"),
        "auth.config.password: is missing",
    );
    check(&hook("url: 'https://x', method: POST, headrs: { A: b }"), "did you mean \"headers\"?");
}

#[test]
fn values_that_the_schema_cannot_judge_are_checked_too() {
    let missing = LEAST.replace("identity: {", "identity: { default_schema_id: other,");
    assert!(errors(&missing)[0].contains("identity.default_schema_id: expected the id of one of identity.schemas"));
    let base = format!("{LEAST}serve: {{ public: {{ base_url: 'ftp://x/' }} }}\n");
    assert!(errors(&base)[0].contains("serve.public.base_url: is not a usable address"));
    let half = format!("{LEAST}serve: {{ public: {{ tls: {{ cert: {{ path: /c }} }} }} }}\n");
    assert!(errors(&half)[0].contains("serve.public.tls: expected both"));
}

#[test]
fn unknown_keys_that_kratos_lets_pass_are_warned_of() {
    let loaded = load("ciphers: { algoritm: noop }\nclients: { http: { disallow_private_ip_range: true } }\n");
    let warnings = lines(loaded.warnings).join("\n");
    assert!(
        warnings.contains(
            "kratos.yaml:5: ciphers.algoritm: is not a known key and is ignored; did you mean \"algorithm\"?"
        ),
        "{warnings}"
    );
    assert!(warnings.contains("clients.http.disallow_private_ip_range: is not"), "{warnings}");
}

#[test]
fn features_that_come_later_are_named() {
    let loaded = load("preview: { default_read_consistency_level: strong }\ntracing: { provider: otel }\n");
    assert_eq!(loaded.unused, ["preview", "tracing"]);
    assert!(load("").unused.is_empty());
}

#[test]
fn every_pending_key_is_a_key() {
    for key in crate::NOT_USED_YET {
        let path = key.replace('*', "login");
        let at = format!("/{}", path.replace('.', "/"));
        assert!(!crate::schema::nodes_at(&at).is_empty(), "{key}");
    }
}
