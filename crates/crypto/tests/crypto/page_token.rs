use crypto::{PageTokenCodec, PageTokenError};
use model::Secret;
use proptest::prelude::*;

use crate::{entropy, time};

const SECRET: &str = "a-pagination-secret-of-zelus";
/// A token of Kratos' list of courier messages, good until 11:14:44.
const FROM_KRATOS: &str = "tHZzzORVPtwEcyS2IkItxDBg0lvGHyvk027vCv6-lkXL_KL8mB2pILQv__2_F_MY0_G7znvjZfJERBJp94HNdLU2jao5Gs4HQ_cYRxtZHo2H23otdITtTf1jvX1cANB9OvO1C0z_Y3o18wmVZ1thJ2r4xi0PPtH3vCMvzEARxPi9ViXYRinTYSsxbeNZoHA91v4f-vfjxWAmRpcgBhy5TOQCZ07LmPFi7kbtJ5hpiMkEw0YmofBuSTh3MA1jFi8=";
const NOW: &str = "2026-11-21T11:00:00Z";

fn codec(secrets: &[&str]) -> PageTokenCodec {
    let secrets: Vec<_> = secrets.iter().map(|secret| Secret::from(*secret)).collect();
    PageTokenCodec::new(&secrets, &"a default secret".into())
}

#[test]
fn a_token_from_kratos_is_followed() {
    for secrets in [&[SECRET][..], &["a-newer-secret", SECRET]] {
        let columns: Vec<serde_json::Value> = codec(secrets).open(time(NOW), FROM_KRATOS).unwrap();
        let names: Vec<_> = columns.iter().map(|column| column["n"].as_str().unwrap()).collect();
        assert_eq!(names, ["created_at", "id"]);
    }
}

#[test]
fn a_token_lives_for_an_hour() {
    let codec = codec(&[]);
    let token = codec.seal(time(NOW), &entropy(), &("position", 7)).unwrap();
    let open = |now| codec.open::<(String, u8)>(time(now), &token);
    assert_eq!(open("2026-11-21T12:00:00Z"), Ok(("position".to_owned(), 7)));
    assert_eq!(open("2026-11-21T12:00:01Z"), Err(PageTokenError::Expired));
}

#[test]
fn a_token_belongs_to_its_server_and_its_list() {
    let token = codec(&[SECRET]).seal(time(NOW), &entropy(), &7).unwrap();
    let open = |secrets: &[&str]| codec(secrets).open::<u8>(time(NOW), &token);
    assert_eq!(open(&["a-newer-secret", SECRET]), Ok(7));
    assert_eq!(open(&["a-newer-secret"]), Err(PageTokenError::Malformed));
    assert_eq!(open(&[]), Err(PageTokenError::Malformed));
    assert_eq!(codec(&[SECRET]).open::<String>(time(NOW), &token), Err(PageTokenError::Malformed));
    assert_eq!(codec(&[SECRET]).open::<u8>(time(NOW), &"A".repeat(4100)), Err(PageTokenError::Malformed));
}

proptest! {
    #[test]
    fn any_changed_character_is_noticed(position in "\\PC{0,40}", at in any::<prop::sample::Index>(), put in "[A-Za-z]") {
        let codec = codec(&[SECRET]);
        let token = codec.seal(time(NOW), &entropy(), &position).unwrap();
        prop_assert_eq!(codec.open::<String>(time(NOW), &token), Ok(position));
        let at = at.index(token.len());
        prop_assume!(token[at..=at] != put);
        let tampered = format!("{}{put}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(codec.open::<String>(time(NOW), &tampered), Err(PageTokenError::Malformed));
    }

    #[test]
    fn no_text_makes_it_panic(token in "\\PC{0,80}") {
        prop_assert!(codec(&[SECRET]).open::<String>(time(NOW), &token).is_err());
    }
}
