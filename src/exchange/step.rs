//! What the machines of bodies and messages tell the exchange.

use super::{Released, ledger::Ledger};
use crate::{engine::Engine, policy::InspectPolicy};

/// What may leave after a piece was judged.
#[derive(Debug)]
pub(super) enum BodyStep {
    /// Nothing.
    Hold,
    /// The head and these bytes.
    Commit { body: Released, form: Form, whole: bool },
    /// These bytes.
    Release(Released),
    /// Nothing ever: the head is still ours.
    Replace(Cause),
    /// Nothing more: the head has gone.
    Sever(Cause),
}

/// In which form the body leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Byte for byte as the upstream sent it.
    AsItCame,
    /// Decoded, because it had to be changed or its label lied.
    Decoded {
        /// Whether something was masked.
        masked: bool,
    },
}

impl Form {
    pub(super) fn decoded(self) -> Self {
        match self {
            Self::AsItCame => Self::Decoded { masked: false },
            decoded @ Self::Decoded { .. } => decoded,
        }
    }
}

/// Why a body is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It leaks.
    Leak,
    /// It cannot be read.
    Unreadable,
}

/// What the machine works with, lent for one call.
pub(super) struct Context<'a> {
    pub(super) engine: &'a Engine,
    pub(super) policy: &'a InspectPolicy,
    pub(super) status: u16,
    /// The breaker of the page is open.
    pub(super) storm: bool,
    pub(super) ledger: &'a mut Ledger,
}
