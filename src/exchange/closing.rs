//! The end of an exchange: what it kept back, as an incident; and what it leaves to be tested in the background.

use std::sync::Arc;

use super::{Exchange, Outcome};
use crate::{
    cookies::weak::SignedValues,
    incident::{Disposition, Exemption, Extract, Incident, Mode, Refusal, RuleHit},
};

impl Exchange {
    /// The exchange is over and everything released was handed on.
    pub fn finish(&mut self) -> Outcome {
        self.close(Disposition::InspectedClean)
    }

    /// The head has left, and the client asked for no more: what is left of the body is not read.
    pub fn finish_head(&mut self) -> Outcome {
        self.copies = [None; 2];
        self.end_as_read(Disposition::Exempt(Exemption::NoBody));
        self.close(Disposition::Exempt(Exemption::NoBody))
    }

    /// The client went away.
    pub fn cancel(&mut self) -> Outcome {
        self.close(Disposition::Cancelled)
    }

    fn close(&mut self, otherwise: Disposition) -> Outcome {
        self.end_as(otherwise);
        let disposition = self.disposition.unwrap_or(otherwise);
        let mode = self.route.inspect.mode;
        self.settle_validators(disposition);
        let breaker = self.settle_breaker();
        let evidence = self.ledger.evidence();
        let kept_back = matches!(disposition, Disposition::Replaced | Disposition::Masked | Disposition::Severed);
        let incident =
            (kept_back || self.ledger.observed.is_some() || disposition == Disposition::Refused(Refusal::Unreadable))
                .then(|| self.incident(disposition));
        Outcome {
            disposition,
            mode,
            route: self.route.clone(),
            incident,
            objections: std::mem::take(&mut self.objections),
            hardening: std::mem::take(&mut self.hardening),
            sealing: std::mem::take(&mut self.sealing),
            cors: self.cors,
            signed: self.signed_values(disposition),
            weak_fields: std::mem::take(&mut self.weak_fields),
            breaker,
            evidence,
        }
    }

    /// To be asked for once: it empties the ledger.
    fn incident(&mut self, disposition: Disposition) -> Incident {
        let would = self.ledger.observed;
        let (rules, extract, score) = std::mem::take(&mut self.ledger).close(&self.engine.rules);
        Incident { would, extract, score, ..self.incident_of(disposition, self.route.inspect.mode, rules) }
    }

    /// To be asked for once: it takes the candidates.
    fn signed_values(&mut self, disposition: Disposition) -> Option<Arc<SignedValues>> {
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
