//! The floors of ARCHITECTURE.md: an import may only point down, the pure floors know no I/O, and an external crate
//! has one owner.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set up its case has failed")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Modules by floor. A module may use those of lower floors and, on its own floor, those named in [`BESIDE`].
const FLOORS: &[&[&str]] = &[
    &["incident"],
    &["rules", "scan", "coding", "cookies"],
    &["policy", "request", "response"],
    &["engine", "exchange"],
    &["config", "proxy", "upstream", "server", "admin", "metrics", "logging", "record", "http1"],
    &["app"],
    &["cli", "main"],
];

/// What may use what on the same floor.
const BESIDE: &[(&str, &str)] = &[
    ("scan", "rules"),
    ("scan", "coding"),
    ("policy", "request"),
    ("policy", "response"),
    ("exchange", "engine"),
    ("response", "request"),
    ("proxy", "upstream"),
    ("proxy", "server"),
    ("proxy", "record"),
    ("proxy", "metrics"),
    ("proxy", "logging"),
    ("upstream", "metrics"),
    ("upstream", "server"),
    ("upstream", "http1"),
    ("server", "http1"),
    ("server", "metrics"),
    ("server", "logging"),
    ("admin", "metrics"),
    ("admin", "server"),
    ("admin", "logging"),
    ("record", "metrics"),
    ("record", "logging"),
    ("record", "server"),
    ("record", "upstream"),
    ("logging", "metrics"),
    ("config", "server"),
    ("config", "upstream"),
    ("config", "proxy"),
    ("config", "logging"),
    ("main", "cli"),
];

/// The highest floor on which everything is pure.
const PURE: usize = 3;

/// What the pure floors must not name.
const IMPURE: &[&str] = &[
    "tokio",
    "hyper",
    "tracing",
    "getrandom",
    "std::env",
    "std::fs",
    "std::net::Tcp",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
    "prometheus",
    "figment",
    "clap",
    "rustls",
];

/// External crates and the modules that may name them. Crates that are vocabulary everywhere (`bytes`, `http`,
/// `serde`, `thiserror`, `memchr`) are not listed.
const OWNERS: &[(&str, &[&str])] = &[
    ("aho_corasick", &["scan"]),
    ("regex_automata", &["scan"]),
    ("flate2", &["coding"]),
    ("brotli", &["coding"]),
    ("zstd", &["coding"]),
    ("chacha20poly1305", &["cookies"]),
    ("aes_gcm", &["cookies"]),
    ("md5", &["cookies"]),
    ("httparse", &["http1", "server", "upstream"]),
    ("httpdate", &["server"]),
    ("figment", &["config"]),
    ("prometheus", &["metrics"]),
    ("rustls", &["server", "upstream"]),
    ("tempfile", &["upstream"]),
    ("tracing_subscriber", &["logging"]),
    ("clap", &["cli"]),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The code of each module: its text before the inline tests, comments left out.
fn modules() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let mut modules: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in files(&src).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs")) {
        let inside = path.strip_prefix(&src).unwrap();
        let first = inside.iter().next().unwrap().to_string_lossy();
        let name = first.trim_end_matches(".rs").to_owned();
        let is_test = inside.iter().any(|part| part == "tests.rs");
        if name == "lib" || is_test {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let code: String =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
        modules.entry(name).or_default().push((inside.to_owned(), code));
    }
    modules
}

fn floor(module: &str) -> usize {
    let known = FLOORS.iter().position(|floor| floor.contains(&module));
    known.unwrap_or_else(|| panic!("src/{module} stands on no floor: add it to FLOORS and to ARCHITECTURE.md"))
}

/// The modules of this crate that the code names.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for prefix in ["crate::", "cofferdam::"] {
        for (at, _) in code.match_indices(prefix) {
            let rest = &code[at + prefix.len()..];
            match rest.strip_prefix('{') {
                Some(group) => found.extend(group_heads(group)),
                None => found.push(head(rest)),
            }
        }
    }
    found.into_iter().filter(|name| FLOORS.iter().any(|floor| floor.contains(&name.as_str()))).collect()
}

fn head(path: &str) -> String {
    path.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
}

/// The first segments of the members of a `use` group.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut start) = (0, Vec::new(), true);
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            char if start && depth == 0 && !char.is_whitespace() => {
                heads.push(head(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    heads
}

#[test]
fn an_import_points_down() {
    let mut wrong = Vec::new();
    for (module, files) in modules() {
        for (path, code) in files {
            for import in imports(&code) {
                let down = floor(&import) < floor(&module);
                let beside = import == module || BESIDE.contains(&(module.as_str(), import.as_str()));
                if !down && !beside {
                    wrong.push(format!("{}: {module} must not use {import}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_pure_floors_name_nothing_impure() {
    let mut wrong = Vec::new();
    for (module, files) in modules().into_iter().filter(|(module, _)| floor(module) <= PURE) {
        for (path, code) in files {
            wrong.extend(
                IMPURE
                    .iter()
                    .filter(|name| code.contains(**name))
                    .map(|name| format!("{}: {module} names {name}", path.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every request passes here, on every thread (`benches/rate.rs` measures it).
#[test]
fn the_rate_limiter_takes_no_lock() {
    let locks = ["Mutex", "RwLock", "Condvar", "LazyLock", "spin", "park", ".lock("];
    let modules = modules();
    let files = modules["request"].iter().filter(|(path, _)| path.starts_with("request/rate"));
    let mut seen = 0;
    for (path, code) in files {
        seen += 1;
        assert!(!locks.iter().any(|lock| code.contains(lock)), "{}", path.display());
    }
    assert!(seen >= 4, "the limiter has moved: {seen} files");
}

#[test]
fn an_external_crate_has_one_owner() {
    let mut wrong = Vec::new();
    for (module, files) in modules() {
        for (path, code) in files {
            for (name, owners) in OWNERS {
                if code.contains(&format!("{name}::")) && !owners.contains(&module.as_str()) {
                    wrong.push(format!("{}: only {owners:?} may name {name}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
