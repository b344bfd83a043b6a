//! Dates of the `Expires` attribute (RFC 6265bis section 5.1.1).

/// Seconds since the Unix epoch, or `None` for a date that browsers ignore. Dates before the epoch are 0.
pub(super) fn parse(date: &[u8]) -> Option<u64> {
    let mut found = Found::default();
    for token in date.split(|&byte| is_delimiter(byte)).filter(|token| !token.is_empty()) {
        found.take(token);
    }
    found.seconds()
}

#[derive(Default)]
struct Found {
    time: Option<(u64, u64, u64)>,
    day: Option<u64>,
    month: Option<u64>,
    year: Option<u64>,
}

impl Found {
    /// Each part is the first token that fits it, tried in the RFC's order.
    fn take(&mut self, token: &[u8]) {
        if self.time.is_none() && set(&mut self.time, time(token)) {
            return;
        }
        if self.day.is_none() && set(&mut self.day, leading_number(token, 1, 2)) {
            return;
        }
        if self.month.is_none() && set(&mut self.month, month(token)) {
            return;
        }
        if self.year.is_none() {
            set(&mut self.year, leading_number(token, 2, 4));
        }
    }

    fn seconds(&self) -> Option<u64> {
        let (hour, minute, second) = self.time?;
        let (day, month) = (self.day?, self.month?);
        let year = match self.year? {
            year @ 70..=99 => year + 1900,
            year @ 0..=69 => year + 2000,
            year => year,
        };
        let valid = (1..=31).contains(&day) && year >= 1601 && hour <= 23 && minute <= 59 && second <= 59;
        if !valid || day > days_in_month(year, month) {
            return None;
        }
        if year < 1970 {
            return Some(0);
        }
        Some(days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
    }
}

fn set<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = value;
    slot.is_some()
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e)
}

/// `hms-time`: three fields of one or two digits; what follows a non-digit is ignored.
fn time(token: &[u8]) -> Option<(u64, u64, u64)> {
    let mut fields = token.splitn(3, |&byte| byte == b':');
    let (hour, minute, second) = (fields.next()?, fields.next()?, fields.next()?);
    let all_digits = |field: &[u8]| field.iter().all(u8::is_ascii_digit);
    if !all_digits(hour) || !all_digits(minute) {
        return None;
    }
    Some((leading_number(hour, 1, 2)?, leading_number(minute, 1, 2)?, leading_number(second, 1, 2)?))
}

/// A run of `least` to `most` digits at the start of the token, followed by none.
fn leading_number(token: &[u8], least: usize, most: usize) -> Option<u64> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (least..=most)
        .contains(&digits)
        .then(|| token[..digits].iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

fn month(token: &[u8]) -> Option<u64> {
    const NAMES: [&[u8; 3]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    let start = token.get(..3)?;
    (1..).zip(NAMES).find(|(_, name)| start.eq_ignore_ascii_case(*name)).map(|(number, _)| number)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The year is 1970 or later.
fn days_since_epoch(year: u64, month: u64, day: u64) -> u64 {
    let before = |year: u64| (year - 1) * 365 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let months: u64 = (1..month).map(|month| days_in_month(year, month)).sum();
    before(year) - before(1970) + months + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_that_browsers_take_is_the_same_moment() {
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "6 nov 1994 08:49:37",
            "08:49:37 6 November 94",
            "Sun, 6-NOV-1994 8:49:37 +0200",
        ] {
            assert_eq!(parse(date.as_bytes()), Some(784_111_777), "{date}");
        }
    }

    #[test]
    fn dates_at_the_edges() {
        assert_eq!(parse(b"Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse(b"Mon, 01 Jan 1601 00:00:00 GMT"), Some(0));
        assert_eq!(parse(b"Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800));
        assert_eq!(parse(b"Fri, 31 Dec 9999 23:59:59 GMT"), Some(253_402_300_799));
    }

    #[test]
    fn what_is_no_date_is_ignored() {
        for date in ["", "never", "0", "Fri, 30 Feb 2024 00:00:00 GMT", "32 Jan 2024 00:00:00", "1 Jan 1600 00:00:00"] {
            assert_eq!(parse(date.as_bytes()), None, "{date}");
        }
        assert_eq!(parse(b"1 Jan 2024 24:00:00"), None);
    }
}
