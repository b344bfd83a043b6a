//! What is wrong with a configuration: what, where, and what to do about it.

use std::{fmt, path::PathBuf};

/// One thing that is wrong. Names keys and places and never a value, so that it can be printed anywhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} ({place})")]
pub struct ConfigError {
    /// One line, lower case, without a full stop.
    pub what: String,
    /// Where the operator wrote it, e.g. `cofferdam.toml:3: inspect.hold`.
    pub place: String,
    /// What to do.
    pub hint: String,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A built-in preset.
    Preset(String),
    /// A line of the configuration file, counted from 1.
    File(PathBuf, usize),
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command line, with its dashes.
    Flag(String),
}

impl ConfigError {
    /// Something wrong with the value of `key`.
    pub(super) fn at(origin: &Origin, key: &str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), place: format!("{origin}: {key}"), hint: hint.into() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Preset(name) => write!(f, "preset {name}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "env {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}
