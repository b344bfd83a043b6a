//! `cofferdam explain`: why a captured response would be let through, masked or replaced.

use std::{io, path::Path};

use super::{
    Exit, Failure, Terminal,
    arguments::ExplainArgs,
    capture, judge,
    report::{self, Judged},
    scan,
};
use crate::config::Environment;

pub(super) fn run(args: &ExplainArgs, environment: Environment, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let engine = judge::engine(args.files.load(environment)?)?;
    let name = args.file.display().to_string();
    let content = content(&args.file, terminal).map_err(|error| {
        let hint = "name a captured response, or - for standard input".to_owned();
        Failure::Usage(format!("cannot read the file: {error}"), name.clone(), hint)
    })?;
    let mut exit = Exit::Ok;
    for capture in capture::read(&name, &content) {
        let name = capture.name.clone();
        let judged = Judged { name, outcome: judge::judge(&engine, capture) };
        explain(&judged, terminal)?;
        if judged.is_finding() {
            exit = Exit::Findings;
        }
    }
    Ok(exit)
}

fn content(path: &Path, terminal: &mut Terminal<'_>) -> io::Result<Vec<u8>> {
    if path == Path::new("-") { scan::read_bounded(terminal.input) } else { scan::read_file(path) }
}

fn explain(judged: &Judged, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let out = &mut *terminal.out;
    writeln!(out, "{}", judged.headline())?;
    let Some(incident) = &judged.outcome.incident else { return Ok(()) };
    writeln!(out, "  route {}, mode {}", incident.route, incident.mode.as_str())?;
    if let Some(score) = incident.score {
        writeln!(out, "  evidence score {score}")?;
    }
    let extract = &incident.extract;
    for (what, text) in [
        ("framework", extract.framework.clone()),
        ("exception", extract.exception.as_ref().map(ToString::to_string)),
        ("file", extract.file.as_ref().map(ToString::to_string)),
        ("line", extract.line.map(|line| line.to_string())),
    ] {
        if let Some(text) = text {
            writeln!(out, "  {what} {text}")?;
        }
    }
    report::print_rules(incident, out)?;
    Ok(())
}
