//! Turns `data/places.txt` into tables that need no reading when the program starts.
//!
//! ZIPs lie in blocks of four, each row told by what differs from the row before: half as large, packed, as rows of one length. `v` is a number of seven
//! bits a byte, the lowest first; `s` is one with a sign, as `v` of 0, -1, 1, -2, …. Everything else is little-endian. Names lie in the order in which rows
//! first use them, each behind its length (one byte); a row tells a name as `v`: 0 is the next one not used before, 1 the city of the row before, n + 2 the one
//! that begins n bytes before the next one.
//! - `blocks`, sorted: its first ZIP (3), where its rows begin in `zips` (3), where the next name not used before lies in `names` (3)
//! - `zips`: how many ZIPs lie between this and the row before, doubled, and 1 more with anything further (v), city (v), latitude and longitude in thousandths
//!   of a degree, from the row before in the block (s, the latitude moved by one; 0 where unknown, then no longitude), county, an index in `counties`, from the
//!   row before in the block (s); further: count of names (v), count of counties (v), names (v each), counties from the row's (s each)
//! - `states`, sorted by code: code (2), name (3, an offset in `names`), centre (3 + 3, thousandths of a degree; [`NOWHERE`] twice where unknown)
//! - `counties`: state (1, the index in `states`), name (3)
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

use std::collections::HashMap;
use std::path::PathBuf;

/// No latitude, no longitude.
const NOWHERE: i32 = 8_000_000;

/// ZIPs of a block: so many rows are gone through at most to find one.
const BLOCK: usize = 4;

#[derive(Default)]
struct Names {
    blob: Vec<u8>,
    known: HashMap<String, u32>,
}

impl Names {
    fn next(&self) -> u32 {
        u32::try_from(self.blob.len()).unwrap()
    }

    /// Tells a name as rows do.
    fn tell(&mut self, out: &mut Vec<u8>, name: &str) {
        let next = self.next();
        let at = self.offset(name);
        variable(out, if at == next { 0 } else { 2 + next - at });
    }

    fn offset(&mut self, name: &str) -> u32 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let at = self.next();
        self.blob.push(u8::try_from(name.len()).unwrap());
        self.blob.extend_from_slice(name.as_bytes());
        self.known.insert(name.to_owned(), at);
        at
    }
}

/// A number of seven bits a byte.
fn variable(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The sign as the lowest bit, so that what is small in either direction is short.
fn zigzag(number: i32) -> u32 {
    ((number << 1) ^ (number >> 31)) as u32
}

/// What rows are told from: the row before.
#[derive(Default)]
struct Before {
    at: [i32; 2],
    county: i32,
    city: Option<String>,
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

fn main() {
    println!("cargo::rerun-if-changed=data/places.txt");
    println!("cargo::rerun-if-changed=build.rs");
    let text = std::fs::read_to_string("data/places.txt").unwrap();

    let mut names = Names::default();
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
    let (mut zip_table, mut block_table) = (Vec::new(), Vec::new());
    for block in rows.chunks(BLOCK) {
        let mut before = Before::default();
        let mut expected = block[0].zip;
        three(&mut block_table, expected);
        three(&mut block_table, u32::try_from(zip_table.len()).unwrap());
        three(&mut block_table, names.next());
        for row in block {
            let has_further = !row.further_names.is_empty() || !row.further_counties.is_empty();
            variable(&mut zip_table, (row.zip - expected) * 2 + u32::from(has_further));
            expected = row.zip + 1;
            if before.city.as_ref() == Some(&row.city) {
                variable(&mut zip_table, 1);
            } else {
                names.tell(&mut zip_table, &row.city);
                before.city = Some(row.city.clone());
            }
            if row.at[0] == NOWHERE {
                variable(&mut zip_table, 0);
            } else {
                variable(&mut zip_table, 1 + zigzag(row.at[0] - before.at[0]));
                variable(&mut zip_table, zigzag(row.at[1] - before.at[1]));
                before.at = row.at;
            }
            let county = i32::from(row.county);
            variable(&mut zip_table, zigzag(county - before.county));
            before.county = county;
            if has_further {
                variable(&mut zip_table, u32::try_from(row.further_names.len()).unwrap());
                variable(&mut zip_table, u32::try_from(row.further_counties.len()).unwrap());
                for name in &row.further_names {
                    names.tell(&mut zip_table, name);
                }
                let state = counties[usize::from(row.county)].0;
                for name in &row.further_counties {
                    let long = format!("{name} County");
                    let index = county_index.get(&(state, long.as_str())).or_else(|| county_index.get(&(state, name.as_str())));
                    let index = index.unwrap_or_else(|| panic!("{}: no county {name}", row.zip));
                    variable(&mut zip_table, zigzag(i32::from(*index) - county));
                }
            }
        }
    }
    let mut county_table = Vec::new();
    for (state, name) in &counties {
        county_table.push(*state);
        three(&mut county_table, names.offset(name));
    }
    let mut state_table = Vec::new();
    for state in &states {
        state_table.extend_from_slice(state.code.as_bytes());
        three(&mut state_table, names.offset(&state.name));
        point(&mut state_table, centre(&state.points));
    }

    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap());
    for (name, table) in
        [("zips", &zip_table), ("blocks", &block_table), ("counties", &county_table), ("states", &state_table), ("names", &names.blob)]
    {
        std::fs::write(out.join(name), table).unwrap();
    }
}
