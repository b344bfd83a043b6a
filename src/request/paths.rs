//! Debug endpoints and exposed files: the same verdict for every spelling of a path.

use std::sync::{Arc, LazyLock};

use http::StatusCode;

use super::{
    CanonicalPath, EndpointError, EndpointRow, EndpointSelection, Objection, PatternKind, RequestHead,
    canonical::decode, embedded_rows, names::Names,
};
use crate::{
    cookies::NamePattern,
    incident::{Mode, Refusal},
};

/// Which debug endpoints and files are refused.
#[derive(Clone, Debug)]
pub struct EndpointPolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The rows in force.
    pub table: Arc<EndpointTable>,
}

/// What a row in force says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The row's name.
    pub id: Box<str>,
    /// What the operator should do about it.
    pub advice: Box<str>,
}

/// Rows in force, compiled: a lookup costs a look at the shape of each path segment, whatever the number of rows.
#[derive(Clone, Debug, Default)]
pub struct EndpointTable {
    paths: Names,
    prefixes: Names,
    segments: Names,
    queries: Names,
    suffixes: Vec<(Box<[u8]>, Arc<Endpoint>)>,
    path_globs: Vec<(Vec<NamePattern>, Arc<Endpoint>)>,
    segment_globs: Vec<(NamePattern, Arc<Endpoint>)>,
    nul: Option<Arc<Endpoint>>,
}

/// The built-in rows that are on by themselves.
impl Default for EndpointPolicy {
    fn default() -> Self {
        static BUILT_IN: LazyLock<Arc<EndpointTable>> = LazyLock::new(|| {
            let built = embedded_rows().and_then(|rows| EndpointTable::build(&rows, &EndpointSelection::default()));
            debug_assert!(built.is_ok());
            Arc::new(built.unwrap_or_default())
        });
        Self { mode: Mode::Enforce, table: BUILT_IN.clone() }
    }
}

/// A plain 404, as if there were nothing.
pub(super) fn endpoint(head: &RequestHead, policy: &EndpointPolicy) -> Result<(), Objection> {
    match policy.table.find(head.uri.path(), head.uri.query()) {
        None => Ok(()),
        Some(row) => {
            let objection = Objection::new(Refusal::DebugEndpoint, StatusCode::NOT_FOUND);
            Err(Objection { endpoint: Some(row.clone()), ..objection })
        }
    }
}

impl EndpointTable {
    /// Compiles rows. Of two rows of one id the later counts, so that an operator's own replace the built-in ones.
    ///
    /// # Errors
    /// A pattern that can never match, or a selection of a row that does not exist.
    pub fn build(rows: &[EndpointRow], selection: &EndpointSelection) -> Result<Self, EndpointError> {
        let known = |id: &str| rows.iter().any(|row| *row.id == *id);
        if let Some(id) = selection.enable.iter().chain(&selection.disable).find(|id| !known(id)) {
            return Err(EndpointError::UnknownId(id.clone()));
        }
        let mut table = Self::default();
        for (at, row) in rows.iter().enumerate() {
            let replaced = rows[at + 1..].iter().any(|later| later.id == row.id);
            let on = (row.on || selection.enable.contains(&row.id)) && !selection.disable.contains(&row.id);
            if !replaced && on {
                table.add(row)?;
            }
        }
        Ok(table)
    }

    /// The row that covers a target, of several one. Nothing below `/.well-known/` (RFC 8615) is covered.
    pub fn find(&self, path: &str, query: Option<&str>) -> Option<&Arc<Endpoint>> {
        let path = CanonicalPath::of(path);
        let nul = self.nul.as_ref().filter(|_| path.has_nul());
        nul.or_else(|| self.find_path(&path)).or_else(|| self.find_query(query?))
    }

    fn find_path(&self, path: &CanonicalPath<'_>) -> Option<&Arc<Endpoint>> {
        if is_below(path.as_bytes(), b"/.well-known") {
            return None;
        }
        self.paths
            .get(path.as_bytes())
            .or_else(|| steps(path.as_bytes()).find_map(|(prefix, segment)| self.find_step(prefix, segment)))
            .or_else(|| self.find_suffix(path.segments().next_back()?))
            .or_else(|| self.find_glob(path))
    }

    fn find_step(&self, prefix: &[u8], segment: &[u8]) -> Option<&Arc<Endpoint>> {
        self.prefixes.get(prefix).or_else(|| self.find_segment(segment))
    }

    fn find_segment(&self, segment: &[u8]) -> Option<&Arc<Endpoint>> {
        if segment.is_empty() {
            return None;
        }
        let glob = || self.segment_globs.iter().find(|(glob, _)| glob.matches(segment)).map(|(_, endpoint)| endpoint);
        self.segments.get(segment).or_else(glob)
    }

    fn find_suffix(&self, name: &[u8]) -> Option<&Arc<Endpoint>> {
        let last = name.last();
        let ends = |suffix: &[u8]| suffix.last() == last && name.len() > suffix.len() && name.ends_with(suffix);
        self.suffixes.iter().find(|(suffix, _)| ends(suffix)).map(|(_, endpoint)| endpoint)
    }

    fn find_glob(&self, path: &CanonicalPath<'_>) -> Option<&Arc<Endpoint>> {
        if self.path_globs.is_empty() {
            return None;
        }
        let count = path.segments().count();
        let matches = |globs: &[NamePattern]| {
            count == globs.len() && path.segments().zip(globs).all(|(segment, glob)| glob.matches(segment))
        };
        self.path_globs.iter().find(|(globs, _)| matches(globs)).map(|(_, endpoint)| endpoint)
    }

    fn find_query(&self, query: &str) -> Option<&Arc<Endpoint>> {
        if self.queries.is_empty() {
            return None;
        }
        let names = query.split(['&', ';']).map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
        names.into_iter().find_map(|name| self.find_parameter(name.as_bytes()))
    }

    fn find_parameter(&self, name: &[u8]) -> Option<&Arc<Endpoint>> {
        let is_canonical = name.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'));
        if is_canonical {
            return self.queries.get(name);
        }
        self.queries.get(&decode(name).trim_ascii().to_ascii_lowercase())
    }

    fn add(&mut self, row: &EndpointRow) -> Result<(), EndpointError> {
        let endpoint = Arc::new(Endpoint { id: row.id.clone(), advice: row.advice.clone() });
        if row.kind == PatternKind::Nul {
            self.nul = Some(endpoint);
            return Ok(());
        }
        for pattern in &row.patterns {
            if let Err(reason) = check(row.kind, pattern) {
                let (origin, id) = (row.origin.clone(), row.id.clone());
                return Err(EndpointError::Pattern { origin, id, pattern: pattern.clone(), reason });
            }
            self.add_pattern(row.kind, pattern, endpoint.clone());
        }
        Ok(())
    }

    fn add_pattern(&mut self, kind: PatternKind, pattern: &str, endpoint: Arc<Endpoint>) {
        let exact = match kind {
            PatternKind::Path if pattern.contains('*') => {
                let globs = pattern[1..].split('/').map(NamePattern::new).collect();
                return self.path_globs.push((globs, endpoint));
            }
            PatternKind::Segment if pattern.contains('*') => {
                return self.segment_globs.push((NamePattern::new(pattern), endpoint));
            }
            PatternKind::Suffix => return self.suffixes.push((pattern.as_bytes().into(), endpoint)),
            PatternKind::Path => &mut self.paths,
            PatternKind::Prefix => &mut self.prefixes,
            PatternKind::Segment => &mut self.segments,
            PatternKind::Query => &mut self.queries,
            PatternKind::Nul => return,
        };
        exact.insert(pattern.as_bytes(), endpoint);
    }
}

/// `/a` and `a`, `/a/b` and `b`, `/a/b/c` and `c`; of the root `/` and nothing.
fn steps(path: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut begin = 1;
    let ends = (1..path.len()).filter(|&at| path[at] == b'/').chain([path.len()]);
    ends.map(move |end| (&path[..end], &path[std::mem::replace(&mut begin, end + 1)..end]))
}

/// Whether the canonical path is `place` or in it.
fn is_below(path: &[u8], place: &[u8]) -> bool {
    path.strip_prefix(place).is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
}

/// A pattern must be what a canonical path can be.
fn check(kind: PatternKind, pattern: &str) -> Result<(), &'static str> {
    let is_path = matches!(kind, PatternKind::Path | PatternKind::Prefix);
    if pattern.is_empty() {
        return Err("it is empty");
    }
    if pattern.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("paths are compared in lower case");
    }
    if kind == PatternKind::Prefix && pattern.contains('*') {
        return Err("a prefix has no wildcards");
    }
    if is_path && CanonicalPath::of(pattern).as_bytes() != pattern.as_bytes() {
        return Err("it is not in canonical form: from the root, decoded, without empty or dot segments");
    }
    if !is_path && pattern.contains(['/', '%']) {
        return Err("it is one name, without slashes and percent codes");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::parse_rows;
    use proptest::prelude::*;

    fn found(path: &str, query: Option<&str>) -> Option<String> {
        EndpointPolicy::default().table.find(path, query).map(|endpoint| endpoint.id.to_string())
    }

    #[test]
    fn debug_endpoints_and_exposed_files_are_covered() {
        for path in [
            "/console",
            "/__better_errors/123/variables",
            "/rails/info/routes",
            "/_profiler/latest",
            "/_wdt/1",
            "/_ignition/execute-solution",
            "/telescope",
            "/actuator/env",
            "/debug/pprof/heap",
            "/debug/vars",
            "/server-status",
            "/.env",
            "/app/.env.production",
            "/.git/config",
            "/config/config.default.js",
            "/config/database.yml",
            "/index.php.bak",
            "/index.php~",
            "/backup.sql.gz",
            "/%2e%67it/HEAD",
            "/a%00b",
        ] {
            assert!(found(path, None).is_some(), "{path}");
        }
        assert_eq!(found("/any", Some("a=1&__debugger__=yes")).as_deref(), Some("werkzeug-debugger"));
        assert_eq!(found("/any", Some("%5f_debugge%2572__")).as_deref(), Some("werkzeug-debugger"));
    }

    #[test]
    fn ordinary_paths_are_not() {
        for path in [
            "/",
            "/consoles",
            "/users/console",
            "/.well-known/acme-challenge/x",
            "/.well-known/openid-configuration",
            "/repo.git/info/refs",
            "/environment",
            "/app.js",
            "/app.js.map",
            "/debug",
            "/~user",
            "/static/config.js",
            "/env",
            "/blog/what-is-.env",
        ] {
            assert_eq!(found(path, Some("debug=1")), None, "{path}");
        }
        assert_eq!(found("/.well-known/../.env", None), found("/.env", None));
    }

    #[test]
    fn rows_are_switched_by_id_and_replaced_by_later_ones() {
        let mut rows = embedded_rows().unwrap();
        let build = |rows: &[EndpointRow], enable: &[&str], disable: &[&str]| {
            let ids = |ids: &[&str]| ids.iter().map(|&id| id.into()).collect();
            EndpointTable::build(rows, &EndpointSelection { enable: ids(enable), disable: ids(disable) })
        };
        assert!(build(&rows, &["source-maps"], &[]).unwrap().find("/app.js.map", None).is_some());
        assert!(build(&rows, &[], &["werkzeug-console"]).unwrap().find("/console", None).is_none());
        assert_eq!(build(&rows, &["typo"], &[]).unwrap_err(), EndpointError::UnknownId("typo".into()));
        let own = "[[endpoint]]\nid = \"werkzeug-console\"\nkind = \"path\"\npatterns = [\"/konsole\"]\nadvice = \"x\"";
        rows.extend(parse_rows("own.toml", own).unwrap());
        let table = build(&rows, &[], &[]).unwrap();
        assert!(table.find("/console", None).is_none() && table.find("/konsole", None).is_some());
    }

    #[test]
    fn a_pattern_that_can_never_match_is_an_error_with_its_place() {
        for (kind, pattern) in [
            ("path", "console"),
            ("path", "/Console"),
            ("path", "/a//b"),
            ("prefix", "/a/"),
            ("prefix", "/a/*"),
            ("segment", "a/b"),
            ("suffix", ""),
            ("path", "/%2e"),
        ] {
            let text =
                format!("[[endpoint]]\nid = \"x\"\nkind = \"{kind}\"\npatterns = [\"{pattern}\"]\nadvice = \"x\"");
            let rows = parse_rows("own.toml", &text).unwrap();
            let error = EndpointTable::build(&rows, &EndpointSelection::default()).unwrap_err();
            assert!(error.to_string().starts_with("own.toml:2: row \"x\""), "{error}");
        }
    }

    /// A path that a pattern covers; what a `*` stands for is `run`.
    fn covered(kind: PatternKind, pattern: &str, run: &str) -> Option<String> {
        let pattern = pattern.replace('*', run);
        match kind {
            PatternKind::Path => Some(pattern),
            PatternKind::Prefix => Some(format!("{pattern}/{run}")),
            PatternKind::Segment => Some(format!("/{run}/{pattern}")),
            PatternKind::Suffix => Some(format!("/{run}/{run}{pattern}")),
            PatternKind::Query | PatternKind::Nul => None,
        }
    }

    /// Paths of every row.
    fn any_covered() -> impl Strategy<Value = String> {
        let rows = embedded_rows().unwrap().into_iter().filter(|row| row.on);
        let patterns: Vec<_> =
            rows.flat_map(|row| row.patterns.into_iter().map(move |pattern| (row.kind, pattern))).collect();
        let paths = (proptest::sample::select(patterns), "[a-z][a-z0-9]{0,4}");
        paths.prop_filter_map("it has a path", |((kind, pattern), run)| covered(kind, &pattern, &run))
    }

    /// One letter, encoded as `choice` says.
    fn respell_letter(letter: char, choice: u8) -> String {
        let code = letter as u32;
        match choice % 12 {
            1 => format!("%{code:02x}"),
            2 => format!("%25{code:02X}"),
            3 => format!("%2525{code:02x}"),
            4 => format!("%u00{code:02x}"),
            5 => letter.to_ascii_uppercase().to_string(),
            6 => format!("%c{}%{:02x}", code >> 6 & 1, 0x80 | code & 0x3f),
            7 => format!("%e0%8{}%{:02X}", code >> 6 & 1, 0x80 | code & 0x3f),
            8 => format!("%%3{}{:x}", code >> 4 & 0xf, code & 0xf),
            9 => format!("%25%{:02x}%{:02x}", u32::from(hex(code >> 4)), u32::from(hex(code & 0xf))),
            _ => letter.to_string(),
        }
    }

    fn hex(digit: u32) -> u8 {
        char::from_digit(digit, 16).map_or(b'0', |digit| digit as u8)
    }

    /// Another spelling of `path`, as `choices` say.
    fn respell(path: &str, choices: &[u8]) -> String {
        let mut choices = choices.iter().copied().cycle();
        let mut out = String::new();
        for letter in path.chars() {
            let choice = choices.next().unwrap_or(0);
            out += &match (letter, choice % 16) {
                ('/', 0) => "//".to_owned(),
                ('/', 1) => "/./".to_owned(),
                ('/', 2) => "/x/%2e%2e/".to_owned(),
                ('/', 3) => "\\".to_owned(),
                ('/', 4) => "/x;y/..;z/".to_owned(),
                ('/', 5) if !out.is_empty() => ";p=1/".to_owned(),
                ('/', 6) => "/x%5c.%2e%5C".to_owned(),
                ('/', 7) => "/%c0%ae/".to_owned(),
                ('/', 8) if !out.is_empty() => "%20/".to_owned(),
                (letter, choice) => respell_letter(letter, choice),
            };
        }
        let ends = ["", "/", "/.", "//", ";a=b", "%3fa=b", "%23a", "%20", ".", "::$DATA", "/x/.."];
        out + ends[usize::from(choices.next().unwrap_or(0)) % ends.len()]
    }

    proptest! {
        #[test]
        fn any_spelling_of_a_path_gets_the_same_verdict(
            path in prop_oneof![any_covered(), Just("/.well-known/x".to_owned()), "(/[a-z.]{1,6}){1,3}"],
            choices in proptest::collection::vec(any::<u8>(), 1..40),
        ) {
            prop_assert_eq!(found(&respell(&path, &choices), None), found(&path, None));
        }

        #[test]
        fn any_path_of_any_row_is_covered_however_it_is_spelt(
            path in any_covered(), choices in proptest::collection::vec(any::<u8>(), 1..40), nul: bool
        ) {
            let spelt = respell(&path, &choices) + if nul { "%00.html" } else { "" };
            prop_assert!(found(&spelt, None).is_some(), "{}", spelt);
        }

        #[test]
        fn any_spelling_of_a_parameter_gets_the_same_verdict(
            choices in proptest::collection::vec(any::<u8>(), 12..40), before in "[a-z=&]{0,6}", after in "[a-z0-9]{0,6}"
        ) {
            let letters = "__debugger__".chars().zip(&choices);
            let name: String = letters.map(|(letter, choice)| respell_letter(letter, *choice)).collect();
            let query = format!("{before}&{name}={after}");
            prop_assert_eq!(found("/any", Some(&query)), Some("werkzeug-debugger".to_owned()), "{}", query);
        }
    }
}
