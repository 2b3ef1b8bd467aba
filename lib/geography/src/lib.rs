//! US ZIP codes: city, county, state and coordinates of each, and the distance between two of them. Works offline.
//!
//! The tables are made when this is compiled, lie in the program as they are used, and are searched in place: nothing is read at the start and
//! nothing is allocated. Sources and licences are in `NOTICE` at the root; what the data can and cannot tell is in `docs/decisions/0009-geography.md`.

mod point;
mod tables;
mod text;

use std::fmt;

pub use point::{Distance, Point};
pub use text::same_city;

/// A ZIP code of five digits; not necessarily one that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zip(u32);

impl Zip {
    /// Reads `89501`, `89501-1234`, `89501 1234` or `895011234`, with blanks at its ends. Anything else is none: a ZIP whose leading zero got
    /// lost is not guessed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (digits, rest) = text.split_at_checked(5)?;
        let rest = rest.trim_start_matches([' ', '-']);
        let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let whole = all_digits(digits) && (rest.is_empty() || (rest.len() == 4 && all_digits(rest)));
        whole.then(|| digits.parse().ok().map(Self)).flatten()
    }

    /// Returns the data of the ZIP.
    #[must_use]
    pub fn place(self) -> Option<Place> {
        let tables::ZipRow { row, county, state, point } = tables::find(self.0)?;
        Some(Place { zip: self, county: county.map(County), state: State(state), point, row })
    }
}

/// Every ZIP, for tests that walk through all of them.
#[cfg(test)]
pub(crate) fn zips() -> impl Iterator<Item = Zip> {
    (0..100_000).map(Zip).filter(|zip| zip.place().is_some())
}

impl fmt::Display for Zip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}", self.0)
    }
}

/// Data of a ZIP code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The ZIP code.
    pub zip: Zip,
    /// The county that most of it belongs to; none for military addresses and some territories.
    pub county: Option<County>,
    /// The state, district, territory, freely associated state or military region.
    pub state: State,
    /// Its middle; none for military addresses and where the data has none.
    pub point: Option<Point>,
    row: u16,
}

impl Place {
    /// The city that the postal service names first for it. A postal city is not always the municipality.
    #[must_use]
    pub fn city(&self) -> &'static str {
        tables::city(self.row)
    }

    /// Further names of cities that mail to it may bear.
    pub fn further_cities(&self) -> impl Iterator<Item = &'static str> + use<> {
        tables::further_names(self.row)
    }

    /// Further counties of the same state that its area lies in, by the census of 2010: then nothing but the street tells which.
    pub fn further_counties(&self) -> impl Iterator<Item = County> + use<> {
        let known = self.county.is_some().then(|| tables::further_counties(self.row));
        known.into_iter().flatten().map(County)
    }

    /// The name of the city as the data writes it, where `text` is one of the names that mail to this ZIP may bear.
    #[must_use]
    pub fn city_named(&self, text: &str) -> Option<&'static str> {
        std::iter::once(self.city()).chain(self.further_cities()).find(|name| same_city(name, text))
    }
}

/// A county, parish, borough, census area, municipio or independent city.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct County(u16);

impl County {
    /// Its name with its kind: `Washoe County`, `Orleans Parish`.
    #[must_use]
    pub fn name(self) -> &'static str {
        tables::county(self.0).1
    }

    /// Its state.
    #[must_use]
    pub fn state(self) -> State {
        State(tables::county(self.0).0)
    }
}

/// A state of the United States, or what the postal service treats as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State(u8);

impl State {
    /// Reads `NV` or `Nevada`, without case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::all().find(|state| state.code().eq_ignore_ascii_case(text) || state.name().eq_ignore_ascii_case(text))
    }

    /// All of them, by their codes.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..tables::states()).map(Self)
    }

    /// Two letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        tables::state(self.0).code
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        tables::state(self.0).name
    }

    /// The middle of its ZIP codes: nearer to where its people live than the middle of its area. None where no ZIP of it has coordinates.
    #[must_use]
    pub fn center(self) -> Option<Point> {
        tables::state(self.0).center
    }
}
