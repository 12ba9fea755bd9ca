//! The order of nodes, which clients rely on.

use std::cmp::Ordering;

use super::{Group, Node, Ui};

/// Groups in the order of the login form.
pub const LOGIN_GROUPS: &[Group] = &[
    Group::Oidc,
    Group::Default,
    Group::Webauthn,
    Group::Passkey,
    Group::Code,
    Group::Password,
    Group::Totp,
    Group::LookupSecret,
];

/// Groups in the order of the registration form.
pub const REGISTRATION_GROUPS: &[Group] = &[
    Group::Oidc,
    Group::Saml,
    Group::Default,
    Group::Webauthn,
    Group::Passkey,
    Group::Code,
    Group::Password,
    Group::Captcha,
    Group::Profile,
];

/// Groups in the order of the settings form.
pub const SETTINGS_GROUPS: &[Group] = &[
    Group::Default,
    Group::Profile,
    Group::Password,
    Group::Oidc,
    Group::LookupSecret,
    Group::Webauthn,
    Group::Passkey,
    Group::Totp,
];

/// How the nodes of a form are ordered: by group first, then within a group by name.
#[derive(Clone, Debug)]
pub struct NodeOrder {
    groups: &'static [Group],
    names: Vec<String>,
}

impl NodeOrder {
    /// Groups in this order (unknown ones come first), and names in this order, each standing for all that begin with
    /// it; unknown names come after, and `method` at the very end of its group.
    pub fn new(groups: &'static [Group], names: Vec<String>) -> Self {
        Self { groups, names }
    }

    /// The login form.
    pub fn login() -> Self {
        Self::new(LOGIN_GROUPS, ["csrf_token", "identifier", "password"].map(str::to_owned).into())
    }

    /// The registration form: the anti-CSRF field, the first trait, the password, the other traits in the order of the
    /// schema. `traits` are dotted names.
    pub fn registration(traits: &[String]) -> Self {
        let mut names = vec!["csrf_token".to_owned()];
        names.extend(traits.first().cloned());
        names.push("password".to_owned());
        names.extend(traits.iter().skip(1).cloned());
        names.extend(["webauthn_remove", "webauthn_register_displayname", "webauthn_register"].map(str::to_owned));
        Self::new(REGISTRATION_GROUPS, names)
    }

    /// The settings form: traits in the order of the schema, then the fields of each method. `traits` are dotted names.
    pub fn settings(traits: &[String]) -> Self {
        const METHODS: [&str; 13] = [
            "lookup_secret_reveal",
            "lookup_secret_regenerate",
            "lookup_secret_codes",
            "lookup_secret_confirm",
            "webauthn_remove",
            "webauthn_register_displayname",
            "webauthn_register",
            "passkey_remove",
            "passkey_register",
            "totp_qr",
            "totp_secret_key",
            "totp_unlink",
            "totp_code",
        ];
        let names = traits.iter().map(String::as_str).chain(METHODS).map(str::to_owned).collect();
        Self::new(SETTINGS_GROUPS, names)
    }

    /// Sorts a form.
    pub fn sort(&self, ui: &mut Ui) {
        ui.nodes.sort_by_key(|node| self.groups.iter().position(|group| *group == node.group).map_or(0, |i| i + 1));
        // Nodes of different groups cannot be compared, so this is no total order, on which the library's sort may
        // panic. Kratos' own sort is stable and moves a node only past neighbours that it sorts before; insertion
        // does just that, and forms are short.
        for end in 1..ui.nodes.len() {
            let mut at = end;
            while at > 0 && self.compare(&ui.nodes[at], &ui.nodes[at - 1]) == Some(Ordering::Less) {
                ui.nodes.swap(at, at - 1);
                at -= 1;
            }
        }
    }

    fn compare(&self, a: &Node, b: &Node) -> Option<Ordering> {
        let joined = |group| if group == Group::Password { Group::Default } else { group };
        if a.group != b.group && joined(a.group) != joined(b.group) {
            return None;
        }
        Some(self.position(a).cmp(&self.position(b)).then_with(|| printed(a).cmp(&printed(b))))
    }

    fn position(&self, node: &Node) -> usize {
        if node.id() == "method" {
            return usize::MAX;
        }
        self.names.iter().position(|name| node.id().starts_with(name.as_str())).unwrap_or(self.names.len())
    }
}

/// A value as Go prints it, which breaks ties; an absent one is `<nil>`.
fn printed(node: &Node) -> String {
    match node.value() {
        None => "<nil>".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}
