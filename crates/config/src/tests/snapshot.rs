use model::RequiredAal;
use proptest::prelude::*;

use super::*;
use crate::*;

#[test]
fn defaults_are_kratos() {
    let loaded = load("");
    let config = &loaded.config;
    assert_eq!(config.serve.public.base_url.text, "https://box:4433/");
    assert_eq!(config.serve.admin.base_url.text, "https://box:4434/");
    assert!(config.serve.cors.is_none() && config.serve.public.tls.is_none());
    assert_eq!(config.session.lifespan.as_hours(), 24);
    assert_eq!(config.session.earliest_possible_extend.as_hours(), 24);
    let cookie = &config.session.cookie;
    assert_eq!((cookie.name.as_str(), cookie.path.as_str()), ("ory_kratos_session", "/"));
    assert!(cookie.secure && cookie.persistent && config.cookies.secure);
    assert_eq!(config.session.whoami_required_aal, RequiredAal::HighestAvailable);
    assert_eq!((config.hashers.algorithm, config.hashers.bcrypt_cost), (HashAlgorithm::Bcrypt, 12));
    assert_eq!(config.hashers.argon2.memory, 128 << 20);
    assert_eq!(config.hashers.argon2.parallelism, 8);
    let service = &config.selfservice;
    assert!(service.login.ui_url.is_none() && service.registration.enabled && !service.recovery.enabled);
    assert_eq!(service.login.lifespan.as_mins(), 60);
    assert_eq!(service.registration_style, RegistrationStyle::ProfileFirst);
    let on: Vec<_> = ["password", "code", "link", "profile", "totp", "lookup_secret", "webauthn", "passkey", "oidc"]
        .into_iter()
        .filter(|method| service.methods.enabled(method))
        .collect();
    assert_eq!(on, ["password", "code", "profile"]);
    assert_eq!(service.methods.totp.issuer, "box");
    assert_eq!(service.methods.password.haveibeenpwned_host, "api.pwnedpasswords.com");
    assert_eq!(config.courier.smtp.from_address, "no-reply@ory.kratos.sh");
    assert_eq!((config.courier.message_retries, config.courier.pull_count), (5, 10));
    assert_eq!(config.clients.web_hook_header_allowlist.len(), 17);
    assert_eq!(config.zelus.defaults, Defaults::Kratos);
    assert_eq!(config.secrets.cookie[0].expose(), "made-for-this-process");
    assert!(lines(loaded.warnings)[0].starts_with("kratos.yaml: secrets.default: is not set"));
}

#[test]
fn secrets_stand_in_for_each_other() {
    let exposed = |list: &[Secret]| list.iter().map(|secret| secret.expose().clone()).collect::<Vec<_>>();
    let loaded = load("secrets: { cookie: [cookie-secret-0123, cookie-secret-4567] }");
    assert!(loaded.warnings.is_empty());
    assert_eq!(exposed(&loaded.config.secrets.default), ["cookie-secret-0123", "cookie-secret-4567"]);
    let secrets =
        load("secrets: { default: [default-secret-01], cipher: [äaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa] }").config.secrets;
    assert_eq!(exposed(&secrets.cookie), ["default-secret-01"]);
    assert_eq!(exposed(&secrets.pagination), ["default-secret-01"]);
    assert!(secrets.cipher.is_empty(), "32 characters, but 33 bytes");
}

#[test]
fn base_urls_keep_the_text_that_cookie_names_hash() {
    let public = |keys: &str| load(&format!("serve: {{ public: {{ {keys} }} }}")).config.serve.public.base_url;
    assert_eq!(public("base_url: 'http://127.0.0.1:4433/'").text, "http://127.0.0.1:4433/");
    assert_eq!(public("base_url: 'https://Id.example.org:443'").text, "https://Id.example.org:443");
    assert_eq!(public("base_url: 'HTTPS://id.example.org/a b#'").text, "https://id.example.org/a%20b");
    assert_eq!(public("host: 10.0.0.1, port: 80").text, "https://10.0.0.1:80/");
    assert_eq!(public("host: '::1'").text, "https://[::1]:4433/");
    assert_eq!(public("host: 'unix:/run/zelus.sock'").text, "https://box:4433/");
    let below = public("base_url: 'https://example.org/id'");
    assert_eq!(below.join("/self-service/login").as_str(), "https://example.org/id/self-service/login");
    assert_eq!(public("base_url: 'https://example.org'").join("/sessions").as_str(), "https://example.org/sessions");
}

#[test]
fn development_relaxes_cookies_hashing_and_schemes() {
    let yaml = format!("{LEAST}hashers: {{ bcrypt: {{ cost: 4 }} }}\n");
    let files = Files::new(&[("kratos.yaml", &yaml)], &[]);
    let dev = files.load(Mode { dev: true, watch_courier: true }).unwrap().config;
    assert!(dev.dev && dev.watch_courier && !dev.cookies.secure && !dev.session.cookie.secure);
    assert_eq!(dev.hashers.bcrypt_cost, 4);
    assert_eq!(dev.serve.public.base_url.text, "http://box:4433/");
    assert_eq!(dev.zelus.defaults, Defaults::Kratos);
    let loaded = files.load(Mode::default()).unwrap();
    assert_eq!(loaded.config.hashers.bcrypt_cost, 12);
    assert!(lines(loaded.warnings).iter().any(|line| line.contains("hashers.bcrypt.cost: is raised to 12")));
}

#[test]
fn argon2_has_the_memory_that_its_lanes_need() {
    let loaded = load("hashers: { algorithm: argon2, argon2: { memory: 1KB, parallelism: 3 } }");
    assert_eq!(loaded.config.hashers.argon2.memory, 24 << 10);
    let line = "hashers.argon2.memory: is raised to 24KB, the least for 3 lanes";
    assert!(lines(loaded.warnings).iter().any(|warning| warning.contains(line)));
    let unused = load("hashers: { argon2: { memory: 1KB, parallelism: 3 } }");
    assert!(!lines(unused.warnings).iter().any(|warning| warning.contains("argon2")));
}

#[test]
fn the_session_cookie_falls_back_to_cookies_but_not_for_secure() {
    let config = load("cookies: { domain: example.org, path: /p, same_site: Strict, secure: 'false' }").config;
    let cookie = config.session.cookie;
    assert_eq!((cookie.domain.as_deref(), cookie.path.as_str()), (Some("example.org"), "/p"));
    assert_eq!(cookie.same_site, SameSite::Strict);
    assert!(cookie.secure && !config.cookies.secure);
    assert!(!load("cookies: { secure: false }").config.cookies.secure);
}

#[test]
fn return_addresses_and_hooks_fall_back_from_method_to_flow() {
    let yaml = "
dsn: memory
identity: { schemas: [{ id: default, url: 'file:///person.json' }] }
selfservice:
  default_browser_return_url: /welcome
  flows:
    login:
      after:
        hooks: [{ hook: revoke_active_sessions }]
        default_browser_return_url: https://app.example.org/in
        password: { default_browser_return_url: https://app.example.org/pw }
        oidc: { hooks: [{ hook: web_hook, config: { url: 'https://x/', method: POST } }] }
serve: { public: { base_url: 'https://id.example.org/' } }
";
    let service = load_with(yaml, &[]).unwrap().config.selfservice;
    let after = &service.login.after;
    assert_eq!(after.return_url("password").as_str(), "https://app.example.org/pw");
    assert_eq!(after.return_url("oidc").as_str(), "https://app.example.org/in");
    assert_eq!(service.registration.after.return_url("password").as_str(), "https://id.example.org/welcome");
    assert_eq!(service.registration.after.own_return_url("password"), None);
    assert_eq!(service.logout_return_url.as_str(), "https://id.example.org/welcome");
    assert_eq!(after.hooks("password")[0].name, "revoke_active_sessions");
    assert!(after.own_hooks("password").is_empty());
    let hook = &after.hooks("oidc")[0];
    assert_eq!(hook.config["response"], serde_json::json!({ "ignore": false, "parse": false }));
    assert_eq!(hook.config["emit_analytics_event"], true);
    assert_eq!(after.hooks("password")[0].config, serde_json::json!({}));
}

#[test]
fn dumps_and_debug_output_hold_no_secret() {
    let yaml = "
dsn: postgres://user:s3cret-a@p/ss@host/db?sslpassword=s3cret-b&sslmode=disable
identity: { schemas: [{ id: default, url: 'https://u:s3cret-c@host/x.json' }] }
secrets: { default: [s3cret-d-0123456789], cipher: [s3cret-e-0123456789-0123456789-x] }
serve: { public: { tls: { cert: { base64: s3cret-f }, key: { base64: s3cret-g } } } }
oauth2_provider: { url: 'https://h/', headers: { A: s3cret-h } }
courier:
  smtp: { connection_uri: 'smtps://u:s3cret-i@mail:465/' }
  http: { request_config: { url: 'https://h/', auth: { type: basic_auth, config: { user: u, password: s3cret-j } } } }
clients: { unknown: { x: s3cret-k } }
session: { whoami: { tokenizer: { templates: { t: { jwks_url: 'base64://s3cret-l' } } } } }
selfservice:
  default_browser_return_url: https://app.example.org/
  flows:
    login: { after: { hooks: [{ hook: web_hook, config: { url: 'https://h/', method: POST, headers: { B: s3cret-m },
      auth: { type: api_key, config: { name: K, value: s3cret-n, in: header } } } }] } }
  methods:
    oidc: { config: { providers: [{ id: g, provider: google, client_id: visible, client_secret: s3cret-o, mapper_url: 'file:///m' }] } }
";
    let config = load_with(yaml, &[]).unwrap_or_else(|error| panic!("{error}")).config;
    let dump = config.redacted();
    let text = dump.to_string();
    assert!(!text.contains("s3cret"), "{text}");
    assert_eq!(dump["dsn"], "postgres://user:…@host/db?sslpassword=…&sslmode=disable");
    assert_eq!(dump["selfservice"]["methods"]["oidc"]["config"]["providers"][0]["client_id"], "visible");
    assert_eq!(dump["courier"]["smtp"]["connection_uri"], "smtps://u:…@mail:465/");
    assert_eq!(dump["secrets"]["default"][0], "…");
    // Identity schema addresses with a password in them are an oddity that Debug shows; everything else is a Secret.
    let debug = format!("{config:?}").replace("s3cret-c", "");
    assert!(!debug.contains("s3cret"), "{debug}");
}

#[test]
fn revisions_differ_by_content_and_not_by_order() {
    let one = load("log: { level: debug, format: json }").config.revision_hash();
    let same = load("log:\n  format: json\n  level: debug\n").config.revision_hash();
    let other = load("log: { level: debug }").config.revision_hash();
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert_eq!(one.len(), 64);
}

#[test]
fn keys_that_need_a_restart_are_named_when_they_change() {
    let old = load("").config;
    let new = load("serve: { public: { port: 1 } }\nsession: { lifespan: 1h }\ndev: true\n").config;
    assert_eq!(changed_restart_keys(&old, &new), ["dev", "serve.public.port"]);
    assert!(changed_restart_keys(&old, &old).is_empty());
}

#[test]
fn the_development_configuration_is_complete() {
    let secrets = DevSecrets { default: "0123456789abcdef".into(), cipher: "0123456789abcdef0123456789abcdef".into() };
    let environment = vec![("SERVE_PUBLIC_PORT".to_owned(), "5000".to_owned())];
    let loaded = Config::dev("/data".as_ref(), &secrets, environment, machine()).unwrap();
    let config = loaded.config;
    assert!(loaded.warnings.is_empty() && loaded.unused.is_empty(), "{:?} {:?}", loaded.warnings, loaded.unused);
    assert_eq!(config.dsn.expose(), "sqlite:///data/zelus.sqlite?_fk=true");
    assert_eq!(config.serve.public.base_url.text, "http://localhost:5000/");
    assert!(config.selfservice.allowed_return_urls.allows(&"http://localhost:5000/x".parse().unwrap()));
    assert_eq!((config.serve.public.port, config.serve.admin.host.as_str()), (5000, "127.0.0.1"));
    assert_eq!(config.zelus.defaults, Defaults::Zelus);
    assert!(config.dev && config.selfservice.verification.enabled && config.selfservice.login.ui_url.is_none());
    assert_eq!(config.selfservice.registration.after.hooks("password")[0].name, "session");
    assert!(config.selfservice.allowed_return_urls.allows(&"http://localhost:5173/x".parse().unwrap()));
    let cors = config.serve.cors.unwrap();
    assert!(cors.allow_credentials && cors.allowed_origins.contains(&"http://localhost:*".to_owned()));
}

#[test]
fn development_leaves_the_database_of_the_environment_alone() {
    let secrets = DevSecrets { default: "0123456789abcdef".into(), cipher: "0123456789abcdef0123456789abcdef".into() };
    for name in ["DSN", "Dsn"] {
        let environment = vec![(name.to_owned(), "postgres://somebody:secret@db.example/people".to_owned())];
        let loaded = Config::dev("/data".as_ref(), &secrets, environment, machine()).unwrap();
        assert_eq!(loaded.config.dsn.expose(), "sqlite:///data/zelus.sqlite?_fk=true");
        let [warning] = lines(loaded.warnings).try_into().unwrap();
        assert!(warning.starts_with(&format!("{name}: dsn: is ignored")) && warning.ends_with("/data/zelus.sqlite"));
    }
}

#[test]
fn the_admin_api_is_open_to_this_machine_alone_under_our_own_defaults() {
    let host = |yaml: &str| load(yaml).config.serve.admin.host;
    assert_eq!(host(""), "0.0.0.0");
    assert_eq!(host("zelus: { defaults: kratos }"), "0.0.0.0");
    assert_eq!(host("zelus: { defaults: zelus }"), "127.0.0.1");
    assert_eq!(host("zelus: { defaults: zelus }\nserve: { admin: { host: 10.0.0.1 } }"), "10.0.0.1");
    assert_eq!(load("zelus: { defaults: zelus }").config.serve.public.host, "0.0.0.0");
}

#[test]
fn own_keys_are_read_and_checked() {
    let zelus = load("").config.zelus;
    for (address, is_trusted) in [("127.0.0.1", true), ("192.168.7.7", true), ("fd00::1", true), ("192.0.2.1", false)] {
        assert_eq!(zelus.trusted_proxies.contain(address.parse().unwrap()), is_trusted, "{address}");
    }
    assert_eq!((zelus.client_ip_header.as_str(), zelus.admin_hosts.len()), ("X-Forwarded-For", 0));
    let environment =
        [("ZELUS_TRUSTED_PROXIES", "192.0.2.0/24,2001:db8::1"), ("ZELUS_ADMIN_HOSTS", "Admin.example.org")];
    let zelus = load_with(LEAST, &environment).unwrap().config.zelus;
    assert!(zelus.trusted_proxies.contain("192.0.2.1".parse().unwrap()));
    assert!(!zelus.trusted_proxies.contain("127.0.0.1".parse().unwrap()));
    assert_eq!(zelus.admin_hosts, ["admin.example.org"]);
    for (wrong, expected) in [
        ("trusted_proxies: [10.0.0.0/40]", "an address or a network such as \"10.0.0.0/8\""),
        ("client_ip_header: 'X-For: y'", "the name of a header"),
        ("admin_hosts: ['https://admin.example.org']", "a name without a port"),
        ("admin_hosts: ['*']", "a name without a port"),
    ] {
        let found = errors(&format!("{LEAST}zelus: {{ {wrong} }}\n"));
        assert!(found.len() == 1 && found[0].contains(expected), "{wrong}: {found:?}");
    }
}

#[test]
fn sizes_are_powers_of_1024() {
    assert_eq!(parse_size("128MB"), Some(128 << 20));
    assert_eq!(parse_size("7"), Some(7));
    assert_eq!(parse_size("MB"), None);
    assert_eq!(parse_size("99999999EB"), None);
}

#[test]
fn the_reference_is_up_to_date() {
    let committed = include_str!("../../../../docs/reference/configuration.md");
    assert!(committed == reference(), "run: cargo run -p config --example reference > docs/reference/configuration.md");
}

proptest! {
    #[test]
    fn no_text_upsets_the_parsers(text in "\\PC{0,40}") {
        let _ = parse_size(&text);
        let _ = load_with(&text, &[("DSN", text.as_str())]);
    }
}
