//! The log: where lines go, how they look, what their fields are called.
//!
//! Logging never delays a response (law L4): lines go into a bounded buffer that a thread of its own writes out.
//! While the reader of the log is stuck, lines are given up and counted.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::metrics::IntCounter;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// The names of the targets.
pub mod target {
    /// One line per request.
    pub const ACCESS: &str = "access";
    /// One line per incident.
    pub const INCIDENT: &str = "incident";
    /// Cookies that were kept from the application or the client.
    pub const COOKIES: &str = "cookies";
    /// What the guard would have refused.
    pub const OBJECTION: &str = "objection";
    /// The life of the process.
    pub const SERVICE: &str = "service";
    /// The application does not answer as it should.
    pub const UPSTREAM: &str = "upstream";
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// The form of a line.
    pub format: LogFormat,
    /// What is worth a line, in the syntax of `tracing_subscriber`'s `EnvFilter`, e.g. `info`.
    pub filter: String,
    /// Whether each request gets a line.
    pub access: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned(), access: true }
    }
}

/// Bytes that wait to be written; more are given up.
const CAPACITY: usize = 1 << 20;

/// The way into the log. Clones lead to the same log.
#[derive(Clone, Debug)]
pub struct Log(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    dropped: IntCounter,
}

/// Invariant: `lines` is at most [`CAPACITY`] long and ends with a line's end.
#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    writing: bool,
    closed: bool,
}

impl Log {
    /// A log that a thread of its own writes to `output`. `dropped` counts the lines that are given up.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(output: impl Write + Send + 'static, dropped: IntCounter) -> io::Result<Self> {
        let queue = Queue { waiting: Mutex::default(), changed: Condvar::new(), dropped };
        let log = Self(Arc::new(queue));
        let queue = log.0.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || queue.write_out(output))?;
        Ok(log)
    }

    /// Adds whole lines, or gives them up.
    pub fn write(&self, lines: &[u8]) {
        let mut waiting = self.0.lock();
        if waiting.lines.len() + lines.len() > CAPACITY {
            drop(waiting);
            return self.0.dropped.inc_by(memchr::memchr_iter(b'\n', lines).count() as u64);
        }
        let sleeps = waiting.lines.is_empty() && !waiting.writing;
        waiting.lines.extend_from_slice(lines);
        drop(waiting);
        if sleeps {
            self.0.changed.notify_all();
        }
    }

    /// Waits until everything is written, but no longer than `patience`.
    pub fn flush(&self, patience: std::time::Duration) {
        let waiting = self.0.lock();
        let busy = |waiting: &mut Waiting| !waiting.closed && (waiting.writing || !waiting.lines.is_empty());
        // Whether it was written or not, we go on.
        drop(self.0.changed.wait_timeout_while(waiting, patience, busy));
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer's thread. It ends when the output does.
    fn write_out(&self, mut output: impl Write) {
        let mut batch = Vec::new();
        loop {
            self.take(&mut batch);
            let result = output.write_all(&batch).and_then(|()| output.flush());
            let mut waiting = self.lock();
            waiting.writing = false;
            waiting.closed |= result.is_err();
            self.changed.notify_all();
            if result.is_err() {
                // Nobody reads any more. What comes from now on fills the buffer and is counted as dropped.
                return;
            }
        }
    }

    fn take(&self, batch: &mut Vec<u8>) {
        batch.clear();
        let empty = |waiting: &mut Waiting| waiting.lines.is_empty();
        let waiting = self.changed.wait_while(self.lock(), empty);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(batch, &mut waiting.lines);
        waiting.writing = true;
    }
}

impl Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Log::write(self, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = &'a Log;

    fn make_writer(&'a self) -> &'a Log {
        self
    }
}

/// Sends everything that is said through `tracing` to `log`, for the whole process, and of panics their place alone:
/// their message may quote what was being read.
///
/// # Errors
/// When the filter is not valid, or `tracing` has been set up before.
pub fn install(settings: &LogSettings, log: Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| error.to_string())?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(log);
    let installed = match settings.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| error.to_string())?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(target: target::SERVICE, place, "a fault of the proxy itself; please report it");
    }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// An output that says what it was given, and is stuck until told to go on.
    struct Stuck {
        entered: mpsc::Sender<Vec<u8>>,
        go: mpsc::Receiver<()>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.entered.send(bytes.to_vec()).unwrap();
            self.go.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_log_drops_lines_and_counts_them_and_blocks_nobody() {
        let dropped = IntCounter::new("dropped", "dropped").unwrap();
        let (entered, inside) = mpsc::channel();
        let (go, wait) = mpsc::channel();
        let log = Log::start(Stuck { entered, go: wait }, dropped.clone()).unwrap();
        log.write(b"first\n");
        assert_eq!(inside.recv().unwrap(), b"first\n");
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        for _ in 0..2000 {
            log.write(&line);
        }
        assert_eq!(dropped.get(), 2000 - 1024);
        go.send(()).unwrap();
        assert_eq!(inside.recv().unwrap().len(), CAPACITY);
    }

    #[test]
    fn lines_arrive_in_order() {
        let (entered, inside) = mpsc::channel();
        let (go, wait) = mpsc::channel();
        let log = Log::start(Stuck { entered, go: wait }, IntCounter::new("d", "d").unwrap()).unwrap();
        go.send(()).unwrap();
        go.send(()).unwrap();
        log.write(b"one\n");
        assert_eq!(inside.recv().unwrap(), b"one\n");
        log.write(b"two\nthree\n");
        assert_eq!(inside.recv().unwrap(), b"two\nthree\n");
        log.flush(std::time::Duration::from_secs(5));
    }
}
