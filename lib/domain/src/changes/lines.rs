//! Changes of an order's lines, adjustments among them.

use std::collections::{HashMap, VecDeque};

use rust_decimal::Decimal;

use super::change::{Change, ChangeKind};
use super::words::{amount, label, line};
use crate::order::Item;

/// Goods that tell a line: adjustment or not, SKU or else name, and the chosen options.
type Goods = (bool, String, Vec<(String, String)>);

/// Key by which one pass pairs lines.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    SameLine(u64, Goods),
    SameChannelLine(String, Goods, i64, Decimal),
    Same(Goods, i64, Decimal),
    SamePrice(Goods, Decimal),
    SameGoods(Goods),
    Line(u64),
    ChannelLine(bool, String),
}

/// Passes that pair the lines of two revisions, by what tells them best: neither their order nor new ids make other lines of them. A line that only its id ties to
/// another has been replaced.
const PASSES: [fn(&Item) -> Option<Key>; 7] = [
    |item| Some(Key::SameLine(item.id?, goods(item))),
    |item| Some(Key::SameChannelLine(item.key.clone()?, goods(item), item.quantity, item.unit_price.normalize())),
    |item| Some(Key::Same(goods(item), item.quantity, item.unit_price.normalize())),
    |item| Some(Key::SamePrice(goods(item), item.unit_price.normalize())),
    |item| Some(Key::SameGoods(goods(item))),
    |item| Some(Key::Line(item.id?)),
    |item| Some(Key::ChannelLine(item.adjustment, item.key.clone()?)),
];

pub(super) fn changes(booked: &[Item], newest: &[Item]) -> Vec<Change> {
    let mut left: Vec<&Item> = booked.iter().collect();
    let mut news: Vec<&Item> = newest.iter().collect();
    let mut changes = Vec::new();
    for pass in PASSES {
        if left.is_empty() || news.is_empty() {
            break;
        }
        let mut waiting: HashMap<Key, VecDeque<usize>> = HashMap::new();
        for (place, key) in news.iter().enumerate().filter_map(|(place, item)| Some((place, pass(item)?))) {
            waiting.entry(key).or_default().push_back(place);
        }
        let mut paired = vec![false; news.len()];
        left.retain(|item| {
            let place = pass(item).and_then(|key| waiting.get_mut(&key)?.pop_front());
            let Some((place, other)) = place.and_then(|place| Some((place, *news.get(place)?))) else { return true };
            if let Some(paired) = paired.get_mut(place) {
                *paired = true;
            }
            changes.extend(pair(item, other));
            false
        });
        let mut paired = paired.into_iter();
        news.retain(|_| !paired.next().unwrap_or_default());
    }
    let whole =
        |kind, item: &Item, from: Option<String>, to: Option<String>| Change::new(kind, format!("items[{}]", label(item)), from, to);
    // A line of nothing is none: some channels leave one behind, others take it away.
    let counts = |item: &&&Item| item.quantity != 0;
    changes.extend(left.iter().filter(counts).map(|item| whole(ChangeKind::LineRemoved, item, Some(line(item)), None)));
    changes.extend(news.iter().filter(counts).map(|item| whole(ChangeKind::LineAdded, item, None, Some(line(item)))));
    changes
}

/// Changes of one line.
fn pair(booked: &Item, newest: &Item) -> Vec<Change> {
    let at = |member: &str| format!("items[{}].{member}", label(newest));
    if goods(booked) != goods(newest) {
        return vec![Change::new(ChangeKind::LineReplaced, format!("items[{}]", label(booked)), Some(line(booked)), Some(line(newest)))];
    }
    let mut changes = Vec::new();
    if newest.quantity != booked.quantity {
        let kind = if newest.quantity > booked.quantity { ChangeKind::QuantityRaised } else { ChangeKind::QuantityLowered };
        changes.push(Change::new(kind, at("quantity"), Some(booked.quantity.to_string()), Some(newest.quantity.to_string())));
    }
    if newest.unit_price != booked.unit_price {
        let (from, to) = (Some(amount(booked.unit_price)), Some(amount(newest.unit_price)));
        changes.push(Change::new(ChangeKind::PriceChanged, at("unit_price"), from, to));
    }
    changes
}

/// Case and blanks around it do not tell a SKU, as in booking; what has none is told by its name.
fn goods(item: &Item) -> Goods {
    let sku = item.sku.as_deref().map(str::trim).filter(|sku| !sku.is_empty());
    let name = || item.name.as_deref().unwrap_or_default().trim().to_owned();
    let options = item.options.iter().map(|option| (option.name.clone(), option.value.clone())).collect();
    (item.adjustment, sku.map_or_else(name, str::to_lowercase), options)
}
