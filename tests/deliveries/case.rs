//! A content, and a way to deliver it.

/// Something an application says.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) name: &'static str,
    pub(crate) media: &'static str,
    pub(crate) text: &'static str,
    /// A form of one line, for fields.
    pub(crate) line: &'static str,
    /// What must not reach the client; of harmless content, what must.
    pub(crate) marks: &'static [&'static str],
    pub(crate) leaks: bool,
}

/// A way to deliver a content.
pub(crate) struct Delivery {
    pub(crate) name: &'static str,
    /// What an application writes on its connection.
    pub(crate) answer: fn(&Case<'_>) -> Answer,
    pub(crate) twin: Twin,
    pub(crate) method: &'static str,
    /// Fields of the request.
    pub(crate) asks: &'static [(&'static str, &'static str)],
}

/// What becomes of harmless content that is delivered so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twin {
    /// It reaches the client.
    Arrives,
    /// What carries it never passes, and all else arrives.
    Dropped,
    /// It cannot be judged, or is no acceptable HTTP ("What cannot be judged" in ARCHITECTURE.md).
    Refused,
}

/// One delivery under way.
pub(crate) struct Case<'a> {
    pub(crate) content: &'a Content,
    pub(crate) status: u16,
    /// The head of the request, in lower case.
    pub(crate) asked: &'a str,
}

/// What is written, and whether the connection ends behind it.
pub(crate) struct Answer {
    pub(crate) sent: Vec<u8>,
    pub(crate) closes: bool,
}

/// What the application says besides.
pub(crate) const PAGE: &[u8] = b"<!doctype html><title>Cellar</title><p>All is well in the cellar today.</p>\n";

/// Codings that a browser takes.
const ACCEPTED: &[(&str, &str)] = &[("accept-encoding", "gzip, deflate, br, zstd")];

impl Delivery {
    pub(crate) const fn new(name: &'static str, answer: fn(&Case<'_>) -> Answer) -> Self {
        Self { name, answer, twin: Twin::Arrives, method: "GET", asks: ACCEPTED }
    }

    pub(crate) const fn refused(self) -> Self {
        Self { twin: Twin::Refused, ..self }
    }

    pub(crate) const fn dropped(self) -> Self {
        Self { twin: Twin::Dropped, ..self }
    }

    pub(crate) const fn asking(self, asks: &'static [(&'static str, &'static str)]) -> Self {
        Self { asks, ..self }
    }

    pub(crate) const fn by(self, method: &'static str) -> Self {
        Self { method, ..self }
    }
}

impl Case<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.content.text.as_bytes()
    }

    /// The content in two, cut within what must not pass.
    pub(crate) fn halves(&self) -> [&[u8]; 2] {
        let mark = self.content.marks[0];
        let middle = self.content.text.find(mark).unwrap() + mark.len() / 2;
        let (before, after) = self.bytes().split_at(middle);
        [before, after]
    }

    /// A head of the case's status; `fields` are whole lines.
    pub(crate) fn head(&self, media: &str, fields: &str) -> Vec<u8> {
        let media = if media.is_empty() { String::new() } else { format!("Content-Type: {media}\r\n") };
        format!("HTTP/1.1 {} Said\r\n{media}{fields}\r\n", self.status).into_bytes()
    }

    /// An answer with a length.
    pub(crate) fn sized(&self, media: &str, fields: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        let head = self.head(media, &format!("{fields}Content-Length: {}\r\n", body.len()));
        Answer { sent: [&head, body].concat(), closes: false }
    }

    /// The content's own type, and whatever body.
    pub(crate) fn typed(&self, body: impl AsRef<[u8]>) -> Answer {
        self.sized(self.content.media, "", body)
    }

    /// The content in a coding, said or not.
    pub(crate) fn coded(&self, coding: &str, body: impl AsRef<[u8]>) -> Answer {
        self.sized(self.content.media, &format!("Content-Encoding: {coding}\r\n"), body)
    }

    /// The healthy page with a field of its own.
    pub(crate) fn with_field(&self, field: &str) -> Answer {
        self.sized("text/html", &format!("{field}\r\n"), PAGE)
    }

    /// An answer in chunks.
    pub(crate) fn chunks<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Answer {
        let head = self.head(self.content.media, "Transfer-Encoding: chunked\r\n");
        Answer { sent: [head, chunks(pieces, "", "")].concat(), closes: false }
    }

    /// Bytes as they are, after which the connection ends.
    pub(crate) fn raw(&self, pieces: &[&[u8]]) -> Answer {
        Answer { sent: pieces.concat(), closes: true }
    }
}

/// A chunked body; `trailers` are whole lines.
pub(crate) fn chunks<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, extension: &str, trailers: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for piece in pieces {
        body.extend_from_slice(format!("{:x}{extension}\r\n", piece.len()).as_bytes());
        body.extend_from_slice(piece);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("0{extension}\r\n{trailers}\r\n").as_bytes());
    body
}
