//! A development server that does one thing at a time, behind clients that take their time.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use super::support::{Application, Canaries, Deployment, Form, Proxy, Visitor};

const FLASK_WITH_ONE_THREAD: Deployment = Deployment {
    sources: &["python/flask_upload.py"],
    node_modules: None,
    command: &["{target}/venv/python/bin/python", "flask_upload.py"],
    environment: &[],
};

/// Longer than a test takes: the slow clients are slow from its beginning to its end.
const PATIENT: [&str; 6] =
    ["--set", "server.head_timeout=10m", "--set", "server.write_timeout=10m", "--set", "shield.body_time=10m"];

/// A client that has begun something and does not bring it to an end.
struct Slow(TcpStream);

impl Slow {
    fn saying(address: SocketAddr, begin: &str) -> Self {
        let mut stream = TcpStream::connect(address).expect("the proxy accepts");
        stream.write_all(begin.as_bytes()).expect("the proxy reads");
        Self(stream)
    }

    /// Has asked for a page of several megabytes, and takes the first bytes of it.
    fn reading(address: SocketAddr) -> Self {
        let mut slow = Self::saying(address, "GET /report HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let mut begin = [0; 15];
        slow.0.read_exact(&mut begin).expect("a page comes");
        assert_eq!(&begin, b"HTTP/1.1 200 OK");
        slow
    }

    /// Goes on a little. Whoever has been answered meanwhile, or dropped, is not slow any more.
    fn goes_on(&mut self) {
        self.0.write_all(b"x").expect("the connection is open");
        self.0.set_nonblocking(true).expect("a socket can be told");
        let answer = self.0.read(&mut [0; 64]).map_err(|error| error.kind());
        assert_eq!(answer, Err(ErrorKind::WouldBlock), "it is not answered");
        self.0.set_nonblocking(false).expect("a socket can be told");
    }

    /// Takes a little more of its page.
    fn takes_more(&mut self) {
        self.0.read_exact(&mut [0; 64]).expect("there is more of the page");
    }
}

fn healthy(visitor: &Visitor) {
    let answer = visitor.get("/", Form::Page);
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("All accounts are settled."));
}

#[test]
fn three_hundred_slow_clients_do_not_keep_others_out_of_a_flask_development_server() {
    let application = Application::start(&FLASK_WITH_ONE_THREAD, &Canaries::random());
    let proxy = Proxy::start(application.address, &PATIENT);
    let visitor = Visitor::of(proxy.address);
    healthy(&visitor);
    proxy.logged("the application is served by Werkzeug");

    let of_each = |begin: &str| (0..130).map(|_| Slow::saying(proxy.address, begin)).collect::<Vec<_>>();
    let mut heads = of_each("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    let mut bodies = of_each("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nbegin");
    let mut readers: Vec<_> = (0..40).map(|_| Slow::reading(proxy.address)).collect();
    for _ in 0..10 {
        healthy(&visitor);
        heads.iter_mut().chain(&mut bodies).for_each(Slow::goes_on);
        readers.iter_mut().for_each(Slow::takes_more);
    }
    bodies.truncate(1);
    let mut last = bodies.remove(0);
    last.0.write_all(&[b'x'; 1000 - 5 - 10]).expect("the proxy reads");
    let mut answer = [0; 15];
    last.0.read_exact(&mut answer).expect("whoever ends is answered");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}

#[test]
fn a_visitor_stays_connected_although_flask_with_one_thread_closes_after_every_response() {
    let application = Application::start(&FLASK_WITH_ONE_THREAD, &Canaries::random());
    let proxy = Proxy::start(application.address, &[]);
    let mut visitor = TcpStream::connect(proxy.address).expect("the proxy accepts");
    visitor.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket can be told");
    for _ in 0..5 {
        visitor.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("the connection is open");
        let mut response = Vec::new();
        while !response.ends_with(b"settled.</p>\n") {
            let mut byte = [0];
            visitor.read_exact(&mut byte).expect("the whole page comes");
            response.push(byte[0]);
        }
        assert!(!String::from_utf8_lossy(&response).to_ascii_lowercase().contains("connection: close"));
    }
    let answer = Visitor::of(application.address).get("/", Form::Page);
    assert!(answer.raw.starts_with(b"HTTP/1.0 200"), "the application itself keeps no connection");
}

#[test]
fn one_slow_client_keeps_everyone_out_of_a_flask_development_server_by_itself() {
    let application = Application::start(&FLASK_WITH_ONE_THREAD, &Canaries::random());
    let slow = Slow::saying(application.address, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    let mut kept_out = Slow::saying(application.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    kept_out.0.set_read_timeout(Some(Duration::from_millis(500))).expect("a socket can be told");
    let nothing = kept_out.0.read(&mut [0; 15]).map_err(|error| error.kind());
    assert_eq!(nothing, Err(ErrorKind::WouldBlock));
    drop(slow);
    kept_out.0.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket can be told");
    kept_out.0.read_exact(&mut [0; 15]).expect("the server goes on");
}

/// The attacks of slowhttptest, with 300 connections each: slow heads, slow bodies, slow readers.
const ATTACKS: [&[&str]; 3] = [
    &["-H", "-i", "5", "-u", "/"],
    &["-B", "-i", "5", "-s", "8192", "-u", "/upload"],
    &["-X", "-n", "5", "-z", "32", "-w", "512", "-y", "1024", "-u", "/report?lines=20000"],
];

#[test]
#[ignore = "needs slowhttptest: tests/run --all"]
fn slowhttptest_does_not_keep_others_out_of_a_flask_development_server() {
    let application = Application::start(&FLASK_WITH_ONE_THREAD, &Canaries::random());
    // Hundreds of pages of megabytes: without optimisation it is the processor that is short, not patience.
    let proxy = Proxy::measured(application.address);
    let visitor = Visitor::of(proxy.address);
    healthy(&visitor);
    for attack in ATTACKS {
        let (path, options) = attack.split_last().expect("an attack has a path");
        let mut slow = Command::new("slowhttptest")
            .args(["-c", "300", "-r", "20", "-l", "25", "-p", "5"])
            .args(options)
            .arg(format!("http://{}{path}", proxy.address))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{error}: slowhttptest is missing; tests/run --all installs it"));
        while slow.try_wait().expect("it can be asked").is_none() {
            healthy(&visitor);
        }
        let output = slow.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("YES"), "{attack:?}: {said}");
        assert!(!said.contains("NO"), "{attack:?}: {said}");
    }
}
