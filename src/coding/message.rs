//! Messages of a WebSocket that were compressed one by one (permessage-deflate, RFC 7692).

use super::{Coding, CodingError, inflate::Inflate};

/// What every message ends with and leaves out: the empty stored block of a flush (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Decoded bytes taken at a time.
const STEP: usize = 16 << 10;

/// Bytes that the state of one direction takes.
pub const MESSAGE_INFLATER_MEMORY: usize = super::inflate::MEMORY;

/// What the sender agreed to for what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageDeflate {
    /// Every message is coded by itself (`server_no_context_takeover`); else it refers to those before.
    pub resets: bool,
}

/// Decodes the messages of one direction of a connection, in order. Its window is 32 KiB, the largest there is, so that
/// it reads what was coded with a smaller one.
#[derive(Debug)]
pub struct MessageInflater {
    inflate: Inflate,
    agreed: MessageDeflate,
}

impl MessageInflater {
    /// A decoder before the first message.
    pub fn new(agreed: MessageDeflate) -> Self {
        Self { inflate: Inflate::new(), agreed }
    }

    /// The content of a whole message of at most `most` bytes.
    ///
    /// # Errors
    /// [`CodingError::Corrupt`], or [`CodingError::TooExpanded`] if it is longer than that. No message after it can be
    /// read then.
    pub fn decode(&mut self, payload: &[u8], most: usize) -> Result<Vec<u8>, CodingError> {
        let mut content = Vec::new();
        for mut input in [payload, &TAIL] {
            self.run(&mut input, &mut content, most)?;
        }
        if self.agreed.resets {
            self.inflate.reset(false);
        }
        Ok(content)
    }

    /// Decodes until nothing more comes of `input`. A sender may end its stream with a message; the next block begins
    /// another (section 7.2.3.4).
    fn run(&mut self, input: &mut &[u8], content: &mut Vec<u8>, most: usize) -> Result<(), CodingError> {
        loop {
            let start = content.len();
            content.resize(start + STEP.min(most + 1 - start), 0);
            let room = content.len() - start;
            let turn = self.inflate.step(input, content.get_mut(start..).unwrap_or_default());
            let turn = turn.map_err(|_| CodingError::Corrupt(Coding::Deflate))?;
            content.truncate(start + turn.written);
            if content.len() > most {
                return Err(CodingError::TooExpanded(Coding::Deflate));
            }
            if turn.ended {
                self.inflate.reset(false);
            }
            if input.is_empty() && turn.written < room {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    const KEPT: MessageDeflate = MessageDeflate { resets: false };
    const RESET: MessageDeflate = MessageDeflate { resets: true };

    fn deflate(state: &mut Compress, content: &[u8]) -> Vec<u8> {
        let mut coded = Vec::with_capacity(content.len() + 1024);
        state.compress_vec(content, &mut coded, FlushCompress::Sync).unwrap();
        assert!(coded.ends_with(&TAIL));
        coded.truncate(coded.len() - TAIL.len());
        coded
    }

    #[test]
    fn the_examples_of_the_specification_are_read() {
        for coded in [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ] {
            let mut messages = MessageInflater::new(RESET);
            assert_eq!(messages.decode(coded, 5), Ok(b"Hello".to_vec()));
            assert_eq!(messages.decode(coded, 5), Ok(b"Hello".to_vec()));
        }
        let mut messages = MessageInflater::new(KEPT);
        assert_eq!(messages.decode(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], 5), Ok(b"Hello".to_vec()));
        assert_eq!(messages.decode(&[0xf2, 0x00, 0x11, 0x00, 0x00], 5), Ok(b"Hello".to_vec()));
    }

    #[test]
    fn a_message_refers_to_those_before_only_where_that_was_agreed() {
        let (mut state, mut messages) = (Compress::new(Compression::best(), false), MessageInflater::new(KEPT));
        let text: Vec<u8> = (0..40_000_u32).map(|n| ((n * 7919) >> 5) as u8).collect();
        for _ in 0..3 {
            assert_eq!(messages.decode(&deflate(&mut state, &text[..20_000]), 1 << 20).as_deref(), Ok(&text[..20_000]));
        }
        let mut messages = MessageInflater::new(RESET);
        let mut state = Compress::new(Compression::best(), false);
        assert!(messages.decode(&deflate(&mut state, &text[..20_000]), 1 << 20).is_ok());
        let second = deflate(&mut state, &text[..20_000]);
        assert_eq!(messages.decode(&second, 1 << 20), Err(CodingError::Corrupt(Coding::Deflate)));
    }

    #[test]
    fn the_bound_holds_to_the_byte() {
        let coded = deflate(&mut Compress::new(Compression::best(), false), &vec![b'a'; 100_000]);
        assert_eq!(MessageInflater::new(KEPT).decode(&coded, 100_000).map(|content| content.len()), Ok(100_000));
        assert_eq!(MessageInflater::new(KEPT).decode(&coded, 99_999), Err(CodingError::TooExpanded(Coding::Deflate)));
    }

    #[test]
    fn an_empty_message_is_empty_and_noise_is_corrupt() {
        assert_eq!(MessageInflater::new(KEPT).decode(&[0], 10), Ok(Vec::new()));
        assert_eq!(MessageInflater::new(KEPT).decode(&[], 10), Ok(Vec::new()));
        assert!(MessageInflater::new(KEPT).decode(&[0xff; 9], 10).is_err());
    }
}
