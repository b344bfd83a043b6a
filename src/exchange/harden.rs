//! The last steps of whatever leaves: heads are hardened, pages get their nonces.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use super::{Exchange, Released, Step, compress, media, step::Form, validators};
use crate::{
    incident::Mode,
    response::{self, Nonce, NonceInjector, Reply, ResponseHead},
};

impl Exchange {
    /// A reply of our own, to no response of the upstream's.
    pub(super) fn reply(&mut self, status: StatusCode) -> Reply {
        let mut reply = self.negotiated(status, None);
        self.harden_reply(&mut reply);
        reply
    }

    /// Hardens the fields of a reply of our own, whose page keeps the policy that it brings along, and what else it
    /// brings along keeps working.
    pub(super) fn harden_reply(&mut self, reply: &mut Reply) {
        let fields = &mut reply.headers;
        let page = fields.remove(header::CONTENT_SECURITY_POLICY);
        // Of the route's policy only what needs no nonce stays on such a page.
        self.harden_with(fields, page.is_some());
        if let Some(page) = &page {
            response::keep_page_policy(fields, page);
        }
        reply.inline.admit(fields);
    }

    /// Lets the head go with the first bytes of its body, telling the truth about them.
    pub(super) fn commit(&mut self, body: Released, form: Form, whole: bool) -> Step {
        let Some(mut head) = self.head.take() else { return Step::Release(self.with_nonces(body)) };
        match form {
            Form::AsItCame => {}
            Form::Decoded { masked } => {
                head.headers.remove(header::CONTENT_ENCODING);
                head.headers.remove(header::CONTENT_LENGTH);
                if masked {
                    let had_tag = head.headers.contains_key(header::ETAG);
                    response::remove_body_claims(&mut head.headers);
                    if had_tag && whole {
                        head.headers.insert(header::ETAG, validators::tag(&body));
                    }
                }
            }
        }
        let mut head = self.harden(head);
        let mut body = self.with_nonces(body);
        if whole && self.client_has(&head) {
            return Step::Commit { head: validators::not_modified(head), body: Released::new(), whole };
        }
        if whole && self.engine.compress && self.enforces() {
            body = compress::compress(&mut head.headers, body, self.request.accept_encoding.as_ref());
        }
        Step::Commit { head, body, whole }
    }

    pub(super) fn harden(&mut self, mut head: ResponseHead) -> ResponseHead {
        self.harden_with(&mut head.headers, self.injector.is_some());
        head.reason = head.reason.filter(|_| self.route.headers.mode != Mode::Enforce);
        head
    }

    fn harden_with(&mut self, fields: &mut HeaderMap, nonces: bool) {
        self.cors = self.route.cors.repair(fields, self.request.origin.as_ref()).or(self.cors);
        if let Some(csp) = &self.route.csp {
            csp.apply(fields, nonces.then(|| Nonce::of(&self.facts.seed)).as_ref());
        }
        if let Some(sealing) = &self.route.sealing {
            sealing.seal(fields, &self.facts.seed, self.facts.now, &mut self.sealing);
        }
        self.route.cookies.harden(fields, self.tls, self.facts.now, &mut self.hardening.cookies);
        self.hardening.headers = self.route.headers.harden(fields, self.tls);
    }

    /// What is weak or contradicts in the security fields of the application's pages.
    pub(super) fn review(&mut self, fields: &HeaderMap) {
        if self.route.headers.mode != Mode::Off && media::is_html(fields) {
            self.weak_fields = response::review_fields(fields, self.tls);
        }
    }

    /// HTML that came uncoded gets nonces, where the route's policy has any and is due.
    pub(super) fn begin_nonces(&mut self, head: &mut ResponseHead) {
        let wanted = self.route.csp.as_ref().is_some_and(|csp| csp.wants_nonces(&head.headers));
        if wanted && media::is_html(&head.headers) && !head.headers.contains_key(header::CONTENT_ENCODING) {
            self.injector = Some(NonceInjector::new(&Nonce::of(&self.facts.seed)));
            response::remove_body_claims(&mut head.headers);
        }
    }

    /// What leaves of a body, with nonces where it gets any.
    pub(super) fn with_nonces(&mut self, body: Released) -> Released {
        let Some(injector) = &mut self.injector else { return body };
        let mut out = Vec::with_capacity(body.iter().map(Bytes::len).sum());
        body.iter().for_each(|piece| injector.push(piece, &mut out));
        vec![out.into()]
    }
}
