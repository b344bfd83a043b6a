//! One source of the configuration, read into values that remember where they were written.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

use super::{
    error::{ConfigError, Origin},
    hints,
    schema::{Kind, Mismatch, Problem, Schema},
};

/// The values of one source.
#[derive(Debug)]
pub(super) struct Source {
    /// As a tree.
    pub(super) values: Table,
    /// Where each was written: sections, keys and positions in lists.
    origins: BTreeMap<Vec<String>, Origin>,
}

/// A value that is not in a file: whence, key, and the value as text.
pub(super) struct Assignment<'a> {
    pub(super) origin: Origin,
    pub(super) key: Vec<String>,
    pub(super) value: &'a str,
}

impl Source {
    /// The defaults.
    pub(super) fn defaults(values: Table) -> Self {
        Self { values, origins: BTreeMap::new() }
    }

    /// A built-in preset.
    pub(super) fn preset(schema: &Schema, name: &str, text: &str) -> Result<Self, ConfigError> {
        Self::parse(schema, text, &|_| Origin::Preset(name.to_owned()))
    }

    /// The operator's file. It is read as named: no other directory is searched.
    pub(super) fn file(schema: &Schema, path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
            what: format!("cannot read the configuration file: {error}"),
            place: path.display().to_string(),
            hint: "name an existing file in UTF-8, or leave --config and COFFERDAM_CONFIG out".to_owned(),
        })?;
        Self::parse(schema, &text, &|line| Origin::File(path.to_owned(), line))
    }

    /// Values given one by one.
    pub(super) fn assigned(schema: &Schema, assignments: &[Assignment<'_>]) -> Result<Self, ConfigError> {
        let mut source = Self { values: Table::new(), origins: BTreeMap::new() };
        for assignment in assignments {
            let value = typed(schema, assignment)?;
            insert(&mut source.values, &assignment.key, value);
            source.origins.insert(assignment.key.clone(), assignment.origin.clone());
        }
        Ok(source)
    }

    /// Where the value at `path` was written, if it was in this source.
    pub(super) fn origin(&self, path: &[String]) -> Option<&Origin> {
        self.origins.get(path)
    }

    fn parse(schema: &Schema, text: &str, origin: &dyn Fn(usize) -> Origin) -> Result<Self, ConfigError> {
        let document = DeTable::parse(text).map_err(|error| syntax_error(text, &error, origin))?;
        let mut source = Self { values: Table::new(), origins: BTreeMap::new() };
        let mut lines = Lines { text, origin, origins: &mut source.origins };
        source.values = lines.section(document.into_inner(), &mut Vec::new());
        source.first_mismatch(schema).map_or(Ok(source), Err)
    }

    /// The first mismatch in the order of the file.
    fn first_mismatch(&self, schema: &Schema) -> Option<ConfigError> {
        let line = |mismatch: &Mismatch| match self.origin(&mismatch.path) {
            Some(Origin::File(_, line)) => *line,
            _ => 0,
        };
        let mismatch = schema.mismatches(&self.values).into_iter().min_by_key(line)?;
        let origin = self.origin(&mismatch.path).unwrap_or(&Origin::Default);
        Some(match mismatch.problem {
            Problem::UnknownKey => unknown_key(schema, origin, &mismatch.path),
            Problem::Expected(kind) => wrong_kind(origin, &mismatch.path.join("."), kind),
        })
    }
}

/// For a key that does not exist.
pub(super) fn unknown_key(schema: &Schema, origin: &Origin, path: &[String]) -> ConfigError {
    let name = path.last().map_or("", String::as_str);
    ConfigError::at(origin, &path.join("."), format!("unknown key \"{name}\""), hints::for_key(schema, path))
}

fn wrong_kind(origin: &Origin, key: &str, kind: Kind) -> ConfigError {
    let hint = "config/cofferdam.toml shows every key with its default".to_owned();
    ConfigError::at(origin, key, format!("expected {}", kind.description()), hint)
}

/// The message of the parser names no value; its excerpt of the line would.
fn syntax_error(text: &str, error: &toml::de::Error, origin: &dyn Fn(usize) -> Origin) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    ConfigError {
        what: format!("not TOML: {}", error.message().lines().next().unwrap_or("cannot be read")),
        place: format!("{}, column {}", origin(line_of(text, at)), column_of(text, at)),
        hint: "text stands in double quotes, sections in [brackets], one key to a line".to_owned(),
    }
}

/// Turns a parsed document into plain values and writes down the line of each.
struct Lines<'a> {
    text: &'a str,
    origin: &'a dyn Fn(usize) -> Origin,
    origins: &'a mut BTreeMap<Vec<String>, Origin>,
}

impl Lines<'_> {
    fn section(&mut self, section: DeTable<'_>, path: &mut Vec<String>) -> Table {
        let mut values = Table::new();
        for (name, value) in section {
            path.push(name.get_ref().to_string());
            self.note(name.span(), path);
            let value = self.value(value, path);
            values.insert(name.into_inner().into_owned(), value);
            path.pop();
        }
        values
    }

    fn value(&mut self, value: Spanned<DeValue<'_>>, path: &mut Vec<String>) -> Value {
        match value.into_inner() {
            DeValue::Table(section) => Value::Table(self.section(section, path)),
            DeValue::Array(list) => {
                let mut values = Vec::new();
                for (position, value) in list.into_iter().enumerate() {
                    path.push(position.to_string());
                    self.note(value.span(), path);
                    values.push(self.value(value, path));
                    path.pop();
                }
                Value::Array(values)
            }
            DeValue::String(text) => Value::String(text.into_owned()),
            DeValue::Boolean(switch) => Value::Boolean(switch),
            DeValue::Integer(number) => integer(number.as_str(), number.radix()),
            DeValue::Float(_) => Value::Float(0.0),
            DeValue::Datetime(time) => Value::Datetime(time),
        }
    }

    fn note(&mut self, span: Range<usize>, path: &[String]) {
        self.origins.insert(path.to_vec(), (self.origin)(line_of(self.text, span.start)));
    }
}

/// No key is a float: an integer beyond 64 bits becomes one and fails the comparison of types, as floats do.
fn integer(digits: &str, radix: u32) -> Value {
    i64::from_str_radix(digits, radix).map_or(Value::Float(0.0), Value::Integer)
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn column_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).rev().take_while(|byte| *byte != b'\n').count() + 1
}

/// Reads the text by the type of its key. Types are never guessed from the text: a key that holds text keeps
/// `0123`, `true` and quotes as they are.
fn typed(schema: &Schema, assignment: &Assignment<'_>) -> Result<Value, ConfigError> {
    let Assignment { origin, key, value } = assignment;
    let kind = schema.kind(key).ok_or_else(|| unknown_key(schema, origin, key))?;
    let read = match kind {
        Kind::Text => Some(Value::String((*value).to_owned())),
        Kind::Number => value.parse().ok().map(Value::Integer),
        Kind::Switch => value.parse().ok().map(Value::Boolean),
        Kind::List => list(value),
        Kind::Section | Kind::ListOfSections => return Err(not_a_single_value(schema, origin, key, kind)),
    };
    read.ok_or_else(|| wrong_kind(origin, &key.join("."), kind))
}

/// `["a", "b"]` as in the file, or `a, b`.
fn list(text: &str) -> Option<Value> {
    if text.trim_start().starts_with('[') {
        let parsed: Vec<String> = DeValue::parse(text).ok().and_then(|value| texts(value.into_inner()))?;
        return Some(Value::Array(parsed.into_iter().map(Value::String).collect()));
    }
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    Some(Value::Array(entries.map(|entry| Value::String(entry.to_owned())).collect()))
}

fn texts(value: DeValue<'_>) -> Option<Vec<String>> {
    let DeValue::Array(list) = value else { return None };
    list.into_iter()
        .map(|entry| match entry.into_inner() {
            DeValue::String(text) => Some(text.into_owned()),
            _ => None,
        })
        .collect()
}

fn not_a_single_value(schema: &Schema, origin: &Origin, key: &[String], kind: Kind) -> ConfigError {
    let hint = match kind {
        Kind::ListOfSections => "write it into the configuration file".to_owned(),
        _ => format!("set one of its keys: {}", schema.names(key).join(", ")),
    };
    ConfigError::at(origin, &key.join("."), format!("{} cannot be set by one value", kind.description()), hint)
}

fn insert(values: &mut Table, key: &[String], value: Value) {
    let [sections @ .., name] = key else { return };
    let mut section = values;
    for name in sections {
        let entry = section.entry(name).or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(inner) = entry else { return };
        section = inner;
    }
    section.insert(name.clone(), value);
}

/// The directory that relative paths of a value are looked up in: that of the file that holds it, or the working
/// directory.
pub(super) fn base_directory(origin: &Origin) -> PathBuf {
    match origin {
        Origin::File(path, _) => path.parent().map(Path::to_owned).unwrap_or_default(),
        _ => PathBuf::new(),
    }
}
