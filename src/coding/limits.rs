//! How far a body may expand, and how much memory decoding it may take.

/// Limits of one [`Decoder`](super::Decoder).
///
/// A body is cut when, at the end of any 64 KiB of decoded bytes, it has expanded too far. Both ratios count decoded
/// bytes per byte on the wire; in a stack of codings every layer's output is measured against the wire. There is no
/// limit on the size of a body whose expansion is ordinary, and a body below a limit is read whole, in memory that
/// does not depend on its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Binary logarithm of the largest window that br and zstd may ask for, 10 to 24. zstd never gets above 23
    /// (RFC 9659); gzip and deflate always have 15.
    pub window_log: u8,
    /// Decoded bytes up to which any ratio is fine: br and zstd code this much of one character in a few bytes.
    pub any_ratio_until: u64,
    /// The ratio beyond that.
    pub peak_ratio: u32,
    /// Decoded bytes up to which `peak_ratio` holds.
    pub peak_ratio_until: u64,
    /// The ratio beyond that.
    pub sustained_ratio: u32,
    /// Decoded bytes beyond which a body is cut whatever its ratio.
    pub total: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // The whole range of RFC 7932: files above 8 MiB are coded so by the br command line tool.
            window_log: 24,
            any_ratio_until: 1 << 20,
            // Deflate cannot exceed 1032:1, so up to here this only cuts bombs in br, zstd and stacks.
            peak_ratio: 1100,
            // 64 MiB of blanks in gzip are still read; ten times that, at this ratio, is nobody's page.
            peak_ratio_until: 128 << 20,
            // Logs and dumps of one repeated row reach 50:1.
            sustained_ratio: 100,
            total: u64::MAX,
        }
    }
}

impl Limits {
    /// Whether `decoded` bytes out of `coded` are within the limits.
    pub(super) fn allow(&self, decoded: u64, coded: u64) -> bool {
        let by_peak = self.peak_ratio_until.min(coded.saturating_mul(self.peak_ratio.into()));
        let by_ratio = by_peak.max(coded.saturating_mul(self.sustained_ratio.into()));
        decoded <= self.any_ratio_until.max(by_ratio).min(self.total)
    }

    /// Bytes of the largest window allowed to a coding that itself bounds it to `2^bound_log`.
    pub(super) fn window(&self, bound_log: u8) -> usize {
        1 << self.window_log.min(bound_log)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_limits_cut_bombs_and_nothing_ordinary() {
        let limits = Limits::default();
        for (decoded, coded, allowed) in [
            (1 << 20, 9, true),
            ((1 << 20) + 1, 9, false),
            (64 << 20, (64 << 20) / 1030, true),
            (128 << 20, (128 << 20) / 1030, true),
            ((128 << 20) + 1, (128 << 20) / 1030, false),
            (100 << 33, 1 << 33, true),
            ((100 << 33) + 1, 1 << 33, false),
        ] {
            assert_eq!(limits.allow(decoded, coded), allowed, "{decoded} out of {coded}");
        }
    }

    #[test]
    fn the_total_holds_at_any_ratio() {
        let limits = Limits { total: 1000, ..Limits::default() };
        assert!(limits.allow(1000, 1000));
        assert!(!limits.allow(1001, 1001));
    }
}
