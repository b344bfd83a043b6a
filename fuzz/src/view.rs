//! The text view that rules are confirmed on.

use cofferdam::scan::View;

/// The bytes are the source.
///
/// Every stretch of the text leads to bytes of the source, of which a mask can be made; the text is not much longer than
/// what it was made of.
pub fn view(data: &[u8]) {
    check(data, &View::build(data));
    check(data, &View::build_utf7(data));
}

fn check(source: &[u8], view: &View) {
    let length = view.text().len();
    assert!(length <= 4 * source.len() + 16, "{length} bytes of text from {}", source.len());
    for start in (0..length).step_by(length / 500 + 1) {
        assert!(view.source_start(start) <= source.len());
        for end in [start + 1, start + 9, length] {
            for piece in view.source_pieces(start..end.min(length)) {
                assert!(piece.start < piece.end && piece.end <= source.len(), "{piece:?} of {}", source.len());
            }
        }
    }
}
