//! Our own templates, compiled in.

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

/// Before the names of our own templates, which stay there under these names when they are replaced.
pub const OWN: &str = "zelus/";

/// All of them, under their own names and under those that an operator's templates may take.
pub fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // A typo in a template is an error in the tests that render all of them, rather than a gap in a mail.
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    let is_html =
        |name: &str| ["email.body", "layout", "code", "button"].contains(&name.rsplit('/').next().unwrap_or(name));
    environment.set_auto_escape_callback(move |name| if is_html(name) { AutoEscape::Html } else { AutoEscape::None });
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the default delimiters do not clash"));
    for (name, source) in SOURCES {
        for name in [format!("{OWN}{name}"), (*name).to_owned()] {
            environment.add_template_owned(name, *source).expect("our templates are valid, as the tests show");
        }
    }
    environment
}

/// Their names, and their sources in `templates/`.
pub const SOURCES: &[(&str, &str)] = &[
    ("layout", include_str!("../../templates/layout.jinja")),
    ("partials/button", include_str!("../../templates/partials/button.jinja")),
    ("partials/code", include_str!("../../templates/partials/code.jinja")),
    ("recovery/invalid/email.subject", include_str!("../../templates/recovery/invalid/email.subject.jinja")),
    (
        "recovery/invalid/email.body.plaintext",
        include_str!("../../templates/recovery/invalid/email.body.plaintext.jinja"),
    ),
    ("recovery/invalid/email.body", include_str!("../../templates/recovery/invalid/email.body.jinja")),
    ("recovery/valid/email.subject", include_str!("../../templates/recovery/valid/email.subject.jinja")),
    ("recovery/valid/email.body.plaintext", include_str!("../../templates/recovery/valid/email.body.plaintext.jinja")),
    ("recovery/valid/email.body", include_str!("../../templates/recovery/valid/email.body.jinja")),
    ("recovery_code/invalid/email.subject", include_str!("../../templates/recovery_code/invalid/email.subject.jinja")),
    (
        "recovery_code/invalid/email.body.plaintext",
        include_str!("../../templates/recovery_code/invalid/email.body.plaintext.jinja"),
    ),
    ("recovery_code/invalid/email.body", include_str!("../../templates/recovery_code/invalid/email.body.jinja")),
    ("recovery_code/valid/email.subject", include_str!("../../templates/recovery_code/valid/email.subject.jinja")),
    (
        "recovery_code/valid/email.body.plaintext",
        include_str!("../../templates/recovery_code/valid/email.body.plaintext.jinja"),
    ),
    ("recovery_code/valid/email.body", include_str!("../../templates/recovery_code/valid/email.body.jinja")),
    ("recovery_code/valid/sms.body", include_str!("../../templates/recovery_code/valid/sms.body.jinja")),
    ("verification/invalid/email.subject", include_str!("../../templates/verification/invalid/email.subject.jinja")),
    (
        "verification/invalid/email.body.plaintext",
        include_str!("../../templates/verification/invalid/email.body.plaintext.jinja"),
    ),
    ("verification/invalid/email.body", include_str!("../../templates/verification/invalid/email.body.jinja")),
    ("verification/valid/email.subject", include_str!("../../templates/verification/valid/email.subject.jinja")),
    (
        "verification/valid/email.body.plaintext",
        include_str!("../../templates/verification/valid/email.body.plaintext.jinja"),
    ),
    ("verification/valid/email.body", include_str!("../../templates/verification/valid/email.body.jinja")),
    (
        "verification_code/invalid/email.subject",
        include_str!("../../templates/verification_code/invalid/email.subject.jinja"),
    ),
    (
        "verification_code/invalid/email.body.plaintext",
        include_str!("../../templates/verification_code/invalid/email.body.plaintext.jinja"),
    ),
    (
        "verification_code/invalid/email.body",
        include_str!("../../templates/verification_code/invalid/email.body.jinja"),
    ),
    (
        "verification_code/valid/email.subject",
        include_str!("../../templates/verification_code/valid/email.subject.jinja"),
    ),
    (
        "verification_code/valid/email.body.plaintext",
        include_str!("../../templates/verification_code/valid/email.body.plaintext.jinja"),
    ),
    ("verification_code/valid/email.body", include_str!("../../templates/verification_code/valid/email.body.jinja")),
    ("verification_code/valid/sms.body", include_str!("../../templates/verification_code/valid/sms.body.jinja")),
    ("login_code/valid/email.subject", include_str!("../../templates/login_code/valid/email.subject.jinja")),
    (
        "login_code/valid/email.body.plaintext",
        include_str!("../../templates/login_code/valid/email.body.plaintext.jinja"),
    ),
    ("login_code/valid/email.body", include_str!("../../templates/login_code/valid/email.body.jinja")),
    ("login_code/valid/sms.body", include_str!("../../templates/login_code/valid/sms.body.jinja")),
    (
        "registration_code/valid/email.subject",
        include_str!("../../templates/registration_code/valid/email.subject.jinja"),
    ),
    (
        "registration_code/valid/email.body.plaintext",
        include_str!("../../templates/registration_code/valid/email.body.plaintext.jinja"),
    ),
    ("registration_code/valid/email.body", include_str!("../../templates/registration_code/valid/email.body.jinja")),
    ("registration_code/valid/sms.body", include_str!("../../templates/registration_code/valid/sms.body.jinja")),
];
