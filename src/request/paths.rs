//! Debug endpoints and exposed files.

use std::sync::Arc;

use crate::incident::Mode;

/// Which debug endpoints and files are refused.
#[derive(Clone, Debug)]
pub struct EndpointPolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The rows in force.
    pub table: Arc<EndpointTable>,
}

/// How a row's pattern is compared with a path in canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatternKind {
    /// The whole path.
    Path,
    /// The path or anything below it.
    Prefix,
    /// Any one segment of the path.
    Segment,
    /// The whole path, in which `*` stands for any run of characters within a segment.
    Glob,
    /// The end of the last segment.
    Suffix,
    /// The name of a query parameter.
    Query,
}

/// One row of `config/guard/endpoints.toml`, as written.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointRow {
    /// The row's name in logs and settings.
    pub id: Box<str>,
    /// How the patterns are compared.
    pub kind: PatternKind,
    /// The patterns, lower case.
    pub patterns: Vec<Box<str>>,
    /// What the operator should do about it.
    pub advice: Box<str>,
    /// Whether the row is in force unless the configuration says otherwise.
    #[serde(default = "on")]
    pub on: bool,
}

fn on() -> bool {
    true
}

/// Rows in force, compiled.
#[derive(Clone, Debug, Default)]
pub struct EndpointTable {}

impl Default for EndpointPolicy {
    fn default() -> Self {
        Self { mode: Mode::Enforce, table: Arc::default() }
    }
}
