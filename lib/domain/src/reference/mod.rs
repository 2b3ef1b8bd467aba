//! The merchant's own reference data: what orders are booked against.

mod account;
mod customer;
mod location;
mod names;
mod price_tier;
mod product;
mod sku;
mod tax_rule;

pub use account::{Account, AccountKind};
pub use customer::{Customer, folded_email, identifying_email};
pub use location::Location;
pub use names::{LONGEST_CODE, LONGEST_NAME, folded_name};
pub use price_tier::PriceTier;
pub use product::{Component, MOST_ALIASES, Product, ProductKind};
pub use sku::{formerly_normalized_sku, normalize_sku, visible_sku};
pub use tax_rule::{TaxComponent, TaxPlace, TaxRule};
