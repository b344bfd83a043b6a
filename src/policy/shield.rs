//! The shield of a route whose application gives a slow client as much of itself as a fast one: a development server.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::HeaderMap;

use crate::response::{DevelopmentServer, DevelopmentServers};

/// When the shield is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShieldMode {
    /// Never.
    Off,
    /// Never; request bodies that it would refuse for their size are reported.
    Observe,
    /// Always.
    Enforce,
    /// From when a development server is recognised.
    #[default]
    ByServer,
}

/// What a request body is held to while it is read whole, and a response while it waits for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WholeBody {
    /// Bytes that stay in memory; what is beyond goes to a file. Of a response, too. At least 1.
    pub memory: usize,
    /// The largest request body, in bytes. So much of a response is taken ahead of its client, too.
    pub most: u64,
    /// How long any request body may take; and how long a client may leave the next piece of a response, for which
    /// there is no more place, to the application.
    pub time: Duration,
    /// Bytes a second of a request body that earn it as much time again, if they come in all of [`WholeBody::time`]; 0
    /// gives no more time.
    pub rate: u64,
}

impl Default for WholeBody {
    fn default() -> Self {
        Self { memory: 64 << 10, most: 256 << 20, time: Duration::from_secs(20), rate: 1 << 10 }
    }
}

impl WholeBody {
    /// Whether a request body of which so many bytes came in the last [`WholeBody::time`] may take as long again. What
    /// came before does not count, or a fast beginning would buy a slow end.
    pub fn keeps_pace(&self, came: u64) -> bool {
        self.rate > 0 && u128::from(came) * 1000 >= u128::from(self.rate).saturating_mul(self.time.as_millis())
    }
}

/// Tells a development server behind a route, once in the life of an engine, and says whether the shield is up.
#[derive(Debug, Default)]
pub struct Shield {
    known: DevelopmentServers,
    mode: ShieldMode,
    body: WholeBody,
    /// Set at the first recognition behind this route; from then on no head is looked at.
    told: OnceLock<()>,
    /// Set at the first recognition behind any route: they have one application.
    recognised: Arc<OnceLock<()>>,
}

impl Shield {
    /// A shield against these servers. Routes with one application share `recognised`.
    pub fn new(known: DevelopmentServers, mode: ShieldMode, body: WholeBody, recognised: Arc<OnceLock<()>>) -> Self {
        Self { known, mode, body, told: OnceLock::new(), recognised }
    }

    /// The development server that made a response with these fields, for the first response that shows one and
    /// for no other, however many threads ask.
    pub fn recognise(&self, fields: &HeaderMap) -> Option<&DevelopmentServer> {
        if self.told.get().is_some() {
            return None;
        }
        let server = self.known.recognise(fields)?;
        self.recognised.get_or_init(|| ());
        self.told.set(()).is_ok().then_some(server)
    }

    /// What bodies are held to while the shield is up.
    pub fn up(&self) -> Option<&WholeBody> {
        let up = match self.mode {
            ShieldMode::Off | ShieldMode::Observe => false,
            ShieldMode::Enforce => true,
            ShieldMode::ByServer => self.recognised.get().is_some(),
        };
        up.then_some(&self.body)
    }

    /// The size above which request bodies are only reported.
    pub fn observed_size(&self) -> Option<u64> {
        (self.mode == ShieldMode::Observe).then_some(self.body.most)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::*;

    fn shield(mode: ShieldMode, recognised: &Arc<OnceLock<()>>) -> Shield {
        Shield::new(DevelopmentServers::embedded().unwrap(), mode, WholeBody::default(), recognised.clone())
    }

    fn fields(server: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::SERVER, HeaderValue::from_static(server))])
    }

    #[test]
    fn a_development_server_is_told_once() {
        let shield = shield(ShieldMode::ByServer, &Arc::default());
        assert_eq!(shield.recognise(&fields("gunicorn")), None);
        assert_eq!(shield.recognise(&fields("Werkzeug/3.1.3")).map(|row| &*row.id), Some("werkzeug"));
        assert_eq!(shield.recognise(&fields("Werkzeug/3.1.3")), None);
    }

    #[test]
    fn a_development_server_behind_one_route_raises_the_shield_of_all() {
        let recognised = Arc::default();
        let of = |mode| shield(mode, &recognised);
        let (one, other, observed) = (of(ShieldMode::ByServer), of(ShieldMode::ByServer), of(ShieldMode::Observe));
        let (off, always) = (of(ShieldMode::Off), of(ShieldMode::Enforce));
        assert!(one.recognise(&fields("gunicorn")).is_none());
        assert!(one.up().is_none() && other.up().is_none() && always.up().is_some());
        assert!(one.recognise(&fields("Werkzeug/3.1.3")).is_some());
        assert!(one.up().is_some() && other.up().is_some() && always.up().is_some());
        assert!(observed.up().is_none() && off.up().is_none());
        assert!(other.recognise(&fields("Werkzeug/3.1.3")).is_some(), "it is told for each route");
        assert_eq!((off.observed_size(), observed.observed_size()), (None, Some(256 << 20)));
    }

    #[test]
    fn a_body_that_keeps_coming_has_time_and_one_that_trickles_has_not() {
        let body = WholeBody { time: Duration::from_millis(1500), rate: 1000, ..WholeBody::default() };
        assert!(body.keeps_pace(1500) && !body.keeps_pace(1499));
        assert!(!WholeBody { rate: 0, ..body }.keeps_pace(u64::MAX));
        assert!(!WholeBody { time: Duration::MAX, rate: u64::MAX, ..body }.keeps_pace(1));
    }
}
