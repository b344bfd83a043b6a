//! Inspection settings of a route.

use std::time::Duration;

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
    /// A body silent for so long is judged by what is there.
    pub quiet: Duration,
    /// Of a text that is silent for so long, what is harmless whatever follows leaves; zero for never.
    pub pause: Duration,
    /// Media types that are not read, lower case, without parameters; `image/*` is every image.
    pub exempt_types: Vec<Box<str>>,
    /// What happens to unknown or broken codings and charsets.
    pub unreadable: Unreadable,
    /// Whether a 206 that nobody asked for (ranges are not forwarded) passes.
    pub unasked_partial: Unreadable,
    /// Whether a request for a head alone is sent as one for the page, whose head is known when it has been judged.
    pub whole_heads: bool,
    /// Every response with a status of 500 or more is replaced, leak or not (profile `lockdown`).
    pub replace_server_errors: bool,
}

impl Default for InspectPolicy {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            categories: Vec::new(),
            hold: 64 * 1024,
            quiet: Duration::from_secs(1),
            pause: Duration::from_millis(1),
            exempt_types: Vec::new(),
            unreadable: Unreadable::Replace,
            unasked_partial: Unreadable::Replace,
            whole_heads: true,
            replace_server_errors: false,
        }
    }
}

impl InspectPolicy {
    /// Whether bodies of this media type (with or without parameters) are not read.
    pub fn exempts(&self, media_type: &str) -> bool {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let begins = |kind: &str| {
            essence.as_bytes().get(..kind.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(kind.as_bytes()))
        };
        essence.as_bytes().contains(&b'/')
            && self.exempt_types.iter().any(|exempt| match exempt.strip_suffix('*') {
                Some(kind) if kind.ends_with('/') => begins(kind),
                _ => essence.eq_ignore_ascii_case(exempt),
            })
    }

    /// The position of the control for one category.
    pub fn mode_of(&self, category: Category) -> Mode {
        match self.categories.iter().find(|(listed, _)| *listed == category) {
            Some((_, mode)) if self.mode == Mode::Enforce => *mode,
            _ => self.mode,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_exempt_by_name_or_kind() {
        let exempt_types = vec!["video/*".into(), "application/zip".into()];
        let policy = InspectPolicy { exempt_types, ..InspectPolicy::default() };
        for exempt in ["video/mp4", "Video/MP4; codecs=x", "application/zip"] {
            assert!(policy.exempts(exempt), "{exempt}");
        }
        for read in ["text/html", "application/json", "", "video", "application/zipper", "/", "zip"] {
            assert!(!policy.exempts(read), "{read}");
        }
    }
}
