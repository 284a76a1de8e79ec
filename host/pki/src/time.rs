//! Instants in certificates: seconds of UTC, written as UTCTime until 2049 and GeneralizedTime from 2050 (RFC 5280
//! 4.1.2.5). Refuses to know what time it is.

use std::time::Duration;

use der::{
    DateTime, Sequence,
    asn1::{GeneralizedTime, UtcTime},
};
use jiff::Timestamp;
use x509_cert::time::Time;

/// Why an instant or a period cannot stand in a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// The instant is before 1970 or after 9999.
    #[error("{0} is outside 1970 to 9999, the years a certificate can carry")]
    Range(Timestamp),
    /// The period ends before it begins.
    #[error("the validity ends at {not_after}, before it begins at {not_before}")]
    Order {
        /// Its beginning.
        not_before: Timestamp,
        /// Its end.
        not_after: Timestamp,
    },
}

/// The period in which a certificate is valid, both ends included, whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    not_before: Timestamp,
    not_after: Timestamp,
}

/// `Validity` as it is encoded.
#[derive(Clone, Copy, Sequence)]
pub(crate) struct EncodedValidity {
    not_before: Time,
    not_after: Time,
}

impl EncodedValidity {
    pub(crate) fn new(not_before: Time, not_after: Time) -> Self {
        Self { not_before, not_after }
    }
}

impl Validity {
    /// The period from `not_before` to `not_after`; fractions of a second are dropped.
    ///
    /// # Errors
    /// [`TimeError::Order`] or [`TimeError::Range`].
    pub fn new(not_before: Timestamp, not_after: Timestamp) -> Result<Self, TimeError> {
        if not_after < not_before {
            return Err(TimeError::Order { not_before, not_after });
        }
        Ok(Self { not_before: decode(encode(not_before)?), not_after: decode(encode(not_after)?) })
    }

    /// The first instant.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last instant.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether `instant` lies in the period.
    pub fn contains(&self, instant: Timestamp) -> bool {
        (self.not_before.as_second()..=self.not_after.as_second()).contains(&instant.as_second())
    }

    pub(crate) fn encode(&self) -> Result<EncodedValidity, TimeError> {
        Ok(EncodedValidity { not_before: encode(self.not_before)?, not_after: encode(self.not_after)? })
    }

    /// Real certificates are taken as they are, even with the ends exchanged: such a period contains no instant.
    pub(crate) fn decode(encoded: EncodedValidity) -> Self {
        Self { not_before: decode(encoded.not_before), not_after: decode(encoded.not_after) }
    }
}

fn date_time(instant: Timestamp) -> Result<DateTime, TimeError> {
    let seconds = u64::try_from(instant.as_second()).map_err(|_| TimeError::Range(instant))?;
    DateTime::from_unix_duration(Duration::from_secs(seconds)).map_err(|_| TimeError::Range(instant))
}

/// A GeneralizedTime whatever the year is, as seals have it (GB/T 38540).
pub(crate) fn encode_generalized(instant: Timestamp) -> Result<Time, TimeError> {
    Ok(Time::GeneralTime(GeneralizedTime::from_date_time(date_time(instant)?)))
}

pub(crate) fn encode(instant: Timestamp) -> Result<Time, TimeError> {
    let date_time = date_time(instant)?;
    if date_time.year() <= UtcTime::MAX_YEAR {
        Ok(Time::UtcTime(UtcTime::from_date_time(date_time).map_err(|_| TimeError::Range(instant))?))
    } else {
        Ok(Time::GeneralTime(GeneralizedTime::from_date_time(date_time)))
    }
}

pub(crate) fn decode(time: Time) -> Timestamp {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    // Both types reach 9999; jiff ends some hours before that year does.
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}
