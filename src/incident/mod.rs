//! What one exchange kept back, as plain values: the vocabulary every other module speaks.

mod disposition;
mod redact;
mod seed;

pub use disposition::{Disposition, Exemption, Refusal};
pub use redact::{Excerpt, Fingerprint, FingerprintKey};
pub use seed::{HashKey, Seed, mac};

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names one exchange in the client's error page, the log and the incident store: 96 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IncidentId([u8; 12]);

impl IncidentId {
    /// Takes the 12 bytes as they are; the caller provides the randomness.
    pub fn from_random(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// The id in lower-case hexadecimal digits, as it is shown everywhere.
    pub fn hex(&self) -> [u8; 24] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 24];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        digits
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

impl fmt::Debug for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IncidentId({self})")
    }
}

/// What kind of thing a rule recognises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// An interactive or detailed error page of a framework.
    DebugPage,
    /// Frames of a call stack, in any spelling.
    StackTrace,
    /// Source text of the application or a template.
    SourceCode,
    /// Environment variables or settings of the process.
    EnvDump,
    /// A session, its cookie or the variables of a request, printed.
    SessionDump,
    /// A credential, key or token.
    Secret,
    /// A configuration, credential or repository file.
    ConfigFile,
    /// The text of a database or driver error.
    SqlError,
    /// An automatic index of a directory.
    DirListing,
    /// An error text with internal detail but without a trace.
    ErrorMessage,
    /// A header field that tells what the application is made of or what went wrong in it.
    DisclosingHeader,
    /// Card numbers, account numbers and the like; off unless configured.
    PersonalData,
}

impl Category {
    /// The spelling used in rules, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DebugPage => "debug-page",
            Self::StackTrace => "stack-trace",
            Self::SourceCode => "source-code",
            Self::EnvDump => "env-dump",
            Self::SessionDump => "session-dump",
            Self::Secret => "secret",
            Self::ConfigFile => "config-file",
            Self::SqlError => "sql-error",
            Self::DirListing => "dir-listing",
            Self::ErrorMessage => "error-message",
            Self::DisclosingHeader => "disclosing-header",
            Self::PersonalData => "personal-data",
        }
    }
}

/// How urgently the operator should act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Low,
    /// Helps an attacker.
    Medium,
    /// Exposes internals or a limited credential.
    High,
    /// Hands over control: rotate now.
    Critical,
}

impl Severity {
    /// The spelling used in rules, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The three positions of every control (law L10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The control does nothing.
    Off,
    /// The control reports what it would do and changes nothing.
    Observe,
    /// The control acts.
    #[default]
    Enforce,
}

impl Mode {
    /// The spelling used in the configuration, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Observe => "observe",
            Self::Enforce => "enforce",
        }
    }
}

/// One rule's share in an incident. Carries no matched byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleHit {
    /// The rule's id.
    pub rule: String,
    /// The rule's category.
    pub category: Category,
    /// The rule's severity.
    pub severity: Severity,
    /// How often it was confirmed.
    pub count: u32,
    /// What the operator should do about it.
    pub advice: String,
    /// Keyed fingerprints of the first few masked values, so that repeats can be told from new ones.
    pub fingerprints: Vec<Fingerprint>,
}

/// What could be read off a recognised page, every value already redacted and cut to length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Extract {
    /// The framework or language, e.g. `werkzeug`.
    pub framework: Option<String>,
    /// The exception's type, e.g. `KeyError`.
    pub exception: Option<Excerpt>,
    /// The innermost source file named.
    pub file: Option<Excerpt>,
    /// Its line.
    pub line: Option<u32>,
}

/// What one exchange kept back (or would have, in observe mode).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Incident {
    /// The id the client was shown.
    #[serde(serialize_with = "display")]
    pub id: IncidentId,
    /// How the exchange ended.
    pub disposition: Disposition,
    /// How it would have ended if what is only observed were enforced, where that makes a difference.
    pub would: Option<Disposition>,
    /// Whether the verdict was carried out.
    pub mode: Mode,
    /// Name of the route's policy.
    pub route: String,
    /// Request method.
    pub method: String,
    /// Request path without the query.
    pub path: Excerpt,
    /// The status the upstream gave.
    pub upstream_status: u16,
    /// Why: every rule that was confirmed, most severe first.
    pub rules: Vec<RuleHit>,
    /// What the page said of the error.
    pub extract: Extract,
    /// The page's evidence score when the decision was taken by score.
    pub score: Option<i32>,
}

fn display<T: fmt::Display, S: serde::Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
