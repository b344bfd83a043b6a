//! `cofferdam explain`: why a captured response would be let through, masked or replaced.

use std::io::{self, Write};

use super::{
    Exit, Failure, Terminal,
    arguments::ExplainArgs,
    capture, judge,
    report::{self, Judged},
    scan,
};
use crate::{config::Environment, engine::Engine, exchange::Evidence, policy::THRESHOLD, rules::Rule};

pub(super) fn run(args: &ExplainArgs, environment: Environment, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let engine = judge::engine(args.files.load(environment)?)?;
    let (name, content) = scan::read_one(&args.file, terminal)?;
    let mut exit = Exit::Ok;
    for capture in capture::read(&name, &content) {
        let name = capture.name.clone();
        let judged = Judged { name, outcome: judge::judge(&engine, capture) };
        explain(&engine, &judged, terminal)?;
        if judged.is_finding() {
            exit = Exit::Findings;
        }
    }
    Ok(exit)
}

fn explain(engine: &Engine, judged: &Judged, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let out = &mut *terminal.out;
    writeln!(out, "{}", judged.headline())?;
    print_evidence(engine, &judged.outcome.evidence, out)?;
    let Some(incident) = &judged.outcome.incident else { return Ok(()) };
    writeln!(out, "  route {}, mode {}", incident.route, incident.mode.as_str())?;
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

/// Every rule that was confirmed, with what led to it; then the score, term by term.
fn print_evidence(engine: &Engine, evidence: &Evidence, out: &mut dyn Write) -> io::Result<()> {
    for &(index, hits) in &evidence.rules {
        let rule = engine.rules.rule(index);
        writeln!(out, "  found {} ({hits}): {}", rule.id, confirmation(rule))?;
    }
    for line in &evidence.score {
        writeln!(out, "  {:>+4}  {}", line.points, line.what)?;
    }
    if evidence.score.is_empty() {
        return Ok(());
    }
    let score: i32 = evidence.score.iter().map(|line| line.points).sum();
    writeln!(out, "  {score:>4}  in all; below status 400 a leak from {THRESHOLD} on")
}

/// Its first anchor, and what else had to hold.
fn confirmation(rule: &Rule) -> String {
    let confirm = &rule.confirm;
    let parts = [
        (!confirm.all.is_empty()).then_some("literals nearby"),
        (!confirm.any.is_empty()).then_some("some of several literals nearby"),
        confirm.regex.is_some().then_some("pattern"),
        confirm.repeats.map(|_| "repeated"),
        confirm.entropy.map(|_| "entropy"),
        confirm.checksum.map(|_| "checksum"),
        confirm.value.map(|_| "shape of the value"),
    ];
    let anchor = rule.anchors.first().map(String::as_str).unwrap_or_default();
    let more = if rule.anchors.len() > 1 { " or another" } else { "" };
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    format!(
        "anchor {anchor:?}{more}; {}",
        if parts.is_empty() { "no more needed".to_owned() } else { parts.join(", ") }
    )
}
