//! `[guard]`: what is let in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ByteSize, Rate};
use crate::incident::Mode;

/// The guard on the way in. Every key can be set for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// Which methods are let in.
    pub methods: Methods,
    /// How large a request may be.
    pub limits: Limits,
    /// Which debug endpoints and files are refused.
    pub endpoints: Endpoints,
    /// Which cross-site requests are refused.
    pub cross_site: CrossSite,
    /// Off, observe or enforce, for all of [`Guard::patch`].
    pub patch_mode: Mode,
    /// What single endpoints take.
    pub patch: Vec<Patch>,
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

/// Which cross-site requests are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrossSite {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// Origins whose requests are welcome.
    pub trusted_origins: Vec<String>,
    /// Host names of the application besides the one that is asked for.
    pub hosts: Vec<String>,
    /// Paths that others may send to; `*` stands for any run of characters.
    pub exempt_paths: Vec<String>,
}

/// What an endpoint takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// The path, with `{name:kind}` for a parameter; see [`crate::request::PatchRow`].
    pub path: String,
    /// The methods taken; empty takes all.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The media types of bodies taken; empty takes all.
    #[serde(default)]
    pub content_types: Vec<String>,
    /// Kinds of query parameters by name.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            methods: Methods::default(),
            limits: Limits::default(),
            endpoints: Endpoints::default(),
            cross_site: CrossSite::default(),
            patch_mode: Mode::Enforce,
            patch: Vec::new(),
            rate: Rate::default(),
        }
    }
}

impl Default for CrossSite {
    fn default() -> Self {
        Self { mode: Mode::Off, trusted_origins: Vec::new(), hosts: Vec::new(), exempt_paths: Vec::new() }
    }
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
