//! Orders by id and by number.

use stevedore_domain::ids::OrderId;

use super::page::{self, PAGE_SIZE};
use super::page_sizes::sizes;
use super::raw::{RawJson, RawOrder};
use crate::http::{Answer, Call, Client, Error};

/// Number of unreadable orders that a search by number steps over.
const UNREADABLE_BY_NUMBER: u32 = 20;

impl Client {
    /// One order as it is now; nothing when ShipStation has none of that id (any more: a merged-away order answers 404).
    ///
    /// # Errors
    /// [`Error`]. An order that cannot be read is no error here: see [`RawOrder::parsed`].
    pub async fn order(&self, call: &Call<'_>, id: OrderId) -> Result<Option<RawOrder>, Error> {
        match self.read(call, &format!("/orders/{id}"), &[], &mut 0, page::parse_single).await? {
            Answer::Missing => Ok(None),
            answer => answer.value().map(Some),
        }
    }

    /// Every order whose number is exactly `number`: a split leaves several. ShipStation's filter finds all numbers that begin with it
    /// (docs/shipstation.md, section 3.1), so all its pages are read and compared.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn orders_by_number(&self, call: &Call<'_>, number: &str) -> Result<Vec<RawOrder>, Error> {
        self.orders_numbered(call, number, &|other: &str| other == number).await
    }

    /// Every order whose number begins with `number`, as ShipStation's filter compares it, and is the `same`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn orders_numbered(
        &self,
        call: &Call<'_>,
        number: &str,
        same: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Vec<RawOrder>, Error> {
        let mut found: Vec<RawOrder> = Vec::new();
        // A blank filter would list the whole account.
        if number.trim().is_empty() {
            return Ok(found);
        }
        // Orders before this place were read, or cannot be.
        let (sizes, mut smaller, mut place) = (sizes(PAGE_SIZE), 0, 0_u32);
        let mut unreadable = 0;
        loop {
            let size = sizes.iter().skip(smaller).copied().find(|size| place.is_multiple_of(*size)).unwrap_or(1);
            // The creation date never changes, so edits do not move orders between these pages.
            let query = [
                ("orderNumber", number.to_owned()),
                ("sortBy", "CreateDate".to_owned()),
                ("sortDir", "ASC".to_owned()),
                ("page", (place / size + 1).to_string()),
                ("pageSize", size.to_string()),
            ];
            let reply = match self.read(call, "/orders", &query, &mut 0, page::parse).await? {
                Answer::Broken(broken) if broken.is_gateway() && !self.answers(call).await => return Err(broken.error()),
                Answer::Broken(_) if size > 1 => {
                    smaller = sizes.iter().position(|other| *other < size).unwrap_or(smaller);
                    continue;
                }
                Answer::Broken(broken) => {
                    let order = page::unreadable(&broken);
                    unreadable += 1;
                    // One order may be broken; several in a row that do not even show themselves are ShipStation's own trouble.
                    if unreadable > UNREADABLE_BY_NUMBER || order.is_none() {
                        return Err(broken.error());
                    }
                    found.extend(order.filter(|order| order.order_number.as_deref().is_none_or(same)).map(|order| RawOrder {
                        raw: RawJson::quoting(&broken.excerpt),
                        read_at: self.now(),
                        parsed: Err(order),
                    }));
                    place += 1;
                    continue;
                }
                answer => answer.value()?,
            };
            let rows = reply.orders.len();
            for order in reply.orders {
                let known = found.iter().any(|other| other.order_id() == order.order_id());
                if order.number().is_some_and(same) && !known {
                    found.push(order);
                }
            }
            if rows < size as usize {
                break;
            }
            place += size;
            smaller = smaller.saturating_sub(1);
        }
        Ok(found)
    }
}
