//! Debug endpoints and files that answer.

use std::time::Duration;

use super::fetch::{Answer, Client};
use crate::request::{EndpointRow, embedded_rows};

/// Between two probes, so that a small application and its rate limits bear them.
const PAUSE: Duration = Duration::from_millis(50);

/// Probes in a row that get no answer; the rest would not either.
const MAX_FAILURES: u32 = 3;

/// An endpoint that is open.
#[derive(Debug)]
pub(super) struct Reachable {
    pub(super) row: EndpointRow,
    pub(super) target: String,
    pub(super) answer: Answer,
}

/// Asks for every endpoint that has a probe. `missing` is what is answered where nothing is: an application that
/// answers everything with the same page has no endpoint for it.
pub(super) async fn probe(client: &Client, missing: &Answer) -> Vec<Reachable> {
    let (mut found, mut failures) = (Vec::new(), 0);
    for row in embedded_rows().unwrap_or_default() {
        for probe in &row.probes {
            if failures >= MAX_FAILURES {
                return found;
            }
            tokio::time::sleep(PAUSE).await;
            let Ok(answer) = client.get(&probe.target, &[]).await else {
                failures += 1;
                continue;
            };
            failures = 0;
            if answer.status.is_success() && shows(&answer, missing, &probe.signs) {
                found.push(Reachable { row: row.clone(), target: probe.target.to_string(), answer });
            }
        }
    }
    found
}

fn shows(answer: &Answer, missing: &Answer, signs: &[Box<str>]) -> bool {
    let stands = |body: &[u8], sign: &str| memchr::memmem::find(body, sign.as_bytes()).is_some();
    signs.iter().any(|sign| stands(&answer.body, sign) && !stands(&missing.body, sign))
}
