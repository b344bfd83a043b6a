//! A moment of UTC, as RFC 3339 writes it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::units::{Expected, written_as_string};

/// A moment in whole seconds, written `2027-03-31` (the day's beginning) or `2027-03-31T18:00:00Z`; from 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

const DAY: u64 = 86_400;

impl Moment {
    /// Seconds since the Unix epoch.
    pub fn seconds(self) -> u64 {
        self.0
    }
}

impl FromStr for Moment {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        const EXPECTED: Expected = Expected(r#"a date such as "2027-03-31" or "2027-03-31T18:00:00Z""#);
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, time.strip_suffix('Z').ok_or(EXPECTED)?),
            None => (text, "00:00:00"),
        };
        let [year, month, day] = numbers(date, '-', [4, 2, 2]).ok_or(EXPECTED)?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2]).ok_or(EXPECTED)?;
        if year < 1970 || !(1..=12).contains(&month) || day == 0 || hour > 23 || minute > 59 || second > 59 {
            return Err(EXPECTED);
        }
        let (first, next) = (days_before(year, month), days_before(year + month / 12, month % 12 + 1));
        if day > next - first {
            return Err(EXPECTED);
        }
        Ok(Self((first + day - 1) * DAY + hour * 3600 + minute * 60 + second))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0 / DAY, self.0 % DAY);
        let year = (1970..).take_while(|year| days_before(*year, 1) <= days).last().unwrap_or(1970);
        let month = (1..=12).take_while(|month| days_before(year, *month) <= days).last().unwrap_or(1);
        write!(f, "{year:04}-{month:02}-{:02}", days - days_before(year, month) + 1)?;
        match second {
            0 => Ok(()),
            _ => write!(f, "T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60),
        }
    }
}

written_as_string!(Moment);

/// Numbers of exactly so many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut pieces = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let piece = pieces.next().filter(|piece| piece.len() == digits && piece.bytes().all(|b| b.is_ascii_digit()))?;
        *number = piece.parse().ok()?;
    }
    pieces.next().is_none().then_some(numbers)
}

/// Days from the epoch to the first of a month in the Gregorian calendar.
fn days_before(year: u64, month: u64) -> u64 {
    const BEFORE_MONTH: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    const LEAP_DAYS_BEFORE_1970: u64 = 477;
    let leap_days = |years: u64| years / 4 - years / 100 + years / 400;
    let is_leap = leap_days(year) > leap_days(year - 1);
    let in_year = BEFORE_MONTH[(month as usize - 1) % 12] + u64::from(is_leap && month > 2);
    (year - 1970) * 365 + leap_days(year - 1) - LEAP_DAYS_BEFORE_1970 + in_year
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_and_seconds_are_read() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("1972-03-01", 68_256_000),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-24T10:30:00Z", 1_795_516_200),
            ("9999-12-31", 253_402_214_400),
        ] {
            assert_eq!(text.parse::<Moment>().map(Moment::seconds), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_on_no_calendar_is_refused() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-00-10",
            "2026-02-29",
            "2100-02-29",
            "2026-04-31",
            "2026-1-1",
            "1969-12-31",
            "2026-01-00",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00:00Z",
            "2026-01-01-01",
            "+026-01-01",
            "tomorrow",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_moment_is_read_as_it_is_written(seconds in 0..253_402_300_800u64) {
            prop_assert_eq!(Moment(seconds).to_string().parse(), Ok(Moment(seconds)));
        }
    }
}
