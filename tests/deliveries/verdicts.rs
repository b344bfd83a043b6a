//! What clients see of each delivery.

use std::fmt::Write;

use bytes::Bytes;
use cofferdam::app::{AppSettings, Service};
use http::{HeaderName, HeaderValue, Method};

use crate::{
    application::{self, path},
    case::{Content, Delivery, Twin},
    contents::CONTENTS,
    deliveries,
    reveal::reveal,
    support::{Authority, Seen, Visitor, front, settings, start},
};

/// What a client makes of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Everything that should be there is.
    Arrived(u16),
    /// A page of ours.
    Replaced(u16),
    /// An answer without what should be there.
    Without(u16),
    /// It was broken off.
    Broken,
}

#[tokio::test]
async fn no_delivery_of_a_leak_gets_it_out_to_any_client() {
    let mut failures = String::new();
    let stage = Stage::set().await;
    for (number, content) in CONTENTS.iter().enumerate().filter(|(_, content)| content.leaks) {
        for status in [200, 500] {
            for (at, delivery) in deliveries().enumerate() {
                let verdicts = stage.verdicts(delivery, content, &path(number, status, at), &mut failures).await;
                if verdicts.iter().any(|verdict| *verdict != verdicts[0]) {
                    writeln!(failures, "{} {status} {}: {verdicts:?}", content.name, delivery.name).unwrap();
                }
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[tokio::test]
async fn harmless_content_arrives_at_every_client_in_every_delivery_that_can_be_judged() {
    let mut failures = String::new();
    let stage = Stage::set().await;
    let (number, content) = CONTENTS.iter().enumerate().find(|(_, content)| !content.leaks).unwrap();
    for status in [200, 500] {
        for (at, delivery) in deliveries().enumerate() {
            let verdicts = stage.verdicts(delivery, content, &path(number, status, at), &mut failures).await;
            let is_right = |verdict: &Verdict| match delivery.twin {
                Twin::Arrives => matches!(verdict, Verdict::Arrived(_)),
                Twin::Dropped => matches!(verdict, Verdict::Arrived(_) | Verdict::Without(_)),
                Twin::Refused => matches!(verdict, Verdict::Replaced(_) | Verdict::Broken),
            };
            // What may be dropped may come by HTTP/2 alone, as unannounced trailers do.
            let is_same = delivery.twin == Twin::Dropped || verdicts.iter().all(|verdict| *verdict == verdicts[0]);
            if !is_same || !verdicts.iter().all(is_right) {
                writeln!(failures, "{status} {}: {verdicts:?}", delivery.name).unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// The proxy in front of the application, and its clients.
struct Stage {
    clients: Vec<Visitor>,
    _service: Service,
}

impl Stage {
    async fn set() -> Self {
        let authority = Authority::new();
        let application = application::start().await;
        let mut settings = AppSettings { tls: Some(front(&authority)), ..settings(application) };
        settings.connections.h2c = true;
        let service = start(settings);
        let (plain, tls) = (Visitor::plain(&service), Visitor::tls(&service, &authority.roots()));
        Self { clients: vec![plain.clone(), plain.http2(), tls.clone(), tls.http2()], _service: service }
    }

    /// What each client sees; `failures` is added what leaks.
    async fn verdicts(
        &self,
        delivery: &Delivery,
        content: &Content,
        path: &str,
        failures: &mut String,
    ) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for client in &self.clients {
            let seen = ask(client, delivery, path).await;
            let shown = seen.as_ref().map(shown).unwrap_or_default();
            if content.leaks && content.marks.iter().any(|mark| shown.contains(mark)) {
                writeln!(failures, "{path} {}: {} leaks", content.name, delivery.name).unwrap();
            }
            verdicts.push(verdict(seen, &shown, content));
        }
        // What came behind an answer must not come before the next.
        let after = self.clients[0].get(&application::path(CONTENTS.len() - 1, 200, 0)).await;
        let after = after.map(|seen| shown(&seen)).unwrap_or_default();
        if !after.contains(CONTENTS[CONTENTS.len() - 1].marks[0]) {
            writeln!(failures, "{} {}: and then {after:.300}", content.name, delivery.name).unwrap();
        }
        verdicts
    }
}

async fn ask(client: &Visitor, delivery: &Delivery, path: &str) -> Option<Seen> {
    let mut request = client.request(path, Bytes::new());
    *request.method_mut() = Method::from_bytes(delivery.method.as_bytes()).unwrap();
    for (name, value) in delivery.asks {
        request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    client.ask(request).await.ok()
}

fn verdict(seen: Option<Seen>, shown: &str, content: &Content) -> Verdict {
    match seen {
        Some(seen) if seen.headers.contains_key("incident-id") => Verdict::Replaced(seen.status),
        Some(seen) if content.leaks && seen.broken.is_some() => Verdict::Broken,
        Some(seen) if content.marks.iter().any(|mark| shown.contains(mark)) => Verdict::Arrived(seen.status),
        Some(seen) if seen.broken.is_some() => Verdict::Broken,
        Some(seen) => Verdict::Without(seen.status),
        None => Verdict::Broken,
    }
}

/// All that can be read of an answer.
fn shown(seen: &Seen) -> String {
    let mut fields = Vec::new();
    for (name, value) in seen.headers.iter().chain(seen.trailers.iter().flatten()) {
        fields.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
    }
    [reveal(&fields), reveal(&seen.body)].join("\n")
}
