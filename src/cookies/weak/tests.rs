//! Vectors made by the real libraries: Flask 3.1, itsdangerous 2.2, Starlette, Flask-Login, Django 5.2, PyJWT, Rails
//! 6.1, Rack 2.2, cookie-session 2, cookie-signature, keygrip, egg-cookies 2.10; Laravel's by its documented format.

use super::*;
use crate::incident::HashKey;

fn embedded() -> KeyList {
    KeyList::embedded().unwrap()
}

fn found(name: &str, value: &str, signature: Option<&str>) -> Option<WeakKey> {
    test(name.as_bytes(), value.as_bytes(), signature.map(str::as_bytes), &embedded(), 1_800_000_000)
}

#[track_caller]
fn assert_known(name: &str, value: &str, framework: &str) {
    let weak = found(name, value, None).unwrap_or_else(|| panic!("{name} is not recognised"));
    assert_eq!(weak.framework, framework);
    assert!(matches!(weak.weakness, Weakness::KnownKey { .. }), "{weak:?}");
}

#[test]
fn cookies_of_flask_and_itsdangerous_are_recognised() {
    let session = "eyJhZG1pbiI6ZmFsc2UsInVzZXIiOiJhZGEifQ.awU2Fw.";
    for signature in [
        "Kia3uTQHz9sb4gSAabOJevoAK7A",
        "ptM8oqYorCl9RW3GkQzEPTPTfYYzl-tvNzA3yahL5Q7fYWoJYhiO3sJLmpFSS-2xR9caPrzoGuRZRVySLX-esQ",
        "Xwao6IxBJD-j51EH3fnDo2CrrKjMHZCK02DR-YXvs0g",
        "23xk5FJdv226Z7vY2SEu0oCjuJPTrffN4mhUN0Nnhh8",
    ] {
        assert_known("session", &format!("{session}{signature}"), "flask");
    }
    for value in [
        "ada.UewGtsKhNQ4wschu4D8Ice9Dv4U",
        "eyJhIjoxfQ.oYSREsMldudt7UXOZepLK4H9FiA",
        "eyJhIjoxfQ.awU2Fw.y4W35MG_G6KBIXLnFw3zaTWpW0s",
        "ada.gDyfht2ubhPgipBTXYbamBiiadGS41qFyajUdrbC6-Su2_H6E_JDViVsEKZTQ8fg",
        "ada.NPC62mym4pUVO3RRLjDfnhAAVTh3kddc6xiddIPTqQVk4dkXJ5-ZMjZhRupD7a8-",
        "ada.BfOUSD4C3-ewo_rGREA-FrIkG01IB8Mxv_E_lbnkrbrwe2w1xw6f01GxYLBntEVe",
        "ada.oqzu5Wr1B8zEXCwlEov0GKDSglYZU-p5wazwFHIat9rC52Fcf8fs0S7YZCy3tYgW",
        "eyJ1c2VyIjogImFkYSJ9.awU2Fw.meDD3grTuhubkjWqHt2FnhkUjyE",
    ] {
        assert_known("token", value, "flask");
    }
    assert_known(
        "remember_token",
        "42|b97e927ef9028868b280f1e0ce4f56691e7ee14bebda8bdae538162787e9355b61dbbafa370099593d917136069255781a44aab6\
         90f956ff114ee498523df85c",
        "flask-login",
    );
}

#[test]
fn cookies_of_django_are_recognised() {
    for (name, value) in [
        ("pref", "dark:1xVkW8:AgS0mK8MRzLGoFrFy73iFs9H4J3Ag3et9K_QArBvW2M"),
        ("pref", "dark:1xVkW8:G_VFqmUKwtp8Oj3q9IK6zyO7Rm8"),
        (
            "messages",
            "W1siX19qc29uX21lc3NhZ2UiLDAsMjAsImhlbGxvIiwiIl1d:1xVkW8:BznAvByqGcfPUEE8yShtZ6Fo7eAXR8HUQWKMoC42Ops",
        ),
        ("sessionid", "\"eyJ1c2VyIjoiYWRhIn0:1xVkW8:bjl92_-da8dS2m5c-zhd2DDZzMH4vP8WfgEfqz5M4Z4\""),
        ("sessionid", "eyJhIjoxfQ:1xVkW8:Rdacg3q258Vj9Cc8wvaEptQUmio"),
        ("any", "eyJhIjoxfQ:1xVkW8:6Umc-Z6w-9DHC5ex6SgKmBHIEaF0Eby4A4uGZ3N5Q1I"),
    ] {
        assert_known(name, value, "django");
    }
}

#[test]
fn cookies_of_rails_and_rack_are_recognised() {
    for value in [
        "eyJfcmFpbHMiOnsibWVzc2FnZSI6Ik5EST0iLCJleHAiOm51bGwsInB1ciI6ImNvb2tpZS51aWQifX0%3D--c25999e43b07935cd7771e67\
         ae6e0c45b3b99fce",
        "ixkwWl0qRq127e3IlNp8gp%2BQBfdEDSDeWxNM9OOCNwiwRj%2B4qpzeK9Tt%2F5vwH0Der154b0TZ8XKs5jVzyiZJvJB6H6lbJT8x--rtNG\
         or%2B6KbT8BaOz--lONl29JxUldktPOJbanO4Q%3D%3D",
        "bi80aVBOalRqRGdONWRzUXo2Nm11MGNOS3hZSWJXT3FoeWkwVldDdlFnU0o3ZkprSERRWUdhYVllMkVvZFRIQkpGYXQ2Ry9tUHNpWXNIUGsr\
         YWdseFExVEdDRzF4YzdYRXBqUk04S0dhU1U9LS1sUUhNTFlMcUc0YzdXSzhPSGswNkdRPT0%3D--86e03a913889bcf1dc4667f92b62d24f\
         304d796e",
        "eyJhIjoxfQ%3D%3D--c5a6de28f7480f0d04c5456b8bed67a456d09e51cb00003a86a24ec79d3b1e51",
        "eyJhIjoxfQ%3D%3D--9d004fbbd3caef753d600da4450a2a9864afcd7d",
        "5bxqzFWdrA%3D%3D--sqwUNWwZ%2BavIkZmS--JZaPosO8rGHNGmamfH%2FPzA%3D%3D",
    ] {
        assert_known("_app_session", value, "rails");
    }
    assert_known(
        "rack.session",
        "BAh7B0kiD3Nlc3Npb25faWQGOgZFVG86HVJhY2s6OlNlc3Npb246OlNlc3Npb25JZAY6D0BwdWJsaWNfaWRJIkU5YmE1MTg3OTE5YjA4NDQx\
         ZWJlZTQ4NjY5MmZmN2MyNDg5MmEwYWVlODliN2E3NmEwMzMyZTc2NjY0Zjc0MGJlBjsARkkiBnUGOwBUSSIIYWRhBjsAVA%3D%3D--50a8a9\
         ac820f055b633406434db3bef82683bd1f",
        "rack",
    );
}

#[test]
fn cookies_of_node_are_recognised() {
    assert_known("connect.sid", "s%3AabcDEF123-_x.iVYCe5XFM5444m4zUp%2BACPo4yx7D26%2B8HeIaMn9mw7E", "express");
    for (name, value, signature, framework) in [
        ("session", "eyJ1c2VyIjoiYWRhIn0=", "-JTFWZoJWcJ8z4qjhLK4PJFmngk", "cookie-session"),
        ("koa.sess", "eyJ1c2VyIjoiYWRhIn0=", "-EvwlxzB1ntCIuKABPbcNswpTAvHmW6wgIdeMrXaCZo", "egg"),
        ("EGG_SESS", "hello", "PUgXp6gRkQ4llDYLxiPJaxH4P7_P3ItWNLTY5e3wFzo", "egg"),
    ] {
        assert_eq!(found(name, value, Some(signature)).unwrap().framework, framework, "{name}");
    }
    assert_known(
        "EGG_SESS",
        "lrsaHIWaAR6IXUjx2-iN0VzP12HOgDMt3RaOVANuK-0I7UqTPedlT0uaMVkVajuwWm6qijvOLdyRf3C_qkIYcA==",
        "egg",
    );
    let of_koa_session =
        "OFhpaoySY-VupXvzQ18aGmzQLwhNWOIA-yjhKCfG2jtaTD2di4bR0c9VBUkWFPSs0NgmQFtdsCCBwqUNJR8p78m3oMdpQYC1YC6qkFyLeQU=";
    assert_known("EGG_SESS", of_koa_session, "egg");
}

#[test]
fn cookies_of_laravel_are_recognised() {
    assert_known(
        "laravel_session",
        "eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiQUFFQ0F3UUZCZ2NJQ1FvTERBME9EeEFSRWhNVUZSWVhHQmthR3h3\
         ZEhoOGdJU0lqSkNVbUp5Z3BLaXNzTFM0diIsIm1hYyI6IjA1YjQ5ZWQzNDExMTEyZmQzZmEzYWUwOTI5N2ExZDQ1YjEzMDYyNzgwNDRlMTM2\
         NjM3ZTE3NzZjNjBhYzMwNGEiLCJ0YWciOiIifQ%3D%3D",
        "laravel",
    );
}

const HS: [&str; 3] = [
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwiaWF0IjoxNTE2MjM5MDIyLCJleHAiOjE1MTYyNDI2MjJ9.q1\
     vybbS1vEvD9X1WRComWH6mkoVycTxw4EtMQonjy2w",
    "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwiaWF0IjoxNTE2MjM5MDIyLCJleHAiOjE1MTYyNDI2MjJ9.6i\
     XVt3JC1uFh2qg7mpKa_6mzHsz1giXRjaNjaZYzfGGheG_WPWCqlhW8ACC43cJ0",
    "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwiaWF0IjoxNTE2MjM5MDIyLCJleHAiOjE1MTYyNDI2MjJ9.dI\
     48DkRLPMxYitF5Jyn3UTxk-aJRu1EMl0_VelWshGNMWMabOrF6i6mqMVd87yUgH1opzxUYnYju27bDygDSfA",
];

#[test]
fn tokens_signed_with_known_keys_or_none_or_for_too_long_are_recognised() {
    for token in HS {
        assert_known("Authorization", token, "jwt");
    }
    let strong = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
    let long = format!(
        "{strong}eyJzdWIiOiIxIiwiaWF0IjoxNTE2MjM5MDIyLCJleHAiOjE1MTg4MzEwMjJ9.uXr-pr-9ZY24ossaEfLDzvGKBhyG8EOKqcjgFjyBqY8"
    );
    let endless = format!("{strong}eyJzdWIiOiIxIn0.TyeCqMWZ9aJgV1Ngypb6rx32XYiYvGxGDbsV3vdMGzw");
    let short = format!(
        "{strong}eyJzdWIiOiIxIiwiaWF0IjoxNTE2MjM5MDIyLCJleHAiOjE1MTYyNDI2MjJ9.dHzbEkLxRtsB2Z9sAyHZqBgs9uBcnJGA7swyP1a00tU"
    );
    let weakness = |token: &str| found("t", token, None).map(|weak| weak.weakness);
    assert_eq!(weakness("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiIxIn0."), Some(Weakness::Unsigned));
    assert_eq!(weakness(&long), Some(Weakness::LongLived { days: Some(30) }));
    assert_eq!(weakness(&endless), Some(Weakness::LongLived { days: None }));
    assert_eq!(weakness(&short), None);
    let mut patient = embedded();
    patient.lifetime_days = Some(30);
    assert_eq!(test(b"t", long.as_bytes(), None, &patient, 0), None);
}

#[test]
fn strong_keys_and_ordinary_values_are_not() {
    for (name, value) in [
        ("session", "eyJhZG1pbiI6ZmFsc2UsInVzZXIiOiJhZGEifQ.awU2Fw.8S9bXDxcKJwhE2o3Buoqn7DtsXd8PU7ShuVhqLIHS-4"),
        ("session", ""),
        ("a", "."),
        ("a", ":"),
        ("a", "----"),
        ("a", "--------"),
        ("a", "s:"),
        ("a", "s:."),
        ("_ga", "GA1.2.1234567890.1234567890"),
        ("EGG_SESS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("t", "eyJhbGciOiJSUzI1NiJ9.e30"),
        ("t", "eyJ.eyJ.eyJ"),
        ("l", "eyJpdiI6"),
        ("l", "eyJpdiI6IiIsInZhbHVlIjoiIn0="),
        ("%", "%%%%zz%4"),
    ] {
        assert_eq!(found(name, value, None), None, "{value}");
    }
    assert_eq!(found("session", "x", Some("")), None);
    assert_eq!(found("session", &"x.".repeat(4000), None), None);
}

#[test]
fn the_incident_names_the_cookie_and_the_framework_and_never_the_key() {
    let weak = found("session", "eyJhZG1pbiI6ZmFsc2UsInVzZXIiOiJhZGEifQ.awU2Fw.Kia3uTQHz9sb4gSAabOJevoAK7A", None);
    let hit = weak.unwrap().hit(b"session", true);
    assert_eq!((hit.rule.as_str(), hit.severity), ("weak-key-flask", Severity::High));
    assert!(hit.advice.contains("`session` (flask)") && !hit.advice.contains("changeme"));
    assert!(weak.unwrap().hit(b"session", false).advice.contains("seen in a request"));
    assert!(!format!("{:?}", embedded()).contains("changeme"));
}

#[test]
fn a_wrong_line_of_a_list_is_named() {
    let parse = |text: &str| KeyList::parse(&[("own.txt", text)]);
    assert_eq!(parse("any a\n\n# x\nany  \nflask a\nflask b\n").unwrap().len(), 3);
    for (text, line) in
        [("any", 1), ("any a\nruby x", 2), ("any \\q", 1), ("any \\x1", 1), ("laravel base64:!", 1), ("any ", 1)]
    {
        let error = parse(text).unwrap_err();
        assert!(error.to_string().starts_with(&format!("own.txt:{line}: ")), "{error}");
    }
    assert!(embedded().len() > 250);
}

#[test]
fn what_looks_signed_is_taken_off_a_message() {
    let names = |candidates: Vec<Candidate>| -> Vec<String> {
        candidates.iter().map(|candidate| String::from_utf8_lossy(&candidate.name).into_owned()).collect()
    };
    let cookie: &[u8] = b"theme=dark; session=eyJ1c2VyIjoiYWRhIn0=; session.sig=-JTFWZoJWcJ8z4qjhLK4PJFmngk; lang=en";
    let token = format!("bearer {}", HS[0]);
    let candidates = Candidate::of_request([cookie].into_iter(), Some(token.as_bytes()));
    assert!(candidates.iter().all(|candidate| candidate.test(&embedded(), 0).is_some()));
    assert_eq!(names(candidates), ["session", "Authorization"]);
    let basic = Candidate::of_request([cookie].into_iter(), Some(b"Basic YWRhOnNlY3JldHNlY3JldHNlY3JldHNlY3JldA=="));
    assert_eq!(names(basic), ["session"]);
    let set: [&[u8]; 3] = [b"a=1", b"sid=dark:1xVkW8:G_VFqmUKwtp8Oj3q9IK6zyO7Rm8; Path=/", b"=x"];
    assert_eq!(names(Candidate::of_response(set.into_iter())), ["sid"]);
    let many = "x=dark:1xVkW8:G_VFqmUKwtp8Oj3q9IK6zyO7Rm8;".repeat(100);
    assert_eq!(Candidate::of_request([many.as_bytes()].into_iter(), None).len(), 8);
}

#[test]
fn a_value_is_due_once_and_a_name_now_and_then() {
    let seen = Seen::new(64, HashKey::from_random([3; 16]));
    let candidate =
        |value: &str, set| Candidate { name: b"sid"[..].into(), value: value.as_bytes().into(), signature: None, set };
    assert!(seen.is_due(&candidate("a", true), 100));
    assert!(!seen.is_due(&candidate("a", true), 200));
    assert!(seen.is_due(&candidate("b", true), 200));
    assert!(!seen.is_due(&candidate("c", true), 204));
    assert!(seen.is_due(&candidate("c", false), 204), "a client's do not use up the application's turn");
    assert!(seen.is_due(&candidate("c", true), 205), "nor is the same value of the application tested for it");
}

#[test]
fn no_value_takes_long() {
    let keys = embedded();
    let value = format!("{}:{}", "x".repeat(4000), "A".repeat(43));
    let start = std::time::Instant::now();
    assert_eq!(test(b"sid", value.as_bytes(), None, &keys, 0), None);
    let spent = start.elapsed();
    assert!(spent < std::time::Duration::from_secs(2), "{spent:?}");
    println!("{} keys, the longest value: {spent:?}", keys.len());
}
