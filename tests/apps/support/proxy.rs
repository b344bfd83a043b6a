//! The built binary in front of an application, as an operator starts it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::application::end_group;

/// Compiling the rules in a debug build takes its time.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// A running proxy. Dropping it ends it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Proxy {
    /// Starts `cofferdam run` in front of the application, with further flags, and learns the port from its first
    /// line.
    pub(crate) fn start(upstream: SocketAddr, flags: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_cofferdam"))
            .args(["run", "--upstream", &format!("http://{upstream}"), "--listen", "127.0.0.1:0"])
            .args(flags)
            .env("COFFERDAM_ADMIN__LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("the binary starts");
        let output = process.stdout.take().expect("the output is piped");
        match announced(output) {
            Some(address) => Self { address, process },
            None => {
                end_group(&mut process);
                panic!("the proxy did not say where it listens");
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        end_group(&mut self.process);
    }
}

/// The address in the line `listening on ADDRESS`. The rest of the output is read to its end and dropped, so
/// that the proxy never waits for a full pipe.
fn announced(output: impl Read + Send + 'static) -> Option<SocketAddr> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let address = line.strip_prefix("listening on ").and_then(|address| address.trim().parse().ok());
            if let Some(address) = address {
                sender.send(address).ok();
            }
        }
    });
    receiver.recv_timeout(START_DEADLINE).ok()
}
