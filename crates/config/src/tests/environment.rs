use super::*;

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
