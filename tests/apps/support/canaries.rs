//! Random marks planted in an application, and the search for them in what a visitor got.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::Answer;

/// Where a canary is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Plant {
    /// In the text of the program, where a debugger quotes it.
    Source,
    /// In the environment, as the password of a database.
    Password,
    /// In the configuration the framework holds.
    Config,
    /// In the session of the visitor.
    Session,
    /// In the message of the exception, among characters that every format escapes differently.
    Customer,
}

const PLANTS: [Plant; 5] = [Plant::Source, Plant::Password, Plant::Config, Plant::Session, Plant::Customer];

/// As many characters of a canary in a row count as the canary: a mask that begins too late is a leak.
const TELLING_LENGTH: usize = 12;

/// One run's canaries: 20 random hexadecimal digits each, so that no rule can know them.
pub(crate) struct Canaries {
    marks: Vec<(Plant, String)>,
}

impl Canaries {
    pub(crate) fn random() -> Self {
        Self { marks: PLANTS.into_iter().map(|plant| (plant, random_digits())).collect() }
    }

    pub(crate) fn mark(&self, plant: Plant) -> &str {
        let (_, mark) = self.marks.iter().find(|(at, _)| *at == plant).expect("every plant has its mark");
        mark
    }

    /// What the environment of the application carries.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("LEDGER_DB_PASSWORD", self.mark(Plant::Password).to_owned()),
            ("LEDGER_SESSION", self.mark(Plant::Session).to_owned()),
            ("LEDGER_CUSTOMER", format!("O'Hara & <{}> 50%", self.mark(Plant::Customer))),
        ]
    }

    /// Puts the canaries into a source file of the application.
    pub(crate) fn plant(&self, source: &str) -> String {
        let source = source.replace("CANARY_SOURCE", self.mark(Plant::Source));
        source.replace("CANARY_CONFIG", self.mark(Plant::Config))
    }

    /// Which canaries the visitor can read in the head or the body, in any spelling.
    pub(crate) fn readable_in(&self, answer: &Answer) -> BTreeSet<Plant> {
        let views = spellings(answer);
        let readable = |mark: &str| views.iter().any(|view| shows(view, mark));
        self.marks.iter().filter(|(_, mark)| readable(mark)).map(|(plant, _)| *plant).collect()
    }
}

fn random_digits() -> String {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("writing to a string");
        digits
    })
}

fn shows(view: &str, mark: &str) -> bool {
    (0..=mark.len() - TELLING_LENGTH).any(|start| view.contains(&mark[start..start + TELLING_LENGTH]))
}

fn spellings(answer: &Answer) -> Vec<String> {
    let raw = String::from_utf8_lossy(&answer.raw).into_owned();
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let html = unescape(&body, "&#x", 16, true);
    let html = unescape(&html, "&#", 10, true);
    let json = unescape(&body, "\\u", 16, false);
    let percent = unescape(&body, "%", 16, false);
    vec![raw, body, html, json, percent]
}

/// Replaces every character reference that starts with `opening`: digits of `radix`, closed by `;` where
/// `closed`, otherwise of the fixed width of that spelling.
fn unescape(text: &str, opening: &str, radix: u32, closed: bool) -> String {
    let width = if opening == "%" { 2 } else { 4 };
    let mut pieces = text.split(opening);
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = if closed { piece.find(';') } else { Some(width) };
        let code = end.and_then(|end| piece.get(..end)).and_then(|digits| u32::from_str_radix(digits, radix).ok());
        match (code.and_then(char::from_u32), end) {
            (Some(character), Some(end)) => {
                plain.push(character);
                plain.push_str(&piece[end + usize::from(closed)..]);
            }
            _ => {
                plain.push_str(opening);
                plain.push_str(piece);
            }
        }
    }
    plain
}

#[test]
fn a_canary_is_found_in_every_spelling_and_in_part() {
    let canaries = Canaries { marks: vec![(Plant::Source, "0123456789abcdef0123".to_owned())] };
    let spelled = [
        "0123456789abcdef0123",
        "&#x30;123456789abcdef",
        "&#48;123456789abcdef",
        "\\u0030123456789abc",
        "%30123456789abc",
    ];
    for text in spelled {
        let answer = Answer::of_body(text);
        assert!(canaries.readable_in(&answer).contains(&Plant::Source), "{text}");
    }
    assert!(canaries.readable_in(&Answer::of_body("0123456789a [redacted:key]")).is_empty());
}
