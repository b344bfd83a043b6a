//! Rules made of names: the values of these members of JSON documents are masked wherever they stand, by setting.
//!
//! A string loses its content, every other value gives way to a string: the document stays valid. Read as the bytes
//! come, so a name written with escapes (`pass\u0077ord`) is not recognised, and of an array or object only those
//! are masked that hold no further ones and end within 4 KiB; inside deeper ones members are looked for by the same
//! names. Strings may be of any length.

use super::{Action, Confirmation, Part, Rule, Scope, ViewKind};
use crate::incident::{Category, Severity};

/// The names that are masked when the setting is on and names none.
pub const JSON_KEYS: &[&str] = &["password", "password_hash", "token", "ssn"];

/// The rules that mask the members called `name` (ASCII case ignored): for strings, for strings in a document that is
/// itself a string of one, and for all other values. Apply to bodies of a JSON media type only.
pub fn json_key_rules(name: &str) -> [Rule; 3] {
    let key = regex_escaped(&json_escaped(name));
    let string = format!(r#"(?i)"{key}"[ \t\r\n]*:[ \t\r\n]*"(?P<mask>(?:[^"\\]|\\(?s:.))+)"#);
    let nested =
        format!(r#"(?i)\\"{key}\\"[ \t\r\n]*:[ \t\r\n]*\\"(?P<mask>(?:[^"\\]|\\[^"\\]|\\\\(?:\\"|\\\\|[^"\\]))+)"#);
    let other = format!(r#"(?i)"{key}"[ \t\r\n]*:[ \t\r\n]*(?P<mask>{NUMBER}|true|false|{FLAT_ARRAY}|{FLAT_OBJECT})"#);
    let quoted = format!("\"{}\"", json_escaped(name));
    let escaped = quoted.replace('"', "\\\"");
    [
        Rule {
            confirm: Confirmation { until: Some("\"".to_owned()), ..confirmation(string) },
            ..rule(name, "", quoted.clone())
        },
        Rule {
            confirm: Confirmation { until: Some("\\\"".to_owned()), ..confirmation(nested) },
            ..rule(name, "-nested", escaped)
        },
        Rule { quoted: true, confirm: confirmation(other), ..rule(name, "-value", quoted) },
    ]
}

const NUMBER: &str = r"-?[0-9][0-9.eE+-]*";
const FLAT_ARRAY: &str = r#"\[(?:[^\[\]{}"]|"(?:[^"\\]|\\.)*")*\]"#;
const FLAT_OBJECT: &str = r#"\{(?:[^\[\]{}"]|"(?:[^"\\]|\\.)*")*\}"#;

/// The longest part of a name that stands in a rule's id.
const ID_PART_MAX: usize = 24;

fn rule(name: &str, kind: &str, anchor: String) -> Rule {
    Rule {
        id: format!("json-key.{}{kind}", id_part(name)),
        category: Category::PersonalData,
        severity: Severity::Medium,
        framework: None,
        title: format!("Member {name:?} of a JSON document"),
        advice: "Leave the member out where it is not needed; the configuration asks for it to be masked.".to_owned(),
        action: Action::Mask,
        view: ViewKind::Raw,
        anchors: vec![anchor],
        exact_case: false,
        confirm: Confirmation::default(),
        scope: Scope { part: Part::Body, json: true, ..Scope::default() },
        extract: Default::default(),
        quoted: false,
        opt_in: false,
        leak: Vec::new(),
        benign: Vec::new(),
    }
}

fn confirmation(regex: String) -> Confirmation {
    Confirmation { regex: Some(regex), allow_placeholders: Some(false), ..Confirmation::default() }
}

fn id_part(name: &str) -> String {
    let lower = name.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '_' });
    lower.take(ID_PART_MAX).collect()
}

/// As a serializer writes it: quotes and backslashes escaped, the rest as it is.
fn json_escaped(name: &str) -> String {
    name.replace('\\', r"\\").replace('"', "\\\"")
}

fn regex_escaped(literal: &str) -> String {
    let mut escaped = String::with_capacity(literal.len());
    for char in literal.chars() {
        if char.is_ascii() && !char.is_ascii_alphanumeric() && char != '_' {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode, header};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{engine::Engine, exchange::replay, incident::FingerprintKey, response::ResponseHead, scan::Ruleset};

    fn engine() -> Arc<Engine> {
        let rules = ["password", "ssn", "pin code"].into_iter().flat_map(json_key_rules).collect();
        Arc::new(Engine::with_rules(Ruleset::compile(rules).unwrap(), FingerprintKey::new([1; 32])))
    }

    fn through(engine: &Arc<Engine>, media_type: &'static str, body: &str, piece: usize) -> String {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        let pieces = body.as_bytes().chunks(piece).map(Bytes::copy_from_slice);
        let replayed = replay(engine, ResponseHead::new(StatusCode::OK, headers), pieces);
        String::from_utf8(replayed.body).unwrap()
    }

    fn masked(body: &str) -> Value {
        serde_json::from_str(&through(&engine(), "application/json", body, 7)).unwrap()
    }

    #[test]
    fn every_kind_of_value_gives_way_and_the_document_stays_valid() {
        let text = "[redacted:json-key.password]";
        let value = "[redacted:json-key.password-value]";
        for (before, after) in [
            (r#"{"password":"a\"b\\","n":1}"#, json!({"password": text, "n": 1})),
            (r#"{"Password" : "x", "a": {"password":"y"}}"#, json!({"Password": text, "a": {"password": text}})),
            (r#"{"password":-12.5e3}"#, json!({"password": value})),
            (r#"{"password":true,"b":false}"#, json!({"password": value, "b": false})),
            (r#"[{"password":["a","]"]},{"password":{"v":"}"}}]"#, json!([{"password": value}, {"password": value}])),
            (r#"{"password":{"password":{"x":[1]}}}"#, json!({"password": {"password": {"x": [1]}}})),
            (
                r#"{"password":null,"my_password":"x","passwords":"y"}"#,
                json!({"password": null, "my_password": "x", "passwords": "y"}),
            ),
            (r#"{"password":""}"#, json!({"password": ""})),
            (r#"{"pin code":"1234"}"#, json!({"pin code": "[redacted:json-key.pin_code]"})),
        ] {
            assert_eq!(masked(before), after, "{before}");
        }
    }

    #[test]
    fn the_usual_names_compile() {
        let rules = JSON_KEYS.iter().copied().flat_map(json_key_rules).collect();
        assert_eq!(Ruleset::compile(rules).unwrap().rules().len(), 3 * JSON_KEYS.len());
    }

    #[test]
    fn a_document_in_a_string_stays_valid_too() {
        let inner = json!({"password": "a\"b\\c", "n": 1}).to_string();
        let outer = masked(&json!({ "log": inner }).to_string());
        let inner: Value = serde_json::from_str(outer["log"].as_str().unwrap()).unwrap();
        assert_eq!(inner, json!({"password": "[redacted:json-key.password-nested]", "n": 1}));
    }

    #[test]
    fn a_string_may_be_longer_than_any_window() {
        let secret = "s3cr3t-".repeat(30_000);
        let after = masked(&json!({"password": secret, "n": 1}).to_string());
        assert_eq!(after, json!({"password": "[redacted:json-key.password]", "n": 1}));
    }

    #[test]
    fn only_json_documents_are_meant() {
        let script = r#"<script>var texts = {"password":"Passwort"};</script>"#;
        assert_eq!(through(&engine(), "text/html", script, 64), script);
        assert!(through(&engine(), "application/problem+json", r#"{"ssn":1}"#, 64).contains("redacted"));
    }

    fn document() -> impl Strategy<Value = Value> {
        let text = proptest::string::string_regex("[ -~\u{e4}\u{20ac}\n]{0,12}").unwrap();
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f32>().prop_map(|number| json!(number)),
            text.prop_map(Value::from),
        ];
        let key =
            prop_oneof![Just("password".to_owned()), Just("ssn".to_owned()), Just("a".to_owned()), "[a-z\"]{1,6}"];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(key.clone(), inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Whether some member that must be masked still holds a text or number.
    fn shows(value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(shows),
            Value::Object(members) => members.iter().any(|(name, value)| {
                let kept = match value {
                    Value::String(text) => !text.is_empty() && !text.starts_with("[redacted:"),
                    Value::Number(_) | Value::Bool(_) => true,
                    _ => false,
                };
                (matches!(name.as_str(), "password" | "ssn") && kept) || shows(value)
            }),
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_document_stays_valid_and_shows_no_value(document in document(), piece in 1_usize..40, pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&document).unwrap() } else { document.to_string() };
            let after: Value = serde_json::from_str(&through(&engine(), "application/json", &text, piece)).unwrap();
            prop_assert!(!shows(&after), "{text} -> {after}");
        }
    }
}
