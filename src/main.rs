//! The binary: hands the process's arguments, environment and streams to the command line.

use std::{env, io, process};

use cofferdam::{cli, config::Environment};

fn main() -> process::ExitCode {
    // Names and values that are not Unicode name no key and hold no secret we could use.
    let environment: Environment = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let (mut input, mut out, mut err) = (io::stdin().lock(), io::stdout().lock(), io::stderr());
    let terminal = cli::Terminal { input: &mut input, out: &mut out, err: &mut err };
    cli::main(env::args_os(), environment, terminal).into()
}
