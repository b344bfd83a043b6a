//! However a leak is delivered, it is contained; however harmless content is delivered, it arrives; and every client,
//! by HTTP/1.1 or HTTP/2, with TLS or without, sees the same.

#[cfg(test)]
mod application;
#[cfg(test)]
mod case;
#[cfg(test)]
mod codings;
#[cfg(test)]
mod contents;
#[cfg(test)]
mod escapes;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod numbered;
#[cfg(test)]
#[expect(clippy::disallowed_types, reason = "a test reads small bodies of its own, and knows other decoders than ours")]
mod reveal;
#[cfg(test)]
mod spellings;
#[cfg(test)]
mod stall;
#[cfg(test)]
#[path = "../tls/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of TLS need more of it")]
mod support;
#[cfg(test)]
mod verdicts;
#[cfg(test)]
mod websocket;

#[cfg(test)]
fn deliveries() -> impl Iterator<Item = &'static case::Delivery> {
    [framing::FRAMING, codings::CODINGS, escapes::ESCAPES, spellings::SPELLINGS, fields::FIELDS].into_iter().flatten()
}
