//! Invoice, payment, account, location and representative of a sale (S39, S41, S43, S63, S72, S74, S75, S122).

use std::collections::BTreeSet;

use jiff::civil::date;
use stevedore_domain::ids::{AccountId, LocationId, WarehouseId};
use stevedore_domain::money::Minor;
use stevedore_domain::order::Order;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::Product;
use stevedore_domain::sale::{SaleStatus, StageStatus};
use stevedore_domain::settings::{InvoiceMode, Settings};

use crate::merchant::{Merchant, blocked, customer, failed, product, reasons};
use crate::orders::{adjustment, exact, line, order};

fn plain() -> Order {
    order(vec![line("MUG", 2, "10")], "1.60", "5")
}

/// S39: the invoice waits as a draft by default, or is authorised at once; its lines are the sale's.
#[test]
fn s39_draft_or_authorised() {
    for (mode, invoice, status) in [
        (InvoiceMode::Draft, StageStatus::Draft, SaleStatus::Draft),
        (InvoiceMode::Authorised, StageStatus::Authorised, SaleStatus::Authorised),
    ] {
        let sale = Merchant::with_settings(|settings| settings.invoice_status = mode).sale(&plain());
        assert_eq!((sale.invoice.status, sale.status(), sale.invoice.number.as_str()), (invoice, status, "INV900001"));
        assert_eq!(
            (sale.pick.status, sale.pack.status, sale.ship.status),
            (StageStatus::NotAvailable, StageStatus::NotAvailable, StageStatus::NotAvailable)
        );
    }
    assert_eq!(Settings::default().invoice_status, InvoiceMode::Draft);
}

/// S41: the settings' revenue account, else the product's, else the customer's, else none.
#[test]
fn s41_precedence_of_revenue_accounts() {
    let account = |of_settings: bool, of_product: bool, of_customer: bool| {
        let revenue_account = of_product.then(|| AccountId::from("product-revenue"));
        let mut merchant = Merchant::with_products(&[Product { revenue_account, ..product("P-mug", "MUG") }]);
        merchant.settings.revenue_account = of_settings.then(|| AccountId::from("settings-revenue"));
        merchant.customers.linked = of_customer.then(|| customer("C-1", "ann@example.com"));
        merchant.sale(&plain()).lines[0].account.as_ref().map(ToString::to_string)
    };
    for of_product in [false, true] {
        for of_customer in [false, true] {
            assert_eq!(account(true, of_product, of_customer).as_deref(), Some("settings-revenue"));
        }
        assert_eq!(account(false, true, of_product).as_deref(), Some("product-revenue"));
    }
    assert_eq!(account(false, false, true).as_deref(), Some("customer-revenue"));
    assert_eq!(account(false, false, false), None);
}

/// S41: the settings' account, else the product's, else the customer's, else the default, for lines; the same without a product for every charge.
#[test]
fn s41_the_default_account_and_the_accounts_of_charges() {
    let accounts = |of_settings: bool, of_product: bool, of_customer: bool| {
        let revenue_account = of_product.then(|| AccountId::from("product-revenue"));
        let mut merchant = Merchant::with_products(&[Product { revenue_account, ..product("P-mug", "MUG") }]);
        merchant.settings.revenue_account = of_settings.then(|| AccountId::from("settings-revenue"));
        merchant.settings.default_revenue_account = Some(AccountId::from("default-revenue"));
        merchant.customers.linked = of_customer.then(|| customer("C-1", "ann@example.com"));
        // Shipping, a charge of its own, and an adjustment for what does not add up.
        let mut order = order(vec![line("MUG", 2, "10"), adjustment("Gift wrap", "2")], "1.60", "5");
        order.total += exact("0.50");
        let sale = merchant.sale(&order);
        let charges: BTreeSet<String> = sale.charges.iter().map(|charge| charge.account.clone().unwrap().0).collect();
        assert_eq!((sale.charges.len(), charges.len()), (3, 1));
        (sale.lines[0].account.clone().unwrap().0, charges.into_iter().next().unwrap())
    };
    let pair = |line: &str, charge: &str| (line.to_owned(), charge.to_owned());
    assert_eq!(accounts(true, true, true), pair("settings-revenue", "settings-revenue"));
    assert_eq!(accounts(false, true, true), pair("product-revenue", "customer-revenue"));
    assert_eq!(accounts(false, true, false), pair("product-revenue", "default-revenue"));
    assert_eq!(accounts(false, false, true), pair("customer-revenue", "customer-revenue"));
    assert_eq!(accounts(false, false, false), pair("default-revenue", "default-revenue"));
    // The charge that carries the tax of an order without lines has one too.
    let mut merchant = Merchant::with_settings(|settings| settings.default_revenue_account = Some(AccountId::from("default-revenue")));
    let sale = merchant.sale(&order(vec![], "0.70", "0"));
    assert_eq!(sale.charges[0].account, Some(AccountId::from("default-revenue")));
    merchant.settings.default_revenue_account = None;
    assert_eq!(merchant.sale(&order(vec![], "0.70", "0")).charges[0].account, None);
}

/// S43: the store's name is the representative where the settings ask for it, and stands with the source in any case.
#[test]
fn s43_the_store_as_representative() {
    for wanted in [false, true] {
        let mut merchant = Merchant::with_settings(|settings| settings.store_name_as_sales_rep = wanted);
        let sale = merchant.sale(&plain());
        assert_eq!(sale.sales_representative.as_deref(), wanted.then_some("Quay Goods"));
        assert_eq!(sale.source.order().unwrap().store_name.as_deref(), Some("Quay Goods"));
        merchant.store_name = None;
        assert_eq!(merchant.sale(&plain()).sales_representative, None);
    }
}

/// S63: the mapped location of the order's warehouse, else the default, with the reason; each line comes from there.
#[test]
fn s63_mapped_or_default_location() {
    let merchant = Merchant::with_settings(|settings| {
        settings.location_map.warehouses.insert(WarehouseId(7), LocationId::from("reno"));
    });
    for (warehouse, expected, why) in [
        (Some(7), "reno", "mapped from ShipStation warehouse 7"),
        (Some(8), "main", "warehouse 8 is not mapped"),
        (None, "main", "names no warehouse"),
    ] {
        let sale = merchant.sale(&Order { warehouse_id: warehouse.map(WarehouseId), ..plain() });
        assert_eq!(sale.location_id.as_str(), expected);
        assert!(sale.location_reason.contains(why), "{}", sale.location_reason);
        assert!(sale.lines.iter().all(|line| line.location_id == sale.location_id));
    }
}

/// S63: without a default, an order from a warehouse that is not mapped is blocked; a location that is gone blocks too.
#[test]
fn s63_no_location() {
    let mut merchant = Merchant::with_settings(|settings| {
        settings.location_map.default = None;
        settings.location_map.warehouses.insert(WarehouseId(7), LocationId::from("reno"));
    });
    assert_eq!(blocked(&merchant.refusal(&plain())), Reason::NoDefaultLocation);
    assert_eq!(blocked(&merchant.refusal(&Order { warehouse_id: Some(WarehouseId(8)), ..plain() })), Reason::NoDefaultLocation);
    let mapped = Order { warehouse_id: Some(WarehouseId(7)), ..plain() };
    assert_eq!(merchant.sale(&mapped).location_id.as_str(), "reno");
    merchant.locations.retain(|location| location.id.as_str() != "reno");
    assert_eq!(blocked(&merchant.refusal(&mapped)), Reason::MissingReference);
}

fn paying() -> Merchant {
    Merchant::with_settings(|settings| {
        settings.payment.account = Some(AccountId::from("bank"));
        settings.payment.by_method.insert("PayPal".to_owned(), AccountId::from("paypal"));
    })
}

/// S72, S122: an amount that was paid is a payment on the invoice, with date, method and account; a method of its own account goes there, whatever its case.
#[test]
fn s72_s122_a_payment_on_the_invoice() {
    for (method, account) in
        [(Some("card"), "bank"), (Some("PayPal"), "paypal"), (Some("PAYPAL "), "paypal"), (Some("pay pal"), "bank"), (None, "bank")]
    {
        let sale = paying().sale(&Order { payment_method: method.map(str::to_owned), ..plain() });
        let [payment] = sale.invoice.payments.as_slice() else { panic!("{:?}", sale.invoice.payments) };
        assert_eq!((payment.amount, payment.account.as_str(), payment.method.as_deref()), (Minor(2660), account, method));
        assert_eq!(payment.date, Some(date(2026, 5, 4)));
    }
}

/// S122: the payment is what was paid, also when it is more or less than the total or below nothing; paid nothing is no payment.
#[test]
fn s122_more_less_or_nothing_paid() {
    for (paid, expected) in [("26.60", Some(2660)), ("218.73", Some(21_873)), ("1", Some(100)), ("-5", Some(-500)), ("0.00", None)] {
        let sale = paying().sale(&Order { amount_paid: exact(paid), ..plain() });
        assert_eq!(sale.invoice.payments.first().map(|payment| payment.amount.0), expected, "{paid}");
        assert_eq!(sale.total, Minor(2660));
    }
}

/// S122: a payment without a date of its own has the order's.
#[test]
fn s122_the_date_of_a_payment() {
    let undated = Order { paid_at: None, ..plain() };
    assert_eq!(paying().sale(&undated).invoice.payments[0].date, Some(date(2026, 5, 4)));
    assert_eq!(paying().sale(&Order { ordered_at: None, ..undated }).invoice.payments[0].date, None);
}

/// S74, S75: without a payment account orders are booked all the same and the invoice stays open, whatever the amount paid looks like.
#[test]
fn s74_s75_no_account_no_payment() {
    for paid in ["26.60", "26.605", "1e20"] {
        let sale = Merchant::new().sale(&Order { amount_paid: exact(paid), ..plain() });
        assert_eq!((sale.invoice.payments, sale.total), (vec![], Minor(2660)));
    }
}

/// S122, N20: an amount paid that is not whole cannot be booked as a payment, and says so.
#[test]
fn s122_n20_an_odd_amount_paid() {
    for (paid, reason) in [("26.605", Reason::AmountNotExact), ("1e20", Reason::AmountTooLarge)] {
        let refusal = paying().refusal(&Order { amount_paid: exact(paid), ..plain() });
        assert_eq!(failed(&refusal).reason, reason);
    }
}

/// S103: an order that a marketplace's warehouse ships is booked, and says so.
#[test]
fn s103_externally_fulfilled() {
    let sale = Merchant::new().sale(&Order { externally_fulfilled: true, ..plain() });
    assert_eq!(reasons(&sale), [Reason::ExternallyFulfilled, Reason::ServiceLine]);
}
