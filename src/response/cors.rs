//! Cross-origin resource sharing: what an application gives away by reflecting any origin, taken back.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};

use super::{InlineSources, Reply};
use crate::{
    incident::Mode,
    request::{Origin, RequestHead},
};

/// Who may read the responses of a route from other origins.
#[derive(Clone, Debug)]
pub struct CorsPolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The origins that may read responses with the user's credentials. What the application shows to everyone
    /// without credentials stays open.
    pub origins: Vec<Origin>,
    /// How preflights are answered; none leaves them to the application.
    pub preflight: Option<Preflight>,
}

/// What a preflight is told.
#[derive(Clone, Debug)]
pub struct Preflight {
    /// The methods allowed besides GET, HEAD and POST, which need no permission.
    pub methods: Vec<Method>,
    /// The request fields allowed besides the safelisted ones.
    pub headers: Vec<HeaderName>,
    /// Whether requests may carry credentials.
    pub credentials: bool,
    /// For how many seconds a browser may remember the answer.
    pub max_age: u32,
}

/// What was wrong with a response's permission, or would have been repaired in observe mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CorsRepair {
    /// Everyone, with credentials: browsers refuse that, but it was meant.
    Wildcard,
    /// An origin that is not on the list, with credentials: reflected, or a list that is too long.
    Reflected,
    /// `null`, which any page can be in a sandbox, with credentials.
    Null,
}

impl CorsRepair {
    /// The spelling used in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wildcard => "wildcard",
            Self::Reflected => "reflected",
            Self::Null => "null",
        }
    }
}

const PERMISSIONS: [HeaderName; 6] = [
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
];

/// Off: the applications that other origins may read with credentials have to be named first.
impl Default for CorsPolicy {
    fn default() -> Self {
        Self { mode: Mode::Off, origins: Vec::new(), preflight: None }
    }
}

impl CorsPolicy {
    /// Repairs the permission that a response gives with credentials. `origin` is the request's. An origin on the list
    /// gets what the application gave to everyone; any other loses it.
    pub fn repair(&self, fields: &mut HeaderMap, origin: Option<&HeaderValue>) -> Option<CorsRepair> {
        if self.mode == Mode::Off || !allows_credentials(fields) {
            return None;
        }
        let allowed = fields.get(ACCESS_CONTROL_ALLOW_ORIGIN)?.as_bytes();
        let asking = origin.filter(|origin| self.allows(origin));
        let repair = match allowed {
            b"*" => CorsRepair::Wildcard,
            b"null" => CorsRepair::Null,
            allowed if self.origins.iter().any(|known| known.is(allowed)) => return None,
            _ => CorsRepair::Reflected,
        };
        if self.mode == Mode::Enforce {
            match asking.filter(|_| repair == CorsRepair::Wildcard) {
                Some(origin) => {
                    fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                }
                None => PERMISSIONS.iter().for_each(|name| drop(fields.remove(name))),
            }
            vary_by_origin(fields);
        }
        Some(repair)
    }

    /// The answer to a preflight, where this policy answers them: with permission for an origin on the list, without
    /// for any other, which a browser takes for a refusal.
    pub fn preflight(&self, head: &RequestHead) -> Option<Reply> {
        let rule = self.preflight.as_ref().filter(|_| self.mode == Mode::Enforce)?;
        let origin = head.headers.get(ORIGIN).filter(|_| head.method == Method::OPTIONS)?;
        let method = head.headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
        let mut headers = HeaderMap::with_capacity(12);
        if self.allows(origin) && rule.permits(method, head) {
            rule.permission(origin, &mut headers);
        }
        for name in [ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_REQUEST_HEADERS] {
            headers.append(VARY, name.into());
        }
        Some(Reply {
            status: StatusCode::NO_CONTENT,
            headers,
            body: bytes::Bytes::new(),
            inline: InlineSources::default(),
        })
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|known| known.is(origin.as_bytes()))
    }
}

impl Preflight {
    fn permits(&self, method: &HeaderValue, head: &RequestHead) -> bool {
        let simple = matches!(method.as_bytes(), b"GET" | b"HEAD" | b"POST");
        let asked = head.headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
        let mut asked = asked.flat_map(|field| field.as_bytes().split(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
        let known = |name: &[u8]| self.headers.iter().any(|known| name.eq_ignore_ascii_case(known.as_str().as_bytes()));
        (simple || self.methods.iter().any(|known| known.as_str().as_bytes() == method.as_bytes()))
            && asked.all(|name| name.is_empty() || known(name))
    }

    fn permission(&self, origin: &HeaderValue, fields: &mut HeaderMap) {
        fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        fields.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age));
        if self.credentials {
            fields.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        let methods = self.methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let headers = self.headers.iter().map(HeaderName::as_str).collect::<Vec<_>>().join(", ");
        for (name, list) in [(ACCESS_CONTROL_ALLOW_METHODS, methods), (ACCESS_CONTROL_ALLOW_HEADERS, headers)] {
            if let Some(value) = HeaderValue::try_from(list).ok().filter(|value| !value.is_empty()) {
                fields.insert(name, value);
            }
        }
    }
}

fn allows_credentials(fields: &HeaderMap) -> bool {
    fields.get(ACCESS_CONTROL_ALLOW_CREDENTIALS).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// Caches must not give one origin's permission to another.
fn vary_by_origin(fields: &mut HeaderMap) {
    let named = |value: &HeaderValue| {
        let mut names = value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        names.any(|name| name == b"*" || name.eq_ignore_ascii_case(b"origin"))
    };
    if !fields.get_all(VARY).iter().any(named) {
        fields.append(VARY, HeaderValue::from_static("origin"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Uri, Version};

    fn policy(mode: Mode) -> CorsPolicy {
        let preflight = Preflight {
            methods: vec![Method::PUT],
            headers: vec![HeaderName::from_static("x-csrf-token")],
            credentials: true,
            max_age: 600,
        };
        let origins = vec![Origin::parse("https://app.example").unwrap()];
        CorsPolicy { mode, origins, preflight: Some(preflight) }
    }

    fn fields(origin: &'static str, credentials: &'static str) -> HeaderMap {
        [
            (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static(origin)),
            (ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static(credentials)),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn credentials_are_for_the_list_alone() {
        const APP: &str = "https://app.example";
        const EVIL: &str = "https://evil.example";
        for (sent, asking, wanted, left) in [
            (APP, APP, None, Some(APP)),
            (EVIL, EVIL, Some(CorsRepair::Reflected), None),
            ("*", APP, Some(CorsRepair::Wildcard), Some(APP)),
            ("*", EVIL, Some(CorsRepair::Wildcard), None),
            ("null", "null", Some(CorsRepair::Null), None),
        ] {
            let mut out = fields(sent, "true");
            assert_eq!(policy(Mode::Enforce).repair(&mut out, Some(&HeaderValue::from_static(asking))), wanted);
            assert_eq!(out.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap()), left);
            assert_eq!(out.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS), left.is_some());
            assert_eq!(out.contains_key(VARY), wanted.is_some());
            let mut same = fields(sent, "true");
            assert_eq!(policy(Mode::Observe).repair(&mut same, Some(&HeaderValue::from_static(asking))), wanted);
            assert_eq!(same, fields(sent, "true"));
        }
    }

    #[test]
    fn what_is_open_without_credentials_stays_open() {
        let mut out = fields("*", "false");
        assert_eq!(policy(Mode::Enforce).repair(&mut out, None), None);
        assert_eq!(out, fields("*", "false"));
        assert_eq!(policy(Mode::Enforce).repair(&mut HeaderMap::new(), None), None);
    }

    fn preflight(origin: &'static str, method: &'static str, headers: &'static str) -> Option<HeaderMap> {
        let headers: HeaderMap = [
            (ORIGIN, HeaderValue::from_static(origin)),
            (ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static(method)),
            (ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static(headers)),
        ]
        .into_iter()
        .collect();
        let head =
            RequestHead { method: Method::OPTIONS, uri: Uri::from_static("/"), version: Version::HTTP_11, headers };
        policy(Mode::Enforce).preflight(&head).map(|reply| reply.headers)
    }

    #[test]
    fn preflights_are_answered_with_permission_for_the_list_alone() {
        let given = preflight("https://app.example", "PUT", "X-CSRF-Token").unwrap();
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_ORIGIN, "https://app.example"),
            (ACCESS_CONTROL_ALLOW_METHODS, "PUT"),
            (ACCESS_CONTROL_ALLOW_HEADERS, "x-csrf-token"),
            (ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            assert_eq!(given[name], value);
        }
        for (origin, method, headers) in [
            ("https://evil.example", "PUT", ""),
            ("https://app.example", "DELETE", ""),
            ("https://app.example", "PUT", "x-csrf-token, x-other"),
        ] {
            let given = preflight(origin, method, headers).unwrap();
            assert!(given.keys().all(|name| name == VARY), "{origin} {method} {headers}");
        }
    }
}
