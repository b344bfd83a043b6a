//! The built binary in front of an application, as an operator starts it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::application::end_group;

/// Compiling the rules in a debug build takes its time.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// No line that comes takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running proxy. Dropping it ends it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// Where it listens for TLS, if it does.
    pub(crate) secure_address: Option<SocketAddr>,
    process: Child,
    /// The lines of its log.
    log: mpsc::Receiver<String>,
}

impl Proxy {
    /// Starts `cofferdam run` in front of the application, with further flags, and learns the port from its first
    /// line.
    pub(crate) fn start(upstream: SocketAddr, flags: &[&str]) -> Self {
        Self::of_binary(env!("CARGO_BIN_EXE_cofferdam"), upstream, flags)
    }

    /// The optimised build that `tests/run --all` names; without that the test's own.
    pub(crate) fn measured(upstream: SocketAddr) -> Self {
        let measured = std::env::var("MEASURED_BINARY");
        Self::of_binary(measured.as_deref().unwrap_or(env!("CARGO_BIN_EXE_cofferdam")), upstream, &[])
    }

    fn of_binary(binary: &str, upstream: SocketAddr, flags: &[&str]) -> Self {
        let mut process = Command::new(binary)
            .args(["run", "--upstream", &format!("http://{upstream}"), "--listen", "127.0.0.1:0"])
            .args(flags)
            .env("COFFERDAM_ADMIN__LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("the binary starts");
        let output = lines(process.stdout.take().expect("the output is piped"));
        let log = lines(process.stderr.take().expect("the log is piped"));
        match announced(&output) {
            Some((address, secure_address)) => Self { address, secure_address, process, log },
            None => {
                end_group(&mut process);
                panic!("the proxy did not say where it listens");
            }
        }
    }

    /// Tells it to read its configuration again.
    pub(crate) fn hang_up(&self) {
        let told = Command::new("kill").args(["-s", "HUP", &self.process.id().to_string()]).status();
        assert!(told.is_ok_and(|status| status.success()), "the proxy takes no signal");
    }

    /// The CPU time that its thread of this name has used.
    pub(crate) fn thread_time(&self, name: &str) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("the system shows threads");
        let mut threads = threads.map(|thread| thread.expect("threads can be listed").path());
        let named = |thread: &PathBuf| fs::read_to_string(thread.join("comm")).is_ok_and(|comm| comm.trim() == name);
        let thread = threads.find(named).expect("the thread runs");
        // Time on the processor, time in wait for it, both in nanoseconds, and turns.
        let times = fs::read_to_string(thread.join("schedstat")).expect("the system accounts for threads");
        Duration::from_nanos(times.split(' ').next().and_then(|time| time.parse().ok()).expect("the time is a number"))
    }

    /// The next line of its log that has this in it.
    pub(crate) fn logged(&self, text: &str) -> String {
        let mut lines = std::iter::from_fn(|| self.log.recv_timeout(PATIENCE).ok());
        lines.find(|line| line.contains(text)).unwrap_or_else(|| panic!("the proxy logs nothing of {text}"))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        end_group(&mut self.process);
    }
}

/// The addresses in the lines `listening on ADDRESS` and `listening for TLS on ADDRESS`. The operator's is said last.
fn announced(lines: &mpsc::Receiver<String>) -> Option<(SocketAddr, Option<SocketAddr>)> {
    let deadline = Instant::now() + START_DEADLINE;
    let (mut plain, mut secure) = (None, None);
    loop {
        let line = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()?;
        let after = |words: &str| line.strip_prefix(words).and_then(|address| address.trim().parse().ok());
        plain = plain.or_else(|| after("listening on "));
        secure = secure.or_else(|| after("listening for TLS on "));
        if line.starts_with("metrics and health on ") {
            return Some((plain?, secure));
        }
    }
}

/// What is written there, read to its end, so that the proxy never waits for a full pipe.
fn lines(output: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            sender.send(line).ok();
        }
    });
    lines
}
