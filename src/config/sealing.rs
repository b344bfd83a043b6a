//! `[cookies.seal]`: cookies that leave encrypted.

use serde::{Deserialize, Serialize};

use super::{ByteSize, SecretRef, moment::Moment, units};
use crate::incident::Mode;

/// Cookies that leave encrypted and authenticated. Every key can be set for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seal {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The cookies, by name or pattern; none seals nothing.
    pub names: Vec<String>,
    /// Cookies that stay readable although `names` covers them, beside those of `cookies.script_readable`.
    pub except: Vec<String>,
    /// Where the keys are. Needed where anything is sealed.
    #[serde(with = "units::empty_is_none")]
    pub keys: Option<SecretRef>,
    /// Bound into every value.
    pub audience: String,
    /// Until when values that are not sealed reach the application; empty for never.
    #[serde(with = "units::empty_is_none")]
    pub accept_unsealed_until: Option<Moment>,
    /// The largest name and sealed value, its prefix included; larger cookies are dropped.
    pub max_size: ByteSize,
}

impl Default for Seal {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            names: Vec::new(),
            except: Vec::new(),
            keys: None,
            audience: String::new(),
            accept_unsealed_until: None,
            max_size: ByteSize::kib(4),
        }
    }
}
