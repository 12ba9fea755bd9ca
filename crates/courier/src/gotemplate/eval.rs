//! Rendering.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::error::TemplateError;
use super::escape::{Escape, escape_html, safe_address};
use super::maps;
use super::parser::{Command, Expression, Node, Pipeline};
use super::value::{is_true, pairs, shown};
use super::{functions, limits};

/// How many nodes and functions a rendering may visit.
const MAX_STEPS: usize = 100_000;
/// How much that a function makes counts as a step more, in bytes.
const BYTES_PER_STEP: usize = 1024;
/// The longest output, in bytes.
const MAX_OUTPUT: usize = 4 << 20;
/// How deep templates may call each other.
const MAX_CALLS: usize = 32;

pub fn render(
    templates: &BTreeMap<String, Arc<[Node]>>,
    name: &str,
    data: &Value,
    escape: Escape,
) -> Result<String, TemplateError> {
    let mut rendering =
        Rendering { templates, escape, output: String::new(), variables: Vec::new(), steps: 0, calls: 0 };
    rendering.template(name, data)?;
    Ok(rendering.output)
}

struct Rendering<'a> {
    templates: &'a BTreeMap<String, Arc<[Node]>>,
    escape: Escape,
    output: String,
    /// Those of the running template; the latest of a name counts.
    variables: Vec<(String, Value)>,
    steps: usize,
    calls: usize,
}

/// How a block went.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

impl Rendering<'_> {
    fn template(&mut self, name: &str, dot: &Value) -> Result<(), TemplateError> {
        let missing = || TemplateError::new(format!("there is no template {name}"));
        let nodes = self.templates.get(name).cloned().ok_or_else(missing)?;
        self.calls += 1;
        if self.calls > MAX_CALLS {
            return Err(TemplateError::new("templates call each other without end"));
        }
        let outer = std::mem::replace(&mut self.variables, vec![(String::new(), dot.clone())]);
        self.block(&nodes, dot)?;
        self.variables = outer;
        self.calls -= 1;
        Ok(())
    }

    /// Renders nodes; the variables that they declare are forgotten after them.
    fn block(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, TemplateError> {
        let known = self.variables.len();
        let mut flow = Flow::On;
        for node in nodes {
            flow = self.node(node, dot)?;
            if flow != Flow::On {
                break;
            }
        }
        self.variables.truncate(known);
        Ok(flow)
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<Flow, TemplateError> {
        self.step()?;
        match node {
            Node::Text(text) => self.write(text)?,
            Node::Print(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.print(&value, pipeline)?;
                } else {
                    self.set(pipeline, [value]);
                }
            }
            Node::If { condition, then, otherwise } => {
                let known = self.variables.len();
                let value = self.pipeline(condition, dot)?;
                let holds = is_true(&value);
                self.set(condition, [value]);
                let flow = self.block(if holds { then } else { otherwise }, dot)?;
                self.variables.truncate(known);
                return Ok(flow);
            }
            Node::With { value, then, otherwise } => {
                let known = self.variables.len();
                let inner = self.pipeline(value, dot)?;
                self.set(value, [inner.clone()]);
                let flow = if is_true(&inner) { self.block(then, &inner)? } else { self.block(otherwise, dot)? };
                self.variables.truncate(known);
                return Ok(flow);
            }
            Node::Range { over, body, otherwise } => return self.range(over, body, otherwise, dot),
            Node::Template { name, dot: argument } => {
                let argument = argument.as_ref().map(|argument| self.pipeline(argument, dot)).transpose()?;
                self.template(name, &argument.unwrap_or_default())?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn range(
        &mut self,
        over: &Pipeline,
        body: &[Node],
        otherwise: &[Node],
        dot: &Value,
    ) -> Result<Flow, TemplateError> {
        let items = pairs(self.pipeline(over, dot)?)?;
        if items.is_empty() {
            return self.block(otherwise, dot);
        }
        let known = self.variables.len();
        for (key, item) in items {
            self.step()?;
            match over.variables.len() {
                0 => {}
                1 => self.set(over, [item.clone()]),
                _ => self.set(over, [key, item.clone()]),
            }
            if self.block(body, &item)? == Flow::Break {
                break;
            }
            if over.is_declaration {
                self.variables.truncate(known);
            }
        }
        self.variables.truncate(known);
        Ok(Flow::On)
    }

    fn set<const N: usize>(&mut self, pipeline: &Pipeline, values: [Value; N]) {
        for (name, value) in pipeline.variables.iter().zip(values) {
            let existing = self.variables.iter_mut().rfind(|(known, _)| known == name);
            match existing.filter(|_| !pipeline.is_declaration) {
                Some((_, old)) => *old = value,
                None => self.variables.push((name.clone(), value)),
            }
        }
    }

    /// Puts a changed map where it was. In Go all who have a map have the same one; here only the variable that is named
    /// sees the change.
    fn put(&mut self, variable: &str, path: &[String], map: &Value) {
        let known = self.variables.iter_mut().rfind(|(known, _)| known == variable);
        let mut place = known.map(|(_, value)| value);
        for name in path {
            place = place.and_then(|value| value.get_mut(name.as_str()));
        }
        if let Some(place) = place {
            *place = map.clone();
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value, TemplateError> {
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(self.command(command, dot, value)?);
        }
        Ok(value.unwrap_or_default())
    }

    fn command(&mut self, command: &Command, dot: &Value, piped: Option<Value>) -> Result<Value, TemplateError> {
        self.step()?;
        let (first, operands) = command.0.split_first().ok_or_else(|| TemplateError::new("a value is missing"))?;
        let Expression::Function(name) = first else { return self.expression(first, dot) };
        if name == "and" || name == "or" {
            return self.and_or(name == "or", operands, dot, piped);
        }
        let mut arguments = Vec::with_capacity(operands.len() + 1);
        for operand in operands {
            arguments.push(self.expression(operand, dot)?);
        }
        arguments.extend(piped);
        let value = functions::call(name, &arguments)?;
        self.spend(limits::size(&value) / BYTES_PER_STEP)?;
        if let Some(Expression::Variable(variable, path)) = operands.first()
            && maps::changes_its_map(name)
        {
            self.put(variable, path, &value);
        }
        Ok(value)
    }

    /// The first argument that decides, or else the last; what comes after it is not looked at.
    fn and_or(
        &mut self,
        is_or: bool,
        operands: &[Expression],
        dot: &Value,
        piped: Option<Value>,
    ) -> Result<Value, TemplateError> {
        let mut last = None;
        for operand in operands {
            let value = self.expression(operand, dot)?;
            if is_true(&value) == is_or {
                return Ok(value);
            }
            last = Some(value);
        }
        piped.or(last).ok_or_else(|| TemplateError::new("and, or: an argument is missing"))
    }

    fn expression(&mut self, expression: &Expression, dot: &Value) -> Result<Value, TemplateError> {
        self.step()?;
        Ok(match expression {
            Expression::Constant(value) => value.clone(),
            Expression::Dot(path) => at(dot, path),
            Expression::Variable(name, path) => {
                let variable = self.variables.iter().rfind(|(known, _)| known == name);
                variable.map(|(_, value)| at(value, path)).unwrap_or_default()
            }
            Expression::Function(name) => functions::call(name, &[])?,
            Expression::Nested(pipeline, path) => at(&self.pipeline(pipeline, dot)?, path),
        })
    }

    fn print(&mut self, value: &Value, pipeline: &Pipeline) -> Result<(), TemplateError> {
        let text = shown(value);
        let last = pipeline.commands.last().map(|command| &command.0[0]);
        let is_escaped = matches!(last, Some(Expression::Function(name)) if name == "html");
        match self.escape {
            Escape::Html if !is_escaped => {
                let safe = if self.is_in_address() { safe_address(&text) } else { &text };
                self.write(&escape_html(safe))
            }
            Escape::Html | Escape::None => self.write(&text),
        }
    }

    /// Whether what comes next is the beginning of an address that is followed or loaded.
    fn is_in_address(&self) -> bool {
        let before = self.output.trim_end_matches(['"', '\'']).trim_end();
        let Some(before) = before.strip_suffix('=') else { return false };
        let name: String = before.trim_end().chars().rev().take_while(char::is_ascii_alphabetic).collect();
        ["ferh", "crs", "noitca"].iter().any(|reversed| name.eq_ignore_ascii_case(reversed))
    }

    fn write(&mut self, text: &str) -> Result<(), TemplateError> {
        if self.output.len() + text.len() > MAX_OUTPUT {
            return Err(TemplateError::new("the output is too long"));
        }
        self.output.push_str(text);
        Ok(())
    }

    fn step(&mut self) -> Result<(), TemplateError> {
        self.spend(1)
    }

    fn spend(&mut self, steps: usize) -> Result<(), TemplateError> {
        self.steps += steps;
        if self.steps > MAX_STEPS { Err(TemplateError::new("it does not come to an end")) } else { Ok(()) }
    }
}

/// What stands at a path; null where there is nothing.
fn at(value: &Value, path: &[String]) -> Value {
    let found = path.iter().try_fold(value, |value, name| value.get(name.as_str()));
    found.cloned().unwrap_or_default()
}
