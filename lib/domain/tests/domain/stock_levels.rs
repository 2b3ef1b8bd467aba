//! Levels of stock over any sequence of sales, voids, retries and corrections.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stevedore_domain::sale::{Actor, Booked, Fulfilment, Sale, StageStatus::Authorised};
use stevedore_domain::settings::{AutoAssembly, PickPackShip};
use stevedore_domain::stock::{Change, Floor, Level, Levels, StockChange, StockKey, sum};

use crate::fulfilment::{book, key, merchant};
use crate::merchant::now;

/// Events in a warehouse, one after another.
#[derive(Clone, Debug)]
enum Event {
    Sell(Vec<(&'static str, i64)>, PickPackShip, AutoAssembly),
    Void(usize),
    Retry(usize, PickPackShip),
    Adjust(&'static str, i64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let sku = prop::sample::select(vec!["MUG", "LID", "SET", "PAIR", "HAMPER", "SLAB", "WRAP", "GHOST"]);
    let mode = prop::sample::select(vec![PickPackShip::None, PickPackShip::Pick, PickPackShip::PickPack, PickPackShip::PickPackShip]);
    let assembly = prop::sample::select(vec![AutoAssembly::OrderedQuantity, AutoAssembly::MinimumForPicking]);
    let stocked = prop::sample::select(vec!["mug", "lid", "hamper"]);
    let event = prop_oneof![
        5 => (prop::collection::vec((sku, 0_i64..6), 1..4), mode.clone(), assembly).prop_map(|(lines, mode, auto)| Event::Sell(lines, mode, auto)),
        2 => (0_usize..20).prop_map(Event::Void),
        2 => (0_usize..20, mode).prop_map(|(sale, mode)| Event::Retry(sale, mode)),
        3 => (stocked, -5_i64..15).prop_map(|(product, quantity)| Event::Adjust(product, quantity)),
    ];
    prop::collection::vec(event, 1..40)
}

/// A warehouse that writes what it is told if the floors hold, as the table does.
#[derive(Default)]
struct Warehouse {
    levels: BTreeMap<StockKey, Level>,
    sales: Vec<Sale>,
    adjusted: BTreeMap<StockKey, Change>,
}

impl Warehouse {
    /// The levels that a write which does not hold brings to light.
    fn write(&mut self, changes: &[StockChange]) -> Result<(), Vec<(StockKey, Level)>> {
        let level = |key: &StockKey| self.levels.get(key).copied().unwrap_or_default();
        let short: Vec<_> =
            changes.iter().filter(|one| !one.floor.holds(level(&one.key))).map(|one| (one.key.clone(), level(&one.key))).collect();
        if !short.is_empty() {
            return Err(short);
        }
        for one in changes {
            let level = self.levels.entry(one.key.clone()).or_default();
            *level = level.after(one.change);
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Adjust(product, quantity) => {
                let change = Change { on_hand: quantity, allocated: 0, unpicked: quantity };
                let floor = if quantity < 0 { Floor::Unpicked(-quantity) } else { Floor::None };
                if self.write(&[StockChange { key: key(product), change, floor }]).is_ok() {
                    let sum = self.adjusted.entry(key(product)).or_default();
                    *sum = sum.plus(change);
                }
            }
            Event::Sell(lines, mode, auto_assembly) => {
                let mut merchant = merchant(mode, &[]);
                merchant.settings.auto_assembly = auto_assembly;
                for attempt in 0.. {
                    assert!(attempt < 6, "never settles: {lines:?}");
                    let Booked { sale, stock, .. } = book(&merchant, &lines);
                    match self.write(&stock) {
                        Ok(()) => {
                            self.sales.push(sale);
                            return;
                        }
                        Err(short) => short.into_iter().for_each(|(key, level)| merchant.levels.learn(key, level)),
                    }
                }
            }
            Event::Void(number) => {
                let Some(sale) = self.sales.get(number).filter(|sale| sale.voided_at.is_none()).cloned() else { return };
                let mut levels = Levels::default();
                for attempt in 0.. {
                    assert!(attempt < 6, "never settles: {sale:?}");
                    let mut voided = sale.clone();
                    let changes = voided.void(&levels, now());
                    match self.write(&changes) {
                        Ok(()) => {
                            self.sales[number] = voided;
                            return;
                        }
                        Err(short) => short.into_iter().for_each(|(key, level)| levels.learn(key, level)),
                    }
                }
            }
            Event::Retry(number, mode) => {
                let Some(sale) = self.sales.get(number).filter(|sale| sale.voided_at.is_none()).cloned() else { return };
                let merchant = merchant(mode, &[]);
                let mut levels = Levels::default();
                for key in sale.stock_keys(&merchant.products) {
                    let level = self.levels.get(&key).copied().unwrap_or_default();
                    levels.learn(key, level);
                }
                let before = sale.position();
                let mut after = sale;
                let with = Fulfilment {
                    mode,
                    auto_assembly: AutoAssembly::MinimumForPicking,
                    products: &merchant.products,
                    levels: &levels,
                    actor: Actor::Person,
                    at: now(),
                };
                let changes = after.fulfil(&before, with);
                assert!(self.write(&changes).is_ok(), "what was looked at is there");
                self.sales[number] = after;
            }
        }
    }

    /// P5, and levels are the sum of their movements.
    fn check(&self) {
        let mut sums = self.adjusted.clone();
        for sale in &self.sales {
            for (key, change) in sum(&sale.movements()) {
                let sum = sums.entry(key).or_default();
                *sum = sum.plus(change);
            }
        }
        for (key, level) in &self.levels {
            assert!(level.unpicked >= 0, "more is picked than is there: {key:?} {level:?}");
            assert!(level.on_hand >= 0 && level.unpicked <= level.on_hand, "{key:?} {level:?}");
            let sum = sums.get(key).copied().unwrap_or_default();
            assert_eq!(Level::default().after(sum), *level, "{key:?}");
        }
        for sale in &self.sales {
            if sale.pick.status == Authorised {
                assert!(sale.assemblies.iter().all(|assembly| assembly.status == Authorised));
            }
            assert!(sale.ship.status != Authorised || sale.pack.status == Authorised);
            assert!(sale.pack.status != Authorised || sale.pick.status == Authorised);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// P5, S30–S34, S57–S62, N18: whatever is sold, voided, retried and corrected in whatever order, nothing is picked that is not there, and every level is the sum
    /// of its movements.
    #[test]
    fn p5_levels_are_the_sum_of_their_movements_and_nothing_is_oversold(events in events()) {
        let mut warehouse = Warehouse::default();
        for event in events {
            warehouse.happen(event);
            warehouse.check();
        }
        // And when everything is given back, only what people counted is left, with what stayed made.
        for number in 0..warehouse.sales.len() {
            warehouse.happen(Event::Void(number));
            warehouse.check();
        }
        for level in warehouse.levels.values() {
            prop_assert_eq!((level.allocated, level.unpicked), (0, level.on_hand));
        }
    }
}
