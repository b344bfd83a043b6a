//! The report of `audit`.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use serde::Serialize;

use super::{checks::Finding, grade::Grade};
use crate::cli::arguments::Format;

/// What was found out.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Of this form.
    pub(super) version: u32,
    /// Without its query.
    pub(super) url: String,
    pub(super) grade: Grade,
    /// Points of 100.
    pub(super) score: u32,
    /// Requests sent.
    pub(super) requests: u32,
    /// Of these, how many were answered with 429.
    pub(super) limited: u32,
    /// The page is a redirect to another origin, which was not followed.
    pub(super) leads_elsewhere: bool,
    pub(super) pages: Vec<Page>,
    pub(super) findings: Vec<Finding>,
}

/// An answer that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    pub(super) what: &'static str,
    /// Without a query.
    pub(super) path: String,
    pub(super) status: u16,
}

pub(super) fn print(format: Format, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text(report, out),
        Format::Json => writeln!(out, "{:#}", serde_json::to_value(report)?),
    }
}

fn text(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Report { url, grade, score, requests, .. } = report;
    writeln!(out, "{url}: grade {grade}, {score} of 100 points")?;
    let alike = |one: &Finding, next: &Finding| one.id == next.id && one.cure == next.cure;
    report.findings.chunk_by(alike).try_for_each(|alike| findings(alike, out))?;
    writeln!(out)?;
    for Page { what, path, status } in &report.pages {
        writeln!(out, "{what} {path}: {status}")?;
    }
    if report.leads_elsewhere {
        writeln!(out, "the page leads to another origin, which was not followed: audit that by itself")?;
    }
    if report.limited > 0 {
        writeln!(out, "{} requests were answered 429, so the grade may be too good", report.limited)?;
    }
    writeln!(out, "{requests} requests")
}

/// Findings that differ in nothing but what is wrong, as one.
fn findings(alike: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    let Some(Finding { id, what, why, cure, .. }) = alike.first() else { return Ok(()) };
    let cost: u32 = alike.iter().map(|finding| finding.cost).sum();
    let subjects = alike.iter().map(|finding| finding.subject.as_str()).collect::<Vec<_>>().join(", ");
    let subjects = if subjects.is_empty() { subjects } else { format!(": {subjects}") };
    let on: BTreeSet<&str> = alike.iter().flat_map(|finding| &finding.on).map(String::as_str).collect();
    writeln!(out, "\n{:>4}  {what}{subjects} [{id}]", format!("-{cost}"))?;
    writeln!(out, "      on    {}", on.into_iter().collect::<Vec<_>>().join(", "))?;
    writeln!(out, "      why   {why}")?;
    writeln!(out, "      cure  {cure}")
}

#[cfg(test)]
mod tests {
    use super::{
        super::checks::{self, Findings},
        *,
    };

    #[test]
    fn people_read_what_is_alike_at_once_and_where_the_grade_may_be_too_good() {
        let mut findings = Findings::default();
        findings.add(&checks::NOSNIFF, "", "/");
        findings.add(&checks::MINOR_FIELD, "origin-agent-cluster", "/");
        findings.add(&checks::MINOR_FIELD, "permissions-policy", "/missing");
        let (score, findings) = findings.weigh();
        let pages = vec![Page { what: "page", path: "/".into(), status: 302 }];
        let url = "https://app.example/".to_owned();
        let (grade, leads_elsewhere) = (Grade::of(score), true);
        let report =
            Report { version: 1, url, grade, score, requests: 4, limited: 2, leads_elsewhere, pages, findings };
        let mut out = Vec::new();
        print(Format::Text, &report, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
