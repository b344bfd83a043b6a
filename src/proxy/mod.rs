//! One exchange on its way: client, judgement, application, judgement, client. Nothing is decided here.

mod body;
mod pause;
mod random;
mod upgrade;
mod visit;

use std::{
    cell::RefCell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::{ArcSwap, Cache};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header, request, response, uri::PathAndQuery};

pub(crate) use self::body::ProxyBody;
use self::{body::Inspected, random::RandomSource, visit::Visit};
use crate::{
    engine::Engine,
    exchange::{Budget, Exchange, Facts, HeadVerdict, RequestVerdict},
    incident::{IncidentId, Refusal},
    record::{Entry, Recorder},
    request::{Peer, RequestHead},
    response::{Reply, ResponseHead},
    server::{Abuse, Clock, Connection, GiveWay, Service, Upload},
    upstream::{Answer, BodyLimit, ClientStorage, Fault, Reading, RequestBody, Upstream, UpstreamBody},
};

/// What the shell itself decides about the timing of an exchange.
#[derive(Clone, Debug)]
pub struct ProxySettings {
    /// How long an upgraded connection may be silent.
    pub tunnel_idle_timeout: Duration,
    /// The moment rates are counted from; the same for all workers.
    pub beginning: Instant,
    /// The memory of all exchanges of all workers together.
    pub budget: Arc<Budget>,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self { tunnel_idle_timeout: Duration::from_secs(600), beginning: Instant::now(), budget: Arc::default() }
    }
}

/// The proxy of one worker.
#[derive(Debug)]
pub(crate) struct Proxy {
    engine: RefCell<Cache<Arc<ArcSwap<Engine>>, Arc<Engine>>>,
    upstream: Upstream,
    recorder: Rc<Recorder>,
    clock: Clock,
    random: RandomSource,
    settings: ProxySettings,
}

impl Proxy {
    pub(crate) fn new(
        engine: Arc<ArcSwap<Engine>>,
        upstream: Upstream,
        recorder: Recorder,
        clock: Clock,
        settings: ProxySettings,
    ) -> Self {
        let engine = RefCell::new(Cache::new(engine));
        Self { engine, upstream, recorder: Rc::new(recorder), clock, random: RandomSource::default(), settings }
    }

    /// What is to be done once per tick.
    pub(crate) fn tick(&self) {
        self.upstream.expire();
        self.recorder.flush();
    }

    /// One exchange.
    async fn handle(&self, request: Request<Upload>, connection: &Rc<Connection>) -> Response<ProxyBody> {
        let (parts, body) = request.into_parts();
        let mut visit = self.begin(&parts, connection);
        let mut head = request_head(parts);
        if let RequestVerdict::Refuse(reply) = visit.exchange.on_request(&mut head) {
            return answer(visit, reply);
        }
        if visit.exchange.whole_body().is_some() {
            // Boxed, like what follows: few applications need it.
            return Box::pin(self.shielded(visit, head, body, connection)).await;
        }
        let body = RequestBody::new(body, connection, self.head_timeout(), body_limit(&visit));
        let request = outgoing(head, body);
        if request.headers().contains_key(header::UPGRADE) {
            return Box::pin(self.switch(visit, request, connection)).await;
        }
        GiveWay::default().await;
        match self.upstream.send(request, visit.exchange.client(), &connection.exchange_deadline).await {
            Ok(answer) => self.judge(visit, answer, connection).await,
            Err(fault) => self.refuse(visit, &fault, connection),
        }
    }

    /// One exchange of which the application is to notice the client's pace neither on the way in nor on the way out.
    async fn shielded(
        &self,
        visit: Visit,
        mut head: RequestHead,
        body: Upload,
        connection: &Rc<Connection>,
    ) -> Response<ProxyBody> {
        let body = match self.whole(&visit, body, connection).await {
            Ok(body) => body,
            Err(fault) => return self.refuse(visit, &fault, connection),
        };
        // The client has been told to go on.
        head.headers.remove(header::EXPECT);
        let request = outgoing(head, body);
        if request.headers().contains_key(header::UPGRADE) {
            return self.switch(visit, request, connection).await;
        }
        match self.upstream.send_shielded(request, visit.exchange.client(), &connection.exchange_deadline).await {
            Ok(answer) => self.judge(visit, answer, connection).await,
            Err(fault) => self.refuse(visit, &fault, connection),
        }
    }

    async fn whole(&self, visit: &Visit, body: Upload, connection: &Rc<Connection>) -> Result<RequestBody, Fault> {
        let Some(limits) = visit.exchange.whole_body().filter(|_| !http_body::Body::is_end_stream(&body)) else {
            return Ok(RequestBody::Empty);
        };
        let guard = body_limit(visit);
        let (storage, clock) = (self.storage(visit), &self.clock);
        let whole = Reading { incoming: body, limits, guard, storage, connection, clock }.read().await?;
        Ok(RequestBody::whole(whole, connection, self.head_timeout()))
    }

    fn storage(&self, visit: &Visit) -> ClientStorage {
        self.upstream.settings().storage.of(visit.exchange.client())
    }

    fn head_timeout(&self) -> Duration {
        self.upstream.settings().head_timeout
    }

    /// Starts the exchange, under one snapshot of the engine.
    fn begin(&self, parts: &request::Parts, connection: &Connection) -> Visit {
        let started = Instant::now();
        let (id, exchange) = self.exchange(connection, started);
        let entry = Entry {
            id,
            peer: connection.peer.address,
            method: parts.method.clone(),
            target: self.recorder.access().then(|| parts.uri.path_and_query().cloned()).flatten(),
            started,
            status: None,
            bytes: 0,
        };
        Visit::new(exchange, entry, parts.version, self.recorder.clone())
    }

    fn exchange(&self, connection: &Connection, started: Instant) -> (IncidentId, Box<Exchange>) {
        let (incident_id, seed) = self.random.next();
        let clock = started.duration_since(self.settings.beginning);
        let facts = Facts { incident_id, peer: connection.peer, now: self.clock.epoch(), clock, seed };
        let engine = self.engine.borrow_mut().load().clone();
        (incident_id, Exchange::new(engine, facts).within(&self.settings.budget))
    }

    /// Judges the head of the answer and, as far as it must be held, the body.
    async fn judge(&self, mut visit: Visit, answer: Answer, connection: &Rc<Connection>) -> Response<ProxyBody> {
        let Answer { head, mut body } = answer;
        if connection.take_oversized() {
            visit.exchange.observe_body();
        }
        visit.report_development_server(&head.headers);
        match visit.exchange.on_response_head(response_head(head)) {
            HeadVerdict::Pass(head) if visit.exchange.is_for_head() => answer_head(visit, head, true, None),
            HeadVerdict::Stream(head) if visit.exchange.is_for_head() => answer_head(visit, head, false, None),
            HeadVerdict::Pass(head) => {
                let body = self.taken_ahead(&visit, body);
                respond(head, |head| ProxyBody::passing(visit.answered(head), body))
            }
            HeadVerdict::Inspect => {
                let body = self.taken_ahead(&visit, body);
                self.inspected(visit, body, connection).settle().await
            }
            HeadVerdict::Stream(head) => {
                body.vacate();
                let inspected = self.inspected(visit, body, connection).streaming(head.status);
                respond(head, |_| ProxyBody::Inspected(Box::new(inspected)))
            }
            HeadVerdict::Upgrade(..) => answer_refusal(visit, Refusal::UpstreamMalformed),
            HeadVerdict::Replace(reply) => self::answer(visit, reply),
        }
    }

    fn taken_ahead(&self, visit: &Visit, body: UpstreamBody) -> UpstreamBody {
        match visit.exchange.whole_body() {
            Some(limits) => body.taken_ahead(limits, &self.storage(visit)),
            None => body,
        }
    }

    fn inspected(&self, visit: Visit, body: UpstreamBody, connection: &Rc<Connection>) -> Inspected {
        let timeouts = body::Timeouts { quiet: visit.exchange.quiet(), body: self.upstream.settings().body_timeout };
        Inspected::new(visit, body, connection.clone(), timeouts)
    }

    /// A request to switch protocols goes over a connection of its own.
    async fn switch(
        &self,
        mut visit: Visit,
        request: Request<RequestBody>,
        connection: &Rc<Connection>,
    ) -> Response<ProxyBody> {
        let shielded = visit.exchange.whole_body().is_some();
        let (client, deadline) = (visit.exchange.client(), &connection.exchange_deadline);
        let answer = match self.upstream.send_switch(request, client, deadline, shielded).await {
            Ok(sent) => sent,
            Err(fault) => return self.refuse(visit, &fault, connection),
        };
        if answer.head.status != StatusCode::SWITCHING_PROTOCOLS {
            return self.judge(visit, answer, connection).await;
        }
        match visit.exchange.on_response_head(response_head(answer.head)) {
            HeadVerdict::Upgrade(head, policy) => {
                visit.entry.status = Some(head.status);
                let idle = (self.clock.deadline(), self.settings.tunnel_idle_timeout);
                connection.switch(upgrade::tunnel(answer.body, visit, policy, idle));
                respond(head, |_| ProxyBody::Empty)
            }
            HeadVerdict::Replace(reply) => self::answer(visit, reply),
            HeadVerdict::Pass(_) | HeadVerdict::Inspect | HeadVerdict::Stream(_) => {
                answer_refusal(visit, Refusal::Upgrade)
            }
        }
    }

    /// There is no usable answer.
    fn refuse(&self, mut visit: Visit, fault: &Fault, connection: &Connection) -> Response<ProxyBody> {
        let fault = match fault {
            _ if !connection.awaits_body() => fault,
            Fault::Timeout => &Fault::RequestTimeout,
            _ => &Fault::Request,
        };
        self.recorder.upstream_failed(visit.entry.id, fault);
        if connection.take_oversized() {
            let reply = visit.exchange.refuse_body();
            return answer(visit, reply);
        }
        answer_refusal(visit, fault.refusal())
    }
}

impl Service for Proxy {
    type Body = ProxyBody;

    fn call(&self, request: Request<Upload>, connection: &Rc<Connection>) -> impl Future<Output = Response<ProxyBody>> {
        self.handle(request, connection)
    }

    fn overloaded(&self, request: Request<Upload>, connection: &Rc<Connection>) -> Response<ProxyBody> {
        let (parts, _) = request.into_parts();
        let mut visit = self.begin(&parts, connection);
        match visit.exchange.on_request(&mut request_head(parts)) {
            RequestVerdict::Refuse(reply) => answer(visit, reply),
            RequestVerdict::Forward => answer_refusal(visit, Refusal::Overloaded),
        }
    }

    fn unread(&self, connection: &Connection, status: StatusCode) -> Response<Bytes> {
        let (id, mut exchange) = self.exchange(connection, Instant::now());
        let Reply { headers, body, .. } = exchange.refuse_unread(status);
        self.recorder.unread(connection.peer, id, status);
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    fn connected(&self, open: bool) {
        self.recorder.connected(open);
    }

    fn abused(&self, peer: Peer, abuse: Abuse) {
        self.recorder.abused(peer, abuse);
    }
}

/// Answers with a reply of our own and closes the record.
fn answer(visit: Visit, reply: Reply) -> Response<ProxyBody> {
    let Reply { status, headers, body, .. } = reply;
    respond(ResponseHead::new(status, headers), |head| {
        let body = ProxyBody::whole(vec![body]);
        visit.answered(head).finish(&body);
        body
    })
}

/// Answers with a head alone. What is not read of the body behind it, and was `whole` or not, is dropped with its
/// connection. A length that the fields do not say is said: GET would get it.
fn answer_head(visit: Visit, mut head: ResponseHead, whole: bool, length: Option<usize>) -> Response<ProxyBody> {
    if let Some(length) = length.filter(|_| head.status != StatusCode::NOT_MODIFIED) {
        head.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    respond(head, |head| {
        visit.answered(head).finish_head(whole);
        ProxyBody::Empty
    })
}

fn body_limit(visit: &Visit) -> Option<BodyLimit> {
    visit.exchange.body_limit().map(|(most, enforced)| BodyLimit { most, enforced })
}

fn answer_refusal(mut visit: Visit, refusal: Refusal) -> Response<ProxyBody> {
    let reply = visit.exchange.refuse(refusal);
    answer(visit, reply)
}

/// The version is always the client's.
fn respond(head: ResponseHead, body: impl FnOnce(&ResponseHead) -> ProxyBody) -> Response<ProxyBody> {
    let mut response = Response::new(body(&head));
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    if let Some(reason) = head.reason {
        response.extensions_mut().insert(reason);
    }
    response
}

fn request_head(parts: request::Parts) -> RequestHead {
    let request::Parts { method, uri, version, headers, .. } = parts;
    RequestHead { method, uri, version, headers }
}

fn response_head(parts: response::Parts) -> ResponseHead {
    let reason = parts.extensions.get().cloned();
    ResponseHead { status: parts.status, headers: parts.headers, reason }
}

/// The request as it is sent: HTTP/1.1 always, with a framing that is ours.
fn outgoing(head: RequestHead, body: RequestBody) -> Request<RequestBody> {
    let unsized_body = !body.is_empty() && http_body::Body::size_hint(&body).exact().is_none();
    let mut request = Request::new(body);
    *request.method_mut() = head.method;
    *request.uri_mut() = origin_form(head.uri);
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = head.headers;
    if unsized_body {
        request.headers_mut().insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    request
}

/// The target never chooses the server, whatever was judged.
fn origin_form(uri: Uri) -> Uri {
    if uri.authority().is_none() {
        return uri;
    }
    let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    Uri::from(path)
}
