//! Chromium, driven through WebDriver (a W3C recommendation): JSON over HTTP to `chromedriver`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::application::end_group;

/// A browser without a window and with a fresh profile. Dropping it ends it.
pub(crate) struct Browser {
    driver: Child,
    /// Where the driver listens.
    address: SocketAddr,
    /// The path of the driver's session; empty before there is one.
    session: String,
    /// Profile, home and temporary files of the browser.
    _profile: TempDir,
}

/// What the browser keeps of a cookie.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) http_only: bool,
    pub(crate) secure: bool,
    pub(crate) same_site: String,
}

/// No command may take longer, the start of the browser on a busy machine among them.
const PATIENCE: Duration = Duration::from_secs(90);

/// By which WebDriver says that a value is an element of the page (WebDriver section 11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Browser {
    /// Starts it. It finds nothing but this machine and takes any certificate.
    pub(crate) fn open() -> Self {
        let profile = tempfile::Builder::new().prefix("browser-").tempdir().expect("a folder can be made");
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .envs([("HOME", profile.path()), ("TMPDIR", profile.path())])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}: run tests/run --all"));
        let port = announced_port(driver.stdout.take().expect("the output is piped"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or_default()));
        let mut browser = Self { driver, address, session: String::new(), _profile: profile };
        assert!(port.is_some(), "chromedriver does not say where it listens");
        let session = browser.call("POST", "/session", &capabilities(browser._profile.path()));
        browser.session = format!("/session/{}", session["sessionId"].as_str().expect("a session has an id"));
        browser
    }

    /// Goes to an address, and returns when the page is there.
    pub(crate) fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    pub(crate) fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// The path of the page that it shows.
    pub(crate) fn path(&self) -> String {
        self.text_of("location.pathname")
    }

    /// What can be read on the page.
    pub(crate) fn text(&self) -> String {
        self.text_of("document.documentElement.innerText")
    }

    /// The page as it stands there now, with its mark-up.
    pub(crate) fn source(&self) -> String {
        self.text_of("document.documentElement.outerHTML")
    }

    /// What an expression of JavaScript gives, as text. A promise is waited for.
    pub(crate) fn text_of(&self, expression: &str) -> String {
        let value = self.post("/execute/sync", &json!({ "script": format!("return {expression}"), "args": [] }));
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    /// Types into the field of this name.
    pub(crate) fn fill(&self, field: &str, text: &str) {
        let element = self.find(&format!("input[name={field}]"));
        self.post(&format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Presses the button of the form that leads there, and returns when another page is there.
    pub(crate) fn press(&self, action: &str) {
        let element = self.find(&format!("form[action='{action}'] button"));
        self.text_of("window.leaving = true");
        self.post(&format!("/element/{element}/click"), &json!({}));
        let deadline = Instant::now() + PATIENCE;
        while self.text_of("!window.leaving && document.readyState == 'complete'") != "true" {
            assert!(Instant::now() < deadline, "the form leads nowhere");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Every cookie that it would send to the page, those that scripts do not see as well.
    pub(crate) fn cookies(&self) -> Vec<Kept> {
        let cookies = self.call("GET", &format!("{}/cookie", self.session), &Value::Null);
        cookies.as_array().expect("cookies are a list").iter().map(Kept::read).collect()
    }

    /// Takes one cookie away and puts another there for the page's host.
    pub(crate) fn replace_cookie(&self, name: &str, value: &str) {
        self.call("DELETE", &format!("{}/cookie/{name}", self.session), &Value::Null);
        self.post("/cookie", &json!({ "cookie": { "name": name, "value": value } }));
    }

    fn find(&self, selector: &str) -> String {
        let is_there = self.text_of(&format!("!!document.querySelector(\"{selector}\")"));
        assert_eq!(is_there, "true", "no {selector} on {}: {}", self.path(), self.text());
        let element = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        element[ELEMENT].as_str().expect("an element has an id").to_owned()
    }

    fn post(&self, command: &str, content: &Value) -> Value {
        self.call("POST", &format!("{}{command}", self.session), content)
    }

    fn call(&self, method: &str, path: &str, content: &Value) -> Value {
        let body = if content.is_null() { String::new() } else { content.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let answer = exchange(self.address, &request).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let value = &answer["value"];
        assert!(value["error"].is_null(), "{method} {path}: {}", value["message"]);
        value.clone()
    }
}

/// One command. The driver keeps the connection, so the answer ends where its length says.
fn exchange(address: SocketAddr, request: &str) -> io::Result<Value> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(request.as_bytes())?;
    let mut answer = BufReader::new(socket);
    let mut length = 0;
    loop {
        let mut line = String::new();
        answer.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut content = vec![0; length];
    answer.read_exact(&mut content)?;
    serde_json::from_slice(&content).map_err(io::Error::other)
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium is of the driver's group.
        end_group(&mut self.driver);
    }
}

impl Kept {
    fn read(cookie: &Value) -> Self {
        let text = |name: &str| cookie[name].as_str().unwrap_or_default().to_owned();
        let is = |name: &str| cookie[name].as_bool().unwrap_or_default();
        let (http_only, secure) = (is("httpOnly"), is("secure"));
        Self { name: text("name"), value: text("value"), http_only, secure, same_site: text("sameSite") }
    }
}

/// Chromium refuses its sandbox to root, and needs none for pages of our own.
fn capabilities(profile: &std::path::Path) -> Value {
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-crash-reporter",
        "--disable-background-networking",
        "--no-first-run",
        "--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        &format!("--user-data-dir={}", profile.display()),
    ];
    json!({ "capabilities": { "alwaysMatch": {
        "acceptInsecureCerts": true,
        "goog:chromeOptions": { "args": arguments },
    } } })
}

/// The port in the line that ends with `on port PORT.`; what comes after it is read, so that the driver never waits.
fn announced_port(output: impl Read + Send + 'static) -> Option<u16> {
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    thread::spawn(move || lines.for_each(drop));
    port
}
