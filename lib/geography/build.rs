//! Turns `data/places.txt` into tables that need no reading when the program starts.
//!
//! A ZIP's row is found by counting, and its city, state, county and coordinates without reading what other rows hold beside it; further names and counties,
//! which a third of the rows have, by going through those of a block. Rows stand in the order of their ZIPs, [`BLOCK`] to a block. `v` is a number of seven
//! bits a byte, the lowest first; everything else is little-endian. A name is told by its place among all of them, which are sorted: so they shrink most, packed.
//! - `present`, one for every 64 numbers from 00000 to 99999: how many rows lie before (2), which of the numbers are ZIPs, a bit each (8)
//! - `blocks`: what the block's coordinates and counties are told from, each the least in it (latitude and longitude 3, thousandths of a degree; county 2), how
//!   many bits each is told in (1, 1, 1), where the block begins in `bits` (3) and in `further` (3)
//! - `bits`: for each row latitude (moved by one; 0 where unknown), longitude, county (an index in `counties`); a block begins with a byte
//! - `cities`: for each row the name of its city (moved by one; 0 is that of the row before), doubled, and 1 more with anything in `further` (2)
//! - `further`: for each row that has any, eight times the count of names and the count of counties (1), names (2 each), counties (v each: twice as far as it lies
//!   behind the row's own in `counties`, one less than twice as far as it lies before it)
//! - `counties`: state (1, the index in `states`), name (2)
//! - `states`, sorted by code: code (2), name (2), centre (3 + 3, thousandths of a degree; [`NOWHERE`] twice where unknown)
//! - `names`: one behind the other
//! - `lengths`: how long each name is (1)
//! - `starts`: where every sixteenth name begins in `names` (3)
#![allow(clippy::disallowed_methods, reason = "Cargo hands its folders over as variables")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a build that cannot read its data must stop"
)]
#![allow(clippy::float_arithmetic, reason = "the centre of a state is no money")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_lossless,
    clippy::cast_sign_loss,
    reason = "thousandths of a degree fit both, and a sign that became the lowest bit is no sign"
)]

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

/// No latitude, no longitude.
const NOWHERE: i32 = 8_000_000;

/// Rows of a block. Larger ones need more bits for each row and fewer beside them, and are gone through longer for a name.
const BLOCK: usize = 32;

/// Number of names between two whose beginnings are stored.
const STRIDE: usize = 16;

/// A number of seven bits a byte.
fn variable(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Numbers of as many bits as they need, one behind the other.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are taken; 0 is all of them.
    taken: u32,
}

impl Bits {
    fn push(&mut self, number: u32, width: u32) {
        for bit in 0..width {
            if self.taken == 0 {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((number >> bit & 1) as u8) << self.taken;
            self.taken = (self.taken + 1) % 8;
        }
    }

    /// Position at which the next byte begins.
    fn start(&mut self) -> u32 {
        self.taken = 0;
        u32::try_from(self.bytes.len()).unwrap()
    }
}

/// The least of the numbers, and how many bits the others take from there.
fn span(numbers: impl Iterator<Item = i32> + Clone) -> (i32, u32) {
    let least = numbers.clone().min().unwrap_or_default();
    let most = numbers.max().unwrap_or_default();
    (least, 32 - ((most - least) as u32).leading_zeros())
}

/// Distance of a county from another, those behind it and those before it in turns.
fn away(county: u16, from: u16) -> u32 {
    let away = i32::from(county) - i32::from(from);
    if away < 0 { away.unsigned_abs() * 2 - 1 } else { away.unsigned_abs() * 2 }
}

fn three(out: &mut Vec<u8>, number: u32) {
    assert!(number < 1 << 24, "{number} does not fit three bytes");
    out.extend_from_slice(&number.to_le_bytes()[..3]);
}

fn point(out: &mut Vec<u8>, [latitude, longitude]: [i32; 2]) {
    out.extend_from_slice(&latitude.to_le_bytes()[..3]);
    out.extend_from_slice(&longitude.to_le_bytes()[..3]);
}

struct State {
    code: String,
    name: String,
    points: Vec<[i32; 2]>,
}

struct Row {
    zip: u32,
    at: [i32; 2],
    city: String,
    county: u16,
    further_names: Vec<String>,
    further_counties: Vec<String>,
}

/// The middle of the points on the globe.
fn centre(points: &[[i32; 2]]) -> [i32; 2] {
    if points.is_empty() {
        return [NOWHERE; 2];
    }
    let (mut x, mut y, mut z) = (0.0_f64, 0.0_f64, 0.0_f64);
    for [latitude, longitude] in points {
        let (latitude, longitude) = (f64::from(*latitude).to_radians() / 1000.0, f64::from(*longitude).to_radians() / 1000.0);
        x += latitude.cos() * longitude.cos();
        y += latitude.cos() * longitude.sin();
        z += latitude.sin();
    }
    let degrees = |radians: f64| (radians.to_degrees() * 1000.0).round() as i32;
    [degrees(z.atan2(x.hypot(y))), degrees(y.atan2(x))]
}

#[expect(clippy::too_many_lines, reason = "the parts of one layout, in their order")]
fn main() {
    println!("cargo::rerun-if-changed=data/places.txt");
    println!("cargo::rerun-if-changed=build.rs");
    let text = std::fs::read_to_string("data/places.txt").unwrap();

    let mut states: Vec<State> = Vec::new();
    let mut counties: Vec<(u8, String)> = Vec::new();
    // What a ZIP's further counties are called is known when its state has been read.
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(state) = line.strip_prefix('=') {
            let (code, name) = state.split_once(' ').unwrap();
            states.push(State { code: code.to_owned(), name: name.to_owned(), points: Vec::new() });
        } else if let Some(county) = line.strip_prefix('-') {
            counties.push((u8::try_from(states.len() - 1).unwrap(), county.to_owned()));
        } else {
            let mut parts = line.split('\t');
            let city = parts.next().unwrap();
            for entry in parts {
                let (entry, further_counties) = entry
                    .split_once('+')
                    .map_or((entry, Vec::new()), |(entry, rest)| (entry, rest.split('+').map(str::to_owned).collect()));
                let mut entry = entry.split('|');
                let mut numbers = entry.next().unwrap().split(' ').map(|number| number.parse::<i32>().unwrap());
                let zip = u32::try_from(numbers.next().unwrap()).unwrap();
                let at = match (numbers.next(), numbers.next()) {
                    (Some(latitude), Some(longitude)) => [latitude, longitude],
                    _ => [NOWHERE; 2],
                };
                if at[0] != NOWHERE {
                    states.last_mut().unwrap().points.push(at);
                }
                let further_names = entry.map(str::to_owned).collect();
                let county = u16::try_from(counties.len() - 1).unwrap();
                rows.push(Row { zip, at, city: city.to_owned(), county, further_names, further_counties });
            }
        }
    }
    assert!(states.is_sorted_by(|a, b| a.code < b.code), "the states are not sorted");
    rows.sort_by_key(|row| row.zip);
    assert!(rows.is_sorted_by(|a, b| a.zip < b.zip), "a ZIP stands there twice");

    let county_index: HashMap<(u8, &str), u16> =
        counties.iter().enumerate().map(|(index, (state, name))| ((*state, name.as_str()), u16::try_from(index).unwrap())).collect();
    let names: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| std::iter::once(&row.city).chain(&row.further_names))
        .chain(counties.iter().map(|(_, name)| name))
        .chain(states.iter().map(|state| &state.name))
        .map(String::as_str)
        .collect();
    let name_index: HashMap<&str, u16> = names.iter().enumerate().map(|(index, name)| (*name, u16::try_from(index).unwrap())).collect();
    assert!(names.len() < usize::from(u16::MAX / 2), "too many names to be told in two bytes beside a flag");

    let (mut bits, mut cities, mut further, mut block_table) = (Bits::default(), Vec::new(), Vec::new(), Vec::new());
    for block in rows.chunks(BLOCK) {
        let known = block.iter().filter(|row| row.at[0] != NOWHERE);
        // One below the least is left for what is unknown.
        let (south, latitude_bits) = span(known.clone().flat_map(|row| [row.at[0], row.at[0] - 1]));
        let (west, longitude_bits) = span(known.map(|row| row.at[1]));
        let (first, county_bits) = span(block.iter().map(|row| i32::from(row.county)));
        assert!(
            [latitude_bits, longitude_bits, county_bits].iter().all(|width| *width <= 25),
            "what four bytes do not hold wherever it begins"
        );
        point(&mut block_table, [south, west]);
        block_table.extend_from_slice(&(first as u16).to_le_bytes());
        block_table.extend([latitude_bits, longitude_bits, county_bits].map(|width| width as u8));
        three(&mut block_table, bits.start());
        three(&mut block_table, u32::try_from(further.len()).unwrap());
        let mut city_before = None;
        for row in block {
            let [latitude, longitude] = if row.at[0] == NOWHERE { [0, 0] } else { [row.at[0] - south, row.at[1] - west] };
            bits.push(latitude as u32, latitude_bits);
            bits.push(longitude as u32, longitude_bits);
            bits.push(u32::from(row.county) - first as u32, county_bits);

            let has_further = !row.further_names.is_empty() || !row.further_counties.is_empty();
            let city = if city_before == Some(&row.city) { 0 } else { 1 + name_index[row.city.as_str()] };
            city_before = Some(&row.city);
            cities.extend_from_slice(&(city * 2 + u16::from(has_further)).to_le_bytes());
            if has_further {
                assert!(row.further_counties.len() < 8, "{}: too many counties to be counted in three bits", row.zip);
                further.push(u8::try_from(row.further_names.len() * 8 + row.further_counties.len()).unwrap());
                for name in &row.further_names {
                    further.extend_from_slice(&name_index[name.as_str()].to_le_bytes());
                }
                let state = counties[usize::from(row.county)].0;
                for name in &row.further_counties {
                    let long = format!("{name} County");
                    let index = county_index.get(&(state, long.as_str())).or_else(|| county_index.get(&(state, name.as_str())));
                    let index = index.unwrap_or_else(|| panic!("{}: no county {name}", row.zip));
                    variable(&mut further, away(*index, row.county));
                }
            }
        }
    }
    // Reading takes four bytes wherever a number begins.
    bits.bytes.extend([0; 3]);
    let mut present = Vec::new();
    let mut before = 0_u16;
    for numbers in (0..100_000_u32).collect::<Vec<_>>().chunks(64) {
        let mut word = 0_u64;
        while let Some(row) = rows.get(usize::from(before) + word.count_ones() as usize).filter(|row| row.zip < numbers[0] + 64) {
            word |= 1 << (row.zip - numbers[0]);
        }
        present.extend_from_slice(&before.to_le_bytes());
        present.extend_from_slice(&word.to_le_bytes());
        before += word.count_ones() as u16;
    }
    assert_eq!(usize::from(before), rows.len(), "a ZIP has more than five digits");
    let mut county_table = Vec::new();
    for (state, name) in &counties {
        county_table.push(*state);
        county_table.extend_from_slice(&name_index[name.as_str()].to_le_bytes());
    }
    let mut state_table = Vec::new();
    for state in &states {
        state_table.extend_from_slice(state.code.as_bytes());
        state_table.extend_from_slice(&name_index[state.name.as_str()].to_le_bytes());
        point(&mut state_table, centre(&state.points));
    }
    let (mut name_table, mut lengths, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    for (index, name) in names.iter().enumerate() {
        if index % STRIDE == 0 {
            three(&mut starts, u32::try_from(name_table.len()).unwrap());
        }
        lengths.push(u8::try_from(name.len()).unwrap());
        name_table.extend_from_slice(name.as_bytes());
    }

    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap());
    for (name, table) in [
        ("present", &present),
        ("blocks", &block_table),
        ("bits", &bits.bytes),
        ("cities", &cities),
        ("further", &further),
        ("counties", &county_table),
        ("states", &state_table),
        ("names", &name_table),
        ("lengths", &lengths),
        ("starts", &starts),
    ] {
        std::fs::write(out.join(name), table).unwrap();
    }
}
