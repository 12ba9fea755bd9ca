//! However somebody writes an address or a number, it is one and the same.

use model::CredentialType;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{identifier_for_code, phone_to_e164};

/// `text` with some of its letters in capitals.
fn shouted(text: &str, capitals: &[bool]) -> String {
    let pairs = text.chars().zip(capitals.iter().chain(std::iter::repeat(&false)));
    pairs.map(|(letter, is_capital)| if *is_capital { letter.to_ascii_uppercase() } else { letter }).collect()
}

#[test]
fn separators_between_single_digits_make_no_other_number() {
    assert_eq!(identifier_for_code("+492-0-1-0-0-0-0-0"), "+4920100000");
    assert_eq!(phone_to_e164("+49 (20) 10 00-00").as_deref(), Some("+4920100000"));
    for other in ["", "-", "+", "20100000", "+49 20 x", "+1-2"] {
        assert_eq!(phone_to_e164(other), None, "{other}");
    }
}

proptest! {
    #[test]
    fn what_is_stored_is_found_again(text in "\\PC{0,40}|[ +0-9a-zA-Z@.İΣß]{0,20}") {
        for kind in CredentialType::ALL {
            let stored = kind.normalise(&text);
            prop_assert_eq!(kind.normalise(&stored), stored);
        }
        let stored = identifier_for_code(&text);
        prop_assert_eq!(identifier_for_code(&stored), stored);
    }

    #[test]
    fn neither_capitals_nor_blanks_make_another_address(
        address in "[a-z0-9.+_-]{1,12}@[a-z0-9]{1,8}[.](org|example)",
        capitals in vec(any::<bool>(), 24),
        blanks in "[ \t]{0,2}",
    ) {
        let typed = format!("{blanks}{}{blanks}", shouted(&address, &capitals));
        for kind in [CredentialType::Password, CredentialType::Code, CredentialType::Webauthn] {
            prop_assert_eq!(kind.normalise(&typed), address.as_str());
        }
        prop_assert_eq!(identifier_for_code(&typed), address);
    }

    #[test]
    fn blanks_and_brackets_make_no_other_number(
        country in select(vec!["+49", "+1", "+39", "+44", "+91"]),
        digits in "[1-9][0-9]{7,10}",
        gaps in vec(select(vec!["", " ", "-", ".", " ("]), 12),
    ) {
        let plain = format!("{country}{digits}");
        let Some(number) = phone_to_e164(&plain) else { return Ok(()) };
        prop_assert_eq!(&number, &plain);
        let mut typed = country.to_owned();
        for (digit, gap) in digits.chars().zip(&gaps) {
            typed.push_str(gap);
            typed.push(digit);
            if gap.contains('(') {
                typed.push(')');
            }
        }
        prop_assert_eq!(identifier_for_code(&typed), number);
    }
}
