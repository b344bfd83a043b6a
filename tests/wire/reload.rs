//! What a reload keeps, in the built binary.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use cofferdam::cookies::seal::generate;

use crate::{
    guard::ask,
    support::{
        client::Client,
        origin::{Origin, answer},
    },
};

/// Compiling the rules in a debug build takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// The running binary, ended when it is dropped.
struct Running {
    process: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    fn before(origin: &Origin, flags: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_cofferdam"))
            .args(["run", "--upstream", &format!("http://{}", origin.address), "--listen", "127.0.0.1:0"])
            .args(flags)
            .env("COFFERDAM_ADMIN__LISTEN", "")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        forward(process.stdout.take().unwrap(), sender.clone());
        forward(process.stderr.take().unwrap(), sender);
        Self { process, lines }
    }

    /// Waits for the line that has this in it, and gives what comes after.
    fn said(&self, wanted: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            if let Some((_, rest)) = line.split_once(wanted) {
                return rest.to_owned();
            }
        }
    }

    fn hang_up(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
        self.said("the new configuration is in force");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn forward(output: impl Read + Send + 'static, to: mpsc::Sender<String>) {
    thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| to.send(line)).ok();
    });
}

#[test]
fn a_signal_to_reload_lets_nobody_in_who_was_locked_out() {
    let origin = Origin::saying(answer("401 Unauthorized", "", "no"));
    let flags = ["--set", "guard.rate.login.mode=enforce", "--set", "guard.rate.login.free_failures=1"];
    let running = Running::before(&origin, &flags);
    let address: SocketAddr = running.said("listening on ").trim().parse().unwrap();
    let sign_in = || ask(&mut Client::connect(address), "POST", "/login", "Content-Length: 0\r\n").status;
    assert_eq!([sign_in(), sign_in(), sign_in()], [401, 401, 429]);
    running.hang_up();
    assert_eq!(sign_in(), 429);
}

/// Without a signal. The key file is named by a configuration that came into force while the proxy ran.
#[test]
fn a_file_that_the_configuration_names_since_a_reload_is_watched() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let new = directory.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, directory.path().join(name)).unwrap();
    };
    write("cofferdam.toml", "");
    write("keys", &generate(&[1, 2, 3, 4, 5, 6, 7, 8, 9].repeat(4).try_into().unwrap()));
    let origin = Origin::saying(answer("200 OK", "", "hello"));
    let file = directory.path().join("cofferdam.toml");
    let running = Running::before(&origin, &["--config", file.to_str().unwrap()]);
    running.said("listening on ");
    write("cofferdam.toml", "[cookies.seal]\nnames = [\"sid\"]\nkeys = \"file:keys\"\n");
    running.said("the new configuration is in force");
    write("keys", "no key\n");
    running.said("the old configuration stays in force");
    write("keys", &generate(&[9, 8, 7, 6, 5, 4, 3, 2, 1].repeat(4).try_into().unwrap()));
    running.said("the new configuration is in force");
}
