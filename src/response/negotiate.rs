//! Which format the client gets the proxy's own replies in.

use http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE},
};

use super::Grpc;

/// A format the proxy can answer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `text/html`.
    Html,
    /// `application/json`.
    Json,
    /// `application/problem+json` (RFC 9457); given to those alone who name it.
    ProblemJson,
    /// `text/plain`.
    Text,
}

/// What the client wants of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The format.
    pub format: Format,
    /// The method was HEAD: no body, but the fields that GET would get.
    pub head: bool,
    /// The request was a gRPC call, which no format means anything to.
    pub grpc: Option<Grpc>,
}

impl Wanted {
    /// Reads the request: `Accept` by quality and specificity (RFC 9110 section 12.5.1) first. Among what it
    /// likes equally, `Sec-Fetch-Dest`, then `X-Requested-With`, then the type of the upstream's answer if there
    /// was one, then the order in `Accept` decide. Nothing acceptable counts as no `Accept` at all.
    pub fn by(method: &Method, request: &HeaderMap, upstream: Option<&HeaderMap>) -> Self {
        let liked = liked(request);
        let hints = [destination(request), asked_by_script(request), upstream.and_then(content_type)];
        let hint = hints.into_iter().flatten().find(|hint| liked.contains(hint));
        let format = hint.or_else(|| liked.first().copied()).unwrap_or(Format::Text);
        Self { format, head: method == Method::HEAD, grpc: Grpc::of(request) }
    }
}

/// In the order that decides where nothing else does: a client that says nothing at all reads plain text.
const OFFERS: [Format; 4] = [Format::Text, Format::Html, Format::Json, Format::ProblemJson];

/// The formats that `Accept` likes best, most specifically named first, then in its own order.
fn liked(request: &HeaderMap) -> Vec<Format> {
    let ranges: Vec<_> = request
        .get_all(ACCEPT)
        .iter()
        .flat_map(|field| split(field.as_bytes(), b','))
        .filter_map(Range::parse)
        .collect();
    let mut offers: Vec<_> = OFFERS
        .iter()
        .filter_map(|&format| Some((best_match(&ranges, format)?, format)))
        .filter(|(found, _)| found.quality > 0)
        .collect();
    let best = offers.iter().map(|(found, _)| (found.quality, found.precision.min(Precision::Type))).max();
    offers.retain(|(found, _)| Some((found.quality, found.precision.min(Precision::Type))) == best);
    offers.sort_by_key(|(found, _)| (std::cmp::Reverse(found.precision), found.at));
    match offers.is_empty() {
        true => vec![Format::Text, Format::Html, Format::Json],
        false => offers.into_iter().map(|(_, format)| format).collect(),
    }
}

/// How exactly a range names a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    /// `*/*`.
    Any,
    /// `text/*`, or another JSON type for JSON.
    Type,
    /// The type itself.
    Exact,
}

#[derive(Clone, Copy)]
struct Match {
    precision: Precision,
    /// Thousandths.
    quality: u16,
    /// Where in the list.
    at: usize,
}

struct Range<'a> {
    media: &'a [u8],
    quality: u16,
}

impl<'a> Range<'a> {
    /// `None` for what is no media range; a range with a malformed weight is none either.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let mut parts = split(text, b';').map(<[u8]>::trim_ascii);
        let media = parts.next().filter(|media| media.contains(&b'/'))?;
        let weight = parts.find_map(|part| part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q=")));
        Some(Self { media, quality: weight.map_or(Some(1000), thousandths)? })
    }

    fn precision(&self, format: Format) -> Option<Precision> {
        let is = |name: &str| self.media.eq_ignore_ascii_case(name.as_bytes());
        match format {
            _ if is(format.essence()) => Some(Precision::Exact),
            Format::ProblemJson => None,
            Format::Json if is("application/*") || (is_json(self.media) && !is("application/problem+json")) => {
                Some(Precision::Type)
            }
            Format::Html | Format::Text if is("text/*") => Some(Precision::Type),
            _ => is("*/*").then_some(Precision::Any),
        }
    }
}

impl Format {
    /// The media type without parameters.
    pub fn essence(self) -> &'static str {
        match self {
            Self::Html => "text/html",
            Self::Json => "application/json",
            Self::ProblemJson => "application/problem+json",
            Self::Text => "text/plain",
        }
    }
}

/// The most specific range decides about a format (RFC 9110 section 12.5.1), the first of several.
fn best_match(ranges: &[Range<'_>], format: Format) -> Option<Match> {
    let matches = ranges
        .iter()
        .enumerate()
        .filter_map(|(at, range)| Some(Match { precision: range.precision(format)?, quality: range.quality, at }));
    matches.reduce(|best, next| if next.precision > best.precision { next } else { best })
}

/// A weight of RFC 9110 section 12.4.2: 0 to 1 with at most three decimals.
fn thousandths(weight: &[u8]) -> Option<u16> {
    let (whole, decimals) = match weight {
        [whole @ (b'0' | b'1')] => (whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    if !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |at: usize| decimals.get(at).map_or(0, |digit| u16::from(digit - b'0'));
    Some(u16::from(whole - b'0') * 1000 + digit(0) * 100 + digit(1) * 10 + digit(2)).filter(|weight| *weight <= 1000)
}

/// Splits at `separator` outside of quoted strings.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |&byte| {
        if escaped {
            escaped = false;
        } else if quoted && byte == b'\\' {
            escaped = true;
        } else if byte == b'"' {
            quoted = !quoted;
        }
        byte == separator && !quoted
    })
}

/// jQuery, Rails' and Axios' mark of a request made by script.
fn asked_by_script(request: &HeaderMap) -> Option<Format> {
    let value = request.get("x-requested-with")?;
    value.as_bytes().eq_ignore_ascii_case(b"XMLHttpRequest").then_some(Format::Json)
}

/// What the browser wants the answer for (Fetch Metadata).
fn destination(request: &HeaderMap) -> Option<Format> {
    match request.get("sec-fetch-dest")?.as_bytes() {
        b"document" | b"iframe" | b"frame" | b"fencedframe" | b"embed" | b"object" => Some(Format::Html),
        b"empty" | b"json" | b"script" | b"worker" | b"sharedworker" | b"serviceworker" | b"manifest" | b"report" => {
            Some(Format::Json)
        }
        _ => Some(Format::Text),
    }
}

fn content_type(upstream: &HeaderMap) -> Option<Format> {
    let essence = upstream.get(CONTENT_TYPE).map(HeaderValue::as_bytes)?.split(|&byte| byte == b';').next()?;
    let essence = essence.trim_ascii();
    let is = |name: &str| essence.eq_ignore_ascii_case(name.as_bytes());
    if is("text/html") || is("application/xhtml+xml") {
        Some(Format::Html)
    } else if is_json(essence) {
        Some(Format::Json)
    } else {
        is("text/plain").then_some(Format::Text)
    }
}

fn is_json(media: &[u8]) -> bool {
    let ends =
        |suffix: &[u8]| media.len() >= suffix.len() && media[media.len() - suffix.len()..].eq_ignore_ascii_case(suffix);
    ends(b"/json") || ends(b"+json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wanted(lines: &[(&'static str, &str)], upstream: Option<&'static str>) -> Format {
        let mut request = HeaderMap::new();
        for (name, value) in lines {
            request.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let upstream = upstream.map(|media| HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media))]));
        Wanted::by(&Method::GET, &request, upstream.as_ref()).format
    }

    const CHROME: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

    #[test]
    fn clients_get_what_they_ask_for() {
        for (accept, format) in [
            (CHROME, Format::Html),
            ("application/json", Format::Json),
            ("application/json, text/plain, */*", Format::Json),
            ("*/*; q=0.01, application/json, text/javascript", Format::Json),
            ("text/html;q=0.5, application/json;q=0.9", Format::Json),
            ("text/html;q=0.9, application/json;q=0.5", Format::Html),
            ("application/vnd.github+json", Format::Json),
            ("application/*", Format::Json),
            ("text/plain", Format::Text),
            ("text/*;q=0.3, text/html;q=0.7, */*;q=0.5", Format::Html),
            ("text/html;q=0, */*", Format::Text),
            ("text/html;q=0.2, text/html, application/json;q=0.5", Format::Json),
            ("TEXT/HTML;level=\"1,2;q=0\";Q=1", Format::Html),
            ("application/problem+json", Format::ProblemJson),
            ("application/problem+json, application/json", Format::ProblemJson),
            ("application/json;q=1, application/problem+json;q=0.9", Format::Json),
        ] {
            assert_eq!(wanted(&[("accept", accept)], None), format, "{accept}");
        }
    }

    #[test]
    fn problem_json_goes_to_those_alone_who_name_it() {
        for accept in ["*/*", "application/*", "application/json", "application/*+json", "image/png"] {
            assert_ne!(wanted(&[("accept", accept)], Some("application/problem+json")), Format::ProblemJson);
        }
    }

    #[test]
    fn where_accept_says_nothing_the_request_and_then_the_upstream_decide() {
        let any = ("accept", "*/*");
        for (lines, upstream, format) in [
            (vec![any, ("sec-fetch-dest", "document")], Some("application/json"), Format::Html),
            (vec![any, ("sec-fetch-dest", "iframe")], None, Format::Html),
            (vec![any, ("sec-fetch-dest", "empty")], Some("text/html"), Format::Json),
            (vec![any, ("sec-fetch-dest", "image")], Some("text/html"), Format::Text),
            (vec![("x-requested-with", "xmlhttprequest")], Some("text/html"), Format::Json),
            (vec![any], Some("text/html; charset=utf-8"), Format::Html),
            (vec![any], Some("application/vnd.api+json"), Format::Json),
            (vec![any], Some("image/png"), Format::Text),
            (vec![], None, Format::Text),
            (vec![("accept", "text/html")], Some("application/json"), Format::Html),
            (vec![("accept", CHROME), ("x-requested-with", "XMLHttpRequest")], None, Format::Html),
            (vec![("accept", "image/png")], Some("text/html"), Format::Html),
            (vec![("accept", "nonsense, text/html;q=x")], Some("application/json"), Format::Json),
        ] {
            assert_eq!(wanted(&lines, upstream), format, "{lines:?} {upstream:?}");
        }
    }

    #[test]
    fn head_is_noted_beside_the_format() {
        let by = |method| Wanted::by(&method, &HeaderMap::new(), None);
        assert_eq!(by(Method::HEAD), Wanted { format: Format::Text, head: true, grpc: None });
        assert!(!by(Method::GET).head);
    }

    #[test]
    fn several_fields_are_one_list() {
        assert_eq!(wanted(&[("accept", "text/html;q=0.1"), ("accept", "application/json")], None), Format::Json);
    }

    proptest! {
        #[test]
        fn any_accept_gets_an_answer_and_a_refused_type_is_not_it(text in "[a-z*/;=q0-9., \"\\\\]{0,60}") {
            wanted(&[("accept", &text)], None);
            let refused = format!("text/html;q=0, text/plain;q=0, application/json, {text}");
            prop_assert!(!matches!(wanted(&[("accept", &refused)], Some("text/html")), Format::Html | Format::Text));
        }
    }
}
