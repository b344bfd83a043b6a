//! The application: it says byte for byte what the test wants, and remembers what it was asked.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use super::PATIENCE;

/// What the application does with a request.
pub(crate) enum Act {
    /// Sends these bytes as they are.
    Send(Vec<u8>),
    /// Sends these bytes again and again until the other side has enough.
    Flood(Vec<u8>),
    /// Goes on only when the test says so.
    Await(mpsc::Receiver<()>),
    /// Passes everything back that comes, until the other side ends.
    Echo,
    /// Waits until the other side has closed, and tells the test.
    Closed(mpsc::Sender<()>),
    /// Closes the connection.
    Close,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Which connection, counted from 0.
    pub(crate) connection: usize,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }
}

/// A running application.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Origin {
    /// Answers each request with what `script` says.
    pub(crate) fn start(script: impl Fn(&Asked) -> Vec<Act> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, seen) = (Arc::new(script), asked.clone());
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (script, seen) = (script.clone(), seen.clone());
                thread::spawn(move || serve(connection, stream.unwrap(), &*script, &seen));
            }
        });
        Self { address, asked }
    }

    /// Gives every request the same answer.
    pub(crate) fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_| vec![Act::Send(answer.clone())])
    }

    /// What has been asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    connection: usize,
    mut stream: TcpStream,
    script: &(dyn Fn(&Asked) -> Vec<Act> + Send + Sync),
    seen: &Mutex<Vec<Asked>>,
) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    while let Some(asked) = read_request(connection, &mut stream) {
        seen.lock().unwrap().push(asked.clone());
        for act in script(&asked) {
            if !play(act, &mut stream) {
                return;
            }
        }
    }
}

/// Whether the connection lives on.
fn play(act: Act, stream: &mut TcpStream) -> bool {
    match act {
        Act::Send(bytes) => stream.write_all(&bytes).is_ok(),
        Act::Flood(bytes) => {
            while stream.write_all(&bytes).is_ok() {}
            true
        }
        Act::Await(go) => go.recv_timeout(PATIENCE).is_ok(),
        Act::Echo => {
            let mut piece = [0; 1024];
            while let Ok(read @ 1..) = stream.read(&mut piece) {
                stream.write_all(&piece[..read]).unwrap();
            }
            false
        }
        Act::Closed(told) => {
            let mut rest = Vec::new();
            if stream.read_to_end(&mut rest).is_ok() || rest.is_empty() {
                told.send(()).unwrap();
            }
            false
        }
        Act::Close => {
            drop(stream.shutdown(Shutdown::Both));
            false
        }
    }
}

fn read_request(connection: usize, stream: &mut TcpStream) -> Option<Asked> {
    let head = read_until(stream, b"\r\n\r\n")?;
    let head = String::from_utf8(head).unwrap();
    let lower = head.to_ascii_lowercase();
    let body = if lower.contains("transfer-encoding: chunked") {
        read_until(stream, b"0\r\n\r\n")?
    } else {
        let length =
            lower.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        body
    };
    Some(Asked { connection, head, body })
}

fn read_until(stream: &mut TcpStream, end: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(end) {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    Some(bytes)
}

/// An answer with a length.
pub(crate) fn answer(status: &str, fields: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
