//! The tables that `build.rs` makes of `data/places.txt`, and finding rows in them.
//!
//! A row is a ZIP. Rows are sorted by ZIP, and each column is a table of its own, which packs better than
//! records. Cities and counties are named by their position among all names, which are sorted.
//!
//! - `SECTIONS`: the first row of each of the 1,000 beginnings of three digits, and the number of rows
//! - `ENDINGS`: the last two digits of a row's ZIP
//! - `LATITUDES`, `LONGITUDES`: thousandths of a degree; `i32::MIN` for a latitude that is unknown
//! - `CITIES`: name; `COUNTIES`: a position in `COUNTY_NAMES`
//! - `FURTHER_CITIES`: row and name; `FURTHER_COUNTIES`: row and position in `COUNTY_NAMES`; sorted by row
//! - `COUNTY_NAMES`: state, as a position in the tables of states, and name; an empty name where the county
//!   is unknown
//! - `STATE_CODES`, `STATE_NAMES`, `STATE_CENTERS`: sorted by code
//! - `NAME_TEXT`: all names one behind the other; `NAME_ENDS`: the position at which each ends

use crate::point::Point;

use data::{
    CITIES, COUNTIES, COUNTY_NAMES, ENDINGS, FURTHER_CITIES, FURTHER_COUNTIES, LATITUDES, LONGITUDES, NAME_ENDS, NAME_TEXT, SECTIONS,
    STATE_CENTERS, STATE_CODES, STATE_NAMES,
};

#[allow(clippy::pedantic, clippy::nursery, clippy::restriction, reason = "numbers, written by the build script")]
mod data {
    include!(concat!(env!("OUT_DIR"), "/tables.rs"));
}

/// Data of a ZIP code as numbers.
pub(crate) struct ZipRow {
    pub row: u16,
    pub county: Option<u16>,
    pub state: u8,
    pub point: Option<Point>,
}

/// Returns the row of a ZIP.
pub(crate) fn find(zip: u32) -> Option<ZipRow> {
    let section = usize::try_from(zip / 100).ok()?;
    let (first, end) = (*SECTIONS.get(section)?, *SECTIONS.get(section + 1)?);
    let endings = ENDINGS.get(usize::from(first)..usize::from(end))?;
    let at = endings.binary_search(&u8::try_from(zip % 100).ok()?).ok()?;
    let row = first + u16::try_from(at).ok()?;
    let county = *COUNTIES.get(usize::from(row))?;
    let (state, name) = self::county(county);
    Some(ZipRow { row, county: (!name.is_empty()).then_some(county), state, point: point(row) })
}

fn point(row: u16) -> Option<Point> {
    let (latitude, longitude) = (*LATITUDES.get(usize::from(row))?, *LONGITUDES.get(usize::from(row))?);
    (latitude != i32::MIN).then_some(Point { latitude, longitude })
}

/// Returns the name of the row's city.
pub(crate) fn city(row: u16) -> &'static str {
    CITIES.get(usize::from(row)).map_or("", |index| name(*index))
}

/// Returns further names of the row's city.
pub(crate) fn further_names(row: u16) -> impl Iterator<Item = &'static str> {
    further(&FURTHER_CITIES, row).map(name)
}

/// Returns further counties that the row lies in.
pub(crate) fn further_counties(row: u16) -> impl Iterator<Item = u16> {
    further(&FURTHER_COUNTIES, row)
}

/// Returns the row's part of a table that is sorted by row.
fn further(table: &'static [(u16, u16)], row: u16) -> impl Iterator<Item = u16> {
    let rest = table.get(table.partition_point(|(of, _)| *of < row)..).unwrap_or_default();
    rest.iter().take_while(move |(of, _)| *of == row).map(|(_, value)| *value)
}

/// Returns a county's state and name.
pub(crate) fn county(index: u16) -> (u8, &'static str) {
    COUNTY_NAMES.get(usize::from(index)).map_or((0, ""), |(state, county)| (*state, name(*county)))
}

pub(crate) fn states() -> u8 {
    u8::try_from(STATE_CODES.len()).unwrap_or(u8::MAX)
}

pub(crate) struct StateRow {
    pub code: &'static str,
    pub name: &'static str,
    pub center: Option<Point>,
}

pub(crate) fn state(index: u8) -> StateRow {
    let at = usize::from(index);
    StateRow {
        code: STATE_CODES.get(at).copied().unwrap_or_default(),
        name: STATE_NAMES.get(at).map_or("", |index| name(*index)),
        center: STATE_CENTERS.get(at).copied().flatten().map(|(latitude, longitude)| Point { latitude, longitude }),
    }
}

fn name(index: u16) -> &'static str {
    let end = |index: usize| NAME_ENDS.get(index).and_then(|end| usize::try_from(*end).ok());
    let start = usize::from(index).checked_sub(1).map_or(Some(0), end);
    let range = start.zip(end(usize::from(index))).map(|(start, end)| start..end);
    range.and_then(|range| NAME_TEXT.get(range)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{State, Zip, zips};

    /// Every row can be read whole.
    #[test]
    fn every_row_is_whole() {
        let (mut count, mut pointless, mut straddling) = (0, 0, 0);
        for zip in zips() {
            let place = zip.place().unwrap();
            assert_eq!(Zip::parse(&zip.to_string()), Some(zip));
            assert!(!place.city().is_empty() && place.state.code().len() == 2 && !place.state.name().is_empty(), "{place:?}");
            assert!(place.county.is_none_or(|county| county.state() == place.state && !county.name().is_empty()), "{place:?}");
            assert!(place.further_cities().all(|name| !name.is_empty() && name != place.city()), "{place:?}");
            let mut further = place.further_counties();
            assert!(
                further.all(|county| Some(county) != place.county && county.state() == place.state && !county.name().is_empty()),
                "{place:?}"
            );
            straddling += usize::from(place.further_counties().next().is_some());
            match place.point {
                // Guam and Saipan lie east of Greenwich, American Samoa south of the equator.
                Some(Point { latitude, longitude }) => {
                    assert!((-15_000..72_000).contains(&latitude) && (-180_000..180_000).contains(&longitude), "{place:?}");
                }
                None => pointless += 1,
            }
            count += 1;
        }
        assert!(count > 42_000 && pointless < 900 && straddling > 8_000, "{count} {pointless} {straddling}");
    }

    #[test]
    fn states_are_in_order_and_have_their_middle() {
        let codes: Vec<&str> = State::all().map(State::code).collect();
        assert!(codes.is_sorted() && codes.len() > 55);
        let without: Vec<&str> = State::all().filter(|state| state.center().is_none()).map(State::code).collect();
        assert_eq!(without, ["AA", "AE", "AP", "FM"]);
        let alaska = State::parse("alaska").unwrap().center().unwrap();
        assert!((57_000..65_000).contains(&alaska.latitude) && (-158_000..-145_000).contains(&alaska.longitude), "{alaska:?}");
    }
}
