//! What is decided about a request beside its head: its route, its rate, the answers of our own.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::Exchange;
use crate::{
    cookies::weak::Candidate,
    incident::{Disposition, Exemption, Refusal},
    policy::{RoutePolicy, WholeBody},
    request::{CanonicalPath, Objection, RequestHead},
    response::{self, DevelopmentServer, Reply},
};

impl Exchange {
    /// The policy for the request, whatever way its path is spelt.
    pub(super) fn find_route(&self, head: &RequestHead) -> Arc<RoutePolicy> {
        let routes = &self.engine.routes;
        if routes.is_uniform() {
            return routes.fallback().clone();
        }
        let path = CanonicalPath::of(head.uri.path());
        routes.find(self.request.host(), &String::from_utf8_lossy(path.as_bytes()), &head.method).clone()
    }

    /// How long a request body that does not say its length may become, and whether that is enforced.
    pub fn body_limit(&self) -> Option<(u64, bool)> {
        let observed = || self.route.shield.as_ref()?.observed_size().map(|most| (most, false));
        self.route.guard.limits.counted_body().or_else(observed)
    }

    /// What the request's body is held to if the application is not to see it before it is whole.
    pub fn whole_body(&self) -> Option<&WholeBody> {
        self.route.shield.as_ref()?.up()
    }

    /// The development server that made a response with these fields, for the first such response of the route.
    /// To be asked before the head is judged.
    pub fn development_server(&self, fields: &HeaderMap) -> Option<&DevelopmentServer> {
        self.route.shield.as_ref()?.recognise(fields)
    }

    /// Who asks, by the word of trusted proxies. To be asked once the request has been judged.
    pub fn client(&self) -> IpAddr {
        self.client
    }

    /// Whether the client asked for a head alone, and gets nothing behind it.
    pub fn is_for_head(&self) -> bool {
        self.request.method == Method::HEAD
    }

    /// Whether the page is read for whoever asks for its head. So HEAD and GET agree.
    pub(super) fn reads_for_head(&self) -> bool {
        self.route.inspect.whole_heads && self.enforces()
    }

    /// Asks the application for the page whose head is asked for, if that is to be read.
    pub(super) fn ask_for_page(&self, head: &mut RequestHead) {
        if self.is_for_head() && self.reads_for_head() {
            head.method = Method::GET;
        }
    }

    /// The name of the route, for logs and metrics.
    pub fn route_name(&self) -> &str {
        &self.route.name
    }

    /// Answers what came instead of a request that can be read.
    pub fn refuse_unread(&mut self, status: StatusCode) -> Reply {
        self.end_as(Disposition::Refused(match status {
            StatusCode::REQUEST_TIMEOUT => Refusal::RequestTimeout,
            StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Refusal::TooLarge,
            _ => Refusal::BadRequest,
        }));
        self.reply(status)
    }

    /// Answers a request whose body became too long.
    pub fn refuse_body(&mut self) -> Reply {
        self.object(Objection::to_body())
    }

    /// Notes that the request's body became too long where that is only observed.
    pub fn observe_body(&mut self) {
        self.objections.push(Objection::to_body());
    }

    /// Answers a request that the guard objects to.
    pub(super) fn object(&mut self, objection: Objection) -> Reply {
        self.end_as(Disposition::Refused(objection.refusal));
        let mut reply = self.reply(objection.status);
        if objection.refusal == Refusal::Method {
            response::allow(&mut reply, &self.route.guard.methods.allowed);
        } else if objection.status == StatusCode::METHOD_NOT_ALLOWED {
            response::allow(&mut reply, &objection.methods);
        }
        if objection.refusal == Refusal::BadRequest {
            // Others may find the end of such a request elsewhere, so nothing is read behind it. HTTP/2, which knows
            // where requests end, has no such field and drops it.
            reply.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(limited) = &objection.limited {
            response::limited(&mut reply, limited);
        }
        self.objections.push(objection);
        reply
    }

    pub(super) fn answer_preflight(&mut self, mut reply: Reply) -> Reply {
        self.end_as(Disposition::Exempt(Exemption::Preflight));
        self.harden_reply(&mut reply);
        reply
    }

    /// Takes what looks signed off a head, as the application knows it. `set` is whether the application sent it.
    pub(super) fn note_candidates(&mut self, fields: &HeaderMap, set: bool) {
        let Some(watch) = &self.route.weak_keys else { return };
        if set && !fields.contains_key(header::SET_COOKIE) {
            return;
        }
        let values = |name: &HeaderName| fields.get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
        let found = if set {
            Candidate::of_response(values(&header::SET_COOKIE).into_iter())
        } else {
            let credentials = fields.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
            Candidate::of_request(values(&header::COOKIE).into_iter(), credentials)
        };
        self.candidates.extend(found.into_iter().filter(|candidate| watch.seen.is_due(candidate, self.facts.now)));
    }

    /// Counts the request, by cookies as the application knows them.
    pub(super) fn admit(&mut self, head: &RequestHead) -> Result<(), Objection> {
        if let Some(rate) = &self.route.guard.rate {
            self.attempt = rate.admit(head, self.client, self.facts.clock, &mut self.objections)?;
        }
        Ok(())
    }
}
