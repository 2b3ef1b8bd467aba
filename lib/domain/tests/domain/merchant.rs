//! A merchant to book for: settings and reference data with which every order can be booked.

use std::sync::Arc;

use jiff::Timestamp;
use stevedore_domain::address::Address;
use stevedore_domain::ids::{AccountId, CustomerId, LocationId, SaleId, ShipstationProductId, TaxRuleId};
use stevedore_domain::order::Order;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{Customer, Location, Product, TaxComponent, TaxRule};
use stevedore_domain::sale::{Booked, Booking, CustomerMatches, Products, Sale, Unbookable, book};
use stevedore_domain::settings::Settings;
use stevedore_domain::stock::Levels;
use stevedore_domain::warning::Warning;

use crate::orders::{exact, revision};

/// Time at which everything here came into being.
pub(crate) fn then() -> Timestamp {
    "2026-05-01T00:00:00Z".parse().unwrap()
}

/// Time at which everything is booked.
pub(crate) fn now() -> Timestamp {
    "2026-05-05T12:00:00Z".parse().unwrap()
}

#[derive(Clone, Debug)]
pub(crate) struct Merchant {
    pub(crate) settings: Settings,
    pub(crate) customers: CustomerMatches,
    pub(crate) products: Products,
    pub(crate) levels: Levels,
    pub(crate) tax_rule: Option<TaxRule>,
    /// The rules of places of business.
    pub(crate) place_rules: Vec<TaxRule>,
    pub(crate) locations: Vec<Location>,
    pub(crate) store_name: Option<&'static str>,
}

impl Merchant {
    /// With a default tax rule of 8 % and a default location, and nothing else.
    pub(crate) fn new() -> Self {
        let mut settings = Settings::default();
        settings.tax.default_rule = Some(TaxRuleId::from("sales-tax"));
        settings.location_map.default = Some(LocationId::from("main"));
        Self {
            settings,
            customers: CustomerMatches::default(),
            products: Products::default(),
            levels: Levels::default(),
            tax_rule: Some(tax_rule("sales-tax", &["6.25", "1.75"])),
            place_rules: Vec::new(),
            locations: vec![location("main", "Main"), location("reno", "Reno")],
            store_name: Some("Quay Goods"),
        }
    }

    pub(crate) fn with_settings(change: impl FnOnce(&mut Settings)) -> Self {
        let mut merchant = Self::new();
        change(&mut merchant.settings);
        merchant
    }

    pub(crate) fn with_products(products: &[Product]) -> Self {
        let mut merchant = Self::new();
        for product in products {
            merchant.products.add(Arc::new(product.clone()));
        }
        merchant
    }

    pub(crate) fn book(&self, order: &Order) -> Result<Booked, Unbookable> {
        self.book_as(order, &SaleId::of_order(order.id, 1))
    }

    /// The order as the sale `sale_id`, which names its account.
    pub(crate) fn book_as(&self, order: &Order, sale_id: &SaleId) -> Result<Booked, Unbookable> {
        let tax_rules: Vec<TaxRule> = self.place_rules.iter().chain(&self.tax_rule).cloned().collect();
        let booking = Booking {
            levels: &self.levels,
            settings: &self.settings,
            customers: &self.customers,
            products: &self.products,
            tax_rules: &tax_rules,
            locations: &self.locations,
            store_name: self.store_name,
            sale_id,
            booked_at: now(),
        };
        book(&revision(order.clone()), booking)
    }

    /// The sale of an order that can be booked.
    pub(crate) fn sale(&self, order: &Order) -> Sale {
        self.book(order).unwrap_or_else(|unbookable| panic!("not booked: {unbookable:?}")).sale
    }

    /// The order's sale with its customer and what it does to stock.
    pub(crate) fn booked(&self, order: &Order) -> Booked {
        self.book(order).unwrap_or_else(|unbookable| panic!("not booked: {unbookable:?}"))
    }

    /// Reason for which an order is not booked.
    pub(crate) fn refusal(&self, order: &Order) -> Unbookable {
        match self.book(order) {
            Err(unbookable) => unbookable,
            Ok(booked) => panic!("booked: {:?}", booked.sale),
        }
    }
}

/// The reason of an order that is blocked.
pub(crate) fn blocked(unbookable: &Unbookable) -> Reason {
    match unbookable {
        Unbookable::Blocked(warning) => warning.reason,
        Unbookable::Failed(warning) => panic!("failed: {warning:?}"),
    }
}

/// The warning of an order that failed.
pub(crate) fn failed(unbookable: &Unbookable) -> &Warning {
    match unbookable {
        Unbookable::Failed(warning) => warning,
        Unbookable::Blocked(warning) => panic!("blocked: {warning:?}"),
    }
}

/// The reasons of a sale's warnings, in their order.
pub(crate) fn reasons(sale: &Sale) -> Vec<Reason> {
    sale.warnings.iter().map(|warning| warning.reason).collect()
}

pub(crate) fn tax_rule(id: &str, percents: &[&str]) -> TaxRule {
    let components = percents
        .iter()
        .map(|percent| TaxComponent { name: format!("Part of {percent}"), percent: exact(percent), account: None })
        .collect();
    TaxRule { id: TaxRuleId::from(id), name: format!("Rule {id}"), components, place: None, addresses: Vec::new(), created_at: then() }
}

pub(crate) fn location(id: &str, name: &str) -> Location {
    Location { id: LocationId::from(id), name: name.to_owned(), address: Address::default(), priority: 0, active: true, created_at: then() }
}

pub(crate) fn customer(id: &str, email: &str) -> Arc<Customer> {
    Arc::new(Customer {
        id: CustomerId::from(id),
        name: format!("Customer {id}"),
        email: Some(email.to_owned()),
        phone: None,
        company: None,
        billing_address: Address::default(),
        business_address: Address::default(),
        revenue_account: Some(AccountId::from("customer-revenue")),
        created_at: then(),
    })
}

pub(crate) fn product(id: &str, sku: &str) -> Product {
    Product::new(id, sku, format!("Product {id}"), then())
}

pub(crate) fn linked(product: Product, id: u64) -> Product {
    Product { shipstation_product_id: Some(ShipstationProductId(id)), ..product }
}

pub(crate) fn alias(product: Product, code: &str) -> Product {
    Product { aliases: vec![code.to_owned()], ..product }
}
