//! The proxy's own replies to gRPC calls: a status in the fields and nothing else ("Trailers-Only" of the gRPC
//! protocol over HTTP/2). HTTP statuses and error pages mean nothing to gRPC clients.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{self, CONTENT_TYPE},
};

use super::{INCIDENT_ID, InlineSources, Reply};
use crate::incident::IncidentId;

/// The dialect of a call, as its type tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grpc {
    /// `application/grpc`.
    Native,
    /// `application/grpc-web`, for browsers.
    Web,
    /// `application/grpc-web-text`: the same in base64.
    WebText,
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

impl Grpc {
    /// Reads the type of a request; what may follow is the form of messages (`+proto`).
    pub(super) fn of(request: &HeaderMap) -> Option<Self> {
        let value = request.get(CONTENT_TYPE)?.as_bytes().to_ascii_lowercase();
        let name = value.strip_prefix(b"application/grpc")?;
        let end = name.iter().position(|byte| b"+; ".contains(byte)).unwrap_or(name.len());
        match &name[..end] {
            b"" => Some(Self::Native),
            b"-web" => Some(Self::Web),
            b"-web-text" => Some(Self::WebText),
            _ => None,
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Native => "application/grpc",
            Self::Web => "application/grpc-web",
            Self::WebText => "application/grpc-web-text",
        }
    }
}

/// The reply that says `status` in gRPC's own way, and the id the operator finds the incident by.
pub(super) fn trailers_only(status: StatusCode, incident: IncidentId, call: Grpc) -> Reply {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(call.media_type()));
    headers.insert(GRPC_STATUS, HeaderValue::from(grpc_status(status)));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    if let Ok(id) = HeaderValue::try_from(incident.to_string()) {
        headers.insert(INCIDENT_ID, id);
    }
    Reply { status: StatusCode::OK, headers, body: Bytes::new(), inline: InlineSources::default() }
}

/// What gRPC clients make of HTTP statuses themselves, but INTERNAL (13) for errors of the application.
fn grpc_status(status: StatusCode) -> u16 {
    match status.as_u16() {
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 13,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_by_its_type() {
        let of = |text: &'static str| Grpc::of(&[(CONTENT_TYPE, HeaderValue::from_static(text))].into_iter().collect());
        assert_eq!(of("application/grpc"), Some(Grpc::Native));
        assert_eq!(of("Application/gRPC+proto"), Some(Grpc::Native));
        assert_eq!(of("application/grpc-web-text; charset=x"), Some(Grpc::WebText));
        for other in ["application/grpcs", "application/json", "text/application/grpc", ""] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_reply_is_a_status_without_a_word() {
        for (status, wanted) in [(500, "13"), (404, "12"), (502, "14"), (504, "14"), (400, "13"), (422, "13")] {
            let status = StatusCode::from_u16(status).unwrap();
            let reply = trailers_only(status, IncidentId::from_random([0; 12]), Grpc::Web);
            assert_eq!(
                (reply.status.as_u16(), &reply.headers["grpc-status"]),
                (200, &HeaderValue::from_static(wanted))
            );
            assert!(reply.body.is_empty() && !reply.headers.contains_key("grpc-message"));
        }
    }
}
