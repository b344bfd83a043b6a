//! `[server]` and `[upstream]`: what each worker gets of what the configuration says in total, and whether the
//! numbers can be meant.

use std::{num::NonZero, thread};

use super::Place;
use crate::config::{ByteSize, CompressionMode, ConfigError, Duration, Loaded};

/// What the configuration says in total, shared out among workers. Whatever is the same for all is read from the
/// configuration as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// Threads; at least 1.
    pub count: usize,
    /// Client connections of each at a time; at least 1.
    pub max_connections: usize,
    /// Idle connections of each to the application.
    pub idle_connections: usize,
}

/// The most threads: more than any machine has cores.
const MAX_WORKERS: usize = 1024;

/// What the workers get.
///
/// # Errors
/// A number out of its bounds; a timeout of 0, which would end everything at once.
pub fn workers(loaded: &Loaded) -> Result<Workers, ConfigError> {
    let place = Place { loaded, prefix: String::new() };
    check_timeouts(&place)?;
    check_head(&place)?;
    let server = &loaded.config.server;
    if server.workers > MAX_WORKERS {
        return Err(place.error("server.workers", "expected at most 1024", "0 is one per core"));
    }
    if server.max_connections == 0 {
        return Err(place.error("server.max_connections", "expected at least 1", "the default is 4096"));
    }
    let count =
        if server.workers == 0 { thread::available_parallelism().map_or(1, NonZero::get) } else { server.workers };
    Ok(Workers {
        count,
        max_connections: server.max_connections.div_ceil(count),
        idle_connections: loaded.config.upstream.idle_connections.div_ceil(count),
    })
}

fn check_timeouts(place: &Place<'_>) -> Result<(), ConfigError> {
    let (server, upstream) = (&place.loaded.config.server, &place.loaded.config.upstream);
    let timeouts = [
        ("server.head_timeout", server.head_timeout),
        ("server.body_timeout", server.body_timeout),
        ("server.idle_timeout", server.idle_timeout),
        ("server.write_timeout", server.write_timeout),
        ("server.tls.handshake_timeout", server.tls.handshake_timeout),
        ("upstream.connect_timeout", upstream.connect_timeout),
        ("upstream.head_timeout", upstream.head_timeout),
        ("upstream.body_timeout", upstream.body_timeout),
        ("upstream.idle_timeout", upstream.idle_timeout),
    ];
    match timeouts.into_iter().find(|(_, timeout)| *timeout == Duration::default()) {
        Some((key, _)) => Err(place.error(key, "expected more than 0", "say a long time where none is meant: \"1d\"")),
        None => Ok(()),
    }
}

fn check_head(place: &Place<'_>) -> Result<(), ConfigError> {
    let bounds = ByteSize::kib(8)..=ByteSize::mib(1);
    if bounds.contains(&place.loaded.config.upstream.max_head) {
        return Ok(());
    }
    Err(place.error("upstream.max_head", "expected 8KiB to 1MiB", "the default, 64KiB, is more than applications send"))
}

/// Whether clients that accept it get compressed bodies.
pub(super) fn compresses(loaded: &Loaded) -> bool {
    match loaded.config.compression.mode {
        CompressionMode::Auto => {
            let server = &loaded.config.server;
            let mut listeners = [Some(&server.listen), server.tls.listen.as_ref()].into_iter().flatten();
            listeners.any(|address| !address.is_local())
        }
        CompressionMode::On => true,
        CompressionMode::Off => false,
    }
}
