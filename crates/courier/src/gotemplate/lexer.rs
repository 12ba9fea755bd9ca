//! Text and actions, and the tokens of an action.

use super::error::TemplateError;

/// A piece of a template.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    Text(&'a str),
    Action(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// White space, which tells `.a .b` from `.a.b`.
    Space,
    /// `.` by itself.
    Dot,
    /// `.name`
    Field(String),
    /// `$` or `$name`, without the sign.
    Variable(String),
    Name(String),
    Text(String),
    Integer(i64),
    Float(f64),
    Pipe,
    Declare,
    Assign,
    Open,
    Close,
    Comma,
}

/// Cuts a template into text and actions, with white space trimmed where `{{- ` or ` -}}` say so. Comments are left out.
pub fn pieces(source: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let (mut rest, mut trims_start) = (source, false);
    loop {
        let (text, after) = rest.split_once("{{").map_or((rest, None), |(text, after)| (text, Some(after)));
        let text = if trims_start { text.trim_start_matches(is_space) } else { text };
        let Some(after) = after else {
            pieces.push(Piece::Text(text));
            return Ok(pieces);
        };
        let trimmed = after.strip_prefix('-').filter(|after| after.starts_with(is_space));
        pieces.push(Piece::Text(if trimmed.is_some() { text.trim_end_matches(is_space) } else { text }));
        let mut action = Action { rest: trimmed.unwrap_or(after), trims_start: false };
        pieces.extend(action.tokens()?.map(Piece::Action));
        (rest, trims_start) = (action.rest, action.trims_start);
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

struct Action<'a> {
    rest: &'a str,
    /// Whether white space after the action is left out.
    trims_start: bool,
}

impl<'a> Action<'a> {
    /// The tokens up to the end of the action, which is taken too; `None` for a comment.
    fn tokens(&mut self) -> Result<Option<Vec<Token>>, TemplateError> {
        if let Some(comment) = self.rest.trim_start_matches(is_space).strip_prefix("/*") {
            let (_, after) = comment.split_once("*/").ok_or_else(|| TemplateError::new("a comment does not end"))?;
            self.rest = after;
            return match self.ends() {
                true => Ok(None),
                false => Err(TemplateError::new("a comment is followed by something else")),
            };
        }
        let mut tokens = Vec::new();
        while !self.ends() {
            tokens.push(self.token()?);
        }
        Ok(Some(tokens))
    }

    /// Whether the action ends here; if so, its end is taken.
    fn ends(&mut self) -> bool {
        if let Some(rest) = self.rest.strip_prefix("}}") {
            self.rest = rest;
            return true;
        }
        let trimmed = self.rest.trim_start_matches(is_space);
        if let Some(rest) = trimmed.strip_prefix("-}}").filter(|_| trimmed.len() < self.rest.len()) {
            (self.rest, self.trims_start) = (rest, true);
            return true;
        }
        false
    }

    fn token(&mut self) -> Result<Token, TemplateError> {
        let first = self.rest.chars().next().ok_or_else(|| TemplateError::new("an action does not end"))?;
        Ok(match first {
            c if is_space(c) => {
                self.rest = self.rest.trim_start_matches(is_space);
                Token::Space
            }
            '|' => self.taken(Token::Pipe, 1),
            '(' => self.taken(Token::Open, 1),
            ')' => self.taken(Token::Close, 1),
            ',' => self.taken(Token::Comma, 1),
            '=' => self.taken(Token::Assign, 1),
            ':' if self.rest.starts_with(":=") => self.taken(Token::Declare, 2),
            '.' => {
                self.rest = &self.rest[1..];
                match self.word() {
                    "" => Token::Dot,
                    name => Token::Field(name.to_owned()),
                }
            }
            '$' => {
                self.rest = &self.rest[1..];
                Token::Variable(self.word().to_owned())
            }
            '"' => Token::Text(self.quoted('"')?),
            '\'' => {
                let text = self.quoted('\'')?;
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Token::Integer(i64::from(u32::from(c))),
                    _ => return Err(TemplateError::new("a character constant holds one character")),
                }
            }
            '`' => {
                let raw = self.rest[1..].split_once('`');
                let (text, after) = raw.ok_or_else(|| TemplateError::new("a raw string does not end"))?;
                self.rest = after;
                Token::Text(text.to_owned())
            }
            '0'..='9' | '+' | '-' => self.number()?,
            c if c.is_alphabetic() || c == '_' => Token::Name(self.word().to_owned()),
            c => return Err(TemplateError::new(format!("the character {c:?} has no meaning in an action"))),
        })
    }

    fn taken(&mut self, token: Token, length: usize) -> Token {
        self.rest = &self.rest[length..];
        token
    }

    /// Takes what `is_part` says; may be empty.
    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> &'a str {
        self.take_while(|c| c.is_alphanumeric() || c == '_')
    }

    fn number(&mut self) -> Result<Token, TemplateError> {
        let text = self.take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '+' | '-'));
        let plain = text.replace('_', "");
        let (sign, digits) = match plain.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, plain.strip_prefix('+').unwrap_or(&plain)),
        };
        let with_prefix = |prefix, radix| digits.strip_prefix(prefix).map(|digits| i64::from_str_radix(digits, radix));
        let prefixed = with_prefix("0x", 16).or_else(|| with_prefix("0o", 8)).or_else(|| with_prefix("0b", 2));
        let integer = prefixed.unwrap_or_else(|| digits.parse());
        if let Ok(integer) = integer.map(|integer| sign * integer) {
            return Ok(Token::Integer(integer));
        }
        let float = plain.parse::<f64>().ok().filter(|float| float.is_finite());
        float.map(Token::Float).ok_or_else(|| TemplateError::new(format!("{text} is no number")))
    }

    /// A string or character in quotes, with Go's escapes.
    fn quoted(&mut self, quote: char) -> Result<String, TemplateError> {
        let unterminated = || TemplateError::new("a string does not end on its line");
        let mut text = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.rest = &self.rest[at + 2..];
                    return Ok(text);
                }
                '\n' => return Err(unterminated()),
                '\\' => {
                    let (_, escaped) = chars.next().ok_or_else(unterminated)?;
                    let digits = match escaped {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    let simple = match escaped {
                        'n' => Some('\n'),
                        't' => Some('\t'),
                        'r' => Some('\r'),
                        '\\' | '"' | '\'' => Some(escaped),
                        _ => {
                            let hex: String = chars.by_ref().take(digits).map(|(_, digit)| digit).collect();
                            u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
                        }
                    };
                    let unknown = || TemplateError::new(format!("a string holds the unknown escape \\{escaped}"));
                    text.push(simple.ok_or_else(unknown)?);
                }
                c => text.push(c),
            }
        }
        Err(unterminated())
    }
}
