//! Turns `data/places.txt` into tables that need no reading when the program starts.
//!
//! All numbers are little-endian. A name is given by its offset (three bytes) in the names, where its length (one byte) precedes it. Points are two
//! signed numbers of three bytes, thousandths of a degree; [`NOWHERE`] twice where unknown.
//! - `states`, sorted by code: code (2), name (3), centre (6)
//! - `counties`: state (1, the index in `states`), name (3)
//! - `zips`, sorted: ZIP (3), point (6), city (3), county (2, the index in `counties`), further (3, an offset in `further`)
//! - `further`: count of names (1), count of counties (1), names (3 each), counties (2 each)
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a build that cannot read its data must stop"
)]
#![allow(clippy::float_arithmetic, reason = "the centre of a state is no money")]
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_lossless, reason = "thousandths of a degree fit both")]

use std::collections::HashMap;
use std::path::PathBuf;

/// No latitude, no longitude.
const NOWHERE: i32 = 8_000_000;

#[derive(Default)]
struct Names {
    blob: Vec<u8>,
    known: HashMap<String, u32>,
}

impl Names {
    fn offset(&mut self, name: &str) -> u32 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let at = u32::try_from(self.blob.len()).unwrap();
        self.blob.push(u8::try_from(name.len()).unwrap());
        self.blob.extend_from_slice(name.as_bytes());
        self.known.insert(name.to_owned(), at);
        at
    }
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
    city: u32,
    county: u16,
    further_names: Vec<u32>,
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
            let city = names.offset(parts.next().unwrap());
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
                let further_names = entry.map(|name| names.offset(name)).collect();
                let county = u16::try_from(counties.len() - 1).unwrap();
                rows.push(Row { zip, at, city, county, further_names, further_counties });
            }
        }
    }
    assert!(states.is_sorted_by(|a, b| a.code < b.code), "the states are not sorted");
    rows.sort_by_key(|row| row.zip);
    assert!(rows.is_sorted_by(|a, b| a.zip < b.zip), "a ZIP stands there twice");

    let county_index: HashMap<(u8, &str), u16> =
        counties.iter().enumerate().map(|(index, (state, name))| ((*state, name.as_str()), u16::try_from(index).unwrap())).collect();
    let (mut zip_table, mut further) = (Vec::new(), vec![0, 0]);
    for Row { zip, at, city, county, further_names, further_counties } in &rows {
        three(&mut zip_table, *zip);
        point(&mut zip_table, *at);
        three(&mut zip_table, *city);
        zip_table.extend_from_slice(&county.to_le_bytes());
        if further_names.is_empty() && further_counties.is_empty() {
            three(&mut zip_table, 0);
            continue;
        }
        three(&mut zip_table, u32::try_from(further.len()).unwrap());
        further.push(u8::try_from(further_names.len()).unwrap());
        further.push(u8::try_from(further_counties.len()).unwrap());
        for name in further_names {
            three(&mut further, *name);
        }
        let state = counties[usize::from(*county)].0;
        for name in further_counties {
            let long = format!("{name} County");
            let index = county_index.get(&(state, long.as_str())).or_else(|| county_index.get(&(state, name.as_str())));
            further.extend_from_slice(&index.unwrap_or_else(|| panic!("{zip}: no county {name}")).to_le_bytes());
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
        [("zips", &zip_table), ("counties", &county_table), ("states", &state_table), ("further", &further), ("names", &names.blob)]
    {
        std::fs::write(out.join(name), table).unwrap();
    }
}
