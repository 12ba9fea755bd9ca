//! The language: groups, alternatives, repetitions, flags, anchors.

use regex_syntax::hir::{Hir, Look, Repetition};

use super::PatternError::{self, Syntax};
use super::class;

/// How deeply groups and repetitions may be nested. Go stops at 1,000; compiling is recursive here.
const MAX_HEIGHT: usize = 250;
/// How often repetitions within each other may repeat in all, as in Go.
const MAX_REPEATS: u32 = 1000;

/// What `(?ims)` sets. `U` changes what is found, never whether anything is.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
}

/// A part of an expression.
#[derive(Debug)]
struct Part {
    hir: Hir,
    /// How deeply it is nested.
    height: usize,
    /// The product of the counts of repetitions within each other.
    repeats: u32,
}

/// A group that is open, or the whole.
#[derive(Debug, Default)]
struct Group {
    alternatives: Vec<Part>,
    /// Parts of the alternative that is being read.
    parts: Vec<Part>,
    /// The flags ahead of the group, which come back behind it.
    outer: Flags,
}

impl Part {
    fn new(hir: Hir) -> Self {
        Self { hir, height: 0, repeats: 1 }
    }

    fn of(parts: Vec<Self>, join: fn(Vec<Hir>) -> Hir) -> Self {
        let height = parts.iter().map(|part| part.height).max().unwrap_or_default();
        let repeats = parts.iter().map(|part| part.repeats).max().unwrap_or(1);
        Self { hir: join(parts.into_iter().map(|part| part.hir).collect()), height, repeats }
    }
}

impl Group {
    fn end_alternative(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        self.alternatives.push(Part::of(parts, Hir::concat));
    }

    fn close(mut self) -> Part {
        self.end_alternative();
        Part::of(self.alternatives, Hir::alternation)
    }
}

/// Reads an expression.
///
/// # Errors
/// When Go would refuse it.
pub(super) fn parse(pattern: &str) -> Result<Hir, PatternError> {
    let mut parser = Parser {
        rest: pattern,
        flags: Flags::default(),
        outer: Vec::new(),
        group: Group::default(),
        is_repeated: false,
    };
    while !parser.rest.is_empty() {
        parser.step()?;
    }
    match parser.outer.is_empty() {
        true => Ok(parser.group.close().hir),
        false => Err(Syntax("a group without its end")),
    }
}

struct Parser<'a> {
    rest: &'a str,
    flags: Flags,
    /// Open groups around `group`, outermost first.
    outer: Vec<Group>,
    group: Group,
    /// Whether the last thing read was a repetition.
    is_repeated: bool,
}

impl Parser<'_> {
    fn step(&mut self) -> Result<(), PatternError> {
        let was_repeated = std::mem::take(&mut self.is_repeated);
        let mut chars = self.rest.chars();
        let Some(c) = chars.next() else { return Ok(()) };
        let rest = chars.as_str();
        if let Some((min, max, rest)) = repetition(c, rest) {
            self.rest = rest.strip_prefix('?').unwrap_or(rest);
            if was_repeated {
                return Err(Syntax("a repetition of a repetition"));
            }
            self.is_repeated = true;
            return self.repeat(min, max, c == '{');
        }
        if c == '(' && rest.starts_with('?') {
            return self.group_with_flags();
        }
        match c {
            '\\' => return self.escape(),
            '[' => {
                let (class, rest) = class::bracket(rest, self.flags.fold)?;
                self.rest = rest;
                self.push(Hir::class(class));
                return Ok(());
            }
            _ => self.rest = rest,
        }
        match c {
            '(' => return self.open(self.flags),
            '|' => self.group.end_alternative(),
            ')' => return self.close(),
            '^' => self.push(Hir::look(if self.flags.multi_line { Look::StartLF } else { Look::Start })),
            '$' => self.push(Hir::look(if self.flags.multi_line { Look::EndLF } else { Look::End })),
            '.' => self.push(Hir::class(class::any(self.flags.dot_newline))),
            c => self.push(class::literal(u32::from(c), self.flags.fold)),
        }
        Ok(())
    }

    fn push(&mut self, hir: Hir) {
        self.group.parts.push(Part::new(hir));
    }

    /// `\` and what follows it, outside brackets.
    fn escape(&mut self) -> Result<(), PatternError> {
        let mut chars = self.rest[1..].chars();
        let letter = chars.next();
        let behind = chars.as_str();
        let look = match letter {
            Some('A') => Some(Look::Start),
            Some('z') => Some(Look::End),
            Some('b') => Some(Look::WordAscii),
            Some('B') => Some(Look::WordAsciiNegate),
            _ => None,
        };
        if let Some(look) = look {
            self.rest = behind;
            self.push(Hir::look(look));
            return Ok(());
        }
        if letter == Some('Q') {
            let (plain, rest) = behind.split_once("\\E").unwrap_or((behind, ""));
            self.rest = rest;
            plain.chars().for_each(|c| self.push(class::literal(u32::from(c), self.flags.fold)));
            return Ok(());
        }
        if let Some((ranges, rest)) = class::named_escape(self.rest, self.flags.fold)? {
            self.rest = rest;
            self.push(Hir::class(class::of(ranges)));
            return Ok(());
        }
        let (c, rest) = class::char_escape(self.rest)?;
        self.rest = rest;
        self.push(class::literal(c, self.flags.fold));
        Ok(())
    }

    /// `(?…`: a named group, a group with flags, or flags for the rest of this one.
    fn group_with_flags(&mut self) -> Result<(), PatternError> {
        let inner = &self.rest[2..];
        if let Some(named) = inner.strip_prefix("P<").or_else(|| inner.strip_prefix('<')) {
            let is_name =
                |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let (_, rest) = named
                .split_once('>')
                .filter(|(name, _)| is_name(name))
                .ok_or(Syntax("a group without a proper name"))?;
            self.rest = rest;
            return self.open(self.flags);
        }
        let mut flags = self.flags;
        let mut is_set = true;
        let mut has_flag = false;
        for (at, c) in inner.char_indices() {
            match c {
                'i' => flags.fold = is_set,
                'm' => flags.multi_line = is_set,
                's' => flags.dot_newline = is_set,
                'U' => {}
                '-' if is_set => {
                    is_set = false;
                    has_flag = false;
                    continue;
                }
                ':' | ')' if is_set || has_flag => {
                    self.rest = &inner[at + 1..];
                    if c == ':' {
                        return self.open(flags);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            has_flag = true;
        }
        Err(Syntax("an unknown kind of group, or unknown flags"))
    }

    fn open(&mut self, flags: Flags) -> Result<(), PatternError> {
        if self.outer.len() >= MAX_HEIGHT {
            return Err(Syntax("too many groups within each other"));
        }
        let group = Group { outer: self.flags, ..Group::default() };
        self.outer.push(std::mem::replace(&mut self.group, group));
        self.flags = flags;
        Ok(())
    }

    fn close(&mut self) -> Result<(), PatternError> {
        let outer = self.outer.pop().ok_or(Syntax("the end of a group that is not open"))?;
        let group = std::mem::replace(&mut self.group, outer);
        self.flags = group.outer;
        let mut part = group.close();
        part.height += 1;
        self.group.parts.push(part);
        Ok(())
    }

    /// Repeats the last part; what is `counted` has to stay within limits.
    fn repeat(&mut self, min: u32, max: Option<u32>, counted: bool) -> Result<(), PatternError> {
        if min > MAX_REPEATS || max.is_some_and(|max| max > MAX_REPEATS || max < min) {
            return Err(Syntax("a repetition with impossible counts"));
        }
        let Part { hir, height, repeats } = self.group.parts.pop().ok_or(Syntax("nothing to repeat"))?;
        let repeats = match max.unwrap_or(min) {
            _ if !counted => repeats,
            0 if max == Some(0) => 1,
            times => repeats.saturating_mul(times.max(1)),
        };
        if repeats > MAX_REPEATS {
            return Err(Syntax("repetitions within each other that are too many"));
        }
        if height >= MAX_HEIGHT {
            return Err(Syntax("too many repetitions within each other"));
        }
        let hir = Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(hir) });
        self.group.parts.push(Part { hir, height: height + 1, repeats });
        Ok(())
    }
}

/// The least and most times of the repetition that begins with `c`, and what follows it. Braces that hold no counts stand
/// for themselves.
fn repetition(c: char, rest: &str) -> Option<(u32, Option<u32>, &str)> {
    match c {
        '*' => Some((0, None, rest)),
        '+' => Some((1, None, rest)),
        '?' => Some((0, Some(1), rest)),
        '{' => {
            let (counts, behind) = rest.split_once('}')?;
            match counts.split_once(',') {
                None => count(counts).map(|times| (times, Some(times), behind)),
                Some((min, "")) => Some((count(min)?, None, behind)),
                Some((min, max)) => Some((count(min)?, Some(count(max)?), behind)),
            }
        }
        _ => None,
    }
}

/// A number without leading zeros; one that is too large for anything is the largest.
fn count(digits: &str) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = digits == "0" || !digits.starts_with('0');
    (is_number && is_plain).then(|| digits.parse().unwrap_or(u32::MAX))
}
