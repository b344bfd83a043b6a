//! What is masked leaves the page as it was: JSON parses, HTML keeps its tags, and nothing of the secret is left.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its case has failed")]

use std::sync::{Arc, LazyLock};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use cofferdam::{
    engine::Engine,
    exchange::replay,
    incident::FingerprintKey,
    response::ResponseHead,
    rules::{Action, PACKS, parse_pack},
    scan::Ruleset,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The masking rules alone: whether a whole page is a leak is another matter.
static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
    let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap());
    let rules = rules.filter(|rule| rule.action == Action::Mask && !rule.opt_in).collect();
    Arc::new(Engine::with_rules(Ruleset::compile(rules).unwrap(), FingerprintKey::new([7; 32])))
});

/// All rules.
static WHOLE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
    let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap());
    let rules = rules.filter(|rule| !rule.opt_in).collect();
    Arc::new(Engine::with_rules(Ruleset::compile(rules).unwrap(), FingerprintKey::new([7; 32])))
});

fn through(media_type: &'static str, body: &str, piece: usize) -> String {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))]);
    let pieces = body.as_bytes().chunks(piece).map(Bytes::copy_from_slice);
    String::from_utf8(replay(&ENGINE, ResponseHead::new(StatusCode::OK, headers), pieces).body).unwrap()
}

/// A setting's name and a value that no page may show, with the characters that need escapes somewhere.
fn setting() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        Just("SECRET_KEY"),
        Just("DB_PASSWORD"),
        Just("secret_key_base"),
        Just("SHOP_API_KEY"),
        Just("JWT_SECRET"),
        Just("SESSION_TOKEN"),
    ];
    (name.prop_map(str::to_owned), "[A-Za-z]{4}[0-9]{3}[A-Za-z0-9!#%*+=~-]{8,24}[a-z][0-9]").prop_filter(
        "nothing that reads like a placeholder",
        |(_, value)| {
            let lower = value.to_ascii_lowercase();
            let distinct: std::collections::BTreeSet<u8> = value.bytes().collect();
            distinct.len() >= 10
                && !["your", "todo", "xxxx", "env.", "***", "%"].iter().any(|word| lower.contains(word))
        },
    )
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#x27;")
}

/// The tags of a page, in order, attributes that hold a mask left out.
fn tags(page: &str) -> Vec<&str> {
    let starts = page.match_indices('<').map(|(at, _)| at);
    starts.map(|at| &page[at..at + page[at..].find('>').map_or(0, |end| end + 1)]).collect()
}

/// Nine bytes in a row of the secret tell too much.
fn shows(page: &str, secret: &str) -> bool {
    secret.as_bytes().windows(9).any(|part| page.contains(std::str::from_utf8(part).unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn masked_json_parses(
        (name, secret) in setting(),
        text in "[ -~\u{fc}\n]{0,40}",
        pretty in any::<bool>(),
        in_string in any::<bool>(),
        piece in 1_usize..300,
    ) {
        let settings = json!({"text": text, "config": {name.as_str(): secret, "debug": true}, "list": [1, null, text]});
        let document = if in_string { json!({"log": settings.to_string()}) } else { settings };
        let before = if pretty { serde_json::to_string_pretty(&document).unwrap() } else { document.to_string() };
        let after = through("application/json", &before, piece);
        let parsed: Value = serde_json::from_str(&after).unwrap_or_else(|error| panic!("{error}: {before} -> {after}"));
        prop_assert!(!shows(&after, &secret), "{before} -> {after}");
        if !in_string {
            prop_assert_eq!(&parsed["list"], &document["list"]);
        }
    }

    #[test]
    fn masked_html_keeps_its_tags(
        (name, secret) in setting(),
        text in "[a-z ,.]{0,40}",
        form in 0_usize..6,
        piece in 1_usize..300,
    ) {
        let value = escaped(&secret);
        let dump = match form {
            0 => format!("<tr><td>{name}</td><td class=\"code\"><pre>&#x27;{value}&#x27;</pre></td></tr>"),
            1 => format!("<pre class=\"line\"><span class=\"n\">{name}</span> <span class=\"o\">=</span> <span class=\"s\">&quot;{value}&quot;</span>\n</pre>"),
            2 => format!("<pre>{name}={value}\n</pre>"),
            3 => format!("<p>{{&quot;{name}&quot;: &quot;{value}&quot;}}</p>"),
            4 => format!("<dl><dt>{name}</dt><dd>{value}</dd></dl>"),
            _ => format!("<script>var c = {{\"{name}\":\"{}\"}};</script>", secret.replace('<', "\\u003c")),
        };
        let before = format!("<!doctype html><html><body><h1>{text}</h1>{dump}<p title=\"{text}\">{text}</p></body></html>");
        let after = through("text/html", &before, piece);
        prop_assert_eq!(tags(&before), tags(&after), "{}", after);
        prop_assert!(!shows(&after, &secret), "{before} -> {after}");
    }

    #[test]
    fn pages_without_secrets_stay_byte_for_byte(text in "[ -~\u{fc}\n]{0,400}", piece in 1_usize..300) {
        prop_assume!(!text.contains("://"));
        prop_assert_eq!(through("text/html", &text, piece), text);
    }
}

/// What sites show on purpose.
#[test]
fn what_is_meant_to_be_seen_passes() {
    for page in [
        r#"<form method="post"><input type="password" name="password" value=""><input type="hidden" name="csrf_token" value="o5hTPhlNI83Jj0lcnPycEh3awWe4ILVlhe7U4M7M"></form>"#,
        r#"{"password":"Passwort","secret_key":"Geheimer Schlüssel","api_token":"Zugangsschlüssel","forgot_password":"Passwort vergessen?"}"#,
        r#"{"access_token":"kP3vT9xLq2mWzR7sYcN5dJ1gHsB4uA6o","token_type":"Bearer","expires_in":3600,"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA"}"#,
        r#"<link rel="stylesheet" href="a.css" integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC">"#,
        r#"<input type="hidden" name="__VIEWSTATE" id="__VIEWSTATE" value="/wEPDwUKLTI2MjY5NTQ2MmRkHn3kP3vT9xLq2mWzR7sYcN5dJ1gHs=">"#,
        r#"<script nonce="kP3vT9xLq2mWzR7s">Stripe("pk_live_51HxT8vKq2LmWzR7pYcN5dJ1gHsB4uA6o")</script>"#,
        "https://bucket.s3.amazonaws.com/a.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAVKQ3TZ7LM2WXR5NB%2F20250310%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        r#"<script src="https://maps.googleapis.com/maps/api/js?key=AIzaSyB0kQ3mTz8vWc1pXfR6yLhJ2nDgE5sUaKi"></script>"#,
        "postgresql://scott:tiger@localhost/mydatabase and AKIAIOSFODNN7EXAMPLE / wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        r#"e.exports={RESET_PASSWORD:"resetPassword",SET_TOKEN:"auth/setToken",API_KEY_HEADER:"X-Api-Key-Identifier",SECRET_KEY:t.key}"#,
        r#"{"errors":{"password":["is too short (minimum is 8 characters)"],"current_password":["is invalid"]}}"#,
        r#"Sentry.init({dsn:"https://318367c6caf51f31b16a6f4197293a1d@o900944.ingest.sentry.io/6104750"})"#,
    ] {
        assert_eq!(through("text/html", page, 64), page);
    }
}

/// What an application gives its client in a cookie is the client's: without it nobody stays signed in. One cookie as
/// each framework makes it.
#[test]
fn cookies_that_applications_set_reach_the_client() {
    for cookie in [
        "session=eyJ1c2VyIjoiYW5uYSJ9.ZUQ3Vw.l5Yl0p2cRk3Yh8bq0m3v5x7Q9aE",
        "session=.eJyrVkrLz1eyUkpKLFKqBQAdegQ0.ZUQ3Vw.l5Yl0p2cRk3Yh8bq0m3v5x7Q9aE",
        "sessionid=.eJxVjEEOwiAQRe_C2hBKgQGX7j0Dmc4MgW:1qT5dX:l5Yl0p2cRk3Yh8bq0m3v5x7Q9aEl5Yl0p2cRk3Yh8bq",
        "csrftoken=k3Vt9xLq2mWzR7sYcN5dJ1gQpF8hEa0uB4nM6vC8",
        "connect.sid=s%3AqX3vZk9w2mPfLr7sYcN5dJ1gTb8hEa0u.Kp9x2mW3zR7sYcN5dJ1gQvT8hEa0uLr7sYcN5dJ1gQw",
        "koa.sess=eyJ1c2VyIjoiYW5uYSIsIl9leHBpcmUiOjE3MDAwMDAwMDAwMDAsIl9tYXhBZ2UiOjg2NDAwMDAwfQ==",
        "EGG_SESS=Qk5vT0pQd2xZa1RtUjNwSG9XcVl6RjhmU2xXbU5rTGpIZ0Zk",
        "_shop_session=QmFzZTY0RGF0YUhlcmVXaXRoTG90c09m%3D%3D--aB3dE5fG7hJ9kL1m--Zx8cV6bN4mQ2wE0rT5yU%3D%3D",
        "rack.session=BAh7B0kiD3Nlc3Npb25faWQGOgZFVG86HVJhY2s%3D--48f360a2b1c94d7e8f60718293a4b5c6d7e8f901",
        "laravel_session=eyJpdiI6IkFCQ0RFRkdISUpLTE1OT1AiLCJ2YWx1ZSI6InFYM3ZaazloMm1QZkxyN3NZIn0%3D",
        "PHPSESSID=9r8h3k2l1m0n5p4q7s6t",
        "JSESSIONID=6B29FC40CA47107B0B0A3D8F4E2C1A5D.node1",
        ".AspNetCore.Session=CfDJ8K3Vt9xLq2mWzR7sYcN5dJ1gQpF8hEa0uB4nM6vC8Zx8cV6bN4mQ2wE0rT5yU",
        "access_token=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
        "remember_token=k3Vt9xLq2mWzR7sYcN5dJ1gQpF8hEa0u",
        "koa.sess=eyJzZWNyZXQiOiJrUDN2VDl4THEybVd6UjdzWWNONWRKMWciLCJfZXhwaXJlIjoxNzAwMDAwMDAwMDAwLCJfbWF4QWdlIjo4NjQwMDAwMH0=",
        "express:sess=eyJjc3JmU2VjcmV0Ijoia1AzdlQ5eExxMm1XelI3cyIsInBhc3Nwb3J0Ijp7InVzZXIiOiI2NGYxYzBmZmVlMGRkYmExMSJ9LCJmbGFzaCI6eyJlcnJvciI6WyJFcnJvcjogd3JvbmcgcGFzc3dvcmQiXX19",
        "session=eyJfZnJlc2giOnRydWUsIl91c2VyX2lkIjoiNyIsImNzcmZfdG9rZW4iOiI5Zjg2ZDA4MTg4NGM3ZDY1OWEyZmVhYTBjNTVhZDAxNWEzYmY0ZjFiIiwibmV4dCI6Imh0dHA6Ly8xMC4wLjAuNTo1MDAwL29yZGVycyJ9.ZUQ3Vw.l5Yl0p2cRk3Yh8bq0m3v5x7Q9aE",
        "SESSION=ZjYyZDcxZjItNDYyYi00ZDZlLTlhM2MtMWQyZTNmNGE1YjZj",
        "_app_session=BAh7B0kiD3Nlc3Npb25faWQGOgZFVEkiJTlmODZkMDgxODg0YzdkNjU5YTJmZWFhMGM1NWFkMDE1BjsAVEkiEF9jc3JmX3Rva2Vu--48f360a2b1c94d7e8f60718293a4b5c6d7e8f901",
        "messages=W1siX19qc29uX21lc3NhZ2UiLDAsMjUsIllvdXIgY2hhbmdlcyB0byAvaG9tZS9hbm5hL25vdGVzIHdlcmUgc2F2ZWQuIl1d:1qX3vZ:k9w2mPfLr7sYcN5dJ1gTb8hEa0uKp9x2mW3zR7sYc",
        "prefs=eyJ0aGVtZSI6ImRhcmsiLCJ0eiI6IkV1cm9wZS9CZXJsaW4iLCJob21lIjoiaHR0cDovL2xvY2FsaG9zdDo4MDgwLyIsImxpc3QiOlsxLDIsM119",
        "cart=YToxOntzOjU6Iml0ZW1zIjthOjE6e2k6MDtzOjI0OiJFeGNlcHRpb246IGhvdyB0byByZWFkIGl0In19",
        "id_token=eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmludGVybmFsLmV4YW1wbGUvcmVhbG1zL3Nob3AiLCJzdWIiOiI3Iiwibm9uY2UiOiJrUDN2VDl4THEybVd6UjdzIiwiZW1haWwiOiJhbm5hQGV4YW1wbGUub3JnIn0.dozjgNryP4J3jVmNHl0w5NXgL0n3I9P",
    ] {
        let headers = HeaderMap::from_iter([(header::SET_COOKIE, HeaderValue::from_static(cookie))]);
        let answer = replay(&WHOLE, ResponseHead::new(StatusCode::OK, headers), [Bytes::from_static(b"ok")]);
        let set = answer.head.unwrap().headers.remove(header::SET_COOKIE).unwrap();
        assert!(set.to_str().unwrap().starts_with(cookie), "{cookie} arrived as {set:?}");
    }
}

/// A secret as short as an access key's id does not leave because it stands in base64 or hexadecimal.
#[test]
fn secrets_in_armour_leave_in_no_field() {
    for secret in [
        "AKIAVKQ3TZ7LM2WXR5NB",
        "redis://:h7Qe2kd93mXz@db",
        "postgres://shop:h7Qe2kd93mXz@db.internal/shop",
        "DB_PASSWORD=h7Qe2kd93mXz",
        "{\"aws\":\"AKIAVKQ3TZ7LM2WXR5NB\"}",
    ] {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for armoured in [STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret), hex] {
            let json = format!("{{\"v\":1,\"k\":\"{armoured}\"}}");
            for value in [
                format!("note={armoured}; Path=/"),
                format!("note=\"{armoured}\"; Path=/"),
                format!("note={}; Path=/", percent(&armoured)),
                format!("note={}; Path=/", percent(&percent(&armoured))),
                format!("note={}; Path=/", percent(&json)),
                format!("note={json}; Path=/"),
                format!("note=s:{armoured}.kP3vT9xLq2mWzR7sYcN5dJ1g; Path=/"),
                format!("note=v1_{armoured}"),
            ] {
                for name in [header::SET_COOKIE, HeaderName::from_static("x-note")] {
                    let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_str(&value).unwrap())]);
                    let head = ResponseHead::new(StatusCode::OK, headers);
                    let left = replay(&ENGINE, head, [Bytes::from_static(b"ok")]).head.unwrap();
                    let left = format!("{:?}", left.headers.get(&name)).replace("%25", "%").replace("%3D", "=");
                    assert!(!left.contains(&armoured[..12]), "{secret} as {value} in {name}: {left}");
                }
            }
        }
    }
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
