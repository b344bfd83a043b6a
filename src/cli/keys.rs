//! `cofferdam keys`: keys for `[cookies.seal]`.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::{
    Exit, Failure, Terminal,
    arguments::{KeysArgs, KeysCommand},
};
use crate::cookies::seal::{KeyRing, generate};

pub(super) fn run(args: &KeysArgs, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let KeysCommand::Generate { file } = &args.command;
    let text = fresh()?;
    match file.as_deref().filter(|file| *file != Path::new("-")) {
        None => terminal.out.write_all(text.as_bytes())?,
        Some(file) => {
            write(file, &text).map_err(|error| unwritable(file, &error))?;
            writeln!(terminal.out, "{}: key {}", file.display(), id(&text))?;
        }
    }
    Ok(Exit::Ok)
}

fn fresh() -> Result<String, Failure> {
    let mut random = [0; 36];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(generate(&random))
}

/// Ids are no secret: they stand in every sealed cookie.
fn id(text: &str) -> String {
    KeyRing::parse("", text).ok().and_then(|ring| ring.ids().next().map(str::to_owned)).unwrap_or_default()
}

/// A file that is there may hold the only copy of a key in use, so it stays.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::AlreadyExists => "keys are never overwritten: name a new file, or print a key and add its line",
        _ => "the directory must exist and be writable",
    };
    Failure::Usage(format!("cannot write the key: {error}"), format!("file {}", file.display()), hint.to_owned())
}
