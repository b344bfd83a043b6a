//! The configuration as written. `config/cofferdam.toml` lists every key with its default and its reason; here
//! stand the names and the types.
//!
//! [`load()`] puts the sources together (defaults < preset < file < environment < flags) and [`compile`] turns the
//! result into what the rest of the program uses. Nothing but those two reads these structs.
//!
//! No key is optional: what can be unset is an empty string, 0 or an empty list, so that each key has a type, can
//! be shown with its default and can be unset by a later source.

mod address;
pub mod compile;
mod cors;
mod csp;
mod defaults;
mod environment;
mod error;
mod guard;
mod hints;
mod kernel;
mod load;
mod moment;
mod presets;
mod rate;
mod route;
mod schema;
mod sealing;
mod server;
mod shield;
mod source;
mod tls;
mod units;
mod weak_keys;

pub use address::{ListenAddress, UpstreamUrl};
pub use cors::Cors;
pub use csp::Csp;
pub use environment::Environment;
pub use error::{ConfigError, Origin};
pub use guard::{CrossSite, Endpoints, Guard, Limits, Methods, Patch};
pub use kernel::KernelSetting;
pub use load::{Flag, Loaded, Setting, Sources, load};
pub use moment::Moment;
pub use presets::PRESETS;
pub use rate::{Login, Rate, RateMode};
pub use route::Route;
pub use sealing::Seal;
pub use server::Server;
pub use shield::{Shield, ShieldMode};
pub use tls::{Certificate, ClientCertificates, ServerTls, UpstreamProtocol, UpstreamTls};
pub use units::{ByteSize, Duration, Expected, SecretError, SecretRef};
pub use weak_keys::WeakKeys;

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    cookies::Prefix,
    incident::Mode,
    policy::{Unreadable, UpgradePolicy},
    response::{HttpOnlyRule, SecureRule},
};

/// Everything that can be configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The overall stance.
    pub profile: Profile,
    /// The side of the clients.
    pub server: Server,
    /// The side of the application.
    pub upstream: Upstream,
    /// Inspection of responses.
    pub inspect: Inspect,
    /// What counts as a leak.
    pub rules: Rules,
    /// The pages that stand in for leaks.
    pub replies: Replies,
    /// Header fields of responses.
    pub headers: Headers,
    /// Cookies.
    pub cookies: Cookies,
    /// Who may read responses from other origins.
    pub cors: Cors,
    /// The guard on the way in.
    pub guard: Guard,
    /// The shield of development servers.
    pub shield: Shield,
    /// Compression towards the client.
    pub compression: Compression,
    /// What is logged.
    pub log: Log,
    /// The operator's listener.
    pub admin: Admin,
    /// Exceptions for parts of the application, tried in order.
    pub route: Vec<Route>,
}

/// The overall stance. It bounds what the sections say: `observe` lets no control act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Every control reports what it would do; responses pass byte for byte.
    Observe,
    /// Every control does what its section says.
    #[default]
    Standard,
    /// As `standard`, and every response with a status of 500 or more is replaced.
    Lockdown,
}

/// The side of the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// Where the application is. Needed by `run`.
    #[serde(with = "units::empty_is_none")]
    pub url: Option<UpstreamUrl>,
    /// What is spoken to it.
    pub protocol: UpstreamProtocol,
    /// For a connection to be made.
    pub connect_timeout: Duration,
    /// From the request's end to the response's head.
    pub head_timeout: Duration,
    /// The longest pause within a response body. Event streams and upgraded connections are exempt.
    pub body_timeout: Duration,
    /// Requests that it has at a time; 0 is no limit, or 6 while it is shielded.
    pub max_requests: usize,
    /// How long a request waits for its turn.
    pub queue_timeout: Duration,
    /// The most idle connections kept; 0 keeps none.
    pub idle_connections: usize,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// The largest response head.
    pub max_head: ByteSize,
    /// What the application gets as `Host`.
    pub host: Host,
    /// What the application is told about codings.
    pub accept_encoding: AcceptEncoding,
    /// Whether `X-Forwarded-For`, `-Proto`, `-Host` and `-Port` are sent.
    pub x_forwarded: bool,
    /// Whether `Forwarded` (RFC 7239) is sent.
    pub forwarded: bool,
    /// The pseudonym in `Via` (RFC 9110 section 7.6.3); empty sends none.
    pub via: String,
    /// TLS towards the application.
    pub tls: UpstreamTls,
}

/// What the application gets as `Host`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Host {
    /// What the client asked for.
    #[default]
    Preserve,
    /// The authority of `upstream.url`.
    Upstream,
}

/// What the application is told about codings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcceptEncoding {
    /// `Accept-Encoding: identity`: nothing needs decoding.
    #[default]
    Identity,
    /// What the client accepts.
    Forward,
}

/// Inspection of responses. Every key can be set for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inspect {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The most decoded body held before the head leaves. A power of two from 4 KiB to 1 MiB.
    pub hold: ByteSize,
    /// A body silent for so long is judged by what is there.
    pub quiet: Duration,
    /// Of a text that is silent for so long, harmless words leave. 0 for never.
    pub pause: Duration,
    /// What happens to a body that cannot be decoded.
    pub on_undecodable: Unreadable,
    /// What happens to requests for a part of a body.
    pub on_range: OnRange,
    /// What happens to requests for a head alone.
    pub on_head: OnHead,
    /// Media types that are not read. `image/*` means every image.
    pub exempt_types: Vec<String>,
    /// Whether every response with a status of 500 or more is replaced, leak or not.
    pub replace_server_errors: bool,
    /// What happens to requests to switch protocols.
    pub upgrades: UpgradePolicy,
    /// The position of personal data and of `rules.json_keys` here; never more than `rules` says.
    pub personal_data: Mode,
    /// What a storm of replacements leads to.
    pub breaker: Breaker,
}

/// When a route's pages are masked instead of replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Replacements of one page within [`Breaker::within`] that make a storm; 0 never opens the breaker.
    pub replacements: u32,
    /// The time over which they are counted.
    pub within: Duration,
    /// The breaker closes when the page would not have been replaced for so long.
    pub calm: Duration,
}

/// What happens to requests for a part of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnRange {
    /// `Range` is taken away: the whole body is asked for and inspected.
    #[default]
    Whole,
    /// `Range` is forwarded; the part is inspected by itself, and a leak across its edges may pass.
    Forward,
}

/// What happens to requests for a head alone (`HEAD`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnHead {
    /// The application is asked by `GET`, so that the head is that of the page as it would leave.
    #[default]
    Whole,
    /// `HEAD` is forwarded; the head is that of the page as it was before it was judged.
    Forward,
}

/// What counts as a leak. For all routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// A directory of rule packs besides the built-in ones; empty for none.
    pub dir: PathBuf,
    /// Ids of rules that are used although they are off by themselves.
    pub enabled: Vec<String>,
    /// Ids of rules that are not used.
    pub disabled: Vec<String>,
    /// Frameworks and languages whose rules are not used.
    pub disabled_frameworks: Vec<String>,
    /// Names of members of JSON documents whose values are masked.
    pub json_keys: Vec<String>,
    /// The kernel of the anchor filter.
    pub kernel: KernelSetting,
    /// The position of each category.
    pub categories: Categories,
}

/// The position of each category, under the names that rules and logs use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the categories are explained where they are defined, in incident::Category")]
pub struct Categories {
    pub debug_page: Mode,
    pub stack_trace: Mode,
    pub source_code: Mode,
    pub env_dump: Mode,
    pub session_dump: Mode,
    pub secret: Mode,
    pub config_file: Mode,
    pub sql_error: Mode,
    pub dir_listing: Mode,
    pub error_message: Mode,
    pub disclosing_header: Mode,
    pub personal_data: Mode,
}

/// Files that replace the built-in pages; empty for the built-in one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Replies {
    /// For browsers.
    pub html: PathBuf,
    /// For scripts.
    pub json: PathBuf,
    /// For scripts that ask for `application/problem+json` (RFC 9457).
    pub problem: PathBuf,
    /// For everything else.
    pub text: PathBuf,
}

/// Header fields of responses. Every key can be set for a route. An empty value sets no field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Headers {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// `X-Content-Type-Options`.
    pub x_content_type_options: String,
    /// `X-Frame-Options`.
    pub x_frame_options: String,
    /// `Referrer-Policy`.
    pub referrer_policy: String,
    /// `Strict-Transport-Security`; sent only where the client's side is TLS.
    pub strict_transport_security: String,
    /// `Content-Security-Policy`.
    pub content_security_policy: String,
    /// A content security policy, directive by directive.
    pub csp: Csp,
    /// `Cross-Origin-Opener-Policy`.
    pub cross_origin_opener_policy: String,
    /// `Cross-Origin-Resource-Policy`.
    pub cross_origin_resource_policy: String,
    /// `Permissions-Policy`.
    pub permissions_policy: String,
    /// Other fields to set, by name.
    pub set: BTreeMap<String, String>,
    /// Names of fields that are set even where the application sent its own.
    pub force: Vec<String>,
    /// Names of fields to take away; `x-debug-*` means every name that begins so.
    pub remove: Vec<String>,
    /// Names that stay although `remove` covers them.
    pub keep: Vec<String>,
}

/// Cookies. Every key can be set for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cookies {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// When `Secure` is added.
    pub secure: SecureRule,
    /// When `HttpOnly` is added.
    pub http_only: HttpOnlyRule,
    /// Cookies that scripts must read.
    pub script_readable: Vec<String>,
    /// `SameSite`.
    pub same_site: SameSiteSetting,
    /// Whether `Partitioned` is added to `SameSite=None; Secure`.
    pub partitioned: bool,
    /// The longest lifetime; 0 leaves it to the application.
    pub max_lifetime: Duration,
    /// The largest name and value; larger cookies are dropped. 0 is no limit.
    pub max_size: ByteSize,
    /// Cookies that leave encrypted.
    pub seal: Seal,
    /// Signatures that anyone can make.
    pub weak_keys: WeakKeys,
    /// Rules of single cookies, tried in order.
    pub rule: Vec<CookieRule>,
}

/// What happens to `SameSite`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the attribute's values are explained in cookies::SameSite")]
pub enum SameSiteSetting {
    /// The application's word stands.
    Keep,
    Strict,
    Lax,
    None,
    /// Whatever the application said.
    ForceStrict,
    ForceLax,
    ForceNone,
}

/// The rule of the cookies of one name. A key left out is as in `[cookies]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CookieRule {
    /// The name, or a pattern with `*`.
    pub name: String,
    /// When `Secure` is added.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub secure: Option<SecureRule>,
    /// When `HttpOnly` is added.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub http_only: Option<HttpOnlyRule>,
    /// `SameSite`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub same_site: Option<SameSiteSetting>,
    /// Whether `Partitioned` is added to `SameSite=None; Secure`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub partitioned: Option<bool>,
    /// The longest lifetime.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_lifetime: Option<Duration>,
    /// `__Host-~` or `__Secure-~` towards the client.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prefix: Option<Prefix>,
    /// `keep`, `remove`, or the domain to narrow to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub domain: Option<String>,
    /// `Path` is set to this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// Whether the cookie is dropped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remove: Option<bool>,
}

/// Compression towards the client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compression {
    /// When it is done.
    pub mode: CompressionMode,
}

/// When compression towards the client is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CompressionMode {
    /// Where clients connect over a network; not on a loopback listener.
    #[default]
    Auto,
    /// Wherever the client accepts it.
    On,
    /// Never.
    Off,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// For people or for machines.
    pub format: LogFormat,
    /// What is worth a line.
    pub level: LogLevel,
    /// Whether each request gets a line.
    pub access: bool,
    /// The key of the fingerprints of masked secrets; without one it is random at each start.
    #[serde(with = "units::empty_is_none")]
    pub fingerprint_key: Option<SecretRef>,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// What is worth a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the usual five")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// The operator's listener: metrics and health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Where it listens; empty for nowhere.
    #[serde(with = "units::empty_is_none")]
    pub listen: Option<ListenAddress>,
}

#[cfg(test)]
mod tests;
