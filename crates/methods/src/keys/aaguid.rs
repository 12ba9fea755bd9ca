//! Names of authenticators, by which people tell their passkeys apart.

/// `AAGUID name`, a line each: what the FIDO Alliance's metadata service and the makers of passkey providers publish.
const NAMES: &str = include_str!("aaguids.txt");

/// The name of a model; `None` for most, and for those that do not tell.
pub(super) fn name_of(aaguid: &[u8; 16]) -> Option<&'static str> {
    let id = model::Uuid::from_bytes(*aaguid).to_string();
    NAMES.lines().filter_map(|line| line.split_once(' ')).find(|(known, _)| *known == id).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_models_have_names() {
        let parse = |id: &str| id.parse::<model::Uuid>().expect("an id").into_bytes();
        assert_eq!(name_of(&parse("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4")), Some("Google Password Manager"));
        assert_eq!(name_of(&[0; 16]), None);
        for line in NAMES.lines() {
            let (id, name) = line.split_once(' ').expect("a name");
            assert!(name_of(&parse(id)).is_some() && name.trim() == name && !name.is_empty(), "{line}");
        }
    }
}
