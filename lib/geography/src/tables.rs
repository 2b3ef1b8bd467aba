//! The tables that `build.rs` makes, and finding things in them. The layout is described there.

use crate::point::Point;

static PRESENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/present"));
static BLOCKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/blocks"));
static BITS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bits"));
static CITIES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cities"));
static FURTHER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/further"));
static COUNTIES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/counties"));
static STATES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/states"));
static NAMES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/names"));
static LENGTHS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lengths"));
static STARTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/starts"));

const PRESENCE: usize = 10;
const BLOCK: usize = 17;
/// Rows of a block.
const ROWS: u16 = 32;
const COUNTY: usize = 3;
const STATE: usize = 10;
/// Names between two of which it is known where they begin.
const STRIDE: u16 = 16;
/// No latitude, no longitude.
const NOWHERE: i32 = 8_000_000;

/// Base values and positions of a block's rows.
struct Block {
    latitude: i32,
    longitude: i32,
    county: u16,
    /// Bits of a latitude, a longitude and a county.
    widths: [u8; 3],
    bits: usize,
    further: usize,
}

impl Block {
    fn of(row: u16) -> Option<Self> {
        let (blocks, _) = BLOCKS.as_chunks::<BLOCK>();
        let [a0, a1, a2, o0, o1, o2, c0, c1, w0, w1, w2, b0, b1, b2, f0, f1, f2] = *blocks.get(usize::from(row / ROWS))?;
        Some(Self {
            latitude: three_signed([a0, a1, a2]),
            longitude: three_signed([o0, o1, o2]),
            county: u16::from_le_bytes([c0, c1]),
            widths: [w0, w1, w2],
            bits: widened(three(b0, b1, b2)),
            further: widened(three(f0, f1, f2)),
        })
    }
}

/// The name of the row's city, moved by one and 0 if it is the one before's, and whether there is anything further.
fn city_told(row: u16) -> (u16, bool) {
    let (cities, _) = CITIES.as_chunks();
    let told = cities.get(usize::from(row)).map_or(0, |told| u16::from_le_bytes(*told));
    (told / 2, told % 2 == 1)
}

/// The row's city.
pub(crate) fn city(row: u16) -> &'static str {
    let block = row - row % ROWS;
    let told = (block..=row).rev().map(|row| city_told(row).0).find(|told| *told != 0);
    told.map_or("", |told| name(told - 1))
}

/// Further names and counties of a row, not read yet.
#[derive(Default)]
struct Further {
    bytes: &'static [u8],
    names: u8,
    counties: u8,
}

impl Further {
    fn of(row: u16) -> Option<Self> {
        if !city_told(row).1 {
            return None;
        }
        let block = row - row % ROWS;
        let mut further = Self { bytes: FURTHER.get(Block::of(row)?.further..)?, ..Self::default() };
        for _ in (block..row).filter(|row| city_told(*row).1) {
            further = further.next()?;
        }
        further.next()
    }

    /// Those of the next row that has any.
    fn next(mut self) -> Option<Self> {
        while self.name().is_some() {}
        while self.away().is_some() {}
        let (count, bytes) = self.bytes.split_first()?;
        Some(Self { bytes, names: count / 8, counties: count % 8 })
    }

    fn name(&mut self) -> Option<u16> {
        self.names = self.names.checked_sub(1)?;
        let (told, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(u16::from_le_bytes(*told))
    }

    /// Distance of the next of the counties from the row's own, once the names are read.
    fn away(&mut self) -> Option<i32> {
        self.counties = self.counties.checked_sub(1)?;
        let told = variable(&mut self.bytes)?;
        let away = told.div_ceil(2).cast_signed();
        Some(if told % 2 == 0 { away } else { -away })
    }
}

/// Further names of the row's city.
pub(crate) fn further_names(row: u16) -> impl Iterator<Item = &'static str> + use<> {
    let mut further = Further::of(row).unwrap_or_default();
    std::iter::from_fn(move || further.name()).map(name)
}

/// Further counties that the row lies in, whose own is `county`.
pub(crate) fn further_counties(row: u16, county: u16) -> impl Iterator<Item = u16> + use<> {
    let mut further = Further::of(row).unwrap_or_default();
    while further.name().is_some() {}
    std::iter::from_fn(move || further.away()).filter_map(move |away| u16::try_from(i32::from(county) + away).ok())
}

/// Data of a ZIP code as numbers.
pub(crate) struct ZipRow {
    pub row: u16,
    pub county: Option<u16>,
    pub state: u8,
    pub point: Option<Point>,
}

pub(crate) fn find(zip: u32) -> Option<ZipRow> {
    let (words, _) = PRESENT.as_chunks::<PRESENCE>();
    let [b0, b1, present @ ..] = *words.get(widened(zip / 64))?;
    let (present, bit) = (u64::from_le_bytes(present), 1_u64 << (zip % 64));
    if present & bit == 0 {
        return None;
    }
    // As many ZIPs lie before it: at most 63 of its own word.
    let row = u16::from_le_bytes([b0, b1]) + u16::try_from((present & (bit - 1)).count_ones()).ok()?;
    zip_row(row)
}

fn zip_row(row: u16) -> Option<ZipRow> {
    let block = Block::of(row)?;
    let widths = block.widths.map(usize::from);
    let [latitude_bits, longitude_bits, county_bits] = widths;
    let at = block.bits * 8 + usize::from(row % ROWS) * widths.iter().sum::<usize>();
    let (latitude, longitude) = (bits(at, latitude_bits)?, bits(at + latitude_bits, longitude_bits)?);
    let county = block.county + u16::try_from(bits(at + latitude_bits + longitude_bits, county_bits)?).ok()?;
    let (state, county_name) = self::county(county);
    Some(ZipRow {
        row,
        county: (!county_name.is_empty()).then_some(county),
        state,
        point: (latitude != 0)
            .then_some(Point { latitude: block.latitude + latitude.cast_signed(), longitude: block.longitude + longitude.cast_signed() }),
    })
}

/// The number of so many bits, at most 25, that begins at this bit.
fn bits(at: usize, width: usize) -> Option<u32> {
    let four = BITS.get(at / 8..)?.first_chunk()?;
    Some((u32::from_le_bytes(*four) >> (at % 8)) & ((1 << width) - 1))
}

pub(crate) fn county(index: u16) -> (u8, &'static str) {
    let (rows, _) = COUNTIES.as_chunks::<COUNTY>();
    rows.get(usize::from(index)).map_or((0, ""), |[state, a, b]| (*state, name(u16::from_le_bytes([*a, *b]))))
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
    let Some([code @ .., n0, n1, p0, p1, p2, p3, p4, p5]) = rows.get(usize::from(index)) else {
        return StateRow { code: "", name: "", centre: None };
    };
    StateRow {
        code: std::str::from_utf8(code).unwrap_or_default(),
        name: name(u16::from_le_bytes([*n0, *n1])),
        centre: point([*p0, *p1, *p2], [*p3, *p4, *p5]),
    }
}

fn name(index: u16) -> &'static str {
    find_name(index).unwrap_or_default()
}

fn find_name(index: u16) -> Option<&'static str> {
    let (starts, _) = STARTS.as_chunks();
    let [a, b, c] = *starts.get(usize::from(index / STRIDE))?;
    let before = LENGTHS.get(usize::from(index - index % STRIDE)..usize::from(index))?;
    let at = widened(three(a, b, c)) + before.iter().map(|length| usize::from(*length)).sum::<usize>();
    let length = usize::from(*LENGTHS.get(usize::from(index))?);
    std::str::from_utf8(NAMES.get(at..at + length)?).ok()
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

fn three(a: u8, b: u8, c: u8) -> u32 {
    u32::from_le_bytes([a, b, c, 0])
}

/// Offsets of three bytes fit every machine that this runs on.
fn widened(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// The sign goes along when the three bytes are the upper ones.
fn three_signed([a, b, c]: [u8; 3]) -> i32 {
    i32::from_le_bytes([0, a, b, c]) >> 8
}

fn point(latitude: [u8; 3], longitude: [u8; 3]) -> Option<Point> {
    let (latitude, longitude) = (three_signed(latitude), three_signed(longitude));
    (latitude != NOWHERE).then_some(Point { latitude, longitude })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{State, Zip, zips};

    /// Every row can be read whole: no offset leads astray.
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
        let without: Vec<&str> = State::all().filter(|state| state.centre().is_none()).map(State::code).collect();
        assert_eq!(without, ["AA", "AE", "AP", "FM"]);
        let alaska = State::parse("alaska").unwrap().centre().unwrap();
        assert!((57_000..65_000).contains(&alaska.latitude) && (-158_000..-145_000).contains(&alaska.longitude), "{alaska:?}");
    }
}
