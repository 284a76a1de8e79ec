//! The hall's one clock, and the working days of Asia/Shanghai.
//!
//! Guarantees: a virtual clock stands still until it is moved, and only goes forward; moments are whole seconds.
//! Refuses to know: what the time is used for.

use jiff::{SignedDuration, Timestamp, civil::Date, civil::Weekday, tz};
use serde::Deserialize;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// A clock that may be shared with everything else in a simulated run.
#[derive(Clone, Debug)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The computer's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `start` until it is moved.
    pub fn virtual_at(start: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.as_second()))))
    }

    /// Now, in whole seconds.
    pub fn now(&self) -> Timestamp {
        let second = match &self.0 {
            Some(second) => second.load(Ordering::SeqCst),
            None => Timestamp::now().as_second(),
        };
        Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
    }

    /// Whether the clock can be moved.
    pub fn is_virtual(&self) -> bool {
        self.0.is_some()
    }

    /// Moves a virtual clock forward to `moment`. False, and nothing moves, when that would be backwards or the clock
    /// is the computer's.
    pub fn advance_to(&self, moment: Timestamp) -> bool {
        let Some(second) = &self.0 else { return false };
        let target = moment.as_second();
        second.fetch_max(target, Ordering::SeqCst) <= target
    }
}

/// The zone of all business dates: China Standard Time, without daylight saving since 1991.
pub fn shanghai() -> tz::TimeZone {
    tz::TimeZone::fixed(tz::offset(8))
}

/// The business date of a moment.
pub fn date(moment: Timestamp) -> Date {
    moment.to_zoned(shanghai()).date()
}

/// Seconds from `now` until the next business date begins.
pub fn until_tomorrow(now: Timestamp) -> u64 {
    let begin = date(now).tomorrow().ok().and_then(|day| day.to_zoned(shanghai()).ok());
    begin.map_or(86_400, |zoned| zoned.timestamp().as_second().abs_diff(now.as_second()))
}

/// A moment so many seconds later.
pub fn after(moment: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    moment.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Which days are worked on: Monday to Friday, without `holidays`, with `workdays` (调休).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Free days.
    #[serde(default)]
    pub holidays: Vec<Date>,
    /// Weekend days that are worked on.
    #[serde(default)]
    pub workdays: Vec<Date>,
}

impl Calendar {
    /// Whether a day is worked on.
    pub fn is_working(&self, day: Date) -> bool {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.workdays.contains(&day) || !(weekend || self.holidays.contains(&day))
    }

    /// The `days`-th working day after `day`; with 0, `day` itself.
    pub fn working_days_after(&self, day: Date, days: u32) -> Date {
        let mut day = day;
        let mut left = days;
        while left > 0 {
            let Ok(next) = day.tomorrow() else { return day };
            day = next;
            left -= u32::from(self.is_working(day));
        }
        day
    }

    /// When a job that may take `days` working days is done: at 9 o'clock of the last of them, or at once with 0.
    pub fn due(&self, from: Timestamp, days: u32) -> Timestamp {
        if days == 0 {
            return from;
        }
        let day = self.working_days_after(date(from), days);
        day.at(9, 0, 0, 0).to_zoned(shanghai()).map_or(from, |zoned| zoned.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as day;

    #[test]
    fn a_virtual_clock_only_goes_forward() {
        let start: Timestamp = "2026-03-02T01:00:00Z".parse().unwrap();
        let clock = Clock::virtual_at(start);
        let shared = clock.clone();
        assert!(clock.advance_to(after(start, 60)));
        assert!(!clock.advance_to(start));
        assert_eq!(shared.now(), after(start, 60));
        assert!(!Clock::system().advance_to(Timestamp::MAX));
    }

    #[test]
    fn working_days_leave_out_weekends_and_holidays() {
        let calendar = Calendar { holidays: vec![day(2026, 3, 9)], workdays: vec![day(2026, 3, 14)] };
        // Friday, then the weekend and a free Monday.
        assert_eq!(calendar.working_days_after(day(2026, 3, 6), 1), day(2026, 3, 10));
        assert_eq!(calendar.working_days_after(day(2026, 3, 13), 1), day(2026, 3, 14));
        assert_eq!(calendar.working_days_after(day(2026, 3, 7), 0), day(2026, 3, 7));
    }

    #[test]
    fn a_business_date_changes_at_sixteen_utc() {
        let before: Timestamp = "2026-03-02T15:59:59Z".parse().unwrap();
        assert_eq!(date(before), day(2026, 3, 2));
        assert_eq!(date(after(before, 1)), day(2026, 3, 3));
        assert_eq!(until_tomorrow(before), 1);
    }
}
