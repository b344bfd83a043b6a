//! The defaults, as code. The reasons stand beside the same values in `config/cofferdam.toml`; a test holds the
//! two together.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    AcceptEncoding, Admin, Breaker, ByteSize, Categories, Cookies, Csp, Duration, Headers, Host, Inspect,
    ListenAddress, Log, LogFormat, LogLevel, OnHead, OnRange, SameSiteSetting, Seal, Server, ServerTls, Upstream,
    UpstreamProtocol, UpstreamTls, WeakKeys,
};
use crate::{
    incident::Mode,
    policy::{Unreadable, UpgradePolicy},
    response::{HttpOnlyRule, SecureRule},
};

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: ListenAddress::Tcp(([127, 0, 0, 1], 8080).into()),
            workers: 0,
            max_connections: 4096,
            max_memory: ByteSize::mib(512),
            max_disk: ByteSize::mib(1024),
            max_disk_per_client: ByteSize::mib(512),
            spool_dir: PathBuf::new(),
            head_timeout: Duration::seconds(10),
            body_timeout: Duration::seconds(30),
            idle_timeout: Duration::seconds(75),
            write_timeout: Duration::seconds(30),
            drain_timeout: Duration::seconds(30),
            rate_memory: ByteSize::mib(4),
            behind_tls: false,
            h2c: false,
            trusted_proxies: Vec::new(),
            tls: ServerTls::default(),
        }
    }
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            url: None,
            protocol: UpstreamProtocol::default(),
            connect_timeout: Duration::seconds(5),
            head_timeout: Duration::seconds(60),
            body_timeout: Duration::seconds(60),
            max_requests: 0,
            queue_timeout: Duration::seconds(5),
            idle_connections: 256,
            idle_timeout: Duration::millis(1500),
            max_head: ByteSize::kib(64),
            host: Host::default(),
            accept_encoding: AcceptEncoding::default(),
            x_forwarded: true,
            forwarded: false,
            via: String::new(),
            tls: UpstreamTls::default(),
        }
    }
}

impl Default for Inspect {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            hold: ByteSize::kib(64),
            quiet: Duration::seconds(1),
            pause: Duration::millis(1),
            on_undecodable: Unreadable::default(),
            on_range: OnRange::default(),
            on_head: OnHead::default(),
            exempt_types: Vec::new(),
            replace_server_errors: false,
            upgrades: UpgradePolicy::default(),
            personal_data: Mode::Enforce,
            breaker: Breaker::default(),
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { replacements: 30, within: Duration::seconds(60), calm: Duration::seconds(300) }
    }
}

impl Default for Categories {
    fn default() -> Self {
        Self {
            debug_page: Mode::Enforce,
            stack_trace: Mode::Enforce,
            source_code: Mode::Enforce,
            env_dump: Mode::Enforce,
            session_dump: Mode::Enforce,
            secret: Mode::Enforce,
            config_file: Mode::Enforce,
            sql_error: Mode::Enforce,
            dir_listing: Mode::Enforce,
            error_message: Mode::Enforce,
            disclosing_header: Mode::Enforce,
            personal_data: Mode::Off,
        }
    }
}

impl Default for Headers {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            x_content_type_options: "nosniff".to_owned(),
            x_frame_options: "SAMEORIGIN".to_owned(),
            referrer_policy: "strict-origin-when-cross-origin".to_owned(),
            strict_transport_security: "max-age=31536000".to_owned(),
            content_security_policy: String::new(),
            csp: Csp::default(),
            cross_origin_opener_policy: String::new(),
            cross_origin_resource_policy: String::new(),
            permissions_policy: String::new(),
            set: BTreeMap::new(),
            force: Vec::new(),
            remove: DISCLOSING_HEADERS.map(str::to_owned).to_vec(),
            keep: Vec::new(),
        }
    }
}

/// Fields that tell a visitor nothing but what the application is made of and what went wrong in it: those that
/// `response::Removal` takes away by itself.
const DISCLOSING_HEADERS: [&str; 21] = [
    "phpdebugbar-id",
    "server",
    "x-aspnet*",
    "x-backend-server",
    "x-backtrace",
    "x-chromelogger-data",
    "x-chromephp-data",
    "x-clockwork-*",
    "x-debug",
    "x-debug-*",
    "x-exception",
    "x-generator",
    "x-powered-*",
    "x-rack-cache",
    "x-readtime",
    "x-runtime",
    "x-server",
    "x-sourcefiles",
    "x-traceback",
    "x-web-console-*",
    "x-wf-*",
];

impl Default for Cookies {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            secure: SecureRule::default(),
            http_only: HttpOnlyRule::default(),
            script_readable: ["csrftoken", "csrfToken", "_xsrf", "XSRF-TOKEN"].map(str::to_owned).to_vec(),
            same_site: SameSiteSetting::Lax,
            partitioned: false,
            max_lifetime: Duration::default(),
            max_size: ByteSize::kib(4),
            seal: Seal::default(),
            weak_keys: WeakKeys::default(),
            rule: Vec::new(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::default(), level: LogLevel::default(), access: true, fingerprint_key: None }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: Some(ListenAddress::Tcp(([127, 0, 0, 1], 9464).into())) }
    }
}
