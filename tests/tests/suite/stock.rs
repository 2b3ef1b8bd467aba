//! Stock in the table, and its invariants.

use std::collections::BTreeMap;

use stevedore_aws::{List, Table};
use stevedore_domain::ids::{LocationId, ProductId};
use stevedore_domain::reference::Product;
use stevedore_domain::stock::{Adjustment, Change, Level, Movement, StockKey, sum};

use crate::bound::Bound;
use crate::world::{LOCATION, World};

/// Every level.
pub async fn levels(table: &Table) -> BTreeMap<StockKey, Level> {
    let mut list = List { limit: 200, ..List::default() };
    let mut levels = BTreeMap::new();
    let mut bound = Bound::of("a list of levels");
    loop {
        bound.turn();
        let page = table.list_stock(&list).await.unwrap();
        levels.extend(page.items.into_iter().map(|stock| (stock.key, stock.level)));
        list.token = page.next;
        if list.token.is_none() {
            return levels;
        }
    }
}

/// P5, and levels are the sum of the movements of sales and adjustments.
pub async fn check(table: &Table, levels: &BTreeMap<StockKey, Level>) {
    let mut movements: Vec<Movement> = Vec::new();
    let mut list = List { limit: 200, ..List::default() };
    let mut bound = Bound::of("a list of sales");
    loop {
        bound.turn();
        let page = table.list_sales(&list).await.unwrap();
        movements.extend(page.items.iter().flat_map(|stored| stored.sale.movements()));
        list.token = page.next;
        if list.token.is_none() {
            break;
        }
    }
    let mut list = List { limit: 200, ..List::default() };
    let mut bound = Bound::of("a list of adjustments");
    loop {
        bound.turn();
        let page = table.list_adjustments(&list).await.unwrap();
        movements.extend(page.items.iter().map(Adjustment::movement));
        list.token = page.next;
        if list.token.is_none() {
            break;
        }
    }
    let sums = sum(&movements);
    for (key, level) in levels {
        assert!(level.unpicked >= 0, "more is picked than is there: {key:?} {level:?}");
        let moved = sums.get(key).copied().unwrap_or_default();
        assert_eq!(Level::default().after(moved), *level, "{key:?} is not the sum of its movements");
    }
    for (key, change) in sums {
        assert!(levels.contains_key(&key) || change == Change::default(), "{key:?} has movements and no level");
    }
}

/// A product's key at the usual location.
pub fn at(product: &str) -> StockKey {
    StockKey::new(&ProductId::from(product), &LocationId::from(LOCATION))
}

impl World {
    /// A product, with its id as name and its SKU in capitals.
    pub async fn product(&self, id: &str, change: impl FnOnce(&mut Product)) {
        let mut product = Product::new(id, id.to_uppercase(), id, self.clock.now());
        change(&mut product);
        let outcome = self.table.put_product(&product, None).await.unwrap();
        assert_eq!(outcome, stevedore_aws::RecordOutcome::Written(1), "{id}");
    }

    /// Adds units, or removes them.
    pub async fn adjust(&self, product: &str, quantity: i64) -> stevedore_aws::AdjustmentOutcome {
        let now = self.clock.now();
        let id = format!("{product}-{quantity}-{now}-{}", levels(&self.table).await.len());
        let adjustment = Adjustment {
            id,
            product_id: product.into(),
            location_id: LOCATION.into(),
            quantity,
            reason: Some("counted".to_owned()),
            at: now,
            by: "avery".to_owned(),
        };
        self.table.adjust_stock(&adjustment).await.unwrap()
    }

    /// A product's level at the usual location; a missing level is zero.
    pub async fn level(&self, product: &str) -> Level {
        let levels = self.table.stock_levels([at(product)]).await.unwrap();
        levels.first().map(|stock| stock.level).unwrap_or_default()
    }
}
