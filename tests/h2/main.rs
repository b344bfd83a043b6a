//! HTTP/2 frame by frame (RFC 9113, RFC 7541): each case of h2spec's sections and some of our own, sent by hand to the
//! whole service, and what comes of it. `cases.md` says it all.

#[cfg(test)]
mod case;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod peer;
#[cfg(test)]
#[path = "../wire/recorder.rs"]
mod recorder;
#[cfg(test)]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the wire tests need more of it")]
mod support;
#[cfg(test)]
#[path = "../tls/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of TLS need more of it")]
mod tls;
#[cfg(test)]
mod wire;
