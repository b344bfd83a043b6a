//! The proxy as a process of its own, so that its memory is nobody else's.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
};

/// A running proxy. It is ended when this is dropped.
pub(crate) struct Process {
    process: Child,
    pub(crate) address: SocketAddr,
}

/// The optimised build to measure, if there is one (`tests/run --all` makes it).
pub(crate) fn measured() -> Option<String> {
    env::var("MEASURED_BINARY").ok()
}

impl Process {
    /// With the defaults in front of an application; the measured build, or else the test's own.
    pub(crate) fn before(application: SocketAddr) -> Self {
        let binary = measured().unwrap_or_else(|| env!("CARGO_BIN_EXE_cofferdam").to_owned());
        let mut process = Command::new(binary)
            .args(["run", "--upstream", &format!("http://{application}"), "--listen", "127.0.0.1:0"])
            .env("COFFERDAM_ADMIN__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("listening on ")?.trim().parse().ok()).unwrap();
        thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    /// A field of `/proc/PID/status`, in KiB.
    pub(crate) fn status(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
        value.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
