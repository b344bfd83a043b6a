//! The grade: 100 points, less what each finding costs.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// A grade, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Grade {
    /// From 90 points.
    A,
    /// From 70.
    B,
    /// From 50.
    C,
    /// From 30: as far as one leak or debug endpoint leads.
    D,
    /// Less.
    F,
}

impl Grade {
    /// The grade of so many points.
    pub fn of(score: u32) -> Self {
        match score {
            90.. => Self::A,
            70..90 => Self::B,
            50..70 => Self::C,
            30..50 => Self::D,
            _ => Self::F,
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
