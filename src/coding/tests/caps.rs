//! How far a body may expand, and in how much memory.

use super::*;

#[test]
fn windows_beyond_the_limit_are_refused_however_they_arrive() {
    // A frame of one raw block of one byte; the window is 16 MiB, then 8 MiB.
    let frame = |window: u8| [0x28, 0xb5, 0x2f, 0xfd, 0, window, 9, 0, 0, b'x'];
    assert_eq!(verdict(Zstd, &frame(14 << 3)), Err(CodingError::WindowTooLarge(Zstd)));
    assert_eq!(verdict(Zstd, &frame(13 << 3 | 1)), Err(CodingError::WindowTooLarge(Zstd)));
    assert_eq!(verdict(Zstd, &frame(13 << 3)), Ok(b"x".to_vec()));

    let limits = Limits { window_log: 18, ..Limits::default() };
    for (coding, coded, expected) in [
        (Zstd, frame(9 << 3).to_vec(), Err(CodingError::WindowTooLarge(Zstd))),
        (Zstd, frame(8 << 3).to_vec(), Ok(())),
        (Brotli, b"\x8b\x02\x80hello\n\x03".to_vec(), Err(CodingError::WindowTooLarge(Brotli))),
        (Brotli, encode(Brotli, b"content"), Ok(())),
    ] {
        let mut decoder = Decoder::new(&Plan::Decode(vec![coding]), limits).unwrap();
        assert_eq!(run_with(&mut decoder, &coded, &[1], 9).1, expected, "{coding:?}");
    }
    // WBITS of the large-window extension.
    assert_eq!(verdict(Brotli, &[0x11, 30, 0x03]), Err(CodingError::Corrupt(Brotli)));
}

#[test]
fn a_bomb_never_gives_more_than_the_room_and_is_cut() {
    let blanks = vec![b' '; 200 << 20];
    let bomb = gzip(&blanks, 9);
    let mut decoder = Decoder::new(&Plan::Decode(vec![Gzip]), Limits::default()).unwrap();
    let (mut output, mut total) = (vec![0; 16 << 10], 0);
    let verdict = bomb.chunks(16 << 10).find_map(|mut input| {
        loop {
            match decoder.decode(&mut input, &mut output) {
                Err(error) => return Some(error),
                Ok(progress) => {
                    assert!(progress.written <= output.len());
                    total += progress.written;
                    if !progress.has_more {
                        return None;
                    }
                }
            }
        }
    });
    assert_eq!(verdict, Some(CodingError::TooExpanded(Gzip)));
    assert_eq!(total, (128 << 20) + (64 << 10));
    assert!(decoder.memory() <= 64 << 10);
}

#[test]
fn sixty_four_mebibytes_of_blanks_in_gzip_are_read() {
    let blanks = vec![b' '; 64 << 20];
    let (content, verdict) = run(&[Gzip], &gzip(&blanks, 9), &[16 << 10], 1 << 16);
    assert_eq!((content.len(), verdict), (blanks.len(), Ok(())));
}

#[test]
fn bombs_of_the_denser_codings_and_of_stacks_are_cut_at_the_first_mebibyte() {
    let blanks = vec![b' '; 8 << 20];
    for (codings, bomb) in [
        (vec![Brotli], encode(Brotli, &blanks)),
        (vec![Zstd], encode(Zstd, &blanks)),
        (vec![Gzip, Gzip], gzip(&gzip(&blanks, 9), 9)),
        // The expansion is in the middle: the last layer gives nothing out.
        (vec![Brotli, Zstd], encode(Brotli, &skippable(&blanks))),
    ] {
        let (content, verdict) = run(&codings, &bomb, &[16 << 10], 1 << 14);
        assert!(matches!(verdict, Err(CodingError::TooExpanded(_))), "{codings:?}: {verdict:?}");
        assert!(content.len() <= (1 << 20) + (64 << 10));
    }
}

#[test]
fn where_a_bomb_is_cut_does_not_depend_on_its_delivery() {
    let content = [vec![b' '; 3 << 20], page(1000)].concat();
    for (coding, bomb) in [(Brotli, encode(Brotli, &content)), (Zstd, encode(Zstd, &content))] {
        let at_once = run(&[coding], &bomb, &[usize::MAX], 1 << 16);
        assert_eq!(at_once.1, Err(CodingError::TooExpanded(coding)));
        for (piece, room) in [(1, 1 << 16), (100, 1000), (usize::MAX, 1 << 20)] {
            assert!(run(&[coding], &bomb, &[piece], room) == at_once);
        }
    }
}

#[test]
fn the_total_is_kept() {
    let limits = Limits { total: 100_000, ..Limits::default() };
    let mut decoder = Decoder::new(&Plan::Decode(vec![Gzip]), limits).unwrap();
    let (content, verdict) = run_with(&mut decoder, &gzip(&page(20_000), 1), &[1000], 1000);
    assert_eq!((content.len(), verdict), (128 << 10, Err(CodingError::TooExpanded(Gzip))));
}

#[test]
fn memory_is_bounded_and_tells_the_declared_window() {
    for codings in [vec![Gzip], vec![Deflate], vec![Brotli], vec![Zstd], vec![Brotli, Gzip, Zstd, Deflate]] {
        let plan = Plan::Decode(codings.clone());
        let decoder = Decoder::new(&plan, Limits::default()).unwrap();
        assert!(decoder.memory() > 0 && decoder.memory() <= plan.memory(&Limits::default()), "{codings:?}");
    }
    let mut decoder = Decoder::new(&Plan::Decode(vec![Brotli]), Limits::default()).unwrap();
    let before = decoder.memory();
    decoder.decode(&mut &encode(Brotli, b"content")[..1], &mut [0]).unwrap();
    assert_eq!(decoder.memory() - before, 1 << 18);
}
