//! cofferdam: a streaming reverse proxy that keeps the leaks of a web application from its visitors.
//!
//! The modules stand in floors; an import may only point down (`tests/layers.rs` keeps it so).
//! Everything that *decides* is pure and lies on F0 to F3; everything that *moves bytes* lies on F4 and F5.
//! ARCHITECTURE.md tells the way of one response through them.

// F0: what happened, as values
pub mod incident;

// F1: what a leak looks like; finding it; content codings; Set-Cookie
pub mod coding;
pub mod cookies;
pub mod rules;
pub mod scan;

// F2: what to do with findings; guards on the way in; hardening and generic errors on the way out
pub mod policy;
pub mod request;
pub mod response;

// F3: the pure core
pub mod engine;
pub mod exchange;

// F4: what moves bytes and the world outside, each crate with one owner
pub mod admin;
pub mod config;
mod http1;
pub mod logging;
pub mod metrics;
pub mod proxy;
mod record;
pub mod server;
pub mod upstream;

// F5: load, compile, bind, serve, reload, drain
pub mod app;

// F6: the command line
pub mod cli;
