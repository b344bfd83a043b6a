//! One request and its response, judged: a push machine without I/O, clock, randomness or runtime.
//!
//! Three shells drive it: the proxy, Envoy's ext_proc stream and `cofferdam scan`. They call, in order,
//! [`Exchange::on_request`], [`Exchange::on_response_head`], [`Exchange::on_chunk`] for each piece of the body as
//! it came off the wire, [`Exchange::on_end`], then [`Exchange::finish`]; or [`Exchange::cancel`] when the client
//! has gone.

mod body;
mod budget;
mod calm;
mod closing;
mod coded;
mod compress;
mod cut;
mod facts;
mod fault;
mod fields;
mod harden;
mod intake;
mod ledger;
mod media;
mod parts;
mod replay;
mod reserve;
mod selftest;
mod silence;
mod step;
mod storm;
mod switch;
mod validators;
mod verdict;
mod websocket;
mod window;

pub use budget::Budget;
pub(crate) use budget::{Exhausted, Share};
pub use facts::Facts;
pub use replay::{Arrival, Replayed, replay, replay_answer, replay_arrivals, replay_at};
pub use selftest::{Failure, selftest};
pub use verdict::{Evidence, HeadVerdict, Outcome, Released, RequestVerdict, Step};
pub use websocket::{MESSAGE_MAX, MessageStep};

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use self::{
    body::Inspection,
    facts::RequestNote,
    ledger::Ledger,
    step::{BodyStep, Cause, Context, Form},
    websocket::Messages,
};
use crate::{
    cookies::weak::Candidate,
    engine::Engine,
    incident::{Disposition, Exemption, Mode, Refusal},
    policy::{RoutePolicy, StoredCopy, Unreadable, UpgradePolicy},
    request::{self, Client, Objection, RequestHead, Upgrade, rate::Attempt},
    response::{self, CorsRepair, HardenReport, NonceInjector, Reply, ResponseHead, SealReport, WeakField},
};

/// Seconds a client is asked to wait after 429 and 503.
const RETRY_AFTER: u32 = 5;

/// One exchange. See the module's text for the order of calls.
#[derive(Debug)]
pub struct Exchange {
    engine: Arc<Engine>,
    facts: Facts,
    route: Arc<RoutePolicy>,
    request: RequestNote,
    /// The status the upstream gave; 0 before it did.
    upstream_status: u16,
    /// The response's head, from its arrival until it leaves.
    head: Option<ResponseHead>,
    /// Boxed, as what is large and not always there.
    body: Option<Box<Inspection>>,
    messages: Option<Box<Messages>>,
    /// What the exchange may hold of the memory for all.
    share: Share,
    /// The route's breaker was open when the response came.
    storm: bool,
    ledger: Ledger,
    /// Whether the client's side is TLS, here or before us.
    tls: bool,
    /// Who asks, by the word of trusted proxies.
    client: IpAddr,
    /// What the guard said, or would have in observe mode.
    objections: Vec<Objection>,
    hardening: HardenReport,
    sealing: SealReport,
    /// A request to sign in, until its response is there.
    attempt: Option<Attempt>,
    cors: Option<CorsRepair>,
    weak_fields: Vec<WeakField>,
    candidates: Vec<Candidate>,
    /// The copies a client has of which the application was not told.
    condition: Option<HeaderValue>,
    /// By what the page will be known if it is clean.
    copies: [Option<StoredCopy>; 2],
    /// Set while the body is HTML that gets nonces.
    injector: Option<NonceInjector>,
    /// Set once; the first reason stands.
    disposition: Option<Disposition>,
}

impl Exchange {
    /// Starts an exchange under one snapshot of the engine.
    pub fn new(engine: Arc<Engine>, facts: Facts) -> Self {
        let route = engine.routes.fallback().clone();
        Self {
            client: facts.peer.address,
            engine,
            facts,
            route,
            request: RequestNote::default(),
            upstream_status: 0,
            head: None,
            body: None,
            messages: None,
            share: Share::unlimited(),
            storm: false,
            ledger: Ledger::default(),
            tls: false,
            objections: Vec::new(),
            hardening: HardenReport::default(),
            sealing: SealReport::default(),
            attempt: None,
            cors: None,
            weak_fields: Vec::new(),
            candidates: Vec::new(),
            condition: None,
            copies: [None; 2],
            injector: None,
            disposition: None,
        }
    }

    /// The same, held to what is left of `budget`. Boxed: it is moved from hand to hand.
    pub fn within(self, budget: &Arc<Budget>) -> Box<Self> {
        let mut exchange = Box::new(self);
        exchange.share = Share::of(budget);
        exchange
    }

    /// Judges the request and rewrites its head for the upstream.
    pub fn on_request(&mut self, head: &mut RequestHead) -> RequestVerdict {
        self.contained(
            |exchange| exchange.judge_request(head),
            |exchange| RequestVerdict::Refuse(exchange.refuse_fault()),
        )
    }

    /// Judges the head of the response.
    pub fn on_response_head(&mut self, head: ResponseHead) -> HeadVerdict {
        self.contained(
            |exchange| exchange.judge_response_head(head),
            |exchange| HeadVerdict::Replace(exchange.refuse_fault()),
        )
    }

    fn judge_request(&mut self, head: &mut RequestHead) -> RequestVerdict {
        self.request = RequestNote::of(head);
        self.route = self.find_route(head);
        self.facts.peer.tls |= self.engine.tls_before_us;
        let client = Client::behind(&self.facts.peer, &self.route.forward.trusted, &head.headers);
        (self.tls, self.client) = (client.tls, client.address);
        if let Err(objection) = request::check(head, &self.route.guard, &mut self.objections) {
            return RequestVerdict::Refuse(self.object(objection));
        }
        if self.request.upgrade == Upgrade::Keep && self.route.upgrades == UpgradePolicy::Refuse {
            return RequestVerdict::Refuse(self.refuse(Refusal::Upgrade));
        }
        if self.request.upgrade == Upgrade::Keep && self.route.upgrades == UpgradePolicy::Inspect && self.enforces() {
            websocket::decline_extensions(&mut head.headers);
        }
        if let Some(reply) = self.route.cors.preflight(head) {
            return RequestVerdict::Refuse(self.answer_preflight(reply));
        }
        self.route.forward.rewrite(head, &self.facts.peer, self.request.upgrade);
        self.judge_conditions(head);
        self.ask_for_page(head);
        self.route.cookies.take_back(&mut head.headers, self.tls, &mut self.hardening.cookies);
        if let Some(sealing) = &self.route.sealing {
            sealing.open(&mut head.headers, self.facts.now, &mut self.sealing);
        }
        self.note_candidates(&head.headers, false);
        match self.admit(head) {
            Ok(()) => RequestVerdict::Forward,
            Err(objection) => RequestVerdict::Refuse(self.object(objection)),
        }
    }

    fn judge_response_head(&mut self, mut head: ResponseHead) -> HeadVerdict {
        self.upstream_status = head.status.as_u16();
        self.storm = self.is_in_storm();
        if let (Some(rate), Some(attempt)) = (&self.route.guard.rate, self.attempt.take()) {
            rate.settle(attempt, head.status, self.facts.clock);
        }
        self.note_candidates(&head.headers, true);
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return self.on_switch(head);
        }
        response::remove_hop_by_hop(&mut head.headers, Upgrade::Drop);
        self.review(&head.headers);
        if self.route.inspect.mode == Mode::Off {
            self.end_as(Disposition::Exempt(Exemption::RouteOff));
            return HeadVerdict::Pass(self.harden(head));
        }
        self.inspect_fields(&mut head.headers);
        self.inspect_reason(&mut head);
        if self.is_bodiless(head.status) {
            self.end_as_read(Disposition::Exempt(Exemption::NoBody));
            return HeadVerdict::Pass(self.harden(head));
        }
        self.note_validators(&head);
        if head.status == StatusCode::PARTIAL_CONTENT && self.route.inspect.unasked_partial == Unreadable::Replace {
            return self.refuse_head(head);
        }
        if self.route.inspect.replace_server_errors && head.status.is_server_error() && self.enforces() {
            self.head = Some(head);
            return HeadVerdict::Replace(self.replace(Cause::Leak));
        }
        if self.is_exempt_type(&head) {
            self.end_as_read(Disposition::Exempt(Exemption::ExemptType));
            return HeadVerdict::Pass(self.harden(head));
        }
        self.begin_body(head)
    }

    /// Judges a piece of the body, as it came off the wire (still coded).
    pub fn on_chunk(&mut self, chunk: Bytes) -> Step {
        let growth = self.body.as_ref().map_or(0, |body| body.growth(chunk.len()));
        if self.reserve(growth).is_err() {
            return self.on_exhausted(chunk);
        }
        let step = self.stepped(|body, cx| body.chunk(cx, chunk));
        match self.reserve(0) {
            // What has been decided leaves; what is held without a place for it does not.
            Err(Exhausted) if matches!(step, Step::Hold) => self.on_exhausted(Bytes::new()),
            _ => step,
        }
    }

    /// Judges bytes of the server of a WebSocket, after [`HeadVerdict::Upgrade`] with [`UpgradePolicy::Inspect`].
    pub fn on_message_bytes(&mut self, bytes: &[u8]) -> MessageStep {
        let held = self.messages.as_ref().map_or(0, |messages| messages.held());
        let step = match self.share.resize(held + bytes.len()) {
            Ok(()) => self.contained(
                |exchange| exchange.judge_messages(bytes),
                |exchange| exchange.messages.get_or_insert_default().fail(),
            ),
            Err(Exhausted) => self.messages.get_or_insert_default().give_up(),
        };
        if !self.enforces() {
            return MessageStep::Release(vec![Bytes::copy_from_slice(bytes)]);
        }
        if matches!(step, MessageStep::Close(_)) {
            self.end_as(Disposition::Severed);
        }
        step
    }

    fn judge_messages(&mut self, bytes: &[u8]) -> MessageStep {
        let mut context = Context {
            engine: &self.engine,
            policy: &self.route.inspect,
            status: self.upstream_status,
            storm: self.storm,
            ledger: &mut self.ledger,
        };
        self.messages.get_or_insert_default().push(&mut context, bytes)
    }

    /// The body ended as its framing promised. Gives the last bytes, and the trailers that may follow them.
    pub fn on_end(&mut self, trailers: Option<HeaderMap>) -> (Step, Option<HeaderMap>) {
        let step = self.stepped(|body, cx| body.end(cx));
        let clean = matches!(step, Step::Hold | Step::Commit { .. } | Step::Release(_)) && !self.breaks_off();
        let trailers = trailers.filter(|_| clean).and_then(|trailers| self.judge_trailers(trailers));
        if clean {
            self.end_as_read(Disposition::InspectedClean);
        }
        (step, trailers)
    }

    /// The upstream went away in the middle of its body. What had come is judged as if it were all; what of it may
    /// leave and is not half of something is given out, and the shell breaks off after it.
    pub fn on_truncated(&mut self) -> Step {
        match self.stepped(|body, cx| body.break_in(cx)) {
            Step::Commit { head, body, .. } => {
                self.end_as_read(Disposition::Truncated);
                Step::Commit { head, body, whole: false }
            }
            Step::Release(body) => {
                self.end_as_read(Disposition::Truncated);
                Step::Release(body)
            }
            Step::Hold if self.is_for_head() && self.head.is_some() => {
                self.end_as_read(Disposition::Truncated);
                // Nothing follows such a head: it says nothing of the page's body once its claims about it are gone.
                self.commit(Released::new(), Form::Decoded { masked: true }, false)
            }
            Step::Hold => {
                if self.head.is_none() {
                    self.end_as_read(Disposition::Truncated);
                }
                Step::Sever
            }
            step => step,
        }
    }

    /// The upstream's body is not acceptable HTTP or did not come in time: [`Step::Replace`] while nothing has left, else [`Step::Sever`].
    pub fn on_upstream_error(&mut self) -> Step {
        self.end_as(Disposition::Refused(Refusal::UpstreamMalformed));
        match self.head.take() {
            Some(_) => Step::Replace(self.reply(StatusCode::BAD_GATEWAY)),
            None => Step::Sever,
        }
    }

    /// The shell could not get an answer (or had to refuse): a generic reply, counted under `refusal`.
    pub fn refuse(&mut self, refusal: Refusal) -> Reply {
        self.end_as(Disposition::Refused(refusal));
        self.reply(response::refusal_status(refusal))
    }

    /// Whether what was given out is the last of the body: the next step, whatever call asks for it, breaks it off.
    pub fn breaks_off(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.broken().is_some())
    }

    /// Whether the body goes by unread, for which the shell need not ask.
    pub fn passes_unread(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.is_passed())
    }

    fn enforces(&self) -> bool {
        self.route.inspect.mode == Mode::Enforce
    }

    fn is_bodiless(&self, status: StatusCode) -> bool {
        self.is_for_head() && !self.reads_for_head() || matches!(status.as_u16(), 204 | 205 | 304)
    }

    /// Several types contradict each other and exempt nothing.
    fn is_exempt_type(&self, head: &ResponseHead) -> bool {
        let mut types = head.headers.get_all(header::CONTENT_TYPE).iter();
        match (types.next().map(HeaderValue::to_str), types.next()) {
            (Some(Ok(media_type)), None) => self.route.inspect.exempts(media_type),
            _ => false,
        }
    }

    /// Sets up the inspection of the body, or refuses what cannot be read.
    fn begin_body(&mut self, mut head: ResponseHead) -> HeadVerdict {
        let Ok(inspection) = media::inspection(&head.headers, &self.route.inspect) else {
            return self.refuse_head(head);
        };
        let streams = inspection.streams();
        self.body = Some(Box::new(inspection));
        if self.reserve(0).is_err() {
            return self.on_exhausted_head(head);
        }
        self.begin_nonces(&mut head);
        if streams {
            return HeadVerdict::Stream(self.harden(head));
        }
        self.head = Some(head);
        HeadVerdict::Inspect
    }

    /// What cannot be read does not pass, unless the route says so.
    fn refuse_head(&mut self, head: ResponseHead) -> HeadVerdict {
        if self.enforces() && self.route.inspect.unreadable == Unreadable::Replace {
            self.head = Some(head);
            return HeadVerdict::Replace(self.replace(Cause::Unreadable));
        }
        self.end_as(Disposition::Exempt(Exemption::Undecodable));
        HeadVerdict::Pass(self.harden(head))
    }

    fn drive(&mut self, call: impl FnOnce(&mut Inspection, &mut Context<'_>) -> BodyStep) -> Step {
        let Some(body) = &mut self.body else { return Step::Hold };
        let mut context = Context {
            engine: &self.engine,
            policy: &self.route.inspect,
            status: self.upstream_status,
            storm: self.storm,
            ledger: &mut self.ledger,
        };
        let step = call(body, &mut context);
        if let Some(cause) = body.broken() {
            self.end_as(severed(cause));
        }
        match step {
            BodyStep::Hold => Step::Hold,
            BodyStep::Release(bytes) => Step::Release(self.with_nonces(bytes)),
            BodyStep::Commit { body, form, whole } => self.commit(body, form, whole),
            BodyStep::Replace(cause) => Step::Replace(self.replace(cause)),
            BodyStep::Sever(cause) => self.sever(cause),
        }
    }

    fn replace(&mut self, cause: Cause) -> Reply {
        self.end_as(match cause {
            Cause::Leak => Disposition::Replaced,
            Cause::Unreadable => Disposition::Refused(Refusal::Unreadable),
        });
        self.injector = None;
        let upstream = self.head.take();
        let status = StatusCode::from_u16(self.upstream_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let status = response::replacement_status(status);
        let mut reply = self.negotiated(status, upstream.as_ref());
        if let Some(upstream) = upstream {
            response::carry_over(&upstream.headers, status, &mut reply.headers);
        }
        self.harden_reply(&mut reply);
        reply
    }

    /// An event stream can still say that it ends; everything else breaks off.
    fn sever(&mut self, cause: Cause) -> Step {
        self.end_as(severed(cause));
        match self.body.as_ref().and_then(|body| body.farewell(&self.facts.incident_id)) {
            Some(event) => Step::Finish(vec![event]),
            None => Step::Sever,
        }
    }

    fn negotiated(&self, status: StatusCode, upstream: Option<&ResponseHead>) -> Reply {
        let wanted = self.request.wanted(upstream.map(|head| &head.headers));
        let retry_after = matches!(status.as_u16(), 429 | 503).then_some(RETRY_AFTER);
        response::reply(status, self.facts.incident_id, wanted, &self.engine.templates, retry_after)
    }

    fn inspect_fields(&mut self, headers: &mut HeaderMap) {
        let source = (self.upstream_status, &self.route.inspect);
        fields::inspect(&self.engine, source, headers, &mut self.ledger);
    }

    fn inspect_reason(&mut self, head: &mut ResponseHead) {
        let Some(reason) = &head.reason else { return };
        let source = (self.upstream_status, &self.route.inspect);
        if fields::is_condemned(&self.engine, source, reason.as_bytes(), &mut self.ledger) {
            head.reason = None;
        }
    }

    /// Settles how the exchange ends, if that is still open.
    fn end_as(&mut self, disposition: Disposition) {
        self.disposition.get_or_insert(disposition);
    }

    /// Settles the end of a response that was read: masked if anything was, else as given.
    fn end_as_read(&mut self, otherwise: Disposition) {
        let masked = self.ledger.masked || self.body.as_ref().is_some_and(|body| body.masked());
        let exempt = self.body.as_ref().and_then(|body| body.exemption()).map(Disposition::Exempt);
        self.end_as(if masked { Disposition::Masked } else { exempt.unwrap_or(otherwise) });
    }
}

fn severed(cause: Cause) -> Disposition {
    match cause {
        Cause::Leak => Disposition::Severed,
        Cause::Unreadable => Disposition::Refused(Refusal::Unreadable),
    }
}
