//! Templates of the proxy's own replies: literal text and three placeholders, nothing that could carry an error.

use http::{HeaderValue, StatusCode};

use super::Format;
use crate::incident::IncidentId;

/// One template per format.
#[derive(Clone, Debug)]
pub struct Templates {
    html: Template,
    json: Template,
    problem: Template,
    text: Template,
}

/// A template of a reply's body, checked when made.
#[derive(Clone, Debug)]
pub struct Template {
    format: Format,
    pieces: Vec<Piece>,
    /// What the page's own style needs beside it; the built-in page alone has one.
    pub(super) content_security_policy: Option<HeaderValue>,
}

/// Why a template was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A placeholder that does not exist.
    #[error("unknown placeholder {{{0}}}; there are {{incident}}, {{status}} and {{title}}")]
    Unknown(String),
    /// The id is what the visitor tells the operator.
    #[error("the placeholder {{incident}} is missing: without the id nobody finds the incident of an error page")]
    NoIncident,
    /// A template of JSON that does not give JSON.
    #[error("filled in, the template is not JSON (line {line}, column {column})")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Larger than [`Template::MAX`].
    #[error("the template has {0} bytes; at most {max} are allowed", max = Template::MAX)]
    TooLarge(usize),
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(Box<str>),
    Incident,
    Status,
    Title,
}

impl Templates {
    /// Replaces the template of its format.
    pub fn set(&mut self, template: Template) {
        match template.format {
            Format::Html => self.html = template,
            Format::Json => self.json = template,
            Format::ProblemJson => self.problem = template,
            Format::Text => self.text = template,
        }
    }

    pub(super) fn get(&self, format: Format) -> &Template {
        match format {
            Format::Html => &self.html,
            Format::Json => &self.json,
            Format::ProblemJson => &self.problem,
            Format::Text => &self.text,
        }
    }
}

/// The built-in pages.
impl Default for Templates {
    fn default() -> Self {
        let built_in = |format, text| Template { format, pieces: pieces(text), content_security_policy: None };
        let csp = Some(HeaderValue::from_static(PAGE_CSP));
        Self {
            html: Template { content_security_policy: csp, ..built_in(Format::Html, HTML) },
            json: built_in(Format::Json, JSON),
            problem: built_in(Format::ProblemJson, PROBLEM),
            text: built_in(Format::Text, TEXT),
        }
    }
}

const HTML: &str = include_str!("pages/error.html");
const JSON: &str = include_str!("pages/error.json");
const PROBLEM: &str = include_str!("pages/problem.json");
const TEXT: &str = include_str!("pages/error.txt");

/// Nothing may load or run; the one style is named by its digest, which a test keeps true.
const PAGE_CSP: &str = "default-src 'none'; style-src 'sha256-CJiKUeNgZhXhlUsjN/QQ9S8BRbNLdNDHgSXdD6JU8NM='; base-uri 'none'; form-action 'none'";

impl Template {
    /// The most bytes of a template.
    pub const MAX: usize = 64 * 1024;

    /// Reads a template. `{incident}` (the id, needed), `{status}` (three digits) and `{title}` (the status' own
    /// phrase) stand for what their names say, escaped as `format` needs; any other word in braces is an error.
    pub fn parse(format: Format, text: &str) -> Result<Self, TemplateError> {
        if text.len() > Self::MAX {
            return Err(TemplateError::TooLarge(text.len()));
        }
        let template = Self { format, pieces: pieces(text), content_security_policy: None };
        template.check()?;
        Ok(template)
    }

    fn check(&self) -> Result<(), TemplateError> {
        let literals =
            self.pieces.iter().filter_map(|piece| if let Piece::Literal(text) = piece { Some(text) } else { None });
        if let Some(word) = literals.into_iter().find_map(|text| placeholders(text).next()) {
            return Err(TemplateError::Unknown(word.to_owned()));
        }
        if !self.pieces.iter().any(|piece| matches!(piece, Piece::Incident)) {
            return Err(TemplateError::NoIncident);
        }
        if matches!(self.format, Format::Json | Format::ProblemJson) {
            let sample = self.fill(StatusCode::IM_A_TEAPOT, IncidentId::from_random([0xab; 12]));
            serde_json::from_str::<serde::de::IgnoredAny>(&sample)
                .map_err(|error| TemplateError::NotJson { line: error.line(), column: error.column() })?;
        }
        Ok(())
    }

    /// Whether what stands in the page may be stopped by a policy that knows nothing of it.
    pub(super) fn needs_digests(&self) -> bool {
        self.format == Format::Html && self.content_security_policy.is_none()
    }

    pub(super) fn fill(&self, status: StatusCode, incident: IncidentId) -> String {
        let mut out = String::with_capacity(1024);
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Incident => self.escape(&incident.to_string(), &mut out),
                Piece::Status => out.push_str(status.as_str()),
                Piece::Title => self.escape(&title(status), &mut out),
            }
        }
        out
    }

    fn escape(&self, text: &str, out: &mut String) {
        for character in text.chars() {
            match (self.format, character) {
                (Format::Html, '&') => out.push_str("&amp;"),
                (Format::Html, '<') => out.push_str("&lt;"),
                (Format::Html, '>') => out.push_str("&gt;"),
                (Format::Html, '"') => out.push_str("&quot;"),
                (Format::Html, '\'') => out.push_str("&#39;"),
                (Format::Json | Format::ProblemJson, '"' | '\\') => out.extend(['\\', character]),
                (_, other) => out.push(other),
            }
        }
    }
}

/// The status' own phrase (RFC 9110 section 15) as a sentence: "Not found".
fn title(status: StatusCode) -> String {
    let fallback = if status.is_client_error() { "Bad request" } else { "Internal server error" };
    let mut words = status.canonical_reason().unwrap_or(fallback).split(' ');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |sentence, word| {
        let is_acronym = word.chars().all(|letter| letter.is_ascii_uppercase());
        sentence + " " + &if is_acronym { word.to_owned() } else { word.to_ascii_lowercase() }
    })
}

fn pieces(mut text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    while !text.is_empty() {
        let known = [("{incident}", Piece::Incident), ("{status}", Piece::Status), ("{title}", Piece::Title)];
        if let Some((word, piece)) = known.into_iter().find(|(word, _)| text.starts_with(word)) {
            pieces.extend([Piece::Literal(std::mem::take(&mut literal).into()), piece]);
            text = &text[word.len()..];
        } else {
            let next = text.char_indices().skip(1).find(|(_, letter)| *letter == '{').map_or(text.len(), |(at, _)| at);
            literal.push_str(&text[..next]);
            text = &text[next..];
        }
    }
    pieces.push(Piece::Literal(literal.into()));
    pieces
}

/// Words of letters and underscores in braces. CSS and JSON never put a bare word there.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(word, _)| word)
        .filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};

    #[test]
    fn the_built_in_templates_pass_their_own_check() {
        for (format, text) in
            [(Format::Html, HTML), (Format::Json, JSON), (Format::ProblemJson, PROBLEM), (Format::Text, TEXT)]
        {
            Template::parse(format, text).unwrap();
        }
    }

    #[test]
    fn the_pages_policy_names_its_style_and_the_page_loads_nothing() {
        let style = HTML.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let digest = STANDARD.encode(Sha256::digest(style));
        assert!(PAGE_CSP.contains(&format!("'sha256-{digest}'")), "the style's digest is {digest}");
        for word in ["src=", "href=", "url(", "@import", "<script", "style=", " onclick", " onload"] {
            assert!(!HTML.contains(word), "{word}");
        }
    }

    #[test]
    fn placeholders_are_filled_and_escaped_as_the_format_needs() {
        let fill = |format, text: &str| {
            let template = Template::parse(format, text).unwrap();
            template.fill(StatusCode::IM_A_TEAPOT, IncidentId::from_random([1; 12]))
        };
        assert_eq!(fill(Format::Html, "{title}|{status}|{incident}"), "I&#39;m a teapot|418|010101010101010101010101");
        assert_eq!(fill(Format::Text, "{title} {{incident}}"), "I'm a teapot {010101010101010101010101}");
        assert_eq!(
            fill(Format::Json, "{\"é\":\"{title}\",\"n\":{status},\"i\":\"{incident}\"}"),
            "{\"é\":\"I'm a teapot\",\"n\":418,\"i\":\"010101010101010101010101\"}"
        );
    }

    #[test]
    fn a_template_that_would_disappoint_is_refused_with_the_reason() {
        let error = |format, text: &str| Template::parse(format, text).unwrap_err();
        assert_eq!(error(Format::Text, "{incident} {detail}"), TemplateError::Unknown("detail".into()));
        assert_eq!(error(Format::Html, "<p>{title}"), TemplateError::NoIncident);
        assert_eq!(error(Format::Json, "{\n\"a\": {incident}}"), TemplateError::NotJson { line: 2, column: 6 });
        assert_eq!(error(Format::Text, &"x".repeat(70_000)), TemplateError::TooLarge(70_000));
        assert!(error(Format::Text, "{x}{incident}").to_string().contains("{x}"));
    }

    #[test]
    fn titles_are_the_statuss_own_phrase_as_a_sentence() {
        for (status, wanted) in [
            (500, "Internal server error"),
            (404, "Not found"),
            (502, "Bad gateway"),
            (414, "URI too long"),
            (499, "Bad request"),
            (599, "Internal server error"),
        ] {
            assert_eq!(title(StatusCode::from_u16(status).unwrap()), wanted);
        }
    }
}
