//! Asks: `GET` alone, one request after the other, each bounded in time and size.

use std::{cell::Cell, future::poll_fn, net::Ipv4Addr, path::PathBuf, time::Duration};

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header, response::Parts};

use super::target::Target;
use crate::{
    cli::Failure,
    response::ReasonPhrase,
    server::Clock,
    upstream::{
        Protocol, RequestBody, Upstream, UpstreamAddress, UpstreamBody, UpstreamSettings, UpstreamTls, UpstreamTlsFiles,
    },
};

/// For a whole answer, its connection included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a body that are read.
const MAX_BODY: usize = 1 << 20;

/// What was answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// What stands in place of the status' own phrase.
    pub(super) reason: Option<ReasonPhrase>,
    /// As far as it was read.
    pub(super) body: Bytes,
    /// Whether that is all of it.
    pub(super) whole: bool,
}

/// One origin, asked on one connection as far as it allows.
#[derive(Debug)]
pub(super) struct Client {
    upstream: Upstream,
    clock: Clock,
    host: HeaderValue,
    asked: Cell<u32>,
    limited: Cell<u32>,
}

impl Client {
    /// Certificates are checked against the system's authorities, or those of a file.
    pub(super) fn new(target: &Target, authorities: Option<PathBuf>) -> Result<Self, Failure> {
        let host: Box<str> = target.host.trim_matches(['[', ']']).into();
        let tls = match (target.tls, authorities) {
            (true, authorities) => Some(tls(&host, authorities)?),
            (false, None) => None,
            (false, Some(_)) => {
                let (what, hint) = ("there is no certificate to check", "say https://, or leave --ca out");
                return Err(Failure::Usage(what.to_owned(), "flag --ca".to_owned(), hint.to_owned()));
            }
        };
        let address = UpstreamAddress::Tcp { host, port: target.port };
        let settings = UpstreamSettings { tls, max_idle: 1, ..UpstreamSettings::new(address) };
        let clock = Clock::default();
        let host = target.host_field().context("the host is no field value")?;
        Ok(Self {
            upstream: Upstream::new(settings, clock.clone()),
            clock,
            host,
            asked: Cell::new(0),
            limited: Cell::new(0),
        })
    }

    /// How many requests were sent.
    pub(super) fn asked(&self) -> u32 {
        self.asked.get()
    }

    /// How many of them were answered with 429.
    pub(super) fn limited(&self) -> u32 {
        self.limited.get()
    }

    /// Asks for a target on the origin, with further fields; what went wrong in words.
    pub(super) async fn get(&self, target: &str, fields: &[(HeaderName, &str)]) -> Result<Answer, String> {
        let mut request = Request::new(RequestBody::Empty);
        *request.method_mut() = Method::GET;
        *request.uri_mut() = target.parse().map_err(|_| "the target is none".to_owned())?;
        *request.headers_mut() = self.fields(fields);
        self.asked.set(self.asked.get() + 1);
        let answered = tokio::time::timeout(TIMEOUT, self.exchange(request)).await;
        answered.unwrap_or_else(|_| Err(format!("no answer within {} s", TIMEOUT.as_secs())))
    }

    async fn exchange(&self, request: Request<RequestBody>) -> Result<Answer, String> {
        let deadline = self.clock.deadline();
        let auditor = Ipv4Addr::LOCALHOST.into();
        let answer = self.upstream.send(request, auditor, &deadline).await.map_err(|fault| fault.to_string())?;
        self.limited.set(self.limited.get() + u32::from(answer.head.status == StatusCode::TOO_MANY_REQUESTS));
        let (body, whole) = read(answer.body).await;
        let Parts { status, headers, extensions, .. } = answer.head;
        Ok(Answer { status, headers, reason: extensions.get().cloned(), body, whole })
    }

    /// What a browser says of what it wants. No coding, so that a part of a body can be read.
    fn fields(&self, fields: &[(HeaderName, &str)]) -> HeaderMap {
        let mut all = HeaderMap::new();
        all.insert(header::HOST, self.host.clone());
        for (name, value) in [
            (header::USER_AGENT, concat!("cofferdam-audit/", env!("CARGO_PKG_VERSION"))),
            (header::ACCEPT, "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
            (header::ACCEPT_ENCODING, "identity"),
        ] {
            all.insert(name, HeaderValue::from_static(value));
        }
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(value) {
                all.insert(name, value);
            }
        }
        all
    }
}

fn tls(host: &str, authorities: Option<PathBuf>) -> Result<UpstreamTls, Failure> {
    let files = UpstreamTlsFiles { authorities, identity: None };
    UpstreamTls::load(files, host, Protocol::Http1).map_err(|error| {
        let hint = "name the authority of the server's certificate as a PEM file".to_owned();
        Failure::Usage(error.to_string(), "flag --ca".to_owned(), hint)
    })
}

/// Reads up to [`MAX_BODY`]. What breaks off, or is longer, is not whole.
async fn read(mut body: UpstreamBody) -> (Bytes, bool) {
    let mut read = BytesMut::new();
    while !body.is_end() {
        match poll_fn(|cx| body.poll_frame(cx)).await {
            None => break,
            Some(Err(_)) => return (read.freeze(), false),
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                let room = MAX_BODY - read.len();
                read.extend_from_slice(&data[..data.len().min(room)]);
                if data.len() > room {
                    return (read.freeze(), false);
                }
            }
        }
    }
    (read.freeze(), true)
}
