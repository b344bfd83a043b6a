//! What the exchange kept back, as an incident; and what it leaves to be tested in the background.

use std::sync::Arc;

use super::Exchange;
use crate::{
    cookies::weak::SignedValues,
    incident::{Disposition, Extract, Incident, Mode, RuleHit},
};

impl Exchange {
    /// To be asked for once: it empties the ledger.
    pub(super) fn incident(&mut self, disposition: Disposition) -> Incident {
        let would = self.ledger.observed;
        let (rules, extract, score) = std::mem::take(&mut self.ledger).close(&self.engine.rules);
        Incident { would, extract, score, ..self.incident_of(disposition, self.route.inspect.mode, rules) }
    }

    /// To be asked for once: it takes the candidates.
    pub(super) fn signed_values(&mut self, disposition: Disposition) -> Option<Arc<SignedValues>> {
        let candidates = std::mem::take(&mut self.candidates);
        let watch = self.route.weak_keys.as_ref().filter(|_| !candidates.is_empty())?;
        let incident = self.incident_of(disposition, Mode::Observe, Vec::new());
        Some(Arc::new(SignedValues { candidates, keys: watch.keys.clone(), incident }))
    }

    fn incident_of(&self, disposition: Disposition, mode: Mode, rules: Vec<RuleHit>) -> Incident {
        Incident {
            id: self.facts.incident_id,
            disposition,
            would: None,
            mode,
            route: self.route.name.to_string(),
            method: self.request.method.to_string(),
            path: self.request.path.clone(),
            upstream_status: self.upstream_status,
            rules,
            extract: Extract::default(),
            score: None,
        }
    }
}
