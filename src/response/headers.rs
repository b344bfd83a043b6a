//! Security headers set, disclosing headers removed: on every response, whatever made it.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, Entry},
};

use super::StrictTransport;
use crate::incident::Mode;

/// When a field is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Where the application did not send it.
    #[default]
    Absent,
    /// Always: what the application sent is replaced.
    Forced,
}

/// One field to set, ready to insert.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The field's name.
    pub name: HeaderName,
    /// Its value.
    pub value: HeaderValue,
    /// When it is set.
    pub when: When,
    /// Only where the client's side is TLS.
    pub tls_only: bool,
}

/// The fields that are taken away.
#[derive(Clone, Debug)]
pub struct Removal {
    names: Vec<HeaderName>,
    prefixes: Vec<Box<str>>,
    except: Vec<HeaderName>,
    /// By [`shape`] of a name: one bit for each length that such a name can have. Nearly every name of a response is told
    /// by it to be none of these.
    shapes: Box<[u64; SHAPES]>,
}

/// Compiled header settings of a route.
#[derive(Clone, Debug)]
pub struct HeaderPolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The fields to set. At most one setting per name.
    pub set: Vec<Setting>,
    /// The fields to take away.
    pub remove: Removal,
}

/// What hardening changed, or would have changed in observe mode, in fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct HeaderReport {
    /// Fields set or replaced.
    pub set: u32,
    /// Names taken away.
    pub removed: u32,
}

impl HeaderPolicy {
    /// Every header that helmet 8 sets by default, with its values, but for the Content-Security-Policy (which is
    /// an application's own), `Referrer-Policy` and the subdomains of HSTS (see [`HeaderPolicy::default`]).
    pub fn strict() -> Self {
        let mut policy = Self::default();
        policy.set.extend([
            Setting::absent(header::X_DNS_PREFETCH_CONTROL, HeaderValue::from_static("off")),
            Setting::absent(header::X_XSS_PROTECTION, HeaderValue::from_static("0")),
            Setting::absent(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin")),
            Setting::absent(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
            Setting::absent(ORIGIN_AGENT_CLUSTER, HeaderValue::from_static("?1")),
            Setting::absent(X_DOWNLOAD_OPTIONS, HeaderValue::from_static("noopen")),
            Setting::absent(X_PERMITTED_CROSS_DOMAIN_POLICIES, HeaderValue::from_static("none")),
        ]);
        policy
    }

    /// Sets and takes away what the policy says, in time linear in the fields present and without allocating where
    /// nothing is to be taken away. Observe mode changes nothing and reports the same.
    pub fn harden(&self, fields: &mut HeaderMap, tls: bool) -> HeaderReport {
        match self.mode {
            Mode::Off => HeaderReport::default(),
            Mode::Observe => self.preview(fields, tls),
            Mode::Enforce => self.enforce(fields, tls),
        }
    }

    fn enforce(&self, fields: &mut HeaderMap, tls: bool) -> HeaderReport {
        let removed = self.remove.apply(fields);
        let set = self.set.iter().filter(|setting| setting.apply(fields, tls)).count();
        HeaderReport { set: count(set), removed }
    }

    fn preview(&self, fields: &HeaderMap, tls: bool) -> HeaderReport {
        let due = |setting: &&Setting| self.remove.covers(&setting.name) || setting.is_due(fields, tls);
        let applies = |setting: &&Setting| tls || !setting.tls_only;
        let set = self.set.iter().filter(applies).filter(due).count();
        let removed = fields.keys().filter(|name| self.remove.covers(name)).count();
        HeaderReport { set: count(set), removed: count(removed) }
    }
}

/// What suits any application without knowing it. `Referrer-Policy` is what browsers do by themselves; helmet's
/// `no-referrer` makes them send `Origin: null` with forms, which the csrf checks of Rails and Django refuse.
/// HSTS is helmet's year without its subdomains, of which a proxy for one host knows nothing. COOP, CORP,
/// Origin-Agent-Cluster, Permissions-Policy and CSP change what an application's pages can do: settings.
impl Default for HeaderPolicy {
    fn default() -> Self {
        let year = HeaderValue::from_static("max-age=31536000");
        let hsts = Setting::absent(header::STRICT_TRANSPORT_SECURITY, year);
        Self {
            mode: Mode::default(),
            set: vec![
                Setting::absent(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
                Setting::absent(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
                Setting::absent(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
                Setting { tls_only: true, ..hsts },
            ],
            remove: Removal::default(),
        }
    }
}

impl Setting {
    /// A field set where the application did not send it.
    pub fn absent(name: HeaderName, value: HeaderValue) -> Self {
        Self { name, value, when: When::Absent, tls_only: false }
    }

    /// Sets the field if it is due, and tells whether it was.
    fn apply(&self, fields: &mut HeaderMap, tls: bool) -> bool {
        if self.when == When::Absent && (tls || !self.tls_only) {
            match fields.entry(&self.name) {
                Entry::Vacant(place) => {
                    place.insert(self.value.clone());
                }
                Entry::Occupied(mut sent) if self.says_nothing(sent.get()) => {
                    sent.insert(self.value.clone());
                }
                Entry::Occupied(_) => return false,
            }
            return true;
        }
        let due = self.is_due(fields, tls);
        if due {
            fields.insert(self.name.clone(), self.value.clone());
        }
        due
    }

    fn is_due(&self, fields: &HeaderMap, tls: bool) -> bool {
        let present = || fields.get(&self.name);
        (tls || !self.tls_only)
            && match self.when {
                When::Absent => present().is_none_or(|value| self.says_nothing(value)),
                When::Forced => present() != Some(&self.value) || fields.get_all(&self.name).iter().count() > 1,
            }
    }

    /// Whether browsers ignore what the application sent, so that it protects nobody (RFC 6797 section 6.1).
    fn says_nothing(&self, value: &HeaderValue) -> bool {
        self.name == header::STRICT_TRANSPORT_SECURITY
            && StrictTransport::parse(&String::from_utf8_lossy(value.as_bytes())).is_err()
    }
}

/// Names of the makers and of debugging aids. Not among them, but known by name for settings:
/// [`Removal::TIMING`], [`Removal::SOURCE_MAPS`], [`Removal::VIA`].
impl Default for Removal {
    fn default() -> Self {
        let prefixes = DISCLOSING_PREFIXES.map(Box::from).to_vec();
        Self::new(DISCLOSING.map(HeaderName::from_static).to_vec(), prefixes, Vec::new())
    }
}

impl Removal {
    /// Durations of database queries and views; monitoring scripts read them.
    pub const TIMING: [HeaderName; 1] = [HeaderName::from_static("server-timing")];
    /// Where the source of a script or style can be had.
    pub const SOURCE_MAPS: [HeaderName; 2] =
        [HeaderName::from_static("sourcemap"), HeaderName::from_static("x-sourcemap")];
    /// The proxies between the application and here.
    pub const VIA: [HeaderName; 1] = [header::VIA];

    /// Whole `names`, and names that begin with one of `prefixes`, which are in lower case (`x-debug-` takes away
    /// `X-Debug-Exception`), but for those of `except`.
    pub fn new(names: Vec<HeaderName>, prefixes: Vec<Box<str>>, except: Vec<HeaderName>) -> Self {
        let mut shapes = Box::new([0; SHAPES]);
        for name in &names {
            shapes[shape(name.as_str())] |= length_bit(name.as_str());
        }
        for prefix in &prefixes {
            // Up to the longest, and any shape where the prefix is too short to have one.
            let longer = length_bit(prefix).wrapping_neg();
            let at = shape(prefix);
            let of_prefix = if prefix.len() > SHAPE_AT { at..at + 1 } else { 0..SHAPES };
            shapes[of_prefix].iter_mut().for_each(|lengths| *lengths |= longer);
        }
        Self { names, prefixes, except, shapes }
    }

    /// Whole names.
    pub fn names(&self) -> &[HeaderName] {
        &self.names
    }

    /// Beginnings of names.
    pub fn prefixes(&self) -> &[Box<str>] {
        &self.prefixes
    }

    fn apply(&self, fields: &mut HeaderMap) -> u32 {
        let covered: Vec<_> = fields.keys().filter(|name| self.covers(name)).cloned().collect();
        covered.iter().for_each(|name| drop(fields.remove(name)));
        count(covered.len())
    }

    /// Whether a field of this name is taken away.
    pub fn covers(&self, name: &HeaderName) -> bool {
        let text = name.as_str();
        self.shapes[shape(text)] & length_bit(text) != 0 && (self.names.contains(name) || self.covers_by_prefix(name))
    }

    fn covers_by_prefix(&self, name: &HeaderName) -> bool {
        let first = name.as_str().as_bytes().first();
        let begins = |prefix: &str| prefix.as_bytes().first() == first && name.as_str().starts_with(prefix);
        self.prefixes.iter().any(|prefix| begins(prefix)) && !self.except.contains(name)
    }
}

const SHAPES: usize = 64;

/// Most of the names begin with `x-`: what follows tells them apart.
const SHAPE_AT: usize = 2;

/// What two of its letters make of a name.
fn shape(name: &str) -> usize {
    let letter = |at: usize| usize::from(name.as_bytes().get(at).copied().unwrap_or_default());
    (letter(0) + 3 * letter(SHAPE_AT)) % SHAPES
}

/// The bit of a name's length; the highest is that of all that are longer.
fn length_bit(name: &str) -> u64 {
    1 << name.len().min(63)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const ORIGIN_AGENT_CLUSTER: HeaderName = HeaderName::from_static("origin-agent-cluster");
const X_DOWNLOAD_OPTIONS: HeaderName = HeaderName::from_static("x-download-options");
const X_PERMITTED_CROSS_DOMAIN_POLICIES: HeaderName = HeaderName::from_static("x-permitted-cross-domain-policies");

const DISCLOSING: [&str; 15] = [
    "server",
    "x-server",
    "x-backend-server",
    "x-runtime",
    "x-readtime",
    "x-generator",
    "x-debug",
    "x-traceback",
    "x-backtrace",
    "x-exception",
    "x-sourcefiles",
    "x-rack-cache",
    "x-chromelogger-data",
    "x-chromephp-data",
    "phpdebugbar-id",
];

/// PHP, ASP.NET and their kin; Symfony's and others' debug fields; Rails' web console; FirePHP; Clockwork.
const DISCLOSING_PREFIXES: [&str; 6] =
    ["x-powered-", "x-aspnet", "x-debug-", "x-web-console-", "x-wf-", "x-clockwork-"];

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, HeaderValue::from_static(value));
        }
        fields
    }

    #[test]
    fn what_is_missing_is_set_and_what_the_application_said_stands() {
        let mut out = fields(&[("x-frame-options", "DENY")]);
        let report = HeaderPolicy::default().harden(&mut out, false);
        assert_eq!(out["x-frame-options"], "DENY");
        assert_eq!(out["x-content-type-options"], "nosniff");
        assert_eq!(out["referrer-policy"], "strict-origin-when-cross-origin");
        assert_eq!(report, HeaderReport { set: 2, removed: 0 });
    }

    #[test]
    fn strict_transport_security_is_said_over_tls_alone() {
        for (tls, wanted) in [(true, Some("max-age=31536000")), (false, None)] {
            let mut out = HeaderMap::new();
            HeaderPolicy::default().harden(&mut out, tls);
            assert_eq!(out.get("strict-transport-security").map(|value| value.to_str().unwrap()), wanted);
        }
    }

    #[test]
    fn a_transport_security_that_browsers_ignore_is_replaced_and_a_valid_one_stands() {
        for (sent, wanted) in [
            ("max-age=60; max-age=31536000", "max-age=31536000"),
            ("includeSubDomains", "max-age=31536000"),
            ("max-age=60", "max-age=60"),
            ("max-age=0", "max-age=0"),
        ] {
            let mut out = fields(&[("strict-transport-security", sent)]);
            HeaderPolicy::default().harden(&mut out, true);
            assert_eq!(out["strict-transport-security"], wanted, "{sent}");
        }
        let mut plain = fields(&[("strict-transport-security", "max-age=60; max-age=60")]);
        HeaderPolicy::default().harden(&mut plain, false);
        assert_eq!(plain["strict-transport-security"], "max-age=60; max-age=60", "over plain HTTP none is set");
    }

    #[test]
    fn a_forced_field_replaces_all_that_the_application_sent() {
        let csp = Setting::absent(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
        let policy = HeaderPolicy { set: vec![Setting { when: When::Forced, ..csp }], ..HeaderPolicy::default() };
        let mut out = fields(&[("content-security-policy", "a"), ("content-security-policy", "b")]);
        assert_eq!(policy.harden(&mut out, false).set, 1);
        assert_eq!(out.get_all("content-security-policy").iter().collect::<Vec<_>>(), ["default-src 'self'"]);
        assert_eq!(policy.harden(&mut out, false).set, 0);
    }

    #[test]
    fn disclosing_fields_go_by_name_and_by_prefix_and_the_rest_stays() {
        let mut out = fields(&[
            ("server", "Werkzeug/3.0"),
            ("x-powered-by", "Express"),
            ("x-debug-token-link", "/_profiler/1"),
            ("x-debug-exception-file", "app.php:3"),
            ("x-aspnetmvc-version", "5.2"),
            ("x-web-console-session-id", "1"),
            ("x-request-id", "7"),
            ("server-timing", "db;dur=3"),
            ("content-type", "text/html"),
        ]);
        let report = HeaderPolicy::default().harden(&mut out, false);
        assert_eq!(report.removed, 6);
        assert!(["x-request-id", "server-timing", "content-type"].iter().all(|name| out.contains_key(*name)));
        assert_eq!(out.len(), 3 + 3);
    }

    #[test]
    fn an_exception_keeps_a_field_that_a_prefix_covers() {
        let except = vec![HeaderName::from_static("x-debug-build")];
        let remove = Removal::new(Vec::new(), vec!["x-debug-".into()], except);
        let policy = HeaderPolicy { remove, ..HeaderPolicy::default() };
        let mut out = fields(&[("x-debug-build", "1"), ("x-debug-user", "2")]);
        assert_eq!(policy.harden(&mut out, false).removed, 1);
        assert!(out.contains_key("x-debug-build"));
    }

    #[test]
    fn names_are_covered_whatever_their_shape() {
        let long = "x-powered-by-".to_owned() + &"a".repeat(100);
        for name in ["a", "te", "server", "x-powered-by", "x-debug-", "x-wf-1-1-1-1", &long] {
            let name: HeaderName = name.parse().unwrap();
            assert!(Removal::new(vec![name.clone()], Vec::new(), Vec::new()).covers(&name), "{name}");
            for length in 1..=name.as_str().len() {
                let prefix = name.as_str()[..length].into();
                assert!(Removal::new(Vec::new(), vec![prefix], Vec::new()).covers(&name), "{name} {length}");
            }
        }
        for name in ["content-type", "x-frame-options", "date", "x-request-id", "servers", "x-debugger"] {
            assert!(!Removal::default().covers(&name.parse().unwrap()), "{name}");
        }
    }

    #[test]
    fn observe_reports_the_same_and_changes_nothing_and_off_does_not_look() {
        let before = fields(&[("server", "x"), ("x-powered-by", "y"), ("x-powered-by", "z"), ("referrer-policy", "")]);
        for tls in [true, false] {
            let report = HeaderPolicy::strict().harden(&mut before.clone(), tls);
            for (mode, wanted) in [(Mode::Observe, report), (Mode::Off, HeaderReport::default())] {
                let mut same = before.clone();
                assert_eq!(HeaderPolicy { mode, ..HeaderPolicy::strict() }.harden(&mut same, tls), wanted);
                assert_eq!(same, before);
            }
        }
    }

    #[test]
    fn hardening_twice_changes_nothing_more() {
        let mut out = fields(&[("server", "x")]);
        HeaderPolicy::strict().harden(&mut out, true);
        assert_eq!(HeaderPolicy::strict().harden(&mut out, true), HeaderReport::default());
    }
}
