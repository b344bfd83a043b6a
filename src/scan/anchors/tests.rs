//! Every kernel against the automaton, and the automaton against looking everywhere.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{kernels::BLOCK, *};

fn literals(bytes: &[Vec<u8>]) -> Vec<Literal<'_>> {
    bytes.iter().enumerate().map(|(i, bytes)| Literal { bytes, ignore_case: i % 3 != 0 }).collect()
}

/// The set in every kernel that this processor runs, the automaton aside.
fn kernels(literals: &[Literal<'_>]) -> Vec<AnchorSet> {
    let supported = Kernel::ALL.into_iter().filter(|kernel| kernel.is_supported() && *kernel != Kernel::Automaton);
    supported.map(|kernel| AnchorSet::with(literals, kernel)).collect()
}

fn automaton(literals: &[Literal<'_>]) -> AnchorSet {
    AnchorSet::with(literals, Kernel::Automaton)
}

fn hits(set: &AnchorSet, haystack: &[u8], own: Range<usize>) -> Vec<Hit> {
    let mut hits = Vec::new();
    set.find(haystack, own, &mut hits);
    hits
}

impl AnchorSet {
    fn with(literals: &[Literal<'_>], kernel: Kernel) -> Self {
        let literals = own(literals).unwrap();
        let engine = Engine::new(&literals, kernel).unwrap();
        Self { literals, engine }
    }
}

/// All occurrences, by trying every literal at every place.
fn everywhere(literals: &[Literal<'_>], haystack: &[u8], own: Range<usize>) -> Vec<Hit> {
    let stands = |literal: &Literal<'_>, start: usize| {
        let found = haystack.get(start..start + literal.bytes.len());
        found.is_some_and(|found| match literal.ignore_case {
            true => found.eq_ignore_ascii_case(literal.bytes),
            false => found == literal.bytes,
        })
    };
    let at =
        |start| (0..).zip(literals).filter(move |(_, it)| stands(it, start)).map(move |(literal, _)| (start, literal));
    own.flat_map(at).map(|(start, literal)| Hit { start, literal }).collect()
}

fn agree(literals: &[Literal<'_>], haystack: &[u8], own: Range<usize>) {
    let expected = hits(&automaton(literals), haystack, own.clone());
    for set in kernels(literals) {
        assert_eq!(hits(&set, haystack, own.clone()), expected, "{:?} in {own:?} of {}", set.kernel(), haystack.len());
    }
}

/// The literals of the benches: some hundred framework names, messages, paths and prefixes of secrets.
fn realistic(count: usize) -> Vec<Vec<u8>> {
    let lines = include_str!("../../../benches/literals.txt").lines().take(count);
    lines.map(|line| line.replace("\\n", "\n").replace("\\t", "\t").into_bytes()).collect()
}

/// Markup between which `literals` stand, whole, in other case, cut short, or with a byte changed.
fn planted(literals: &[Vec<u8>], seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed | 1);
    let mut text = Vec::new();
    while text.len() < length {
        let mut piece = literals[random.below(literals.len())].clone();
        match random.below(6) {
            0 => piece.make_ascii_uppercase(),
            1 => piece.make_ascii_lowercase(),
            2 => piece.truncate(random.below(piece.len())),
            3 => piece.iter_mut().for_each(|byte| *byte = flip_case(*byte, random.below(2) == 0)),
            4 => {
                let at = random.below(piece.len());
                piece[at] ^= 1 << random.below(8);
            }
            _ => {}
        }
        text.extend(piece);
        let filler = b"<div class=\"row\"><a href=\"/x?y=1&amp;z\">The page</a>\r\n\xE2\x80\x8B \0";
        text.extend(&filler[..random.below(filler.len())]);
    }
    text
}

fn flip_case(byte: u8, flip: bool) -> u8 {
    if flip && byte.is_ascii_alphabetic() { byte ^ 0x20 } else { byte }
}

/// xorshift: the planted texts are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

/// Few bytes, among them both cases, neighbours under the fold, and bytes above ASCII.
fn byte() -> impl Strategy<Value = u8> {
    select(b"aAbB@`[{\n*_\x7F\0 \xE2\xC2".as_slice())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_automaton_finds_what_stands_there(
        bytes in vec(vec(byte(), 3..6), 1..12), haystack in vec(byte(), 0..200), from in 0usize..200, to in 0usize..220,
    ) {
        let (literals, own) = (literals(&bytes), from.min(haystack.len())..to.min(haystack.len()));
        prop_assert_eq!(hits(&automaton(&literals), &haystack, own.clone()), everywhere(&literals, &haystack, own));
    }

    #[test]
    fn every_kernel_finds_what_the_automaton_finds(
        bytes in vec(vec(byte(), 3..9), 1..40), haystack in vec(byte(), 0..600), from in 0usize..600, to in 0usize..700,
    ) {
        agree(&literals(&bytes), &haystack, from..to);
    }

    #[test]
    fn any_bytes_are_found_among_any_bytes(
        bytes in vec(vec(any::<u8>(), 3..80), 1..20), before in vec(any::<u8>(), 0..200), after in vec(any::<u8>(), 0..200),
    ) {
        let haystack = [before.clone(), bytes.concat(), after].concat();
        agree(&literals(&bytes), &haystack, 0..haystack.len());
        agree(&literals(&bytes), &haystack, before.len()..before.len() + 1);
    }

    #[test]
    fn the_parts_of_a_haystack_have_the_hits_of_the_whole(seed: u64, cuts in vec(0usize..9000, 0..6)) {
        let bytes = realistic(60);
        let haystack = planted(&bytes, seed, 8000);
        let mut ends = [cuts, vec![0, haystack.len()]].concat();
        ends.sort_unstable();
        for set in kernels(&literals(&bytes)) {
            let mut parts = Vec::new();
            ends.windows(2).for_each(|two| set.find(&haystack, two[0]..two[1], &mut parts));
            prop_assert_eq!(parts, hits(&set, &haystack, 0..haystack.len()));
        }
    }
}

#[test]
fn sets_of_any_size_find_all_that_is_planted() {
    for (count, length) in [(1, 5_000), (16, 20_000), (60, 50_000), (300, 200_000), (3000, 400_000)] {
        let bytes = realistic(count);
        for haystack in [planted(&bytes, count as u64, length), planted(&realistic(20), 5, length)] {
            agree(&literals(&bytes), &haystack, 0..haystack.len());
        }
    }
}

#[test]
fn a_literal_is_found_at_every_place_of_every_short_haystack() {
    let bytes = [b"abc".to_vec(), b"wxyz".to_vec(), b"0123456".to_vec()];
    let literals = literals(&bytes);
    let sets = kernels(&literals);
    for (length, set) in (0..300).flat_map(|length| sets.iter().map(move |set| (length, set))) {
        for (literal, bytes) in (0..).zip(&bytes) {
            for start in (0..length).filter(|start| start + bytes.len() <= length) {
                let mut haystack = vec![b'-'; length];
                haystack[start..start + bytes.len()].copy_from_slice(bytes);
                let kernel = set.kernel();
                assert_eq!(hits(set, &haystack, 0..length), [Hit { start, literal }], "{kernel:?} {length}");
                assert_eq!(hits(set, &haystack, start..start + 1), [Hit { start, literal }], "{kernel:?} {length}");
                assert_eq!(hits(set, &haystack, 0..start), [], "{kernel:?} {length}");
                assert_eq!(hits(set, &haystack, start + 1..length), [], "{kernel:?} {length}");
            }
        }
    }
}

#[test]
fn a_haystack_of_candidates_only_is_searched_to_its_end() {
    let haystack = vec![b'a'; 20 * BLOCK * BLOCK + 7];
    for set in
        kernels(&[Literal { bytes: b"AAAA", ignore_case: true }, Literal { bytes: b"aaaaab", ignore_case: false }])
    {
        assert_eq!(hits(&set, &haystack, 0..haystack.len()).len(), haystack.len() - 3, "{:?}", set.kernel());
    }
}

#[test]
fn a_range_outside_the_haystack_has_no_hits() {
    for set in kernels(&[Literal { bytes: b"abc", ignore_case: false }]) {
        assert_eq!(hits(&set, b"abcabc", 7..9), []);
        assert_eq!(hits(&set, b"abcabc", 3..usize::MAX), [Hit { start: 3, literal: 0 }]);
        assert_eq!(hits(&set, b"", 0..1), []);
    }
}

#[test]
fn equal_literals_are_each_found() {
    for set in kernels(&[Literal { bytes: b"abc", ignore_case: false }, Literal { bytes: b"ABC", ignore_case: true }]) {
        assert_eq!(hits(&set, b"abc", 0..3), [Hit { start: 0, literal: 0 }, Hit { start: 0, literal: 1 }]);
    }
}

#[test]
fn a_set_without_literals_finds_nothing() {
    for set in kernels(&[]) {
        assert_eq!(hits(&set, &[b'x'; 500], 0..500), []);
    }
}

#[test]
fn a_literal_of_two_bytes_is_refused() {
    let refused =
        AnchorSet::new(&[Literal { bytes: b"abc", ignore_case: false }, Literal { bytes: b"ab", ignore_case: true }]);
    assert!(matches!(refused, Err(AnchorError::TooShort { literal: 1, length: 2 })));
}

#[test]
fn a_kernel_is_forced_or_refused() {
    for kernel in Kernel::ALL {
        let set = AnchorSet::new(&[Literal { bytes: b"abc", ignore_case: false }]).unwrap();
        assert_eq!(set.kernel(), Kernel::fastest());
        match set.with_kernel(kernel) {
            Ok(set) => assert_eq!(set.kernel(), kernel),
            Err(error) => assert!(!kernel.is_supported() && matches!(error, AnchorError::Unsupported(_))),
        }
    }
}
