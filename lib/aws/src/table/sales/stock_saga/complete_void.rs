//! Voids that an earlier release began. It gave the units back in steps before it wrote that the
//! sale is void. Where such a void was cut off and another sale has picked one of these units
//! since, its steps cannot be undone; so it goes forward.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::SaleId;
use stevedore_domain::sale::Sale;
use stevedore_domain::stock::{Change, Levels, StockChange, StockKey};

use crate::Error;
use crate::table::Table;
use crate::table::item::keys;
use crate::table::orders::order_item::OrderRecord;
use crate::table::sales::change_sale::{Place, SaleDraft, SaleEdit, Written};
use crate::table::sales::sale_items::Head;
use crate::table::sales::stock_saga::{StockSaga, rows_of};

/// Author of what no person's request is known for.
const SYSTEM: &str = "system";
/// Number of times that the void is planned again with the levels that were found.
const ATTEMPTS: usize = 4;
const OPERATION: &str = "complete a void";

impl Table {
    /// Voids the sale whose steps this process holds, without the units that the steps gave back
    /// already. Answers false where the steps are not those of a void; nothing is written then.
    ///
    /// Boxed, because a change of a sale may itself have to recover work that was cut off.
    pub(super) fn complete_void<'a>(&'a self, id: &'a SaleId, fence: &'a StockSaga, at: Timestamp) -> BoxFuture<'a, Result<bool, Error>> {
        self.void_the_rest(id, fence, at).boxed()
    }

    async fn void_the_rest(&self, id: &SaleId, fence: &StockSaga, at: Timestamp) -> Result<bool, Error> {
        let place = self.find_sale(id).await?;
        let Some(head) = place.head.as_ref().filter(|head| head.saga().is_some_and(|now| now.id == fence.id)) else { return Ok(true) };
        let mut before = self.whole_sale(head).await?;
        before.booked_revision = before.booked_revision.or_else(|| place.known.as_ref().and_then(OrderRecord::booked_revision));
        let given = self.moved_by_steps(id, fence).await?;
        let mut levels = Levels::default();
        for _ in 0..ATTEMPTS {
            let mut draft = draft_of(&before, head, &place, levels);
            let stock = draft.sale.void(&draft.levels, at);
            let Some(rest) = without(stock, &given).filter(|rest| self.plan_stock(rest).before.is_empty()) else { return Ok(false) };
            if let Some(entry) = &mut draft.entry {
                entry.sale_voided(at, SYSTEM);
            }
            let edit = SaleEdit { stock: rest, events: vec![EventKind::SaleVoided] };
            match self.write_change(&before, &draft, &edit, &place, at).await? {
                Written::Done(_) => {
                    self.clear_steps(id).await?;
                    self.answer_void_day(&draft.sale).await?;
                    return Ok(true);
                }
                Written::Short(short) => {
                    for (key, level) in short {
                        draft.levels.learn(key, level);
                    }
                    levels = draft.levels;
                }
                Written::Changed => break,
            }
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// Changes that the steps which are left have made.
    async fn moved_by_steps(&self, id: &SaleId, fence: &StockSaga) -> Result<BTreeMap<StockKey, Change>, Error> {
        let mut moved: BTreeMap<StockKey, Change> = BTreeMap::new();
        for step in self.query_prefix(OPERATION, &keys::sale(id).pk, &keys::step_prefix(&fence.steps)).await? {
            for row in rows_of(OPERATION, &step)? {
                let (key, change) = row.change();
                let sum = moved.entry(key).or_default();
                *sum = sum.plus(change);
            }
        }
        Ok(moved)
    }
}

fn draft_of(before: &Sale, head: &Head, place: &Place, levels: Levels) -> SaleDraft {
    let entry = place.known.as_ref().and_then(OrderRecord::entry).map(|stored| stored.entry.clone());
    let entry = entry.filter(|entry| entry.sale_id.as_ref() == Some(&before.id));
    SaleDraft { sale: before.clone(), entry, version: head.version(), levels }
}

/// The changes of a void that its steps have not made. None where a step made one that the void
/// would not.
fn without(void: Vec<StockChange>, given: &BTreeMap<StockKey, Change>) -> Option<Vec<StockChange>> {
    let (done, rest): (Vec<StockChange>, Vec<StockChange>) = void.into_iter().partition(|change| given.contains_key(&change.key));
    let all_of_the_void = done.len() == given.len() && done.iter().all(|change| given.get(&change.key) == Some(&change.change));
    all_of_the_void.then_some(rest)
}
