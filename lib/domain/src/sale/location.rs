//! Location of an order's goods (S56, S63, N9).

use stevedore_geography::{Distance, Point, Zip};

use crate::address::Address;
use crate::ids::LocationId;
use crate::jurisdiction::{AddressPlace, address_place};
use crate::order::Order;
use crate::reason::Reason;
use crate::reference::Location;
use crate::settings::Settings;
use crate::warning::Warning;

/// Number of locations that a reason names with their distance, and of those without.
const NAMED: usize = 5;

/// The location of an order and why: with order routing the active one nearest to the ship-to address, else the mapped one of its warehouse, else the default.
pub(super) fn choose(order: &Order, settings: &Settings, locations: &[Location]) -> Result<(LocationId, String), Warning> {
    if !settings.order_routing {
        return mapped(order, settings, locations);
    }
    match nearest(&order.ship_to, locations) {
        Ok((location, reason)) => Ok((location.id.clone(), reason)),
        Err(why) => mapped(order, settings, locations).map(|(id, reason)| (id, format!("{reason}; not routed, since {why}"))),
    }
}

/// The mapped location of the order's warehouse, else the default.
fn mapped(order: &Order, settings: &Settings, locations: &[Location]) -> Result<(LocationId, String), Warning> {
    let Some((id, mapped)) = settings.location_for(order.warehouse_id) else { return Err(Warning::new(Reason::NoDefaultLocation, "")) };
    let missing = |what: String| Warning::new(Reason::MissingReference, &what);
    let location = locations.iter().find(|location| location.id == *id).ok_or_else(|| missing(format!("Location {id}.")))?;
    if !location.active {
        return Err(missing(format!("Location {} ({id}) is not active.", location.name)));
    }
    let reason = match order.warehouse_id {
        Some(warehouse) if mapped => format!("{}: mapped from ShipStation warehouse {warehouse}", location.name),
        Some(warehouse) => format!("{}: default, since ShipStation warehouse {warehouse} is not mapped", location.name),
        None => format!("{}: default, since the order names no warehouse", location.name),
    };
    Ok((location.id.clone(), reason))
}

/// The active location nearest to the ship-to address; of two that are as near, the one that its priority puts first. Or why there is none.
fn nearest<'a>(ship_to: &Address, locations: &'a [Location]) -> Result<(&'a Location, String), String> {
    let (from, about) = origin(ship_to)?;
    let active = || locations.iter().filter(|location| location.active);
    let mut reached: Vec<(Distance, &Location)> =
        active().filter_map(|location| Some((point(location)?.distance(from), location))).collect();
    reached.sort_by(|(a, one), (b, other)| {
        (a, one.priority, &one.name, one.id.as_str()).cmp(&(b, other.priority, &other.name, other.id.as_str()))
    });
    let Some((_, first)) = reached.first() else { return Err("no active location has an address with a known ZIP".to_owned()) };
    let mut reason: Vec<String> = reached.iter().take(NAMED).map(|(distance, location)| format!("{}, {distance}", location.name)).collect();
    if let Some(more) = reached.len().checked_sub(NAMED).filter(|more| *more > 0) {
        reason.push(format!("{more} more are farther"));
    }
    let nowhere: Vec<&str> = active().filter(|location| point(location).is_none()).map(|location| location.name.as_str()).collect();
    if !nowhere.is_empty() {
        let more = if nowhere.len() > NAMED { " and others" } else { "" };
        reason.push(format!(
            "left out for want of a known ZIP: {}{more}",
            nowhere.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ")
        ));
    }
    reason.extend(about);
    Ok((first, reason.join("; ")))
}

/// The point that distances are measured from, with a remark where it is not the ZIP's. Or why there is none.
fn origin(ship_to: &Address) -> Result<(Point, Option<String>), String> {
    let Some(AddressPlace { place, state }) = address_place(ship_to) else {
        return Err("the ship-to address is not known to be in the United States".to_owned());
    };
    if let Some(point) = place.and_then(|place| place.point) {
        return Ok((point, None));
    }
    let state = state.or(place.map(|place| place.state)).ok_or("neither ZIP nor state of the ship-to address is known")?;
    let point = state.center().ok_or_else(|| format!("it is not known where in {} the ship-to address lies", state.name()))?;
    Ok((point, Some(format!("measured from the middle of {}, since the ship-to ZIP is not known", state.name()))))
}

/// Point of a location, by its ZIP. Its country may be left out.
fn point(location: &Location) -> Option<Point> {
    let Address { country, postal_code, .. } = &location.address;
    let place = Zip::parse(postal_code.as_deref()?)?.place()?;
    let named = country.as_deref().is_some_and(|country| !country.trim().is_empty());
    if named { address_place(&location.address)?.place?.point } else { place.point }
}
