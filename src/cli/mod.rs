//! The command line: its subcommands, its exit codes, and the one place where an error is printed.
//!
//! Everything goes through [`Terminal`], so that tests read what an operator would read.

mod arguments;
mod audit;
mod capture;
mod check;
mod cookies;
pub mod demo;
mod demonstrate;
mod exit;
mod explain;
mod judge;
mod keys;
mod report;
mod rules;
mod run;
mod scan;
mod service;

pub use arguments::{Cli, Command};
pub use audit::Grade;
pub use exit::{Exit, Failure};

use std::{
    ffi::OsString,
    fmt,
    io::{Read, Write},
};

use clap::{CommandFactory, FromArgMatches};

use crate::config::Environment;

/// The process's streams.
pub struct Terminal<'a> {
    /// For `scan -`.
    pub input: &'a mut dyn Read,
    /// Results.
    pub out: &'a mut dyn Write,
    /// Errors and notes.
    pub err: &'a mut dyn Write,
}

/// The widest line of help texts, in columns.
const HELP_WIDTH: usize = 100;

/// Runs one command. The first argument is the program's name.
pub fn main(
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment,
    mut terminal: Terminal<'_>,
) -> Exit {
    let result = match parse(arguments) {
        Ok(cli) => dispatch(cli.command, environment, &mut terminal),
        Err(error) => return exit::print_usage(&error, &mut terminal),
    };
    result.unwrap_or_else(|failure| exit::print_failure(&failure, &mut terminal))
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let command = Cli::command().max_term_width(HELP_WIDTH);
    Cli::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

fn dispatch(command: Command, environment: Environment, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    match command {
        Command::Run(settings) => run::run(&settings, environment, terminal),
        Command::Demo(demo) => demonstrate::run(&demo, terminal),
        Command::Check(check) => check::run(&check, environment, terminal),
        Command::Scan(scan) => scan::run(&scan, environment, terminal),
        Command::Audit(audit) => audit::run(&audit, environment, terminal),
        Command::Rules(rules) => rules::run(&rules, environment, terminal),
        Command::Explain(explain) => explain::run(&explain, environment, terminal),
        Command::Keys(keys) => keys::run(&keys, terminal),
        Command::Version => version(terminal),
    }
}

fn version(terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    writeln!(terminal.out, "cofferdam {}", env!("CARGO_PKG_VERSION"))?;
    Ok(Exit::Ok)
}

impl fmt::Debug for Terminal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Terminal")
    }
}

#[cfg(test)]
mod tests;
