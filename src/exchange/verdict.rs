//! What the exchange tells its shell.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    cookies::weak::SignedValues,
    incident::{Disposition, Incident, Mode},
    policy::{BreakerTurn, Line, RoutePolicy, UpgradePolicy},
    request::Objection,
    response::{CorsRepair, HardenReport, Reply, ResponseHead, SealReport, WeakField},
    scan::RuleIndex,
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
    /// Send this head; its body (if it has one) passes as it comes.
    Pass(ResponseHead),
    /// Feed the body to [`Exchange::on_chunk`]; the exchange keeps the head until a step gives it out.
    Inspect,
    /// Send this head at once and feed the body: its reader must not wait.
    Stream(ResponseHead),
    /// Send this head (status 101) and connect the two sides as the policy says.
    Upgrade(ResponseHead, UpgradePolicy),
    /// Answer with this; drop the upstream's body and its connection.
    Replace(Reply),
}

/// What may leave after a piece of the body was judged.
#[derive(Debug)]
pub enum Step {
    /// Nothing. Before the head has left this is the state Holding; later, bytes are being withheld.
    Hold,
    /// The head leaves, and with it these bytes. When `whole`, the body is complete and its length is known.
    Commit {
        /// The hardened head.
        head: ResponseHead,
        /// The first bytes of the body.
        body: Released,
        /// Whether `body` is all of it.
        whole: bool,
    },
    /// These bytes leave.
    Release(Released),
    /// These bytes leave and the body ends with them; drop the upstream's and its connection.
    Finish(Released),
    /// Nothing of the upstream's response has left or will: answer with this; drop the upstream's connection.
    Replace(Reply),
    /// The head has gone: break the connection off, never end it cleanly.
    Sever,
}

/// Bytes that may leave, in order.
pub type Released = Vec<Bytes>;

/// The end of the exchange, for the record.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub disposition: Disposition,
    /// The position of the route's inspection.
    pub mode: Mode,
    /// The route's policy.
    pub route: Arc<RoutePolicy>,
    /// What was kept back, if anything (or would have been, in observe mode).
    pub incident: Option<Incident>,
    /// What the guard objected to, or would have in observe mode.
    pub objections: Vec<Objection>,
    /// What was met and changed in fields.
    pub hardening: HardenReport,
    /// What became of sealed cookies, both ways.
    pub sealing: SealReport,
    /// What was wrong with the permission for other origins to read the response.
    pub cors: Option<CorsRepair>,
    /// Cookies and tokens to be tested for weak keys in the background, if any.
    pub signed: Option<Arc<SignedValues>>,
    /// What is weak or contradicts in the security fields of the application's own.
    pub weak_fields: Vec<WeakField>,
    /// The exchange turned the breaker of its page.
    pub breaker: Option<BreakerTurn>,
    /// What was weighed, also where nothing came of it.
    pub evidence: Evidence,
}

#[cfg(test)]
impl Outcome {
    /// Of an exchange on the default route that ended so, of which there is nothing else to tell.
    pub(crate) fn ended(disposition: Disposition) -> Self {
        Self {
            disposition,
            mode: Mode::Enforce,
            route: Arc::default(),
            incident: None,
            objections: Vec::new(),
            hardening: HardenReport::default(),
            sealing: SealReport::default(),
            cors: None,
            signed: None,
            weak_fields: Vec::new(),
            breaker: None,
            evidence: Evidence::default(),
        }
    }
}

/// What counted for and against a page.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The rules that were confirmed, in the order of the packs, each with its hits.
    pub rules: Vec<(RuleIndex, u32)>,
    /// The score, term by term; empty where there was nothing to weigh.
    pub score: Vec<Line>,
}
