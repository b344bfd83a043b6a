//! `[headers.csp]`: the content security policy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::incident::Mode;

/// A content security policy (CSP level 3), directive by directive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Csp {
    /// Off; observe: browsers report and stop nothing; enforce.
    pub mode: Mode,
    /// Whether it takes the place of the application's own.
    pub force: bool,
    /// Whether `script` and `style` tags of HTML get a nonce.
    pub nonces: bool,
    /// The sources of each directive; without any there is no policy.
    pub directives: BTreeMap<String, Vec<String>>,
}
