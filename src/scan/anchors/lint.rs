//! Whether a literal is worth looking for.

use super::{AnchorSet, Literal, MIN_LITERAL, OwnedLiteral, frequency::Frequencies, window::windows};

/// The most false alarms a literal may be expected to make in a million bytes of ordinary pages. At this rate
/// twenty literals double the time of a search; `error`, `exception` and `.py` are above it, `warning` is not.
pub const MAX_RATE: f32 = 100.0;

/// Why a literal makes a bad anchor.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum LintError {
    /// It has fewer than [`MIN_LITERAL`] bytes.
    #[error("an anchor of {length} bytes stands on every page; give it at least {MIN_LITERAL}")]
    TooShort {
        /// Its length in bytes.
        length: usize,
    },
    /// Even its rarest four bytes (three, if it has no more) stand on ordinary pages all the time.
    #[error(
        "an anchor expected {rate:.0} times per megabyte of ordinary pages costs too much; lengthen it until \
             some four bytes in a row are rarer than {MAX_RATE} per megabyte"
    )]
    TooCommon {
        /// How often they are expected in a million bytes.
        rate: f32,
    },
}

impl AnchorSet {
    /// Whether `literal` may be an anchor of a rule, by its length and the frequency model shipped with the
    /// project. [`AnchorSet::new`] takes literals that fail it.
    ///
    /// # Errors
    /// It is too short, or above [`MAX_RATE`].
    pub fn lint(literal: &Literal<'_>) -> Result<(), LintError> {
        let length = literal.bytes.len();
        if length < MIN_LITERAL {
            return Err(LintError::TooShort { length });
        }
        let frequencies = Frequencies::shipped();
        let literal = OwnedLiteral::from(literal);
        let rates = windows(&literal).map(|(_, window)| window.rate(frequencies));
        let rate = rates.fold(f32::INFINITY, f32::min);
        if rate > MAX_RATE { Err(LintError::TooCommon { rate }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lint(bytes: &str) -> Result<(), LintError> {
        AnchorSet::lint(&Literal { bytes: bytes.as_bytes(), ignore_case: true })
    }

    #[test]
    fn a_literal_with_a_rare_window_is_a_good_anchor() {
        for good in ["Traceback (most recent call last)", "AKIA", "xoxb-", "hf_", "/usr/lib/python3", "warning"] {
            assert_eq!(lint(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_every_page_says_is_refused() {
        for common in ["error", "Exception", "the ", "</div>", "class=", ".py"] {
            assert!(matches!(lint(common), Err(LintError::TooCommon { rate }) if rate > MAX_RATE), "{common}");
        }
    }

    #[test]
    fn two_bytes_are_refused() {
        assert_eq!(lint("sk"), Err(LintError::TooShort { length: 2 }));
    }
}
