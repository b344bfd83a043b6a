//! One request and its response, judged: a push machine without I/O, clock, randomness or runtime.
//!
//! Three shells drive it: the hyper proxy, Envoy's ext_proc stream and `cofferdam scan`. They call, in order,
//! [`Exchange::on_request`], [`Exchange::on_response_head`], [`Exchange::on_chunk`] for each piece of the body as
//! it came off the wire, then [`Exchange::finish`]; or [`Exchange::cancel`] when the client has gone.

mod facts;

pub use facts::{Facts, RequestHead, ResponseHead};

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use crate::{
    engine::Engine,
    incident::{Disposition, Incident, Refusal},
    response::Reply,
};

/// What to do with a request.
#[derive(Debug)]
pub enum RequestVerdict {
    /// Send the (rewritten) head and the body to the upstream.
    Forward,
    /// Answer the client with this; the upstream never hears of it.
    Refuse(Reply),
}

/// What to do with a response whose head has arrived.
#[derive(Debug)]
pub enum HeadVerdict {
    /// Send this head; its body needs no inspection and passes as it comes.
    Pass(ResponseHead),
    /// Feed the body to [`Exchange::on_chunk`]; the exchange keeps the head until a step gives it out.
    Inspect,
    /// Answer with this; drop the upstream's body and its connection.
    Replace(Reply),
}

/// What may leave after a piece of the body was judged.
#[derive(Debug)]
pub enum Step {
    /// Nothing yet. Before the head has left this is the state Holding; later, bytes are being withheld.
    Hold,
    /// The head leaves, and with it these bytes. When `whole`, the body is complete and its length is known.
    Commit {
        /// The hardened head.
        head: ResponseHead,
        /// The first bytes of the body.
        body: Released,
        /// Whether `body` is all of it. Then `trailers` may follow.
        whole: bool,
    },
    /// These bytes leave.
    Release(Released),
    /// Nothing of the upstream's response has left or will: answer with this.
    Replace(Reply),
    /// The head has gone: break the connection off, never end it cleanly.
    Sever,
}

/// Bytes that may leave, in order. Empty pieces never occur.
pub type Released = Vec<Bytes>;

/// The end of the exchange, for the record.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub disposition: Disposition,
    /// What was kept back, if anything (or would have been, in observe mode).
    pub incident: Option<Incident>,
}

/// One exchange. See the module's text for the order of calls.
#[derive(Debug)]
pub struct Exchange {
    engine: Arc<Engine>,
    facts: Facts,
}

impl Exchange {
    /// Starts an exchange under one snapshot of the engine.
    pub fn new(engine: Arc<Engine>, facts: Facts) -> Self {
        Self { engine, facts }
    }

    /// Judges the request and rewrites its head for the upstream.
    pub fn on_request(&mut self, head: &mut RequestHead) -> RequestVerdict {
        let _ = (&self.engine, &self.facts, head);
        unimplemented!()
    }

    /// Judges the head of the response.
    pub fn on_response_head(&mut self, head: ResponseHead) -> HeadVerdict {
        let _ = head;
        unimplemented!()
    }

    /// Judges a piece of the body, as it came off the wire (still coded).
    pub fn on_chunk(&mut self, chunk: Bytes) -> Step {
        let _ = chunk;
        unimplemented!()
    }

    /// The shell's timer says that the stream has been quiet: decide what can be decided on what is there, so
    /// that a slow stream is not held for ever. Undecided bytes stay held.
    pub fn on_quiet(&mut self) -> Step {
        unimplemented!()
    }

    /// The body ended as its framing promised. Gives the last bytes, and the trailers that may follow them.
    pub fn on_end(&mut self, trailers: Option<HeaderMap>) -> (Step, Option<HeaderMap>) {
        let _ = trailers;
        unimplemented!()
    }

    /// The upstream's body broke off before its end. [`Step::Replace`] while nothing has left, else [`Step::Sever`].
    pub fn on_upstream_error(&mut self) -> Step {
        unimplemented!()
    }

    /// The shell could not get an answer (or had to refuse): a generic reply, counted under `refusal`.
    pub fn refuse(&mut self, refusal: Refusal) -> Reply {
        let _ = refusal;
        unimplemented!()
    }

    /// The exchange is over and everything released was handed on.
    pub fn finish(self) -> Outcome {
        unimplemented!()
    }

    /// The client went away.
    pub fn cancel(self) -> Outcome {
        unimplemented!()
    }
}
