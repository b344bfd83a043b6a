//! What the exchange kept back, as an incident.

use super::Exchange;
use crate::incident::{Disposition, Incident};

impl Exchange {
    /// To be asked for once: it empties the ledger.
    pub(super) fn incident(&mut self, disposition: Disposition) -> Incident {
        let (rules, extract, score) = std::mem::take(&mut self.ledger).close(&self.engine.rules);
        Incident {
            id: self.facts.incident_id,
            disposition,
            mode: self.route.inspect.mode,
            route: self.route.name.to_string(),
            method: self.request.method.to_string(),
            path: self.request.path.clone(),
            upstream_status: self.upstream_status,
            rules,
            extract,
            score,
        }
    }
}
