//! What an operator reads.

use super::*;

/// Exit code, standard output and standard error of a command.
fn cofferdam(arguments: &[&str], environment: &[(&str, &str)]) -> (Exit, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let arguments = ["cofferdam"].iter().chain(arguments).map(OsString::from);
    let environment = Environment::from_iter(environment.iter().copied());
    let terminal = Terminal { input: &mut std::io::empty(), out: &mut out, err: &mut err };
    let exit = main(arguments, environment, terminal);
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn help_goes_to_standard_output() {
    let (exit, out, err) = cofferdam(&["--help"], &[]);
    assert_eq!((exit, err.as_str()), (Exit::Ok, ""));
    insta::assert_snapshot!("help", out);
    for command in ["run", "demo", "check", "scan", "audit", "rules", "explain", "keys"] {
        let (exit, out, _) = cofferdam(&[command, "-h"], &[]);
        assert_eq!(exit, Exit::Ok);
        insta::assert_snapshot!(format!("help_{command}"), out);
    }
}

#[test]
fn wrong_usage_is_exit_code_2_on_standard_error() {
    for arguments in [&[][..], &["rnu"], &["run", "--lisen", "x"], &["scan"], &["run", "--set", "x"]] {
        let (exit, out, err) = cofferdam(arguments, &[]);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{arguments:?}");
        assert!(!err.is_empty());
    }
}

#[test]
fn an_error_is_three_lines_what_where_and_hint() {
    let (exit, out, err) = cofferdam(&["check", "--set", "inspect.hodl=1KiB"], &[]);
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""));
    insta::assert_snapshot!(err, @r#"
    cofferdam: unknown key "hodl"
      at flag --set: inspect.hodl
      hint: did you mean "hold"?
    "#);
}

#[test]
fn run_needs_an_application() {
    let (exit, _, err) = cofferdam(&["run"], &[]);
    assert_eq!(exit, Exit::Usage);
    insta::assert_snapshot!(err, @"
    cofferdam: there is no application to put the proxy in front of
      at upstream.url
      hint: say where it is: --upstream http://127.0.0.1:5000; or see `cofferdam demo`
    ");
}

#[test]
fn check_shows_every_value_and_where_it_comes_from() {
    let (exit, out, err) =
        cofferdam(&["check", "--preset", "flask", "--observe"], &[("COFFERDAM_SERVER__WORKERS", "2")]);
    assert_eq!((exit, err.as_str()), (Exit::Ok, ""));
    insta::assert_snapshot!("check", out);
}

#[test]
fn check_shows_what_changed_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cofferdam.toml");
    std::fs::write(&file, "log.fingerprint_key = \"env:FINGERPRINT_KEY\"\n").unwrap();
    let key = "0123456789abcdef0123456789abcdef";
    let environment = [("COFFERDAM_CONFIG", file.to_str().unwrap()), ("FINGERPRINT_KEY", key)];
    let (exit, out, err) = cofferdam(&["check", "--changed"], &environment);
    assert_eq!(exit, Exit::Ok);
    assert!(out.starts_with("log.fingerprint_key = \"[secret from the environment]\""), "{out}");
    assert!(out.ends_with("cofferdam.toml:1\n") && !out.contains("0123") && !out.contains("FINGERPRINT_KEY"), "{out}");
    insta::assert_snapshot!(err, @"note: upstream.url is not set; `cofferdam run` needs it (--upstream URL)");

    let (exit, _, err) = cofferdam(&["check"], &[environment[0], ("FINGERPRINT_KEY", "short-secret")]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("the key has 12 bytes") && !err.contains("short-secret"), "{err}");
}

#[test]
fn check_compiles_what_it_shows() {
    let (exit, _, err) = cofferdam(&["check", "--set", "inspect.hold=65KiB"], &[]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("power of two") && err.contains("flag --set: inspect.hold"), "{err}");
}

#[test]
fn presets_come_from_the_environment_unless_a_flag_names_them() {
    let workers = |arguments: &[&str]| {
        let (_, out, _) =
            cofferdam(&[&["check", "--changed"], arguments].concat(), &[("COFFERDAM_PRESET", "rails, observe")]);
        out
    };
    assert!(workers(&[]).contains("profile = \"observe\"") && workers(&[]).contains("# preset rails"));
    assert!(!workers(&["--preset", "flask"]).contains("rails"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut err = Vec::new();
    let terminal = Terminal { input: &mut std::io::empty(), out: &mut Closed, err: &mut err };
    let exit = main(["cofferdam", "check"].map(OsString::from), Environment::default(), terminal);
    assert_eq!((exit, err), (Exit::Ok, Vec::new()));
}

#[test]
fn the_version_is_the_packages() {
    assert_eq!(cofferdam(&["version"], &[]).1, format!("cofferdam {}\n", env!("CARGO_PKG_VERSION")));
}

/// Runs a command in a directory with these files; their paths follow the arguments.
fn on_files(arguments: &[&str], files: &[(&str, &str)]) -> (Exit, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let paths = files.iter().map(|(name, text)| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let paths: Vec<String> = paths.collect();
    let (exit, out, err) = cofferdam(&[arguments, &paths.iter().map(String::as_str).collect::<Vec<_>>()].concat(), &[]);
    (exit, out.replace(directory.path().to_str().unwrap(), ""), err)
}

const LEAK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nkey: -----BEGIN RSA PRIVATE KEY-----\n\
MIIEpAIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9Oi8yrwF4sdfkJhsdf87sdfHJsdf\n\
-----END RSA PRIVATE KEY-----\n";
const HEALTHY: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>hello</p>";

#[test]
fn scan_finds_what_the_proxy_would_keep_back() {
    let (exit, out, err) = on_files(&["scan"], &[("a.http", HEALTHY), ("b.http", LEAK)]);
    assert_eq!((exit, err.as_str()), (Exit::Findings, ""), "{out}");
    assert!(out.starts_with("/b.http: "), "{out}");
    assert!(out.ends_with("2 responses, 1 with findings\n"), "{out}");
    assert!(!out.contains("MIIEpAIB"), "{out}");
    assert_eq!(on_files(&["scan"], &[("a.http", HEALTHY)]).0, Exit::Ok);
}

#[test]
fn an_exempt_type_is_not_read_and_the_report_says_so() {
    let (exit, out, _) = on_files(&["scan", "--set", "inspect.exempt_types=Text/*"], &[("b.http", LEAK)]);
    assert_eq!((exit, out.as_str()), (Exit::Ok, "/b.http: exempt (exempt-type)\n1 responses, 0 with findings\n"));
}

#[test]
fn scan_reads_standard_input() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let terminal = Terminal { input: &mut LEAK.as_bytes(), out: &mut out, err: &mut err };
    let exit =
        main(["cofferdam", "scan", "-", "--format", "sarif"].map(OsString::from), Environment::default(), terminal);
    assert_eq!(exit, Exit::Findings);
    assert!(String::from_utf8(out).unwrap().contains("\"uri\": \"-\""));
}

#[test]
fn explain_tells_the_rule_and_the_advice() {
    let (exit, out, _) = on_files(&["explain"], &[("b.http", LEAK)]);
    assert_eq!(exit, Exit::Findings);
    assert!(out.contains("route default, mode enforce") && out.contains("(critical, secret, count 1): "), "{out}");
    assert!(out.contains("  found ") && out.contains(": anchor \""), "{out}");
    let quoted =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nA problem in /srv/shop/cart.js:12 of ours. It is known.\n";
    let (exit, out, _) = on_files(&["explain"], &[("c.http", quoted)]);
    assert_eq!(exit, Exit::Ok);
    assert!(out.contains("    +2  source path with line") && out.contains("in all"), "{out}");
    let (exit, out, _) = on_files(&["explain"], &[("a.http", HEALTHY)]);
    assert_eq!((exit, out.as_str()), (Exit::Ok, "/a.http: inspected-clean\n"));
    assert_eq!(cofferdam(&["explain", "/nowhere"], &[]).0, Exit::Usage);
}

const COOKIES: &str = "HTTP/1.1 200 OK\r\nSet-Cookie: sid=s3cret; Path=/; Path=/app\r\nSet-Cookie: csrftoken=t0ken; \
                       SameSite=Strict\r\nSet-Cookie: trace=n0ise\r\nSet-Cookie: fine=g00d; HttpOnly; SameSite=Lax\r\n\
                       Set-Cookie: =\r\n\r\n";

#[test]
fn check_shows_what_becomes_of_cookies_and_which_setting_does_it() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("cofferdam.toml");
    let rules = "cookies.rule = [{ name = \"trace\", remove = true }, { name = \"sid\", prefix = \"host\" }]\n";
    std::fs::write(&config, format!("{rules}[server]\nbehind_tls = true\n")).unwrap();
    let check = ["check", "--config", config.to_str().unwrap(), "--set", "cookies.same_site=strict", "--cookies"];
    let (exit, out, err) = on_files(&check, &[("a.http", COOKIES)]);
    assert_eq!((exit, err.as_str()), (Exit::Findings, ""), "{out}");
    insta::assert_snapshot!("check_cookies", out.replace(config.to_str().unwrap(), "cofferdam.toml"));
    for value in ["s3cret", "t0ken", "n0ise", "g00d"] {
        assert!(!out.contains(value), "{value}");
    }
}

#[test]
fn check_says_as_json_what_is_only_observed() {
    let (exit, out, _) = on_files(&["check", "--observe", "--format=json", "--cookies"], &[("a.http", COOKIES)]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let sid = &report["responses"][0]["cookies"][0];
    assert_eq!((exit, &sid["after"]), (Exit::Findings, &"sid=…(6); Path=/app; SameSite=Lax; HttpOnly".into()));
    assert!(sid["changes"].as_array().unwrap().iter().all(|change| change["observed"] == true), "{out}");
    assert_eq!(sid["changes"][0]["key"], "cookies.http_only");
}

#[test]
fn cookies_that_are_as_they_should_be_are_no_finding() {
    let fine = "HTTP/1.1 200 OK\r\nSet-Cookie: csrftoken=1; SameSite=Lax\r\n\r\n";
    let (exit, out, _) = on_files(&["check", "--cookies"], &[("a.http", fine)]);
    assert_eq!(exit, Exit::Ok);
    assert!(
        out.contains("  = csrftoken=…(1); SameSite=Lax\n      stays readable     cookies.script_readable"),
        "{out}"
    );
    let (exit, out, _) = on_files(&["check", "--cookies"], &[("a.http", HEALTHY)]);
    assert_eq!((exit, out.as_str()), (Exit::Ok, "1 responses, 0 cookies, 0 changed\n"));
    assert_eq!(cofferdam(&["check", "--cookies", "/nowhere"], &[]).0, Exit::Usage);
    assert_eq!(cofferdam(&["check", "--format", "json"], &[]).0, Exit::Usage);
}

#[test]
fn a_sealed_cookie_is_shown_by_what_seals_it() {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    cofferdam(&["keys", "generate", keys.to_str().unwrap()], &[]);
    let sealed = format!("cookies.seal.keys=file:{}", keys.display());
    let check = ["check", "--set", &sealed, "--set", "cookies.seal.names=sid", "--cookies"];
    let (_, out, err) = on_files(&check, &[("a.http", COOKIES)]);
    assert!(out.contains("value              cookies.seal.names = [\"sid\"] (flag --set)"), "{out}{err}");
    assert!(!out.contains("s3cret"), "{out}");
}

#[test]
fn rules_are_listed_shown_and_tested() {
    let (exit, list, _) = cofferdam(&["rules", "list"], &[]);
    assert_eq!(exit, Exit::Ok);
    let id = list.split(' ').next().unwrap();
    let (exit, shown, _) = cofferdam(&["rules", "show", id], &[]);
    assert!(exit == Exit::Ok && shown.contains("advice     "), "{shown}");
    assert_eq!(cofferdam(&["rules", "show", "nothing"], &[]).0, Exit::Usage);
    let (exit, tested, _) = cofferdam(&["rules", "test"], &[]);
    assert!(exit == Exit::Ok && tested.ends_with(" rows, 0 failed\n"), "{tested}");
    let off = format!("rules.disabled={id}");
    let (_, list, _) = cofferdam(&["rules", "list", "--set", &off], &[]);
    assert!(list.lines().next().unwrap().contains("  off  "), "{list}");
}

#[test]
fn a_generated_key_is_read_by_the_configuration_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys");
    let path = file.to_str().unwrap();
    let (exit, out, _) = cofferdam(&["keys", "generate", path], &[]);
    let text = std::fs::read_to_string(&file).unwrap();
    let (id, key) = text.lines().last().unwrap().split_once(' ').unwrap();
    assert_eq!((exit, out), (Exit::Ok, format!("{path}: key {id}\n")));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let sealed = [&format!("cookies.seal.keys=file:{path}"), "cookies.seal.names=session"];
    let check = ["check", "--changed", "--set", sealed[0], "--set", sealed[1]];
    let (exit, shown, err) = cofferdam(&check, &[]);
    assert_eq!(exit, Exit::Ok, "{err}");
    assert!(!shown.contains(key), "{shown}");

    let (exit, _, err) = cofferdam(&["keys", "generate", path], &[]);
    assert!(exit == Exit::Usage && err.contains("never overwritten"), "{err}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);

    std::fs::write(&file, format!("{id} {key}=\n")).unwrap();
    let run = ["run", "--upstream", "http://127.0.0.1:9", "--set", sealed[0], "--set", sealed[1]];
    let (exit, out, err) = cofferdam(&run, &[]);
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "a wrong key file stops the start");
    assert!(err.contains("key file:1: ") && !err.contains(key), "{err}");
}

#[test]
fn two_generated_keys_differ() {
    let key = || cofferdam(&["keys", "generate"], &[]).1;
    assert_ne!(key(), key());
}
