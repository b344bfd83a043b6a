//! Limits on the rate of requests, and lock-out after failed sign-ins.

mod lockout;
mod table;
mod tables;

pub use lockout::{Lockout, LockoutTable};
pub use table::{Admission, Quota, RateTable};
pub use tables::RateTables;

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderValue, Method, StatusCode, header::COOKIE};

use super::{CanonicalPath, Cidr, Objection, RequestHead};
use crate::{
    cookies::{NamePattern, pairs},
    incident::{HashKey, Mode, Refusal},
};

/// Compiled rate limits of a route. The tables are shared by all routes and survive a reload; what a route counts is
/// told apart from what others do by `scope`.
#[derive(Clone, Debug)]
pub struct RatePolicy {
    /// What clients have used up.
    pub table: Arc<RateTable>,
    /// Who failed to sign in.
    pub lockouts: Arc<LockoutTable>,
    /// The key of the hashes by which clients stand in the tables.
    pub key: HashKey,
    /// Routes of one scope count together.
    pub scope: u64,
    /// Requests without a session cookie; by address.
    pub anonymous: Control<Quota>,
    /// Requests with one; by cookie.
    pub session: Control<Quota>,
    /// All requests with session cookies of one address: cookies can be made up.
    pub address: Control<Quota>,
    /// Requests to sign in; by address.
    pub login: Control<Quota>,
    /// Lock-out after failed sign-ins; by address.
    pub lockout: Control<Lockout>,
    /// Names of session cookies, as the application knows them.
    pub session_cookies: Vec<NamePattern>,
    /// Where one signs in: paths in canonical form.
    pub login_paths: Vec<Box<[u8]>>,
    /// Statuses by which the application says that a sign-in failed.
    pub failed: Vec<StatusCode>,
    /// Clients that are not counted.
    pub exempt: Vec<Cidr>,
}

/// A rule and the position of its control.
#[derive(Clone, Copy, Debug)]
pub struct Control<R> {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The rule.
    pub rule: R,
}

/// What a refused client is told of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Which limit: `anonymous`, `session`, `address`, `login` or `lockout`.
    pub name: &'static str,
    /// The limit in requests a minute; none for a lock-out.
    pub per_minute: Option<u32>,
    /// Seconds until the next request is let through, at least 1.
    pub retry_after: u32,
}

/// A request to sign in, until its response says how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    address: u64,
}

impl RatePolicy {
    /// A policy over the given tables: 100 requests a minute with a session cookie, 20 without, 10 to sign
    /// in, 1000 of one address; every control off.
    pub fn new(tables: &RateTables) -> Self {
        let control = |per_minute| Control { mode: Mode::Off, rule: Quota { per_minute, burst: per_minute } };
        Self {
            table: tables.table.clone(),
            lockouts: tables.lockouts.clone(),
            key: tables.key.clone(),
            scope: 0,
            anonymous: control(20),
            session: control(100),
            address: control(1000),
            login: control(10),
            lockout: Control { mode: Mode::Off, rule: Lockout::default() },
            session_cookies: ["session", "sessionid", "*.sid", "*_session", "*SESS*"].map(NamePattern::new).to_vec(),
            login_paths: ["/login", "/signin", "/sign_in", "/users/sign_in", "/accounts/login", "/auth/login"]
                .map(|path| path.as_bytes().into())
                .to_vec(),
            failed: [400, 401, 403, 422].iter().filter_map(|&status| StatusCode::from_u16(status).ok()).collect(),
            exempt: Vec::new(),
        }
    }

    /// Whether any control is on.
    pub fn counts(&self) -> bool {
        self.counts_all() || self.login.mode != Mode::Off || self.lockout.mode != Mode::Off
    }

    /// Counts a request whose cookies bear the names and values that the application knows. `now` is any clock that
    /// never goes back. Never waits for another thread. What is due to a control in observe mode is added to
    /// `observed`.
    ///
    /// # Errors
    /// The limit that the request is beyond.
    pub fn admit(
        &self,
        head: &RequestHead,
        client: IpAddr,
        now: Duration,
        observed: &mut Vec<Objection>,
    ) -> Result<Option<Attempt>, Objection> {
        if self.exempt.iter().any(|range| range.contains(client)) {
            return Ok(None);
        }
        let is_login = self.is_login(head);
        if !is_login && !self.counts_all() {
            return Ok(None);
        }
        let network = network(client);
        let attempt = is_login.then(|| Attempt { address: self.hash("lockout", &network) });
        let mut refuse = |mode: Mode, limited: Option<Limited>| match limited {
            None => Ok(()),
            Some(limited) if mode == Mode::Enforce => Err(Objection::limited(limited)),
            Some(limited) => {
                observed.push(Objection::limited(limited));
                Ok(())
            }
        };
        if let Some(attempt) = &attempt {
            refuse(self.lockout.mode, self.locked(attempt, now))?;
            refuse(self.login.mode, self.over("login", &self.login, &network, now))?;
        }
        match self.session(head) {
            Some(cookie) => {
                refuse(self.address.mode, self.over("address", &self.address, &network, now))?;
                refuse(self.session.mode, self.over("session", &self.session, cookie, now))?;
            }
            None => refuse(self.anonymous.mode, self.over("anonymous", &self.anonymous, &network, now))?,
        }
        Ok(attempt)
    }

    /// Notes how a sign-in went.
    pub fn settle(&self, attempt: Attempt, status: StatusCode, now: Duration) {
        if self.lockout.mode == Mode::Off {
            return;
        }
        if self.failed.contains(&status) {
            self.lockouts.failed(attempt.address, &self.lockout.rule, now);
        } else if status.is_success() || status.is_redirection() {
            self.lockouts.succeeded(attempt.address);
        }
    }

    fn counts_all(&self) -> bool {
        [self.anonymous.mode, self.session.mode, self.address.mode].iter().any(|mode| *mode != Mode::Off)
    }

    fn is_login(&self, head: &RequestHead) -> bool {
        let cares = self.login.mode != Mode::Off || self.lockout.mode != Mode::Off;
        let sends = !matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
        cares && sends && {
            let path = CanonicalPath::of(head.uri.path());
            self.login_paths.iter().any(|login| **login == *path.as_bytes())
        }
    }

    fn session<'a>(&self, head: &'a RequestHead) -> Option<&'a [u8]> {
        let mut pairs = head.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).flat_map(pairs);
        let named = pairs.find(|pair| self.session_cookies.iter().any(|pattern| pattern.matches(pair.name)));
        named.map(|pair| pair.value).filter(|value| !value.is_empty())
    }

    fn locked(&self, attempt: &Attempt, now: Duration) -> Option<Limited> {
        if self.lockout.mode == Mode::Off {
            return None;
        }
        let left = self.lockouts.locked(attempt.address, &self.lockout.rule, now)?;
        Some(Limited { name: "lockout", per_minute: None, retry_after: whole_seconds(left) })
    }

    fn over(&self, name: &'static str, control: &Control<Quota>, client: &[u8], now: Duration) -> Option<Limited> {
        if control.mode == Mode::Off {
            return None;
        }
        match self.table.admit(self.hash(name, client), control.rule, now) {
            Admission::Admitted => None,
            Admission::Limited(left) => {
                Some(Limited { name, per_minute: Some(control.rule.per_minute), retry_after: whole_seconds(left) })
            }
        }
    }

    fn hash(&self, name: &str, client: &[u8]) -> u64 {
        self.key.hash(&(self.scope, name, client))
    }
}

/// What one client has of the address space: an IPv4 address, or a network of 64 bits of IPv6.
pub(crate) fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets()[..8].to_vec(),
    }
}

fn whole_seconds(left: Duration) -> u32 {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
}

impl Objection {
    fn limited(limited: Limited) -> Self {
        Self { limited: Some(limited), ..Self::new(Refusal::RateLimit, StatusCode::TOO_MANY_REQUESTS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Uri, Version};

    fn policy() -> RatePolicy {
        let mut policy = RatePolicy::new(&RateTables::new(1 << 14, HashKey::from_random([1; 16])));
        for control in [&mut policy.anonymous, &mut policy.session, &mut policy.address, &mut policy.login] {
            control.mode = Mode::Enforce;
        }
        policy.lockout.mode = Mode::Enforce;
        policy
    }

    fn request(method: Method, path: &'static str, cookie: &str) -> RequestHead {
        let headers = [(COOKIE, HeaderValue::from_str(cookie).unwrap())].into_iter().collect();
        RequestHead { method, uri: Uri::from_static(path), version: Version::HTTP_11, headers }
    }

    const NOW: Duration = Duration::from_secs(1000);

    fn passed(policy: &RatePolicy, cookie: &str, client: &str, times: usize) -> usize {
        let head = request(Method::GET, "/", cookie);
        let client = client.parse().unwrap();
        (0..times).filter(|_| policy.admit(&head, client, NOW, &mut Vec::new()).is_ok()).count()
    }

    #[test]
    fn clients_with_a_session_get_more_and_addresses_have_an_end() {
        let policy = policy();
        assert_eq!(passed(&policy, "theme=dark", "192.0.2.1", 50), 20);
        assert_eq!(passed(&policy, "sessionid=a", "192.0.2.1", 300), 100);
        assert_eq!(passed(&policy, "sessionid=b", "192.0.2.1", 300), 100);
        let invented: usize = (0..100).map(|n| passed(&policy, &format!("sessionid=x{n}"), "192.0.2.7", 50)).sum();
        assert_eq!(invented, 1000);
    }

    #[test]
    fn an_ipv6_network_is_one_client_and_a_mapped_address_is_ipv4() {
        let policy = policy();
        assert_eq!(passed(&policy, "a=1", "2001:db8::1", 10) + passed(&policy, "a=1", "2001:db8::ffff:2", 30), 20);
        assert_eq!(passed(&policy, "a=1", "2001:db8:0:1::1", 30), 20);
        assert_eq!(passed(&policy, "a=1", "192.0.2.1", 30) + passed(&policy, "a=1", "::ffff:192.0.2.1", 30), 20);
    }

    #[test]
    fn who_is_exempt_is_not_counted_and_off_and_observe_refuse_nothing() {
        let mut policy = policy();
        policy.exempt = vec!["10.0.0.0/8".parse().unwrap()];
        assert_eq!(passed(&policy, "a=1", "10.1.1.1", 500), 500);
        policy.anonymous.mode = Mode::Off;
        assert_eq!(passed(&policy, "a=1", "192.0.2.9", 500), 500);
        policy.anonymous.mode = Mode::Observe;
        let (head, mut observed) = (request(Method::GET, "/", "a=1"), Vec::new());
        for _ in 0..30 {
            policy.admit(&head, "192.0.2.9".parse().unwrap(), NOW, &mut observed).unwrap();
        }
        assert_eq!(observed.len(), 10);
        let told = observed[0].limited.unwrap();
        assert_eq!(told, Limited { name: "anonymous", per_minute: Some(20), retry_after: 3 });
    }

    #[test]
    fn failed_sign_ins_lock_the_address_out_and_a_good_one_ends_it() {
        let mut policy = policy();
        policy.anonymous.mode = Mode::Off;
        policy.login.rule = Quota { per_minute: 1000, burst: 1000 };
        let (client, head) = ("192.0.2.1".parse().unwrap(), request(Method::POST, "/x/..//LOGIN/", "a=1"));
        for _ in 0..6 {
            let attempt = policy.admit(&head, client, NOW, &mut Vec::new()).unwrap().unwrap();
            policy.settle(attempt, StatusCode::UNAUTHORIZED, NOW);
        }
        let refused = policy.admit(&head, client, NOW, &mut Vec::new()).unwrap_err();
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.limited, Some(Limited { name: "lockout", per_minute: None, retry_after: 30 }));
        let page = request(Method::GET, "/login", "a=1");
        assert_eq!(policy.admit(&page, client, NOW, &mut Vec::new()).unwrap(), None);
        let later = NOW + Duration::from_secs(30);
        let attempt = policy.admit(&head, client, later, &mut Vec::new()).unwrap().unwrap();
        policy.settle(attempt, StatusCode::SEE_OTHER, later);
        assert!(policy.admit(&head, client, later, &mut Vec::new()).is_ok());
    }

    #[test]
    fn sign_ins_are_limited_by_themselves() {
        let policy = policy();
        let (client, head) = ("192.0.2.1".parse().unwrap(), request(Method::POST, "/login", "sessionid=1"));
        let admitted = (0..50).filter(|_| policy.admit(&head, client, NOW, &mut Vec::new()).is_ok());
        assert_eq!(admitted.count(), 10);
    }
}
