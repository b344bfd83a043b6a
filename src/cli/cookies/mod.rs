//! `cofferdam check --cookies`: what becomes of the cookies of captured responses, and which setting does it.

mod change;
mod report;

use std::{path::Path, sync::Arc};

use http::{HeaderMap, HeaderValue, header::SET_COOKIE};
use serde::Serialize;

use self::change::{Change, Keys};
use super::{Exit, Failure, Terminal, arguments::Format, capture, judge, scan};
use crate::{
    config::{Loaded, compile},
    cookies::SetCookie,
    engine::Engine,
    incident::{Mode, Seed},
    policy::RoutePolicy,
    response::{CookiePolicy, CookieReport, SealPolicy, SealReport},
    server::Clock,
};

/// The cookies of one response.
#[derive(Debug, Serialize)]
pub(super) struct Treated {
    /// Which capture.
    name: String,
    /// The route whose settings hold.
    route: Box<str>,
    /// Whether the client's side is taken to be TLS.
    tls: bool,
    cookies: Vec<Treatment>,
}

/// What becomes of one `Set-Cookie`.
#[derive(Debug, Serialize)]
struct Treatment {
    /// As the application sends it, without its value.
    before: String,
    /// As the client gets it; none where it is dropped.
    after: Option<String>,
    /// What differs, and why.
    changes: Vec<Change>,
}

/// What holds for the cookies of one response. Policies that only observe are shown as if they acted; the changes say
/// so.
struct Treating<'a> {
    cookies: CookiePolicy,
    sealing: Option<SealPolicy>,
    keys: Keys<'a>,
    tls: bool,
    now: u64,
    seed: Seed,
}

/// A change is a finding, so that a script can ask whether the application's cookies are as they should be.
pub(super) fn run(file: &Path, format: Format, loaded: &Loaded, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let engine = Arc::new(compile::engine(loaded, judge::random_key()?, &judge::no_rates())?);
    let (name, content) = scan::read_one(file, terminal)?;
    let treated: Result<Vec<Treated>, Failure> =
        capture::read(&name, &content).into_iter().map(|capture| treat(&engine, loaded, capture)).collect();
    let treated = treated?;
    report::print(format, &treated, terminal.out)?;
    let changed = treated.iter().flat_map(|response| &response.cookies).any(Treatment::is_changed);
    Ok(if changed { Exit::Findings } else { Exit::Ok })
}

fn treat(engine: &Engine, loaded: &Loaded, capture: capture::Capture) -> Result<Treated, Failure> {
    let request = &capture.request;
    let host = request.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let route = engine.routes.find(host, request.uri.path(), &request.method);
    let tls = capture.tls || engine.tls_before_us || loaded.config.server.tls.listen.is_some();
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let treating = Treating::new(route, loaded, tls, Seed::from_random(seed));
    let fields = capture.response.headers.get_all(SET_COOKIE).iter();
    let cookies = fields.map(|field| treating.treat(field)).collect();
    Ok(Treated { name: capture.name, route: route.name.clone(), tls, cookies })
}

impl<'a> Treating<'a> {
    fn new(route: &RoutePolicy, loaded: &'a Loaded, tls: bool, seed: Seed) -> Self {
        let keys = Keys::new(loaded, route);
        let mut cookies = CookiePolicy::clone(&route.cookies);
        let mut sealing = route.sealing.as_deref().cloned();
        let modes = [&mut cookies.mode].into_iter().chain(sealing.as_mut().map(|sealing| &mut sealing.mode));
        modes.filter(|mode| **mode == Mode::Observe).for_each(|mode| *mode = Mode::Enforce);
        Self { cookies, sealing, keys, tls, now: Clock::default().epoch(), seed }
    }

    fn treat(&self, field: &HeaderValue) -> Treatment {
        let before = SetCookie::parse(field.as_bytes());
        let shown = before.as_ref().map_or_else(|| unreadable(field), SetCookie::without_value);
        let mut fields = HeaderMap::new();
        fields.append(SET_COOKIE, field.clone());
        if let Some(sealing) = &self.sealing {
            sealing.seal(&mut fields, &self.seed, self.now, &mut SealReport::default());
        }
        let sealed = fields.get(SET_COOKIE).cloned();
        self.cookies.harden(&mut fields, self.tls, self.now, &mut CookieReport::default());
        let after = fields.get(SET_COOKIE);
        let changes = match (&before, after.and_then(|after| SetCookie::parse(after.as_bytes()))) {
            (Some(before), Some(after)) => self.keys.changes(&self.cookies, before, &after),
            (Some(before), None) => vec![self.keys.dropped(&self.cookies, before, sealed.is_none())],
            (None, _) if after.is_none() => vec![self.keys.malformed()],
            (None, _) => Vec::new(),
        };
        let show = |field: &HeaderValue| {
            SetCookie::parse(field.as_bytes()).as_ref().map_or_else(|| unreadable(field), SetCookie::without_value)
        };
        Treatment { before: shown, after: after.map(show), changes }
    }
}

impl Treatment {
    fn is_changed(&self) -> bool {
        self.changes.iter().any(Change::is_change)
    }
}

/// Its name cannot be told from its value.
fn unreadable(field: &HeaderValue) -> String {
    format!("…({})", field.len())
}
