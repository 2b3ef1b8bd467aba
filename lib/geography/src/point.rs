//! Points on the globe and the way between them.
#![allow(clippy::float_arithmetic, reason = "distances are measures, not money; they leave here as whole metres")]

use std::fmt;

/// The earth's mean radius in metres (IUGG, R1).
const RADIUS: f64 = 6_371_008.8;

/// A point on the globe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    /// Thousandths of a degree, north positive.
    pub latitude: i32,
    /// Thousandths of a degree, east positive.
    pub longitude: i32,
}

impl Point {
    /// The great-circle distance on a globe of the earth's mean radius. The earth is flattened: the geodesic differs by half a percent at most.
    #[must_use]
    pub fn distance(self, other: Self) -> Distance {
        let radians = |thousandths: i32| (f64::from(thousandths) / 1000.0).to_radians();
        let (a, b) = (radians(self.latitude), radians(other.latitude));
        let half = |from: i32, to: i32| (radians(to - from) / 2.0).sin().powi(2);
        // The haversine: exact for near points, where the cosine rule is not.
        let h = half(self.latitude, other.latitude) + a.cos() * b.cos() * half(self.longitude, other.longitude);
        let metres = 2.0 * RADIUS * h.sqrt().min(1.0).asin();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most half the earth's girth, and never negative")]
        Distance { metres: metres.round() as u32 }
    }
}

/// A distance in whole metres. Shown in miles, with commas: `2,433 mi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Distance {
    /// Whole metres.
    pub metres: u32,
}

impl Distance {
    /// Whole international miles (1,609.344 m).
    #[must_use]
    pub fn miles(self) -> u32 {
        let millimetres = u64::from(self.metres) * 1_000;
        u32::try_from((millimetres + 804_672) / 1_609_344).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.miles() / 1_000, self.miles() % 1_000) {
            (0, miles) => write!(f, "{miles} mi"),
            (thousands, rest) => write!(f, "{thousands},{rest:03} mi"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_distances() {
        let point = |latitude, longitude| Point { latitude, longitude };
        assert_eq!(point(0, 0).distance(point(0, 0)).metres, 0);
        // A quarter and a half of the globe's girth.
        assert_eq!(point(0, 0).distance(point(90_000, 0)).metres, 10_007_557);
        assert_eq!(point(0, 0).distance(point(0, 180_000)).metres, 20_015_114);
        // Over the date line.
        assert_eq!(point(0, 179_500).distance(point(0, -179_500)).metres, 111_195);
    }

    #[test]
    fn miles_are_whole_and_have_commas() {
        for (metres, text) in
            [(0, "0 mi"), (804, "0 mi"), (805, "1 mi"), (344_400, "214 mi"), (3_915_534, "2,433 mi"), (1_609_344, "1,000 mi")]
        {
            assert_eq!(Distance { metres }.to_string(), text);
        }
    }
}
