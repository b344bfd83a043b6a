//! `[shield]`: applications that serve a slow client as badly as themselves.

use serde::{Deserialize, Serialize};

use super::{ByteSize, Duration};

/// The shield of development servers. Every key can be set for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shield {
    /// When it is up.
    pub mode: ShieldMode,
    /// What of a body stays in memory.
    pub memory: ByteSize,
    /// The largest request body, and what is taken ahead of a response; 0 is no limit.
    pub body_size: ByteSize,
    /// How long any request body may take.
    pub body_time: Duration,
    /// So much a second gives it as long again; 0 gives none.
    pub body_rate: ByteSize,
}

/// When the shield is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShieldMode {
    /// From when a development server is recognised.
    #[default]
    ByServer,
    /// Never.
    Off,
    /// Never; bodies that it would refuse for their size are reported.
    Observe,
    /// Always.
    Enforce,
}

impl Default for Shield {
    fn default() -> Self {
        Self {
            mode: ShieldMode::ByServer,
            memory: ByteSize::kib(64),
            body_size: ByteSize::mib(256),
            body_time: Duration::seconds(20),
            body_rate: ByteSize::kib(1),
        }
    }
}
