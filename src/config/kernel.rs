//! `rules.kernel`: which kernel of the anchor filter does the work.

use serde::{Deserialize, Serialize};

use crate::scan::anchors::Kernel;

/// The kernel of the anchor filter. All find the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelSetting {
    /// The fastest that this processor can run.
    #[default]
    Auto,
    /// AVX-512 VBMI, VBMI2 and GFNI.
    Vbmi,
    /// AVX2.
    Avx2,
    /// No vector instructions.
    Portable,
}

impl KernelSetting {
    /// The kernel asked for; none where the choice is left to us.
    pub fn kernel(self) -> Option<Kernel> {
        match self {
            Self::Auto => None,
            Self::Vbmi => Some(Kernel::Vbmi),
            Self::Avx2 => Some(Kernel::Avx2),
            Self::Portable => Some(Kernel::Portable),
        }
    }
}
