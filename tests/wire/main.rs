//! The proxy over real sockets, byte for byte: an application that says what the test wants, the whole service, and
//! a client that reads strictly.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod audit;
#[cfg(test)]
mod closed;
#[cfg(test)]
mod configured;
#[cfg(test)]
mod copies;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod helmet;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod recorder;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod reuse;
#[cfg(test)]
mod shield;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod timing;
#[cfg(test)]
mod weak_keys;
