//! What the operator is promised about configuration.

use std::path::Path;

use super::*;
use crate::incident::Mode;

const ANNOTATED: &str = include_str!("../../config/cofferdam.toml");

/// Loads `text` as the file `cofferdam.toml` of a fresh directory.
fn load_file(text: &str) -> Result<Loaded, ConfigError> {
    with_file(text, |sources| load(&sources))
}

fn with_file<T>(text: &str, then: impl FnOnce(Sources) -> T) -> T {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cofferdam.toml");
    std::fs::write(&file, text).unwrap();
    then(Sources { file: Some(file), ..Sources::default() })
}

fn load_environment(variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    load(&Sources { environment: Environment::from_iter(variables.iter().copied()), ..Sources::default() })
}

fn load_flag(key: &str, value: &str) -> Result<Loaded, ConfigError> {
    let flag = Flag { name: "--set".to_owned(), key: key.to_owned(), value: value.to_owned() };
    load(&Sources { flags: vec![flag], ..Sources::default() })
}

/// What, where and hint, without the directory.
fn printed(error: &ConfigError) -> String {
    let place = match error.place.rsplit_once('/') {
        Some((_, place)) => place,
        None => &error.place,
    };
    format!("{}\n{place}\n{}", error.what, error.hint)
}

fn complaint(text: &str) -> String {
    printed(&load_file(text).unwrap_err())
}

fn origin_of(loaded: &Loaded, key: &str) -> String {
    let path: Vec<String> = key.split('.').map(str::to_owned).collect();
    let origin = loaded.origin(&path).to_string();
    origin.rsplit('/').next().unwrap().to_owned()
}

/// The annotated file with its commented-out examples (lines with `#` and no blank) switched on.
fn with_examples() -> String {
    let lines = ANNOTATED.lines().map(|line| match line.strip_prefix('#') {
        Some(example) if !example.starts_with(' ') && !example.is_empty() => example,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_annotated_file_says_the_defaults() {
    assert_eq!(load_file(ANNOTATED).unwrap().config, Config::default());
}

#[test]
fn the_annotated_file_has_every_key() {
    let loaded = load_file(&with_examples()).unwrap();
    for key in schema::Schema::new().keys() {
        if key.starts_with("route.") && key.matches('.').count() > 1 || key == "headers.set" {
            continue;
        }
        let first_entry = key.replace("cookies.rule.", "cookies.rule.0.").replace("route.", "route.0.");
        let first_entry = first_entry.replace("guard.patch.", "guard.patch.0.");
        let first_entry = first_entry.replace("tls.certificates.", "tls.certificates.0.");
        assert!(origin_of(&loaded, &first_entry).starts_with("cofferdam.toml:"), "{key} is missing");
    }
}

#[test]
fn the_annotated_file_comments_every_key() {
    let lines: Vec<&str> = ANNOTATED.lines().collect();
    for (above, line) in lines.iter().zip(&lines[1..]) {
        let is_key = line
            .split_once(" = ")
            .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || "_-".contains(c)));
        assert!(!is_key || above.starts_with("# "), "{line}");
    }
}

#[test]
fn without_any_source_there_are_the_defaults() {
    let loaded = load(&Sources::default()).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.effective().iter().all(|setting| setting.origin == Origin::Default));
}

#[test]
fn later_sources_win() {
    let flag = Flag { name: "--listen".into(), key: "server.listen".into(), value: "127.0.0.1:4".into() };
    let loaded =
        with_file("server.listen = \"127.0.0.1:2\"\nserver.workers = 2\nupstream.idle_timeout = \"2s\"", |sources| {
            load(&Sources {
                presets: vec!["flask".into(), "rails".into()],
                environment: Environment::from_iter([
                    ("COFFERDAM_SERVER__LISTEN", "127.0.0.1:3"),
                    ("COFFERDAM_SERVER__WORKERS", "3"),
                ]),
                flags: vec![flag],
                ..sources
            })
        })
        .unwrap();
    assert_eq!(loaded.config.server.listen.to_string(), "127.0.0.1:4");
    assert_eq!(loaded.config.server.workers, 3);
    assert_eq!(loaded.config.upstream.idle_timeout, Duration::seconds(2));
    assert_eq!(loaded.config.upstream.url.as_ref().unwrap().to_string(), "http://127.0.0.1:3000");
    assert_eq!(origin_of(&loaded, "server.listen"), "flag --listen");
    assert_eq!(origin_of(&loaded, "server.workers"), "env COFFERDAM_SERVER__WORKERS");
    assert_eq!(origin_of(&loaded, "upstream.idle_timeout"), "cofferdam.toml:3");
    assert_eq!(origin_of(&loaded, "upstream.url"), "preset rails");
    assert_eq!(origin_of(&loaded, "server.idle_timeout"), "default");
}

#[test]
fn every_preset_loads_and_changes_something() {
    for (name, text) in PRESETS {
        let loaded = load(&Sources { presets: vec![name.to_owned()], ..Sources::default() }).unwrap();
        assert_ne!(loaded.config, Config::default(), "{name}");
        assert!(text.starts_with("# "), "{name} says what it is for");
    }
    assert!(PRESETS.is_sorted_by_key(|(name, _)| name));
}

#[test]
fn an_unknown_preset_is_an_error() {
    let error = load(&Sources { presets: vec!["flsk".into()], ..Sources::default() }).unwrap_err();
    insta::assert_snapshot!(printed(&error), @r#"
    unknown preset
    preset flsk
    did you mean "flask"?
    "#);
}

#[test]
fn a_missing_file_is_an_error_and_no_other_directory_is_searched() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("cofferdam.toml"), "profile = \"observe\"").unwrap();
    let below = directory.path().join("below");
    std::fs::create_dir(&below).unwrap();
    let error = load(&Sources { file: Some(below.join("cofferdam.toml")), ..Sources::default() }).unwrap_err();
    insta::assert_snapshot!(printed(&error), @"
    cannot read the configuration file: No such file or directory (os error 2)
    cofferdam.toml
    name an existing file in UTF-8, or leave --config and COFFERDAM_CONFIG out
    ");
    assert!(load(&Sources { file: Some(below), ..Sources::default() }).is_err(), "a directory is no file");
}

#[test]
fn a_typo_names_key_line_and_the_nearest_key() {
    insta::assert_snapshot!(complaint("profile = \"observe\"\n\n[inspect]\nholdd = \"64KiB\"\n"), @r#"
    unknown key "holdd"
    cofferdam.toml:4: inspect.holdd
    did you mean "hold"?
    "#);
    insta::assert_snapshot!(complaint("[serve]\nlisten = \"127.0.0.1:1\"\n"), @r#"
    unknown key "serve"
    cofferdam.toml:1: serve
    did you mean "server"?
    "#);
    insta::assert_snapshot!(complaint("[rules.categories]\npersonal_data = \"off\"\n"), @r#"
    unknown key "personal_data"
    cofferdam.toml:2: rules.categories.personal_data
    did you mean "personal-data"?
    "#);
    insta::assert_snapshot!(complaint("[[route]]\nname = \"a\"\n[[route]]\nname = \"b\"\nguard.limits.body = \"1KiB\"\n"), @r#"
    unknown key "body"
    cofferdam.toml:5: route.1.guard.limits.body
    in route.1.guard.limits there are: body_size, header_count, header_size, mode, target_size
    "#);
}

#[test]
fn a_key_in_the_wrong_section_is_told_the_right_one() {
    insta::assert_snapshot!(complaint("hold = \"64KiB\"\n"), @r#"
    unknown key "hold"
    cofferdam.toml:1: hold
    there is a key inspect.hold
    "#);
    insta::assert_snapshot!(complaint("[server]\nurl = \"http://127.0.0.1:5000\"\n"), @r#"
    unknown key "url"
    cofferdam.toml:2: server.url
    there is a key upstream.url
    "#);
}

#[test]
fn the_first_of_several_typos_is_reported() {
    assert!(complaint("zebra = 1\n[admin]\nlissten = \"\"\n").contains("cofferdam.toml:1: zebra"));
}

#[test]
fn a_value_of_the_wrong_type_names_key_and_line() {
    insta::assert_snapshot!(complaint("[server]\nworkers = \"4\"\n"), @"
    expected a whole number, 0 or more
    cofferdam.toml:2: server.workers
    config/cofferdam.toml shows every key with its default
    ");
    insta::assert_snapshot!(complaint("[server]\nworkers = -4\n"), @"
    expected a whole number, 0 or more
    cofferdam.toml:2: server.workers
    config/cofferdam.toml shows every key with its default
    ");
    for (text, expected) in [
        ("profile = 0", "text in quotes"),
        ("inspect.hold = 65536", "text in quotes"),
        ("inspect = true", "a section of keys"),
        ("server.trusted_proxies = \"10.0.0.0/8\"", "a list of texts"),
        ("server.behind_tls = \"yes\"", "true or false"),
        ("server.workers = 1.5", "a whole number, 0 or more"),
        ("server.workers = 99999999999999999999", "a whole number, 0 or more"),
        ("server.listen = 1979-05-27", "text in quotes"),
        ("headers.keep = [\"server\", 1]", "text in quotes"),
        ("[route]\nname = \"x\"", "a list of sections"),
    ] {
        let complaint = complaint(text);
        assert!(complaint.starts_with(&format!("expected {expected}\n")), "{text}: {complaint}");
    }
}

#[test]
fn a_bad_value_names_what_was_expected() {
    insta::assert_snapshot!(complaint("\n[inspect]\nmode = \"enforced\"\n"), @r#"
    expected one of off, observe, enforce
    cofferdam.toml:3: inspect.mode
    did you mean "enforce"?
    "#);
    insta::assert_snapshot!(complaint("[inspect]\nhold = \"64KB\"\n"), @r#"
    expected a size such as "64KiB": a whole number and B, KiB, MiB or GiB
    cofferdam.toml:2: inspect.hold
    config/cofferdam.toml shows every key with its default
    "#);
    insta::assert_snapshot!(complaint("[[route]]\nname = \"x\"\n\ninspect.hold = \"lots\"\n"), @r#"
    expected a size such as "64KiB": a whole number and B, KiB, MiB or GiB
    cofferdam.toml:4: route.0.inspect.hold
    config/cofferdam.toml shows every key with its default
    "#);
    insta::assert_snapshot!(complaint("[server]\ntrusted_proxies = [\n  \"10.0.0.0/8\",\n  \"10.0.0.0/99\",\n]\n"), @r#"
    not an address or a range such as 10.0.0.0/8 or fd00::/8
    cofferdam.toml:4: server.trusted_proxies.1
    config/cofferdam.toml shows every key with its default
    "#);
    insta::assert_snapshot!(complaint("[[route]]\npaths = [\"/x\"]\n"), @r#"
    "name" is missing
    cofferdam.toml:1: route.0
    config/cofferdam.toml shows every key with its default
    "#);
}

#[test]
fn what_is_not_toml_names_line_and_column() {
    insta::assert_snapshot!(complaint("[server]\nlisten = 127.0.0.1:8080\n"), @"
    not TOML: invalid float, expected nothing
    cofferdam.toml:2, column 15
    text stands in double quotes, sections in [brackets], one key to a line
    ");
    insta::assert_snapshot!(complaint("[server]\nworkers = 1\nworkers = 2\n"), @"
    not TOML: duplicate key
    cofferdam.toml:3, column 1
    text stands in double quotes, sections in [brackets], one key to a line
    ");
}

#[test]
fn no_error_repeats_a_value() {
    const SECRET: &str = "hunter2-very-secret";
    for text in [
        format!("log.fingerprint_key = \"{SECRET}\""),
        format!("log.fingerprint_key = [\"{SECRET}\"]"),
        format!("log.fingerprint_key = \"{SECRET}"),
        format!("log.fingerprint_key = {SECRET}"),
        format!("log.fingerprint_key = \"\\x{SECRET}\""),
        format!("upstream.url = \"http://user:{SECRET}@app\""),
        format!("inspect.mode = \"{SECRET}\""),
        format!("inspect.hold = \"{SECRET}\""),
        format!("server.workers = \"{SECRET}\""),
    ] {
        let error = load_file(&text).unwrap_err();
        assert!(!format!("{error:?}{error}").contains(SECRET), "{text}: {error:?}");
    }
    let error = load_environment(&[("COFFERDAM_LOG__FINGERPRINT_KEY", SECRET)]).unwrap_err();
    assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
}

#[test]
fn a_secret_is_shown_neither_as_value_nor_as_place() {
    let loaded = load_file("log.fingerprint_key = \"env:FINGERPRINT_KEY\"").unwrap();
    let shown = loaded.effective().into_iter().find(|setting| setting.key[1] == "fingerprint_key").unwrap();
    assert_eq!(shown.value, "\"[secret from the environment]\"");
    let environment = Environment::from_iter([("FINGERPRINT_KEY", "hunter2")]);
    assert!(!format!("{environment:?}").contains("hunter2"));
}

#[test]
fn a_variable_is_read_by_the_type_of_its_key_and_never_guessed() {
    let loaded = load_environment(&[
        ("COFFERDAM_PROFILE", "lockdown"),
        ("COFFERDAM_UPSTREAM__VIA", "0123456789"),
        ("COFFERDAM_HEADERS__X_FRAME_OPTIONS", "true"),
        ("COFFERDAM_HEADERS__CONTENT_SECURITY_POLICY", "\"quoted\""),
        ("COFFERDAM_HEADERS__SET__X_ROBOTS_TAG", "{noindex}"),
        ("COFFERDAM_SERVER__BEHIND_TLS", "true"),
        ("COFFERDAM_SERVER__WORKERS", "4"),
        ("COFFERDAM_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("COFFERDAM_HEADERS__KEEP", "[\"server\", \"x-a,b\"]"),
        ("COFFERDAM_COOKIES__SCRIPT_READABLE", ""),
        ("COFFERDAM_RULES__CATEGORIES__PERSONAL_DATA", "observe"),
        ("COFFERDAM_ADMIN__LISTEN", ""),
        ("UNRELATED", "x"),
    ])
    .unwrap();
    let config = loaded.config;
    assert_eq!(config.profile, Profile::Lockdown);
    assert_eq!(config.upstream.via, "0123456789");
    assert_eq!(config.headers.x_frame_options, "true");
    assert_eq!(config.headers.content_security_policy, "\"quoted\"");
    assert_eq!(config.headers.set["x-robots-tag"], "{noindex}");
    assert!(config.server.behind_tls);
    assert_eq!(config.server.workers, 4);
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.headers.keep, ["server", "x-a,b"]);
    assert!(config.cookies.script_readable.is_empty());
    assert_eq!(config.rules.categories.personal_data, Mode::Observe);
    assert_eq!(config.admin.listen, None);
}

proptest::proptest! {
    #[test]
    fn any_text_of_a_variable_arrives_as_it_is(text in "\\PC{0,40}") {
        let loaded = load_environment(&[("COFFERDAM_HEADERS__CONTENT_SECURITY_POLICY", &text)]).unwrap();
        proptest::prop_assert_eq!(&loaded.config.headers.content_security_policy, &text);
        let in_a_list = load_environment(&[("COFFERDAM_HEADERS__KEEP", &format!("[{}]", toml::Value::from(text.clone())))]);
        proptest::prop_assert_eq!(&in_a_list.unwrap().config.headers.keep, &[text]);
    }

    #[test]
    fn any_file_loads_or_is_an_error_that_repeats_no_value(value in "[\\[{\"']?zqzqzq[a-z0-9 ,=\"'\\\\]{0,12}qz[\\]}\"']?") {
        if let Err(error) = load_file(&format!("log.fingerprint_key = {value}\n")) {
            proptest::prop_assert!(!format!("{error:?}").contains("zqzqzq"), "{error:?}");
        }
    }
}

#[test]
fn a_variable_with_a_typo_is_an_error() {
    let complaint = |name| printed(&load_environment(&[(name, "1")]).unwrap_err());
    insta::assert_snapshot!(complaint("COFFERDAM_UPSTREAM_URL"), @"
    the variable names no key of the configuration
    env COFFERDAM_UPSTREAM_URL
    did you mean COFFERDAM_UPSTREAM__URL?
    ");
    insta::assert_snapshot!(complaint("COFFERDAM_X"), @"
    the variable names no key of the configuration
    env COFFERDAM_X
    sections and keys are joined by two underscores, as in COFFERDAM_SERVER__LISTEN
    ");
    insta::assert_snapshot!(complaint("COFFERDAM_INSPECT"), @"
    a section of keys cannot be set by one value
    env COFFERDAM_INSPECT: inspect
    set one of its keys: breaker, exempt_types, hold, mode, on_head, on_range, on_undecodable, pause, personal_data, quiet, replace_server_errors, upgrades
    ");
    insta::assert_snapshot!(complaint("COFFERDAM_ROUTE"), @"
    a list of sections cannot be set by one value
    env COFFERDAM_ROUTE: route
    write it into the configuration file
    ");
    insta::assert_snapshot!(complaint("COFFERDAM_SERVER__BEHIND_TLS"), @"
    expected true or false
    env COFFERDAM_SERVER__BEHIND_TLS: server.behind_tls
    config/cofferdam.toml shows every key with its default
    ");
}

#[test]
fn variables_that_kubernetes_and_the_command_line_use_are_no_keys() {
    load_environment(&[
        ("COFFERDAM_CONFIG", "/etc/cofferdam.toml"),
        ("COFFERDAM_PRESET", "flask"),
        ("COFFERDAM_PORT", "tcp://10.0.0.1:80"),
        ("COFFERDAM_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("COFFERDAM_SERVICE_HOST", "10.0.0.1"),
        ("COFFERDAM_SERVICE_PORT_HTTP", "80"),
    ])
    .unwrap();
}

#[test]
fn a_flag_is_checked_like_a_file() {
    assert_eq!(load_flag("inspect.hold", "128KiB").unwrap().config.inspect.hold, ByteSize::kib(128));
    let complaint = |key, value| printed(&load_flag(key, value).unwrap_err());
    insta::assert_snapshot!(complaint("inspect.hodl", "128KiB"), @r#"
    unknown key "hodl"
    flag --set: inspect.hodl
    did you mean "hold"?
    "#);
    insta::assert_snapshot!(complaint("server.workers", "0x4"), @"
    expected a whole number, 0 or more
    flag --set: server.workers
    config/cofferdam.toml shows every key with its default
    ");
}

#[test]
fn a_route_takes_over_what_it_leaves_out() {
    let loaded = load_file(
        "[inspect]\nhold = \"128KiB\"\nmode = \"observe\"\n[cookies]\nsecure = \"always\"\n\
         [[route]]\nname = \"files\"\npaths = [\"/files\"]\ninspect.mode = \"off\"\n[route.headers.set]\nx-a = \"b\"\n",
    )
    .unwrap();
    let route = &loaded.config.route[0];
    assert_eq!((route.inspect.mode, route.inspect.hold), (Mode::Off, ByteSize::kib(128)));
    assert_eq!(route.cookies, loaded.config.cookies);
    assert_eq!(route.headers.x_content_type_options, "nosniff");
    assert_eq!(route.headers.set["x-a"], "b");
    assert!(loaded.config.headers.set.is_empty());
    let shown: Vec<_> = loaded.effective().into_iter().filter(|setting| setting.key[0] == "route").collect();
    assert_eq!(shown.len(), 4, "only what the route says itself: {shown:?}");
}

#[test]
fn a_relative_path_starts_at_its_file() {
    let loaded = load_file("rules.dir = \"rules\"").unwrap();
    assert!(loaded.base_directory("rules.dir").is_absolute());
    assert_eq!(loaded.base_directory("replies.html"), Path::new(""));
}
