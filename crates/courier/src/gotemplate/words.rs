//! Texts as words: their initials, their cases, and lines that are as long as they may be.

use super::error::TemplateError;

/// Upper case, character by character, as Go has it: `ß` stays what it is.
pub fn upper(c: char) -> char {
    let mut cased = c.to_uppercase();
    cased.next().filter(|_| cased.next().is_none()).unwrap_or(c)
}

fn lower(c: char) -> char {
    if c == 'İ' { 'i' } else { c.to_lowercase().next().unwrap_or(c) }
}

/// The first character of each word, changed.
pub fn each_first(text: &str, separates: impl Fn(char) -> bool, change: impl Fn(char) -> char) -> String {
    let mut at_start = true;
    let mut change = |c: char| {
        let changed = if at_start && !separates(c) { change(c) } else { c };
        at_start = separates(c);
        changed
    };
    text.chars().map(&mut change).collect()
}

/// Words begin with capitals (`title`). A hyphen or a stop begins another word.
pub fn title(text: &str) -> String {
    let separates = |c: char| if c.is_ascii() { !c.is_ascii_alphanumeric() && c != '_' } else { c.is_whitespace() };
    each_first(text, separates, upper)
}

/// Words begin with small letters (`untitle`).
pub fn untitle(text: &str) -> String {
    each_first(text, char::is_whitespace, lower)
}

/// The first characters of all words.
pub fn initials(text: &str) -> String {
    text.split_whitespace().filter_map(|word| word.chars().next()).collect()
}

/// Small letters become large and large ones small, but that every word begins with a large one.
pub fn swap_case(text: &str) -> String {
    let mut after_blank = true;
    let mut swap = |c: char| {
        if c.is_uppercase() {
            after_blank = false;
            return lower(c);
        }
        if c.is_lowercase() {
            after_blank = false;
            return upper(c);
        }
        after_blank = c.is_whitespace();
        c
    };
    text.chars().map(&mut swap).collect()
}

fn connects(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// `some_words` → `SomeWords`. Connectors ahead of the first word stay.
pub fn camel_case(text: &str) -> String {
    let start = text.find(|c| !connects(c)).unwrap_or(text.len());
    let (ahead, rest) = text.split_at(start);
    let mut cased = ahead.to_owned();
    let mut rest = rest.chars();
    let Some(first) = rest.next() else { return cased };
    let mut in_capitals = first.is_uppercase();
    let mut last = upper(first);
    for c in rest {
        let before = std::mem::replace(&mut last, c);
        match (connects(before), connects(c)) {
            (true, true) => cased.push(before),
            (true, false) => {
                in_capitals = c.is_uppercase();
                last = upper(c);
            }
            (false, _) => {
                // All of a run of capitals but the first is small: `HTTP` → `Http`.
                in_capitals &= c.is_uppercase();
                if in_capitals {
                    last = lower(c);
                }
                cased.push(before);
            }
        }
    }
    cased.push(last);
    cased
}

#[derive(Clone, Copy, PartialEq)]
enum Word {
    Number,
    /// Begins with a capital, or is capitals alone.
    Capital,
    Small,
    Connector,
    Punctuation,
    Other,
}

/// `SomeWords` → `some_words`, with another connector if one is given: `snakecase`, `kebabcase`.
pub fn snake_case(text: &str, connector: char) -> String {
    let words = divide(text);
    let mut cased = String::with_capacity(text.len() + words.len());
    let put = |cased: &mut String, (kind, word): (Word, &str)| match kind {
        Word::Capital => cased.extend(word.chars().map(lower)),
        Word::Connector => cased.extend(word.chars().map(|_| connector)),
        _ => cased.push_str(word),
    };
    let is_open = |word: Option<&(Word, &str)>| !matches!(word, Some((Word::Connector | Word::Punctuation, _)));
    let belongs_to_number = |word: Option<&(Word, &str)>| matches!(word, Some((Word::Small | Word::Number, _)));
    let mut at = 0;
    while at < words.len() {
        put(&mut cased, words[at]);
        let kind = words[at].0;
        at += 1;
        let is_number = matches!(words.get(at), Some((Word::Number, _)));
        let mut takes_more = kind == Word::Number;
        if matches!(kind, Word::Capital | Word::Small | Word::Other) && is_number {
            // A number belongs to the word before it (`Bld4Floor`), unless small letters follow (`HTTP2xx`).
            if matches!(words.get(at + 1), Some((Word::Small, _))) {
                cased.push(connector);
                takes_more = true;
            }
            put(&mut cased, words[at]);
            at += 1;
        }
        while takes_more && belongs_to_number(words.get(at)) {
            put(&mut cased, words[at]);
            at += 1;
        }
        let connects = !matches!(kind, Word::Connector | Word::Punctuation);
        if connects && at < words.len() && is_open(words.get(at)) {
            cased.push(connector);
        }
    }
    cased
}

fn divide(text: &str) -> Vec<(Word, &str)> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let kind = kind_of(first);
        let length = match kind {
            Word::Connector => run(connects),
            Word::Punctuation => run(is_punctuation),
            Word::Number => run(char::is_numeric),
            Word::Small => run(is_small),
            Word::Other => run(|c| kind_of(c) == Word::Other),
            Word::Capital => {
                let capitals = run(char::is_uppercase);
                let last = rest[..capitals].char_indices().next_back().map_or(0, |(at, _)| at);
                let smalls = rest[capitals..].find(|c| !is_small(c)).unwrap_or(rest.len() - capitals);
                match (last, smalls) {
                    // `Word`
                    (0, _) => capitals + smalls,
                    // `HTTP`
                    (_, 0) => capitals,
                    // `HTTPStatus`, whose `S` begins the next.
                    (last, _) => last,
                }
            }
        };
        let (word, after) = rest.split_at(length);
        words.push((kind, word));
        rest = after;
    }
    words
}

fn kind_of(c: char) -> Word {
    match c {
        c if connects(c) => Word::Connector,
        c if is_punctuation(c) => Word::Punctuation,
        c if c.is_uppercase() => Word::Capital,
        c if is_small(c) => Word::Small,
        c if c.is_numeric() => Word::Number,
        _ => Word::Other,
    }
}

/// Unicode's punctuation, as far as it is in use: what ASCII counts as symbols is none.
fn is_punctuation(c: char) -> bool {
    (c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c)) || ('\u{2010}'..='\u{2027}').contains(&c)
}

fn is_small(c: char) -> bool {
    c.is_alphabetic() && !c.is_uppercase() && !('\u{4e00}'..='\u{9fcc}').contains(&c)
}

/// Breaks a text at blanks into lines of at most `width` characters; longer words are cut if `cuts`.
///
/// # Errors
/// When the text would become longer than `most` bytes.
pub fn wrap(text: &str, width: i64, line_end: &str, cuts: bool, most: usize) -> Result<String, TemplateError> {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let line_end = if line_end.is_empty() { "\n" } else { line_end };
    let characters: Vec<char> = text.chars().collect();
    let mut wrapped = String::with_capacity(text.len());
    let mut rest = characters.as_slice();
    while rest.len() > width {
        if rest[0] == ' ' {
            rest = &rest[1..];
            continue;
        }
        // Where the line ends, and where the next begins.
        let (end, next) = match rest[..=width].iter().rposition(|c| *c == ' ') {
            Some(blank) => (blank, blank + 1),
            None if cuts => (width, width),
            None => match rest[width..].iter().position(|c| *c == ' ') {
                Some(blank) => (width + blank, width + blank + 1),
                None => break,
            },
        };
        wrapped.extend(&rest[..end]);
        wrapped.push_str(line_end);
        if wrapped.len() > most {
            return Err(TemplateError::new("the text is too long"));
        }
        rest = &rest[next..];
    }
    wrapped.extend(rest);
    Ok(wrapped)
}
