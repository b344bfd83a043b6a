//! A proxy whose configuration file and keys of cookies change while it runs.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Form, Proxy, Visitor};

/// Compiling the rules in a debug build takes its time.
const RELOAD_DEADLINE: Duration = Duration::from_secs(60);

/// On every answer, the number of the configuration that it was judged by.
const GENERATION: &str = "x-generation";

/// A running proxy and its files. Dropping it ends the proxy and removes the files.
pub(crate) struct Configured {
    pub(crate) proxy: Proxy,
    /// Holds `cofferdam.toml` and the key file `keys`.
    directory: TempDir,
    generation: u32,
}

impl Configured {
    /// Starts the proxy with these lines in its configuration file and these in the file `keys` beside it.
    pub(crate) fn start(upstream: SocketAddr, configuration: &str, keys: &str) -> Self {
        let directory = tempfile::tempdir().expect("a folder can be made");
        write(&directory, configuration, keys, 0);
        let file = directory.path().join("cofferdam.toml");
        let proxy = Proxy::start(upstream, &["--config", &file.to_string_lossy()]);
        Self { proxy, directory, generation: 0 }
    }

    /// Puts other lines there, and returns when they are in force.
    pub(crate) fn change(&mut self, configuration: &str, keys: &str) {
        self.generation += 1;
        write(&self.directory, configuration, keys, self.generation);
        self.proxy.hang_up();
        let (visitor, wanted) = (Visitor::of(self.proxy.address), self.generation.to_string());
        let deadline = Instant::now() + RELOAD_DEADLINE;
        while visitor.get("/", Form::Page).field(GENERATION) != Some(&wanted) {
            assert!(Instant::now() < deadline, "the new configuration does not come into force");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The keys first: whoever reads the configuration of a generation reads its keys after it.
fn write(directory: &TempDir, configuration: &str, keys: &str, generation: u32) {
    let text = format!("headers.set.{GENERATION} = \"{generation}\"\n{configuration}\n");
    for (name, text) in [("keys", keys), ("cofferdam.toml", &text)] {
        let new = directory.path().join(format!("{name}.new"));
        fs::write(&new, text).expect("a file can be written");
        fs::rename(&new, directory.path().join(name)).expect("a file can take the place of another");
    }
}

/// A line for a key file with a new key, as `cofferdam keys generate` makes it.
pub(crate) fn key_line() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_cofferdam")).args(["keys", "generate"]).output();
    let text = String::from_utf8(output.expect("the binary runs").stdout).expect("a key file is text");
    let line = text.lines().find(|line| !line.starts_with('#')).expect("a key file has a key");
    format!("{line}\n")
}
