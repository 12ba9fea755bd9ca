use base64::Engine;
use minijinja::UndefinedBehavior;
use serde_json::json;

use super::*;

/// What every message of a kind is told, as `Courier::variables` writes it.
fn sample(template: Template, channel: Channel) -> Value {
    let mut data = json!({ "to": "ann@example.org", "request_url": "https://id.example/", "transient_payload": {} });
    let mut set = |name: &str, value: Value| data[name] = value;
    let identity = json!({ "traits": { "email": "ann@example.org", "name": "<Ann>" } });
    if template.folder().1 == "valid" {
        set("expires_in_minutes", 15.into());
        set(if template == Template::RegistrationCodeValid { "traits" } else { "identity" }, identity);
    }
    match (template, channel) {
        (Template::RecoveryValid, _) => set("recovery_url", "https://id.example/?a=1&token=t".into()),
        (Template::VerificationValid, _) => set("verification_url", "https://id.example/?a=1&token=t".into()),
        (Template::RecoveryCodeValid, Channel::Email) => set("recovery_code", "123456".into()),
        (Template::RecoveryCodeValid, Channel::Sms) => {
            set("verification_code", "123456".into());
            set("request_url_domain", "id.example".into());
        }
        (Template::VerificationCodeValid, channel) => {
            set("verification_code", "123456".into());
            if channel == Channel::Email {
                set("verification_url", "https://id.example/?a=1&token=t".into());
            }
        }
        (Template::LoginCodeValid, _) => set("login_code", "123456".into()),
        (Template::RegistrationCodeValid, _) => set("registration_code", "123456".into()),
        _ => {}
    }
    data
}

#[test]
fn every_template_is_rendered_with_all_that_it_names() {
    let mut templates = Templates::own("Example & Sons");
    templates.jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    for template in Template::ALL {
        for part in Part::ALL.into_iter().filter(|part| template.has(*part)) {
            let channel = if part == Part::Sms { Channel::Sms } else { Channel::Email };
            let data = sample(template, channel);
            let text = templates.render_jinja(&template.name(part), &data).unwrap_or_else(|error| panic!("{error}"));
            assert!(!text.trim().is_empty());
            for (name, value) in data.as_object().expect("an object") {
                let is_told = name.ends_with("_code") || (name.ends_with("_url") && name != "request_url");
                if is_told && part != Part::Subject {
                    let value = value.as_str().expect("a text");
                    let text = text.replace("&#x2f;", "/");
                    let escaped = if part == Part::Html { value.replace('&', "&amp;") } else { value.to_owned() };
                    assert!(text.contains(&escaped), "{name} in {}: {text}", template.name(part));
                }
            }
            match part {
                Part::Subject => assert_eq!(text.trim().lines().count(), 1),
                Part::Html => assert!(text.contains("Example &amp; Sons") && text.starts_with("<!doctype html>")),
                Part::Plaintext => assert!(text.contains("Example & Sons")),
                Part::Sms => assert!(text.chars().count() <= 160, "{text}"),
            }
        }
    }
}

#[test]
fn our_own_templates_are_all_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for template in Template::ALL {
        for part in Part::ALL {
            let name = template.name(part);
            assert_eq!(template.has(part), builtin::SOURCES.iter().any(|(listed, _)| *listed == name), "{name}");
            assert_eq!(template.has(part), root.join(format!("{name}.jinja")).is_file(), "{name}");
        }
    }
}

#[test]
fn a_folder_of_kratos_is_taken_over() {
    let root = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write("login_code/valid/email.subject.gotmpl", "\n{{ .LoginCode }} is your code,\n {{ .Identity.traits.name }}\n");
    write(
        "login_code/valid/email.body.gotmpl",
        "{{ if eq .Identity.traits.lang \"de\" }}{{ template \"email.body.de.gotmpl\" . }}{{ else }}<b>{{ .Identity.traits.name }}</b>{{ end }}",
    );
    write("login_code/valid/email.body.de.gotmpl", "<i>{{ .LoginCode }}</i>");
    write(
        "recovery_code/valid/sms.body.gotmpl",
        "{{ .RecoveryCode }} @{{ .RequestURLDomain }} {{ .ExpiresInMinutes }}",
    );
    write("recovery_code/valid/email.body.plaintext.gotmpl", "{{ index .Identity.traits.list 3 }}");
    write("layout.jinja", "<html>mine{% block content %}{% endblock %}</html>");
    write("verification/valid/email.subject.jinja", "Hi {{ identity.traits.name }}");
    let mut templates = Templates::own("x");
    templates.read_folder(root.path()).expect("templates");

    let mut data = sample(Template::LoginCodeValid, Channel::Email);
    assert_eq!(templates.texts(Template::LoginCodeValid, Channel::Email, &data).subject, "123456 is your code, <Ann>");
    assert_eq!(templates.html(Template::LoginCodeValid, &data).as_deref(), Some("<b>&lt;Ann&gt;</b>"));
    data["identity"]["traits"]["lang"] = "de".into();
    assert_eq!(templates.html(Template::LoginCodeValid, &data).as_deref(), Some("<i>123456</i>"));
    let data = sample(Template::RecoveryCodeValid, Channel::Sms);
    assert_eq!(templates.texts(Template::RecoveryCodeValid, Channel::Sms, &data).body, "123456 @id.example 15");
    // What fails is replaced by our own.
    let mut data = sample(Template::RecoveryCodeValid, Channel::Email);
    data["identity"]["traits"]["list"] = json!(["a"]);
    assert!(templates.texts(Template::RecoveryCodeValid, Channel::Email, &data).body.contains("123456"));
    let data = sample(Template::VerificationValid, Channel::Email);
    assert_eq!(templates.texts(Template::VerificationValid, Channel::Email, &data).subject, "Hi <Ann>");
    assert!(templates.html(Template::VerificationValid, &data).expect("HTML").starts_with("<html>mine"));

    write("recovery/valid/email.subject.gotmpl", "{{ if }}");
    let error = Templates::own("x").read_folder(root.path()).expect_err("a broken template");
    assert!(error.contains("recovery/valid/email.subject.gotmpl"), "{error}");
    Templates::own("x").read_folder(Path::new("/nowhere")).expect("a folder that is missing is none");
}

#[test]
fn names_are_those_of_kratos() {
    let data = json!({ "to": 1, "request_url": 2, "request_url_domain": 3, "expires_in_minutes": 4, "traits": 5,
        "transient_payload": 6, "verification_code": 7 });
    let named = |template, part| go_variables(template, part, &data).as_object().expect("an object").clone();
    let names: Vec<String> = named(Template::VerificationCodeValid, Part::Sms).keys().cloned().collect();
    assert_eq!(
        names,
        ["To", "RequestURL", "RequestURLDomain", "ExpiresInMinutes", "Traits", "TransientPayload", "VerificationCode"]
    );
    assert_eq!(named(Template::RecoveryCodeValid, Part::Sms)["RecoveryCode"], 7);
}

#[tokio::test]
async fn addresses_of_every_kind_are_read() {
    use model::{Clock, Entropy};
    let options = outbound::OutboundOptions::new(Clock::system(), Entropy::system());
    let outbound = Outbound::new(&options).expect("a client");
    let file = tempfile::tempdir().expect("a folder");
    std::fs::write(file.path().join("t"), "{{ .To }}").expect("a file");
    let address = format!("file://{}", file.path().join("t").display());
    assert_eq!(fetch(&address, &outbound).await.as_deref(), Ok("{{ .To }}"));
    let address = format!("base64://{}", BASE64_STANDARD.encode("{{ .To }}"));
    assert_eq!(fetch(&address, &outbound).await.as_deref(), Ok("{{ .To }}"));
    for unusable in ["base64://!", "file:///nowhere", "http://127.0.0.1:1/", "ftp://a/"] {
        assert!(fetch(unusable, &outbound).await.is_err(), "{unusable}");
    }
}
