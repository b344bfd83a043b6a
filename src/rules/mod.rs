//! What a leak looks like: rules as data (law L7). A rule is a row of a pack (`config/rules/*.toml`); this module
//! gives it its type and reads packs. `scan` compiles rules and applies them.

mod embedded;
mod json_keys;
mod pack;

pub use embedded::PACKS;
pub use json_keys::{JSON_KEYS, json_key_rules};
pub use pack::{PackError, parse_pack};

use serde::Deserialize;

use crate::incident::{Category, Severity};

/// One row of a pack, as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// Unique, kebab-case; stands in the mask token, the log and the metrics.
    pub id: String,
    /// What kind of thing it recognises.
    pub category: Category,
    /// How urgently the operator should act.
    pub severity: Severity,
    /// Framework, language or provider, where it is one's own sign.
    #[serde(default)]
    pub framework: Option<String>,
    /// One line for the operator: what this is.
    pub title: String,
    /// What to do: what to turn off, what to rotate.
    pub advice: String,
    /// What a confirmed hit does.
    pub action: Action,
    /// Which reading of the bytes is confirmed against.
    #[serde(default)]
    pub view: ViewKind,
    /// Literals of at least 3 bytes, one of which every leak contains. ASCII case is ignored unless `exact-case`.
    pub anchors: Vec<String>,
    /// Whether anchors are compared with their case.
    #[serde(default)]
    pub exact_case: bool,
    /// What else must hold around the anchor.
    #[serde(default)]
    pub confirm: Confirmation,
    /// Where the rule applies.
    #[serde(default)]
    pub scope: Scope,
    /// Regexes that read the exception's type, the file and the line off a confirmed page, for the incident.
    #[serde(default)]
    pub extract: ExtractRegexes,
    /// Whether the mask token stands in quotation marks, so that it can take the place of a whole JSON value.
    #[serde(default)]
    pub quoted: bool,
    /// Whether the rule is off unless the configuration names it (personal data, source maps).
    #[serde(default)]
    pub opt_in: bool,
    /// Texts the rule must act on.
    pub leak: Vec<Example>,
    /// Texts nothing may act on.
    pub benign: Vec<Example>,
}

/// What a confirmed rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The matched span gives way to `[redacted:<rule>]`.
    Mask,
    /// The whole response becomes a generic error.
    Replace,
    /// The hit counts towards the page's score (`policy::score`), under this kind.
    #[serde(untagged)]
    Evidence(Evidence),
}

/// What a hit says about the page. `policy::score` holds what each kind is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// A stack frame whose path or symbol belongs to a real deployment.
    Frame,
    /// A stack frame that could as well be an example.
    AnyFrame,
    /// An absolute source path with a line number.
    PathLine,
    /// An absolute path of an application.
    Path,
    /// An exception's type and message.
    Exception,
    /// A JSON or XML member that holds a stack.
    StackField,
    /// A language's own error line, e.g. PHP's `Warning: … on line N`.
    ErrorLine,
    /// The text of a database error.
    SqlError,
    /// A statement of SQL.
    SqlStatement,
    /// A name or address of the internal network.
    InternalHost,
    /// An assignment as in an environment dump or settings file.
    EnvPair,
    /// A phrase of one framework's error page.
    Fingerprint,
    /// The shape of a whole file (configuration, source, dump).
    FileShape,
}

/// Which reading of the bytes a rule is confirmed against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewKind {
    /// What a person would read: tags stripped, entities and escapes decoded.
    #[default]
    Text,
    /// The bytes as they came: for mark-up that makes a page's skeleton.
    Raw,
}

/// What must hold around an anchor. Everything given must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Confirmation {
    /// Literals that must all stand near the anchor.
    #[serde(default)]
    pub all: Vec<String>,
    /// Literals of which [`Confirmation::at_least`] must stand near the anchor.
    #[serde(default)]
    pub any: Vec<String>,
    /// How many of [`Confirmation::any`]; 1 unless given.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// Literals that must not stand near the anchor.
    #[serde(default)]
    pub none: Vec<String>,
    /// How far from the anchor, in bytes, "near" reaches to both sides; the whole block unless given.
    #[serde(default)]
    pub near: Option<usize>,
    /// Must match, searched as [`Confirmation::search`] says. A group `mask` (or `mask2`, …) is the span to mask;
    /// without it the whole match is. A group `value` is what entropy, checksum, shape and placeholders are judged
    /// by; without it the masked span is.
    #[serde(default)]
    pub regex: Option<String>,
    /// Must not match anywhere in what the regex matched.
    #[serde(default)]
    pub unless: Option<String>,
    /// Where the regex is searched.
    #[serde(default)]
    pub search: Search,
    /// How many distinct matches (of rule and block) it takes; 1 unless given.
    #[serde(default)]
    pub repeats: Option<usize>,
    /// The least Shannon entropy of the masked span, in bits per byte.
    #[serde(default)]
    pub entropy: Option<f32>,
    /// A checksum that the masked span must pass.
    #[serde(default)]
    pub checksum: Option<Checksum>,
    /// What the masked span must look like.
    #[serde(default)]
    pub value: Option<ValueShape>,
    /// Whether spans that look like placeholders (`your_key_here`, `AKIA…EXAMPLE`, `********`) are let go.
    /// On unless switched off.
    #[serde(default)]
    pub allow_placeholders: Option<bool>,
    /// The span goes on until this literal, over any distance (PEM blocks).
    #[serde(default)]
    pub until: Option<String>,
    /// Whether [`Confirmation::until`] itself belongs to the span.
    #[serde(default)]
    pub through: bool,
}

/// Where a confirmation's regex is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// The match starts where the anchor starts. Fails fast: the one to prefer.
    #[default]
    AtAnchor,
    /// The match lies in the anchor's line (at most 1 KiB to both sides).
    Line,
    /// The match lies within 1 KiB before and 4 KiB after the anchor.
    Window,
}

/// A checksum by which a token proves to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// GitHub and npm: the last 6 characters are the base-62 CRC-32 of what lies between the prefix and them.
    Crc32Base62,
    /// ISO/IEC 7812: card numbers.
    Luhn,
    /// ISO 13616: account numbers.
    Iban,
    /// RFC 7519: the first segment is the base64url of a JSON object with an `alg` member. The second does not give the
    /// role `anon`, which Supabase gives to any visitor.
    Jwt,
    /// RFC 7617: base64 of `user:password`, in which the password is no placeholder.
    BasicCredentials,
}

/// What the value of a named setting must look like to be taken for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueShape {
    /// What a machine makes: at least 12 bytes, letters and digits mixed; no word, path, URL, name or code.
    Key,
    /// What a person may choose: at least 6 bytes that are not a plain word, name or code.
    Password,
}

/// Where a rule applies. Everything by default.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scope {
    /// Which statuses.
    #[serde(default)]
    pub status: StatusScope,
    /// The anchor must start within this many bytes of the body.
    #[serde(default)]
    pub within: Option<u64>,
    /// Body, header fields or both.
    #[serde(default)]
    pub part: Part,
    /// Whether only bodies of a JSON media type are meant (`application/json`, `+json`, streams of JSON).
    #[serde(default)]
    pub json: bool,
    /// Whether only what stands in a field by accident is meant. Tokens and addresses that the client is to use stand
    /// in `Set-Cookie` (RFC 6265), `Location` (RFC 6749 section 4.2.2) and the like, policies, `Authorization` of an
    /// answer, and in fields whose names end with `token`.
    #[serde(default)]
    pub incidental: bool,
    /// Whether only what people read is meant while the status is below 400: not what a page keeps for its own forms
    /// and scripts, such as a csrf token (the contents of `script` and `textarea`, attributes of fields, of `meta` and
    /// of elements of its own).
    #[serde(default)]
    pub shown: bool,
}

/// Which statuses a rule applies to. Rules should be blind to the status (law L8) where they can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusScope {
    /// All.
    #[default]
    Any,
    /// 400 and above.
    Error,
    /// Below 400.
    Success,
}

/// Which part of a response a rule applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Body and header fields.
    #[default]
    Any,
    /// The body only.
    Body,
    /// Header field values and trailers only.
    Fields,
}

/// Regexes with one group each; the first match in the text view wins.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractRegexes {
    /// The exception's type.
    #[serde(default)]
    pub exception: Option<String>,
    /// The source file.
    #[serde(default)]
    pub file: Option<String>,
    /// The line.
    #[serde(default)]
    pub line: Option<String>,
}

/// A test row: a body, or a body with its status and type.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Example {
    /// A body under status 200 without a type.
    Body(String),
    /// A body under a status and type.
    Response(ExampleResponse),
}

/// A test row with its surroundings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleResponse {
    /// The body.
    #[serde(default)]
    pub body: String,
    /// The status; 200 unless given.
    #[serde(default)]
    pub status: Option<u16>,
    /// A header field `name: value` that carries the leak, for rules on fields.
    #[serde(default)]
    pub field: Option<String>,
}

impl Example {
    /// The body.
    pub fn body(&self) -> &str {
        match self {
            Self::Body(body) => body,
            Self::Response(response) => &response.body,
        }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Body(_) => 200,
            Self::Response(response) => response.status.unwrap_or(200),
        }
    }

    /// The header field, if the row has one.
    pub fn field(&self) -> Option<(&str, &str)> {
        match self {
            Self::Body(_) => None,
            Self::Response(response) => response.field.as_deref().and_then(|field| field.split_once(": ")),
        }
    }
}
