//! `[guard.rate]`: how often clients may ask, and sign in.

use serde::{Deserialize, Serialize};

use super::Duration;
use crate::{incident::Mode, request::Cidr};

/// How often clients may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rate {
    /// The position of the limits on all requests.
    pub mode: RateMode,
    /// Requests a minute with one session cookie; 0 is no limit.
    pub session: u32,
    /// Requests a minute of one address without a session cookie; 0 is no limit.
    pub anonymous: u32,
    /// Requests a minute of one address with session cookies, whichever; 0 is no limit.
    pub address: u32,
    /// Names of session cookies, or patterns with `*`.
    pub session_cookies: Vec<String>,
    /// Addresses that are not counted.
    pub exempt: Vec<Cidr>,
    /// Requests to sign in.
    pub login: Login,
}

/// The position of the limits on all requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateMode {
    /// Observe in profile `lockdown`, else off.
    #[default]
    ByProfile,
    /// Nothing is counted.
    Off,
    /// What is beyond a limit is reported.
    Observe,
    /// What is beyond a limit is refused.
    Enforce,
}

/// Limits and lock-out where clients sign in; by address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// Where one signs in.
    pub paths: Vec<String>,
    /// Requests to sign in a minute; 0 is no limit.
    pub per_minute: u32,
    /// Statuses by which the application says that a sign-in failed.
    pub failed: Vec<String>,
    /// Failures in a row before the first lock-out.
    pub free_failures: u32,
    /// How long the first lock-out takes; every further failure doubles it. 0 locks nobody out.
    pub first_lockout: Duration,
    /// The longest lock-out.
    pub longest_lockout: Duration,
    /// Failures are forgotten after so long without another.
    pub forget_after: Duration,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            mode: RateMode::ByProfile,
            session: 100,
            anonymous: 20,
            address: 1000,
            session_cookies: ["session", "sessionid", "*.sid", "*_session", "*SESS*"].map(str::to_owned).to_vec(),
            exempt: Vec::new(),
            login: Login::default(),
        }
    }
}

impl Default for Login {
    fn default() -> Self {
        const PATHS: [&str; 6] = ["/login", "/signin", "/sign_in", "/users/sign_in", "/accounts/login", "/auth/login"];
        Self {
            mode: Mode::Observe,
            paths: PATHS.map(str::to_owned).to_vec(),
            per_minute: 10,
            failed: ["400", "401", "403", "422"].map(str::to_owned).to_vec(),
            free_failures: 5,
            first_lockout: Duration::seconds(30),
            longest_lockout: Duration::seconds(3600),
            forget_after: Duration::seconds(900),
        }
    }
}
