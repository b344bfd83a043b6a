//! An exchange in progress and its record, closed exactly once, also when the client goes away.

use std::rc::Rc;

use http::{HeaderMap, Version};

use super::ProxyBody;
use crate::{
    exchange::Exchange,
    record::{Entry, Recorder},
    response::ResponseHead,
};

/// Dropped before [`Visit::finish`] or [`Visit::close`], it counts as cancelled by the client.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) exchange: Box<Exchange>,
    pub(super) entry: Entry,
    /// What the client speaks.
    version: Version,
    recorder: Rc<Recorder>,
    closed: bool,
}

impl Visit {
    pub(super) fn new(exchange: Box<Exchange>, entry: Entry, version: Version, recorder: Rc<Recorder>) -> Self {
        Self { exchange, entry, version, recorder, closed: false }
    }

    /// Notes what the client is answered.
    pub(super) fn answered(mut self, head: &ResponseHead) -> Self {
        self.entry.status = Some(head.status);
        self
    }

    /// Tells the operator, once per route, that these fields of a response name a development server.
    pub(super) fn report_development_server(&self, fields: &HeaderMap) {
        if let Some(server) = self.exchange.development_server(fields) {
            self.recorder.development_server(self.exchange.route_name(), server);
        }
    }

    /// Whether the client cannot tell a broken response from a complete one: HTTP/1.0 ends bodies by closing.
    pub(super) fn ends_by_closing(&self) -> bool {
        self.version < Version::HTTP_11
    }

    /// Closes the record of a response that leaves whole.
    pub(super) fn finish(mut self, body: &ProxyBody) {
        self.entry.bytes = http_body::Body::size_hint(body).exact().unwrap_or(0);
        self.close();
    }

    /// Closes the record of an answer of which the client wants the head alone. What was judged whole counts as read.
    pub(super) fn finish_head(mut self, whole: bool) {
        if whole {
            return self.close();
        }
        self.closed = true;
        let outcome = self.exchange.finish_head();
        self.recorder.exchange(&self.entry, &outcome);
    }

    /// Closes the record; everything that was to leave has been handed on.
    pub(super) fn close(&mut self) {
        if !std::mem::replace(&mut self.closed, true) {
            let outcome = self.exchange.finish();
            self.recorder.exchange(&self.entry, &outcome);
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if !self.closed {
            let outcome = self.exchange.cancel();
            self.recorder.exchange(&self.entry, &outcome);
        }
    }
}
