//! Security headers set, disclosing headers removed.

use http::{HeaderName, HeaderValue};

use crate::incident::Mode;

/// When a field is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Where the application did not send it.
    #[default]
    Absent,
    /// Always: what the application sent is replaced.
    Forced,
}

/// One field to set, ready to insert.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The field's name.
    pub name: HeaderName,
    /// Its value.
    pub value: HeaderValue,
    /// When it is set.
    pub when: When,
    /// Only where the client's side is TLS.
    pub tls_only: bool,
}

/// The fields that are taken away.
#[derive(Clone, Debug, Default)]
pub struct Removal {
    /// Whole names.
    pub names: Vec<HeaderName>,
    /// Beginnings of names, lower case: `x-debug-` removes `X-Debug-Exception`.
    pub prefixes: Vec<Box<str>>,
    /// Names that stay although a prefix covers them.
    pub except: Vec<HeaderName>,
}

/// Compiled header settings of a route.
#[derive(Clone, Debug)]
pub struct HeaderPolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The fields to set. At most one setting per name.
    pub set: Vec<Setting>,
    /// The fields to take away.
    pub remove: Removal,
}

impl Default for HeaderPolicy {
    fn default() -> Self {
        Self { mode: Mode::default(), set: Vec::new(), remove: Removal::default() }
    }
}
