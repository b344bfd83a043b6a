//! Sign-in, forms and sessions of Flask, Django and Egg, as their libraries have them by themselves, while the proxy seals
//! the cookies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::support::{Answer, Application, Canaries, Configured, Deployment, Form, Library, Plant, Visitor, key_line};

/// An application with members, and what an operator knows of it.
pub(crate) struct Site {
    pub(crate) deployment: Deployment,
    library: Library,
    /// The cookies that sign a member in; the first holds the session.
    pub(crate) sessions: &'static [&'static str],
    /// The cookies that scripts may read.
    pub(crate) readable: &'static [&'static str],
    /// The hidden field of forms that holds the csrf token.
    pub(crate) token: &'static str,
    /// The field of a request in which scripts send it.
    pub(crate) token_field: &'static str,
    /// Where scripts take it from, in JavaScript.
    pub(crate) token_for_scripts: &'static str,
    /// What `cookies.seal.names` names.
    pub(crate) sealed: &'static str,
}

/// The key of the application, which this attacker knows.
pub(crate) const SIGNING_KEY: &str = "b1946ac92492d2347c6235b4d2611184";

pub(crate) const FLASK: Site = Site {
    deployment: Deployment {
        sources: &["python/members_app.py"],
        node_modules: None,
        command: &["{target}/venv/python/bin/python", "members_app.py"],
        environment: &[("LEDGER_SIGNING_KEY", SIGNING_KEY)],
    },
    library: Library {
        interpreter: "{target}/venv/python/bin/python",
        program: "flask_cookies.py",
        node_modules: "npm/node",
    },
    sessions: &["session", "remember_token"],
    readable: &[],
    token: "csrf_token",
    token_field: "x-csrftoken",
    token_for_scripts: "document.querySelector('input[name=csrf_token]').value",
    sealed: r#"["session", "remember_token"]"#,
};

pub(crate) const DJANGO: Site = Site {
    deployment: Deployment {
        sources: &["python/members_django.py"],
        command: &["{target}/venv/python/bin/python", "members_django.py"],
        ..FLASK.deployment
    },
    library: Library { program: "django_cookies.py", ..FLASK.library },
    sessions: &["sessionid"],
    readable: &["csrftoken"],
    token: "csrfmiddlewaretoken",
    token_field: "x-csrftoken",
    token_for_scripts: "document.cookie.match(/csrftoken=([^;]*)/)[1]",
    sealed: r#"["sessionid", "messages"]"#,
};

/// Everything is sealed but what scripts must read, `csrfToken`: signed cookies come in pairs, `branch` and
/// `branch.sig`.
pub(crate) const EGG: Site = Site {
    deployment: Deployment {
        sources: &["egg/package.json", "egg/server.js", "egg_members/app", "egg_members/config"],
        node_modules: Some("npm/egg-3"),
        command: &["node", "server.js"],
        environment: &[("LEDGER_SIGNING_KEY", SIGNING_KEY), ("EGG_SERVER_ENV", "prod")],
    },
    library: Library { interpreter: "node", program: "egg_cookies.js", node_modules: "npm/egg-3" },
    sessions: &["EGG_SESS"],
    readable: &["csrfToken"],
    token: "_csrf",
    token_field: "x-csrf-token",
    token_for_scripts: "document.cookie.match(/csrfToken=([^;]*)/)[1]",
    sealed: r#"["*"]"#,
};

impl Site {
    pub(crate) fn sealing(&self, more: &str) -> String {
        format!("[cookies.seal]\nnames = {}\nkeys = \"file:keys\"\n{more}\n", self.sealed)
    }

    /// A cookie of this user, made with the application's key.
    pub(crate) fn forged(&self, cookie: &str, user: &str) -> String {
        self.library.forged(SIGNING_KEY, cookie, user)
    }
}

/// A running application, the proxy in front of it, and the keys that it seals by.
struct Stage {
    canaries: Canaries,
    application: Application,
    configured: Configured,
    key: String,
}

impl Stage {
    fn set(site: &Site) -> Self {
        let (canaries, key) = (Canaries::random(), key_line());
        let application = Application::start(&site.deployment, &canaries);
        let configured = Configured::start(application.address, &site.sealing(""), &key);
        Self { canaries, application, configured, key }
    }

    fn visitor(&self) -> Visitor {
        Visitor::of(self.configured.proxy.address)
    }

    fn member(&self, name: &str) -> Visitor {
        let mut visitor = self.visitor();
        sign_in(&mut visitor, name);
        visitor
    }
}

/// Fills in the form as a browser does, and arrives.
fn sign_in(visitor: &mut Visitor, name: &str) {
    let answer = submit(visitor, "/login", "/login", &format!("user={name}&password=unimportant"));
    assert_eq!((answer.status, answer.field("location")), (302, Some("/account")), "{}", answer.text());
    assert!(is_signed_in(visitor, name));
}

fn is_signed_in(visitor: &mut Visitor, name: &str) -> bool {
    visitor.visit("/account").text().contains(&format!("<h1>Account of {name}</h1>"))
}

fn write_down(visitor: &mut Visitor, note: &str) -> Answer {
    submit(visitor, "/account", "/notes", &format!("note={note}"))
}

fn notes(visitor: &mut Visitor) -> Vec<String> {
    let page = visitor.visit("/account").text();
    let (_, list) = page.split_once("<ul>").expect("the account lists the notes");
    let (list, _) = list.split_once("</ul>").expect("the list ends");
    list.split("<li>").skip(1).map(str::to_owned).collect()
}

/// Submits a form of the page, with the hidden field of the page in it.
fn submit(visitor: &mut Visitor, page: &str, action: &str, fields: &str) -> Answer {
    let (name, token) = hidden_field(&visitor.visit(page).text());
    visitor.submit(action, &format!("{name}={token}&{fields}"))
}

/// The first hidden field: the csrf token.
fn hidden_field(page: &str) -> (String, String) {
    let (_, rest) = page.split_once("<input type=hidden name=").unwrap_or_else(|| panic!("no form:\n{page}"));
    let (name, rest) = rest.split_once(" value=\"").expect("the field has a value");
    let (value, _) = rest.split_once('"').expect("the value ends");
    (name.to_owned(), value.to_owned())
}

fn signed_in_and_out(site: &Site) {
    let stage = Stage::set(site);
    let mut member = stage.member("ada");
    assert_eq!(write_down(&mut member, "first").status, 302);
    assert_eq!(write_down(&mut member, "second").status, 302);
    assert_eq!(notes(&mut member), ["first", "second"]);
    let (field, token) = hidden_field(&member.visit("/account").text());
    for form in ["note=third", &format!("{field}=made-up&note=third")] {
        let refused = member.submit("/notes", form);
        assert!([400, 403].contains(&refused.status), "{form} was answered {}", refused.status);
    }
    let mut stranger = stage.visitor();
    let refused = stranger.submit("/notes", &format!("{field}={token}&note=third"));
    assert!([400, 403].contains(&refused.status), "a token without its session was answered {}", refused.status);
    assert_eq!(notes(&mut member), ["first", "second"]);
    assert_eq!(submit(&mut member, "/account", "/logout", "").status, 302);
    assert!(!is_signed_in(&mut member, "ada"));
    assert!(site.sessions.iter().all(|name| member.cookie(name).is_none_or(|value| value.starts_with("cf1."))));
}

#[test]
fn members_of_flask_sign_in_send_forms_and_sign_out() {
    signed_in_and_out(&FLASK);
}

#[test]
fn members_of_django_sign_in_send_forms_and_sign_out() {
    signed_in_and_out(&DJANGO);
}

#[test]
fn members_of_egg_sign_in_send_forms_and_sign_out() {
    signed_in_and_out(&EGG);
}

/// Neither by eye nor with the application's key, and good under its own name alone.
fn unreadable_and_bound(site: &Site) {
    let stage = Stage::set(site);
    let mut direct = Visitor::of(stage.application.address);
    sign_in(&mut direct, "ada");
    let member = stage.member("ada");
    let tenant = stage.canaries.mark(Plant::Session);
    let read = |visitor: &Visitor, name| site.library.content(SIGNING_KEY, name, visitor.cookie(name).unwrap());
    let key_id = stage.key.split(' ').next().unwrap();
    assert!(read(&direct, site.sessions[0]).unwrap().contains(tenant), "the session of the application holds it");
    for name in site.sessions {
        let value = member.cookie(name).unwrap();
        assert!(read(&direct, name).is_some() && read(&member, name).is_none(), "{name} is readable");
        assert!(value.starts_with(&format!("cf1.{key_id}.")), "{name} is not sealed");
        for (other, length) in [("visits", value.len()), (name, value.len() - 1)] {
            let mut thief = stage.visitor();
            thief.set_cookie(other, &value[..length]);
            assert!(!is_signed_in(&mut thief, "ada"), "{name} is good as {other}, {length} bytes of it");
        }
    }
    let sealed = |name: &&str| member.cookie(name).unwrap().starts_with("cf1.");
    let readable: Vec<_> = member.cookie_names().into_iter().filter(|name| !sealed(name)).collect();
    assert_eq!(readable, site.readable, "all others are sealed");
}

#[test]
fn the_session_of_flask_is_unreadable_and_bound_to_its_name() {
    unreadable_and_bound(&FLASK);
    let stage = Stage::set(&FLASK);
    let member = stage.member("ada");
    for (name, other) in [("session", "remember_token"), ("remember_token", "session")] {
        let mut thief = stage.visitor();
        thief.set_cookie(other, member.cookie(name).unwrap());
        assert_eq!(thief.get("/cookies", Form::Json).text().trim(), "[]", "{name} reaches Flask as {other}");
    }
}

#[test]
fn the_session_of_django_is_unreadable_and_bound_to_its_name() {
    unreadable_and_bound(&DJANGO);
}

#[test]
fn the_session_of_egg_is_unreadable_and_bound_to_its_name() {
    unreadable_and_bound(&EGG);
    // A cookie that Egg signs in another beside it comes back as it was.
    let page = Stage::set(&EGG).member("ada").visit("/account").text();
    assert!(page.contains("Branch: harbour"), "{page}");
}

/// Made with the true key, so that the application takes it; and a true one that nobody sealed.
fn forged(site: &Site) {
    let stage = Stage::set(site);
    let mut direct = Visitor::of(stage.application.address);
    sign_in(&mut direct, "ada");
    for name in site.sessions {
        let forged = site.forged(name, "admin");
        for (value, user) in [(forged.as_str(), "admin"), (direct.cookie(name).unwrap(), "ada")] {
            let [mut accepted, mut refused] = [Visitor::of(stage.application.address), stage.visitor()];
            accepted.set_cookie(name, value);
            assert!(is_signed_in(&mut accepted, user), "the application itself takes {name} of {user}");
            refused.set_cookie(name, value);
            assert_eq!(refused.get("/cookies", Form::Json).text().trim(), "[]", "{name} reaches the application");
            let line = stage.configured.proxy.logged("a cookie to be sealed is kept back");
            assert!(line.contains("unsealed") && !line.contains(value), "{line}");
            let answer = refused.visit("/account");
            assert_eq!((answer.status, answer.field("location")), (302, Some("/login")));
            sign_in(&mut refused, "eve");
        }
    }
}

#[test]
fn a_session_forged_with_the_key_of_flask_never_reaches_it() {
    forged(&FLASK);
}

#[test]
fn a_session_forged_with_the_key_of_django_never_reaches_it() {
    forged(&DJANGO);
}

#[test]
fn a_session_forged_with_the_keys_of_egg_never_reaches_it() {
    forged(&EGG);
}

/// A new key is put last, then first, then the old one is taken out.
fn rotated(site: &Site) {
    let mut stage = Stage::set(site);
    let (old, new) = (stage.key.clone(), key_line());
    let (idle, mut busy) = (stage.member("ida"), stage.member("ada"));
    let clicking = Clicking::start(idle.clone(), "ida");
    for (keys, sealing) in [(format!("{old}{new}"), &old), (format!("{new}{old}"), &new)] {
        stage.configured.change(&site.sealing(""), &keys);
        write_down(&mut busy, "seen");
        assert!(is_signed_in(&mut busy, "ada") && is_signed_in(&mut idle.clone(), "ida"));
        assert!(is_sealed_by(sealing, busy.cookie(site.sessions[0]).unwrap()), "an older key seals");
    }
    assert_eq!(notes(&mut busy), ["seen", "seen"]);
    assert_eq!(clicking.stop(), 0, "clicks met no session while the keys changed");
    stage.configured.change(&site.sealing(""), &new);
    assert!(is_signed_in(&mut busy, "ada"), "what was set since is sealed by the new key");
    let mut late = idle;
    assert!(!is_signed_in(&mut late, "ida"));
    sign_in(&mut late, "ida");
}

fn is_sealed_by(key_line: &str, value: &str) -> bool {
    value.split('.').nth(1) == key_line.split(' ').next()
}

/// Somebody who looks at the account again and again.
struct Clicking {
    over: std::sync::Arc<AtomicBool>,
    /// Answers in which nobody was signed in.
    lost: thread::JoinHandle<usize>,
}

impl Clicking {
    fn start(mut visitor: Visitor, name: &'static str) -> Self {
        let over = std::sync::Arc::new(AtomicBool::new(false));
        let seen = over.clone();
        let click = move || {
            let clicks = std::iter::repeat_with(|| is_signed_in(&mut visitor, name));
            clicks.take_while(|_| !seen.load(Ordering::Relaxed)).filter(|signed_in| !signed_in).count()
        };
        Self { over, lost: thread::spawn(click) }
    }

    fn stop(self) -> usize {
        self.over.store(true, Ordering::Relaxed);
        self.lost.join().expect("every click is answered")
    }
}

#[test]
fn a_rotation_of_keys_loses_no_session_of_flask() {
    rotated(&FLASK);
}

#[test]
fn a_rotation_of_keys_loses_no_session_of_django() {
    rotated(&DJANGO);
}

#[test]
fn a_rotation_of_keys_loses_no_session_of_egg() {
    rotated(&EGG);
}

/// Sealing begins while members are signed in, and ends its grace when their sessions have been set again.
fn graced(site: &Site) {
    let (canaries, key) = (Canaries::random(), key_line());
    let application = Application::start(&site.deployment, &canaries);
    let mut configured = Configured::start(application.address, "", &key);
    let [mut busy, mut idle] = [(); 2].map(|()| Visitor::of(configured.proxy.address));
    sign_in(&mut busy, "ada");
    sign_in(&mut idle, "ida");
    let clicking = Clicking::start(idle.clone(), "ida");
    configured.change(&site.sealing("accept_unsealed_until = \"2999-12-31\""), &key);
    assert!(is_signed_in(&mut busy, "ada") && is_signed_in(&mut idle, "ida"));
    assert_eq!(write_down(&mut busy, "seen").status, 302);
    assert!(is_sealed_by(&key, busy.cookie(site.sessions[0]).unwrap()), "what is set now is sealed");
    assert_eq!(notes(&mut busy), ["seen"]);
    assert_eq!(clicking.stop(), 0, "clicks met no session when sealing began");
    configured.change(&site.sealing("accept_unsealed_until = \"2001-01-01\""), &key);
    assert!(is_signed_in(&mut busy, "ada"), "a session that was sealed in time goes on");
    assert!(!is_signed_in(&mut idle, "ida"), "the grace period has ended");
    sign_in(&mut idle, "ida");
}

#[test]
fn the_grace_period_loses_no_session_of_flask() {
    graced(&FLASK);
}

#[test]
fn the_grace_period_loses_no_session_of_django() {
    graced(&DJANGO);
}

#[test]
fn the_grace_period_loses_no_session_of_egg() {
    graced(&EGG);
}
