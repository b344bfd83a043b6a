//! The reports of `scan`: for people, as JSON, and as SARIF 2.1.0.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde_json::{Value, json};

use super::arguments::ReportFormat;
use crate::{
    exchange::Outcome,
    incident::{Disposition, Incident, RuleHit, Severity},
};

/// A capture, judged.
#[derive(Debug)]
pub(super) struct Judged {
    /// Which capture.
    pub(super) name: String,
    /// How its exchange ended.
    pub(super) outcome: Outcome,
}

impl Judged {
    /// Whether anything would have been kept back.
    pub(super) fn is_finding(&self) -> bool {
        self.outcome.incident.is_some()
    }

    /// Name and disposition.
    pub(super) fn headline(&self) -> String {
        let disposition = self.outcome.disposition;
        match disposition.reason() {
            "" => format!("{}: {}", self.name, disposition.as_str()),
            reason => format!("{}: {} ({reason})", self.name, disposition.as_str()),
        }
    }
}

/// Prints the report.
pub(super) fn print(format: ReportFormat, judged: &[Judged], out: &mut dyn Write) -> io::Result<()> {
    match format {
        ReportFormat::Text => text(judged, out),
        ReportFormat::Json => writeln!(out, "{:#}", json_report(judged)),
        ReportFormat::Sarif => writeln!(out, "{:#}", sarif(judged)),
    }
}

/// Prints the rules of an incident, each with its advice.
pub(super) fn print_rules(incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    incident.rules.iter().try_for_each(|hit| {
        let (severity, category) = (hit.severity.as_str(), hit.category.as_str());
        writeln!(out, "  {} ({severity}, {category}, count {}): {}", hit.rule, hit.count, hit.advice)
    })
}

fn text(judged: &[Judged], out: &mut dyn Write) -> io::Result<()> {
    for one in judged.iter().filter(|one| one.is_finding() || !is_quiet(one.outcome.disposition)) {
        writeln!(out, "{}", one.headline())?;
        one.outcome.incident.iter().try_for_each(|incident| print_rules(incident, out))?;
    }
    let found = judged.iter().filter(|one| one.is_finding()).count();
    writeln!(out, "{} responses, {found} with findings", judged.len())
}

/// A clean file is not worth a line; one that was not read is.
fn is_quiet(disposition: Disposition) -> bool {
    matches!(disposition, Disposition::InspectedClean)
}

fn json_report(judged: &[Judged]) -> Value {
    let responses: Vec<Value> = judged
        .iter()
        .map(|one| json!({"name": one.name, "disposition": one.outcome.disposition, "incident": one.outcome.incident}))
        .collect();
    json!({"version": 1, "responses": responses})
}

fn sarif(judged: &[Judged]) -> Value {
    let hits = || judged.iter().flat_map(|one| one.outcome.incident.iter().flat_map(|it| &it.rules));
    let rules: BTreeMap<&str, &RuleHit> = hits().map(|hit| (hit.rule.as_str(), hit)).collect();
    let rules: Vec<Value> = rules.into_values().map(sarif_rule).collect();
    let results: Vec<Value> = judged.iter().flat_map(sarif_results).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "cofferdam", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "results": results,
        }],
    })
}

fn sarif_rule(hit: &RuleHit) -> Value {
    json!({
        "id": hit.rule,
        "help": {"text": hit.advice},
        "properties": {"tags": ["security", hit.category], "severity": hit.severity},
    })
}

fn sarif_results(judged: &Judged) -> Vec<Value> {
    let rules = judged.outcome.incident.iter().flat_map(|incident| &incident.rules);
    let result = |hit: &RuleHit| {
        json!({
            "ruleId": hit.rule,
            "level": sarif_level(hit.severity),
            "message": {"text": format!("{}, count {}", hit.category.as_str(), hit.count)},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": judged.name}}}],
        })
    };
    rules.map(result).collect()
}

/// SARIF knows three levels.
fn sarif_level(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{Category, Excerpt, Exemption, Extract, IncidentId, Mode};

    fn judged() -> Vec<Judged> {
        let incident = Incident {
            id: IncidentId::from_random([0; 12]),
            disposition: Disposition::Replaced,
            would: None,
            mode: Mode::Enforce,
            route: "default".into(),
            method: "GET".into(),
            path: Excerpt::from_masked("/"),
            upstream_status: 200,
            rules: vec![RuleHit {
                rule: "werkzeug-debugger".into(),
                category: Category::DebugPage,
                severity: Severity::Critical,
                count: 2,
                advice: "turn debug off".into(),
                fingerprints: Vec::new(),
            }],
            extract: Extract::default(),
            score: None,
        };
        let outcome = |disposition, incident| Outcome { incident, ..Outcome::ended(disposition) };
        vec![
            Judged { name: "a".into(), outcome: outcome(Disposition::InspectedClean, None) },
            Judged { name: "b".into(), outcome: outcome(Disposition::Replaced, Some(incident)) },
            Judged { name: "c".into(), outcome: outcome(Disposition::Exempt(Exemption::BinaryType), None) },
        ]
    }

    fn printed(format: ReportFormat) -> String {
        let mut out = Vec::new();
        print(format, &judged(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn people_read_findings_and_what_was_not_read() {
        insta::assert_snapshot!(printed(ReportFormat::Text), @"
        b: replaced
          werkzeug-debugger (critical, debug-page, count 2): turn debug off
        c: exempt (binary-type)
        3 responses, 1 with findings
        ");
    }

    #[test]
    fn json_has_every_response() {
        let report: Value = serde_json::from_str(&printed(ReportFormat::Json)).unwrap();
        assert_eq!(report["responses"].as_array().unwrap().len(), 3);
        assert_eq!(report["responses"][1]["incident"]["rules"][0]["rule"], "werkzeug-debugger");
    }

    #[test]
    fn sarif_has_each_rule_once_and_a_result_for_each_hit() {
        let report: Value = serde_json::from_str(&printed(ReportFormat::Sarif)).unwrap();
        let run = &report["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 1);
        assert_eq!(run["results"][0]["level"], "error");
        assert_eq!(run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "b");
    }
}
