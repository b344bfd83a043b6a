//! `cofferdam audit`: what a visitor of a web application can see of it that nobody should, as a grade.
//!
//! It reads: `GET` alone, one request after the other, a few dozen in all. What is asked: the page; a page that surely
//! does not exist; both again as another site's script would (CORS); and the endpoints and files of
//! `config/guard/endpoints.toml` that have a probe.

mod checks;
mod cookies;
mod endpoints;
mod fetch;
mod fields;
mod grade;
mod report;
mod target;

use std::{fmt::Write as _, sync::Arc};

use anyhow::Context;
use http::{HeaderMap, HeaderValue, Method, Version, header};

pub use self::grade::Grade;
use self::{
    checks::Findings,
    fetch::{Answer, Client},
    report::{Page, Report},
    target::{Target, path},
};
use super::{Exit, Failure, Terminal, arguments::AuditArgs, capture::Capture, judge};
use crate::{
    config::Environment,
    cookies::weak::{WeakKey, Weakness},
    engine::Engine,
    incident::{Category, Mode, Severity},
    request::RequestHead,
    response::{CorsPolicy, ResponseHead},
    server::Clock,
};

/// Redirects that are followed on the same origin.
const MAX_REDIRECTS: usize = 5;

/// An origin that no application can have on a list of its own (RFC 2606).
const FOREIGN_ORIGIN: &str = "https://cofferdam-audit.invalid";

/// A grade below the wanted one is a finding.
pub(super) fn run(args: &AuditArgs, environment: Environment, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let target = Target::parse(&args.url)?;
    let engine = judge::engine(args.files.load(environment)?)?;
    let client = Client::new(&target, args.ca.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let audit = Audit { engine, client, target, findings: Findings::default(), now: Clock::default().epoch() };
    let report = runtime.context("starting the audit")?.block_on(audit.run(!args.no_probes))?;
    report::print(args.format, &report, terminal.out)?;
    Ok(if report.grade <= args.fail_under { Exit::Ok } else { Exit::Findings })
}

struct Audit {
    engine: Arc<Engine>,
    client: Client,
    target: Target,
    findings: Findings,
    now: u64,
}

impl Audit {
    async fn run(mut self, probes: bool) -> Result<Report, Failure> {
        if !self.target.tls && !self.target.is_loopback() {
            self.findings.add(&checks::PLAIN_HTTP, "", "/");
        }
        let (place, page) = self.page().await?;
        let nowhere = nowhere()?;
        let missing = self.client.get(&nowhere, &[]).await.map_err(|error| self.unreachable(&error))?;
        let mut pages = Vec::new();
        for (what, place, answer) in [("page", &place, &page), ("missing page", &nowhere, &missing)] {
            pages.push(Page { what, path: path(place).to_owned(), status: answer.status.as_u16() });
            self.review(place, answer);
        }
        self.share(&place).await;
        let probed = if probes { self.probe(&missing).await } else { Vec::new() };
        Ok(self.report(pages, probed, leads_elsewhere(&page)))
    }

    /// The page, behind redirects of the same origin. A redirect to another one is the page then.
    async fn page(&self) -> Result<(String, Answer), Failure> {
        let mut place = self.target.page.clone();
        let mut answer = self.client.get(&place, &[]).await.map_err(|error| self.unreachable(&error))?;
        for _ in 0..MAX_REDIRECTS {
            let location = answer.headers.get(header::LOCATION).filter(|_| answer.status.is_redirection());
            let next = location.and_then(|location| self.target.follow(&place, location.to_str().ok()?));
            let Some(next) = next else { break };
            place = next;
            answer = self.client.get(&place, &[]).await.map_err(|error| self.unreachable(&error))?;
        }
        Ok((place, answer))
    }

    fn unreachable(&self, error: &str) -> Failure {
        let hint = if error.contains("certificate") {
            "visitors' browsers would not go on either; name an authority of your own with --ca FILE"
        } else {
            "is it running, and can it be reached from here?"
        };
        Failure::Usage(format!("there is no answer to grade: {error}"), self.target.origin(), hint.to_owned())
    }

    /// Everything that one answer shows.
    fn review(&mut self, place: &str, answer: &Answer) {
        let (shown, tls) = (path(place).to_owned(), self.target.tls);
        fields::review(answer, tls, &shown, &mut self.findings);
        let route = self.engine.routes.find(&self.target.host, &shown, &Method::GET);
        cookies::review(answer, &route.cookies, (tls, self.now), &shown, &mut self.findings);
        self.judge(place, answer);
    }

    /// What the proxy would keep back of an answer, and cookies that anyone can forge.
    fn judge(&mut self, place: &str, answer: &Answer) {
        if !answer.whole && answer.headers.contains_key(header::CONTENT_ENCODING) {
            return;
        }
        let shown = path(place);
        let outcome = judge::judge(&self.engine, self.capture(place, answer));
        let hits = outcome.incident.iter().flat_map(|incident| &incident.rules);
        // Fields are told by name already.
        for hit in hits.filter(|hit| hit.category != Category::DisclosingHeader) {
            let check = if hit.severity >= Severity::High { &checks::LEAK } else { &checks::MINOR_LEAK };
            self.findings.add_cured(check, hit.rule.as_str(), shown, format!("{}; {}", check.cure, hit.advice));
        }
        let Some(signed) = outcome.signed else { return };
        for candidate in &signed.candidates {
            // A token that lives long is for its incident; here it counts who can make one.
            let weak = candidate.test(&signed.keys, self.now);
            let forgeable = |weak: &WeakKey| !matches!(weak.weakness, Weakness::LongLived { .. });
            if let Some(weak) = weak.filter(forgeable) {
                let hit = weak.hit(&candidate.name, true);
                let subject = format!("{}: {}", String::from_utf8_lossy(&candidate.name), hit.rule);
                self.findings.add(&checks::WEAK_KEY, subject, shown);
            }
        }
    }

    fn capture(&self, place: &str, answer: &Answer) -> Capture {
        let host = self.target.host_field().unwrap_or_else(|| HeaderValue::from_static("localhost"));
        let request = RequestHead {
            method: Method::GET,
            uri: place.parse().unwrap_or_default(),
            version: Version::HTTP_11,
            headers: HeaderMap::from_iter([(header::HOST, host)]),
        };
        let mut headers = answer.headers.clone();
        // The body is there, as far as it was read.
        headers.remove(header::TRANSFER_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
        let response = ResponseHead { status: answer.status, headers, reason: answer.reason.clone() };
        let (name, body) = (path(place).to_owned(), answer.body.clone());
        Capture { name, request, tls: self.target.tls, response, body }
    }

    /// Asks as a script of another site would, and of a sandboxed frame.
    async fn share(&mut self, place: &str) {
        let policy = CorsPolicy { mode: Mode::Observe, ..CorsPolicy::default() };
        for origin in [FOREIGN_ORIGIN, "null"] {
            let Ok(mut answer) = self.client.get(place, &[(header::ORIGIN, origin)]).await else { continue };
            let asking = HeaderValue::from_static(origin);
            if let Some(fault) = policy.repair(&mut answer.headers, Some(&asking)) {
                self.findings.add(&checks::CORS, fault.as_str(), path(place));
            }
        }
    }

    async fn probe(&mut self, missing: &Answer) -> Vec<Page> {
        let found = endpoints::probe(&self.client, missing).await;
        let mut pages = Vec::new();
        for endpoints::Reachable { row, target, answer } in found {
            let place = path(&target);
            let cure = format!("{}; {}", checks::ENDPOINT.cure, row.advice);
            self.findings.add_cured(&checks::ENDPOINT, &*row.id, place, cure);
            self.judge(&target, &answer);
            pages.push(Page { what: "endpoint", path: place.to_owned(), status: answer.status.as_u16() });
        }
        pages
    }

    fn report(self, mut pages: Vec<Page>, probed: Vec<Page>, leads_elsewhere: bool) -> Report {
        let (score, findings) = self.findings.weigh();
        pages.extend(probed);
        let url = format!("{}{}", self.target.origin(), path(&self.target.page));
        let (requests, limited) = (self.client.asked(), self.client.limited());
        Report { version: 1, url, grade: Grade::of(score), score, requests, limited, leads_elsewhere, pages, findings }
    }
}

fn leads_elsewhere(page: &Answer) -> bool {
    page.status.is_redirection() && page.headers.contains_key(header::LOCATION)
}

/// A path that surely does not exist.
fn nowhere() -> Result<String, Failure> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let mut place = "/cofferdam-audit-".to_owned();
    random.iter().try_for_each(|byte| write!(place, "{byte:02x}")).context("making a path")?;
    Ok(place)
}
