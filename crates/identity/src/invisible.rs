//! Characters that nobody sees, by which one name looks like another.
//!
//! The crate `precis-core` has these rules of RFC 8264, for Unicode 6.3 (2013) and with a parser of regular expressions to build
//! it; the properties here come with the URLs that are in every build, and are of the Unicode of today.

use icu_properties::props::{CanonicalCombiningClass, DefaultIgnorableCodePoint, JoiningType};
use icu_properties::{CodePointMapData, CodePointSetData};

const NON_JOINER: char = '\u{200C}';
const JOINER: char = '\u{200D}';

/// Whether a text holds a character that leaves no mark where it stands: marks of direction, spaces without width, soft hyphens,
/// fillers, selectors of variants, control characters (RFC 8264 §9.12 and §9.13). Joiners may stand where they shape the letters
/// around them, as Persian and the scripts of India need it (RFC 5892 A.1 and A.2).
pub(crate) fn has_invisible(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().any(|byte| byte.is_ascii_control());
    }
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    text.char_indices().any(|(at, character)| match character {
        JOINER => !is_behind_virama(&text[..at]),
        NON_JOINER => !is_behind_virama(&text[..at]) && !is_between_letters_that_join(text, at),
        _ => character.is_control() || ignorable.contains(character),
    })
}

fn is_behind_virama(before: &str) -> bool {
    let class = CodePointMapData::<CanonicalCombiningClass>::new();
    before.chars().next_back().is_some_and(|last| class.get(last) == CanonicalCombiningClass::Virama)
}

/// Whether the letter before the non-joiner at `at` would join the one behind it.
fn is_between_letters_that_join(text: &str, at: usize) -> bool {
    let joining = CodePointMapData::<JoiningType>::new();
    let kinds = |character| joining.get(character);
    let is_letter = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let before = text[..at].chars().rev().map(kinds).find(is_letter);
    let behind = text[at + NON_JOINER.len_utf8()..].chars().map(kinds).find(is_letter);
    let joins =
        |kind: Option<JoiningType>, other| kind.is_some_and(|kind| [JoiningType::DualJoining, other].contains(&kind));
    joins(before, JoiningType::LeftJoining) && joins(behind, JoiningType::RightJoining)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_seen_is_fine() {
        for text in
            ["", "anna", "a b", "Zoë", "ΟΔΥΣΣΕΥΣ", "İstanbul", "用户", "محمد", "user@пример.рф", "e\u{301}", "🦀"]
        {
            assert!(!has_invisible(text), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_found_wherever_it_stands() {
        for character in [
            '\u{0}',
            '\t',
            '\u{7F}',
            '\u{85}',
            '\u{AD}',
            '\u{34F}',
            '\u{61C}',
            '\u{115F}',
            '\u{17B4}',
            '\u{180B}',
            '\u{200B}',
            '\u{200C}',
            '\u{200D}',
            '\u{200E}',
            '\u{202E}',
            '\u{2060}',
            '\u{2066}',
            '\u{3164}',
            '\u{FE0F}',
            '\u{FEFF}',
            '\u{FFA0}',
            '\u{E0041}',
            '\u{E0100}',
        ] {
            for text in [format!("{character}anna"), format!("an{character}na"), format!("anna{character}")] {
                assert!(has_invisible(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn joiners_stay_where_they_shape_letters() {
        let fine = [
            "می\u{200C}خواهم", // Persian: letters that would join, and are not to.
            "क्\u{200D}ष",      // Hindi: half a letter, behind a virama.
            "ക്\u{200C}ഷ",      // Malayalam.
        ];
        for text in fine {
            assert!(!has_invisible(text), "{text:?}");
        }
        for text in ["ab\u{200C}c", "می\u{200C}", "\u{200C}می", "می\u{200D}خواهم", "a\u{200D}b", "ا\u{200C}ب"]
        {
            assert!(has_invisible(text), "{text:?}");
        }
    }
}
