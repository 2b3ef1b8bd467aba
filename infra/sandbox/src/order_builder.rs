//! A draft of an order, which the generator, the file readers and tests fill in, and its
//! ShipStation form.

use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::address::Address;
use crate::json::{Json, obj, plain_number};
use crate::pacific;

/// One line of a draft.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    pub(crate) item_id: Option<i64>,
    pub(crate) key: Option<String>,
    pub(crate) sku: Option<String>,
    pub(crate) name: String,
    pub(crate) quantity: i64,
    pub(crate) unit_price: Decimal,
    /// Tax of a single unit, contained in the order's tax.
    pub(crate) unit_tax: Option<Decimal>,
    pub(crate) options: Vec<(&'static str, &'static str)>,
    pub(crate) product_id: Option<i64>,
    pub(crate) weight_oz: Option<i64>,
    pub(crate) bin: Option<String>,
    pub(crate) adjustment: bool,
}

/// A draft of an order in ShipStation's form.
///
/// The total follows from the lines (adjustments included), tax and shipping, rounded half-up to
/// the cent. Amounts are in the account's currency. The sandbox assigns order id, `createDate` and
/// `modifyDate` when the order is stored, unless they are set.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(crate) order_id: Option<i64>,
    pub(crate) number: String,
    pub(crate) key: String,
    pub(crate) status: String,
    pub(crate) ordered: Option<Timestamp>,
    pub(crate) paid_at: Option<Timestamp>,
    pub(crate) shipped_at: Option<Timestamp>,
    pub(crate) hold_until: Option<Timestamp>,
    pub(crate) customer_id: Option<i64>,
    pub(crate) username: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) bill_to: Address,
    pub(crate) ship_to: Address,
    pub(crate) lines: Vec<Line>,
    pub(crate) tax: Decimal,
    pub(crate) shipping: Decimal,
    pub(crate) total: Option<Decimal>,
    pub(crate) paid: Option<Decimal>,
    pub(crate) customer_notes: Option<String>,
    pub(crate) internal_notes: Option<String>,
    pub(crate) gift: bool,
    pub(crate) payment_method: Option<String>,
    pub(crate) requested_service: Option<String>,
    pub(crate) tags: Vec<i64>,
    pub(crate) externally_fulfilled: bool,
    pub(crate) store_id: i64,
    pub(crate) warehouse_id: Option<i64>,
    pub(crate) source: Option<String>,
    pub(crate) merged_ids: Vec<i64>,
    pub(crate) parent_id: Option<i64>,
}

impl Draft {
    /// An order awaiting shipment with this number, no lines, and a buyer in Reno, Nevada.
    pub fn new(number: impl Into<String>) -> Self {
        let number = number.into();
        let ship_to = Address {
            name: Some("Avery Lindqvist".to_owned()),
            street1: Some("410 Juniper Way".to_owned()),
            city: Some("Reno".to_owned()),
            state: Some("NV".to_owned()),
            postal_code: Some("89502".to_owned()),
            country: Some("US".to_owned()),
            ..Address::default()
        };
        Self {
            order_id: None,
            key: format!("key-{number}"),
            number,
            status: "awaiting_shipment".to_owned(),
            ordered: None,
            paid_at: None,
            shipped_at: None,
            hold_until: None,
            customer_id: None,
            username: None,
            email: Some("avery@example.com".to_owned()),
            bill_to: Address { name: ship_to.name.clone(), ..Address::default() },
            ship_to,
            lines: Vec::new(),
            tax: Decimal::ZERO,
            shipping: Decimal::ZERO,
            total: None,
            paid: None,
            customer_notes: None,
            internal_notes: None,
            gift: false,
            payment_method: Some("Credit Card".to_owned()),
            requested_service: None,
            tags: Vec::new(),
            externally_fulfilled: false,
            store_id: crate::reference::WEB_SHOP,
            warehouse_id: Some(crate::reference::DEFAULT_WAREHOUSE),
            source: Some("web".to_owned()),
            merged_ids: Vec::new(),
            parent_id: None,
        }
    }

    /// Adds a line: SKU, quantity, price of one unit. Its name is made from the SKU.
    #[must_use]
    pub fn line(mut self, sku: &str, quantity: i64, unit_price: Decimal) -> Self {
        self.lines.push(Line {
            key: Some(format!("line-{}", self.lines.len() + 1)),
            sku: Some(sku.to_owned()),
            name: format!("Article {sku}"),
            quantity,
            unit_price,
            ..Line::default()
        });
        self
    }

    /// Adds an adjustment line for the whole order: a discount (negative) or a charge (positive).
    #[must_use]
    pub fn adjustment(mut self, name: &str, amount: Decimal) -> Self {
        self.lines.push(Line {
            sku: Some(String::new()),
            name: name.to_owned(),
            quantity: 1,
            unit_price: amount,
            adjustment: true,
            ..Line::default()
        });
        self
    }

    /// Sets the order's tax.
    #[must_use]
    pub fn tax(mut self, amount: Decimal) -> Self {
        self.tax = amount;
        self
    }

    /// Sets the shipping amount that the buyer pays.
    #[must_use]
    pub fn shipping(mut self, amount: Decimal) -> Self {
        self.shipping = amount;
        self
    }

    /// Sets the status (`shipped`, `on_hold`, …; any text).
    #[must_use]
    pub fn status(mut self, status: &str) -> Self {
        status.clone_into(&mut self.status);
        self
    }

    /// Sets the buyer: ShipStation customer id and e-mail; `None` for orders that name no buyer.
    #[must_use]
    pub fn buyer(mut self, customer_id: Option<i64>, email: Option<&str>) -> Self {
        self.customer_id = customer_id;
        self.email = email.map(str::to_owned);
        self
    }

    /// Sets the ShipStation order id.
    #[must_use]
    pub fn id(mut self, order_id: i64) -> Self {
        self.order_id = Some(order_id);
        self
    }

    /// Sets the channel's key, which follows from the number by default. Two purchases with one
    /// number have two keys.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// Sets store and warehouse.
    #[must_use]
    pub fn from_store(mut self, store_id: i64, warehouse_id: Option<i64>) -> Self {
        self.store_id = store_id;
        self.warehouse_id = warehouse_id;
        self
    }

    /// The total that was set, or else the one that follows from the lines.
    pub(crate) fn order_total(&self) -> Decimal {
        let goods: Decimal = self.lines.iter().map(|line| Decimal::from(line.quantity) * line.unit_price).sum();
        self.total.unwrap_or_else(|| to_cents(goods + self.tax + self.shipping))
    }

    /// The ShipStation form. Numbers without superfluous zeros.
    pub fn json(&self) -> Json {
        self.json_with(&mut |amount| plain_number(amount))
    }

    /// The ShipStation form, with a function that writes each amount.
    pub(crate) fn json_with(&self, write: &mut dyn FnMut(Decimal) -> String) -> Json {
        let long = |at: Option<Timestamp>| Json::maybe_text(at.map(|at| pacific::long_text(pacific::wall(at))));
        let date = |at: Option<Timestamp>| Json::maybe_text(at.map(|at| pacific::date_text(pacific::wall(at))));
        let items = self.lines.iter().map(|line| self.item(line, write)).collect();
        let total = self.order_total();
        let weight: i64 = self.lines.iter().map(|line| line.weight_oz.unwrap_or(0) * line.quantity).sum();
        let mut order = obj! {
            "orderId" => Json::maybe_int(self.order_id),
            "orderNumber" => self.number.as_str(),
            "orderKey" => self.key.as_str(),
            "orderDate" => long(self.ordered),
            "createDate" => Json::Null,
            "modifyDate" => Json::Null,
            "paymentDate" => long(self.paid_at),
            "shipByDate" => Json::Null,
            "orderStatus" => self.status.as_str(),
            "customerId" => Json::maybe_int(self.customer_id),
            "customerUsername" => Json::maybe_text(self.username.as_deref()),
            "customerEmail" => Json::maybe_text(self.email.as_deref()),
            "billTo" => self.bill_to.json(),
            "shipTo" => self.ship_to.json(),
            "items" => Json::Array(items),
            "orderTotal" => Json::Number(write(total)),
            "amountPaid" => Json::Number(write(self.paid.unwrap_or(total))),
            "taxAmount" => Json::Number(write(self.tax)),
            "shippingAmount" => Json::Number(write(self.shipping)),
            "customerNotes" => Json::maybe_text(self.customer_notes.as_deref()),
            "internalNotes" => Json::maybe_text(self.internal_notes.as_deref()),
            "gift" => self.gift,
            "giftMessage" => Json::maybe_text(self.gift.then_some("With love from all of us")),
            "paymentMethod" => Json::maybe_text(self.payment_method.as_deref()),
            "requestedShippingService" => Json::maybe_text(self.requested_service.as_deref()),
            "carrierCode" => Json::maybe_text(self.shipped_at.map(|_| "stamps_com")),
            "serviceCode" => Json::maybe_text(self.shipped_at.map(|_| "usps_priority_mail")),
            "packageCode" => Json::maybe_text(self.shipped_at.map(|_| "package")),
            "confirmation" => "none",
            "shipDate" => date(self.shipped_at),
            "holdUntilDate" => date(self.hold_until),
            "weight" => weight_json(weight),
            "dimensions" => Json::Null,
        };
        for (name, value) in [
            ("insuranceOptions", obj! { "provider" => Json::Null, "insureShipment" => false, "insuredValue" => 0 }),
            ("internationalOptions", obj! { "contents" => Json::Null, "customsItems" => Json::Null, "nonDelivery" => Json::Null }),
            ("advancedOptions", self.advanced_options()),
            ("tagIds", if self.tags.is_empty() { Json::Null } else { ints(&self.tags) }),
            ("userId", Json::Null),
            ("externallyFulfilled", Json::Bool(self.externally_fulfilled)),
            ("externallyFulfilledBy", Json::Null),
            ("externallyFulfilledById", Json::Null),
            ("externallyFulfilledByName", Json::Null),
            ("labelMessages", Json::Null),
        ] {
            order.set(name, value);
        }
        order
    }

    fn item(&self, line: &Line, write: &mut dyn FnMut(Decimal) -> String) -> Json {
        let at = Json::maybe_text(self.ordered.map(|at| pacific::short_text(pacific::wall(at))));
        let options = line.options.iter().map(|(name, value)| obj! { "name" => *name, "value" => *value }).collect();
        obj! {
            "orderItemId" => Json::maybe_int(line.item_id),
            "lineItemKey" => Json::maybe_text(line.key.as_deref()),
            "sku" => Json::maybe_text(line.sku.as_deref()),
            "name" => line.name.as_str(),
            "imageUrl" => Json::Null,
            "weight" => line.weight_oz.map_or(Json::Null, weight_json),
            "quantity" => line.quantity,
            "unitPrice" => Json::Number(write(line.unit_price)),
            "taxAmount" => line.unit_tax.map_or(Json::Null, |tax| Json::Number(write(tax))),
            "shippingAmount" => Json::Null,
            "warehouseLocation" => Json::maybe_text(line.bin.as_deref()),
            "options" => Json::Array(options),
            "productId" => Json::maybe_int(line.product_id),
            "fulfillmentSku" => Json::Null,
            "adjustment" => line.adjustment,
            "upc" => Json::Null,
            "createDate" => at.clone(),
            "modifyDate" => at,
        }
    }

    fn advanced_options(&self) -> Json {
        obj! {
            "warehouseId" => Json::maybe_int(self.warehouse_id),
            "nonMachinable" => false,
            "saturdayDelivery" => false,
            "containsAlcohol" => false,
            "mergedOrSplit" => !self.merged_ids.is_empty() || self.parent_id.is_some(),
            "mergedIds" => ints(&self.merged_ids),
            "parentId" => Json::maybe_int(self.parent_id),
            "storeId" => self.store_id,
            "customField1" => Json::Null,
            "customField2" => Json::Null,
            "customField3" => Json::Null,
            "source" => Json::maybe_text(self.source.as_deref()),
            "billToParty" => Json::Null,
            "billToAccount" => Json::Null,
            "billToPostalCode" => Json::Null,
            "billToCountryCode" => Json::Null,
            "billToMyOtherAccount" => Json::Null,
        }
    }
}

impl From<Draft> for Json {
    fn from(draft: Draft) -> Self {
        draft.json()
    }
}

/// Rounded half-up to the cent.
pub(crate) fn to_cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// The sum of an order's own lines, tax and shipping, rounded half-up to the cent; `None` where a
/// number is missing or beyond 28 digits.
pub(crate) fn exact_total(order: &Json) -> Option<Decimal> {
    let mut sum = Decimal::ZERO;
    for item in order.get("items")?.elements() {
        let quantity = item.get("quantity")?.as_decimal()?;
        let price = item.get("unitPrice")?.as_decimal()?;
        sum = sum.checked_add(quantity.checked_mul(price)?)?;
    }
    for name in ["taxAmount", "shippingAmount"] {
        sum = sum.checked_add(order.get(name)?.as_decimal()?)?;
    }
    Some(to_cents(sum))
}

/// Sets `orderTotal` to the sum of the order's parts.
pub(crate) fn retotal(order: &mut Json) {
    if let Some(total) = exact_total(order) {
        order.set("orderTotal", total);
    }
}

fn weight_json(ounces: i64) -> Json {
    obj! { "value" => ounces, "units" => "ounces", "WeightUnits" => 1 }
}

fn ints(values: &[i64]) -> Json {
    Json::Array(values.iter().copied().map(Json::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_follow_from_the_parts() {
        let order = Draft::new("1")
            .line("A", 3, Decimal::new(1, 3))
            .line("B", 2, Decimal::new(12_345, 4))
            .adjustment("WELCOME", Decimal::new(-100, 2))
            .tax(Decimal::new(12, 2))
            .shipping(Decimal::new(5, 0))
            .json();
        // 0.003 + 2.469 - 1 + 0.12 + 5 = 6.592
        assert_eq!(order.get("orderTotal"), Some(&Json::Number("6.59".to_owned())));
        assert_eq!(exact_total(&order), Some(Decimal::new(659, 2)));
    }

    #[test]
    fn halves_of_a_cent_are_rounded_up() {
        assert_eq!(to_cents(Decimal::new(10_005, 3)), Decimal::new(1001, 2));
        assert_eq!(to_cents(Decimal::new(10_015, 3)), Decimal::new(1002, 2));
    }
}
