//! Expressions written out in the words that ECMAScript and the `regex` crate share.

use std::fmt::Write;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// The text of an expression.
pub(super) fn text(hir: &Hir) -> String {
    let mut text = String::new();
    write(hir, &mut text);
    text
}

fn write(hir: &Hir, into: &mut String) {
    match hir.kind() {
        HirKind::Empty => into.push_str("(?:)"),
        HirKind::Literal(literal) => String::from_utf8_lossy(&literal.0).chars().for_each(|c| write_char(c, into)),
        HirKind::Class(class) if class.is_empty() => into.push_str("[^\\u{0}-\\u{10ffff}]"),
        HirKind::Class(Class::Unicode(class)) => {
            into.push('[');
            for range in class.iter() {
                write_char(range.start(), into);
                if range.end() != range.start() {
                    into.push('-');
                    write_char(range.end(), into);
                }
            }
            into.push(']');
        }
        // Only made of ASCII, by simplification.
        HirKind::Class(Class::Bytes(class)) => {
            into.push('[');
            for range in class.iter() {
                write_char(range.start().into(), into);
                into.push('-');
                write_char(range.end().into(), into);
            }
            into.push(']');
        }
        HirKind::Look(look) => into.push_str(match look {
            Look::Start => "^",
            Look::End => "$",
            Look::StartLF => "(?m:^)",
            Look::EndLF => "(?m:$)",
            Look::WordAsciiNegate => "\\B",
            _ => "\\b",
        }),
        HirKind::Repetition(repetition) => {
            group(&repetition.sub, into);
            // Writing to a text cannot fail.
            let _ = match repetition.max {
                Some(max) => write!(into, "{{{},{max}}}", repetition.min),
                None => write!(into, "{{{},}}", repetition.min),
            };
        }
        HirKind::Capture(capture) => group(&capture.sub, into),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, into)),
        HirKind::Alternation(parts) => {
            into.push_str("(?:");
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    into.push('|');
                }
                write(part, into);
            }
            into.push(')');
        }
    }
}

fn group(hir: &Hir, into: &mut String) {
    into.push_str("(?:");
    write(hir, into);
    into.push(')');
}

fn write_char(c: char, into: &mut String) {
    if c.is_ascii_alphanumeric() {
        into.push(c);
    } else {
        // Writing to a text cannot fail.
        let _ = write!(into, "\\u{{{:x}}}", u32::from(c));
    }
}
