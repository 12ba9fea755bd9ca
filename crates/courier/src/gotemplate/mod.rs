//! Go's `text/template` and `html/template`, as far as Kratos' message templates use them: actions, pipelines, `if`,
//! `with`, `range`, `define`, `template`, `block`, variables, and those functions of Go and of Sprig that depend on
//! nothing but their arguments. See <https://pkg.go.dev/text/template>.
//!
//! There is no Rust library for this that is kept up. Operators who come from Kratos have their mails in this language,
//! so it is read here, by an interpreter that is bounded in steps, depth and output and has no access to anything but the
//! variables it is given.
//!
//! Two differences. What is missing prints as nothing, where Go prints `<no value>` or refuses. And HTML is escaped for
//! text and quoted attributes, with addresses in `href` and `src` held to harmless schemes; Go also knows scripts and
//! styles, where mails have no business to put variables.

mod error;
mod escape;
mod eval;
mod functions;
mod json;
mod lexer;
mod limits;
mod lists;
mod maps;
mod numbers;
mod parser;
mod paths;
mod printf;
mod regexes;
#[cfg(test)]
mod sprig;
#[cfg(test)]
mod tests;
mod texts;
mod value;
mod words;

pub use error::TemplateError;
pub use escape::Escape;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use parser::Node;

/// The largest template that is read, in bytes.
pub const MAX_SOURCE: usize = 1 << 20;

/// Templates that may refer to each other by name.
#[derive(Clone, Debug, Default)]
pub struct GoTemplates {
    by_name: BTreeMap<String, Arc<[Node]>>,
}

impl GoTemplates {
    /// Adds the template `name`, and those that it defines.
    ///
    /// # Errors
    /// When it is no template, or uses what is not supported.
    pub fn add(&mut self, name: &str, source: &str) -> Result<(), TemplateError> {
        if source.len() > MAX_SOURCE {
            return Err(TemplateError::new("it is larger than a mebibyte"));
        }
        let parsed = parser::parse(source)?;
        for (defined, nodes) in parsed.defined {
            self.by_name.insert(defined, nodes.into());
        }
        self.by_name.insert(name.to_owned(), parsed.nodes.into());
        Ok(())
    }

    /// Renders the template `name`, in which `data` is the dot.
    ///
    /// # Errors
    /// When a function does not like its arguments, or a limit is reached.
    pub fn render(&self, name: &str, data: &Value, escape: Escape) -> Result<String, TemplateError> {
        eval::render(&self.by_name, name, data, escape)
    }
}
