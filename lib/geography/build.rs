//! Turns `data/places.txt` into sorted tables, written as Rust source, so that nothing is read when a
//! program starts. `src/tables.rs` describes them and finds rows in them.
#![allow(clippy::disallowed_methods, reason = "Cargo passes its folders as variables")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a build that cannot read its data must stop")]
#![allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    reason = "the center of a state is no money, and thousandths of a degree fit an i32"
)]

use std::collections::{BTreeSet, HashMap};
use std::fmt::{Debug, Write as _};
use std::path::PathBuf;

struct State {
    code: String,
    name: String,
    points: Vec<(i32, i32)>,
}

struct Row {
    zip: usize,
    /// Latitude and longitude in thousandths of a degree.
    point: Option<(i32, i32)>,
    city: String,
    county: usize,
    further_names: Vec<String>,
    further_counties: Vec<String>,
}

#[derive(Default)]
struct Data {
    states: Vec<State>,
    /// State, as a position in `states`, and name.
    counties: Vec<(usize, String)>,
    rows: Vec<Row>,
}

fn main() {
    println!("cargo::rerun-if-changed=data/places.txt");
    println!("cargo::rerun-if-changed=build.rs");
    let data = read(&std::fs::read_to_string("data/places.txt").unwrap());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap());
    std::fs::write(out.join("tables.rs"), tables(&data)).unwrap();
}

/// Reads the lines; their form is described in the file.
fn read(text: &str) -> Data {
    let mut data = Data::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(state) = line.strip_prefix('=') {
            let (code, name) = state.split_once(' ').unwrap();
            data.states.push(State { code: code.to_owned(), name: name.to_owned(), points: Vec::new() });
        } else if let Some(county) = line.strip_prefix('-') {
            data.counties.push((data.states.len() - 1, county.to_owned()));
        } else {
            let (city, entries) = line.split_once('\t').unwrap();
            for entry in entries.split('\t') {
                let row = row(city, entry, data.counties.len() - 1);
                data.states.last_mut().unwrap().points.extend(row.point);
                data.rows.push(row);
            }
        }
    }
    data.rows.sort_by_key(|row| row.zip);
    assert!(data.rows.is_sorted_by(|a, b| a.zip < b.zip), "a ZIP is there twice");
    assert!(data.states.is_sorted_by(|a, b| a.code < b.code), "the states are not sorted");
    data
}

fn row(city: &str, entry: &str, county: usize) -> Row {
    let mut counties = entry.split('+');
    let mut names = counties.next().unwrap().split('|');
    let numbers: Vec<i32> = names.next().unwrap().split(' ').map(|number| number.parse().unwrap()).collect();
    Row {
        zip: usize::try_from(numbers[0]).unwrap(),
        point: numbers.get(1).map(|latitude| (*latitude, numbers[2])),
        city: city.to_owned(),
        county,
        further_names: names.map(str::to_owned).collect(),
        further_counties: counties.map(str::to_owned).collect(),
    }
}

/// Returns the middle of the points on the globe.
fn center(points: &[(i32, i32)]) -> Option<(i32, i32)> {
    let (mut x, mut y, mut z) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (latitude, longitude) in points {
        let radians = |thousandths: i32| f64::from(thousandths).to_radians() / 1000.0;
        let (latitude, longitude) = (radians(*latitude), radians(*longitude));
        x += latitude.cos() * longitude.cos();
        y += latitude.cos() * longitude.sin();
        z += latitude.sin();
    }
    let thousandths = |radians: f64| (radians.to_degrees() * 1000.0).round() as i32;
    (!points.is_empty()).then(|| (thousandths(z.atan2(x.hypot(y))), thousandths(y.atan2(x))))
}

fn tables(Data { states, counties, rows }: &Data) -> String {
    let names: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| std::iter::once(&row.city).chain(&row.further_names))
        .chain(counties.iter().map(|(_, name)| name))
        .chain(states.iter().map(|state| &state.name))
        .map(String::as_str)
        .collect();
    let index: HashMap<&str, usize> = names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
    let county_index: HashMap<(usize, &str), usize> =
        counties.iter().enumerate().map(|(index, (state, name))| ((*state, name.as_str()), index)).collect();
    let county_named = |row: &Row, name: &str| {
        let state = counties[row.county].0;
        let long = format!("{name} County");
        let found = county_index.get(&(state, long.as_str())).or_else(|| county_index.get(&(state, name)));
        *found.unwrap_or_else(|| panic!("{}: no county {name}", row.zip))
    };
    let mut end = 0;
    let ends = names.iter().map(|name| {
        end += name.len();
        end
    });

    let mut out = String::new();
    table(&mut out, "SECTIONS: [u16", (0..=1000).map(|section| rows.partition_point(|row| row.zip / 100 < section)));
    table(&mut out, "ENDINGS: [u8", rows.iter().map(|row| row.zip % 100));
    table(&mut out, "LATITUDES: [i32", rows.iter().map(|row| row.point.map_or(i32::MIN, |point| point.0)));
    table(&mut out, "LONGITUDES: [i32", rows.iter().map(|row| row.point.map_or(0, |point| point.1)));
    table(&mut out, "CITIES: [u16", rows.iter().map(|row| index[row.city.as_str()]));
    table(&mut out, "COUNTIES: [u16", rows.iter().map(|row| row.county));
    let numbered = || rows.iter().enumerate();
    let further = numbered().flat_map(|(row, data)| data.further_names.iter().map(move |name| (row, name)));
    table(&mut out, "FURTHER_CITIES: [(u16, u16)", further.map(|(row, name)| (row, index[name.as_str()])));
    let further = numbered().flat_map(|(row, data)| data.further_counties.iter().map(move |name| (row, county_named(data, name))));
    table(&mut out, "FURTHER_COUNTIES: [(u16, u16)", further);
    table(&mut out, "COUNTY_NAMES: [(u8, u16)", counties.iter().map(|(state, name)| (*state, index[name.as_str()])));
    table(&mut out, "STATE_NAMES: [u16", states.iter().map(|state| index[state.name.as_str()]));
    table(&mut out, "STATE_CODES: [&str", states.iter().map(|state| state.code.as_str()));
    table(&mut out, "STATE_CENTERS: [Option<(i32, i32)>", states.iter().map(|state| center(&state.points)));
    table(&mut out, "NAME_ENDS: [u32", ends);
    let text: String = names.into_iter().collect();
    writeln!(out, "pub(super) static NAME_TEXT: &str = {text:?};").unwrap();
    out
}

/// Writes a table; `head` is its name and the type of its elements.
fn table<T: Debug>(out: &mut String, head: &str, elements: impl Iterator<Item = T>) {
    let elements: Vec<T> = elements.collect();
    writeln!(out, "pub(super) static {head}; {}] = {elements:?};", elements.len()).unwrap();
}
