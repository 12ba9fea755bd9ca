//! Configurations as people write them start without a word.

use super::*;

#[track_caller]
fn check(yaml: &str) -> Loaded {
    let loaded = load_with(yaml, &[]).unwrap_or_else(|error| panic!("{error}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    loaded
}

#[test]
fn a_quick_start() {
    let config = check(include_str!("../samples/quick-start.yaml")).config;
    assert_eq!(config.serve.cors.unwrap().allowed_origins, ["http://127.0.0.1:4455"]);
    assert_eq!(config.selfservice.login.ui_url.unwrap().as_str(), "http://127.0.0.1:4455/login");
    assert_eq!(config.selfservice.registration.lifespan.as_mins(), 10);
}

#[test]
fn second_factors() {
    let loaded = check(include_str!("../samples/second-factors.yaml"));
    let methods = loaded.config.selfservice.methods;
    assert_eq!(methods.webauthn.relying_party.unwrap().origins, ["https://example.org"]);
    assert_eq!(methods.passkey.relying_party.unwrap().origins, ["https://example.org"]);
    assert_eq!(loaded.config.session.tokenizer_templates["api"].ttl.as_mins(), 1);
    assert_eq!(loaded.unused, Vec::<String>::new());
}

#[test]
fn providers_and_hooks() {
    let config = check(include_str!("../samples/providers-and-hooks.yaml")).config;
    let providers = &config.selfservice.methods.oidc.providers;
    assert_eq!(providers[0].pkce, crate::Pkce::Auto);
    assert_eq!(providers[1].apple_team_id.as_deref(), Some("TEAM"));
    let hooks = config.selfservice.registration.after.hooks("password");
    assert_eq!(hooks.iter().map(|hook| hook.name.as_str()).collect::<Vec<_>>(), ["web_hook", "session"]);
    assert_eq!(hooks[0].config["response"]["parse"], true);
}

#[test]
fn codes_and_messages() {
    let config = check(include_str!("../samples/codes-and-messages.yaml")).config;
    assert!(config.selfservice.methods.code.enabled);
    assert_eq!(config.courier.channels[0].id, "sms");
    assert_eq!(config.courier.templates["login_code"].valid.sms_plaintext.as_deref(), Some("file:///t/login.txt"));
    assert_eq!(config.selfservice.recovery_use, crate::AddressProof::Link);
}
