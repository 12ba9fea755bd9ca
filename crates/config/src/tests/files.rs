use super::*;

#[test]
fn later_files_win_key_by_key_and_lists_are_replaced() {
    let first = format!("{LEAST}serve: {{ public: {{ port: 1000, host: 10.0.0.1 }} }}\ncookies: {{ domain: a.org }}\n");
    let second = r#"{ "serve": { "public": { "port": 2000 } }, "identity": { "schemas": [{ "id": "default", "url": "https://x/" }] } }"#;
    let third = "[cookies]\npath = \"/x\"\n";
    let files = Files::new(&[("a.yaml", &first), ("b.json", second), ("c.toml", third)], &[]);
    let config = files.load(Mode::default()).unwrap().config;
    assert_eq!(config.serve.public.port, 2000);
    assert_eq!(config.serve.public.host, "10.0.0.1");
    assert_eq!(config.identity.schemas.len(), 1);
    assert_eq!(config.identity.schemas[0].url, "https://x/");
    assert_eq!((config.cookies.domain.as_deref(), config.cookies.path.as_str()), (Some("a.org"), "/x"));
}

#[test]
fn malformed_files_are_named_with_the_line() {
    for (name, text, line) in [
        ("kratos.yaml", "dsn: memory\nserve: [1, 2\n", "kratos.yaml:"),
        ("kratos.yml", "dsn: memory\ndsn: other\n", "kratos.yml:2: is not valid YAML: duplicate mapping key: dsn"),
        ("kratos.json", "{\n  \"dsn\": }\n", "kratos.json:2: is not valid JSON"),
        ("kratos.toml", "dsn = \"memory\"\nserve = \n", "kratos.toml:2: is not valid TOML"),
        ("kratos.ini", "dsn=memory", "kratos.ini: has an unknown ending"),
        ("list.yaml", "- dsn\n", "list.yaml: must hold keys"),
    ] {
        let error = Files::new(&[(name, text)], &[]).load(Mode::default()).unwrap_err();
        assert_eq!(error.0.len(), 1, "{error}");
        assert!(error.to_string().contains(line), "{error}");
    }
}

#[test]
fn empty_documents_at_the_end_are_nothing() {
    for end in ["---\n", "---", "--- # the end\n", "---\n\n# nothing\n---\r\n"] {
        for begin in ["", "---\n"] {
            load_with(&format!("{begin}{LEAST}{end}"), &[]).unwrap_or_else(|error| panic!("{end:?}: {error}"));
        }
        let error = errors(end);
        assert!(error[0].contains("dsn: is missing"), "{end:?}: {error:?}");
    }
    for end in ["---\nlog: { level: debug }\n", "---\n---\nlog: { level: debug }\n---\n", "---#\n"] {
        assert!(errors(&format!("{LEAST}{end}"))[0].contains("is not valid YAML"), "{end:?}");
    }
}

#[test]
fn a_mode_that_is_no_boolean_does_not_keep_the_server_from_starting() {
    for value in ["5", "[true]", "{ a: b }", "maybe", "''"] {
        let loaded = load(&format!("dev: {value}\n"));
        assert!(!loaded.config.dev, "{value}");
        let warnings = lines(loaded.warnings).join("\n");
        assert!(warnings.contains("kratos.yaml:5: dev: is ignored, since it is neither true nor false"), "{warnings}");
        let file = format!("{LEAST}dev: {value}\n");
        let mode = Mode { dev: true, ..Mode::default() };
        assert!(Files::new(&[("kratos.yaml", &file)], &[]).load(mode).unwrap().config.dev, "the flag counts");
    }
    assert!(load("dev: 'true'\n").config.dev);
    assert!(!load("dev: 'false'\n").config.dev);
}

#[test]
fn of_schemas_with_one_id_the_first_counts() {
    let list = "schemas: [{ id: default, url: 'file:///a' }, { id: b, url: 'file:///b' }, \
                { id: default, url: 'file:///c', selfservice_selectable: true }]";
    let file = LEAST.replace("schemas: [{ id: default, url: 'file:///person.json' }]", list);
    let loaded = load_with(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
    let schemas: Vec<_> = loaded.config.identity.schemas.iter().map(|schema| (&*schema.id, &*schema.url)).collect();
    assert_eq!(schemas, [("default", "file:///a"), ("b", "file:///b")]);
    let warnings = lines(loaded.warnings).join("\n");
    let expected = "kratos.yaml:3: identity.schemas.2.id: \"default\" stands here before; this schema is ignored";
    assert!(warnings.contains(expected), "{warnings}");
}

#[test]
fn a_file_that_is_not_there_is_the_only_error() {
    let mut files = Files::new(&[], &[]);
    files.sources.files.push(PathBuf::from("/nowhere/kratos.yaml"));
    let error = files.load(Mode::default()).unwrap_err();
    assert_eq!(error.0.len(), 1);
    assert!(error.to_string().starts_with("/nowhere/kratos.yaml: cannot be opened"), "{error}");
}

#[test]
fn nesting_and_aliases_are_bounded() {
    let deep = format!("dsn: {}{}", "[".repeat(20_000), "]".repeat(20_000));
    assert!(load_with(&deep, &[]).is_err());
    let deep = format!("{{\"dsn\": {}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    assert!(Files::new(&[("deep.json", &deep)], &[]).load(Mode::default()).is_err());
    let deep = format!("dsn = {}{}", "[".repeat(20_000), "]".repeat(20_000));
    assert!(Files::new(&[("deep.toml", &deep)], &[]).load(Mode::default()).is_err());

    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let parts = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{parts}]\n"));
    }
    assert!(load_with(&bomb, &[]).is_err());
    let large = "#".repeat(5 * 1024 * 1024);
    let error = load_with(&large, &[]).unwrap_err();
    assert!(error.to_string().contains("is larger than 4 MiB"), "{error}");
}

#[test]
fn yaml_is_read_as_kratos_reads_it() {
    let config = load_with(
        "serve: { public: { socket: { mode: 0755 } } }
log: { redaction_text: yes, level: &level debug }
courier:
dsn: memory
identity: { schemas: [{ id: default, url: 'file:///person.json' }] }
selfservice:
  default_browser_return_url: https://app.example.org/
  methods: { password: , totp: ~ }
",
        &[],
    )
    .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.config.serve.public.socket.mode, 0o755);
    assert_eq!(config.config.log.redaction_text.as_deref(), Some("yes"));
    let methods = &config.config.selfservice.methods;
    assert!(methods.password.enabled && !methods.totp.enabled);
}

#[test]
fn old_keys_are_read_with_a_warning_each() {
    let loaded = load_with(
        "dsn: memory
identity:
  default_schema_url: file:///old.json
serve: { public: { domain_aliases: [{ match_domain: a, base_path: /, scheme: https }] } }
secrets: { session: [an-old-secret-of-some-length] }
hashers: { argon2: { memory: 131072 } }
courier: { message_ttl: 1h, sms: { enabled: true, from: '+1', request_config: { url: 'https://sms/', header: { X: y } } } }
selfservice:
  default_browser_return_url: https://app.example.org/
  whitelisted_return_urls: [https://app.example.org]
  flows: { login: { request_lifespan: 5m } }
  strategies:
    totp: { enabled: true }
    oidc:
      enabled: true
      config:
        providers: [{ id: m, provider: microsoft, client_id: a, client_secret: b, mapper_url: 'file:///m', tenant: t }]
",
        &[],
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let config = &loaded.config;
    assert_eq!(config.identity.schemas[0].url, "file:///old.json");
    assert_eq!(config.secrets.cookie[0].expose(), "an-old-secret-of-some-length");
    assert_eq!(config.hashers.argon2.memory, 128 * 1024 * 1024);
    assert_eq!(config.courier.channels[0].request.headers["X"].expose(), "y");
    assert_eq!(config.selfservice.login.lifespan.as_secs(), 300);
    assert!(config.selfservice.methods.totp.enabled);
    assert_eq!(config.selfservice.methods.oidc.providers[0].microsoft_tenant.as_deref(), Some("t"));
    assert!(config.selfservice.allowed_return_urls.allows(&"https://app.example.org/x".parse().unwrap()));

    let warnings = lines(loaded.warnings).join("\n");
    for expected in [
        "kratos.yaml:3: identity.default_schema_url: is the old name of identity.schemas",
        "kratos.yaml:4: serve.public.domain_aliases: has no effect any more",
        "kratos.yaml:5: secrets.session: is the old name of secrets.cookie",
        "kratos.yaml:6: hashers.argon2.memory: is a size with a unit now",
        "courier.message_ttl: has no effect",
        "courier.sms: is the old name of courier.channels",
        "selfservice.whitelisted_return_urls: is the old name of selfservice.allowed_return_urls",
        "selfservice.flows.login.request_lifespan: is the old name of",
        "selfservice.strategies: is the old name of selfservice.methods",
        "selfservice.methods.oidc.config.providers.0.tenant: is the old name of",
    ] {
        assert_eq!(warnings.matches(expected).count(), 1, "{expected}\n{warnings}");
    }
}
