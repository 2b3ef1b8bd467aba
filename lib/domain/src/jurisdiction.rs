//! Tax by place: the rules of a place of business, and which of them holds for a ship-to address (S64–S67, N10).
//!
//! A place is found by the ship-to ZIP and checked with the state and city that the address states. A ZIP is a mail route and no jurisdiction: where it
//! lies in several counties, or contradicts the address, and that decides between rules, the sale says so instead of guessing silently.

use rust_decimal::Decimal;
use stevedore_geography::{County, Place, State, Zip, same_city};

use crate::address::Address;
use crate::reference::{TaxComponent, TaxPlace, TaxRule};

/// Names of the United States in addresses, without points.
const UNITED_STATES: [&str; 7] =
    ["US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA", "THE UNITED STATES", "THE UNITED STATES OF AMERICA", "UNITED STATES (US)"];
/// Territories that addresses name as countries; to the postal service they are states.
const TERRITORIES: [&str; 5] = ["PR", "VI", "GU", "AS", "MP"];
/// States to the postal service and countries of their own.
const ASSOCIATED: [&str; 3] = ["FM", "MH", "PW"];

/// Place of an address in the United States, as far as it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressPlace {
    /// Data of its ZIP.
    pub place: Option<Place>,
    /// The state that it states.
    pub state: Option<State>,
}

/// Returns the place of `address`; none where it is not in the United States. One without a country is, where its ZIP lies in the state that it states.
#[must_use]
pub fn address_place(address: &Address) -> Option<AddressPlace> {
    let place = address.postal_code.as_deref().and_then(Zip::parse).and_then(Zip::place);
    let stated = address.state.as_deref().and_then(state_named);
    let country = address.country.as_deref().map_or("", str::trim);
    if country.is_empty() {
        return (place.is_some() && place.map(|place| place.state) == stated).then_some(AddressPlace { place, state: stated });
    }
    let territory = territory_named(country);
    // A territory's own code is its state's too.
    (territory.is_some() || is_united_states(country)).then(|| AddressPlace { place, state: stated.or(territory) })
}

/// A name without points and without more than one blank between its words: `U.S.` is `US`.
fn plain_name(name: &str) -> String {
    name.replace('.', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// True if a country is the United States, by its code or by its name written out.
fn is_united_states(country: &str) -> bool {
    let country = plain_name(country);
    UNITED_STATES.iter().any(|name| name.eq_ignore_ascii_case(&country))
}

/// The territory that a country names, by its code or by its name written out.
fn territory_named(country: &str) -> Option<State> {
    State::parse(country).or_else(|| State::parse(&plain_name(country))).filter(|state| TERRITORIES.contains(&state.code()))
}

/// The state that an address names: `CA`, `California`, `C.A.` or `US-CA`.
fn state_named(state: &str) -> Option<State> {
    let plain = || plain_name(state);
    State::parse(state).or_else(|| State::parse(&plain())).or_else(|| {
        let plain = plain();
        let (country, code) = plain.split_once(['-', ' '])?;
        is_united_states(country).then(|| State::parse(code)).flatten()
    })
}

/// Reason for which a place of business has no rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The ZIP is none, or is not known.
    #[error("there is no such ZIP code in the United States")]
    UnknownZip,
    /// The city is none of the ZIP's.
    #[error("the ZIP code belongs to {}", .0.join(", "))]
    UnknownCity(Vec<&'static str>),
    /// The ZIP lies in another state than the address says.
    #[error("the ZIP code lies in {0}")]
    OtherState(&'static str),
    /// The address is in another country.
    #[error("the address is not in the United States")]
    Abroad,
}

/// The rule of a place, as it is made: its components are there and take nothing yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRule {
    /// `Nevada, Washoe County, Reno`.
    pub name: String,
    /// Place where it is due.
    pub place: TaxPlace,
    /// State, County, City: as many as the place has parts. Each of 0 percent, until somebody states it.
    pub components: Vec<TaxComponent>,
}

/// The rules of a place of business in the United States (S64, S65): State; State, County; State, County, City. Fewer where no county is known. `city` is
/// the one that the ZIP belongs to first, unless given.
///
/// # Errors
/// [`PlaceError`].
pub fn rules_of_place(zip: &str, city: Option<&str>) -> Result<Vec<PlaceRule>, PlaceError> {
    let place =
        Zip::parse(zip).and_then(Zip::place).filter(|place| !ASSOCIATED.contains(&place.state.code())).ok_or(PlaceError::UnknownZip)?;
    let city = match city {
        None => place.city(),
        Some(city) => place
            .city_named(city)
            .ok_or_else(|| PlaceError::UnknownCity(std::iter::once(place.city()).chain(place.further_cities()).collect()))?,
    };
    let county = place.county.map(|county| county.name().to_owned());
    let mut places = vec![TaxPlace { state: place.state.code().to_owned(), county: None, city: None }];
    if county.is_some() {
        places.push(TaxPlace { state: place.state.code().to_owned(), county: county.clone(), city: None });
        places.push(TaxPlace { state: place.state.code().to_owned(), county, city: Some(city.to_owned()) });
    }
    let rule = |tax_place: TaxPlace| {
        let parts: Vec<&str> =
            [Some(place.state.name()), tax_place.county.as_deref(), tax_place.city.as_deref()].into_iter().flatten().collect();
        let components = ["State", "County", "City"].into_iter().take(parts.len());
        let components = components.map(|name| TaxComponent { name: name.to_owned(), percent: Decimal::ZERO, account: None }).collect();
        PlaceRule { name: parts.join(", "), components, place: tax_place }
    };
    Ok(places.into_iter().map(rule).collect())
}

/// The address of a place of business (S64): its ZIP decides what state and country it is in and which city it may name, and fills in what is left out.
///
/// # Errors
/// [`PlaceError`].
pub fn business_address(stated: Address) -> Result<Address, PlaceError> {
    let zip = stated.postal_code.as_deref().unwrap_or_default();
    let place = Zip::parse(zip).and_then(Zip::place).ok_or(PlaceError::UnknownZip)?;
    let abroad = |country: &str| !is_united_states(country) && territory_named(country).is_none();
    if stated.country.as_deref().is_some_and(abroad) {
        return Err(PlaceError::Abroad);
    }
    if stated.state.as_deref().is_some_and(|state| state_named(state) != Some(place.state)) {
        return Err(PlaceError::OtherState(place.state.name()));
    }
    let city = match stated.city.as_deref() {
        None => place.city(),
        Some(city) => place
            .city_named(city)
            .ok_or_else(|| PlaceError::UnknownCity(std::iter::once(place.city()).chain(place.further_cities()).collect()))?,
    };
    let (city, state, country) = (Some(city.to_owned()), Some(place.state.code().to_owned()), Some("US".to_owned()));
    Ok(Address { city, state, country, ..stated })
}

/// The rule of an order's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Jurisdiction<'a> {
    pub rule: &'a TaxRule,
    /// Reason for which another rule may be due.
    pub doubt: Option<String>,
}

/// The narrowest of the rules that holds for `ship_to`, else `default` (S66, S67).
pub(crate) fn most_specific_rule<'a>(ship_to: &Address, rules: &'a [TaxRule], default: &'a TaxRule) -> Jurisdiction<'a> {
    let sure = |rule| Jurisdiction { rule, doubt: None };
    if rules.iter().all(|rule| rule.place.is_none()) {
        return sure(default);
    }
    let Some(AddressPlace { place, state: stated }) = address_place(ship_to) else { return sure(default) };
    let find = |state: State, county: Option<County>, city: Option<&str>| holding(rules, state, county, city).unwrap_or(default);
    let (rule, others, why) = match (place, stated) {
        (Some(place), Some(stated)) if stated != place.state => {
            let others = vec![find(place.state, place.county, Some(place.city())), find(stated, None, None)];
            (
                default,
                others,
                format!("The ship-to ZIP {} lies in {} and the address says {}.", place.zip, place.state.name(), stated.name()),
            )
        }
        (Some(place), _) => {
            let text = ship_to.city.as_deref().map(str::trim).filter(|text| !text.is_empty());
            let city = text.map_or(Some(place.city()), |text| place.city_named(text));
            // A city that is none of the ZIP's: neither it nor the ZIP's own is sure.
            let cities = city.map_or_else(|| vec![None, Some(place.city()), text], |city| vec![Some(city)]);
            let counties: Vec<Option<County>> = std::iter::once(place.county).chain(place.further_counties().map(Some)).collect();
            let others = counties.iter().flat_map(|county| cities.iter().map(|city| find(place.state, *county, *city))).collect();
            let why = if city.is_none() {
                format!("The ship-to ZIP {} belongs to {}, and the address says another city.", place.zip, place.city())
            } else {
                let names: Vec<&str> = counties.iter().flatten().map(|county| county.name()).collect();
                format!("The ship-to ZIP {} lies in {}.", place.zip, names.join(" and "))
            };
            (find(place.state, place.county, city), others, why)
        }
        (None, Some(stated)) => {
            let others = rules.iter().filter(|rule| rule.place.as_ref().is_some_and(|place| place.state == stated.code())).collect();
            (find(stated, None, None), others, format!("The ship-to ZIP is not known; the address says {}.", stated.name()))
        }
        (None, None) => {
            let others = rules.iter().filter(|rule| rule.place.is_some()).collect();
            (default, others, "Neither ZIP nor state of the ship-to address is known.".to_owned())
        }
    };
    let doubtful = others.iter().any(|other| other.id != rule.id);
    Jurisdiction { rule, doubt: doubtful.then(|| format!("{why} The rule {} was taken.", rule.name)) }
}

/// The narrowest rule whose place holds the given one; of two for the same place, the older.
fn holding<'a>(rules: &'a [TaxRule], state: State, county: Option<County>, city: Option<&str>) -> Option<&'a TaxRule> {
    let holds = |place: &TaxPlace| {
        let same_county = |name: &str| county.is_some_and(|county| county.name().eq_ignore_ascii_case(name));
        place.state == state.code()
            && place.county.as_deref().is_none_or(same_county)
            && place.city.as_deref().is_none_or(|name| city.is_some_and(|city| same_city(name, city)))
    };
    let narrowness = |place: &TaxPlace| usize::from(place.county.is_some()) + usize::from(place.city.is_some());
    let holding = rules.iter().filter_map(|rule| Some((rule, rule.place.as_ref().filter(|place| holds(place))?)));
    holding.min_by_key(|(rule, place)| (std::cmp::Reverse(narrowness(place)), rule.created_at, rule.id.as_str())).map(|(rule, _)| rule)
}
