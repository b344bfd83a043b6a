//! The shield of a route whose application is a development server.

use std::sync::OnceLock;

use http::HeaderMap;

use crate::response::{DevelopmentServer, DevelopmentServers};

/// Tells a development server behind a route, once in the life of an engine.
#[derive(Debug, Default)]
pub struct Shield {
    known: DevelopmentServers,
    /// Set at the first recognition; from then on no head is looked at.
    recognised: OnceLock<()>,
}

impl Shield {
    /// A shield against these servers.
    pub fn new(known: DevelopmentServers) -> Self {
        Self { known, recognised: OnceLock::new() }
    }

    /// The development server that made a response with these fields, for the first response that shows one and
    /// for no other, however many threads ask.
    pub fn recognise(&self, fields: &HeaderMap) -> Option<&DevelopmentServer> {
        if self.recognised.get().is_some() {
            return None;
        }
        let server = self.known.recognise(fields)?;
        self.recognised.set(()).is_ok().then_some(server)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::*;

    #[test]
    fn a_development_server_is_told_once() {
        let shield = Shield::new(DevelopmentServers::embedded().unwrap());
        let fields = |value| HeaderMap::from_iter([(header::SERVER, HeaderValue::from_static(value))]);
        assert_eq!(shield.recognise(&fields("gunicorn")), None);
        assert_eq!(shield.recognise(&fields("Werkzeug/3.1.3")).map(|row| &*row.id), Some("werkzeug"));
        assert_eq!(shield.recognise(&fields("Werkzeug/3.1.3")), None);
    }
}
