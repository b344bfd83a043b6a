//! The actors: an authority that signs certificates, an application, the proxy between, a visitor.

pub(crate) mod application;
pub(crate) mod authority;
pub(crate) mod proxy;
pub(crate) mod visitor;

pub(crate) use application::{Application, Speaks};
pub(crate) use authority::Authority;
pub(crate) use proxy::{front, settings, start, start_shielded};
pub(crate) use visitor::{Seen, Visitor};
