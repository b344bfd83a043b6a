//! Rows of debug endpoints and exposed files: read from TOML, the built-in ones from `config/guard/endpoints.toml`.

use serde::{Deserialize, Serialize};

/// How a row's patterns are compared with a path in canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatternKind {
    /// The whole path. `*` stands for any run of characters within a segment.
    Path,
    /// The path or anything below it.
    Prefix,
    /// Any one segment of the path. `*` stands for any run of characters.
    Segment,
    /// The end of the last segment, something before it.
    Suffix,
    /// The name of a query parameter.
    Query,
    /// No pattern: a NUL in the path.
    Nul,
}

/// One row, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRow {
    /// The row's name in logs and settings.
    pub id: Box<str>,
    /// How the patterns are compared.
    pub kind: PatternKind,
    /// The patterns, lower case, paths from the root.
    pub patterns: Vec<Box<str>>,
    /// How to see whether the application answers there.
    pub probes: Vec<Probe>,
    /// What the operator should do about it.
    pub advice: Box<str>,
    /// Whether the row is in force unless the configuration says otherwise.
    pub on: bool,
    /// Where it is written: `file:line`.
    pub origin: Box<str>,
}

/// A request that shows whether there is something: `GET`, and what only the endpoint itself would answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Path and query, from the root.
    pub target: Box<str>,
    /// Text of which some stands in the answer, compared with case. Never none.
    pub signs: Vec<Box<str>>,
}

/// Which rows are in force besides or against what they say themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointSelection {
    /// Ids of rows to put in force.
    pub enable: Vec<Box<str>>,
    /// Ids of rows to put out of force; wins.
    pub disable: Vec<Box<str>>,
}

/// What is wrong with rows or with a selection of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not TOML, or not of the shape of rows.
    #[error("{origin}: {message}")]
    Syntax {
        /// `file:line`.
        origin: Box<str>,
        /// What the reader says.
        message: Box<str>,
    },
    /// A pattern that could never match, because paths are compared in canonical form.
    #[error("{origin}: row \"{id}\": the pattern \"{pattern}\" can never match: {reason}")]
    Pattern {
        /// `file:line`.
        origin: Box<str>,
        /// The row.
        id: Box<str>,
        /// The pattern.
        pattern: Box<str>,
        /// Why.
        reason: &'static str,
    },
    /// A selection names a row that does not exist.
    #[error("there is no endpoint row \"{0}\"")]
    UnknownId(Box<str>),
}

/// The rows that come with the program.
///
/// # Errors
/// Never: a test reads them. The result is there so that nothing has to panic.
pub fn embedded_rows() -> Result<Vec<EndpointRow>, EndpointError> {
    parse_rows("config/guard/endpoints.toml", include_str!("../../config/guard/endpoints.toml"))
}

/// Reads rows from TOML text; `file` is its name for error messages.
///
/// # Errors
/// Text that is no TOML or has not the shape of rows, with file and line.
pub fn parse_rows(file: &str, text: &str) -> Result<Vec<EndpointRow>, EndpointError> {
    let origin = |at: usize| -> Box<str> { format!("{file}:{}", line(text, at)).into() };
    let parsed: File = toml::from_str(text).map_err(|error| EndpointError::Syntax {
        origin: origin(error.span().map_or(0, |span| span.start)),
        message: error.message().into(),
    })?;
    let row = |row: Row| EndpointRow {
        origin: origin(row.id.span().start),
        id: row.id.into_inner(),
        kind: row.kind,
        patterns: row.patterns,
        probes: row.probes,
        advice: row.advice,
        on: row.on,
    };
    Ok(parsed.endpoint.into_iter().map(row).collect())
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    endpoint: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: toml::Spanned<Box<str>>,
    kind: PatternKind,
    #[serde(default)]
    patterns: Vec<Box<str>>,
    #[serde(default)]
    probes: Vec<Probe>,
    advice: Box<str>,
    #[serde(default = "on")]
    on: bool,
}

fn on() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::EndpointTable;

    #[test]
    fn the_built_in_rows_are_read_and_their_ids_are_their_own() {
        let rows = embedded_rows().unwrap();
        let mut ids: Vec<_> = rows.iter().map(|row| &row.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), rows.len());
        assert!(rows.iter().all(|row| row.advice.ends_with('.') && row.advice.len() > 20));
    }

    /// So that behind this guard a probe finds nothing, and an audit is no scan.
    #[test]
    fn a_probe_asks_for_what_its_own_row_covers_and_there_are_few() {
        let rows = embedded_rows().unwrap();
        for row in &rows {
            let one = EndpointRow { on: true, ..row.clone() };
            let table = EndpointTable::build(&[one], &EndpointSelection::default()).unwrap();
            for probe in &row.probes {
                let (path, query) =
                    probe.target.split_once('?').map_or((&*probe.target, None), |(path, query)| (path, Some(query)));
                assert!(table.find(path, query).is_some(), "{}: {}", row.id, probe.target);
                assert!(probe.signs.iter().all(|sign| sign.len() >= 4) && !probe.signs.is_empty(), "{}", row.id);
            }
        }
        assert!(rows.iter().map(|row| row.probes.len()).sum::<usize>() <= 32);
    }

    #[test]
    fn a_bad_row_is_named_by_file_and_line() {
        let error = parse_rows("my.toml", "\n[[endpoint]]\nid = \"a\"\nkind = \"what\"\nadvice = \"\"\n").unwrap_err();
        assert!(error.to_string().starts_with("my.toml:4: "), "{error}");
        let rows = parse_rows("my.toml", "\n[[endpoint]]\nid = \"a\"\nkind = \"nul\"\nadvice = \"\"\n").unwrap();
        assert_eq!((&*rows[0].origin, rows[0].on), ("my.toml:3", true));
    }
}
