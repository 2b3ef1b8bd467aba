//! The tables that `build.rs` makes, and finding things in them. The layout is described there.

use crate::{County, Place, Point, State, Zip};

static STATES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/states"));
static COUNTIES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/counties"));
static ZIPS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/zips"));
static BLOCKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/blocks"));
static NAMES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/names"));

const STATE: usize = 11;
const COUNTY: usize = 4;
const BLOCK: usize = 9;
/// No latitude, no longitude.
const NOWHERE: i32 = 8_000_000;

/// A block's rows, as far as they were read.
struct Rows {
    bytes: &'static [u8],
    /// Where the next name that no row before has used lies.
    next_name: usize,
    /// The ZIP that the next row is if none lies between.
    expected: u32,
    city: usize,
    latitude: i32,
    longitude: i32,
    county: i32,
}

/// A row as it is told: where names lie, not what they are.
struct Row {
    zip: Zip,
    city: usize,
    point: Option<Point>,
    further: Further,
}

/// What lies behind a row: further names and counties, not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Further {
    bytes: &'static [u8],
    next_name: usize,
    /// The row's own.
    county: i32,
    names: u32,
    counties: u32,
}

impl Rows {
    /// Those of the block that this ZIP is in, if it is in any.
    fn around(zip: Zip) -> Option<Self> {
        let (blocks, _) = BLOCKS.as_chunks::<BLOCK>();
        let later = blocks.partition_point(|[a, b, c, ..]| three(*a, *b, *c) <= zip.0);
        let [a, b, c, z0, z1, z2, n0, n1, n2] = *blocks.get(later.checked_sub(1)?)?;
        let end = blocks.get(later).map_or(ZIPS.len(), |[_, _, _, a, b, c, ..]| widened(three(*a, *b, *c)));
        Some(Self {
            bytes: ZIPS.get(widened(three(z0, z1, z2))..end)?,
            next_name: widened(three(n0, n1, n2)),
            expected: three(a, b, c),
            city: 0,
            latitude: 0,
            longitude: 0,
            county: 0,
        })
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let between = variable(&mut self.bytes)?;
        let zip = Zip(self.expected + (between >> 1));
        self.expected = zip.0 + 1;
        match variable(&mut self.bytes)? {
            1 => {}
            told => self.city = told_name(told, &mut self.next_name),
        }
        let mut point = None;
        if let Some(latitude) = variable(&mut self.bytes)?.checked_sub(1) {
            self.latitude += signed(latitude);
            self.longitude += signed(variable(&mut self.bytes)?);
            point = Some(Point { latitude: self.latitude, longitude: self.longitude });
        }
        self.county += signed(variable(&mut self.bytes)?);
        let mut further = Further { bytes: &[], next_name: self.next_name, county: self.county, names: 0, counties: 0 };
        if between & 1 == 1 {
            further.names = variable(&mut self.bytes)?;
            further.counties = variable(&mut self.bytes)?;
            further.bytes = self.bytes;
            let mut rest = further;
            while rest.told().is_some() {}
            while rest.county().is_some() {}
            (self.bytes, self.next_name) = (rest.bytes, rest.next_name);
        }
        Some(Row { zip, city: self.city, point, further })
    }
}

impl Row {
    fn place(self) -> Option<Place> {
        let county = u16::try_from(self.further.county).ok()?;
        let (state, county_name) = self::county(county);
        Some(Place {
            zip: self.zip,
            city: name(self.city),
            county: (!county_name.is_empty()).then_some(County(county)),
            state: State(state),
            point: self.point,
            further: self.further,
        })
    }
}

impl Further {
    /// Where the next of the names lies.
    fn told(&mut self) -> Option<usize> {
        self.names = self.names.checked_sub(1)?;
        let told = variable(&mut self.bytes)?;
        Some(told_name(told, &mut self.next_name))
    }

    /// The next of the names.
    pub(crate) fn name(&mut self) -> Option<&'static str> {
        self.told().map(name)
    }

    /// The next of the counties, once the names are read.
    fn county(&mut self) -> Option<County> {
        self.counties = self.counties.checked_sub(1)?;
        let away = signed(variable(&mut self.bytes)?);
        u16::try_from(self.county + away).ok().map(County)
    }

    /// The further counties.
    pub(crate) fn counties(mut self) -> impl Iterator<Item = County> + use<> {
        while self.told().is_some() {}
        std::iter::from_fn(move || self.county())
    }
}

pub(crate) fn find(zip: Zip) -> Option<Place> {
    Rows::around(zip)?.find(|row| row.zip >= zip).filter(|row| row.zip == zip)?.place()
}

/// Every ZIP, for tests that walk through all of them.
#[cfg(test)]
pub(crate) fn zips() -> impl Iterator<Item = Zip> {
    let (blocks, _) = BLOCKS.as_chunks::<BLOCK>();
    blocks.iter().filter_map(|[a, b, c, ..]| Rows::around(Zip(three(*a, *b, *c)))).flatten().map(|row| row.zip)
}

pub(crate) fn county(index: u16) -> (u8, &'static str) {
    let (rows, _) = COUNTIES.as_chunks::<COUNTY>();
    rows.get(usize::from(index)).map_or((0, ""), |[state, a, b, c]| (*state, name(widened(three(*a, *b, *c)))))
}

pub(crate) fn states() -> u8 {
    u8::try_from(STATES.len() / STATE).unwrap_or(u8::MAX)
}

pub(crate) struct StateRow {
    pub code: &'static str,
    pub name: &'static str,
    pub centre: Option<Point>,
}

pub(crate) fn state(index: u8) -> StateRow {
    let (rows, _) = STATES.as_chunks::<STATE>();
    let Some([code @ .., n0, n1, n2, p0, p1, p2, p3, p4, p5]) = rows.get(usize::from(index)) else {
        return StateRow { code: "", name: "", centre: None };
    };
    StateRow {
        code: std::str::from_utf8(code).unwrap_or_default(),
        name: name(widened(three(*n0, *n1, *n2))),
        centre: point([*p0, *p1, *p2], [*p3, *p4, *p5]),
    }
}

/// Where the name lies that a row tells.
fn told_name(told: u32, next: &mut usize) -> usize {
    if let Some(back) = told.checked_sub(2) {
        return next.saturating_sub(widened(back));
    }
    let at = *next;
    *next += 1 + NAMES.get(at).map_or(0, |length| usize::from(*length));
    at
}

fn name(at: usize) -> &'static str {
    let Some([length, rest @ ..]) = NAMES.get(at..) else { return "" };
    rest.get(..usize::from(*length)).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

/// The next number of seven bits a byte.
fn variable(bytes: &mut &'static [u8]) -> Option<u32> {
    let mut number = 0;
    for shift in (0..32).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// A number whose lowest bit is its sign.
fn signed(number: u32) -> i32 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn three(a: u8, b: u8, c: u8) -> u32 {
    u32::from_le_bytes([a, b, c, 0])
}

/// Offsets of three bytes fit every machine that this runs on.
fn widened(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn point(latitude: [u8; 3], longitude: [u8; 3]) -> Option<Point> {
    // The sign goes along when the three bytes are the upper ones.
    let signed = |[a, b, c]: [u8; 3]| i32::from_le_bytes([0, a, b, c]) >> 8;
    let (latitude, longitude) = (signed(latitude), signed(longitude));
    (latitude != NOWHERE).then_some(Point { latitude, longitude })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Every row can be read whole: no offset leads astray.
    #[test]
    fn every_row_is_whole() {
        let (mut count, mut pointless, mut straddling) = (0, 0, 0);
        for zip in zips() {
            let place = zip.place().unwrap();
            assert_eq!(Zip::parse(&zip.to_string()), Some(zip));
            assert!(!place.city.is_empty() && place.state.code().len() == 2 && !place.state.name().is_empty(), "{place:?}");
            assert!(place.county.is_none_or(|county| county.state() == place.state && !county.name().is_empty()), "{place:?}");
            assert!(place.further_cities().all(|name| !name.is_empty() && name != place.city), "{place:?}");
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
        let without: Vec<&str> = State::all().filter(|state| state.centre().is_none()).map(State::code).collect();
        assert_eq!(without, ["AA", "AE", "AP", "FM"]);
        let alaska = State::parse("alaska").unwrap().centre().unwrap();
        assert!((57_000..65_000).contains(&alaska.latitude) && (-158_000..-145_000).contains(&alaska.longitude), "{alaska:?}");
    }
}
