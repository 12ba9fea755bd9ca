//! A reader for the HTML that templates write: every tag is closed, every attribute quoted. Anything else panics.

#[derive(Clone, Debug)]
pub struct Element {
    pub name: String,
    attributes: Vec<(String, String)>,
    text: String,
    /// The place of the form that it stands in, among all elements.
    form: Option<usize>,
}

impl Element {
    /// An attribute's value; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The text within it.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|(key, _)| key == name)
    }
}

pub struct Document {
    pub elements: Vec<Element>,
}

const VOID: [&str; 4] = ["meta", "link", "img", "input"];

impl Document {
    pub fn read(html: &str) -> Self {
        let mut rest = html.strip_prefix("<!doctype html>").expect("the document says that it is HTML");
        let mut elements: Vec<Element> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        while let Some(at) = rest.find('<') {
            let text = &rest[..at];
            assert!(!text.contains('>'), "a stray > in {text:?}");
            for index in &open {
                elements[*index].text.push_str(&unescape(text));
            }
            let (tag, after) = split_tag(&rest[at + 1..]);
            rest = after;
            if let Some(name) = tag.strip_prefix('/') {
                let index = open.pop().unwrap_or_else(|| panic!("</{name}> closes nothing"));
                assert_eq!(elements[index].name, name, "tags are nested");
                continue;
            }
            let mut element = read_tag(tag);
            element.form = open.iter().copied().rfind(|index| elements[*index].name == "form");
            if !VOID.contains(&element.name.as_str()) && element.name != "br" {
                open.push(elements.len());
            }
            elements.push(element);
        }
        assert!(open.is_empty() && rest.trim().is_empty(), "everything is closed");
        Self { elements }
    }

    pub fn all(&self, name: &str) -> Vec<Element> {
        self.elements.iter().filter(|element| element.name == name).cloned().collect()
    }

    /// What stands in each form, form by form.
    pub fn forms(&self) -> Vec<Vec<&Element>> {
        let forms = (0..self.elements.len()).filter(|index| self.elements[*index].name == "form");
        forms.map(|form| self.elements.iter().filter(|element| element.form == Some(form)).collect()).collect()
    }

    pub fn by_id(&self, id: &str) -> Option<&Element> {
        self.elements.iter().find(|element| element.get("id") == id)
    }

    pub fn text(&self) -> String {
        self.all("body").into_iter().map(|body| body.text).collect()
    }

    /// What holds for every page.
    pub fn check(&self) {
        assert_eq!(self.all("html")[0].get("lang"), "en");
        for single in ["title", "h1", "main", "header"] {
            assert_eq!(self.all(single).len(), 1, "one <{single}>");
        }
        assert!(!self.all("title")[0].text.trim().is_empty());
        assert!(self.all("style").is_empty(), "no inline styles");
        let mut ids: Vec<&str> =
            self.elements.iter().filter(|element| element.has("id")).map(|element| element.get("id")).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "ids are unique");
        let labels = self.all("label");
        for element in &self.elements {
            for (name, value) in &element.attributes {
                assert!(
                    !name.starts_with("on") && name != "style" && name != "srcdoc" && name != "formaction",
                    "{element:?}"
                );
                if matches!(name.as_str(), "href" | "src" | "action") {
                    let scheme = value.split([':', '/', '?', '#']).next().unwrap_or_default();
                    let is_safe = !value.contains(':')
                        || matches!(scheme, "http" | "https" | "")
                        || value.starts_with("data:image/");
                    assert!(is_safe, "{element:?}");
                }
                if name == "aria-describedby" || name == "aria-labelledby" {
                    assert!(value.split(' ').all(|id| self.by_id(id).is_some()), "{element:?} is described");
                }
            }
            match element.name.as_str() {
                "input" if element.get("type") != "hidden" => {
                    let label = labels.iter().find(|label| label.get("for") == element.get("id"));
                    assert!(label.is_some_and(|label| !label.text.trim().is_empty()), "{element:?} has a label");
                }
                "button" => assert!(!element.text.trim().is_empty() && element.has("type"), "{element:?}"),
                "a" => assert!(!element.text.trim().is_empty() && element.has("href"), "{element:?}"),
                "img" => assert!(element.has("alt"), "{element:?}"),
                "script" => assert!(element.has("src") && element.text.is_empty(), "{element:?}"),
                _ => {}
            }
        }
    }
}

/// The inside of a tag, up to the `>` that is outside of quotes, and what follows.
fn split_tag(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '<' => panic!("a stray < in {text:?}"),
            '>' if !quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    panic!("a tag does not end: {text:?}")
}

fn read_tag(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "<{tag}>");
    let mut attributes = Vec::new();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let key = &rest[..end];
        assert!(
            !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
            "{key:?} in <{tag}>"
        );
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let (inside, after) = quoted.split_once('"').expect("quotes are closed");
            (value, rest) = (unescape(inside), after);
        }
        assert!(attributes.iter().all(|(present, _)| present != key), "{key} twice in <{tag}>");
        attributes.push((key.to_owned(), value));
        assert!(rest.is_empty() || rest.starts_with(' '), "attributes are apart in <{tag}>");
        rest = rest.trim_start_matches(' ');
    }
    Element { name: name.to_owned(), attributes, text: String::new(), form: None }
}

fn unescape(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}
