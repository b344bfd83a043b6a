//! Multipart bodies.

use cofferdam::{
    exchange::replay,
    incident::{Disposition, Refusal},
};

use super::replay::{BLIND, ENGINE, assert_same, assert_sound, head, pieces};

/// The first byte is the size of the pieces, the rest a body with the boundary `b`.
///
/// Without rules it passes unchanged or is refused; with them the verdict does not depend on the delivery.
pub fn multipart(data: &[u8]) {
    let [size, body @ ..] = data else { return };
    let head = || head(200, "multipart/mixed; boundary=b");
    let size = usize::from(*size) + 1;
    let blind = replay(&BLIND, head(), pieces(body, size));
    assert_sound(&blind.outcome);
    let refused = blind.outcome.disposition == Disposition::Refused(Refusal::Unreadable);
    assert!(refused || (blind.complete && blind.body == body), "a clean body has changed");
    let whole = replay(&ENGINE, head(), pieces(body, body.len()));
    let other = replay(&ENGINE, head(), pieces(body, size));
    assert_sound(&whole.outcome);
    assert_same(&whole, &other);
}
