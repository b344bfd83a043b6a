//! How a command ends: exit codes, and errors printed once, in three lines.

use std::{io, io::Write, process::ExitCode};

use super::Terminal;
use crate::config::ConfigError;

/// The exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; nothing found.
    Ok = 0,
    /// Done; `scan`, `explain` or `rules test` found something, `check --cookies` would change a cookie, or
    /// the grade of `audit` is too low.
    Findings = 1,
    /// The command line, the configuration, a rule pack or a file it names is wrong.
    Usage = 2,
    /// A fault of the machine or of cofferdam (EX_SOFTWARE of sysexits.h).
    Internal = 70,
}

/// Why a command could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What the command was given is wrong: what, where, hint.
    #[error("{0} ({1})")]
    Usage(String, String, String),
    /// The reader of the output is gone or the disk is full.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
    /// Anything that is not the operator's doing.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Usage(..) => Exit::Usage,
            // `cofferdam scan … | head` is not a failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Self::Output(_) | Self::Internal(_) => Exit::Internal,
        }
    }

    /// What, where and what to do. The chain of causes is part of "what".
    fn lines(&self) -> [String; 3] {
        match self {
            Self::Config(error) => [error.what.clone(), error.place.clone(), error.hint.clone()],
            Self::Usage(what, place, hint) => [what.clone(), place.clone(), hint.clone()],
            Self::Output(error) => {
                let hint = "is there space left where it goes?".to_owned();
                [format!("cannot write the output: {error}"), "standard output".to_owned(), hint]
            }
            Self::Internal(error) => {
                let hint = "this is not your configuration; if it stays, please report it".to_owned();
                [format!("{error:#}"), "cofferdam itself".to_owned(), hint]
            }
        }
    }
}

/// Prints what a failure tells the operator. When even that cannot be printed, the exit code still tells it.
pub(super) fn print_failure(failure: &Failure, terminal: &mut Terminal<'_>) -> Exit {
    let exit = failure.exit();
    if exit != Exit::Ok {
        let [what, place, hint] = failure.lines();
        write_or_forget(terminal.err, &format!("cofferdam: {what}\n  at {place}\n  hint: {hint}\n"));
    }
    exit
}

/// Prints help where it was asked for, or what is wrong with the command line.
pub(super) fn print_usage(error: &clap::Error, terminal: &mut Terminal<'_>) -> Exit {
    let text = error.render().to_string();
    if error.use_stderr() {
        write_or_forget(terminal.err, &text);
        return Exit::Usage;
    }
    write_or_forget(terminal.out, &text);
    Exit::Ok
}

fn write_or_forget(writer: &mut dyn Write, text: &str) {
    // There is nowhere left to complain to.
    writer.write_all(text.as_bytes()).and_then(|()| writer.flush()).unwrap_or_default();
}
