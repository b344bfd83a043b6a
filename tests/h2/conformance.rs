//! Runs the cases over TLS and without, and writes down what came of them.

use std::{fmt::Write, path::Path};

use crate::{
    case::{Case, Outcome, Section},
    cases::SECTIONS,
    peer::Peer,
    recorder::Recorder,
    support::cofferdam::Cofferdam,
    tls::{Authority, front, proxy::tcp},
};
use cofferdam::upstream::UpstreamAddress;

const TEXT: &str = "# HTTP/2, case by case

What becomes of each case over TLS, by ALPN, and without it, by prior knowledge (`server.h2c`): `tests/h2/` sends it and
this page is what it saw; `cargo test --test h2` fails where that changes, and leaves the new page in `target/h2-cases.md`.

The numbers are those of h2spec, whose cases these are in words and code of our own; sections without a number are not in
it. \"Asked for\" is what RFC 9113 (RFC 7540 where it has been dropped) or RFC 7541 ask for or allow. \"accepted\" is that
the connection goes on; behind every outcome that leaves it, another request on it is answered. h2spec takes any end of the
connection for any error that is asked for, so what differs in the code of a GOAWAY alone passes there.

";

/// The proxy, in front of an application that reads strictly.
struct Stage {
    recorder: Recorder,
    proxy: Cofferdam,
    authority: Authority,
}

impl Stage {
    fn set() -> Self {
        let recorder = Recorder::start();
        let authority = Authority::new();
        let upstream = UpstreamAddress::Tcp { host: "127.0.0.1".into(), port: recorder.address.port() };
        let proxy = Cofferdam::at(upstream, |settings, _| {
            settings.connections.h2c = true;
            settings.tls = Some(front(&authority));
        });
        Self { recorder, proxy, authority }
    }

    fn plain(&self) -> Peer {
        Peer::plain(self.proxy.address())
    }

    fn tls(&self) -> Peer {
        Peer::tls(tcp(self.proxy.service.listening_tls.as_ref().unwrap()), self.authority.roots())
    }

    /// What comes of it, and what else is wrong.
    fn run(&self, case: &Case, mut peer: Peer) -> (Outcome, Option<String>) {
        if case.opens {
            peer.open();
        }
        let outcome = (case.talk)(&mut peer);
        let again = outcome.leaves_connection().then(|| peer.asked_again());
        let dies = again.filter(|again| *again != Outcome::Answered(200)).map(|again| format!("and then {again}"));
        (outcome, dies.or_else(|| self.misled()))
    }

    /// A request that came to the application and should not, or not so.
    fn misled(&self) -> Option<String> {
        let wrong =
            |request: String| Some(format!("forwarded {request:?}")).filter(|request| request.contains("smuggled"));
        self.recorder.take().into_iter().find_map(|recorded| recorded.map_or_else(Some, wrong))
    }
}

#[test]
fn each_case_comes_out_as_it_may_with_tls_and_without() {
    let stage = Stage::set();
    let (mut page, mut failures) = (TEXT.to_owned() + &count(), String::new());
    for section in SECTIONS {
        begin(&mut page, section);
        for (index, case) in section.cases.iter().enumerate() {
            let (tls, wrong) = stage.run(case, stage.tls());
            let (plain, wrong_plain) = stage.run(case, stage.plain());
            page += &row(section, index, case, (tls, plain));
            let is_right = case.allows(tls) && case.allows(plain) || is_no_preface(case, (tls, plain));
            let wrong = wrong.or(wrong_plain);
            if wrong.is_some() || !is_right {
                writeln!(failures, "{}: {}: {tls}; {plain}; {}", section.title, case.sends, wrong.unwrap_or_default())
                    .unwrap();
            }
        }
    }
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/h2/cases.md");
    if std::fs::read_to_string(&kept).unwrap_or_default() != page {
        std::fs::write(kept.parent().unwrap().join("../../target/h2-cases.md"), page).unwrap();
        failures += "the page has changed: see target/h2-cases.md\n";
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// What does not begin as HTTP/2 is none where nothing else says so.
fn is_no_preface(case: &Case, (tls, plain): (Outcome, Outcome)) -> bool {
    !case.opens && case.allows(tls) && plain == Outcome::Http1(400)
}

fn count() -> String {
    let differ = |section: &&Section| section.cases.iter().filter(|case| case.differs.is_some()).count();
    let (known, own): (Vec<&Section>, Vec<&Section>) = SECTIONS.iter().partition(|section| section.h2spec.is_some());
    let of = |sections: &[&Section]| sections.iter().map(|section| section.cases.len()).sum::<usize>();
    let all = SECTIONS.iter().copied().map(|section| differ(&section)).sum::<usize>();
    format!("{} cases of h2spec and {} of our own; {all} differ from what is asked for.\n", of(&known), of(&own))
}

fn begin(page: &mut String, section: &Section) {
    writeln!(
        page,
        "\n## {}\n\n| h2spec | sent | asked for | comes | differs because |\n|---|---|---|---|---|",
        section.title
    )
    .unwrap();
}

fn row(section: &Section, index: usize, case: &Case, (tls, plain): (Outcome, Outcome)) -> String {
    let number = section.h2spec.map_or_else(String::new, |name| format!("{name}/{}", index + 1));
    let asks: Vec<String> = case.asks.iter().map(Outcome::to_string).collect();
    let comes = if tls == plain { tls.to_string() } else { format!("{tls}; without TLS {plain}") };
    let differs = case.differs.map_or("", |(_, why)| why);
    format!("| {number} | {} | {} | {comes} | {differs} |\n", case.sends, asks.join(", "))
}
