//! Inspection settings of a route.

use serde::{Deserialize, Serialize};

use crate::incident::{Category, Mode};

/// What happens to content that cannot be read (law L4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unreadable {
    /// A generic error takes its place.
    #[default]
    Replace,
    /// It passes, and is counted as exempt.
    Pass,
}

/// Inspection settings of a route.
#[derive(Clone, Debug)]
pub struct InspectPolicy {
    /// Whether bodies and fields are inspected, and whether findings act.
    pub mode: Mode,
    /// Overrides of `mode` by category; a category not listed follows `mode`.
    pub categories: Vec<(Category, Mode)>,
    /// Bytes of decoded body that may be held before the head leaves; also the size of a block. 4 KiB to 1 MiB.
    pub hold: usize,
    /// What happens to unknown or broken codings and charsets.
    pub unreadable: Unreadable,
    /// Whether a 206 that nobody asked for (ranges are not forwarded) passes.
    pub unasked_partial: Unreadable,
    /// Every response with a status of 500 or more is replaced, leak or not (profile `lockdown`).
    pub replace_server_errors: bool,
}

impl Default for InspectPolicy {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            categories: Vec::new(),
            hold: 64 * 1024,
            unreadable: Unreadable::Replace,
            unasked_partial: Unreadable::Replace,
            replace_server_errors: false,
        }
    }
}

impl InspectPolicy {
    /// The position of the control for one category.
    pub fn mode_of(&self, category: Category) -> Mode {
        match self.categories.iter().find(|(listed, _)| *listed == category) {
            Some((_, mode)) if self.mode == Mode::Enforce => *mode,
            _ => self.mode,
        }
    }
}
