//! The pages of the demonstration: what a careless application says, in the shape its framework gives it.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};

use bytes::Bytes;

/// What must become of a page on its way through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// It arrives byte for byte.
    Untouched,
    /// None of its made-up secrets arrives.
    Contained,
    /// It arrives, and its session cookie is out of reach of scripts and of other sites.
    CookiesHardened,
}

/// One page of the leaky application.
#[derive(Debug)]
pub struct Page {
    /// The method to ask with, GET or POST.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// The status of the answer. Leaks often come with 200.
    pub status: u16,
    /// The Content-Type of the answer.
    pub content_type: &'static str,
    /// The Set-Cookie fields of the answer.
    pub cookies: &'static [&'static str],
    /// What must become of it.
    pub promise: Promise,
    /// The body; `@NAME@` stands for a made-up secret.
    template: &'static str,
}

impl Page {
    /// The body in the pieces in which the application writes it: an event stream one event at a time, any
    /// other page whole.
    #[must_use]
    pub fn body(&self, secrets: &Secrets) -> VecDeque<Bytes> {
        let body = secrets.fill(self.template);
        if self.streams() {
            body.split_inclusive("\n\n").map(|event| Bytes::copy_from_slice(event.as_bytes())).collect()
        } else {
            VecDeque::from([Bytes::from(body)])
        }
    }

    /// Whether the page is an event stream, which has no length beforehand.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.content_type == "text/event-stream"
    }
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

const fn healthy(path: &'static str, content_type: &'static str, template: &'static str) -> Page {
    let (method, promise) = ("GET", Promise::Untouched);
    Page { method, path, status: 200, content_type, cookies: &[], promise, template }
}

const fn leak(path: &'static str, status: u16, content_type: &'static str, template: &'static str) -> Page {
    let (method, promise) = ("GET", Promise::Contained);
    Page { method, path, status, content_type, cookies: &[], promise, template }
}

/// Every page, in the order of the table.
pub static PAGES: [Page; 15] = [
    healthy("/", HTML, include_str!("pages/home.html")),
    healthy("/api/accounts", JSON, include_str!("pages/accounts.json")),
    Page { status: 404, ..healthy("/api/accounts/3", JSON, include_str!("pages/missing.json")) },
    healthy("/docs/tracebacks", HTML, include_str!("pages/documentation.html")),
    leak("/settle", 500, HTML, include_str!("pages/werkzeug.html")),
    leak("/orders", 500, HTML, include_str!("pages/better_errors.html")),
    Page {
        method: "POST",
        ..leak("/__better_errors/7f3a90c1d2e4b586/variables", 200, JSON, include_str!("pages/variables.json"))
    },
    leak("/egg/settle", 500, HTML, include_str!("pages/egg.html")),
    leak("/api/settle", 500, JSON, include_str!("pages/traceback.json")),
    leak("/api/settle?quiet", 200, JSON, include_str!("pages/traceback.json")),
    leak("/environment", 200, TEXT, include_str!("pages/environment.txt")),
    leak("/settings", 200, HTML, include_str!("pages/settings.html")),
    leak("/release-notes", 200, HTML, include_str!("pages/release-notes.html")),
    leak("/events", 200, "text/event-stream", include_str!("pages/events.txt")),
    Page {
        cookies: &["session=5f0c8e1b7d; Path=/", "csrftoken=9b2d77aa; Path=/"],
        promise: Promise::CookiesHardened,
        ..healthy("/login", HTML, include_str!("pages/login.html"))
    },
];

/// The page at a path and query, asked with a method.
pub(super) fn find(method: &str, target: &str) -> Option<&'static Page> {
    let asked = if method == "HEAD" { "GET" } else { method };
    PAGES.iter().find(|page| page.path == target && page.method == asked)
}

/// The secrets of one run: made up at the start, so that no rule can know them.
#[derive(Debug)]
pub struct Secrets {
    /// Placeholder and value.
    values: [(&'static str, String); 7],
}

impl Secrets {
    /// Makes up new secrets.
    #[must_use]
    pub fn made_up() -> Self {
        let mut random = Random(RandomState::new());
        Self {
            values: [
                ("@PASSWORD@", random.text(18, ALPHANUMERIC)),
                ("@SESSION@", random.text(18, ALPHANUMERIC)),
                ("@SIGNING_KEY@", random.text(40, HEXADECIMAL)),
                ("@ALPHANUMERIC@", random.text(20, ALPHANUMERIC)),
                ("@AWS_KEY_ID@", format!("AKIA{}", random.text(16, BASE32))),
                ("@AWS_SECRET@", random.text(40, BASE64)),
                ("@PRIVATE_KEY@", private_key(&mut random)),
            ],
        }
    }

    /// Puts the secrets in the place of their names.
    #[must_use]
    pub fn fill(&self, template: &str) -> String {
        self.values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Where the first secret stands in a text: a whole one, or a line of a private key.
    #[must_use]
    pub fn first_in(&self, text: &str) -> Option<usize> {
        let lines = self.values.iter().flat_map(|(_, value)| value.lines());
        lines.filter(|line| !line.starts_with("-----")).filter_map(|line| text.find(line)).min()
    }
}

const HEXADECIMAL: &[u8] = b"0123456789abcdef";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALPHANUMERIC: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Randomness good enough for secrets that protect nothing: the seed of the standard library's hash tables.
struct Random(RandomState);

impl Random {
    fn text(&mut self, length: usize, alphabet: &[u8]) -> String {
        (0..length).filter_map(|_| alphabet.get(self.below(alphabet.len()))).map(|byte| char::from(*byte)).collect()
    }

    fn below(&mut self, bound: usize) -> usize {
        let number = self.0.build_hasher().finish();
        self.0 = RandomState::new();
        usize::try_from(number % bound as u64).unwrap_or_default()
    }
}

/// A private key in shape only: it begins as every RSA key does, and what follows is noise.
fn private_key(random: &mut Random) -> String {
    let label = "RSA PRIVATE KEY";
    let first = format!("MIIEowIBAAKCAQEA{}", random.text(48, BASE64));
    let lines: Vec<_> = std::iter::once(first).chain((0..7).map(|_| random.text(64, BASE64))).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(page: &Page, secrets: &Secrets) -> String {
        page.body(secrets).iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
    }

    #[test]
    fn exactly_the_pages_to_be_contained_carry_a_secret() {
        let secrets = Secrets::made_up();
        for page in &PAGES {
            let leaks = secrets.first_in(&text(page, &secrets)).is_some();
            assert_eq!(leaks, page.promise == Promise::Contained, "{}", page.path);
        }
    }

    #[test]
    fn no_placeholder_remains_and_json_parses() {
        let secrets = Secrets::made_up();
        for page in &PAGES {
            let text = text(page, &secrets);
            assert!(!secrets.values.iter().any(|(name, _)| text.contains(name)), "{}", page.path);
            assert!(page.content_type != JSON || serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }

    #[test]
    fn two_runs_share_no_secret() {
        let (first, second) = (Secrets::made_up(), Secrets::made_up());
        assert!(first.values.iter().zip(&second.values).all(|(one, other)| one.1 != other.1));
    }

    #[test]
    fn an_event_stream_is_written_one_event_at_a_time() {
        let page = find("GET", "/events").expect("the page exists");
        assert_eq!(page.body(&Secrets::made_up()).len(), 4);
    }
}
