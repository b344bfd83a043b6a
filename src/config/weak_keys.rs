//! `[cookies.weak_keys]`: signatures that anyone can make.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Duration;
use crate::incident::Mode;

/// The test of signed cookies and tokens against known keys. Every key can be set for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeakKeys {
    /// Off or observe: there is nothing to enforce.
    pub mode: Mode,
    /// Files of keys to test beside the built-in ones.
    pub key_files: Vec<PathBuf>,
    /// Tokens (JWT) that are good for longer are reported, in whole days; 0 reports none for that.
    pub token_lifetime: Duration,
}

impl Default for WeakKeys {
    fn default() -> Self {
        Self { mode: Mode::Observe, key_files: Vec::new(), token_lifetime: Duration::seconds(7 * 86_400) }
    }
}
