//! The time at the restaurant.

use concierge::{store_info::Weekday, turn::LocalNow};
use jiff::{Timestamp, civil, tz::TimeZone};

/// The present moment, as the parts of a turn want it.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Seconds since 1970.
    pub unix: i64,
    /// Weekday and minutes at the restaurant.
    pub local: LocalNow,
    /// The restaurant's date.
    pub day: civil::Date,
}

/// Tells the time in one time zone.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
}

impl Clock {
    /// A clock for an IANA time zone name.
    pub fn new(zone: &str) -> Option<Self> {
        TimeZone::get(zone).ok().map(|zone| Self { zone })
    }

    /// A moment as it is printed for the restaurant's guests, such as `2026-05-31 18:05`.
    pub fn printed(&self, unix: i64) -> String {
        let moment = Timestamp::from_second(unix).map(|moment| moment.to_zoned(self.zone.clone()));
        moment.map_or_else(|_| String::new(), |moment| moment.strftime("%Y-%m-%d %H:%M").to_string())
    }

    /// Now.
    pub fn now(&self) -> Moment {
        let now = Timestamp::now();
        let local = now.to_zoned(self.zone.clone());
        let weekday = match local.weekday() {
            civil::Weekday::Monday => Weekday::Mon,
            civil::Weekday::Tuesday => Weekday::Tue,
            civil::Weekday::Wednesday => Weekday::Wed,
            civil::Weekday::Thursday => Weekday::Thu,
            civil::Weekday::Friday => Weekday::Fri,
            civil::Weekday::Saturday => Weekday::Sat,
            civil::Weekday::Sunday => Weekday::Sun,
        };
        let minutes = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        Moment { unix: now.as_second(), local: LocalNow { weekday, minutes }, day: local.date() }
    }
}

/// A moment as RFC 3339, in UTC.
pub fn rfc3339(unix: i64) -> String {
    Timestamp::from_second(unix).map_or_else(|_| String::new(), |moment| moment.to_string())
}
