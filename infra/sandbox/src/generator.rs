//! Realistic orders from a seed: the shapes of real retail, with invented products and people.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::buyers::{Buyer, buyer, sales_tax};
use crate::json::plain_number;
use crate::order_builder::{Draft, Line, to_cents};
use crate::products::{Product, range};
use crate::rng::Rng;
use crate::store::{Stamp, Store};
use crate::{AUCTIONS, COUNTER, MARKETPLACE, SandboxOptions, WEB_SHOP, WHOLESALE, pacific, reference, split_merge};

const STATUSES: [(usize, &str); 8] = [
    (520, "awaiting_shipment"),
    (290, "shipped"),
    (60, "awaiting_payment"),
    (50, "on_hold"),
    (45, "cancelled"),
    (20, "pending_fulfillment"),
    (10, "rejected_fulfillment"),
    // A status that no document lists.
    (5, "processing"),
];
const NOTES: [&str; 4] =
    ["Please leave at the back door", "It's a birthday: no invoice in the box, thanks!", "Ring twice", "Call before delivery \u{1f4e6}"];
const COLOURS: [&str; 6] = ["Red", "Indigo", "Moss", "Sand", "Charcoal", "Ivory"];
const SIZES: [&str; 5] = ["S", "M", "L", "XL", "10\" x 12\""];
/// Above 2^53, where a binary float cannot hold every whole number.
const BEYOND_FLOAT: i64 = 9_007_199_254_740_993;

/// Number of buyers who order repeatedly.
const REGULARS: u64 = 400;

/// Makes orders. Each order advances its stream of random numbers.
#[derive(Debug)]
pub(crate) struct Generator {
    seed: u64,
    rng: Rng,
    products: Vec<Product>,
    lines_per_order: Option<usize>,
    only_status: Option<String>,
    new_buyers_per_mille: Option<usize>,
    new_buyers: u64,
    made: usize,
    next_number: i64,
}

impl Generator {
    pub(crate) fn new(options: &SandboxOptions) -> Self {
        Self {
            seed: options.seed,
            rng: Rng::new(options.seed, 1),
            products: range(options.seed, options.products),
            lines_per_order: options.lines_per_order,
            only_status: options.only_status.clone(),
            new_buyers_per_mille: options.new_buyers_per_mille,
            new_buyers: 0,
            made: 0,
            next_number: 100_001,
        }
    }

    /// Fills an account with exactly the requested number of orders, the oldest first, so that ids
    /// and creation times ascend together.
    pub(crate) fn fill(&mut self, store: &mut Store, options: &SandboxOptions, start: Timestamp) {
        for product in &self.products {
            store.products.insert(product.id, product.clone());
        }
        while store.orders.len() < options.orders {
            // Cubing concentrates the orders near the start.
            let left = count(options.orders - store.orders.len());
            let share = Decimal::from(left) / Decimal::from(count(options.orders));
            let history = Decimal::from(options.history.as_millis().try_into().unwrap_or(0_i64));
            let age: i64 = (share * share * share * history).try_into().unwrap_or(0);
            let created = Timestamp::from_millisecond(start.as_millisecond() - age.max(1)).unwrap_or(start);
            // Half of the orders were changed since: paid, held, shipped. The change is never later
            // than the start.
            let touched = if self.rng.per_mille(500) { age / self.rng.between(2, 40) } else { age };
            let modified = Timestamp::from_millisecond(start.as_millisecond() - touched.max(1)).unwrap_or(created);
            let id = self.put(store, Stamp { created, modified });
            let room = store.orders.len() < options.orders;
            if self.only_status.is_none() && room && self.rng.per_mille(12) {
                split_merge::split(store, id, modified);
            }
        }
    }

    /// Makes one order with these times and stores it; returns its id.
    pub(crate) fn put(&mut self, store: &mut Store, stamp: Stamp) -> i64 {
        let mut draft = self.draft(stamp);
        for line in &mut draft.lines {
            let next = store.next_item_id();
            line.item_id = Some(if self.rng.per_mille(5) { BEYOND_FLOAT + next } else { next });
        }
        let rng = &mut self.rng;
        let body = draft.json_with(&mut |amount| written(rng, amount));
        store.put(body, Some(stamp), stamp.modified)
    }

    fn draft(&mut self, stamp: Stamp) -> Draft {
        self.made += 1;
        let number = self.next_number;
        self.next_number += self.rng.between(1, 3);
        let store = *self.rng.pick(&[WEB_SHOP, WEB_SHOP, WEB_SHOP, MARKETPLACE, MARKETPLACE, WHOLESALE, COUNTER, AUCTIONS]);
        let mut draft = Draft::new(match store {
            MARKETPLACE => format!("{}-{:07}-{:07}", self.rng.between(111, 114), self.rng.between(0, 9_999_999), number),
            WHOLESALE => format!("W{number}"),
            _ => number.to_string(),
        });
        draft.key =
            format!("{:08x}-{:04x}-4{:03x}", self.rng.between(0, 0xFFFF_FFFF), self.rng.between(0, 0xFFFF), self.rng.between(0, 0xFFF));
        draft.store_id = store;
        draft.source = Some(match store {
            MARKETPLACE => "amazon".to_owned(),
            AUCTIONS => "ebay".to_owned(),
            _ => "web".to_owned(),
        });
        draft.warehouse_id = (!self.rng.per_mille(30)).then(|| *self.rng.pick(&reference::WAREHOUSES));
        draft.ordered = Some(pacific::after_seconds(pacific::to_second(stamp.created), -self.rng.between(0, 600)));
        self.people(&mut draft, store);
        let wanted = self.wanted_lines();
        for position in 0..wanted {
            let line = self.line(position, store == WHOLESALE);
            draft.lines.push(line);
        }
        // The same SKU twice in one order, sometimes at another price.
        if self.rng.per_mille(60) && self.lines_per_order.is_none() {
            let again = draft.lines.first().cloned().map(|line| Line {
                quantity: self.rng.between(1, 4),
                key: Some(format!("{number}-again")),
                ..line
            });
            draft.lines.extend(again);
        }
        self.charges(&mut draft);
        self.status(&mut draft, stamp);
        draft
    }

    /// Number of the buyer of the next order: one of 400, or a buyer who has not bought before.
    fn buyer(&mut self) -> u64 {
        if self.new_buyers_per_mille.is_some_and(|share| self.rng.per_mille(share)) {
            self.new_buyers += 1;
            return REGULARS + self.new_buyers;
        }
        u64::try_from(self.rng.between(1, 400)).unwrap_or(1)
    }

    fn people(&mut self, draft: &mut Draft, store: i64) {
        let who = self.buyer();
        let Buyer { customer_id, email, address } = buyer(self.seed, who);
        draft.username = Some(if store == WEB_SHOP { customer_id.to_string() } else { email.clone() });
        draft.bill_to.name.clone_from(&address.name);
        draft.ship_to = address;
        (draft.customer_id, draft.email) = (Some(customer_id), Some(email));
        if store == MARKETPLACE && self.rng.per_mille(150) {
            // Fulfilled by the marketplace: the order names no buyer.
            draft.externally_fulfilled = true;
            draft.ship_to = crate::address::Address { name: Some(String::new()), ..draft.ship_to.clone() };
            draft.ship_to.street1 = Some(String::new());
            draft.bill_to = crate::address::Address::default();
            (draft.customer_id, draft.email, draft.username) = (None, None, None);
        } else if store == COUNTER && self.rng.per_mille(500) {
            draft.ship_to = crate::address::Address::default();
            draft.bill_to = crate::address::Address::default();
            (draft.customer_id, draft.email, draft.username) = (None, Some(String::new()), None);
        } else {
            match self.rng.below(1000) {
                0..20 => draft.email = None,
                20..40 => draft.email = draft.email.take().map(|email| email.to_uppercase()),
                _ => {}
            }
        }
    }

    /// Half of the orders have fewer than five lines; a few have hundreds. The 17th and the 151st
    /// are always large, so that every account above that size has both.
    fn wanted_lines(&mut self) -> usize {
        if let Some(lines) = self.lines_per_order {
            return lines;
        }
        let (low, high) = match (self.made, self.rng.below(1000)) {
            (17, _) => (250, 400),
            (151, _) => (1_101, 1_200),
            (_, 0..430) => (1, 3),
            (_, 430..790) => (4, 8),
            (_, 790..940) => (9, 25),
            (_, 940..991) => (26, 60),
            (_, 991..999) => (100, 400),
            _ => (1_001, 1_200),
        };
        usize::try_from(self.rng.between(low, high)).unwrap_or(1)
    }

    fn line(&mut self, position: usize, wholesale: bool) -> Line {
        let key = Some(format!("{}-{}", self.next_number, position + 1));
        // Codes of services, not of products.
        if position > 0 && self.rng.per_mille(12) {
            let (sku, name, price) =
                *self.rng.pick(&[("POST", "Postage", 495), ("GIFT-CARD-25", "Gift card", 2500), ("MANUAL", "Manual charge", 150)]);
            return Line {
                key,
                sku: Some(sku.to_owned()),
                name: name.to_owned(),
                quantity: 1,
                unit_price: Decimal::new(price, 2),
                ..Line::default()
            };
        }
        let choice = self.rng.below(self.products.len());
        let Some(product) = self.products.get(choice).cloned() else { return Line { key, ..Line::default() } };
        let mut line = Line {
            key,
            sku: Some(product.sku.clone()),
            name: product.name.clone(),
            quantity: if wholesale { *self.rng.pick(&[6, 12, 24, 48, 144, 500]) } else { *self.rng.pick(&[1, 1, 1, 1, 2, 2, 3, 4, 6, 12]) },
            unit_price: product.price,
            product_id: Some(product.id),
            weight_oz: product.weight_oz,
            bin: product.bin.clone(),
            ..Line::default()
        };
        match self.rng.below(1000) {
            0..25 => line.sku = Some(product.sku.to_lowercase()),
            25..40 => line.sku = Some(format!("{} ", product.sku)),
            40..50 => (line.sku, line.product_id) = (Some(format!(" {}", product.sku.to_lowercase())), None),
            50..60 => (line.sku, line.product_id) = (None, None),
            60..95 => line.name = format!("{} (new design)", product.name.to_uppercase()),
            95..105 => line.name = String::new(),
            105..125 => line.product_id = None,
            _ => {}
        }
        match self.rng.below(1000) {
            0..20 => line.unit_price = Decimal::ZERO,
            20..25 => line.unit_price = Decimal::new(1, 3),
            25..50 => line.unit_price += Decimal::new(self.rng.between(1, 99), 4),
            50..60 => line.quantity = 0,
            60..80 => line.weight_oz = None,
            _ => {}
        }
        if self.rng.per_mille(180) {
            line.options.push(("Colour", *self.rng.pick(&COLOURS)));
            if self.rng.per_mille(500) {
                line.options.push(("Size", *self.rng.pick(&SIZES)));
            }
        }
        line
    }

    /// Shipping, discounts, other charges, tax.
    fn charges(&mut self, draft: &mut Draft) {
        let goods: Decimal = draft.lines.iter().map(|line| Decimal::from(line.quantity) * line.unit_price).sum();
        if self.rng.per_mille(550) {
            draft.shipping = *self.rng.pick(&[Decimal::new(495, 2), Decimal::new(799, 2), Decimal::new(10, 0), Decimal::new(1249, 2)]);
        }
        let mut adjust = |sku: &str, key: Option<&str>, name: &str, amount: Decimal| {
            draft.lines.push(Line {
                key: key.map(str::to_owned),
                sku: Some(sku.to_owned()),
                name: name.to_owned(),
                quantity: 1,
                unit_price: amount,
                adjustment: true,
                ..Line::default()
            });
        };
        let mut discount = Decimal::ZERO;
        if self.rng.per_mille(180) {
            discount = to_cents(goods * Decimal::new(self.rng.between(3, 30), 2));
            match self.rng.below(3) {
                0 => adjust("", Some(""), "Discount", -discount),
                1 => adjust("WELCOME", None, "Welcome code", -discount),
                _ => adjust("total-discount", Some("discount"), "Total Discount", -discount),
            }
        }
        if self.rng.per_mille(50) {
            adjust("", None, "Gift wrap", Decimal::new(350, 2));
        }
        let rate = sales_tax(&draft.ship_to);
        if rate.is_zero() || self.rng.per_mille(100) {
            return;
        }
        if self.rng.per_mille(150) {
            // Item taxes are for a single unit, and the order's tax contains them.
            for line in draft.lines.iter_mut().filter(|line| !line.adjustment) {
                line.unit_tax = Some(to_cents(line.unit_price * rate));
            }
            draft.tax = draft.lines.iter().map(|line| Decimal::from(line.quantity) * line.unit_tax.unwrap_or_default()).sum();
        } else {
            draft.tax = to_cents((goods - discount) * rate);
        }
    }

    fn status(&mut self, draft: &mut Draft, stamp: Stamp) {
        let status = self.only_status.clone().unwrap_or_else(|| self.rng.weighted(&STATUSES).to_owned());
        let paid = match status.as_str() {
            "awaiting_payment" => false,
            "on_hold" => self.rng.per_mille(500),
            "cancelled" => self.rng.per_mille(700),
            _ => true,
        };
        draft.paid_at = paid.then_some(draft.ordered).flatten();
        draft.paid = match self.rng.below(1000) {
            _ if !paid => Some(Decimal::ZERO),
            0..30 => Some(Decimal::ZERO),
            30..45 => Some(draft.order_total() + Decimal::new(self.rng.between(1, 500), 2)),
            _ => None,
        };
        draft.shipped_at = (status == "shipped").then_some(stamp.modified);
        draft.hold_until = (status == "on_hold").then(|| pacific::after_seconds(stamp.modified, 86_400 * self.rng.between(1, 20)));
        draft.status = status;
        draft.payment_method = Some((*self.rng.pick(&["Credit Card", "PayPal", "Gift Card", "Invoice", ""])).to_owned());
        draft.gift = self.rng.per_mille(60);
        draft.customer_notes = self.rng.per_mille(100).then(|| (*self.rng.pick(&NOTES)).to_owned());
        draft.requested_service = Some((*self.rng.pick(&["Standard", "Express", "Pickup"])).to_owned());
        if self.rng.per_mille(150) {
            draft.tags.push(*self.rng.pick(&reference::TAGS));
        }
        if self.only_status.is_none() {
            match self.rng.below(1000) {
                // Merged long ago: the order that was merged into this one is gone.
                0..6 => draft.merged_ids.push(self.rng.between(400_000_000, 470_000_000)),
                // A discount that was added by hand in ShipStation does not change the total.
                6..10 => {
                    let total = draft.order_total();
                    draft.lines.push(Line {
                        name: "Discount".to_owned(),
                        quantity: 1,
                        unit_price: Decimal::from(-30),
                        adjustment: true,
                        ..Line::default()
                    });
                    draft.total = Some(total);
                }
                _ => {}
            }
        }
    }
}

/// Text of an amount: mostly plain, sometimes with zeros at the end or an exponent.
fn written(rng: &mut Rng, amount: Decimal) -> String {
    let plain = plain_number(amount);
    match rng.below(1000) {
        0..30 if plain.contains('.') => format!("{plain}0"),
        30..45 if !plain.contains('.') => format!("{plain}.0"),
        45..47 if !amount.is_zero() => with_exponent(amount),
        _ => plain,
    }
}

/// `120` as `1.2E2`, `-3000` as `-3E3`, `0.5` as `5E-1`.
fn with_exponent(amount: Decimal) -> String {
    let amount = amount.normalize();
    let digits = amount.mantissa().unsigned_abs().to_string();
    let exponent = count(digits.len()) - 1 - i64::from(amount.scale());
    let sign = if amount.is_sign_negative() { "-" } else { "" };
    match digits.split_at_checked(1).map(|(first, rest)| (first, rest.trim_end_matches('0'))) {
        Some((first, rest)) if !rest.is_empty() => format!("{sign}{first}.{rest}E{exponent}"),
        Some((first, _)) => format!("{sign}{first}E{exponent}"),
        None => digits,
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn exponents_keep_the_value() {
        for (text, expected) in
            [("120", "1.2E2"), ("-3000", "-3E3"), ("0.5", "5E-1"), ("16.99", "1.699E1"), ("0.001", "1E-3"), ("-20.55", "-2.055E1")]
        {
            let written = with_exponent(text.parse().unwrap());
            assert_eq!(written, expected);
            assert_eq!(Decimal::from_scientific(&written).unwrap(), text.parse().unwrap());
        }
    }
}
