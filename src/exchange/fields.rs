//! Header and trailer fields, judged: a finding drops the field, or masks the value where a span is known. In an
//! error, a name that carries data instead of naming any drops its field.

mod clean;
mod plain;

use std::ops::Range;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, ValueIter},
};

use super::ledger::Ledger;
use crate::{
    engine::Engine,
    incident::{Category, Disposition, Mode},
    policy::{InspectPolicy, Judgement, Tally, Verdict},
    rules::Action,
    scan::{Block, Finding, Findings, Source},
};

/// Judges all fields at once, as lines of one text, and takes out what leaks. Fields have no prose that could weigh
/// against evidence, so they are judged as an error's are, whatever the status.
pub(super) fn inspect(
    engine: &Engine,
    (status, policy): (u16, &InspectPolicy),
    fields: &mut HeaderMap,
    ledger: &mut Ledger,
) {
    // An application that is well may have its reasons.
    let data_in_names = status >= ERRORS && fields.keys().any(|name| carries_data(name.as_str()));
    if !data_in_names && is_clean(engine, status, fields) {
        return;
    }
    let text = text(fields, |_, _| true);
    let mut found = find(engine, &text, status);
    let mut lines = Lines::of(fields, text);
    found.findings.retain(|finding| {
        !engine.rules.rule(finding.rule).scope.incidental || !lines.are_for_the_client(finding.span())
    });
    let names = if data_in_names { lines.names_with_data() } else { Vec::new() };
    if found.findings.is_empty() && names.is_empty() {
        return;
    }
    ledger.note_names(names.len());
    ledger.note(engine, &lines.text, &found, &noted(policy));
    if policy.mode != Mode::Enforce {
        return;
    }
    for finding in &found.findings {
        let rule = engine.rules.rule(finding.rule);
        if policy.mode_of(rule.category) == Mode::Enforce {
            lines.condemn(finding.span(), rule.action == Action::Mask, engine.rules.token(finding.rule));
        }
    }
    if policy.mode_of(Category::Secret) == Mode::Enforce {
        names.into_iter().for_each(|line| lines.lines[line].fate = Fate::Drop);
    }
    ledger.masked |= lines.apply(fields);
}

/// Whether nothing is found in the fields, which most responses need no more of than that. What can hold no leak is not
/// searched, nor is what was searched before.
fn is_clean(engine: &Engine, status: u16, fields: &HeaderMap) -> bool {
    let text = text(fields, |name, value| !plain::is_plain(name, value));
    let strict = status.max(STRICT);
    if clean::is_known(&engine.rules, strict, &text) {
        return true;
    }
    let is_clean = find(engine, &text, status).findings.is_empty();
    if is_clean && !fields.keys().any(is_for_the_client) {
        clean::remember(&engine.rules, strict, &text);
    }
    is_clean
}

/// Whether a reason phrase leaks: there is no masking in it, since nobody reads it to the letter.
pub(super) fn is_condemned(
    engine: &Engine,
    (status, policy): (u16, &InspectPolicy),
    reason: &[u8],
    ledger: &mut Ledger,
) -> bool {
    let found = find(engine, reason, status);
    if found.findings.is_empty() {
        return false;
    }
    ledger.note(engine, reason, &found, &noted(policy));
    let enforced = |finding: &Finding| policy.mode_of(engine.rules.rule(finding.rule).category) == Mode::Enforce;
    let condemned = policy.mode == Mode::Enforce && found.findings.iter().any(enforced);
    ledger.masked |= condemned;
    condemned
}

fn find(engine: &Engine, text: &[u8], status: u16) -> Findings {
    let source = Source { status: status.max(STRICT), fields: true, json: false, utf7: false };
    let mut found = scan(engine, text, source);
    if let Some(spaced) = with_spaces(text) {
        found.findings.extend(scan(engine, &spaced, source).findings);
    }
    if let Some(unquoted) = without_quoted_pairs(text) {
        found.findings.extend(scan(engine, &unquoted, source).findings);
    }
    found
}

fn noted(policy: &InspectPolicy) -> Judgement {
    Judgement {
        verdict: Verdict::Pass,
        observed: (policy.mode == Mode::Observe).then_some(Disposition::Masked),
        provoked: false,
        tally: Tally::default(),
    }
}

/// Fields whose values the client is to use: tokens, and addresses that it may go to or be asked from.
const FOR_THE_CLIENT: [HeaderName; 8] = [
    header::SET_COOKIE,
    header::AUTHORIZATION,
    header::WWW_AUTHENTICATE,
    header::LINK,
    header::REFRESH,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::CONTENT_SECURITY_POLICY,
    header::CONTENT_SECURITY_POLICY_REPORT_ONLY,
];

/// How more of their names end: `Location`, `Content-Location`, `X-Inertia-Location`, `HX-Redirect`, `X-Auth-Token`.
const FOR_THE_CLIENT_ENDS: [&str; 3] = ["location", "redirect", "token"];

fn is_for_the_client(name: &HeaderName) -> bool {
    FOR_THE_CLIENT.contains(name) || FOR_THE_CLIENT_ENDS.iter().any(|end| name.as_str().ends_with(end))
}

/// Letters and digits without a separator, at least so many, ...
const DATA_MIN: usize = 12;

/// ... that change between letters and digits so often, are no word of a field's name: `x-amz-id-2` and
/// `content-md5` are far from it.
const DATA_CHANGES: usize = 3;

fn carries_data(name: &str) -> bool {
    name.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| word.len() >= DATA_MIN).any(|word| {
        let digits: Vec<bool> = word.bytes().map(|byte| byte.is_ascii_digit()).collect();
        digits.windows(2).filter(|pair| pair[0] != pair[1]).count() >= DATA_CHANGES
    })
}

/// From this status on a response is an error.
const ERRORS: u16 = 400;

/// The status under which one piece of evidence suffices.
const STRICT: u16 = 500;

fn scan(engine: &Engine, text: &[u8], source: Source) -> Findings {
    engine.rules.scan(&Block { bytes: text, own: 0..text.len(), offset: 0 }, source)
}

/// The text with `+` read as a space, as forms do; `None` if there is none.
fn with_spaces(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(b'+', text)?;
    Some(text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect())
}

/// The text without the backslashes of letters and digits, which a quoted string may have before any of them (RFC 9110
/// section 5.6.4): escape characters in their place, which say nothing. `None` if there are too few to hide a word.
fn without_quoted_pairs(text: &[u8]) -> Option<Vec<u8>> {
    let is_pair = |&at: &usize| text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
    let pairs: Vec<_> = memchr::memchr_iter(b'\\', text).filter(is_pair).collect();
    if pairs.len() < PAIRS_MIN {
        return None;
    }
    let mut unquoted = text.to_vec();
    pairs.into_iter().for_each(|at| unquoted[at] = 0x1b);
    Some(unquoted)
}

/// Fewer quoted pairs leave most words of a field whole.
const PAIRS_MIN: usize = 4;

/// The fields as text, one per line, and what is to become of each.
struct Lines {
    text: Vec<u8>,
    lines: Vec<Line>,
    /// Behind the lines: the values of fields that stand more than once, joined, and where.
    joined: Vec<(HeaderName, Range<usize>)>,
}

struct Line {
    name: HeaderName,
    /// Offset of the name in the text.
    start: usize,
    /// Offset of the value in the text.
    value: usize,
    end: usize,
    fate: Fate,
}

enum Fate {
    Keep,
    /// Ranges of the text, ascending, each with its token.
    Mask(Vec<Span>),
    Drop,
}

/// A range of the text and the token that takes its place.
type Span = (Range<usize>, Bytes);

impl Fate {
    /// One more span to mask; without one, the field cannot stay.
    fn worsen(&mut self, span: Option<Span>) {
        *self = match (std::mem::replace(self, Self::Drop), span) {
            (Self::Keep, Some(span)) => Self::Mask(vec![span]),
            (Self::Mask(mut masks), Some(span)) => {
                masks.push(span);
                Self::Mask(masks)
            }
            _ => Self::Drop,
        };
    }
}

/// The text of those fields that are `wanted`.
fn text(fields: &HeaderMap, wanted: impl Fn(&HeaderName, &HeaderValue) -> bool) -> Vec<u8> {
    let text = joined(fields, LINE_END, &wanted);
    if opens_tag(&text) { joined(fields, TAG_END, wanted) } else { text }
}

fn joined(fields: &HeaderMap, line_end: &[u8], wanted: impl Fn(&HeaderName, &HeaderValue) -> bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(512);
    for (name, value) in fields.iter().filter(|(name, value)| wanted(name, value)) {
        for part in [name.as_str().as_bytes(), SEPARATOR, value.as_bytes(), line_end] {
            text.extend_from_slice(part);
        }
    }
    each_split(fields, |_, values| {
        values.for_each(|value| text.extend_from_slice(value.as_bytes()));
        text.extend_from_slice(line_end);
    });
    text
}

impl Lines {
    /// The lines of a text made of these fields.
    fn of(fields: &HeaderMap, text: Vec<u8>) -> Self {
        let line_end = if opens_tag(&text) { TAG_END } else { LINE_END };
        let (mut lines, mut at) = (Vec::with_capacity(fields.len()), 0);
        for (name, field) in fields {
            let value = at + name.as_str().len() + SEPARATOR.len();
            let end = value + field.len();
            lines.push(Line { name: name.clone(), start: at, value, end, fate: Fate::Keep });
            at = end + line_end.len();
        }
        let mut joined = Vec::new();
        each_split(fields, |name, values| {
            let end = at + values.map(HeaderValue::len).sum::<usize>();
            joined.push((name.clone(), at..end));
            at = end + line_end.len();
        });
        debug_assert_eq!(at, text.len());
        Self { text, lines, joined }
    }

    /// The lines whose names carry data.
    fn names_with_data(&self) -> Vec<usize> {
        let names = self.lines.iter().enumerate();
        names.filter(|(_, line)| carries_data(line.name.as_str())).map(|(index, _)| index).collect()
    }

    /// Whether a span reaches into no field but such as the client is to use.
    fn are_for_the_client(&self, span: Range<usize>) -> bool {
        let mut names = self.names_at(span).peekable();
        names.peek().is_some() && names.all(is_for_the_client)
    }

    /// The names of the fields that a span reaches into.
    fn names_at(&self, span: Range<usize>) -> impl Iterator<Item = &HeaderName> {
        let within = move |range: &Range<usize>| span.start < range.end && span.end > range.start;
        let joined = self.joined.iter().map(|(name, range)| (name, range.clone()));
        let all = self.lines.iter().map(|line| (&line.name, line.start..line.end)).chain(joined);
        all.filter(move |(_, range)| within(range)).map(|(name, _)| name)
    }

    fn condemn(&mut self, span: Range<usize>, mask: bool, token: &Bytes) {
        let split = self.joined.iter().find(|(_, range)| range.contains(&span.start));
        for line in self.lines.iter_mut().filter(|line| split.is_some_and(|(name, _)| *name == line.name)) {
            line.fate = Fate::Drop;
        }
        for line in &mut self.lines {
            if span.start < line.end && span.end > line.start {
                let maskable =
                    mask && span.start >= line.value && span.end <= line.end && line.name != header::LOCATION;
                line.fate.worsen(maskable.then(|| (span.clone(), token.clone())));
            }
        }
    }

    /// Rewrites `fields`; whether anything changed.
    fn apply(self, fields: &mut HeaderMap) -> bool {
        if self.lines.iter().all(|line| matches!(line.fate, Fate::Keep)) {
            return false;
        }
        let mut kept = HeaderMap::with_capacity(fields.len());
        for line in self.lines {
            let value = &self.text[line.value..line.end];
            let value = match line.fate {
                Fate::Keep => HeaderValue::from_bytes(value),
                Fate::Mask(masks) => HeaderValue::from_bytes(&masked(&self.text, line.value..line.end, masks)),
                Fate::Drop => continue,
            };
            if let Ok(value) = value {
                kept.append(line.name, value);
            }
        }
        *fields = kept;
        true
    }
}

/// Calls `found` with each name that stands more than once and its values: what is split over two of them is whole
/// where they are joined. `Set-Cookie` is no list, and its values are judged one by one.
fn each_split<'a>(fields: &'a HeaderMap, mut found: impl FnMut(&HeaderName, ValueIter<'a, HeaderValue>)) {
    if fields.len() == fields.keys_len() {
        return;
    }
    let repeated =
        fields.keys().filter(|name| **name != header::SET_COOKIE && fields.get_all(*name).iter().count() > 1);
    repeated.for_each(|name| found(name, fields.get_all(name).iter()));
}

const SEPARATOR: &[u8] = b": ";

/// What ends a line.
const LINE_END: &[u8] = b"\n";

/// What ends it where something looks like a tag in one field, or spells one. It must not reach into the next, which
/// would be no text then: a `<` ends it, and so that no quote of a value holds that off, quotes of both kinds stand
/// before it.
const TAG_END: &[u8] = b"\n\"'<\n";

/// Whether a tag may begin anywhere in the text, or its escape.
fn opens_tag(text: &[u8]) -> bool {
    memchr::memchr3(b'<', b'&', b'\\', text).is_some() || memchr::memchr2(b'%', b'\x1b', text).is_some()
}

fn masked(text: &[u8], value: Range<usize>, mut masks: Vec<Span>) -> Vec<u8> {
    masks.sort_by_key(|(range, _)| range.start);
    let mut out = Vec::with_capacity(value.len());
    let mut at = value.start;
    for (range, token) in masks {
        if range.start >= at {
            out.extend_from_slice(&text[at..range.start]);
            out.extend_from_slice(&token);
        }
        at = at.max(range.end);
    }
    out.extend_from_slice(&text[at..value.end]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incident::FingerprintKey,
        rules::{PACKS, parse_pack},
        scan::Ruleset,
    };

    #[test]
    fn a_tag_that_one_field_opens_and_another_closes_hides_nothing() {
        let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).collect();
        let engine = Engine::with_rules(Ruleset::compile(rules).unwrap(), FingerprintKey::new([1; 32]));
        let key = "-----BEGIN RSA PRIVATE KEY-----MIIEowIBAAKCAQEAx1yqJ8vT0bYkQ2mN5sR7uWzH3dLfGpXcV9aE6tBoKiPjMnSw";
        for (before, behind) in
            [("<a", "b>"), ("<a b=\"", "\">"), ("<a", "\"b\">"), ("</a", ">"), ("&lt;a", "b>"), ("%3Ca", "b>")]
        {
            let mut fields = HeaderMap::new();
            for (name, value) in [("x-a", before), ("x-b", key), ("x-c", behind)] {
                fields.insert(name, HeaderValue::from_static(value));
            }
            inspect(&engine, (200, &InspectPolicy::default()), &mut fields, &mut Ledger::default());
            assert!(fields.get("x-b").is_none_or(|left| left != key), "{before} {behind}");
        }
    }

    #[test]
    fn a_field_of_an_error_whose_name_carries_data_is_dropped_and_reported() {
        let engine = Engine::with_rules(Ruleset::compile(Vec::new()).unwrap(), FingerprintKey::new([1; 32]));
        for (mode, status, left) in [(Mode::Enforce, 404, 1), (Mode::Observe, 500, 2), (Mode::Enforce, 200, 2)] {
            let policy = InspectPolicy { mode, ..InspectPolicy::default() };
            let mut fields = HeaderMap::new();
            fields.insert("x-order-3f9a0c1be82d", HeaderValue::from_static("1"));
            fields.insert("x-order", HeaderValue::from_static("3f9a0c1be82d"));
            let mut ledger = Ledger::default();
            inspect(&engine, (status, &policy), &mut fields, &mut ledger);
            assert_eq!((fields.len(), fields.contains_key("x-order")), (left, true));
            assert_eq!((ledger.masked, ledger.observed.is_some()), (left == 1, mode == Mode::Observe));
            let (hits, ..) = ledger.close(&engine.rules);
            assert_eq!(hits.len(), usize::from(status >= 400));
        }
    }

    #[test]
    fn a_name_is_told_from_data() {
        for name in ["x-load-order-3f9a0c1be82d", "x-akia2e4xq7v5hd3nb6p", "x_7c2d1e9f0a4b"] {
            assert!(carries_data(name), "{name}");
        }
        for name in [
            "x-amz-id-2",
            "x-b3-traceid",
            "content-md5",
            "x-amz-checksum-crc32c",
            "x-ms-blob-content-md5",
            "strict-transport-security",
            "sec-websocket-accept",
            "x-oauth2clientsettings",
            "nel",
            "x-20260101",
        ] {
            assert!(!carries_data(name), "{name}");
        }
    }
}
