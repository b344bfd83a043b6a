//! Nonces for a content security policy, put into the `script` and `style` tags of HTML while it streams.
//!
//! A proxy cannot tell the application's own scripts from those that an attacker got the application to print: both
//! get the nonce. What the policy then stops is everything that is not a tag in the page as it was sent: `javascript:`
//! URLs, event handlers in attributes, and scripts that other scripts insert from text.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use memchr::memchr;

use crate::incident::Seed;

/// The nonce of one response: 128 bits in base64, as CSP wants them.
#[derive(Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// The nonce that belongs to the exchange's seed.
    pub fn of(seed: &Seed) -> Self {
        Self(STANDARD.encode(&seed.derive(b"content security policy nonce")[..16]))
    }

    /// The nonce as it stands in the attribute and the policy.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whoever knows the nonce before the page is there can use it.
impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(..)")
    }
}

/// Reads HTML (uncoded, in any charset that keeps ASCII) piece by piece, as browsers tokenize it, and gives it out
/// again with the nonce in every start tag of `script` and `style`. The attribute stands before all others, and of two
/// of one name browsers take the first. Nothing is held back: any split gives the same output.
///
/// Inside SVG and MathML, `style` and `title` are read as in HTML: a script between their tags gets no nonce.
#[derive(Debug)]
pub struct NonceInjector {
    attribute: Vec<u8>,
    state: State,
    /// The name of the tag being read, in lower case, at most [`NAME_MAX`] bytes.
    name: Vec<u8>,
    /// The element whose text ends with its end tag alone; none in markup.
    raw: Option<Raw>,
}

const NAME_MAX: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    /// After `<`.
    Open,
    /// After `</`.
    EndOpen,
    Name(Tag),
    BeforeAttribute(Tag),
    Attribute(Tag),
    AfterAttribute(Tag),
    BeforeValue(Tag),
    Value(Tag, Option<u8>),
    /// After `<!`, with so many dashes.
    Declaration(u8),
    /// In a comment, after so many dashes; the second field is whether a `!` followed them.
    Comment(u8, bool),
    /// Up to the next `>`.
    Bogus,
    /// In the text of [`NonceInjector::raw`], after `<`, `</` or a part of the name.
    RawOpen,
    RawEndOpen,
    RawName(Tag),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Start,
    End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Raw {
    name: Vec<u8>,
    /// What `<!--` and then `<script` did to a script's text.
    escape: Escape,
    /// The last bytes that matter to `<!--` and `-->`.
    last: [u8; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Once,
    Twice,
}

const RAW: [&[u8]; 9] =
    [b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes", b"plaintext"];

impl NonceInjector {
    /// A reader at the start of a page.
    pub fn new(nonce: &Nonce) -> Self {
        let attribute = format!(" nonce=\"{}\"", nonce.as_str()).into_bytes();
        Self { attribute, state: State::Text, name: Vec::with_capacity(NAME_MAX), raw: None }
    }

    /// Appends the piece to `out`, with nonces.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        out.reserve(piece.len());
        let mut at = 0;
        while at < piece.len() {
            if self.state == State::Text && self.raw.is_none() {
                let end = memchr(b'<', &piece[at..]).map_or(piece.len(), |found| at + found);
                out.extend_from_slice(&piece[at..end]);
                at = end;
            }
            let Some(&byte) = piece.get(at) else { break };
            self.byte(byte, out);
            out.push(byte);
            at += 1;
        }
    }

    /// Takes one byte, which the caller prints afterwards.
    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        if let Some(raw) = &mut self.raw {
            raw.see(byte);
        }
        self.state = match self.state {
            State::Text if byte == b'<' && self.raw.is_some() => State::RawOpen,
            State::Text if byte == b'<' => State::Open,
            State::Text => State::Text,
            State::Open => self.open(byte),
            State::EndOpen => self.end_open(byte),
            State::Name(tag) => self.tag_name(tag, byte, out),
            State::BeforeAttribute(tag) => self.before_attribute(tag, byte),
            State::Attribute(tag) => self.attribute(tag, byte),
            State::AfterAttribute(tag) => self.after_attribute(tag, byte),
            State::BeforeValue(tag) => self.before_value(tag, byte),
            State::Value(tag, quote) => self.value(tag, quote, byte),
            State::Declaration(dashes) => declaration(dashes, byte),
            State::Comment(dashes, bang) => comment(dashes, bang, byte),
            State::Bogus if byte == b'>' => State::Text,
            State::Bogus => State::Bogus,
            State::RawOpen => self.raw_open(byte),
            State::RawEndOpen => self.raw_end_open(byte),
            State::RawName(tag) => self.raw_name(tag, byte),
        };
    }

    fn begin_name(&mut self, byte: u8) {
        self.name.clear();
        self.name.push(byte.to_ascii_lowercase());
    }

    fn add_to_name(&mut self, byte: u8) {
        if self.name.len() < NAME_MAX {
            self.name.push(byte.to_ascii_lowercase());
        }
    }

    fn open(&mut self, byte: u8) -> State {
        match byte {
            b'/' => State::EndOpen,
            b'!' => State::Declaration(0),
            b'?' => State::Bogus,
            b'<' => State::Open,
            byte if byte.is_ascii_alphabetic() => {
                self.begin_name(byte);
                State::Name(Tag::Start)
            }
            _ => State::Text,
        }
    }

    fn end_open(&mut self, byte: u8) -> State {
        match byte {
            b'>' => State::Text,
            byte if byte.is_ascii_alphabetic() => {
                self.begin_name(byte);
                State::Name(Tag::End)
            }
            _ => State::Bogus,
        }
    }

    fn tag_name(&mut self, tag: Tag, byte: u8, out: &mut Vec<u8>) -> State {
        if !ends_name(byte) {
            self.add_to_name(byte);
            return State::Name(tag);
        }
        if tag == Tag::Start && matches!(&*self.name, b"script" | b"style") {
            out.extend_from_slice(&self.attribute);
        }
        self.before_attribute(tag, byte)
    }

    fn before_attribute(&mut self, tag: Tag, byte: u8) -> State {
        match byte {
            b'>' => self.close(tag),
            b'/' => State::BeforeAttribute(tag),
            byte if is_space(byte) => State::BeforeAttribute(tag),
            // An `=` here begins a name.
            _ => State::Attribute(tag),
        }
    }

    fn attribute(&mut self, tag: Tag, byte: u8) -> State {
        match byte {
            b'=' => State::BeforeValue(tag),
            b'>' | b'/' => self.before_attribute(tag, byte),
            byte if is_space(byte) => State::AfterAttribute(tag),
            _ => State::Attribute(tag),
        }
    }

    fn after_attribute(&mut self, tag: Tag, byte: u8) -> State {
        match byte {
            b'=' => State::BeforeValue(tag),
            byte if is_space(byte) => State::AfterAttribute(tag),
            byte => self.before_attribute(tag, byte),
        }
    }

    fn before_value(&mut self, tag: Tag, byte: u8) -> State {
        match byte {
            b'"' | b'\'' => State::Value(tag, Some(byte)),
            b'>' => self.close(tag),
            byte if is_space(byte) => State::BeforeValue(tag),
            _ => State::Value(tag, None),
        }
    }

    fn value(&mut self, tag: Tag, quote: Option<u8>, byte: u8) -> State {
        match (quote, byte) {
            (Some(quote), byte) if byte == quote => State::BeforeAttribute(tag),
            (None, b'>') => self.close(tag),
            (None, byte) if is_space(byte) => State::BeforeAttribute(tag),
            _ => State::Value(tag, quote),
        }
    }

    fn close(&mut self, tag: Tag) -> State {
        if tag == Tag::Start && RAW.contains(&&*self.name) {
            self.raw = Some(Raw { name: self.name.clone(), escape: Escape::None, last: [0; 4] });
        }
        State::Text
    }

    fn raw_open(&mut self, byte: u8) -> State {
        let escaped = self.raw.as_ref().is_some_and(|raw| raw.escape == Escape::Once);
        match byte {
            b'/' => State::RawEndOpen,
            b'<' => State::RawOpen,
            byte if escaped && byte.is_ascii_alphabetic() => {
                self.begin_name(byte);
                State::RawName(Tag::Start)
            }
            _ => State::Text,
        }
    }

    fn raw_end_open(&mut self, byte: u8) -> State {
        if byte.is_ascii_alphabetic() {
            self.begin_name(byte);
            return State::RawName(Tag::End);
        }
        if byte == b'<' { State::RawOpen } else { State::Text }
    }

    fn raw_name(&mut self, tag: Tag, byte: u8) -> State {
        if byte.is_ascii_alphabetic() {
            self.add_to_name(byte);
            return State::RawName(tag);
        }
        let named =
            self.raw.as_mut().filter(|raw| ends_name(byte) && raw.name == self.name && raw.name != b"plaintext");
        let Some(raw) = named else { return if byte == b'<' { State::RawOpen } else { State::Text } };
        match (tag, raw.escape) {
            (Tag::Start, _) => raw.escape = Escape::Twice,
            (Tag::End, Escape::Twice) => raw.escape = Escape::Once,
            (Tag::End, Escape::None | Escape::Once) => {
                self.raw = None;
                return self.before_attribute(tag, byte);
            }
        }
        State::Text
    }
}

impl Raw {
    /// Notes what comments in a script's text do to its end tag.
    fn see(&mut self, byte: u8) {
        self.last.rotate_left(1);
        self.last[3] = byte;
        if self.name != b"script" {
            return;
        }
        if self.last == *b"<!--" && self.escape == Escape::None {
            self.escape = Escape::Once;
        } else if self.last[1..] == *b"-->" {
            self.escape = Escape::None;
        }
    }
}

fn declaration(dashes: u8, byte: u8) -> State {
    match (dashes, byte) {
        (0, b'-') => State::Declaration(1),
        // `<!-->` is a whole comment.
        (1, b'-') => State::Comment(2, false),
        (_, b'>') => State::Text,
        _ => State::Bogus,
    }
}

fn comment(dashes: u8, bang: bool, byte: u8) -> State {
    match byte {
        b'>' if dashes >= 2 => State::Text,
        b'-' if bang => State::Comment(1, false),
        b'-' => State::Comment((dashes + 1).min(2), false),
        b'!' if dashes >= 2 && !bang => State::Comment(2, true),
        _ => State::Comment(0, false),
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

fn ends_name(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'/' | b'>')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn injected(html: &str, piece: usize) -> String {
        let nonce = Nonce("N".into());
        let (mut injector, mut out) = (NonceInjector::new(&nonce), Vec::new());
        html.as_bytes().chunks(piece.max(1)).for_each(|piece| injector.push(piece, &mut out));
        String::from_utf8(out).unwrap().replace(" nonce=\"N\"", "!")
    }

    #[test]
    fn scripts_and_styles_get_the_nonce_before_all_their_attributes() {
        for (html, wanted) in [
            ("<script>a</script>", "<script!>a</script>"),
            (
                "<SCRIPT src='>' nonce=x>a</SCRIPT ><style\n>b</style>",
                "<SCRIPT! src='>' nonce=x>a</SCRIPT ><style!\n>b</style>",
            ),
            ("<script/src=a></script>", "<script!/src=a></script>"),
            ("a < b <<script></script>", "a < b <<script!></script>"),
            ("<p title=\"<script>\"><script></script>", "<p title=\"<script>\"><script!></script>"),
            ("<p title=<script>x", "<p title=<script>x"),
            ("<p =\"><script></script>", "<p =\"><script!></script>"),
            ("<scripts><script-x><styles>", "<scripts><script-x><styles>"),
            ("</script x><script></script>", "</script x><script!></script>"),
        ] {
            assert_eq!(injected(html, usize::MAX), wanted);
        }
    }

    #[test]
    fn what_is_text_to_a_browser_gets_none() {
        for html in [
            "<!-- <script> -->",
            "<!doctype html><!-- a -- b <script> --!>",
            "<?x <script>",
            "<textarea><script></textarea>",
            "<title><style></title>",
            "<iframe><script></iframe>",
            "<plaintext><script></plaintext><script>",
        ] {
            assert_eq!(injected(html, usize::MAX), html);
        }
        assert_eq!(injected("<script>'<script><style>'</script>", 9), "<script!>'<script><style>'</script>");
        assert_eq!(injected("<!--><script></script>", 9), "<!--><script!></script>");
        assert_eq!(injected("<!---><style></style>", 9), "<!---><style!></style>");
        assert_eq!(injected("<!a><style></style>", 9), "<!a><style!></style>");
    }

    #[test]
    fn a_script_in_a_comment_in_a_script_hides_one_end_tag() {
        for (html, wanted) in [
            (
                "<script><!--<script></script><style></script><style>",
                "<script!><!--<script></script><style></script><style!>",
            ),
            ("<script><!-- --></script><style>", "<script!><!-- --></script><style!>"),
            ("<script><!--<script>--></script><style>", "<script!><!--<script>--></script><style!>"),
        ] {
            assert_eq!(injected(html, usize::MAX), wanted);
        }
    }

    #[test]
    fn a_nonce_is_128_bits_of_the_seed_and_not_printed() {
        let nonce = |byte| Nonce::of(&Seed::from_random([byte; 32]));
        assert_eq!(nonce(1).as_str().len(), 24);
        assert_ne!(nonce(1), nonce(2));
        assert_eq!(format!("{:?}", nonce(1)), "Nonce(..)");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_and_nothing_is_lost(
            html in "(<|>|/|!|-|=|\"|'| |script|style|title|p|<!--|-->|</script>|<script>){0,40}", piece in 1..9usize,
        ) {
            let whole = injected(&html, usize::MAX);
            prop_assert_eq!(&injected(&html, piece), &whole);
            let nonce = Nonce("N".into());
            let (mut injector, mut out) = (NonceInjector::new(&nonce), Vec::new());
            injector.push(html.as_bytes(), &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap().replace(" nonce=\"N\"", ""), html);
        }
    }
}
