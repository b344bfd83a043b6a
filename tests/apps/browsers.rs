//! The same sign-in in a real browser, which decides for itself which cookies it keeps, sends, and shows to scripts.
//!
//! By plain HTTP to `localhost`, where the proxy asks for no `Secure` unless it is told to (`cookies.secure =
//! "when-tls"`), by TLS and HTTP/2, where it does, and where the session gets the `__Host-` prefix as well, and by TLS
//! with every control enforced that an operator may switch on.

use std::fs;

use tempfile::TempDir;

use super::sessions::{DJANGO, EGG, FLASK, Site};
use super::support::{Application, Browser, Canaries, Configured, Deployment, key_line};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Http,
    Tls,
    /// [`STRICT`].
    Strict,
}

impl Door {
    fn is_tls(self) -> bool {
        self != Self::Http
    }
}

/// What is off by itself because it has to suit the application, and suits these. Many strangers ask from this address:
/// the test does, whether a configuration is in force.
const STRICT: &str = r#"
guard.cross_site.mode = "enforce"
guard.rate.mode = "enforce"
guard.rate.anonymous = 2000
guard.rate.login.mode = "enforce"
headers.x_frame_options = "DENY"
headers.cross_origin_opener_policy = "same-origin"
headers.cross_origin_resource_policy = "same-origin"
headers.permissions_policy = "camera=(), geolocation=()"
headers.csp.nonces = true
headers.csp.directives.default-src = ["'self'"]
headers.csp.directives.form-action = ["'self'"]
headers.csp.directives.frame-ancestors = ["'none'"]
headers.csp.directives.script-src = ["'self'"]
headers.csp.directives.upgrade-insecure-requests = []
profile = "lockdown"
"#;

/// The browser at the door of a site whose cookies are sealed.
struct Stage {
    door: Door,
    browser: Browser,
    configured: Configured,
    settings: String,
    key: String,
    canaries: Canaries,
    _application: Application,
    _certificate: TempDir,
}

impl Stage {
    fn set(site: &Site, deployment: &Deployment, door: Door) -> Self {
        let (canaries, key, certificate) = (Canaries::random(), key_line(), certificate());
        let application = Application::start(deployment, &canaries);
        let strict = if door == Door::Strict { STRICT } else { "" };
        let settings = format!("{strict}{}{}", site.sealing(""), secured(site, door, &certificate));
        let configured = Configured::start(application.address, &settings, &key);
        let browser = Browser::open();
        Self {
            door,
            browser,
            configured,
            settings,
            key,
            canaries,
            _application: application,
            _certificate: certificate,
        }
    }

    fn go(&self, path: &str) {
        let proxy = &self.configured.proxy;
        let origin = match self.door {
            Door::Http => format!("http://localhost:{}", proxy.address.port()),
            Door::Tls | Door::Strict => {
                format!("https://localhost:{}", proxy.secure_address.expect("it listens for TLS").port())
            }
        };
        self.browser.go(&format!("{origin}{path}"));
    }

    fn sign_in(&self, name: &str) {
        self.go("/login");
        self.browser.fill("user", name);
        self.browser.fill("password", "unimportant");
        self.browser.press("/login");
        self.assert_signed_in(name);
    }

    #[track_caller]
    fn assert_signed_in(&self, name: &str) {
        let text = self.browser.text();
        assert!(text.contains(&format!("Account of {name}")), "{} shows: {text}", self.browser.path());
    }

    fn write_down(&self, note: &str) {
        self.browser.fill("note", note);
        self.browser.press("/notes");
        assert!(self.browser.text().contains(note), "{}", self.browser.text());
    }

    fn change_keys(&mut self, keys: &str) {
        self.configured.change(&self.settings, keys);
        self.browser.reload();
    }
}

/// Where the client's side is TLS: a certificate, and a prefix that makes browsers keep the session to this host.
fn secured(site: &Site, door: Door, certificate: &TempDir) -> String {
    if door == Door::Http {
        return String::new();
    }
    let (session, folder) = (site.sessions[0], certificate.path().display());
    format!(
        "[[cookies.rule]]\nname = \"{session}\"\nprefix = \"host\"\n[server.tls]\nlisten = \"127.0.0.1:0\"\n\
         [[server.tls.certificates]]\ncert = \"{folder}/cert.pem\"\nkey = \"{folder}/key.pem\"\n"
    )
}

fn certificate() -> TempDir {
    let directory = tempfile::tempdir().expect("a folder can be made");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate can be made");
    for (name, text) in [("cert.pem", made.cert.pem()), ("key.pem", made.signing_key.serialize_pem())] {
        fs::write(directory.path().join(name), text).expect("a file can be written");
    }
    directory
}

/// Signs in, sends forms with and without the right token, and looks at the cookies as scripts do.
fn used(site: &Site, door: Door) {
    let mut stage = Stage::set(site, &site.deployment, door);
    stage.sign_in("ada");
    let protocol = stage.browser.text_of("performance.getEntriesByType('navigation')[0].nextHopProtocol");
    assert_eq!(protocol, if door.is_tls() { "h2" } else { "http/1.1" });
    stage.write_down("first");
    scripts_are_the_page_s_own(&stage);
    cookies_are_kept_from_scripts(site, &stage);
    forms_are_checked(site, &stage);
    keys_are_rotated(&mut stage);
    forged_is_refused(site, &stage);
    stage.sign_in("eve");
    stage.browser.press("/logout");
    stage.go("/account");
    assert_eq!(stage.browser.path(), "/login");
}

/// With a policy that names a nonce, what stands in an attribute does not run.
fn scripts_are_the_page_s_own(stage: &Stage) {
    assert_eq!(stage.browser.text_of("document.title"), "Account of ada, by script");
    let planted =
        "(document.body.setAttribute('onclick', 'window.planted = true'), document.body.click(), !!window.planted)";
    assert_eq!(stage.browser.text_of(planted), (stage.door != Door::Strict).to_string());
}

fn cookies_are_kept_from_scripts(site: &Site, stage: &Stage) {
    let cookies = stage.browser.cookies();
    let readable: Vec<_> = cookies.iter().filter(|cookie| !cookie.http_only).collect();
    let wanted: Vec<_> = readable.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
    assert_eq!(readable.iter().map(|cookie| cookie.name.as_str()).collect::<Vec<_>>(), site.readable);
    assert_eq!(stage.browser.text_of("document.cookie"), wanted.join("; "));
    for cookie in &cookies {
        assert_eq!((cookie.secure, cookie.same_site.as_str()), (stage.door.is_tls(), "Lax"), "{cookie:?}");
        assert!(!cookie.http_only || cookie.value.starts_with("cf1."), "{cookie:?}");
    }
    let session = session_name(site, stage.door);
    assert!(cookies.iter().any(|cookie| cookie.name == session), "{cookies:?}");
}

/// As the browser knows it.
fn session_name(site: &Site, door: Door) -> String {
    let prefix = if door.is_tls() { "__Host-~" } else { "" };
    format!("{prefix}{}", site.sessions[0])
}

/// With a token that is wrong; and from a script, which takes the token to a field of the request.
fn forms_are_checked(site: &Site, stage: &Stage) {
    stage.browser.text_of(&format!("document.querySelector('input[name={}]').value = 'made-up'", site.token));
    stage.browser.fill("note", "slipped-in");
    stage.browser.press("/notes");
    stage.go("/account");
    assert!(!stage.browser.text().contains("slipped-in"));
    let status = stage.browser.text_of(&format!(
        "fetch('/notes', {{method: 'POST', headers: {{'{}': {}, 'content-type': \
         'application/x-www-form-urlencoded'}}, body: 'note=by-script'}}).then(answer => answer.status)",
        site.token_field, site.token_for_scripts
    ));
    assert_eq!(status, "200");
    stage.browser.reload();
    assert!(stage.browser.text().contains("by-script"), "{}", stage.browser.text());
}

fn keys_are_rotated(stage: &mut Stage) {
    let (old, new) = (stage.key.clone(), key_line());
    for keys in [format!("{old}{new}"), format!("{new}{old}")] {
        stage.change_keys(&keys);
        stage.assert_signed_in("ada");
    }
    stage.write_down("after-the-rotation");
    stage.change_keys(&new);
    stage.assert_signed_in("ada");
}

/// The browser sends it, and the application never sees it.
fn forged_is_refused(site: &Site, stage: &Stage) {
    for name in site.sessions {
        let kept = if *name == site.sessions[0] { session_name(site, stage.door) } else { (*name).to_owned() };
        stage.browser.replace_cookie(&kept, &site.forged(name, "admin"));
    }
    stage.browser.reload();
    assert_eq!(stage.browser.path(), "/login");
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn members_use_flask_in_a_browser_by_http() {
    used(&FLASK, Door::Http);
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn members_use_flask_in_a_browser_by_tls() {
    used(&FLASK, Door::Tls);
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn members_use_django_in_a_browser_by_http() {
    used(&DJANGO, Door::Http);
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn members_use_django_in_a_browser_by_tls() {
    used(&DJANGO, Door::Tls);
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn members_use_egg_in_a_browser_by_http() {
    used(&EGG, Door::Http);
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn members_use_egg_in_a_browser_by_tls() {
    used(&EGG, Door::Tls);
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn members_use_flask_in_a_browser_with_every_control_enforced() {
    used(&FLASK, Door::Strict);
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn members_use_django_in_a_browser_with_every_control_enforced() {
    used(&DJANGO, Door::Strict);
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn members_use_egg_in_a_browser_with_every_control_enforced() {
    used(&EGG, Door::Strict);
}

/// The page of the application's debugger is a plain error with the id that the operator finds it by.
fn shown_no_debugger(site: &Site, deployment: &Deployment) {
    let stage = Stage::set(site, deployment, Door::Tls);
    stage.sign_in("ada");
    stage.go("/settle");
    let (text, source) = (stage.browser.text(), stage.browser.source());
    let (_, rest) = text.split_once("please give the reference ").unwrap_or_else(|| panic!("no reference: {text}"));
    let reference = rest.trim().trim_end_matches('.');
    let line = stage.configured.proxy.logged(reference);
    assert!(line.contains("/settle"), "{line}");
    assert!(stage.canaries.readable_in(&super::support::Answer::of_body(&source)).is_empty(), "{source}");
    stage.go("/account");
    stage.assert_signed_in("ada");
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn the_debugger_of_flask_is_a_plain_error_in_a_browser() {
    let environment = &[("LEDGER_SIGNING_KEY", super::sessions::SIGNING_KEY), ("LEDGER_DEBUG", "1")];
    shown_no_debugger(&FLASK, &Deployment { environment, ..FLASK.deployment });
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn the_error_page_of_django_is_a_plain_error_in_a_browser() {
    let environment = &[("LEDGER_SIGNING_KEY", super::sessions::SIGNING_KEY), ("LEDGER_DEBUG", "1")];
    shown_no_debugger(&DJANGO, &Deployment { environment, ..DJANGO.deployment });
}

#[test]
#[ignore = "needs Chromium: tests/run --all"]
fn the_error_page_of_egg_is_a_plain_error_in_a_browser() {
    let environment = &[("LEDGER_SIGNING_KEY", super::sessions::SIGNING_KEY), ("EGG_SERVER_ENV", "local")];
    shown_no_debugger(&EGG, &Deployment { environment, ..EGG.deployment });
}
