//! The access line. It is written straight into a buffer: the general machinery would cost a request more than
//! its inspection does.

use std::{
    fmt::Display,
    io::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::Entry;
use crate::{
    exchange::Outcome,
    logging::{LogFormat, target},
};

/// A line that is being written at the end of a buffer.
#[derive(Debug)]
pub(super) struct Line<'a> {
    buffer: &'a mut Vec<u8>,
    format: LogFormat,
}

impl<'a> Line<'a> {
    pub(super) fn new(buffer: &'a mut Vec<u8>, format: LogFormat) -> Self {
        Self { buffer, format }
    }

    /// One line of the target `access`. The query is left out: it may hold secrets.
    pub(super) fn access(mut self, entry: &Entry, outcome: &Outcome, duration: Duration) {
        self.begin(SystemTime::now());
        self.text("peer", entry.peer);
        self.text("method", &entry.method);
        self.escaped("path", entry.target.as_ref().map_or("", |target| target.path()));
        self.number("status", entry.status.map_or(0, |status| status.as_u16()));
        self.number("bytes", entry.bytes);
        self.number("duration_us", duration.as_micros());
        self.text("disposition", outcome.disposition.as_str());
        self.text("reason", outcome.disposition.reason());
        self.escaped("route", &outcome.route.name);
        self.text("incident_id", entry.id);
        self.end();
    }

    fn begin(&mut self, now: SystemTime) {
        let time = Timestamp(now);
        match self.format {
            LogFormat::Text => self.print(format_args!("{time}  INFO {}:", target::ACCESS)),
            LogFormat::Json => {
                self.print(format_args!(
                    r#"{{"timestamp":"{time}","level":"INFO","target":"{}","message":"request""#,
                    target::ACCESS
                ));
            }
        }
    }

    /// A value that needs no escaping.
    fn text(&mut self, name: &str, value: impl Display) {
        match self.format {
            LogFormat::Text => self.print(format_args!(" {name}={value}")),
            LogFormat::Json => self.print(format_args!(r#","{name}":"{value}""#)),
        }
    }

    fn number(&mut self, name: &str, value: impl Display) {
        match self.format {
            LogFormat::Text => self.print(format_args!(" {name}={value}")),
            LogFormat::Json => self.print(format_args!(r#","{name}":{value}"#)),
        }
    }

    /// A value that came from outside: it stays within its field and its line.
    fn escaped(&mut self, name: &str, value: &str) {
        match self.format {
            LogFormat::Text => self.print(format_args!(" {name}=\"")),
            LogFormat::Json => self.print(format_args!(r#","{name}":""#)),
        }
        for byte in value.bytes() {
            match byte {
                b'"' | b'\\' => self.buffer.extend_from_slice(&[b'\\', byte]),
                0x20..=0x7e => self.buffer.push(byte),
                // Paths are bytes; those that are no ASCII are shown one by one.
                _ => self.print(format_args!("\\u{byte:04x}")),
            }
        }
        self.buffer.push(b'"');
    }

    fn end(&mut self) {
        if self.format == LogFormat::Json {
            self.buffer.push(b'}');
        }
        self.buffer.push(b'\n');
    }

    fn print(&mut self, arguments: std::fmt::Arguments<'_>) {
        // A vector takes whatever it is given.
        let _never = self.buffer.write_fmt(arguments);
    }
}

/// RFC 3339 in UTC, to the microsecond, as `tracing_subscriber` writes it.
struct Timestamp(SystemTime);

impl Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (seconds, micros) = (since.as_secs(), since.subsec_micros());
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// The date `days` after 1970-01-01 in the Gregorian calendar. Counted in years that begin in March, a leap day is
/// the last day of a year and months have a regular pattern of lengths: 153 days in every five.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_FROM_YEAR_0: u64 = 719_468;
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let days = days + DAYS_FROM_YEAR_0;
    let (era, day) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day_of_month)
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, sync::Arc, time::Instant};

    use http::{Method, StatusCode};

    use super::*;
    use crate::incident::{Disposition, IncidentId, Mode};

    fn line(format: LogFormat, target: &str) -> String {
        let entry = Entry {
            id: IncidentId::from_random([7; 12]),
            peer: Ipv4Addr::LOCALHOST.into(),
            method: Method::GET,
            target: Some(target.parse().unwrap()),
            started: Instant::now(),
            status: Some(StatusCode::OK),
            bytes: 12,
        };
        let outcome = Outcome {
            disposition: Disposition::InspectedClean,
            mode: Mode::Enforce,
            route: Arc::default(),
            incident: None,
            objections: Vec::new(),
            sealing: Default::default(),
            cors: None,
            candidates: Vec::new(),
        };
        let mut buffer = Vec::new();
        Line::new(&mut buffer, format).access(&entry, &outcome, Duration::from_millis(2));
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn a_json_line_parses_whatever_the_path_and_shows_no_query() {
        for path in ["/a", "/a%22%0a", "/\u{e9}\"x", "/'{}"] {
            let text = line(LogFormat::Json, &format!("{path}?token=hunter2"));
            assert!(text.ends_with('\n') && text.matches('\n').count() == 1);
            let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(parsed["status"], 200);
            assert_eq!(parsed["duration_us"], 2000);
            assert!(!text.contains("hunter2"));
        }
    }

    #[test]
    fn a_text_line_is_one_line() {
        let text = line(LogFormat::Text, "/a\"b?x");
        assert!(text.contains(r#" path="/a\"b" status=200 bytes=12 duration_us=2000 "#), "{text}");
    }

    #[test]
    fn days_become_dates() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (20_781, (2026, 11, 24)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil(days), date, "{days}");
        }
    }
}
