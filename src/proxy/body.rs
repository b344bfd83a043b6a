//! The body on its way to the client.
//!
//! [`Inspected::settle`] keeps the head back while the exchange holds; most pages are settled whole and leave with
//! their head in one write. What has left cannot be taken back: from then on there is only release or sever.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use thiserror::Error;

use super::{answer, answer_head, answer_refusal, pause::Pause, respond, visit::Visit};
use crate::{
    exchange::{Released, Step},
    incident::Refusal,
    response::ResponseHead,
    server::Connection,
    upstream::{BodyFault, UpstreamBody},
};

/// What the client gets after the head.
#[derive(Debug)]
pub(crate) enum ProxyBody {
    /// Nothing.
    Empty,
    /// All of it, known beforehand. The record is closed.
    Whole(VecDeque<Bytes>),
    /// What comes from the application, unread.
    Passing(Box<Passing>),
    /// What the exchange releases.
    Inspected(Box<Inspected>),
}

/// The body breaks off; the connection then ends without the end of the message.
#[derive(Debug, Error)]
#[error("the response was broken off")]
pub(crate) struct BrokenOff;

/// An unread body.
#[derive(Debug)]
pub(crate) struct Passing {
    visit: Visit,
    upstream: UpstreamBody,
}

/// How long an inspected body may be silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) quiet: Duration,
    pub(super) body: Duration,
}

/// A body that the exchange reads.
#[derive(Debug)]
pub(crate) struct Inspected {
    visit: Visit,
    upstream: UpstreamBody,
    connection: Rc<Connection>,
    timeouts: Timeouts,
    /// Whether the application keeps us waiting.
    waiting: bool,
    pause: Pause,
    /// Whether silence is in the nature of the body (event streams).
    may_be_silent: bool,
    /// Released and not yet handed on.
    queue: VecDeque<Bytes>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// More may come.
    Open,
    /// The queue is the last of it, perhaps with trailers behind.
    Ending(Option<HeaderMap>),
    /// The queue is the last that came; the application broke off after it, and so do we.
    Breaking(Flush),
    /// Everything has been handed on, or never will be.
    Over,
}

/// HTTP/2 throws away what it has not written yet when a body breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    /// Let it write first.
    Due,
    Done,
}

impl ProxyBody {
    /// Bytes that are there; pieces that are empty are left out.
    pub(super) fn whole(pieces: Released) -> Self {
        let pieces: VecDeque<_> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        if pieces.is_empty() { Self::Empty } else { Self::Whole(pieces) }
    }

    /// A body that passes unread. If it is over before it began, so is the exchange.
    pub(super) fn passing(mut visit: Visit, upstream: UpstreamBody) -> Self {
        if upstream.is_end() {
            visit.close();
            return Self::Empty;
        }
        Self::Passing(Box::new(Passing { visit, upstream }))
    }
}

impl Body for ProxyBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Whole(pieces) => Poll::Ready(pieces.pop_front().map(|piece| Ok(Frame::data(piece)))),
            Self::Passing(passing) => passing.poll_frame(cx),
            Self::Inspected(inspected) => inspected.poll_frame(cx),
        }
    }

    /// An early "yes" would have the trailers left out; a late one costs nothing.
    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole(pieces) => pieces.is_empty(),
            Self::Passing(_) | Self::Inspected(_) => false,
        }
    }

    /// Exact only for what is there: a body is cut to the length this says.
    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(pieces) => SizeHint::with_exact(pieces.iter().map(|piece| piece.len() as u64).sum()),
            Self::Passing(_) | Self::Inspected(_) => SizeHint::default(),
        }
    }
}

impl Passing {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let frame = ready!(self.upstream.poll_frame(cx));
        if self.upstream.is_end() || frame.is_none() {
            self.visit.close();
        }
        let Some(frame) = frame else { return Poll::Ready(None) };
        let Ok(frame) = frame else {
            return Poll::Ready(Some(Err(self.break_off())));
        };
        match frame.into_data() {
            Ok(data) => {
                self.visit.entry.bytes += data.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Err(frame) => {
                Poll::Ready(self.trailers(frame.into_trailers().ok()).map(|frame| Ok(Frame::trailers(frame))))
            }
        }
    }

    fn trailers(&mut self, trailers: Option<HeaderMap>) -> Option<HeaderMap> {
        let (_, trailers) = self.visit.exchange.on_end(trailers);
        self.visit.close();
        trailers
    }

    fn break_off(&mut self) -> BrokenOff {
        drop(self.visit.exchange.on_upstream_error());
        self.visit.close();
        BrokenOff
    }
}

impl Inspected {
    pub(super) fn new(visit: Visit, upstream: UpstreamBody, connection: Rc<Connection>, timeouts: Timeouts) -> Self {
        Self {
            visit,
            upstream,
            connection,
            timeouts,
            waiting: false,
            pause: Pause::default(),
            may_be_silent: false,
            queue: VecDeque::new(),
            state: State::Open,
        }
    }

    /// The head has left with this status; each event leaves as it is judged.
    pub(super) fn streaming(mut self, status: StatusCode) -> Self {
        self.visit.entry.status = Some(status);
        self.may_be_silent = true;
        self
    }

    /// Feeds the body to the exchange until it lets the head go, or gives its reply. In an `async fn` it would stand
    /// twice.
    pub(super) fn settle(self) -> impl Future<Output = Response<ProxyBody>> {
        let mut held = Some(self);
        poll_fn(move |cx| {
            while let Some(inspected) = &mut held {
                let step = ready!(inspected.poll_step(cx));
                if matches!((&step, &inspected.state), (Step::Hold, State::Open)) {
                    continue;
                }
                if let Some(inspected) = held.take() {
                    return Poll::Ready(inspected.settled(step));
                }
            }
            Poll::Pending
        })
    }

    fn settled(self, step: Step) -> Response<ProxyBody> {
        match step {
            // An answer that broke off before its first byte is no answer.
            Step::Sever if matches!(self.state, State::Breaking(_)) => {
                answer_refusal(self.visit, Refusal::UpstreamMalformed)
            }
            Step::Commit { head, body, whole } => self.commit(head, body, whole),
            Step::Replace(reply) => answer(self.visit, reply),
            // There is no head that any of these could follow.
            Step::Hold | Step::Release(_) | Step::Finish(_) | Step::Sever => {
                answer_refusal(self.visit, Refusal::Internal)
            }
        }
    }

    fn commit(mut self, head: ResponseHead, body: Released, whole: bool) -> Response<ProxyBody> {
        let trailers = matches!(self.state, State::Ending(Some(_)));
        if self.visit.exchange.is_for_head() {
            let length = (whole && !trailers).then(|| body.iter().map(Bytes::len).sum());
            return answer_head(self.visit, head, whole, length);
        }
        respond(head, |head| {
            self.visit.entry.status = Some(head.status);
            if whole && !trailers {
                let body = ProxyBody::whole(body);
                self.visit.finish(&body);
                return body;
            }
            self.queue.extend(body);
            self.may_be_silent = self.visit.exchange.may_be_silent();
            ProxyBody::Inspected(Box::new(self))
        })
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        loop {
            if let Some(data) = self.queue.pop_front() {
                if self.queue.is_empty() && self.is_over_unread() {
                    drop(self.on_end(None));
                }
                return Poll::Ready(Some(Ok(self.hand_on(data))));
            }
            if self.visit.exchange.breaks_off() {
                self.break_off();
                continue;
            }
            match &mut self.state {
                State::Open => {}
                State::Ending(trailers) => {
                    let trailers = trailers.take();
                    self.end();
                    return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
                }
                State::Breaking(flush @ Flush::Due) => {
                    *flush = Flush::Done;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                State::Breaking(Flush::Done) => return Poll::Ready(Some(Err(self.sever()))),
                State::Over => return Poll::Ready(None),
            }
            match ready!(self.poll_step(cx)) {
                Step::Hold => {}
                Step::Release(body) | Step::Commit { body, .. } => self.queue.extend(body),
                Step::Finish(body) => {
                    self.queue.extend(body);
                    self.state = State::Ending(None);
                }
                Step::Sever | Step::Replace(_) => return Poll::Ready(Some(Err(self.sever()))),
            }
        }
    }

    /// What has left was the last of a body that leaks: it is written before the connection ends.
    fn break_off(&mut self) {
        self.state = match self.visit.exchange.on_quiet() {
            Step::Finish(body) => {
                self.queue.extend(body);
                State::Ending(None)
            }
            _ => State::Breaking(Flush::Due),
        };
    }

    /// Whether the body goes by unread and nothing more of it will come.
    fn is_over_unread(&self) -> bool {
        matches!(self.state, State::Open) && self.upstream.is_end() && self.visit.exchange.passes_unread()
    }

    /// Hands a piece on. With the last one the record is closed: nobody need ask again who has as many bytes
    /// as were announced.
    fn hand_on(&mut self, data: Bytes) -> Frame<Bytes> {
        self.visit.entry.bytes += data.len() as u64;
        if self.queue.is_empty() && matches!(self.state, State::Ending(None)) {
            self.end();
        }
        Frame::data(data)
    }

    fn end(&mut self) {
        self.state = State::Over;
        self.visit.close();
    }

    fn sever(&mut self) -> BrokenOff {
        self.end();
        if self.visit.ends_by_closing() {
            self.connection.sever();
        }
        BrokenOff
    }

    /// Moves the body on by one judgement.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if self.upstream.is_end() {
            return Poll::Ready(self.on_end(None));
        }
        match self.upstream.poll_frame(cx) {
            Poll::Pending => self.poll_silence(cx),
            Poll::Ready(frame) => {
                self.waiting = false;
                Poll::Ready(self.on_frame(frame))
            }
        }
    }

    fn on_frame(&mut self, frame: Option<Result<Frame<Bytes>, BodyFault>>) -> Step {
        let Some(frame) = frame else { return self.on_end(None) };
        let frame = match frame {
            Ok(frame) => frame,
            Err(BodyFault::Truncated) => return self.on_truncated(),
            Err(BodyFault::Malformed) => return self.visit.exchange.on_upstream_error(),
        };
        match frame.into_data() {
            Ok(data) => self.visit.exchange.on_chunk(data),
            Err(frame) => self.on_end(frame.into_trailers().ok()),
        }
    }

    fn on_truncated(&mut self) -> Step {
        self.state = State::Breaking(Flush::Due);
        self.visit.exchange.on_truncated()
    }

    fn on_end(&mut self, trailers: Option<HeaderMap>) -> Step {
        let (step, trailers) = self.visit.exchange.on_end(trailers);
        if !self.visit.exchange.breaks_off() {
            self.state = State::Ending(trailers);
        }
        step
    }

    /// The application is silent: for a while that is nothing, then harmless words leave, then what is there is judged,
    /// then it is a failure.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let (quiet, overdue) = (&self.connection.quiet_deadline, &self.connection.exchange_deadline);
        if !self.waiting {
            self.waiting = true;
            quiet.set(self.timeouts.quiet);
            overdue.set(self.timeouts.body);
            self.pause.begin(self.visit.exchange.pause());
        }
        if self.pause.poll(cx).is_ready() {
            return Poll::Ready(self.visit.exchange.on_pause());
        }
        if quiet.poll(cx).is_ready() {
            quiet.clear();
            return Poll::Ready(self.visit.exchange.on_quiet());
        }
        if !self.may_be_silent && overdue.poll(cx).is_ready() {
            return Poll::Ready(self.visit.exchange.on_upstream_error());
        }
        // Something must wake us for the other deadline too; both wake the same task.
        quiet.poll(cx).map(|()| Step::Hold)
    }
}
