//! The tables that `build.rs` makes, and finding things in them. The layout is described there.

use crate::{County, Place, Point, State, Zip};

static STATES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/states"));
static COUNTIES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/counties"));
static ZIPS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/zips"));
static FURTHER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/further"));
static NAMES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/names"));

const STATE: usize = 11;
const COUNTY: usize = 4;
const ZIP: usize = 17;
/// No latitude, no longitude.
const NOWHERE: i32 = 8_000_000;

pub(crate) fn find(zip: Zip) -> Option<Place> {
    let (rows, _) = ZIPS.as_chunks::<ZIP>();
    let index = rows.binary_search_by_key(&zip.0, |[a, b, c, ..]| three(*a, *b, *c)).ok()?;
    let [_, _, _, p0, p1, p2, p3, p4, p5, c0, c1, c2, n0, n1, f0, f1, f2] = *rows.get(index)?;
    let county = u16::from_le_bytes([n0, n1]);
    let (state, county_name) = self::county(county);
    Some(Place {
        zip,
        city: name(three(c0, c1, c2)),
        county: (!county_name.is_empty()).then_some(County(county)),
        state: State(state),
        point: point([p0, p1, p2], [p3, p4, p5]),
        further: widened(three(f0, f1, f2)),
    })
}

/// Every ZIP, for tests that walk through all of them.
#[cfg(test)]
pub(crate) fn zips() -> impl Iterator<Item = Zip> {
    ZIPS.as_chunks::<ZIP>().0.iter().map(|[a, b, c, ..]| Zip(three(*a, *b, *c)))
}

pub(crate) fn county(index: u16) -> (u8, &'static str) {
    let (rows, _) = COUNTIES.as_chunks::<COUNTY>();
    rows.get(usize::from(index)).map_or((0, ""), |[state, a, b, c]| (*state, name(three(*a, *b, *c))))
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
        name: name(three(*n0, *n1, *n2)),
        centre: point([*p0, *p1, *p2], [*p3, *p4, *p5]),
    }
}

pub(crate) fn further_names(at: usize) -> impl Iterator<Item = &'static str> + use<> {
    let (names, _) = further(at);
    names.as_chunks::<3>().0.iter().map(|[a, b, c]| name(three(*a, *b, *c)))
}

pub(crate) fn further_counties(at: usize) -> impl Iterator<Item = County> + use<> {
    let (_, counties) = further(at);
    counties.as_chunks::<2>().0.iter().map(|bytes| County(u16::from_le_bytes(*bytes)))
}

fn further(at: usize) -> (&'static [u8], &'static [u8]) {
    let Some([names, counties, rest @ ..]) = FURTHER.get(at..) else { return (&[], &[]) };
    let (names, rest) = rest.split_at_checked(usize::from(*names) * 3).unwrap_or_default();
    (names, rest.get(..usize::from(*counties) * 2).unwrap_or_default())
}

fn name(at: u32) -> &'static str {
    let Some([length, rest @ ..]) = NAMES.get(widened(at)..) else { return "" };
    rest.get(..usize::from(*length)).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
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
