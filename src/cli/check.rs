//! `cofferdam check`: validates the configuration as `run` would, and shows it, or what it does to cookies.

use super::{Exit, Failure, Terminal, arguments::CheckArgs, cookies, judge::no_rates};
use crate::{
    config::{Environment, Loaded, Origin, Setting, compile},
    incident::FingerprintKey,
};

/// The column of the origins, counted from the longest usual value.
const ORIGIN_COLUMN: usize = 56;

pub(super) fn run(args: &CheckArgs, environment: Environment, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let loaded = args.settings.load(environment)?;
    validate(&loaded)?;
    if let Some(file) = &args.cookies {
        return cookies::run(file, args.format, &loaded, terminal);
    }
    for setting in loaded.effective().iter().filter(|setting| !args.changed || setting.origin != Origin::Default) {
        print(setting, terminal)?;
    }
    if loaded.config.upstream.url.is_none() {
        writeln!(terminal.err, "note: upstream.url is not set; `cofferdam run` needs it (--upstream URL)")?;
    }
    Ok(Exit::Ok)
}

/// Everything that `run` compiles before it binds a port. Nothing is judged, so any key will do.
fn validate(loaded: &Loaded) -> Result<(), Failure> {
    compile::engine(loaded, FingerprintKey::new([0; 32]), &no_rates())?;
    compile::workers(loaded)?;
    compile::spool_dir(loaded)?;
    compile::tls_identity(loaded)?;
    compile::upstream_tls(loaded)?;
    Ok(())
}

fn print(setting: &Setting, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let assignment = format!("{} = {}", setting.key.join("."), setting.value);
    writeln!(terminal.out, "{assignment:<ORIGIN_COLUMN$} # {}", setting.origin)?;
    Ok(())
}
