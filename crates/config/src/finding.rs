//! What is wrong, or worth knowing, about a configuration: one line each.

use std::fmt;

/// Where a value came from: a file, a flag or an environment variable, and the line where one is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceLocation {
    /// The file's path, the flag, or the name of the environment variable. Empty when nothing set the value.
    pub source: String,
    /// The line in that file, counted from one.
    pub line: Option<u64>,
}

/// One thing to tell the operator: an error, or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where the value came from.
    pub place: SourceLocation,
    /// The key, dotted, with array positions as numbers: `selfservice.allowed_return_urls.0`. Empty for a whole file.
    pub key: String,
    /// What was expected or found. Values of secret keys are never quoted.
    pub message: String,
}

impl Finding {
    pub(crate) fn new(place: SourceLocation, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place, key: key.into(), message: message.into() }
    }
}

/// `kratos.yaml:12: serve.public.port: expected …`, leaving out what is not known.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.source.is_empty() {
            f.write_str(&self.place.source)?;
            if let Some(line) = self.place.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Why a configuration cannot be used: every error that was found, in the order of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<Finding>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
