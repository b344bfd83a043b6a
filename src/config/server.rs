//! `[server]`: the side of the clients.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ByteSize, Duration, ListenAddress, ServerTls};
use crate::request::Cidr;

/// The side of the clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Where clients connect.
    pub listen: ListenAddress,
    /// Threads; 0 is one per core.
    pub workers: usize,
    /// The most client connections at a time; more wait in the system's queue.
    pub max_connections: usize,
    /// Bytes that all responses in inspection may hold together; 0 is no limit.
    pub max_memory: ByteSize,
    /// Bytes of bodies that wait in files, all together; 0 is no limit.
    pub max_disk: ByteSize,
    /// Bytes of those of one client; 0 is no limit.
    pub max_disk_per_client: ByteSize,
    /// The folder of these files; empty for the system's.
    pub spool_dir: PathBuf,
    /// From the connection (or the end of the exchange before) to the end of a request head.
    pub head_timeout: Duration,
    /// The longest pause within a request body.
    pub body_timeout: Duration,
    /// How long an idle client connection is kept.
    pub idle_timeout: Duration,
    /// How long a client may refuse to take any byte of a response.
    pub write_timeout: Duration,
    /// From the signal to stop until what is still open is broken off.
    pub drain_timeout: Duration,
    /// What the tables of `[guard.rate]` may take.
    pub rate_memory: ByteSize,
    /// The operator says that TLS ends before this proxy.
    pub behind_tls: bool,
    /// Whether HTTP/2 is spoken without TLS to clients that begin with it.
    pub h2c: bool,
    /// Peers whose `Forwarded` and `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<Cidr>,
    /// TLS towards clients.
    pub tls: ServerTls,
}
