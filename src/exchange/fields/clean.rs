//! Texts of fields in which nothing was found, remembered: most of an application's responses say the same in their
//! heads, and the same text under the same rules is clean again.

use std::cell::RefCell;

use crate::scan::Ruleset;

/// How many texts a thread remembers.
const PLACES: usize = 16;

/// Longer texts are not remembered.
const TEXT_MAX: usize = 1024;

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Each text has one place, so that looking one up costs one comparison.
#[derive(Debug, Default)]
struct Known {
    places: [Clean; PLACES],
}

/// What was searched, all of it: the findings depend on nothing else.
#[derive(Debug, Default)]
struct Clean {
    rules: u64,
    status: u16,
    text: Vec<u8>,
}

/// Whether this very text was remembered as clean under these rules and this status. Who measures how long that takes
/// learns at most that somebody was sent the same fields.
pub(super) fn is_known(rules: &Ruleset, status: u16, text: &[u8]) -> bool {
    let is_known = |known: &RefCell<Known>| {
        let known = known.borrow();
        let place = &known.places[place(text)];
        place.rules == rules.serial() && place.status == status && place.text == text
    };
    !text.is_empty() && KNOWN.try_with(is_known).unwrap_or(false)
}

/// Remembers a text as clean, in place of another. Not to be called with what one client only is to see.
pub(super) fn remember(rules: &Ruleset, status: u16, text: &[u8]) {
    if text.len() > TEXT_MAX {
        return;
    }
    // A thread that ends has nothing more to remember.
    let _ = KNOWN.try_with(|known| {
        let place = &mut known.borrow_mut().places[place(text)];
        (place.rules, place.status) = (rules.serial(), status);
        place.text.clear();
        place.text.extend_from_slice(text);
    });
}

/// Texts that differ may share a place: then they take it from each other.
fn place(text: &[u8]) -> usize {
    let word = |bytes: &[u8]| bytes.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk));
    let mixed = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let last = text.len().saturating_sub(size_of::<u64>());
    let words = text.chunks_exact(size_of::<u64>()).map(word).chain([word(&text[last..]), text.len() as u64]);
    let hash = words.fold(0, mixed);
    (hash >> 32) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Ruleset {
        Ruleset::compile(Vec::new()).unwrap()
    }

    #[test]
    fn what_is_known_is_the_same_text_under_the_same_rules_and_status() {
        let (rules, others) = (rules(), rules());
        let text = b"content-type: text/html\nvary: cookie\n";
        assert!(!is_known(&rules, 500, text));
        remember(&rules, 500, text);
        assert!(is_known(&rules, 500, text));
        assert!(!is_known(&others, 500, text) && !is_known(&rules, 404, text));
        for at in 0..text.len() {
            let mut other = text.to_vec();
            other[at] ^= 1;
            assert!(!is_known(&rules, 500, &other) && !is_known(&rules, 500, &text[..at]), "{at}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let rules = rules();
        let text = |number: usize| format!("x-id: {number}\n").into_bytes();
        (0..1000).for_each(|number| remember(&rules, 500, &text(number)));
        assert!(is_known(&rules, 500, &text(999)));
        assert!((0..1000).filter(|&number| is_known(&rules, 500, &text(number))).count() <= PLACES);
        let long = vec![b'a'; TEXT_MAX + 1];
        remember(&rules, 500, &long);
        assert!(!is_known(&rules, 500, &long));
    }
}
