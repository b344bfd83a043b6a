//! The access line. It is put together byte by byte: the general formatting machinery would cost a request more
//! than its inspection does.

use std::{
    io::Write,
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::Entry;
use crate::{
    exchange::Outcome,
    logging::{LogFormat, target},
};

/// Access lines that have not been handed to the log yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) buffer: Vec<u8>,
    calendar: Calendar,
}

impl Lines {
    /// Adds one line of the target `access`. The query is left out: it may hold secrets.
    pub(super) fn access(&mut self, format: LogFormat, entry: &Entry, outcome: &Outcome, duration: Duration) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut line = Line { buffer: &mut self.buffer, format };
        line.begin(self.calendar.at(now.as_secs()), now.subsec_micros());
        line.address("peer", entry.peer);
        line.plain("method", entry.method.as_str().as_bytes());
        line.escaped("path", entry.target.as_ref().map_or("", |target| target.path()));
        line.number("status", entry.status.map_or(0, |status| status.as_u16().into()));
        line.number("bytes", entry.bytes);
        line.number("duration_us", duration.as_micros() as u64);
        line.plain("disposition", outcome.disposition.as_str().as_bytes());
        line.plain("reason", outcome.disposition.reason().as_bytes());
        line.escaped("route", &outcome.route.name);
        line.plain("incident_id", &entry.id.hex());
        line.end();
    }
}

/// A line that is being written at the end of a buffer.
struct Line<'a> {
    buffer: &'a mut Vec<u8>,
    format: LogFormat,
}

impl Line<'_> {
    /// As `tracing_subscriber` begins its lines: RFC 3339 in UTC, to the microsecond.
    fn begin(&mut self, second: &[u8], micros: u32) {
        if self.format == LogFormat::Json {
            self.put(br#"{"timestamp":""#);
        }
        self.put(second);
        self.put(b".");
        self.put(&digits(micros.into())[DIGITS - 6..]);
        let (begin, end): (&[u8], &[u8]) = match self.format {
            LogFormat::Text => (b"Z  INFO ", b":"),
            LogFormat::Json => (br#"Z","level":"INFO","target":""#, br#"","message":"request""#),
        };
        self.put(begin);
        self.put(target::ACCESS.as_bytes());
        self.put(end);
    }

    fn name(&mut self, name: &str) {
        match self.format {
            LogFormat::Text => {
                self.put(b" ");
                self.put(name.as_bytes());
                self.put(b"=");
            }
            LogFormat::Json => {
                self.put(b",\"");
                self.put(name.as_bytes());
                self.put(b"\":");
            }
        }
    }

    /// A value that needs no escaping.
    fn plain(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.quote();
        self.put(value);
        self.quote();
    }

    fn address(&mut self, name: &str, address: IpAddr) {
        self.name(name);
        self.quote();
        match address {
            IpAddr::V4(address) => {
                for (position, octet) in address.octets().into_iter().enumerate() {
                    if position > 0 {
                        self.put(b".");
                    }
                    self.put_number(octet.into());
                }
            }
            // A vector takes whatever it is given.
            IpAddr::V6(address) => drop(write!(self.buffer, "{address}")),
        }
        self.quote();
    }

    fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        self.put_number(value);
    }

    /// A value that came from outside: it stays within its field and its line.
    fn escaped(&mut self, name: &str, value: &str) {
        self.name(name);
        self.put(b"\"");
        for byte in value.bytes() {
            match byte {
                b'"' | b'\\' => self.put(&[b'\\', byte]),
                0x20..=0x7e => self.buffer.push(byte),
                // Paths are bytes; those that are no ASCII are shown one by one.
                _ => drop(write!(self.buffer, "\\u{byte:04x}")),
            }
        }
        self.put(b"\"");
    }

    fn end(&mut self) {
        self.put(if self.format == LogFormat::Json { b"}\n" } else { b"\n" });
    }

    /// Around values that JSON takes for strings.
    fn quote(&mut self) {
        if self.format == LogFormat::Json {
            self.put(b"\"");
        }
    }

    fn put_number(&mut self, number: u64) {
        let digits = digits(number);
        let zeros = digits.iter().take(DIGITS - 1).take_while(|digit| **digit == b'0').count();
        self.put(&digits[zeros..]);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }
}

/// As many as the largest number has.
const DIGITS: usize = 20;

/// Decimal digits with leading zeros.
fn digits(mut number: u64) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    let mut place = DIGITS;
    while number > 0 {
        place -= 1;
        digits[place] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    digits
}

/// The text of the current second, which hundreds of lines share.
#[derive(Debug, Default)]
struct Calendar {
    /// Since the Unix epoch.
    second: u64,
    /// `2026-11-24T07:00:00`; empty before the first.
    text: String,
}

impl Calendar {
    fn at(&mut self, second: u64) -> &[u8] {
        if self.second != second || self.text.is_empty() {
            let (year, month, day) = civil(second / 86_400);
            let (hour, minute) = (second / 3_600 % 24, second / 60 % 60);
            self.second = second;
            self.text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}", second % 60);
        }
        self.text.as_bytes()
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
    use std::{net::Ipv4Addr, time::Instant};

    use http::{Method, StatusCode};

    use super::*;
    use crate::incident::{Disposition, IncidentId};

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
        let outcome = Outcome::ended(Disposition::InspectedClean);
        let mut lines = Lines::default();
        lines.access(format, &entry, &outcome, Duration::from_millis(2));
        String::from_utf8(lines.buffer).unwrap()
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
    fn numbers_have_no_leading_zeros() {
        for number in [0, 7, 10, 65535, u64::MAX] {
            let mut buffer = Vec::new();
            Line { buffer: &mut buffer, format: LogFormat::Text }.put_number(number);
            assert_eq!(String::from_utf8(buffer).unwrap(), number.to_string());
        }
    }

    #[test]
    fn a_second_is_written_as_rfc_3339_has_it() {
        let mut calendar = Calendar::default();
        assert_eq!(calendar.at(0), b"1970-01-01T00:00:00");
        assert_eq!(calendar.at(1_795_503_599), b"2026-11-24T06:59:59");
        assert_eq!(calendar.at(1_795_503_600), b"2026-11-24T07:00:00");
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
