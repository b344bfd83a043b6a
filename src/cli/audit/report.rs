//! The report of `audit`.

use std::io::{self, Write};

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
    report.findings.iter().try_for_each(|it| finding(it, out))?;
    writeln!(out)?;
    for Page { what, path, status } in &report.pages {
        writeln!(out, "{what} {path}: {status}")?;
    }
    if report.leads_elsewhere {
        writeln!(out, "the page leads to another origin, which was not followed: audit that by itself")?;
    }
    writeln!(out, "{requests} requests")
}

fn finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let Finding { id, cost, what, subject, why, cure, on } = finding;
    let subject = if subject.is_empty() { String::new() } else { format!(": {subject}") };
    writeln!(out, "\n{:>4}  {what}{subject} [{id}]", format!("-{cost}"))?;
    writeln!(out, "      on    {}", on.join(", "))?;
    writeln!(out, "      why   {why}")?;
    writeln!(out, "      cure  {cure}")
}
