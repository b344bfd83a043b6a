//! Puts the sources of the configuration together: defaults < presets < file < environment < flags.
//!
//! The only module that names figment. figment merges and reads; what its own sources get wrong is done in
//! `source`: files are read as named (a missing one is an error, no parent directory is searched), variables are
//! read by the type of their key, and errors know lines and print no value.

use std::path::PathBuf;

use figment::{Figment, error::Kind as FigmentKind, providers::Serialized};
use toml::{Table, Value};

use super::{
    Config,
    environment::Environment,
    error::{ConfigError, Origin},
    hints, presets,
    schema::{Kind, Schema},
    source::{Assignment, Source, base_directory},
};

/// Where the configuration is to be found.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Names of built-in presets; later ones win.
    pub presets: Vec<String>,
    /// The operator's file.
    pub file: Option<PathBuf>,
    /// All variables of the environment.
    pub environment: Environment,
    /// Flags; later ones win.
    pub flags: Vec<Flag>,
}

/// A value set by a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The flag with its dashes, e.g. `--listen`.
    pub name: String,
    /// The key it sets, e.g. `server.listen`.
    pub key: String,
    /// The value as text.
    pub value: String,
}

/// A configuration, and where its values come from.
#[derive(Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The variables of the environment, for references to secrets.
    pub(super) environment: Environment,
    /// In rising order; the first is the defaults.
    sources: Vec<Source>,
}

/// One value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key, with dots; positions in lists as numbers.
    pub key: Vec<String>,
    /// The value as TOML; a secret is not shown.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// The sections that a route takes over and may change.
const ROUTE_SECTIONS: [&str; 6] = ["inspect", "headers", "cookies", "cors", "guard", "shield"];

/// Reads and merges all sources.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let schema = Schema::new();
    let sources_read = read(&schema, sources)?;
    let merged = inherit(merge(sources_read.iter().map(|source| &source.values))?)?;
    let unread = |error: &figment::Error| explain(&schema, &sources_read, error);
    let config = Figment::from(Serialized::defaults(merged)).extract().map_err(|error| unread(&error))?;
    Ok(Loaded { config, environment: sources.environment.clone(), sources: sources_read })
}

impl Loaded {
    /// Every value in force, in the order of the keys. Of routes and cookie rules, what they set themselves.
    pub fn effective(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        if let Ok(Value::Table(values)) = Value::try_from(&self.config) {
            self.collect(&values, &mut Vec::new(), &mut settings);
        }
        settings
    }

    /// Where the value of `key` comes from.
    pub fn origin(&self, key: &[String]) -> Origin {
        origin(&self.sources, key)
    }

    /// The directory that a relative path at `key` is meant to start from.
    pub(super) fn base_directory(&self, key: &str) -> PathBuf {
        base_directory(&self.origin(&path(key)))
    }

    fn collect(&self, section: &Table, path: &mut Vec<String>, settings: &mut Vec<Setting>) {
        for (name, value) in section {
            path.push(name.clone());
            self.collect_value(value, path, settings);
            path.pop();
        }
    }

    fn collect_value(&self, value: &Value, path: &mut Vec<String>, settings: &mut Vec<Setting>) {
        match value {
            Value::Table(section) => self.collect(section, path, settings),
            Value::Array(list) if list.first().is_some_and(Value::is_table) => {
                for (position, entry) in list.iter().enumerate() {
                    path.push(position.to_string());
                    self.collect_value(entry, path, settings);
                    path.pop();
                }
            }
            _ => {
                let origin = self.origin(path);
                let inherited = path.first().is_some_and(|name| name == "route") && origin == Origin::Default;
                if !inherited {
                    settings.push(Setting { key: path.clone(), value: value.to_string(), origin });
                }
            }
        }
    }
}

fn read(schema: &Schema, sources: &Sources) -> Result<Vec<Source>, ConfigError> {
    let defaults = Table::try_from(Config::default()).unwrap_or_default();
    let mut read = vec![Source::defaults(defaults)];
    for name in &sources.presets {
        read.push(Source::preset(schema, name, presets::find(name)?)?);
    }
    if let Some(file) = &sources.file {
        read.push(Source::file(schema, file)?);
    }
    read.push(Source::assigned(schema, &sources.environment.assignments(schema)?)?);
    read.push(flags(schema, &sources.flags)?);
    Ok(read)
}

fn flags(schema: &Schema, flags: &[Flag]) -> Result<Source, ConfigError> {
    let assignments: Vec<_> = flags
        .iter()
        .map(|flag| Assignment { origin: Origin::Flag(flag.name.clone()), key: path(&flag.key), value: &flag.value })
        .collect();
    Source::assigned(schema, &assignments)
}

/// Sections are merged key by key; lists are replaced whole.
fn merge<'a>(tables: impl IntoIterator<Item = &'a Table>) -> Result<Table, ConfigError> {
    tables
        .into_iter()
        .fold(Figment::new(), |figment, table| figment.merge(Serialized::defaults(table)))
        .extract()
        .map_err(|_| unmergeable())
}

/// Fills in what the routes leave out.
fn inherit(mut merged: Table) -> Result<Table, ConfigError> {
    let mut routes = match merged.remove("route") {
        Some(Value::Array(routes)) => routes,
        _ => Vec::new(),
    };
    for route in routes.iter_mut().filter_map(Value::as_table_mut) {
        for name in ROUTE_SECTIONS {
            let own = route.get(name).and_then(Value::as_table);
            let general = merged.get(name).and_then(Value::as_table);
            let section = merge(general.into_iter().chain(own))?;
            route.insert(name.to_owned(), Value::Table(section));
        }
    }
    merged.insert("route".to_owned(), Value::Array(routes));
    Ok(merged)
}

/// Cannot happen with sources that were compared with the schema.
fn unmergeable() -> ConfigError {
    ConfigError {
        what: "the sources of the configuration contradict each other".to_owned(),
        place: "configuration".to_owned(),
        hint: "leave sources out one by one to find the one that does not fit".to_owned(),
    }
}

/// The value at `path` as the last source that has it wrote it. An entry of a list belongs to the source of the
/// whole list.
fn origin(sources: &[Source], path: &[String]) -> Origin {
    sources
        .iter()
        .rev()
        .find_map(|source| source.origin(path))
        .or_else(|| sources.iter().rev().find_map(|source| source.origin(list_of(path)?)))
        .cloned()
        .unwrap_or(Origin::Default)
}

/// The list that holds the entry at `path`.
fn list_of(path: &[String]) -> Option<&[String]> {
    let (last, list) = path.split_last()?;
    last.parse::<usize>().is_ok().then_some(list)
}

fn explain(schema: &Schema, sources: &[Source], error: &figment::Error) -> ConfigError {
    let what = match &error.kind {
        FigmentKind::Message(message) => message.clone(),
        FigmentKind::UnknownVariant(_, known) => format!("expected one of {}", known.join(", ")),
        FigmentKind::MissingField(name) => format!("\"{name}\" is missing"),
        _ => format!("expected {}", schema.kind(&error.path).map_or("another value", Kind::description)),
    };
    let hint = match &error.kind {
        FigmentKind::UnknownVariant(found, known) => hints::nearest(found, known),
        _ => None,
    };
    let hint = match hint {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "config/cofferdam.toml shows every key with its default".to_owned(),
    };
    ConfigError::at(&origin(sources, &error.path), &error.path.join("."), what, hint)
}

fn path(key: &str) -> Vec<String> {
    key.split('.').map(str::to_owned).collect()
}
