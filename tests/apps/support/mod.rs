//! The actors of these tests: an application with canaries planted in it, the proxy, and a visitor.

mod application;
mod browser;
mod canaries;
mod configured;
mod libraries;
mod promises;
mod proxy;
mod visitor;

pub(crate) use application::{Application, Deployment};
pub(crate) use browser::Browser;
pub(crate) use canaries::{Canaries, Plant};
pub(crate) use configured::{Configured, key_line};
pub(crate) use libraries::Library;
pub(crate) use promises::{Page, contained, hardened_session, unchanged, unchanged_while_observing};
pub(crate) use proxy::Proxy;
pub(crate) use visitor::{Answer, Form, Visitor};
