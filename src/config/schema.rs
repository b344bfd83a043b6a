//! The keys there are and the type of each, read off a [`Config`] in which every list has an entry: no second
//! list of keys has to be kept.

use std::path::PathBuf;

use toml::{Table, Value};

use super::{Certificate, Config, CookieRule, Cookies, Guard, Headers, Patch, Route, Server};

/// Stands in the schema for "any name" (the names of `[headers.set]`).
const ANY: &str = "*";

/// All keys.
#[derive(Debug)]
pub(super) struct Schema(Value);

/// What may stand at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Switch,
    List,
    Section,
    ListOfSections,
}

/// A problem of a tree of values, at a path below its root.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) path: Vec<String>,
    pub(super) problem: Problem,
}

#[derive(Debug)]
pub(super) enum Problem {
    UnknownKey,
    Expected(Kind),
}

impl Kind {
    fn of(value: &Value) -> Self {
        match value {
            Value::Integer(_) => Self::Number,
            Value::Boolean(_) => Self::Switch,
            Value::Table(_) => Self::Section,
            Value::Array(list) if list.first().is_some_and(Value::is_table) => Self::ListOfSections,
            Value::Array(_) => Self::List,
            Value::String(_) | Value::Float(_) | Value::Datetime(_) => Self::Text,
        }
    }

    /// For "expected …".
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Text => "text in quotes",
            Self::Number => "a whole number, 0 or more",
            Self::Switch => "true or false",
            Self::List => "a list of texts",
            Self::Section => "a section of keys",
            Self::ListOfSections => "a list of sections",
        }
    }
}

impl Schema {
    /// The keys of [`Config`].
    pub(super) fn new() -> Self {
        Self(Value::try_from(every_key()).unwrap_or(Value::Table(Table::new())))
    }

    /// What may stand at `path`. Positions in lists are written as numbers.
    pub(super) fn kind(&self, path: &[impl AsRef<str>]) -> Option<Kind> {
        self.at(path).map(Kind::of)
    }

    /// The names that may stand in the section at `path`; none where any name may.
    pub(super) fn names(&self, path: &[impl AsRef<str>]) -> Vec<&str> {
        match self.at(path) {
            Some(Value::Table(section)) => section.keys().map(String::as_str).filter(|name| *name != ANY).collect(),
            _ => Vec::new(),
        }
    }

    /// Every key, written with dots, without positions in lists.
    pub(super) fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        collect_keys(&self.0, &mut String::new(), &mut keys);
        keys
    }

    /// The name in the section at `path` that the environment spells `segment`.
    pub(super) fn name_of_variable(&self, path: &[String], segment: &str) -> Option<String> {
        let lower = segment.to_ascii_lowercase();
        match self.at(path)? {
            Value::Table(section) if section.contains_key(ANY) => Some(lower.replace('_', "-")),
            Value::Table(section) => section.keys().find(|name| name.replace('-', "_") == lower).cloned(),
            _ => None,
        }
    }

    /// Everything in `values` that is not a known key or not of the type of its key.
    pub(super) fn mismatches(&self, values: &Table) -> Vec<Mismatch> {
        let mut found = Vec::new();
        if let Value::Table(section) = &self.0 {
            compare_sections(section, values, &mut Vec::new(), &mut found);
        }
        found
    }

    fn at(&self, path: &[impl AsRef<str>]) -> Option<&Value> {
        path.iter().try_fold(&self.0, |value, name| match value {
            Value::Table(section) => section.get(name.as_ref()).or_else(|| section.get(ANY)),
            Value::Array(list) => list.first(),
            _ => None,
        })
    }
}

fn compare_sections(schema: &Table, values: &Table, path: &mut Vec<String>, found: &mut Vec<Mismatch>) {
    for (name, value) in values {
        path.push(name.clone());
        match schema.get(name).or_else(|| schema.get(ANY)) {
            Some(expected) => compare(expected, value, path, found),
            None => found.push(Mismatch { path: path.clone(), problem: Problem::UnknownKey }),
        }
        path.pop();
    }
}

fn compare(expected: &Value, value: &Value, path: &mut Vec<String>, found: &mut Vec<Mismatch>) {
    match (expected, value) {
        (Value::Table(expected), Value::Table(value)) => compare_sections(expected, value, path, found),
        (Value::Array(expected), Value::Array(value)) => {
            let text = Value::String(String::new());
            let expected = expected.first().unwrap_or(&text);
            for (position, value) in value.iter().enumerate() {
                path.push(position.to_string());
                compare(expected, value, path, found);
                path.pop();
            }
        }
        (expected, value) if expected.type_str() == value.type_str() => {}
        (expected, _) => {
            found.push(Mismatch { path: path.clone(), problem: Problem::Expected(Kind::of(expected)) });
        }
    }
}

fn collect_keys(value: &Value, path: &mut String, keys: &mut Vec<String>) {
    match value {
        Value::Table(section) if !section.contains_key(ANY) => {
            for (name, value) in section {
                let length = path.len();
                if length > 0 {
                    path.push('.');
                }
                path.push_str(name);
                collect_keys(value, path, keys);
                path.truncate(length);
            }
        }
        Value::Array(list) if list.first().is_some_and(Value::is_table) => collect_keys(&list[0], path, keys),
        _ => keys.push(path.clone()),
    }
}

fn every_key() -> Config {
    let mut headers = Headers { set: [(ANY.to_owned(), String::new())].into(), ..Headers::default() };
    headers.csp.directives = [(ANY.to_owned(), Vec::new())].into();
    let cookies = Cookies { rule: vec![every_key_of_a_cookie_rule()], ..Cookies::default() };
    let patch = Patch { query: [(ANY.to_owned(), String::new())].into(), ..Patch::default() };
    let guard = Guard { patch: vec![patch], ..Guard::default() };
    let route = Route { headers: headers.clone(), cookies: cookies.clone(), guard: guard.clone(), ..Route::default() };
    let mut server = Server::default();
    server.tls.certificates = vec![Certificate { cert: PathBuf::new(), key: PathBuf::new() }];
    Config { server, headers, cookies, guard, route: vec![route], ..Config::default() }
}

fn every_key_of_a_cookie_rule() -> CookieRule {
    CookieRule {
        name: String::new(),
        secure: Some(Default::default()),
        http_only: Some(Default::default()),
        same_site: Some(Cookies::default().same_site),
        partitioned: Some(false),
        max_lifetime: Some(Default::default()),
        prefix: Some(crate::cookies::Prefix::Host),
        domain: Some(String::new()),
        path: Some(String::new()),
        remove: Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_kind() {
        let schema = Schema::new();
        let kind = |key: &str| schema.kind(&key.split('.').collect::<Vec<_>>());
        assert_eq!(kind("server.workers"), Some(Kind::Number));
        assert_eq!(kind("server.behind_tls"), Some(Kind::Switch));
        assert_eq!(kind("upstream.url"), Some(Kind::Text));
        assert_eq!(kind("headers.set.x-anything"), Some(Kind::Text));
        assert_eq!(kind("route"), Some(Kind::ListOfSections));
        assert_eq!(kind("route.3.cookies.rule.1.prefix"), Some(Kind::Text));
        assert_eq!(kind("guard.limits"), Some(Kind::Section));
        assert_eq!(kind("server.port"), None);
    }

    #[test]
    fn a_variable_spells_dashes_as_underscores() {
        let schema = Schema::new();
        let name = |section: &[&str], segment| {
            schema.name_of_variable(&section.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), segment)
        };
        assert_eq!(name(&["rules", "categories"], "PERSONAL_DATA").as_deref(), Some("personal-data"));
        assert_eq!(name(&["server"], "BEHIND_TLS").as_deref(), Some("behind_tls"));
        assert_eq!(name(&["headers", "set"], "X_ROBOTS_TAG").as_deref(), Some("x-robots-tag"));
        assert_eq!(name(&["server"], "BEHIND-TLS"), None);
    }
}
