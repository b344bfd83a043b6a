//! `[guard]`: what is let in.

use serde::{Deserialize, Serialize};

use super::{ByteSize, Rate};
use crate::incident::Mode;

/// The guard on the way in. Every key can be set for a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// Which methods are let in.
    pub methods: Methods,
    /// How large a request may be.
    pub limits: Limits,
    /// Which debug endpoints and files are refused.
    pub endpoints: Endpoints,
    /// How often clients may ask.
    pub rate: Rate,
}

/// Which methods are let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Methods {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The methods; empty lets in all.
    pub allowed: Vec<String>,
}

/// How large a request may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The most header fields.
    pub header_count: usize,
    /// All names and values together.
    pub header_size: ByteSize,
    /// The request target.
    pub target_size: ByteSize,
    /// The body; 0 is no limit.
    pub body_size: ByteSize,
}

/// Which debug endpoints and files are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoints {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// Ids of rows that are used although they are off by themselves.
    pub enabled: Vec<String>,
    /// Ids of rows that are not used.
    pub disabled: Vec<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            header_count: 100,
            header_size: ByteSize::kib(32),
            target_size: ByteSize::kib(8),
            body_size: ByteSize::default(),
        }
    }
}
