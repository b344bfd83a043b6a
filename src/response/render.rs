//! The one way to build a generic reply. It takes a status, an id and a format: no parameter through which the text
//! of an error could travel to a client.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::{Format, InlineSources, Reply, Template, Templates, Wanted, grpc};
use crate::{
    incident::{IncidentId, Refusal},
    request::rate::Limited,
};

/// The field that carries the incident's id beside the body, so that scripts and command-line clients find it:
/// 24 hexadecimal digits. Without `X-` (RFC 6648).
pub const INCIDENT_ID: HeaderName = HeaderName::from_static("incident-id");

/// A reply of the proxy's own: `status`, the id the operator finds the incident by, and the status' own phrase, in
/// the wanted format. `retry_after` in seconds, for 429 and 503. The caller hardens the head as any other.
pub fn reply(
    status: StatusCode,
    incident: IncidentId,
    wanted: Wanted,
    templates: &Templates,
    retry_after: Option<u32>,
) -> Reply {
    if let Some(call) = wanted.grpc {
        return grpc::trailers_only(status, incident, call);
    }
    let template = templates.get(wanted.format);
    let page = template.fill(status, incident);
    let inline = if template.needs_digests() { InlineSources::of(&page) } else { InlineSources::default() };
    let body = Bytes::from(page);
    let mut headers = fields(wanted.format, template, body.len());
    if let Ok(id) = HeaderValue::try_from(incident.to_string()) {
        headers.insert(INCIDENT_ID, id);
    }
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Reply { status, headers, body: if wanted.head { Bytes::new() } else { body }, inline }
}

/// Names the methods a 405 must name (RFC 9110 section 15.5.6); an empty list stands for every common one.
pub fn allow(reply: &mut Reply, methods: &[Method]) {
    let list = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let list = if list.is_empty() { "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS".to_owned() } else { list };
    if let Ok(value) = HeaderValue::try_from(list) {
        reply.headers.insert(header::ALLOW, value);
    }
}

/// Tells the limit that a request is beyond, and when to come again (draft-ietf-httpapi-ratelimit-headers-10).
pub fn limited(reply: &mut Reply, limited: &Limited) {
    let Limited { name, per_minute, retry_after } = *limited;
    reply.headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
    let Some(per_minute) = per_minute else { return };
    let fields = [
        ("ratelimit-policy", format!("\"{name}\";q={per_minute};w=60")),
        ("ratelimit", format!("\"{name}\";r=0;t={retry_after}")),
    ];
    for (field, value) in fields {
        if let Ok(value) = HeaderValue::try_from(value) {
            reply.headers.insert(HeaderName::from_static(field), value);
        }
    }
}

/// The status of a reply that stands in for an upstream's: its own where it blames the client, else 500.
pub fn replacement_status(upstream: StatusCode) -> StatusCode {
    if upstream.is_client_error() { upstream } else { StatusCode::INTERNAL_SERVER_ERROR }
}

/// The status of a reply to what was refused, where nothing more precise is known.
pub fn refusal_status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::BadRequest => StatusCode::BAD_REQUEST,
        Refusal::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Refusal::Method => StatusCode::METHOD_NOT_ALLOWED,
        // As if there were nothing.
        Refusal::DebugEndpoint | Refusal::Patch => StatusCode::NOT_FOUND,
        Refusal::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Refusal::RateLimit => StatusCode::TOO_MANY_REQUESTS,
        Refusal::CrossSite | Refusal::Upgrade => StatusCode::FORBIDDEN,
        Refusal::UpstreamUnreachable | Refusal::UpstreamMalformed => StatusCode::BAD_GATEWAY,
        Refusal::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        Refusal::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Unreadable | Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn fields(format: Format, template: &Template, length: usize) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(format)));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(policy) = &template.content_security_policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    headers
}

/// JSON is UTF-8 and has no charset parameter (RFC 8259 section 11).
fn media_type(format: Format) -> &'static str {
    match format {
        Format::Html => "text/html; charset=utf-8",
        Format::Text => "text/plain; charset=utf-8",
        Format::Json | Format::ProblemJson => format.essence(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

    fn plain(status: u16, format: Format, head: bool) -> Reply {
        let status = StatusCode::from_u16(status).unwrap();
        reply(status, IncidentId::from_random(ID), Wanted { format, head, grpc: None }, &Templates::default(), None)
    }

    fn print(reply: &Reply) -> String {
        let mut out = format!("{}\n", reply.status);
        for (name, value) in &reply.headers {
            out += &format!("{name}: {}\n", value.to_str().unwrap());
        }
        out + "\n" + std::str::from_utf8(&reply.body).unwrap()
    }

    #[test]
    fn replies_look_like_this() {
        insta::assert_snapshot!("html", print(&plain(500, Format::Html, false)));
        insta::assert_snapshot!("json", print(&plain(500, Format::Json, false)));
        insta::assert_snapshot!("problem_json", print(&plain(502, Format::ProblemJson, false)));
        insta::assert_snapshot!("text", print(&plain(404, Format::Text, false)));
    }

    #[test]
    fn json_says_exactly_what_is_promised() {
        let wanted = r#"{"error": "Internal server error", "incident": "000102030405060708090a0b"}"#;
        assert_eq!(plain(500, Format::Json, false).body, wanted);
    }

    #[test]
    fn head_gets_the_fields_of_get_and_no_body() {
        for format in [Format::Html, Format::Json, Format::ProblemJson, Format::Text] {
            let (get, head) = (plain(500, format, false), plain(500, format, true));
            assert_eq!(get.headers, head.headers);
            assert_eq!(get.headers["content-length"], get.body.len().to_string().as_str());
            assert!(head.body.is_empty());
        }
    }

    #[test]
    fn json_of_any_status_parses() {
        for status in 400..600 {
            for format in [Format::Json, Format::ProblemJson] {
                serde_json::from_slice::<serde_json::Value>(&plain(status, format, false).body).unwrap();
            }
        }
    }

    #[test]
    fn retry_after_and_allow_are_said_where_they_belong() {
        let wanted = Wanted { format: Format::Text, head: false, grpc: None };
        let id = IncidentId::from_random(ID);
        let mut reply = reply(StatusCode::SERVICE_UNAVAILABLE, id, wanted, &Templates::default(), Some(30));
        assert_eq!(reply.headers["retry-after"], "30");
        allow(&mut reply, &[Method::GET, Method::HEAD]);
        assert_eq!(reply.headers["allow"], "GET, HEAD");
    }

    #[test]
    fn operators_templates_take_the_place_of_the_built_in_ones() {
        let mut templates = Templates::default();
        templates.set(Template::parse(Format::Html, "<h1>Oops {status} {incident}</h1>").unwrap());
        let wanted = Wanted { format: Format::Html, head: false, grpc: None };
        let reply = reply(StatusCode::BAD_GATEWAY, IncidentId::from_random(ID), wanted, &templates, None);
        assert_eq!(reply.body, "<h1>Oops 502 000102030405060708090a0b</h1>");
        assert!(!reply.headers.contains_key("content-security-policy"));
    }

    #[test]
    fn a_replacement_keeps_the_clients_blame_and_nothing_else() {
        for (upstream, wanted) in [(101, 500), (200, 500), (204, 500), (302, 500), (404, 404), (422, 422), (503, 500)] {
            assert_eq!(replacement_status(StatusCode::from_u16(upstream).unwrap()).as_u16(), wanted);
        }
    }
}
