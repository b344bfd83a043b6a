//! The promises of this module, over all codings and deliveries.

mod caps;

use std::io::Write as _;

use flate2::{Compress, Compression, FlushCompress, GzBuilder, write::GzEncoder};
use proptest::prelude::*;

use super::{
    Coding::{self, Brotli, Deflate, Gzip, Zstd},
    *,
};

const ALL: [Coding; 4] = [Gzip, Deflate, Brotli, Zstd];

fn gzip(content: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn deflate(content: &[u8], level: u32, zlib: bool) -> Vec<u8> {
    let mut coded = Vec::with_capacity(content.len() * 2 + 1024);
    let mut state = Compress::new(Compression::new(level), zlib);
    let status = state.compress_vec(content, &mut coded, FlushCompress::Finish).unwrap();
    assert_eq!(status, flate2::Status::StreamEnd);
    coded
}

fn encode(coding: Coding, content: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(coding).unwrap();
    let mut coded = Vec::new();
    encoder.push(content, &mut coded).unwrap();
    encoder.finish(&mut coded).unwrap();
    coded
}

fn zstd_frame(content: &[u8], level: i32) -> Vec<u8> {
    ::zstd::bulk::compress(content, level).unwrap()
}

fn skippable(content: &[u8]) -> Vec<u8> {
    [&[0x5a, 0x2a, 0x4d, 0x18], &u32::try_from(content.len()).unwrap().to_le_bytes()[..], content].concat()
}

/// Decodes `coded` in pieces whose sizes go round `pieces`, with `room` bytes of output. Content and verdict.
fn run(codings: &[Coding], coded: &[u8], pieces: &[usize], room: usize) -> (Vec<u8>, Result<(), CodingError>) {
    let mut decoder = Decoder::new(&Plan::Decode(codings.to_vec()), Limits::default()).unwrap();
    run_with(&mut decoder, coded, pieces, room)
}

fn run_with(
    decoder: &mut Decoder,
    mut coded: &[u8],
    pieces: &[usize],
    room: usize,
) -> (Vec<u8>, Result<(), CodingError>) {
    let (mut output, mut content) = (vec![0; room], Vec::new());
    for size in pieces.iter().cycle() {
        let (mut piece, rest) = coded.split_at((*size).min(coded.len()));
        loop {
            match decoder.decode(&mut piece, &mut output) {
                Ok(progress) => {
                    content.extend_from_slice(&output[..progress.written]);
                    if !progress.has_more {
                        assert!(piece.is_empty());
                        break;
                    }
                }
                Err(error) => {
                    assert_eq!(decoder.decode(&mut piece, &mut output), Err(error), "errors stay");
                    assert_eq!(decoder.finish(), Err(error));
                    return (content, Err(error));
                }
            }
        }
        coded = rest;
        if coded.is_empty() {
            break;
        }
    }
    (content, decoder.finish())
}

fn whole(codings: &[Coding], coded: &[u8]) -> Result<Vec<u8>, CodingError> {
    let (content, verdict) = run(codings, coded, &[usize::MAX], 1 << 16);
    verdict.map(|()| content)
}

/// The verdict on `coded`, the same whole and byte by byte.
fn verdict(coding: Coding, coded: &[u8]) -> Result<Vec<u8>, CodingError> {
    let at_once = whole(&[coding], coded);
    for (piece, room) in [(1, 1), (1, 1 << 16), (7, 3), (usize::MAX, 1)] {
        let (content, verdict) = run(&[coding], coded, &[piece], room);
        assert_eq!(verdict.map(|()| content), at_once, "pieces of {piece}, room for {room}");
    }
    at_once
}

fn page(rows: usize) -> Vec<u8> {
    let row =
        |number: usize| format!("<tr class=\"row\"><td>{number}</td><td>{:x}</td></tr>\n", number * 2_654_435_761);
    (0..rows).map(row).collect::<String>().into_bytes()
}

/// Text, noise and runs, so that every kind of block and match occurs.
fn any_content() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        (0..200_usize).prop_map(page),
        (any::<u8>(), 0..40_000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
}

fn any_delivery() -> impl Strategy<Value = (Vec<usize>, usize)> {
    let piece = prop_oneof![1..5_usize, 1..3000_usize, Just(usize::MAX)];
    let room = prop_oneof![1..4_usize, 1..4096_usize, Just(1 << 14), Just(1 << 16)];
    (prop::collection::vec(piece, 1..4), room)
}

/// One coded body of each kind, and its codings.
fn coded_kinds(content: &[u8], level: u32, cut: usize) -> Vec<(Vec<Coding>, Vec<u8>)> {
    let (first, second) = content.split_at(cut.min(content.len()));
    let zstd_level = i32::try_from(level).unwrap() * 2 + 1;
    vec![
        (vec![Gzip], gzip(content, level)),
        (vec![Gzip], [gzip(first, level), gzip(b"", level), gzip(second, 9 - level), vec![0; 9]].concat()),
        (vec![Deflate], deflate(content, level, true)),
        (vec![Deflate], deflate(content, level, false)),
        (vec![Brotli], encode(Brotli, content)),
        (vec![Zstd], zstd_frame(content, zstd_level)),
        (
            vec![Zstd],
            [skippable(b"aside"), zstd_frame(first, 1), encode(Zstd, second), skippable(b""), zstd_frame(b"", 3)]
                .concat(),
        ),
        (vec![Gzip, Gzip], gzip(&gzip(content, level), 1)),
        (vec![Zstd, Brotli, Deflate, Gzip], encode(Zstd, &encode(Brotli, &deflate(&gzip(content, level), 1, false)))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_split_and_any_room_give_the_same_content(
        content in any_content(), level in 0..10_u32, cut in any::<prop::sample::Index>(), (pieces, room) in any_delivery(),
    ) {
        let cut = cut.index(content.len() + 1);
        for (codings, coded) in coded_kinds(&content, level, cut) {
            let (decoded, verdict) = run(&codings, &coded, &pieces, room);
            prop_assert_eq!(verdict, Ok(()), "{:?}", codings);
            prop_assert!(decoded == content, "{codings:?}: {} bytes for {}", decoded.len(), content.len());
        }
    }

    #[test]
    fn damage_anywhere_never_gives_more_than_an_error(
        content in any_content(), level in 0..10_u32, place in any::<prop::sample::Index>(), bit in 0..8_u32,
        (pieces, room) in any_delivery(),
    ) {
        for (codings, mut coded) in coded_kinds(&content, level, 100) {
            let place = place.index(coded.len());
            coded[place] ^= 1 << bit;
            let (at_once, pieced) = (whole(&codings, &coded), run(&codings, &coded, &pieces, room));
            prop_assert_eq!(at_once.is_ok(), pieced.1.is_ok(), "{:?}", codings);
            prop_assert!(at_once.is_err() || at_once == Ok(pieced.0));
        }
    }

    #[test]
    fn garbage_is_survived(data in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_decode(&data);
    }

    #[test]
    fn garbage_behind_a_true_beginning_is_survived(
        kind in 0..9_usize, sizes in any::<u8>(), keep in any::<prop::sample::Index>(),
        tail in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let (_, coded) = &coded_kinds(&page(40), 6, 500)[kind];
        let choice = [0, 0, 1, 1, 2, 3, 3, 0x40, 0xc0][kind];
        fuzz_decode(&[&[choice, sizes], &coded[..keep.index(coded.len() + 1)], &tail[..]].concat());
    }

    #[test]
    fn what_is_encoded_in_any_pieces_decodes_to_itself(
        parts in prop::collection::vec((any_content(), any::<bool>()), 0..4),
    ) {
        for coding in ALL {
            let (mut encoder, mut coded, mut content) = (Encoder::new(coding).unwrap(), Vec::new(), Vec::new());
            for (part, flush) in &parts {
                content.extend_from_slice(part);
                encoder.push(part, &mut coded).unwrap();
                if *flush {
                    encoder.flush(&mut coded).unwrap();
                    let (so_far, verdict) = run(&[coding], &coded, &[usize::MAX], 1 << 16);
                    prop_assert!(so_far == content, "{coding:?} holds flushed bytes back");
                    prop_assert!(coded.is_empty() || verdict.is_err());
                }
            }
            encoder.finish(&mut coded).unwrap();
            prop_assert!(whole(&[coding], &coded) == Ok(content), "{coding:?}");
        }
    }
}

#[test]
fn a_body_cut_at_any_byte_is_an_error_and_gives_only_content() {
    let content = page(30);
    for coded in [
        (Gzip, gzip(&content, 6)),
        (Gzip, gzip(&content, 0)),
        (Deflate, deflate(&content, 6, true)),
        (Deflate, deflate(&content, 6, false)),
        (Brotli, encode(Brotli, &content)),
        (Zstd, zstd_frame(&content, 3)),
        (Zstd, encode(Zstd, &content)),
    ] {
        let (coding, coded) = coded;
        for end in 1..coded.len() {
            let (given, verdict) = run(&[coding], &coded[..end], &[usize::MAX], 100);
            assert_eq!(verdict, Err(CodingError::Truncated(coding)), "{coding:?} cut at {end} of {}", coded.len());
            assert!(content.starts_with(&given));
        }
    }
}

#[test]
fn an_inner_layer_cut_short_is_an_error() {
    let inner = gzip(&page(30), 6);
    for end in 1..inner.len() {
        assert!(whole(&[Brotli, Gzip], &encode(Brotli, &inner[..end])).is_err(), "cut at {end}");
    }
}

#[test]
fn no_bytes_at_all_are_empty_content() {
    for coding in ALL {
        assert_eq!(whole(&[coding], b""), Ok(Vec::new()));
        assert_eq!(verdict(coding, &encode(coding, b"")), Ok(Vec::new()));
    }
    assert_eq!(whole(&[Gzip, Brotli], &gzip(b"", 6)), Ok(Vec::new()));
}

#[test]
fn identity_passes_through() {
    let mut decoder = Decoder::new(&Plan::Identity, Limits::default()).unwrap();
    let (content, verdict) = run_with(&mut decoder, b"as it is", &[3], 2);
    assert_eq!((content.as_slice(), verdict), (&b"as it is"[..], Ok(())));
    assert_eq!(decoder.memory(), 0);
}

#[test]
fn gzip_checks_the_checksum_and_the_size() {
    let coded = gzip(b"content", 6);
    for place in coded.len() - 8..coded.len() {
        let mut damaged = coded.clone();
        damaged[place] ^= 1;
        assert_eq!(verdict(Gzip, &damaged), Err(CodingError::Corrupt(Gzip)));
    }
    let mut zlib = deflate(b"content", 6, true);
    *zlib.last_mut().unwrap() ^= 1;
    assert_eq!(verdict(Deflate, &zlib), Err(CodingError::Corrupt(Deflate)));
}

#[test]
fn zeros_behind_gzip_are_padding_and_nothing_else_is() {
    let coded = gzip(b"content", 6);
    assert_eq!(verdict(Gzip, &[&coded[..], &[0; 100]].concat()), Ok(b"content".to_vec()));
    for tail in [&b"x"[..], b"\x1f", b"\x1f\x8b", b"\x1fx", b"\0x", b"\0\x1f\x8b\x08", b"\x78\x9c", b"\0\0\0\xff"] {
        let refused = verdict(Gzip, &[&coded[..], tail].concat());
        let expected = if b"\x1f\x8b".starts_with(tail) { CodingError::Truncated } else { CodingError::TrailingBytes };
        assert_eq!(refused, Err(expected(Gzip)), "{tail:?}");
    }
}

#[test]
fn bytes_behind_the_end_are_an_error() {
    for (coding, coded) in [
        (Deflate, deflate(b"content", 6, true)),
        (Deflate, deflate(b"content", 6, false)),
        (Deflate, deflate(b"", 6, false)),
        (Brotli, encode(Brotli, b"content")),
        (Zstd, zstd_frame(b"content", 3)),
    ] {
        for tail in [&b"\0"[..], b"password=hunter2", &coded[..1]] {
            let refused = verdict(coding, &[&coded[..], tail].concat());
            let half_a_frame = coding == Zstd && tail.len() == 1 && tail == &coded[..1];
            let expected = if half_a_frame { CodingError::Truncated } else { CodingError::TrailingBytes };
            assert_eq!(refused, Err(expected(coding)), "{coding:?} and {tail:?}");
        }
    }
}

#[test]
fn content_before_the_damage_is_given_out() {
    let content = page(2000);
    for (coding, mut coded) in
        [(Gzip, gzip(&content, 6)), (Deflate, deflate(&content, 6, true)), (Brotli, encode(Brotli, &content))]
    {
        let last = coded.len() - 1;
        coded[last - 200..].fill(0xff);
        let (given, verdict) = run(&[coding], &coded, &[usize::MAX], 1 << 16);
        assert!(verdict.is_err());
        assert!(given.len() > content.len() / 2 && content.starts_with(&given[..content.len() / 2]), "{coding:?}");
    }
}

/// Decodes until the label is found out; the body as the caller would put it together again.
fn body_behind_a_lying_label(coding: Coding, body: &[u8], piece: usize) -> Option<Vec<u8>> {
    let mut decoder = Decoder::new(&Plan::Decode(vec![coding]), Limits::default()).unwrap();
    let mut output = [0; 64];
    for (index, mut input) in body.chunks(piece).enumerate() {
        match decoder.decode(&mut input, &mut output) {
            Ok(progress) => assert_eq!(progress.written, 0),
            Err(error) => {
                assert_eq!(error, CodingError::NotCoded(coding));
                let rest = body.get((index + 1) * piece..).unwrap_or_default();
                return Some([decoder.taken(), input, rest].concat());
            }
        }
    }
    None
}

#[test]
fn a_label_that_lies_is_found_out_without_losing_a_byte() {
    for body in [&b"<!doctype html>"[..], b"\x1fplain", b"Plain", b"x", b"P*M plain", b"(plain", b"\x28\xb5\x2f plain"]
    {
        for (coding, piece) in [(Gzip, 1), (Gzip, 2), (Gzip, 100), (Zstd, 1), (Zstd, 3), (Zstd, 100)] {
            let known_by_first = |coding, first| match coding {
                Gzip => first != b'x',
                _ => first != b'P' || body.len() > 1,
            };
            if known_by_first(coding, body[0]) {
                assert_eq!(
                    body_behind_a_lying_label(coding, body, piece).as_deref(),
                    Some(body),
                    "{coding:?} {body:?}"
                );
            }
        }
    }
    assert_eq!(body_behind_a_lying_label(Gzip, &zstd_frame(b"content", 1), 1), Some(zstd_frame(b"content", 1)));
}

#[test]
fn zlib_under_the_label_gzip_does_not_count_as_plain() {
    assert_eq!(verdict(Gzip, &deflate(b"content", 6, true)), Err(CodingError::Corrupt(Gzip)));
    assert_eq!(verdict(Gzip, b"xylophone"), Err(CodingError::NotCoded(Gzip)));
}

#[test]
fn plain_text_under_any_label_is_an_error() {
    for coding in ALL {
        assert!(verdict(coding, b"Traceback (most recent call last):\n  File \"app.py\", line 3\n").is_err());
    }
}

#[test]
fn an_inner_label_that_lies_is_corruption() {
    assert_eq!(whole(&[Gzip, Zstd], &gzip(b"plain", 6)), Err(CodingError::Corrupt(Zstd)));
}

#[test]
fn gzip_header_fields_are_skipped_and_reported() {
    let build = |builder: GzBuilder| {
        let mut encoder = builder.write(Vec::new(), Compression::fast());
        encoder.write_all(b"content").unwrap();
        encoder.finish().unwrap()
    };
    for (coded, expected) in [
        (build(GzBuilder::new()), false),
        (build(GzBuilder::new().mtime(77)), false),
        (build(GzBuilder::new().filename("secret.txt")), true),
        (build(GzBuilder::new().comment("secret")), true),
        (build(GzBuilder::new().extra(vec![7; 300])), true),
        (build(GzBuilder::new().extra("")), true),
        (build(GzBuilder::new().filename("f").comment("c").extra("e")), true),
        ([gzip(b"", 1), build(GzBuilder::new().filename("late"))].concat(), true),
    ] {
        let mut decoder = Decoder::new(&Plan::Decode(vec![Gzip]), Limits::default()).unwrap();
        for piece in [usize::MAX, 1] {
            let (content, verdict) = run_with(&mut decoder, &coded, &[piece], 64);
            assert_eq!((content.as_slice(), verdict), (&b"content"[..], Ok(())));
            assert_eq!(decoder.has_metadata(), expected);
            decoder.reset();
            assert!(!decoder.has_metadata());
        }
    }
}

#[test]
fn gzip_headers_are_checked() {
    let coded = gzip(b"content", 6);
    let with_header_crc = |crc: u16| {
        let mut header = coded[..10].to_vec();
        header[3] = 0b10;
        let crc = crc ^ {
            let mut sum = flate2::Crc::new();
            sum.update(&header);
            u16::try_from(sum.sum() & 0xffff).unwrap()
        };
        [&header[..], &crc.to_le_bytes(), &coded[10..]].concat()
    };
    assert_eq!(verdict(Gzip, &with_header_crc(0)), Ok(b"content".to_vec()));
    assert_eq!(verdict(Gzip, &with_header_crc(1)), Err(CodingError::Corrupt(Gzip)));
    for (place, value) in [(2, 7), (3, 0x20), (3, 0x80)] {
        let mut damaged = coded.clone();
        damaged[place] = value;
        assert_eq!(verdict(Gzip, &damaged), Err(CodingError::Corrupt(Gzip)));
    }
}

#[test]
fn skippable_frames_are_reported_unless_empty() {
    for (aside, expected) in [(&b""[..], false), (b"secret", true)] {
        let coded = [skippable(aside), zstd_frame(b"content", 1)].concat();
        let mut decoder = Decoder::new(&Plan::Decode(vec![Zstd]), Limits::default()).unwrap();
        assert_eq!(run_with(&mut decoder, &coded, &[2], 3), (b"content".to_vec(), Ok(())));
        assert_eq!(decoder.has_metadata(), expected);
    }
}

#[test]
fn a_decoder_serves_one_body_after_another() {
    let content = page(500);
    for coding in ALL {
        let mut decoder = Decoder::new(&Plan::Decode(vec![coding]), Limits::default()).unwrap();
        let (good, cut) = (encode(coding, &content), &encode(coding, &content)[..500]);
        for _ in 0..2 {
            assert_eq!(run_with(&mut decoder, &good, &[1000], 1000), (content.clone(), Ok(())));
            decoder.reset();
            assert!(run_with(&mut decoder, cut, &[1000], 100).1.is_err());
            decoder.reset();
        }
    }
}

#[test]
fn an_encoder_serves_one_body_after_another() {
    for coding in ALL {
        let mut encoder = Encoder::new(coding).unwrap();
        assert_eq!(encoder.coding(), coding);
        let once = encode(coding, &page(500));
        encoder.push(b"a body that is given up", &mut Vec::new()).unwrap();
        for _ in 0..2 {
            encoder.reset();
            let mut coded = Vec::new();
            encoder.push(&page(500), &mut coded).unwrap();
            encoder.finish(&mut coded).unwrap();
            assert!(coded == once, "{coding:?}");
        }
    }
}

#[test]
fn a_coding_is_known_by_its_first_bytes() {
    assert_eq!(sniff(&gzip(b"content", 6)), Some(Gzip));
    assert_eq!(sniff(&zstd_frame(b"content", 6)), Some(Zstd));
    assert_eq!(sniff(&skippable(b"aside")), Some(Zstd));
    for text in [&b""[..], b"\x1f", b"\x1f\x8b", b"P*M", b"<html>", b"{}", b"\x78\x9c", b"(\xb5/"] {
        assert_eq!(sniff(text), None, "{text:?}");
    }
}

#[test]
fn decoders_and_encoders_may_move_between_threads() {
    fn check<T: Send>() {}
    check::<Decoder>();
    check::<Encoder>();
}
