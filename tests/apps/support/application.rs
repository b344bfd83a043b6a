//! Starts a framework's application with canaries planted in it, on a free port of the loopback interface.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Canaries;

/// The slowest starter here is a Java server on a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(120);

/// How to start one framework in one configuration.
pub(crate) struct Deployment {
    /// Files and folders below `tests/apps` that make up the application.
    pub(crate) sources: &'static [&'static str],
    /// The folder below `target` whose packages the application finds beside itself.
    pub(crate) node_modules: Option<&'static str>,
    /// Program and arguments; `{target}` is the build folder and `{port}` the port to listen on.
    pub(crate) command: &'static [&'static str],
    /// What the environment carries besides PORT, HOME and the canaries.
    pub(crate) environment: &'static [(&'static str, &'static str)],
}

/// A running application. Dropping it ends its whole process group.
pub(crate) struct Application {
    pub(crate) address: SocketAddr,
    process: Child,
    /// Where the application lives; removed with it.
    home: TempDir,
}

impl Application {
    /// Copies the sources to a folder of their own, starts the command and waits until the port answers.
    pub(crate) fn start(deployment: &Deployment, canaries: &Canaries) -> Self {
        let home = installed(deployment, canaries);
        let port = free_port();
        let process = launch(deployment, canaries, home.path(), port);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut application = Self { address, process, home };
        application.wait_until_it_listens();
        application
    }

    fn wait_until_it_listens(&mut self) {
        let deadline = Instant::now() + START_DEADLINE;
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.process.try_wait().expect("the process can be asked") {
                panic!("the application ended at its start ({status}):\n{}", self.log());
            }
            assert!(Instant::now() < deadline, "the application does not listen:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        end_group(&mut self.process);
    }
}

/// Ends a process that leads its own group, and its children with it.
pub(super) fn end_group(process: &mut Child) {
    let group = format!("kill -s KILL -- -{}", process.id());
    let killed = Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status();
    if !killed.is_ok_and(|status| status.success()) {
        process.kill().ok();
    }
    process.wait().ok();
}

/// The build folder, where `tests/run` installs the frameworks.
pub(super) fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

fn installed(deployment: &Deployment, canaries: &Canaries) -> TempDir {
    let home = tempfile::Builder::new().prefix("ledger-").tempdir().expect("a folder can be made");
    let apps = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps");
    for source in deployment.sources {
        let place = home.path().join(Path::new(source).file_name().expect("sources are named"));
        copy_planted(&apps.join(source), &place, canaries);
    }
    if let Some(folder) = deployment.node_modules {
        let modules = target().join(folder).join("node_modules");
        assert!(modules.is_dir(), "{} is missing: run tests/run", modules.display());
        symlink(modules, home.path().join("node_modules")).expect("a link can be made");
    }
    home
}

fn copy_planted(from: &Path, to: &Path, canaries: &Canaries) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a folder can be made");
        for entry in fs::read_dir(from).expect("sources can be listed") {
            let name = entry.expect("sources can be listed").file_name();
            copy_planted(&from.join(&name), &to.join(&name), canaries);
        }
    } else {
        let source = fs::read_to_string(from).expect("sources are text");
        fs::write(to, canaries.plant(&source)).expect("a file can be written");
    }
}

fn launch(deployment: &Deployment, canaries: &Canaries, home: &Path, port: u16) -> Child {
    let fill = |word: &str| word.replace("{target}", &target().to_string_lossy()).replace("{port}", &port.to_string());
    let words: Vec<String> = deployment.command.iter().map(|word| fill(word)).collect();
    let log = fs::File::create(home.join("log")).expect("a file can be written");
    Command::new(&words[0])
        .args(&words[1..])
        .current_dir(home)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .envs([("HOME", home), ("PWD", home), ("TMPDIR", home)])
        .envs([("LANG", "C.UTF-8"), ("USER", "ledger"), ("SHELL", "/bin/sh"), ("PORT", &port.to_string())])
        .envs(canaries.environment())
        .envs(deployment.environment.iter().map(|(name, value)| (name, fill(value))))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a handle can be shared"))
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}: run tests/run", words[0]))
}

fn free_port() -> u16 {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    probe.local_addr().expect("a bound socket has an address").port()
}
