//! The promises that hold for every framework.

use std::collections::BTreeSet;

use super::visitor::pair;
use super::{Answer, Application, Canaries, Deployment, Form, Plant, Proxy, Visitor};

/// A page of an application, and the canaries it shows to whoever asks the application itself.
pub(crate) struct Page {
    pub(crate) path: &'static str,
    /// At least these are readable in one of the forms of request; none for a healthy page.
    pub(crate) leaks: &'static [Plant],
}

impl Page {
    pub(crate) const fn healthy(path: &'static str) -> Self {
        Self { path, leaks: &[] }
    }

    pub(crate) const fn leaking(path: &'static str, leaks: &'static [Plant]) -> Self {
        Self { path, leaks }
    }
}

/// Every leaking page leaks when asked directly and shows no canary through the proxy; every healthy page
/// arrives unchanged from the same process.
pub(crate) fn contained(deployment: &Deployment, pages: &[Page]) {
    let stage = Stage::set(deployment, &[]);
    let faults: Vec<_> = pages.iter().flat_map(|page| stage.faults_of(page)).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Every page arrives as the application sent it, whatever its status.
pub(crate) fn unchanged(deployment: &Deployment, paths: &[&str]) {
    unchanged_with(&[], deployment, paths);
}

/// While the proxy observes, every page arrives as the application sent it, leaks and all.
pub(crate) fn unchanged_while_observing(deployment: &Deployment, paths: &[&str]) {
    unchanged_with(&["--observe"], deployment, paths);
}

fn unchanged_with(flags: &[&str], deployment: &Deployment, paths: &[&str]) {
    let stage = Stage::set(deployment, flags);
    let faults: Vec<_> = paths.iter().flat_map(|path| stage.changes_of(path)).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// The session cookie that the application sets works through the proxy and is out of reach of scripts and of
/// other sites.
pub(crate) fn hardened_session(deployment: &Deployment) {
    let stage = Stage::set(deployment, &[]);
    // Who is signed in already may get no cookie again.
    let answer = Visitor::of(stage.proxy.address).log_in();
    let cookies: Vec<_> = answer.all("set-cookie").map(str::to_ascii_lowercase).collect();
    assert!(!cookies.is_empty(), "the login sets a cookie");
    for cookie in cookies {
        assert!(cookie.contains("; httponly"), "{}", pair(&cookie).split('=').next().unwrap_or_default());
        assert!(cookie.contains("; samesite=lax"), "{}", pair(&cookie).split('=').next().unwrap_or_default());
    }
}

/// An application with its canaries, the proxy in front of it, and a visitor at each of the two doors.
struct Stage {
    canaries: Canaries,
    direct: Visitor,
    visitor: Visitor,
    proxy: Proxy,
    _application: Application,
}

impl Stage {
    fn set(deployment: &Deployment, flags: &[&str]) -> Self {
        let canaries = Canaries::random();
        let application = Application::start(deployment, &canaries);
        let proxy = Proxy::start(application.address, flags);
        let mut direct = Visitor::of(application.address);
        let mut visitor = Visitor::of(proxy.address);
        direct.log_in();
        visitor.log_in();
        Self { canaries, direct, visitor, proxy, _application: application }
    }

    fn faults_of(&self, page: &Page) -> Vec<String> {
        if page.leaks.is_empty() { self.changes_of(page.path) } else { self.leaks_of(page) }
    }

    fn leaks_of(&self, page: &Page) -> Vec<String> {
        let path = page.path;
        let mut faults = Vec::new();
        let mut shown = BTreeSet::new();
        for form in Form::ALL {
            let original = self.direct.get(path, form);
            let answer = self.visitor.get(path, form);
            shown.extend(self.canaries.readable_in(&original));
            let leaked = self.canaries.readable_in(&answer);
            if !leaked.is_empty() {
                faults.push(format!("{path} as {form:?} shows the visitor {leaked:?}"));
            }
            // The guard answers 404 to names of files that nobody should ask for.
            if answer.status != original.status && answer.status != 500 && answer.status != 404 {
                faults.push(format!("{path} as {form:?}: {} became {}", original.status, answer.status));
            }
        }
        // A page that leaks nothing by itself proves nothing.
        let silent = page.leaks.iter().filter(|plant| !shown.contains(plant));
        faults.extend(silent.map(|plant| format!("{path} itself does not show {plant:?}")));
        faults
    }

    fn changes_of(&self, path: &str) -> Vec<String> {
        let compare = |form| {
            let originals = [self.direct.get(path, form), self.direct.get(path, form)];
            let change = change(&originals, &self.visitor.get(path, form))?;
            Some(format!("{path} as {form:?}: {change}"))
        };
        Form::ALL.into_iter().filter_map(compare).collect()
    }
}

/// Fields of one connection or of the delivery, which a proxy answers for itself.
const DELIVERY: [&str; 6] = ["connection", "keep-alive", "transfer-encoding", "content-length", "date", "via"];

/// Fields that tell of the software behind; hardening removes them.
const DISCLOSING: [&str; 4] = ["server", "x-powered-by", "x-runtime", "x-readtime"];

/// Fields that hardening adds.
const HARDENING: [&str; 8] = [
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "content-security-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "x-permitted-cross-domain-policies",
];

/// What differs between the answer and two answers to the same request that came without the proxy. What differs
/// between those two, such as an id of the request, may differ here.
fn change(originals: &[Answer; 2], answer: &Answer) -> Option<String> {
    let [original, _] = originals;
    if answer.status != original.status {
        return Some(format!("status {} became {}", original.status, answer.status));
    }
    if !same_but_for_the_moment(originals, answer) {
        return Some(difference(original, answer));
    }
    lost_field(originals, answer).or_else(|| foreign_field(original, answer))
}

fn difference(original: &Answer, answer: &Answer) -> String {
    let start = original.body.iter().zip(&answer.body).take_while(|(left, right)| left == right).count();
    let around = |body: &[u8]| String::from_utf8_lossy(&body[start..body.len().min(start + 80)]).into_owned();
    format!("from byte {start} of the body {:?} became {:?}", around(&original.body), around(&answer.body))
}

fn same_but_for_the_moment([one, other]: &[Answer; 2], answer: &Answer) -> bool {
    if one.body == other.body || one.body.len() != other.body.len() {
        return answer.body == one.body;
    }
    let differing = |index: &usize| one.body[*index] != other.body[*index];
    let first = (0..one.body.len()).find(differing).unwrap_or_default();
    let last = (0..one.body.len()).rfind(differing).unwrap_or_default();
    // Two random words may begin or end with the same letters.
    let head = &one.body[..first];
    let head = &head[..first - head.iter().rev().take_while(|byte| is_word(byte)).count()];
    let tail = &one.body[last + 1..];
    let tail = &tail[tail.iter().take_while(|byte| is_word(byte)).count()..];
    answer.body.len() == one.body.len() && answer.body.starts_with(head) && answer.body.ends_with(tail)
}

fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn lost_field([original, again]: &[Answer; 2], answer: &Answer) -> Option<String> {
    let kept = |name: &str| !DELIVERY.contains(&name) && !DISCLOSING.contains(&name) && name != "set-cookie";
    let steady = |(name, value): &&(String, String)| kept(name) && again.all(name).any(|known| known == value);
    let lost = |(name, value): &&(String, String)| !answer.all(name).any(|known| known == value);
    let (name, _) = original.fields.iter().filter(steady).find(lost)?;
    Some(format!("the field {name} is lost or changed"))
}

fn foreign_field(original: &Answer, answer: &Answer) -> Option<String> {
    let ours = |name: &str| DELIVERY.contains(&name) || HARDENING.contains(&name);
    let foreign = |name: &str| !ours(name) && original.field(name).is_none();
    let (name, _) = answer.fields.iter().find(|(name, _)| foreign(name))?;
    Some(format!("the field {name} is not the application's"))
}

#[test]
fn only_what_changes_by_itself_may_differ() {
    let originals = ["id 127 of us", "id 137 of us"].map(Answer::of_body);
    assert!(change(&originals, &Answer::of_body("id 568 of us")).is_none());
    assert!(change(&originals, &Answer::of_body("id 568 of me")).is_some());
    assert!(change(&originals, &Answer::of_body("id 5678 of us")).is_some());
    let steady = ["the same", "the same"].map(Answer::of_body);
    assert!(change(&steady, &Answer::of_body("the sane")).is_some());
}
