//! What comes out of the configuration, and which key is named where nothing can.

use super::*;
use crate::{
    config::{Environment, Flag, Sources, load},
    cookies::{Domain, Prefix, SameSite, SameSiteRule},
    policy::UpgradePolicy,
    response::{SecureRule, When},
};

fn loaded(text: &str) -> Loaded {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cofferdam.toml");
    std::fs::write(&file, text).unwrap();
    load(&Sources { file: Some(file), ..Sources::default() }).unwrap()
}

/// The policy of `GET path` on `example.org`.
fn policy_for(text: &str, path: &str) -> Arc<RoutePolicy> {
    Arc::clone(engine(&loaded(text)).unwrap().routes.find("example.org", path, &http::Method::GET))
}

/// The key, without file and line.
fn bad_key(text: &str) -> String {
    let error = engine(&loaded(text)).unwrap_err();
    error.place.rsplit(": ").next().unwrap().to_owned()
}

#[test]
fn the_defaults_and_every_preset_compile() {
    assert_eq!(policy_for("", "/").name.as_ref(), DEFAULT_ROUTE);
    for (name, _) in crate::config::PRESETS {
        let loaded = load(&Sources { presets: vec![name.to_owned()], ..Sources::default() }).unwrap();
        engine(&loaded).unwrap();
    }
}

#[test]
fn in_profile_observe_nothing_acts_and_off_stays_off() {
    let policy = policy_for("profile = \"observe\"\ncookies.mode = \"off\"", "/");
    assert_eq!(policy.inspect, Mode::Observe);
    assert_eq!(policy.headers.mode, Mode::Observe);
    assert_eq!(policy.cookies.mode, Mode::Off);
    assert_eq!(policy.guard.methods.mode, Mode::Observe);
    assert_eq!(policy.guard.limits.mode, Mode::Observe);
    assert_eq!(policy.guard.endpoints.mode, Mode::Observe);
    assert!(!policy.forward.whole_bodies && !policy.forward.identity, "requests are as they were");
}

#[test]
fn in_profile_lockdown_server_errors_are_replaced() {
    assert!(policy_for("profile = \"lockdown\"", "/").replace_server_errors);
    assert!(!policy_for("", "/").replace_server_errors);
}

#[test]
fn a_route_has_its_own_policy_and_the_rest_of_the_general_one() {
    let text = "server.trusted_proxies = [\"10.0.0.0/8\"]\n[[route]]\nname = \"files\"\npaths = [\"/files\"]\nhosts = [\"*.Org\"]\n\
                methods = [\"GET\"]\ninspect = { mode = \"off\", hold = \"4KiB\", upgrades = \"tunnel\", exempt_types = [\"Video/*\"] }\n";
    let files = policy_for(text, "/files/a");
    assert_eq!(files.name.as_ref(), "files");
    assert_eq!((files.inspect, files.hold, files.upgrades), (Mode::Off, 4096, UpgradePolicy::Tunnel));
    assert_eq!(files.exempt_types, [Box::from("video/*")]);
    assert_eq!(files.forward.trusted.len(), 1);
    assert!(!files.forward.whole_bodies, "nothing has to be seen whole where nothing is inspected");
    assert_eq!(policy_for(text, "/filesystem").name.as_ref(), DEFAULT_ROUTE);
}

#[test]
fn security_headers_are_set_where_absent_and_forced_where_asked() {
    let policy = policy_for(
        "[headers]\nx_frame_options = \"DENY\"\nreferrer_policy = \"\"\nforce = [\"X-Frame-Options\"]\nset = { x-a = \"b\", x-b = \"\" }",
        "/",
    );
    let setting = |name: &str| policy.headers.set.iter().find(|setting| setting.name == name);
    let frame = setting("x-frame-options").unwrap();
    assert_eq!((frame.value.to_str().unwrap(), frame.when, frame.tls_only), ("DENY", When::Forced, false));
    assert!(setting("strict-transport-security").unwrap().tls_only);
    assert_eq!(setting("x-a").unwrap().when, When::Absent);
    assert!(setting("referrer-policy").is_none() && setting("x-b").is_none());
    assert!(policy.headers.remove.prefixes.iter().any(|prefix| prefix.as_ref() == "x-debug-"));
    assert!(policy.headers.remove.names.contains(&http::header::SERVER));
}

#[test]
fn a_cookie_rule_has_the_general_rules_where_it_says_nothing() {
    let policy = policy_for(
        "[cookies]\nsecure = \"always\"\nmax_lifetime = \"1d\"\n[[cookies.rule]]\nname = \"app_*\"\nsame_site = \"force-strict\"\n\
         prefix = \"host\"\ndomain = \".App.Example.org\"\npath = \"/\"\nmax_lifetime = \"1ms\"",
        "/",
    );
    let (pattern, rules) = &policy.cookies.overrides[0];
    assert_eq!(pattern.as_str(), "app_*");
    assert_eq!(rules.secure, SecureRule::Always);
    assert_eq!(rules.same_site, SameSiteRule::Force(SameSite::Strict));
    assert_eq!(rules.prefix, Some(Prefix::Host));
    assert_eq!(rules.domain, Domain::Narrow("app.example.org".into()));
    assert_eq!(rules.path.as_deref(), Some("/"));
    assert_eq!(rules.lifetime_cap, Some(1));
    assert_eq!(policy.cookies.rules.lifetime_cap, Some(86_400));
}

#[test]
fn the_upstreams_own_name_can_be_its_host() {
    let host = |url: &str| {
        let text = format!("upstream.host = \"upstream\"\nupstream.url = \"{url}\"");
        policy_for(&text, "/").forward.host.clone()
    };
    assert_eq!(host("http://app:8000"), HostRule::Set(HeaderValue::from_static("app:8000")));
    assert_eq!(host("http://app"), HostRule::Set(HeaderValue::from_static("app")));
    assert_eq!(bad_key("upstream.host = \"upstream\"\nupstream.url = \"unix:/run/app.sock\""), "upstream.host");
}

#[test]
fn what_makes_no_sense_is_an_error_that_names_its_key() {
    for (text, key) in [
        ("inspect.hold = \"65KiB\"", "inspect.hold"),
        ("inspect.hold = \"2KiB\"", "inspect.hold"),
        ("inspect.hold = \"2MiB\"", "inspect.hold"),
        ("inspect.exempt_types = [\"image/*\", \"*/*\"]", "inspect.exempt_types.1"),
        ("inspect.exempt_types = [\"png\"]", "inspect.exempt_types.0"),
        ("upstream.via = \"two words\"", "upstream.via"),
        ("headers.x_frame_options = \"a\\r\\nb: c\"", "headers.x_frame_options"),
        ("headers.permissions_policy = \" \"", "headers.permissions_policy"),
        ("headers.set.\"x y\" = \"a\"", "headers.set.x y"),
        ("headers.set.content-length = \"1\"", "headers.set.content-length"),
        ("headers.set.x-frame-options = \"DENY\"", "headers.set.x-frame-options"),
        ("headers.force = [\"x-a\"]", "headers.force.0"),
        ("headers.remove = [\"x-*-y\"]", "headers.remove.0"),
        ("headers.remove = [\"*\"]", "headers.remove.0"),
        ("headers.remove = [\"Transfer-Encoding\"]", "headers.remove.0"),
        ("headers.keep = [\"\"]", "headers.keep.0"),
        ("guard.methods.allowed = [\"GET\", \"post\"]", "guard.methods.allowed.1"),
        ("cookies.script_readable = [\"a b\"]", "cookies.script_readable.0"),
        ("[[cookies.rule]]\nname = \"\"", "cookies.rule.0.name"),
        ("[[cookies.rule]]\nname = \"a\"\ndomain = \"localhost\"", "cookies.rule.0.domain"),
        ("[[cookies.rule]]\nname = \"a\"\npath = \"x\"", "cookies.rule.0.path"),
        ("[[route]]\nname = \"\"", "route.0.name"),
        ("[[route]]\nname = \"default\"", "route.0.name"),
        ("[[route]]\nname = \"a\"\n[[route]]\nname = \"a\"", "route.1.name"),
        ("[[route]]\nname = \"a\"\nhosts = [\"example.org:80\"]", "route.0.hosts.0"),
        ("[[route]]\nname = \"a\"\npaths = [\"files\"]", "route.0.paths.0"),
        ("[[route]]\nname = \"a\"\npaths = [\"/files/*\"]", "route.0.paths.0"),
        ("[[route]]\nname = \"a\"\nmethods = [\"get\"]", "route.0.methods.0"),
        ("[[route]]\nname = \"a\"\ninspect.hold = \"1B\"", "route.0.inspect.hold"),
    ] {
        assert_eq!(bad_key(text), key, "{text}");
    }
}

#[test]
fn an_error_of_a_route_names_its_line() {
    let error = engine(&loaded("[[route]]\nname = \"a\"\n\ninspect.hold = \"1B\"")).unwrap_err();
    assert!(error.place.ends_with("cofferdam.toml:4: route.0.inspect.hold"), "{error}");
}

#[test]
fn files_are_read_from_where_the_configuration_is() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    std::fs::create_dir(directory.path().join("rules")).unwrap();
    for (name, text) in [("error.html", "<p>"), ("rules/b.toml", "b"), ("rules/a.toml", "a"), ("rules/README", "")] {
        write(name, text);
    }
    write("cofferdam.toml", "replies.html = \"error.html\"\nrules.dir = \"rules\"");
    let loaded = load(&Sources { file: Some(directory.path().join("cofferdam.toml")), ..Sources::default() }).unwrap();
    assert_eq!(templates(&loaded).unwrap(), Templates { html: Some("<p>".into()), ..Templates::default() });
    let packs = rule_packs(&loaded).unwrap();
    assert_eq!(packs.iter().map(|pack| pack.text.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_missing_file_names_the_key_that_wants_it() {
    let flags =
        [("replies.json", "/nowhere/x.json"), ("rules.dir", "/nowhere"), ("log.fingerprint_key", "env:NOWHERE")];
    let flags = flags.map(|(key, value)| Flag { name: "--set".into(), key: key.into(), value: value.into() }).to_vec();
    let loaded = load(&Sources { flags, environment: Environment::default(), ..Sources::default() }).unwrap();
    assert_eq!(templates(&loaded).unwrap_err().place, "flag --set: replies.json");
    assert_eq!(rule_packs(&loaded).unwrap_err().place, "flag --set: rules.dir");
    assert_eq!(fingerprint_key(&loaded).unwrap_err().place, "flag --set: log.fingerprint_key");
}
