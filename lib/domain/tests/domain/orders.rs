//! Orders for tests: plain ones to be changed by hand, and a generator of lifelike ones.

use proptest::prelude::*;
use rust_decimal::RoundingStrategy;
use stevedore_domain::address::Address;
use stevedore_domain::ids::{OrderId, ShipstationCustomerId, ShipstationProductId, StoreId, TagId, WarehouseId};
use stevedore_domain::money::{Currency, Decimal, Minor, decimal};
use stevedore_domain::order::{Item, ItemOption, Order, OrderStatus, Revision};
use stevedore_domain::pacific::{PacificTime, wall_time};

/// The exact decimal of a JSON number's text.
pub(crate) fn exact(text: &str) -> Decimal {
    decimal(text).expect("a JSON number")
}

/// A wall time of ShipStation's.
pub(crate) fn pacific(text: &str) -> PacificTime {
    PacificTime::parse(text).expect("a wall time")
}

/// A thing that was sold.
pub(crate) fn line(sku: &str, quantity: i64, unit_price: &str) -> Item {
    Item {
        id: None,
        key: None,
        sku: Some(sku.to_owned()),
        name: Some(format!("Name of {sku}")),
        quantity,
        unit_price: exact(unit_price),
        unit_tax: None,
        options: Vec::new(),
        product_id: None,
        adjustment: false,
    }
}

/// A line that states its own tax for one unit.
pub(crate) fn taxed_line(sku: &str, quantity: i64, unit_price: &str, unit_tax: &str) -> Item {
    Item { unit_tax: Some(exact(unit_tax)), ..line(sku, quantity, unit_price) }
}

/// A discount or a charge on the whole order.
pub(crate) fn adjustment(name: &str, unit_price: &str) -> Item {
    Item { sku: None, name: Some(name.to_owned()), adjustment: true, ..line("", 1, unit_price) }
}

/// A paid order with an address, whose total adds up.
pub(crate) fn order(items: Vec<Item>, tax: &str, shipping: &str) -> Order {
    let address = Address {
        name: Some("Ann Archer".to_owned()),
        street1: Some("12 Quay Street".to_owned()),
        city: Some("Reno".to_owned()),
        state: Some("NV".to_owned()),
        postal_code: Some("89501".to_owned()),
        country: Some("US".to_owned()),
        phone: Some("555-0100".to_owned()),
        ..Address::default()
    };
    let mut order = Order {
        id: OrderId(900_001),
        number: "W-1001".to_owned(),
        key: Some("channel-1001".to_owned()),
        status: OrderStatus::AwaitingShipment,
        created_at: Some(pacific("2026-05-04T09:00:00")),
        modified_at: pacific("2026-05-04T10:00:00"),
        ordered_at: wall_time("2026-05-04T08:59:00"),
        paid_at: wall_time("2026-05-04T08:59:30"),
        customer_id: Some(ShipstationCustomerId(71)),
        customer_username: None,
        customer_email: Some("Ann@Example.com".to_owned()),
        bill_to: Address::default(),
        ship_to: address,
        items,
        total: Decimal::ZERO,
        amount_paid: Decimal::ZERO,
        tax: exact(tax),
        shipping: exact(shipping),
        payment_method: Some("card".to_owned()),
        customer_notes: None,
        internal_notes: None,
        requested_shipping_service: Some("USPS Priority".to_owned()),
        externally_fulfilled: false,
        tag_ids: Vec::new(),
        store_id: Some(StoreId(12)),
        warehouse_id: None,
        source: Some("web".to_owned()),
        merged_or_split: false,
        merged_ids: Vec::new(),
        parent_id: None,
        nulls_left_out: false,
    };
    order.total = sum_of_parts(&order);
    order.amount_paid = order.total;
    order
}

/// Σ quantity × unit price, adjustments included, + tax + shipping: what ShipStation's total is where its numbers add up.
pub(crate) fn sum_of_parts(order: &Order) -> Decimal {
    order.items.iter().map(|item| Decimal::from(item.quantity) * item.unit_price).sum::<Decimal>() + order.tax + order.shipping
}

/// The revision that `order` is, without a hint of when it was read.
pub(crate) fn revision(order: Order) -> Revision {
    Revision::new(order, None)
}

fn arb_price() -> impl Strategy<Value = (i64, Decimal)> {
    prop_oneof![
        12 => (arb_quantity(), (1_i64..30_000).prop_map(|cents| Decimal::new(cents, 2))),
        4 => (arb_quantity(), (1_i64..9_999_999, 0_u32..=4).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))),
        2 => (arb_quantity(), (1_i64..300).prop_map(|mantissa| Decimal::new(mantissa, 4))),
        1 => (arb_quantity(), Just(Decimal::ZERO)),
        1 => (arb_quantity(), (100_i64..100_000).prop_map(|cents| Decimal::new(cents * 10, 3))),
        1 => (1_i64..=3, (1_000_000_000_i64..1_000_000_000_000).prop_map(|cents| Decimal::new(cents, 2))),
    ]
}

fn arb_quantity() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 1_i64..=12, 3 => 13_i64..=500, 1 => Just(0_i64), 1 => -3_i64..0]
}

fn arb_option() -> impl Strategy<Value = ItemOption> {
    (prop::sample::select(vec!["Colour", "Size", "Größe", ""]), prop::sample::select(vec!["Red", "L", "a; b: c", ""]))
        .prop_map(|(name, value)| ItemOption { name: name.to_owned(), value: value.to_owned() })
}

fn arb_item() -> impl Strategy<Value = Item> {
    let kind = prop_oneof![12 => Just(0_u8), 2 => Just(1_u8), 1 => Just(2_u8)];
    let sku = prop::option::weighted(0.9, prop::sample::select(vec!["22423", "85123A", "85123a ", "POST", "MUG-1", "mug-1", "unknown"]));
    let options = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(arb_option(), 1..4)];
    let unit_tax =
        prop_oneof![2 => Just(Decimal::ZERO), 3 => (0_i64..900, 2_u32..=4).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))];
    (kind, arb_price(), sku, options, prop::option::weighted(0.6, unit_tax), any::<u64>(), prop::option::weighted(0.7, 1_u64..9)).prop_map(
        |(kind, (quantity, price), sku, options, unit_tax, id, product)| {
            let sku = sku.map(str::to_owned);
            let product_id = product.map(ShipstationProductId);
            let thing = Item {
                id: Some(id),
                key: None,
                name: sku.clone(),
                sku,
                quantity,
                unit_price: price,
                unit_tax,
                options,
                product_id,
                adjustment: false,
            };
            let small = price.min(Decimal::from(500));
            match kind {
                0 => thing,
                1 => Item {
                    sku: None,
                    name: Some("Discount".to_owned()),
                    quantity: 1,
                    unit_price: -small,
                    product_id: None,
                    adjustment: true,
                    ..thing
                },
                _ => Item {
                    sku: None,
                    name: Some("Gift wrap".to_owned()),
                    quantity: 1,
                    unit_price: small,
                    product_id: None,
                    adjustment: true,
                    ..thing
                },
            }
        },
    )
}

fn arb_items() -> impl Strategy<Value = Vec<Item>> {
    prop_oneof![
        1 => Just(Vec::new()),
        6 => prop::collection::vec(arb_item(), 1..=4),
        2 => prop::collection::vec(arb_item(), 5..=15),
        1 => prop::collection::vec(arb_item(), 16..=40),
    ]
}

fn arb_address() -> impl Strategy<Value = Address> {
    prop_oneof![
        1 => Just(Address::default()),
        4 => (prop::sample::select(vec!["Ann Archer", "Łukasz Żak", "O'Neil & Sons"]), prop::sample::select(vec!["89501", "07102", "K1A 0B1"])).prop_map(
            |(name, zip)| Address {
                name: Some(name.to_owned()),
                street1: Some("12 Quay Street".to_owned()),
                postal_code: Some(zip.to_owned()),
                country: Some("US".to_owned()),
                ..Address::default()
            }
        ),
    ]
}

/// A status of ShipStation's, and now and then one that nobody has heard of.
pub(crate) fn arb_status() -> impl Strategy<Value = OrderStatus> {
    let texts = vec![
        "awaiting_payment",
        "awaiting_shipment",
        "awaiting_shipment",
        "awaiting_shipment",
        "pending_fulfillment",
        "rejected_fulfillment",
        "shipped",
        "shipped",
        "on_hold",
        "cancelled",
        "processing",
    ];
    prop::sample::select(texts).prop_map(OrderStatus::parse)
}

/// Forms in which the items state tax.
#[derive(Clone, Copy, Debug)]
enum Taxes {
    /// No item states any.
    Absent,
    /// Each item states nothing or zero.
    Zero,
    /// As generated, so usually in contradiction to the order's.
    Own,
    /// As generated, and the order's tax is their sum.
    OwnSum,
}

/// Ways in which the total comes about.
#[derive(Clone, Copy, Debug)]
enum Total {
    /// The parts' sum, rounded so.
    Sum(RoundingStrategy),
    /// Off by so many minor units, as split orders are.
    Off(i64),
    /// Zero, as a split's child is.
    Zero,
}

/// A lifelike order whose tax and total are whole amounts of `currency`.
pub(crate) fn arb_order(currency: Currency) -> impl Strategy<Value = Order> {
    let taxes = prop_oneof![4 => Just(Taxes::Absent), 1 => Just(Taxes::Zero), 1 => Just(Taxes::Own), 2 => Just(Taxes::OwnSum)];
    let tax = prop_oneof![2 => Just(0_i64), 1 => Just(1_i64), 6 => 2_i64..90_000, 1 => -500_i64..0];
    let shipping = prop_oneof![3 => Just(Decimal::ZERO), 4 => (1_i64..5_000).prop_map(|c| Decimal::new(c, 2)), 1 => (-900_i64..90_000).prop_map(|c| Decimal::new(c, 3))];
    let total = prop_oneof![
        6 => Just(Total::Sum(RoundingStrategy::MidpointAwayFromZero)),
        1 => Just(Total::Sum(RoundingStrategy::MidpointNearestEven)),
        1 => Just(Total::Sum(RoundingStrategy::ToZero)),
        1 => (-5_000_i64..5_000).prop_map(Total::Off),
        1 => Just(Total::Zero),
    ];
    let who = (
        any::<u64>(),
        arb_status(),
        any::<bool>(),
        arb_address(),
        arb_address(),
        prop::option::weighted(0.8, Just("buyer@example.com".to_owned())),
    );
    let rest = (
        prop::option::weighted(0.5, 1_u64..5),
        prop::collection::vec((1_u64..9).prop_map(TagId), 0..3),
        prop::bool::weighted(0.1),
        0_i64..200_000,
    );
    (arb_items(), taxes, tax, shipping, total, who, rest).prop_map(
        move |(
            mut items,
            taxes,
            tax,
            shipping,
            total,
            (id, status, paid, bill_to, ship_to, email),
            (warehouse, tag_ids, fulfilled, paid_cents),
        )| {
            for item in &mut items {
                match taxes {
                    Taxes::Absent => item.unit_tax = None,
                    Taxes::Zero => item.unit_tax = item.unit_tax.map(|_| Decimal::ZERO),
                    Taxes::Own | Taxes::OwnSum => {}
                }
            }
            let mut order = order(items, "0", "0");
            (order.id, order.status, order.bill_to, order.ship_to, order.customer_email) = (OrderId(id), status, bill_to, ship_to, email);
            order.paid_at = order.paid_at.filter(|_| paid);
            order.tax = currency.decimal(Minor(tax));
            if let Taxes::OwnSum = taxes {
                let own: Decimal = order
                    .items
                    .iter()
                    .filter(|item| !item.adjustment)
                    .filter_map(|item| Some(Decimal::from(item.quantity) * item.unit_tax?))
                    .sum();
                order.tax = own.round_dp_with_strategy(currency.digits(), RoundingStrategy::MidpointAwayFromZero);
            }
            order.shipping = shipping;
            let digits = currency.digits();
            order.total = match total {
                Total::Sum(strategy) => sum_of_parts(&order).round_dp_with_strategy(digits, strategy),
                Total::Off(minor) => sum_of_parts(&order).round_dp(digits) + currency.decimal(Minor(minor)),
                Total::Zero => Decimal::ZERO,
            };
            order.amount_paid = currency.decimal(Minor(paid_cents));
            (order.warehouse_id, order.tag_ids, order.externally_fulfilled) = (warehouse.map(WarehouseId), tag_ids, fulfilled);
            order
        },
    )
}
