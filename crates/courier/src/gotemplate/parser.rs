//! From tokens to a tree.

use serde_json::Value;

use super::error::TemplateError;
use super::functions;
use super::lexer::{Piece, Token, pieces};

/// How deep blocks and parentheses may be nested.
const MAX_DEPTH: usize = 64;

#[derive(Debug)]
pub enum Node {
    Text(String),
    /// Prints the value of a pipeline, unless that only sets a variable.
    Print(Pipeline),
    If {
        condition: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    With {
        value: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Range {
        over: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    /// Renders another template, whose dot is the value of the pipeline.
    Template {
        name: String,
        dot: Option<Pipeline>,
    },
    Break,
    Continue,
}

#[derive(Debug)]
pub struct Pipeline {
    /// Variables that get the value; `range` may set two.
    pub variables: Vec<String>,
    /// Whether they are new, rather than those of an outer block.
    pub is_declaration: bool,
    pub commands: Vec<Command>,
}

/// A function with its arguments, or a value. Each but the first command of a pipeline gets the value of the one before
/// as its last argument.
#[derive(Debug)]
pub struct Command(pub Vec<Expression>);

#[derive(Debug)]
pub enum Expression {
    Constant(Value),
    /// A path from the dot; the dot itself when empty.
    Dot(Vec<String>),
    Variable(String, Vec<String>),
    Function(String),
    Nested(Box<Pipeline>, Vec<String>),
}

#[derive(Debug, Default)]
pub struct Parsed {
    pub nodes: Vec<Node>,
    pub defined: Vec<(String, Vec<Node>)>,
}

pub fn parse(source: &str) -> Result<Parsed, TemplateError> {
    let pieces = pieces(source)?;
    let mut parser =
        Parser { pieces: pieces.into_iter(), defined: Vec::new(), variables: vec![String::new()], depth: 0, ranges: 0 };
    let (nodes, end) = parser.block()?;
    match end {
        Ending::File => Ok(Parsed { nodes, defined: parser.defined }),
        _ => Err(TemplateError::new("there is an end or else too many")),
    }
}

struct Parser<'a> {
    pieces: std::vec::IntoIter<Piece<'a>>,
    defined: Vec<(String, Vec<Node>)>,
    /// The variables that may be named here; the empty one is `$`.
    variables: Vec<String>,
    depth: usize,
    /// How many `range` blocks are open, which `break` and `continue` need.
    ranges: usize,
}

/// What ended a block.
enum Ending {
    File,
    Closed,
    /// `else`, with what follows it.
    Else(Vec<Token>),
}

impl Parser<'_> {
    fn block(&mut self) -> Result<(Vec<Node>, Ending), TemplateError> {
        let mut nodes = Vec::new();
        loop {
            match self.pieces.next() {
                None => return Ok((nodes, Ending::File)),
                Some(Piece::Text("")) => {}
                Some(Piece::Text(text)) => nodes.push(Node::Text(text.to_owned())),
                Some(Piece::Action(tokens)) => {
                    let mut tokens = Tokens::new(tokens);
                    let keyword = match tokens.peek() {
                        Some(Token::Name(name)) => name.clone(),
                        _ => String::new(),
                    };
                    match keyword.as_str() {
                        "end" => return tokens.only_keyword().map(|()| (nodes, Ending::Closed)),
                        "else" => {
                            tokens.take();
                            return Ok((nodes, Ending::Else(tokens.rest())));
                        }
                        _ => nodes.extend(self.action(&keyword, tokens)?),
                    }
                }
            }
        }
    }

    fn action(&mut self, keyword: &str, mut tokens: Tokens) -> Result<Option<Node>, TemplateError> {
        Ok(Some(match keyword {
            "if" | "with" | "range" => {
                tokens.take();
                self.conditional(keyword, tokens)?
            }
            "define" => {
                tokens.take();
                let name = tokens.string()?;
                tokens.finish()?;
                self.define(name)?;
                return Ok(None);
            }
            "block" => {
                tokens.take();
                let name = tokens.string()?;
                let dot = Some(self.pipeline(&mut tokens, 0)?);
                tokens.finish()?;
                self.define(name.clone())?;
                Node::Template { name, dot }
            }
            "template" => {
                tokens.take();
                let name = tokens.string()?;
                let dot = if tokens.is_empty() { None } else { Some(self.pipeline(&mut tokens, 0)?) };
                tokens.finish()?;
                Node::Template { name, dot }
            }
            "break" | "continue" if self.ranges > 0 => {
                tokens.only_keyword()?;
                if keyword == "break" { Node::Break } else { Node::Continue }
            }
            _ => {
                let pipeline = self.pipeline(&mut tokens, 1)?;
                tokens.finish()?;
                Node::Print(pipeline)
            }
        }))
    }

    /// `if`, `with` and `range`, up to their `end`.
    fn conditional(&mut self, keyword: &str, mut tokens: Tokens) -> Result<Node, TemplateError> {
        self.deeper()?;
        let known = self.variables.len();
        let is_range = keyword == "range";
        let pipeline = self.pipeline(&mut tokens, if is_range { 2 } else { 1 })?;
        tokens.finish()?;
        self.ranges += usize::from(is_range);
        let (then, end) = self.block()?;
        self.ranges -= usize::from(is_range);
        let otherwise = match end {
            Ending::File => return Err(TemplateError::new(format!("{keyword} has no end"))),
            Ending::Closed => Vec::new(),
            Ending::Else(rest) if rest.iter().all(|token| *token == Token::Space) => match self.block()? {
                (nodes, Ending::Closed) => nodes,
                _ => return Err(TemplateError::new(format!("the else of {keyword} has no end"))),
            },
            // `else if` and `else with` share the end with what they belong to.
            Ending::Else(rest) => {
                let mut tokens = Tokens::new(rest);
                match tokens.take() {
                    Some(Token::Name(next)) if next == keyword && !is_range => vec![self.conditional(keyword, tokens)?],
                    _ => {
                        return Err(TemplateError::new(format!("the else of {keyword} is followed by something else")));
                    }
                }
            }
        };
        self.variables.truncate(known);
        self.depth -= 1;
        Ok(match keyword {
            "if" => Node::If { condition: pipeline, then, otherwise },
            "with" => Node::With { value: pipeline, then, otherwise },
            _ => Node::Range { over: pipeline, body: then, otherwise },
        })
    }

    /// The body of a `define` or `block`, in which only `$` is known.
    fn define(&mut self, name: String) -> Result<(), TemplateError> {
        self.deeper()?;
        let outer = std::mem::replace(&mut self.variables, vec![String::new()]);
        let ranges = std::mem::take(&mut self.ranges);
        let (nodes, end) = self.block()?;
        if !matches!(end, Ending::Closed) {
            return Err(TemplateError::new(format!("the definition of {name} has no end")));
        }
        (self.variables, self.ranges) = (outer, ranges);
        self.depth -= 1;
        self.defined.push((name, nodes));
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), TemplateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(TemplateError::new("it is nested too deeply")) } else { Ok(()) }
    }

    /// A pipeline that may set up to `settable` variables. Ends before a closing parenthesis.
    fn pipeline(&mut self, tokens: &mut Tokens, settable: usize) -> Result<Pipeline, TemplateError> {
        let (variables, is_declaration) = tokens.assignment(settable)?.unwrap_or_default();
        let mut commands = Vec::new();
        loop {
            let command = self.command(tokens)?;
            if !commands.is_empty() && !matches!(command.0[0], Expression::Function(_)) {
                return Err(TemplateError::new("only functions may follow a | sign"));
            }
            commands.push(command);
            if tokens.peek() != Some(&Token::Pipe) {
                break;
            }
            tokens.take();
        }
        for name in &variables {
            if is_declaration {
                self.variables.push(name.clone());
            } else if !self.variables.contains(name) {
                return Err(TemplateError::new(format!("the variable ${name} is not declared")));
            }
        }
        Ok(Pipeline { variables, is_declaration, commands })
    }

    fn command(&mut self, tokens: &mut Tokens) -> Result<Command, TemplateError> {
        let mut operands = Vec::new();
        while !matches!(tokens.peek(), None | Some(Token::Pipe | Token::Close)) {
            operands.push(self.operand(tokens)?);
        }
        match operands.first() {
            None => Err(TemplateError::new("a value is missing")),
            Some(Expression::Function(_)) => Ok(Command(operands)),
            Some(_) if operands.len() == 1 => Ok(Command(operands)),
            Some(_) => Err(TemplateError::new("only functions take arguments")),
        }
    }

    fn operand(&mut self, tokens: &mut Tokens) -> Result<Expression, TemplateError> {
        let token = tokens.take().ok_or_else(|| TemplateError::new("a value is missing"))?;
        Ok(match token {
            Token::Dot => Expression::Dot(Vec::new()),
            Token::Field(name) => Expression::Dot(tokens.fields(vec![name])),
            Token::Variable(name) => {
                if !self.variables.contains(&name) {
                    return Err(TemplateError::new(format!("the variable ${name} is not declared")));
                }
                Expression::Variable(name, tokens.fields(Vec::new()))
            }
            Token::Text(text) => Expression::Constant(text.into()),
            Token::Integer(number) => Expression::Constant(number.into()),
            Token::Float(number) => Expression::Constant(number.into()),
            Token::Name(name) => match name.as_str() {
                "true" => Expression::Constant(true.into()),
                "false" => Expression::Constant(false.into()),
                "nil" => Expression::Constant(Value::Null),
                _ if functions::exists(&name) => Expression::Function(name),
                _ => return Err(TemplateError::new(format!("the function {name} is not supported"))),
            },
            Token::Open => {
                self.deeper()?;
                let inner = self.pipeline(tokens, 0)?;
                if tokens.take() != Some(Token::Close) {
                    return Err(TemplateError::new("a parenthesis is not closed"));
                }
                self.depth -= 1;
                Expression::Nested(Box::new(inner), tokens.fields(Vec::new()))
            }
            token => return Err(TemplateError::new(format!("{token:?} is out of place"))),
        })
    }
}

/// The tokens of an action, from its first to its last.
struct Tokens {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Tokens {
    fn new(tokens: Vec<Token>) -> Self {
        Self { tokens: tokens.into_iter().peekable() }
    }

    fn skip_spaces(&mut self) {
        while self.tokens.next_if(|token| *token == Token::Space).is_some() {}
    }

    fn peek(&mut self) -> Option<&Token> {
        self.skip_spaces();
        self.tokens.peek()
    }

    fn take(&mut self) -> Option<Token> {
        self.skip_spaces();
        self.tokens.next()
    }

    fn is_empty(&mut self) -> bool {
        self.peek().is_none()
    }

    fn rest(self) -> Vec<Token> {
        self.tokens.collect()
    }

    fn finish(mut self) -> Result<(), TemplateError> {
        match self.take() {
            None => Ok(()),
            Some(token) => Err(TemplateError::new(format!("{token:?} is out of place"))),
        }
    }

    fn only_keyword(mut self) -> Result<(), TemplateError> {
        self.take();
        self.finish()
    }

    fn string(&mut self) -> Result<String, TemplateError> {
        match self.take() {
            Some(Token::Text(text)) => Ok(text),
            _ => Err(TemplateError::new("the name of a template is missing")),
        }
    }

    /// The fields that follow without white space between them.
    fn fields(&mut self, mut path: Vec<String>) -> Vec<String> {
        while let Some(Token::Field(name)) = self.tokens.next_if(|token| matches!(token, Token::Field(_))) {
            path.push(name);
        }
        path
    }

    /// `$a :=`, `$a, $b :=` or `$a =`, and whether it declares; `None` when there is none here.
    fn assignment(&mut self, settable: usize) -> Result<Option<(Vec<String>, bool)>, TemplateError> {
        let mut ahead = self.tokens.clone().filter(|token| *token != Token::Space);
        let (mut names, mut length) = (Vec::new(), 0);
        let is_declaration = loop {
            let Some(Token::Variable(name)) = ahead.next() else { return Ok(None) };
            names.push(name);
            length += 2;
            match ahead.next() {
                Some(Token::Comma) => {}
                Some(Token::Declare) => break true,
                Some(Token::Assign) => break false,
                _ => return Ok(None),
            }
        };
        if names.len() > settable || names.iter().any(String::is_empty) {
            return Err(TemplateError::new("this cannot be assigned here"));
        }
        for _ in 0..length {
            self.take();
        }
        Ok(Some((names, is_declaration)))
    }
}
