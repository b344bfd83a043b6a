//! What comes out of the configuration, and which key is named where nothing can.

use super::*;
use crate::{
    config::{Flag, Sources, load},
    cookies::{Domain, Prefix, SameSite, SameSiteRule},
    incident::{Category, HashKey},
    policy::UpgradePolicy,
    response::{SecureRule, When},
};

pub(super) fn rates() -> RateTables {
    RateTables::new(1 << 14, HashKey::from_random([1; 16]))
}

pub(super) fn loaded(text: &str) -> Loaded {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cofferdam.toml");
    std::fs::write(&file, text).unwrap();
    load(&Sources { file: Some(file), ..Sources::default() }).unwrap()
}

/// The policy of `GET path` on `example.org`.
pub(super) fn policy_for(text: &str, path: &str) -> Arc<RoutePolicy> {
    Arc::clone(routes(&loaded(text), &rates()).unwrap().find("example.org", path, &http::Method::GET))
}

/// The key, without file and line.
pub(super) fn bad_key(text: &str) -> String {
    let error = routes(&loaded(text), &rates()).unwrap_err();
    error.place.rsplit(": ").next().unwrap().to_owned()
}

#[test]
fn the_defaults_and_every_preset_compile() {
    assert_eq!(policy_for("", "/").name.as_ref(), DEFAULT_ROUTE);
    for (name, _) in config::PRESETS {
        let loaded = load(&Sources { presets: vec![name.to_owned()], ..Sources::default() }).unwrap();
        engine(&loaded, FingerprintKey::new([0; 32]), &rates()).unwrap();
    }
}

#[test]
fn in_profile_observe_nothing_acts_and_off_stays_off() {
    let policy = policy_for("profile = \"observe\"\ncookies.mode = \"off\"", "/");
    assert_eq!(policy.inspect.mode, Mode::Observe);
    assert_eq!(policy.headers.mode, Mode::Observe);
    assert_eq!(policy.cookies.mode, Mode::Off);
    assert_eq!(policy.guard.methods.mode, Mode::Observe);
    assert_eq!(policy.guard.limits.mode, Mode::Observe);
    assert_eq!(policy.guard.endpoints.mode, Mode::Observe);
    assert!(!policy.forward.whole_bodies && !policy.forward.identity, "requests are as they were");
}

#[test]
fn in_profile_lockdown_server_errors_are_replaced() {
    assert!(policy_for("profile = \"lockdown\"", "/").inspect.replace_server_errors);
    assert!(!policy_for("", "/").inspect.replace_server_errors);
}

#[test]
fn a_route_has_its_own_policy_and_the_rest_of_the_general_one() {
    let text = "server.trusted_proxies = [\"10.0.0.0/8\"]\n[[route]]\nname = \"files\"\npaths = [\"/files\"]\nhosts = [\"*.Org\"]\n\
                methods = [\"GET\"]\ninspect = { mode = \"off\", hold = \"4KiB\", upgrades = \"tunnel\", exempt_types = [\"Video/*\"] }\n";
    let files = policy_for(text, "/files/a");
    assert_eq!(files.name.as_ref(), "files");
    assert_eq!((files.inspect.mode, files.inspect.hold, files.upgrades), (Mode::Off, 4096, UpgradePolicy::Tunnel));
    assert_eq!(files.inspect.exempt_types, [Box::from("video/*")]);
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
    assert!(policy.headers.remove.prefixes().iter().any(|prefix| prefix.as_ref() == "x-debug-"));
    assert!(policy.headers.remove.names().contains(&http::header::SERVER));
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
    let error = routes(&loaded("[[route]]\nname = \"a\"\n\ninspect.hold = \"1B\""), &rates()).err().unwrap();
    assert!(error.place.ends_with("cofferdam.toml:4: route.0.inspect.hold"), "{error}");
}

#[test]
fn the_defaults_of_the_configuration_are_those_of_the_policies() {
    let (compiled, policy) = (policy_for("", "/"), RoutePolicy::default());
    let mut removed: Vec<_> = policy.headers.remove.names().iter().map(http::HeaderName::as_str).collect();
    let mut compiled_removed: Vec<_> = compiled.headers.remove.names().iter().map(http::HeaderName::as_str).collect();
    removed.sort_unstable();
    compiled_removed.sort_unstable();
    assert_eq!(compiled_removed, removed);
    let sorted = |prefixes: &[Box<str>]| {
        let mut prefixes = prefixes.to_vec();
        prefixes.sort_unstable();
        prefixes
    };
    assert_eq!(sorted(compiled.headers.remove.prefixes()), sorted(policy.headers.remove.prefixes()));
    assert_eq!(format!("{:?}", compiled.headers.set), format!("{:?}", policy.headers.set));
    assert_eq!(format!("{:?}", compiled.cookies), format!("{:?}", policy.cookies));
    assert_eq!(format!("{:?}", compiled.forward), format!("{:?}", policy.forward));
    assert_eq!(format!("{:?}", compiled.guard.limits), format!("{:?}", policy.guard.limits));
    assert_eq!(format!("{:?}", compiled.guard.methods), format!("{:?}", policy.guard.methods));
    let inspect = InspectPolicy { categories: Vec::new(), ..compiled.inspect.clone() };
    assert_eq!(format!("{inspect:?}"), format!("{:?}", policy.inspect));
}

#[test]
fn a_category_has_its_own_position() {
    let policy = policy_for("rules.categories.sql-error = \"observe\"", "/");
    assert_eq!(policy.inspect.mode_of(Category::SqlError), Mode::Observe);
    assert_eq!(policy.inspect.mode_of(Category::PersonalData), Mode::Off);
    assert_eq!(policy.inspect.mode_of(Category::Secret), Mode::Enforce);
}

/// A directory with a configuration and files beside it, loaded.
fn with_files(config: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, Loaded) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("rules")).unwrap();
    for (name, text) in files.iter().chain([&("cofferdam.toml", config)]) {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let file = Some(directory.path().join("cofferdam.toml"));
    let loaded = load(&Sources { file, ..Sources::default() }).unwrap();
    (directory, loaded)
}

fn failure(config: &str, files: &[(&str, &str)]) -> ConfigError {
    let (_directory, loaded) = with_files(config, files);
    engine(&loaded, FingerprintKey::new([0; 32]), &rates()).err().unwrap()
}

const RULE: &str = r#"
[[rule]]
id = "ours"
category = "secret"
severity = "high"
title = "t"
advice = "a"
action = "mask"
anchors = ["ours_"]
leak = ["ours_1"]
benign = ["other"]
"#;

#[test]
fn templates_are_read_from_where_the_configuration_is() {
    let config = "replies.json = \"error.json\"";
    let (_directory, loaded) = with_files(config, &[("error.json", "{\"id\": \"{incident}\"}")]);
    engine(&loaded, FingerprintKey::new([0; 32]), &rates()).unwrap();
    let error = failure(config, &[("error.json", "{incident}")]);
    assert!(error.place.ends_with("cofferdam.toml:1: replies.json") && error.what.contains("not JSON"), "{error}");
}

#[test]
fn rules_of_the_operators_are_added_and_replace_those_of_the_same_id() {
    let ids = |files: &[(&str, &str)]| -> Vec<String> {
        let (_directory, loaded) = with_files("rules.dir = \"rules\"", files);
        all_rules(&loaded).unwrap().into_iter().map(|it| it.rule.id).collect()
    };
    let built_in = ids(&[("rules/README", "not a pack")]);
    let replaced = RULE.replace("\"ours\"", &format!("\"{}\"", built_in[0]));
    assert_eq!(ids(&[("rules/b.toml", RULE)]).len(), built_in.len() + 1);
    assert_eq!(ids(&[("rules/b.toml", RULE), ("rules/a.toml", &replaced)]).len(), built_in.len() + 1);
}

#[test]
fn an_error_of_a_pack_names_its_file_line_and_rule() {
    let config = "rules.dir = \"rules\"";
    for (from, to) in [("anchors", "ancors"), ("\nleak", "\nconfirm.regex = \"(\"\nleak")] {
        let error = failure(config, &[("rules/b.toml", &RULE.replace(from, to))]);
        assert!(error.place.contains("/rules/b.toml:") && error.what.contains("ours"), "{error}");
    }
}

#[test]
fn an_anchor_that_stands_on_every_page_is_refused() {
    let rule = RULE.replace("\"ours_\"", "\"error\"");
    let error = failure("rules.dir = \"rules\"", &[("rules/b.toml", &rule)]);
    assert!(error.place.contains("/rules/b.toml:") && error.what.contains("per megabyte"), "{error}");
}

#[test]
fn a_rule_can_be_switched_off_by_id_and_by_category() {
    let mode = |config: &str| {
        let (_directory, loaded) = with_files(&format!("rules.dir = \"rules\"\n{config}"), &[("rules/a.toml", RULE)]);
        all_rules(&loaded).unwrap().into_iter().find(|it| it.rule.id == "ours").unwrap().mode
    };
    assert_eq!(mode(""), Mode::Enforce);
    assert_eq!(mode("rules.disabled = [\"ours\"]"), Mode::Off);
    assert_eq!(mode("rules.categories.secret = \"observe\""), Mode::Observe);
    let error = failure("rules.disabled = [\"orus\"]\nrules.dir = \"rules\"", &[("rules/a.toml", RULE)]);
    assert!(error.place.ends_with("cofferdam.toml:1: rules.disabled.0"), "{error}");
    assert_eq!(error.hint, "did you mean \"ours\"?");
}

#[test]
fn an_unknown_endpoint_row_names_its_list() {
    assert_eq!(bad_key("guard.endpoints.enabled = [\"nothing\"]"), "guard.endpoints.enabled");
    assert_eq!(bad_key("guard.endpoints.disabled = [\"nothing\"]"), "guard.endpoints.disabled");
}

#[test]
fn a_missing_file_names_the_key_that_wants_it() {
    for (key, value) in [
        ("replies.json", "/nowhere/x.json"),
        ("rules.dir", "/nowhere"),
        ("log.fingerprint_key", "env:NOWHERE"),
        ("log.fingerprint_key", "file:/nowhere"),
    ] {
        let flag = Flag { name: "--set".into(), key: key.into(), value: value.into() };
        let loaded = load(&Sources { flags: vec![flag], ..Sources::default() }).unwrap();
        let error = engine(&loaded, FingerprintKey::new([0; 32]), &rates()).err().unwrap();
        assert_eq!(error.place, format!("flag --set: {key}"));
    }
}

#[test]
fn what_is_said_in_total_is_shared_out_among_workers() {
    let shared = |text: &str| workers(&loaded(text)).unwrap();
    let three = shared("server.workers = 3\nserver.max_connections = 10\nupstream.idle_connections = 0");
    assert_eq!(three, Workers { count: 3, max_connections: 4, idle_connections: 0 });
    assert!(shared("").count >= 1);
    let compresses = |text: &str| workers::compresses(&loaded(text));
    assert!(compresses("server.listen = \"0.0.0.0:80\""));
    assert!(!compresses("server.listen = \"0.0.0.0:80\"\ncompression.mode = \"off\""));
    assert!(compresses("compression.mode = \"on\""));
}

#[test]
fn numbers_that_cannot_be_meant_name_their_key() {
    for (key, value) in [
        ("server.workers", "1025"),
        ("server.max_connections", "0"),
        ("server.head_timeout", "\"0\""),
        ("upstream.idle_timeout", "\"0s\""),
        ("upstream.max_head", "\"4KiB\""),
        ("upstream.max_head", "\"2MiB\""),
    ] {
        let error = workers(&loaded(&format!("{key} = {value}"))).unwrap_err();
        assert!(error.place.ends_with(&format!("cofferdam.toml:1: {key}")), "{error}");
    }
    assert_eq!(bad_key("inspect.quiet = \"0\""), "inspect.quiet");
}

/// A directory with a certificate for `localhost` and its key, and a configuration that names them.
fn with_certificate(text: &str) -> (tempfile::TempDir, Result<Loaded, ConfigError>) {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(directory.path().join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(directory.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(directory.path().join("none.pem"), "hunter2").unwrap();
    let file = directory.path().join("cofferdam.toml");
    std::fs::write(&file, text).unwrap();
    let loaded = load(&Sources { file: Some(file), ..Sources::default() });
    (directory, loaded)
}

const CERTIFICATE: &str = "[[server.tls.certificates]]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";

#[test]
fn tls_keys_that_do_not_fit_together_and_unusable_files_are_errors() {
    for (keys, certificate, key, what) in [
        ("", CERTIFICATE, "server.tls.listen", "expected an address"),
        ("listen = \"127.0.0.1:0\"\n", "", "server.tls.certificates", "expected at least one"),
        ("redirect_from = \"127.0.0.1:0\"\n", "", "server.tls.listen", "expected an address"),
        ("listen = \"127.0.0.1:0\"\nclient_certificates = \"required\"\n", CERTIFICATE, "client_ca", "expected a file"),
        ("listen = \"127.0.0.1:0\"\nclient_ca = \"cert.pem\"\n", CERTIFICATE, "client_certificates", "clients are not"),
        (
            "listen = \"127.0.0.1:0\"\nclient_certificates = \"optional\"\nclient_ca = \"none.pem\"\n",
            CERTIFICATE,
            "server.tls.client_ca",
            "holds no certificate in PEM",
        ),
        ("listen = \"127.0.0.1:0\"\nmax_handshakes = 0\n", CERTIFICATE, "max_handshakes", "expected at least 1"),
    ] {
        let (_directory, loaded) = with_certificate(&format!("[server.tls]\n{keys}{certificate}"));
        let error = tls_identity(&loaded.unwrap()).unwrap_err();
        assert!(error.place.contains(key) && error.what.contains(what), "{error}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn tls_files_are_found_beside_the_configuration() {
    let (_directory, loaded) = with_certificate(&format!("[server.tls]\nlisten = \"127.0.0.1:0\"\n{CERTIFICATE}"));
    assert_eq!(tls_identity(&loaded.unwrap()).unwrap().unwrap().files().len(), 2);
    assert!(tls_identity(&load(&Sources::default()).unwrap()).unwrap().is_none());
}

#[test]
fn settings_of_tls_towards_the_application_need_an_application_by_tls() {
    for (url, keys, wanted) in [
        ("https://app", "ca = \"cert.pem\"", Ok(true)),
        ("https://app", "ca = \"none.pem\"", Err("upstream.tls.ca")),
        ("https://app", "ca = \"cert.pem\"\nserver_name = \"a b\"", Err("upstream.tls.server_name")),
        ("https://app", "ca = \"cert.pem\"\ncert = \"cert.pem\"", Err("upstream.tls.cert")),
        ("https://app", "ca = \"cert.pem\"\ncert = \"cert.pem\"\nkey = \"none.pem\"", Err("upstream.tls.key")),
        ("https://[::1]:8443", "ca = \"cert.pem\"\ncert = \"cert.pem\"\nkey = \"key.pem\"", Ok(true)),
        ("http://app", "ca = \"cert.pem\"", Err("upstream.url")),
        ("http://app", "", Ok(false)),
    ] {
        let (_directory, loaded) = with_certificate(&format!("[upstream]\nurl = \"{url}\"\n[upstream.tls]\n{keys}\n"));
        match (upstream_tls(&loaded.unwrap()), wanted) {
            (Ok(tls), Ok(wanted)) => assert_eq!(tls.is_some(), wanted, "{url} {keys}"),
            (Err(error), Err(key)) => assert!(error.place.ends_with(key), "{error}"),
            (found, _) => panic!("{url} {keys}: {found:?}"),
        }
    }
}

fn answered(text: &str, path: &str, media_type: &'static str, body: &str) -> String {
    let engine = Arc::new(engine(&loaded(text), FingerprintKey::new([0; 32]), &rates()).unwrap());
    through(&engine, path, media_type, body, 0).1
}

/// What an application's answer becomes at this second, with what it says to the breaker.
fn through(
    engine: &Arc<Engine>,
    path: &str,
    media_type: &'static str,
    body: &str,
    second: u64,
) -> (crate::exchange::Outcome, String) {
    use crate::{exchange, request::RequestHead, response::ResponseHead};
    let headers = http::HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(media_type))]);
    let head = ResponseHead::new(http::StatusCode::OK, headers);
    let body = bytes::Bytes::copy_from_slice(body.as_bytes());
    let uri = http::Uri::try_from(path).unwrap();
    let headers = http::HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static("example.org"))]);
    let request = RequestHead { method: http::Method::GET, uri, version: http::Version::HTTP_11, headers };
    let replayed = exchange::replay_at(engine, Duration::from_secs(second), request, head, [body]);
    (replayed.outcome, String::from_utf8(replayed.body).unwrap())
}

#[test]
fn members_of_json_documents_are_masked_by_name_and_not_on_a_route_that_gives_them_out() {
    let text = "rules.json_keys = [\"token\", \"ssn\"]\n[[route]]\nname = \"sign-in\"\npaths = [\"/login\"]\n\
                inspect.personal_data = \"off\"\n";
    let body = r#"{"token":"abc","user":{"ssn":1},"mail":"maria@shop-mail.com"}"#;
    let masked = r#"{"token":"[redacted:json-key.token]","user":{"ssn":"[redacted:json-key.ssn-value]"},"mail":"maria@shop-mail.com"}"#;
    assert_eq!(answered(text, "/me", "application/json", body), masked);
    assert_eq!(answered(text, "/login", "application/json", body), body);
    assert_eq!(answered("", "/me", "application/json", body), body, "off by default");
}

#[test]
fn personal_data_is_masked_where_the_category_is_on() {
    let body = "Card 4539 1488 0343 6467, IBAN DE89370400440532013000, SSN: 536-22-8719, maria@shop-mail.com";
    let text = "rules.categories.personal-data = \"enforce\"";
    let masked = answered(text, "/", "text/plain", body);
    assert_eq!(masked.matches("[redacted:").count(), 4, "{masked}");
    assert_eq!(answered("", "/", "text/plain", body), body, "off by default");
}

#[test]
fn source_maps_are_contained_where_their_rule_is_enabled() {
    let body = r#"{"version":3,"sources":["webpack:///./src/pay.ts"],"sourcesContent":["export const a = 1"],"names":[],"mappings":"AAAA,SAAS"}"#;
    assert_eq!(answered("", "/app.js.map", "application/json", body), body, "off by default");
    let contained = answered("rules.enabled = [\"source-map\"]", "/app.js.map", "application/json", body);
    assert!(!contained.contains("export const"), "{contained}");
}

/// Under a heading and some words, what a visitor posted: a member that holds a stack convicts.
const COMMENT: &str = "<h1>Guest book</h1><p>Anna wrote on Monday that she likes the tea very much. Ben asks what this \
    is. </p><pre>{\"error\":\"x\",\"stack\":\"TypeError: x is undefined\\n    at pay (/srv/shop/pay.js:3:9)\\n    \
    at run (/srv/shop/run.js:9:1)\\n    at Object.go (/srv/shop/go.js:4:2)\"}</pre><p>Kind regards from all of us.</p>";

#[test]
fn a_storm_of_replaced_pages_turns_into_masks_until_it_is_over() {
    use crate::{
        incident::Disposition::{Masked, Replaced},
        policy::BreakerTurn,
    };
    let text = "inspect.breaker = { replacements = 3, within = \"1m\", calm = \"2m\" }";
    let engine = Arc::new(engine(&loaded(text), FingerprintKey::new([0; 32]), &rates()).unwrap());
    let visit = |second| through(&engine, "/", "text/html", COMMENT, second);
    let turns = (0..3).map(|second| visit(second).0.breaker).collect::<Vec<_>>();
    assert_eq!(turns, [None, None, Some(BreakerTurn::Opened)]);
    let (outcome, page) = visit(4);
    assert_eq!(outcome.disposition, Masked);
    assert!(outcome.incident.is_some(), "it is still an incident");
    assert!(page.contains("Kind regards") && !page.contains("/srv/shop"), "{page}");
    let bare = "TypeError: x is undefined\n    at pay (/srv/shop/pay.js:3:9)\n    at run (/srv/shop/run.js:9:1)";
    assert_eq!(through(&engine, "/", "text/plain", bare, 5).0.disposition, Replaced, "nothing else stands on it");
    let (outcome, _) = through(&engine, "/", "text/plain", "fine", 200);
    assert_eq!(outcome.breaker, Some(BreakerTurn::Closed));
    assert_eq!(visit(201).0.disposition, Replaced);
}

#[test]
fn a_breaker_that_counts_to_zero_never_opens() {
    let engine =
        Arc::new(engine(&loaded("inspect.breaker.replacements = 0"), FingerprintKey::new([0; 32]), &rates()).unwrap());
    for second in 0..100 {
        assert_eq!(through(&engine, "/", "text/html", COMMENT, second).0.breaker, None);
    }
    assert_eq!(bad_key("inspect.breaker.calm = \"0\""), "inspect.breaker.calm");
}

#[test]
fn the_rules_of_a_framework_can_be_switched_off_and_its_traces_are_still_contained() {
    let trace = "NoMethodError (undefined method `total' for nil):\n\napp/models/cart.rb:12:in `total'\n\
                 /srv/shop/app/controllers/carts_controller.rb:9:in `show'\n/srv/shop/lib/run.rb:3:in `go'\n";
    let text = "rules.disabled_frameworks = [\"rails\", \"ruby\", \"rack\"]";
    assert!(!answered(text, "/", "text/plain", trace).contains("/srv/shop"));
    let error = ruleset(&loaded("rules.disabled_frameworks = [\"rials\"]")).unwrap_err();
    assert_eq!(
        (error.what.as_str(), error.hint.as_str()),
        ("no rule is for this framework", "did you mean \"rails\"?")
    );
}
