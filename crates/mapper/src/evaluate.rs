//! The interpreter.

use std::collections::HashMap;

use jrsonnet_evaluator::error::ErrorKind;
use jrsonnet_evaluator::manifest::JsonFormat;
use jrsonnet_evaluator::tla::{TlaArg, apply_tla};
use jrsonnet_evaluator::trace::PathResolver;
use jrsonnet_evaluator::{Error, State, Val};
use jrsonnet_stdlib::ContextInitializer;
use serde::Deserialize;
use serde_json::Value;

use crate::MapperError;
use crate::frame::{self, ReadInput};

/// An interpreter with its standard library, which can be used again and again.
pub struct Evaluator {
    library: ContextInitializer,
    state: State,
}

impl Evaluator {
    /// An interpreter that can import nothing.
    pub fn new() -> Self {
        let library = ContextInitializer::new(PathResolver::FileName);
        let mut builder = State::builder();
        builder.context_initializer(library.clone());
        Self { library, state: builder.build() }
    }

    /// Answers a request. Both are messages without their frames.
    pub fn answer(&self, request: &[u8]) -> Vec<u8> {
        let outcome = frame::read_request(request).and_then(|request| self.evaluate(&request.snippet, request.input));
        // What refers to itself is freed here, so that a worker does not grow.
        jrsonnet_gcmodule::collect_thread_cycles();
        frame::answer(&outcome)
    }

    fn evaluate(&self, snippet: &str, input: ReadInput) -> Result<String, MapperError> {
        let _entered = self.state.enter();
        self.library.settings_mut().ext_vars.clear();
        let argument = match input {
            ReadInput::TopLevel { ctx } => Some(value(ctx)?),
            ReadInput::ExtVars(variables) => {
                for (name, variable) in variables {
                    self.library.add_ext_var(name.as_str().into(), value(variable)?);
                }
                None
            }
        };
        let output = self.state.evaluate_snippet("snippet", snippet);
        let output = output
            .and_then(|output| apply(output, argument))
            .and_then(|output| output.manifest(JsonFormat::cli(3)))
            .map_err(|error| mapper_error(&error))?;
        Ok(output + "\n")
    }
}

/// Calls a function with its argument, `ctx`; any other value is what it is.
fn apply(output: Val, argument: Option<Val>) -> jrsonnet_evaluator::Result<Val> {
    match (output, argument) {
        // The interpreter replaces `function(ctx) ctx` by a function of its own, whose parameter has another name.
        (Val::Func(function), Some(argument)) if function.is_identity() => Ok(argument),
        (function @ Val::Func(_), argument) => {
            let argument = argument.map(|argument| ("ctx".into(), TlaArg::Val(argument)));
            apply_tla(&argument.into_iter().collect::<HashMap<_, _>>(), function)
        }
        (value, _) => Ok(value),
    }
}

fn value(json: Value) -> Result<Val, MapperError> {
    Val::deserialize(json).map_err(|error| MapperError::Invalid(error.to_string()))
}

fn mapper_error(error: &Error) -> MapperError {
    match error.error() {
        ErrorKind::RuntimeError(raised) => MapperError::Raised(raised.to_string()),
        ErrorKind::ImportSyntaxError { error: syntax, .. } => {
            MapperError::Invalid(format!("it is not valid Jsonnet: {syntax}"))
        }
        other => MapperError::Invalid(other.to_string()),
    }
}
