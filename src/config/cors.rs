//! `[cors]`: who may read responses from other origins.

use serde::{Deserialize, Serialize};

use super::Duration;
use crate::incident::Mode;

/// Who may read responses from other origins. Every key can be set for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cors {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The origins that may read responses with the user's credentials.
    pub origins: Vec<String>,
    /// Whether preflights are answered here, not by the application.
    pub answer_preflights: bool,
    /// The methods allowed besides GET, HEAD and POST.
    pub methods: Vec<String>,
    /// The request fields allowed besides the safelisted ones.
    pub headers: Vec<String>,
    /// Whether requests may carry credentials.
    pub credentials: bool,
    /// How long a browser may remember the answer.
    pub max_age: Duration,
}

impl Default for Cors {
    fn default() -> Self {
        Self {
            mode: Mode::Off,
            origins: Vec::new(),
            answer_preflights: false,
            methods: Vec::new(),
            headers: vec!["content-type".to_owned()],
            credentials: false,
            max_age: Duration::seconds(600),
        }
    }
}
