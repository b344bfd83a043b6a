//! What is looked at, what it costs, and what cures it. README.md shows the costs; a test keeps the two together.

use serde::Serialize;

/// One thing that can be wrong.
#[derive(Debug)]
pub(super) struct Check {
    /// Its name in reports.
    pub(super) id: &'static str,
    /// Points.
    pub(super) cost: u32,
    /// What is wrong.
    pub(super) what: &'static str,
    /// Why that matters.
    pub(super) why: &'static str,
    /// What in cofferdam cures it.
    pub(super) cure: &'static str,
}

pub(super) const LEAK: Check = Check {
    id: "leak",
    cost: 60,
    what: "a page shows what is nobody's business",
    why: "debug pages, traces and keys tell an attacker where to begin",
    cure: "inspect.mode = \"enforce\" (the default)",
};
pub(super) const MINOR_LEAK: Check = Check {
    id: "minor-leak",
    cost: 20,
    what: "a page tells more than it should",
    why: "paths, hosts and error texts help an attacker along",
    cure: "inspect.mode = \"enforce\" (the default)",
};
pub(super) const ENDPOINT: Check = Check {
    id: "debug-endpoint",
    cost: 60,
    what: "a debug endpoint or file answers",
    why: "it runs code or gives away secrets, and every scanner asks for it",
    cure: "guard.endpoints (the default)",
};
pub(super) const WEAK_KEY: Check = Check {
    id: "weak-key",
    cost: 60,
    what: "a cookie can be forged",
    why: "anyone can look its signing key up, or it needs none",
    cure: "another key in the application; until then cookies.seal",
};
pub(super) const CORS: Check = Check {
    id: "cors-credentials",
    cost: 60,
    what: "any site may read answers with the visitor's session",
    why: "the origin that asks is allowed whoever it is",
    cure: "cors.mode = \"enforce\", cors.origins",
};
pub(super) const DEVELOPMENT_SERVER: Check = Check {
    id: "development-server",
    cost: 30,
    what: "a development server is open to visitors",
    why: "a few slow clients stop it, and its debug mode is one setting away",
    cure: "a server for production; until then cofferdam in front, upstream.max_requests",
};
pub(super) const PLAIN_HTTP: Check = Check {
    id: "plain-http",
    cost: 20,
    what: "no TLS",
    why: "whoever is on the way reads and changes everything",
    cure: "server.tls",
};
pub(super) const CSP: Check = Check {
    id: "content-security-policy",
    cost: 20,
    what: "no Content-Security-Policy is enforced",
    why: "a script that gets into a page may do anything",
    cure: "headers.csp, or preset helmet",
};
pub(super) const WEAK_CSP: Check = Check {
    id: "weak-content-security-policy",
    cost: 5,
    what: "the Content-Security-Policy leaves a gap",
    why: "it does not stop what it is there to stop",
    cure: "headers.csp with headers.csp.force = true",
};
pub(super) const HSTS: Check = Check {
    id: "strict-transport-security",
    cost: 15,
    what: "no Strict-Transport-Security",
    why: "a first visit without TLS can be taken over",
    cure: "headers.strict_transport_security",
};
pub(super) const FRAMES: Check = Check {
    id: "x-frame-options",
    cost: 15,
    what: "pages may stand in frames of any site",
    why: "visitors can be made to click on what they do not see",
    cure: "headers.x_frame_options",
};
pub(super) const NOSNIFF: Check = Check {
    id: "x-content-type-options",
    cost: 10,
    what: "browsers may guess types",
    why: "text that a visitor uploaded can become a script",
    cure: "headers.x_content_type_options",
};
pub(super) const REFERRER: Check = Check {
    id: "referrer-policy",
    cost: 5,
    what: "no Referrer-Policy",
    why: "older browsers tell other sites whole URLs",
    cure: "headers.referrer_policy",
};
pub(super) const WEAK_FIELD: Check = Check {
    id: "weak-field",
    cost: 5,
    what: "a security field does not do what it should",
    why: "browsers ignore it, or it allows too much",
    cure: "headers.force",
};
pub(super) const OPENER: Check = Check {
    id: "cross-origin-opener-policy",
    cost: 2,
    what: "no Cross-Origin-Opener-Policy",
    why: "a window that another site opened stays in its reach",
    cure: "headers.cross_origin_opener_policy, or preset helmet",
};
pub(super) const MINOR_FIELD: Check = Check {
    id: "minor-field",
    cost: 1,
    what: "a field of defence in depth is missing",
    why: "it costs nothing and closes a side way",
    cure: "preset helmet, or headers.set",
};
pub(super) const DISCLOSING: Check = Check {
    id: "disclosing-field",
    cost: 3,
    what: "a field tells what the application is made of",
    why: "attackers look for known faults by product and version",
    cure: "headers.remove (the default)",
};
pub(super) const COOKIE_SECURE: Check = Check {
    id: "cookie-secure",
    cost: 8,
    what: "a cookie without Secure",
    why: "it is sent without TLS, too",
    cure: "cookies.secure",
};
pub(super) const COOKIE_HTTP_ONLY: Check = Check {
    id: "cookie-http-only",
    cost: 8,
    what: "a cookie without HttpOnly",
    why: "a script that gets into a page takes the session along",
    cure: "cookies.http_only; cookies.script_readable for those that scripts must read",
};
pub(super) const COOKIE_SAME_SITE: Check = Check {
    id: "cookie-same-site",
    cost: 4,
    what: "a cookie without SameSite",
    why: "some browsers send it with requests that other sites make",
    cure: "cookies.same_site",
};
pub(super) const COOKIE_REFUSED: Check = Check {
    id: "cookie-refused",
    cost: 4,
    what: "browsers do not take a cookie",
    why: "it is malformed, too large, or its attributes contradict",
    cure: "cookies; see `cofferdam check --cookies`",
};

/// All of them, the dearest first.
#[cfg(test)]
pub(super) const ALL: [&Check; 21] = [
    &LEAK,
    &ENDPOINT,
    &WEAK_KEY,
    &CORS,
    &DEVELOPMENT_SERVER,
    &MINOR_LEAK,
    &PLAIN_HTTP,
    &CSP,
    &HSTS,
    &FRAMES,
    &NOSNIFF,
    &COOKIE_SECURE,
    &COOKIE_HTTP_ONLY,
    &REFERRER,
    &WEAK_CSP,
    &WEAK_FIELD,
    &COOKIE_SAME_SITE,
    &COOKIE_REFUSED,
    &DISCLOSING,
    &OPENER,
    &MINOR_FIELD,
];

/// Something that is wrong, once for each thing it is wrong with.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) id: &'static str,
    pub(super) cost: u32,
    pub(super) what: &'static str,
    /// With what: a field, a cookie's name, a rule. Never a value.
    pub(super) subject: String,
    pub(super) why: &'static str,
    pub(super) cure: String,
    /// The paths on which it was seen.
    pub(super) on: Vec<String>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Notes a finding; the same one on another path costs nothing more.
    pub(super) fn add(&mut self, check: &Check, subject: impl Into<String>, on: &str) {
        self.add_cured(check, subject, on, check.cure);
    }

    /// The same with a cure of its own.
    pub(super) fn add_cured(
        &mut self,
        &Check { id, cost, what, why, .. }: &Check,
        subject: impl Into<String>,
        on: &str,
        cure: impl Into<String>,
    ) {
        let subject = subject.into();
        match self.0.iter_mut().find(|known| known.id == id && known.subject == subject) {
            Some(known) if known.on.iter().any(|path| path == on) => {}
            Some(known) => known.on.push(on.to_owned()),
            None => self.0.push(Finding { id, cost, what, subject, why, cure: cure.into(), on: vec![on.to_owned()] }),
        }
    }

    /// The points that are left, and the findings, the dearest first.
    pub(super) fn weigh(mut self) -> (u32, Vec<Finding>) {
        self.0.sort_by_key(|finding| std::cmp::Reverse(finding.cost));
        let cost: u32 = self.0.iter().map(|finding| finding.cost).sum();
        (100u32.saturating_sub(cost), self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flag, Sources, load};

    #[test]
    fn the_readme_tells_what_everything_costs() {
        let readme = include_str!("../../../README.md");
        for (check, next) in ALL.iter().zip(ALL.iter().skip(1)) {
            assert!(check.cost >= next.cost, "{}", next.id);
        }
        for Check { id, cost, .. } in ALL {
            let row = readme.lines().find(|line| line.contains(&format!("`{id}`"))).unwrap_or_else(|| panic!("{id}"));
            assert!(row.starts_with(&format!("| {cost} |")), "{id}: {row}");
        }
    }

    #[test]
    fn a_cure_names_keys_that_exist() {
        // A table without an entry has no key.
        let (key, value) = ("headers.set.x-robots-tag".to_owned(), "noindex".to_owned());
        let flags = vec![Flag { name: "--set".to_owned(), key, value }];
        let loaded = load(&Sources { flags, ..Sources::default() }).unwrap();
        let keys: Vec<String> = loaded.effective().iter().map(|setting| setting.key.join(".")).collect();
        for Check { id, cure, .. } in ALL {
            let words = cure.split([' ', ',', ';']).map(|word| word.trim_matches(['(', ')', '`']));
            for word in words.filter(|word| word.contains('.') || *word == "cookies") {
                let is_known = |key: &String| *key == *word || key.starts_with(&format!("{word}."));
                assert!(keys.iter().any(is_known), "{id}: {word}");
            }
        }
    }

    #[test]
    fn the_same_on_another_path_costs_nothing_more() {
        let mut findings = Findings::default();
        findings.add(&NOSNIFF, "", "/");
        findings.add(&NOSNIFF, "", "/other");
        findings.add(&NOSNIFF, "", "/other");
        findings.add(&LEAK, "a", "/");
        let (score, found) = findings.weigh();
        assert_eq!((score, found.len(), found[0].id, found[1].on.len()), (30, 2, "leak", 2));
    }
}
