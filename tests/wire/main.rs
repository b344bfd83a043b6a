//! The proxy over real sockets, byte for byte: an application that says what the test wants, the whole service, and
//! a client that reads strictly.

#[path = "../support/mod.rs"]
mod support;

mod ending;
mod framing;
mod malformed;
mod reuse;
mod streaming;
mod timing;
