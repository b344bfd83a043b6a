//! Exchanges in memory, under the rules that come with the proxy.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use cofferdam::{
    engine::Engine,
    exchange::{Outcome, Replayed},
    incident::{Disposition, FingerprintKey, Refusal},
    response::ResponseHead,
    rules::{PACKS, parse_pack},
    scan::Ruleset,
};
use http::{HeaderValue, StatusCode, header};

/// With all rules.
pub(super) static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
    let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).expect("the packs are sound")).collect();
    engine(Ruleset::compile(rules).expect("the packs compile"))
});

/// With none: nothing may be changed.
pub(super) static BLIND: LazyLock<Arc<Engine>> =
    LazyLock::new(|| engine(Ruleset::compile(Vec::new()).expect("no rules compile")));

fn engine(rules: Ruleset) -> Arc<Engine> {
    Arc::new(Engine::with_rules(rules, FingerprintKey::new([1; 32])))
}

/// A head with this status and type.
pub(super) fn head(status: u16, media_type: &'static str) -> ResponseHead {
    let status = StatusCode::from_u16(status).expect("a status of three digits");
    let mut head = ResponseHead::new(status, http::HeaderMap::new());
    if !media_type.is_empty() {
        head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    head
}

/// The body in pieces of `size` bytes.
pub(super) fn pieces(body: &[u8], size: usize) -> impl Iterator<Item = Bytes> {
    body.chunks(size.max(1)).map(Bytes::copy_from_slice)
}

/// That no fault was contained.
pub(super) fn assert_sound(outcome: &Outcome) {
    assert_ne!(outcome.disposition, Disposition::Refused(Refusal::Internal), "the core panicked");
}

/// That a client got the same both times.
pub(super) fn assert_same(whole: &Replayed, other: &Replayed) {
    assert_eq!(other.outcome.disposition, whole.outcome.disposition, "the verdict depends on the delivery");
    assert_eq!(other.complete, whole.complete, "the end depends on the delivery");
    assert_eq!(other.head.is_some(), whole.head.is_some(), "the head depends on the delivery");
    assert!(!whole.complete || other.body == whole.body, "the body depends on the delivery");
}
