//! What becomes of a body in which the application is silent. The shell has the clock: it asks after how long a silence
//! what is due, and says when that is.

use std::time::Duration;

use super::{Exchange, Step};

impl Exchange {
    /// After how long a silence of the body [`Exchange::on_quiet`] is due.
    pub fn quiet(&self) -> Duration {
        self.route.inspect.quiet
    }

    /// After how long a silence of the body [`Exchange::on_pause`] is due; none where nothing would leave by it.
    pub fn pause(&self) -> Option<Duration> {
        let minds = self.body.as_ref().is_some_and(|body| body.minds_pauses(self.upstream_status));
        Some(self.route.inspect.pause).filter(|pause| minds && self.enforces() && !pause.is_zero())
    }

    /// Whether long silences are in the nature of the body that is being read.
    pub fn may_be_silent(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.may_be_silent())
    }

    /// The shell's timer says that the stream has been quiet: what can be decided on what is there is, so that a
    /// slow stream is not held for ever. Undecided bytes stay held.
    pub fn on_quiet(&mut self) -> Step {
        self.stepped(|body, cx| body.quiet(cx))
    }

    /// The shell has waited for [`Exchange::pause`] and nothing more has come: what is harmless whatever follows it
    /// leaves. To be called only where that is due.
    pub fn on_pause(&mut self) -> Step {
        self.stepped(|body, cx| body.pause(cx))
    }
}
