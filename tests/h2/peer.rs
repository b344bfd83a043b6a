//! A client that sends frames as it is told and says what comes back.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring, pki_types::ServerName};

use crate::{
    case::Outcome,
    support::PATIENCE,
    wire::{self, ACK, Bytes, END_STREAM, get, headers, ping, settings},
};

/// A stream of its own, above all that cases use.
const LAST_STREAM: u32 = 99_999;

/// A connection.
pub(crate) struct Peer {
    connection: Box<dyn Connection>,
    /// Read and not yet looked at.
    buffer: Vec<u8>,
    /// Whether a frame has come.
    spoke: bool,
}

trait Connection: Read + Write {}
impl<T: Read + Write> Connection for T {}

/// A frame that came.
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Peer {
    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self::on(socket(address))
    }

    /// By TLS, on which HTTP/2 is agreed.
    pub(crate) fn tls(address: SocketAddr, roots: Arc<RootCertStore>) -> Self {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let session = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
        Self::on(StreamOwned::new(session, socket(address)))
    }

    fn on(connection: impl Connection + 'static) -> Self {
        Self { connection: Box::new(connection), buffer: Vec::new(), spoke: false }
    }

    /// Begins as a client should, and waits until its settings are in force.
    pub(crate) fn open(&mut self) {
        self.say(&[wire::PREFACE.to_vec(), settings(&[])]);
        let (mut theirs, mut acknowledged) = (false, false);
        while !(theirs && acknowledged) {
            let frame = self.frame().unwrap_or_else(|end| panic!("at its beginning: {end:?}"));
            let is_ack = frame.flags & ACK != 0;
            acknowledged |= frame.kind == wire::SETTINGS && is_ack;
            if frame.kind == wire::SETTINGS && !is_ack {
                theirs = true;
                self.say(&[wire::frame(wire::SETTINGS, ACK, 0, [])]);
            }
        }
    }

    /// Sends frames at once.
    pub(crate) fn say(&mut self, frames: &[Bytes]) -> &mut Self {
        // The other side may have ended before everything is sent.
        drop(self.connection.write_all(&frames.concat()));
        self
    }

    /// The first of an error, an end, and a whole answer to any stream.
    pub(crate) fn outcome(&mut self) -> Outcome {
        self.outcome_until(None)
    }

    /// Likewise, but where nothing is due: then it is accepted when the connection has answered twice.
    pub(crate) fn fenced(&mut self) -> Outcome {
        for fence in [b"fence 1\n", b"fence 2\n"] {
            let outcome = self.say(&[ping(fence)]).outcome_until(Some(fence));
            if outcome != Outcome::Accepted {
                return outcome;
            }
        }
        Outcome::Accepted
    }

    /// What comes of asking again on the same connection.
    pub(crate) fn asked_again(&mut self) -> Outcome {
        self.say(&[headers(wire::WHOLE, LAST_STREAM, get())]);
        loop {
            match self.frame() {
                Ok(frame) if frame.kind == wire::HEADERS && frame.stream == LAST_STREAM => {
                    return wire::status(&frame.payload).map_or(Outcome::Silence, Outcome::Answered);
                }
                Ok(frame) if frame.kind == wire::GOAWAY => return gone_away(&frame),
                Ok(frame) if frame.kind == wire::RST_STREAM && frame.stream == LAST_STREAM => {
                    return Outcome::Reset(word(&frame.payload, 0));
                }
                Ok(_) => {}
                Err(outcome) => return outcome,
            }
        }
    }

    /// The first frame of a type, or what comes before.
    pub(crate) fn first(&mut self, kind: u8) -> Outcome {
        loop {
            match self.frame() {
                Ok(frame) if frame.kind == kind && kind == wire::DATA => return Outcome::Data(frame.payload.len()),
                Ok(frame) if frame.kind == kind => return Outcome::Accepted,
                Ok(frame) => {
                    if let Some(outcome) = error(&frame) {
                        return outcome;
                    }
                }
                Err(outcome) => return outcome,
            }
        }
    }

    fn outcome_until(&mut self, fence: Option<&[u8; 8]>) -> Outcome {
        let mut answering = 0;
        loop {
            let frame = match self.frame() {
                Ok(frame) => frame,
                Err(outcome) => return outcome,
            };
            if let Some(outcome) = error(&frame) {
                return outcome;
            }
            let is_ack = frame.kind == wire::PING && frame.flags & ACK != 0;
            if is_ack && fence.is_some_and(|fence| frame.payload == fence) {
                return Outcome::Accepted;
            }
            if frame.kind == wire::HEADERS && answering == 0 {
                answering = wire::status(&frame.payload).unwrap_or(0);
            }
            let carries_end = matches!(frame.kind, wire::HEADERS | wire::DATA) && frame.flags & END_STREAM != 0;
            if carries_end && fence.is_none() {
                return Outcome::Answered(answering);
            }
        }
    }

    fn frame(&mut self) -> Result<Frame, Outcome> {
        self.fill(9)?;
        if !self.spoke && self.buffer.starts_with(b"HTTP/1.1 ") {
            self.fill(12)?;
            return Err(Outcome::Http1(String::from_utf8_lossy(&self.buffer[9..12]).parse().unwrap()));
        }
        self.spoke = true;
        let head: Vec<u8> = self.buffer.drain(..9).collect();
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        self.fill(length)?;
        let payload = self.buffer.drain(..length).collect();
        Ok(Frame { kind: head[3], flags: head[4], stream: word(&head, 5), payload })
    }

    /// Reads until so much is there.
    fn fill(&mut self, length: usize) -> Result<(), Outcome> {
        let mut piece = [0; 16 * 1024];
        while self.buffer.len() < length {
            match self.connection.read(&mut piece) {
                Ok(0) => return Err(Outcome::Closed),
                Ok(read) => self.buffer.extend_from_slice(&piece[..read]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Err(Outcome::Silence);
                }
                Err(_) => return Err(Outcome::Closed),
            }
        }
        Ok(())
    }
}

fn socket(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

fn error(frame: &Frame) -> Option<Outcome> {
    match frame.kind {
        wire::RST_STREAM => Some(Outcome::Reset(word(&frame.payload, 0))),
        wire::GOAWAY => Some(gone_away(frame)),
        _ => None,
    }
}

fn gone_away(frame: &Frame) -> Outcome {
    Outcome::GoneAway(word(&frame.payload, 4))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}
