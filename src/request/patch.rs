//! Virtual patches: what an endpoint takes, until the application itself checks it.

use http::{HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::{CanonicalPath, Objection, RequestHead, canonical::decode};
use crate::incident::{Mode, Refusal};

/// One patch, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchRow {
    /// The path: literal segments, and `{name:kind}` for one whose text must be of a kind: `int`, `hex`, `uuid`, `slug`
    /// (letters, digits, `-`, `_`), `date` (`2026-01-31`), `any`. At its end, `{name:rest}` stands for any number of
    /// segments.
    pub path: Box<str>,
    /// The methods taken; empty takes all. `GET` includes `HEAD`.
    #[serde(default)]
    pub methods: Vec<Box<str>>,
    /// The media types of bodies taken; empty takes all.
    #[serde(default)]
    pub content_types: Vec<Box<str>>,
    /// Kinds of query parameters by name. Others pass.
    #[serde(default)]
    pub query: Vec<(Box<str>, Box<str>)>,
}

/// Why a patch is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: the patch for \"{path}\": {problem}")]
pub struct PatchError {
    /// Where it is written.
    pub origin: Box<str>,
    /// Its path.
    pub path: Box<str>,
    /// What is wrong.
    pub problem: &'static str,
}

/// The patches of a route, compiled. A request whose path has the shape of several patches must suit one of them.
#[derive(Clone, Debug, Default)]
pub struct PatchPolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    patches: Vec<Patch>,
}

#[derive(Clone, Debug)]
struct Patch {
    segments: Vec<Segment>,
    /// Whether anything may follow.
    rest: bool,
    methods: Vec<Method>,
    content_types: Vec<Box<str>>,
    query: Vec<(Box<str>, Kind)>,
}

#[derive(Clone, Debug)]
enum Segment {
    /// In canonical form.
    Literal(Box<[u8]>),
    Parameter(Kind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Hex,
    Uuid,
    Slug,
    Date,
    Any,
}

const KINDS: [(&str, Kind); 6] = [
    ("int", Kind::Int),
    ("hex", Kind::Hex),
    ("uuid", Kind::Uuid),
    ("slug", Kind::Slug),
    ("date", Kind::Date),
    ("any", Kind::Any),
];

const UNKNOWN_KIND: &str = "a kind is int, hex, uuid, slug, date or any, and rest for the last parameter";

/// How far a request came in a patch before it was refused; the furthest is the answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mismatch {
    Path,
    Method,
    ContentType,
    Query,
}

impl PatchPolicy {
    /// Compiles rows; `origin` of each is where it is written, for error messages.
    ///
    /// # Errors
    /// The first row that cannot mean anything.
    pub fn compile<'a>(mode: Mode, rows: impl Iterator<Item = (&'a str, &'a PatchRow)>) -> Result<Self, PatchError> {
        let compiled = rows.map(|(origin, row)| {
            let fail = |problem| PatchError { origin: origin.into(), path: row.path.clone(), problem };
            Patch::compile(row).map_err(fail)
        });
        Ok(Self { mode, patches: compiled.collect::<Result<_, _>>()? })
    }
}

/// The path by which a patch is found is the canonical one, so that no spelling gets round it; what stands for a
/// parameter must then be of its kind letter by letter, as the application will see it.
pub(super) fn patch(head: &RequestHead, policy: &PatchPolicy) -> Result<(), Objection> {
    if policy.patches.is_empty() {
        return Ok(());
    }
    let path = CanonicalPath::of(head.uri.path());
    let mut furthest = None;
    for patch in policy.patches.iter().filter(|patch| patch.has_shape(&path)) {
        match patch.check(head) {
            Ok(()) => return Ok(()),
            Err(mismatch) if furthest.as_ref().is_none_or(|(far, _)| mismatch > *far) => {
                furthest = Some((mismatch, patch));
            }
            Err(_) => {}
        }
    }
    furthest.map_or(Ok(()), |(mismatch, patch)| Err(mismatch.objection(patch)))
}

impl Patch {
    fn compile(row: &PatchRow) -> Result<Self, &'static str> {
        let mut texts: Vec<&str> = row.path.strip_prefix('/').ok_or("a path starts with /")?.split('/').collect();
        let rest = texts.last().is_some_and(|last| last.starts_with('{') && last.ends_with(":rest}"));
        if rest || texts == [""] {
            texts.pop();
        }
        let method = |text: &str| Method::from_bytes(text.as_bytes()).map_err(|_| "a method is a token");
        let essence = |text: &str| -> Result<Box<str>, &'static str> {
            let simple = text.split_once('/').is_some_and(|(kind, of)| !kind.is_empty() && !of.is_empty());
            let simple = simple && !text.contains([';', ' ', '*']);
            simple.then(|| text.to_ascii_lowercase().into()).ok_or("a content type is type/subtype")
        };
        let query = |(name, kind): &(Box<str>, Box<str>)| Ok((name.clone(), Kind::parse(kind)?));
        Ok(Self {
            segments: texts.into_iter().map(Segment::parse).collect::<Result<_, _>>()?,
            rest,
            methods: row.methods.iter().map(|text| method(text)).collect::<Result<_, _>>()?,
            content_types: row.content_types.iter().map(|text| essence(text)).collect::<Result<_, _>>()?,
            query: row.query.iter().map(query).collect::<Result<_, &'static str>>()?,
        })
    }

    fn has_shape(&self, path: &CanonicalPath<'_>) -> bool {
        let count = path.segments().count();
        let fits = |(segment, text): (&Segment, &[u8])| match segment {
            Segment::Literal(literal) => **literal == *text,
            Segment::Parameter(_) => true,
        };
        (count == self.segments.len() || (self.rest && count > self.segments.len()))
            && self.segments.iter().zip(path.segments()).all(fits)
    }

    fn check(&self, head: &RequestHead) -> Result<(), Mismatch> {
        let expect = |suits: bool, mismatch| if suits { Ok(()) } else { Err(mismatch) };
        expect(self.suits_path(head.uri.path()), Mismatch::Path)?;
        expect(self.suits_method(&head.method), Mismatch::Method)?;
        expect(self.suits_content_type(head), Mismatch::ContentType)?;
        expect(self.suits_query(head.uri.query().unwrap_or_default()), Mismatch::Query)
    }

    /// A path that only normalisation gives this shape is refused where there is a parameter to check.
    fn suits_path(&self, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap_or(path);
        let texts: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
        let checked = self.segments.iter().any(|segment| matches!(segment, Segment::Parameter(_)));
        let fits = |(segment, text): (&Segment, &&str)| match segment {
            Segment::Literal(_) => true,
            Segment::Parameter(kind) => kind.suits(text),
        };
        let count = texts.len() == self.segments.len() || (self.rest && texts.len() > self.segments.len());
        !checked || (count && self.segments.iter().zip(&texts).all(fits))
    }

    fn suits_method(&self, method: &Method) -> bool {
        let head = *method == Method::HEAD && self.methods.contains(&Method::GET);
        self.methods.is_empty() || head || self.methods.contains(method)
    }

    fn suits_content_type(&self, head: &RequestHead) -> bool {
        let length = head.headers.get(header::CONTENT_LENGTH).map(HeaderValue::as_bytes);
        let body = head.headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != b"0");
        if self.content_types.is_empty() || (!body && !head.headers.contains_key(header::CONTENT_TYPE)) {
            return true;
        }
        let mut types = head.headers.get_all(header::CONTENT_TYPE).iter().map(HeaderValue::as_bytes);
        let essence = types.next().and_then(|value| value.split(|&byte| byte == b';').next()).map(<[u8]>::trim_ascii);
        let taken =
            |essence: &[u8]| self.content_types.iter().any(|known| essence.eq_ignore_ascii_case(known.as_bytes()));
        essence.is_some_and(taken) && types.next().is_none()
    }

    fn suits_query(&self, query: &str) -> bool {
        query.split(['&', ';']).all(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name.as_bytes());
            let kind = self.query.iter().find(|(known, _)| same_parameter(known.as_bytes(), &name));
            kind.is_none_or(|(_, kind)| kind.suits(value))
        })
    }
}

/// `id` is also `id[]` and ` id`, to readers that make lists or drop blanks.
fn same_parameter(known: &[u8], name: &[u8]) -> bool {
    let bare = name.split(|&byte| byte == b'[').next().unwrap_or_default();
    let bare: Vec<u8> = bare.iter().copied().filter(|&byte| byte != b'+' && !byte.is_ascii_whitespace()).collect();
    name == known || bare == known
}

impl Segment {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(parameter) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            let (_, kind) = parameter.split_once(':').ok_or("a parameter is {name:kind}")?;
            return Ok(Self::Parameter(Kind::parse(kind)?));
        }
        let rooted = format!("/{text}");
        let path = CanonicalPath::of(&rooted);
        let canonical = path.as_bytes()[1..] == *text.to_ascii_lowercase().as_bytes() && !text.is_empty();
        let plain = canonical && !text.contains(['{', '}']);
        plain
            .then(|| Self::Literal(text.to_ascii_lowercase().as_bytes().into()))
            .ok_or("a segment is a literal without percent codes and dots alone, or a whole parameter")
    }
}

impl Kind {
    fn parse(text: &str) -> Result<Self, &'static str> {
        KINDS.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind).ok_or(UNKNOWN_KIND)
    }

    /// Whether the text as it came is of this kind. Numbers have at most 18 digits, which fit into 64 bits; names at
    /// most 128 letters.
    fn suits(self, text: &str) -> bool {
        let all = |text: &str, most: usize, class: fn(u8) -> bool| {
            (1..=most).contains(&text.len()) && text.bytes().all(class)
        };
        let groups = |lengths: &[usize], class: fn(u8) -> bool| {
            let parts: Vec<&str> = text.split('-').collect();
            let fits = |(part, &length): (&&str, &usize)| part.len() == length && all(part, length, class);
            parts.len() == lengths.len() && parts.iter().zip(lengths).all(fits)
        };
        match self {
            Self::Int => all(text.strip_prefix('-').unwrap_or(text), 18, |byte| byte.is_ascii_digit()),
            Self::Hex => all(text, 128, |byte| byte.is_ascii_hexdigit()),
            Self::Uuid => groups(&[8, 4, 4, 4, 12], |byte| byte.is_ascii_hexdigit()),
            Self::Slug => all(text, 128, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')),
            Self::Date => groups(&[4, 2, 2], |byte| byte.is_ascii_digit()),
            Self::Any => !text.is_empty(),
        }
    }
}

impl Mismatch {
    fn objection(self, patch: &Patch) -> Objection {
        let status = match self {
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Query => StatusCode::BAD_REQUEST,
        };
        Objection { methods: patch.methods.clone(), ..Objection::new(Refusal::Patch, status) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderName, Version};
    use proptest::prelude::*;

    fn policy(rows: &str) -> Result<PatchPolicy, PatchError> {
        #[derive(Deserialize)]
        struct File {
            patch: Vec<PatchRow>,
        }
        let file: File = toml::from_str(rows).unwrap();
        PatchPolicy::compile(Mode::Enforce, file.patch.iter().map(|row| ("own.toml:1", row)))
    }

    const ROWS: &str = r#"
        [[patch]]
        path = "/user/{id:int}"
        methods = ["GET"]
        query = [["page", "int"]]
        [[patch]]
        path = "/user/new"
        [[patch]]
        path = "/api/{name:slug}/{rest:rest}"
        methods = ["POST"]
        content_types = ["application/json"]
    "#;

    fn status(method: &Method, target: &str, fields: &[(&'static str, &'static str)]) -> u16 {
        let headers: HeaderMap = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let head =
            RequestHead { method: method.clone(), uri: target.parse().unwrap(), version: Version::HTTP_11, headers };
        patch(&head, &policy(ROWS).unwrap()).map_or_else(|objection| objection.status.as_u16(), |()| 200)
    }

    #[test]
    fn what_does_not_suit_is_answered_by_what_is_wrong_with_it() {
        for (target, wanted) in [
            ("/user/7", 200),
            ("/USER/-7/", 200),
            ("/user/new", 200),
            ("/user/7/orders", 200),
            ("/elsewhere", 200),
            ("/user/7'%20OR%201=1", 404),
            ("/user/x", 404),
            ("/user/1234567890123456789", 404),
            ("/user/7?page=2&q=%27", 200),
            ("/user/7?page=2%27", 400),
            ("/user/7?page=2&page=x", 400),
            ("/user/7?p%61ge=x", 400),
            ("/user/7?page[]=x", 400),
        ] {
            assert_eq!(status(&Method::GET, target, &[]), wanted, "{target}");
        }
        assert_eq!(status(&Method::HEAD, "/user/7", &[]), 200);
        assert_eq!(status(&Method::DELETE, "/user/7", &[]), 405);
    }

    #[test]
    fn bodies_must_be_of_a_type_that_is_taken() {
        let post = |fields: &[(&'static str, &'static str)]| status(&Method::POST, "/api/a-b/c/d", fields);
        assert_eq!(post(&[]), 200);
        assert_eq!(post(&[("content-length", "2"), ("content-type", "Application/JSON; charset=utf-8")]), 200);
        assert_eq!(post(&[("content-length", "2")]), 415);
        assert_eq!(post(&[("content-type", "text/xml")]), 415);
        assert_eq!(status(&Method::POST, "/api/a.b/c", &[]), 404);
    }

    #[test]
    fn another_spelling_gets_round_no_patch() {
        for target in
            ["/x/../user/x'", "//user/x'", "/%75ser/x'", "/user/7;x'", "/user/7%00'", "/user/%37'", "/user/7%20"]
        {
            assert_eq!(status(&Method::GET, target, &[]), 404, "{target}");
        }
    }

    #[test]
    fn a_patch_that_cannot_mean_anything_is_an_error_with_its_place() {
        for path in ["user", "/a//b", "/{id}", "/{id:number}", "/%41", "/a{id:int}", "/..", "/{x:rest}/b"] {
            let error = policy(&format!("[[patch]]\npath = \"{path}\"")).unwrap_err();
            assert!(error.to_string().starts_with("own.toml:1: the patch for"), "{error}");
        }
        assert!(policy("[[patch]]\npath = \"/\"\ncontent_types = [\"json\"]").is_err());
        assert!(policy("[[patch]]\npath = \"/\"\nmethods = [\"G T\"]").is_err());
    }

    proptest! {
        #[test]
        fn only_integers_pass_as_integers(text in "[0-9a-z'%;.~-]{1,12}") {
            let digits = text.strip_prefix('-').unwrap_or(&text);
            let int = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let passed = status(&Method::GET, &format!("/user/{text}"), &[]) == 200;
            // A dot segment leads elsewhere.
            let path = format!("/user/{text}");
            let away = CanonicalPath::of(&path).segments().count() != 2;
            prop_assert!(passed == int || away || text == "new");
        }
    }
}
