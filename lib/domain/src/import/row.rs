//! One row: what it says, and what it makes of a product.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::RowFault;
use crate::bill_of_materials::{TIERS, own_faults};
use crate::ids::{AccountId, ProductId};
use crate::money;
use crate::reference::{Component, LONGEST_CODE, LONGEST_NAME, MOST_ALIASES, Product, ProductKind};
use crate::settings::FieldError;

/// A component as a file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The component's SKU.
    pub sku: String,
    /// Quantity that one unit takes.
    pub quantity: i64,
}

/// Content of a row. A column that is missing stays as it is; an empty one is taken away, or takes its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// SKU of the product.
    pub sku: String,
    /// As shown on sales; a new product needs one.
    pub name: Option<String>,
    /// Kind of the product.
    pub kind: Option<ProductKind>,
    /// Other codes under which orders name it.
    pub aliases: Option<Vec<String>>,
    /// Components of the product.
    pub components: Option<Vec<Part>>,
    /// Supplier that sends it.
    pub supplier: Option<Option<String>>,
    /// An account of revenue kind, by its id or its name.
    pub revenue_account: Option<Option<String>>,
    /// All prices, where the file writes them as one.
    pub prices: Option<BTreeMap<u8, Decimal>>,
    /// Single prices, where each has a column.
    pub price: BTreeMap<u8, Option<Decimal>>,
}

/// A text that is not blank, without blanks at its ends and without control characters.
pub(super) fn text(field: &str, text: &str, most: usize) -> Result<String, RowFault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(RowFault::new(field, "blank", "This must not be blank."));
    }
    if text.len() > most {
        return Err(RowFault::new(field, "too_long", format!("This has {} bytes; at most {most} are taken.", text.len())));
    }
    if text.chars().any(char::is_control) {
        return Err(RowFault::new(field, "control_character", "Control characters do not belong here."));
    }
    Ok(text.to_owned())
}

pub(super) fn sku(value: &str) -> Result<String, RowFault> {
    text("sku", value, LONGEST_CODE)
}

pub(super) fn name(value: &str) -> Result<String, RowFault> {
    text("name", value, LONGEST_NAME)
}

pub(super) fn optional(field: &str, value: &str) -> Result<Option<String>, RowFault> {
    if value.trim().is_empty() { Ok(None) } else { text(field, value, LONGEST_NAME).map(Some) }
}

pub(super) fn kind(value: &str) -> Result<ProductKind, RowFault> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(ProductKind::default());
    }
    ProductKind::ALL.into_iter().find(|kind| kind.as_str() == value).ok_or_else(|| {
        let words = ProductKind::ALL.map(ProductKind::as_str).join(", ");
        RowFault::new("kind", "not_one_of", format!("One of these belongs here: {words}."))
    })
}

pub(super) fn aliases<'a>(values: impl Iterator<Item = &'a str>) -> Result<Vec<String>, RowFault> {
    let aliases = values.map(|alias| text("aliases", alias, LONGEST_CODE)).collect::<Result<Vec<_>, _>>()?;
    if aliases.len() > MOST_ALIASES {
        return Err(RowFault::new("aliases", "too_many", format!("At most {MOST_ALIASES} belong here.")));
    }
    Ok(aliases)
}

pub(super) fn price(field: &str, value: &str) -> Result<Decimal, RowFault> {
    money::decimal(value.trim()).ok_or_else(|| RowFault::new(field, "wrong_type", "A decimal number belongs here, such as 12.34."))
}

/// The tier of a column `price_1` … `price_10`.
pub(super) fn tier_of(column: &str) -> Option<u8> {
    tier(column.strip_prefix("price_")?)
}

pub(super) fn tier(text: &str) -> Option<u8> {
    let tier: u8 = text.parse().ok()?;
    (TIERS.contains(&tier) && tier.to_string() == text).then_some(tier)
}

/// Other records that a row depends on.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Products by their SKU, as far as the rows name them as components.
    pub products: HashMap<String, ProductId>,
    /// Accounts of revenue kind, by their id and by their folded name.
    pub accounts: HashMap<String, AccountId>,
}

impl Row {
    /// The product that this row makes of `known`, or a new one with the id `id`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn applied(&self, known: Option<&Product>, id: ProductId, at: Timestamp, others: &Known) -> Result<Product, RowFault> {
        let mut product = if let Some(known) = known {
            known.clone()
        } else {
            let missing = || RowFault::new("name", "required", "A new product needs a name.");
            Product::new(id, self.sku.clone(), self.name.clone().ok_or_else(missing)?, at)
        };
        if let Some(name) = &self.name {
            product.name.clone_from(name);
        }
        if let Some(kind) = self.kind {
            product.kind = kind;
        }
        if let Some(aliases) = &self.aliases {
            product.aliases.clone_from(aliases);
            let repeated = |(index, alias): (usize, &String)| *alias == self.sku || aliases.iter().take(index).any(|other| other == alias);
            if aliases.iter().enumerate().any(repeated) {
                return Err(RowFault::new("aliases", "repeated", "An alias stands here twice, or is the SKU itself."));
            }
        }
        if let Some(parts) = &self.components {
            product.components = parts.iter().map(|part| self.component(part, &product.id, others)).collect::<Result<_, _>>()?;
        }
        if let Some(supplier) = &self.supplier {
            product.supplier.clone_from(supplier);
        }
        if let Some(account) = &self.revenue_account {
            product.revenue_account = match account {
                None => None,
                Some(named) => {
                    let found = others.accounts.get(named).or_else(|| others.accounts.get(&named.to_lowercase()));
                    let unknown =
                        || RowFault::new("revenue_account", "unknown_reference", format!("There is no account of revenue kind `{named}`."));
                    Some(found.ok_or_else(unknown)?.clone())
                }
            };
        }
        if let Some(prices) = &self.prices {
            product.prices.clone_from(prices);
        }
        for (tier, price) in &self.price {
            match price {
                Some(price) => product.prices.insert(*tier, *price),
                None => product.prices.remove(tier),
            };
        }
        match own_faults(&product).into_iter().next() {
            Some(error) => Err(self.named(error)),
            None => Ok(product),
        }
    }

    fn component(&self, part: &Part, own: &ProductId, others: &Known) -> Result<Component, RowFault> {
        let id = if part.sku == self.sku { Some(own) } else { others.products.get(&part.sku) };
        let unknown = || {
            let message = format!("There is no product with the SKU `{}`; if a row of this file has it, that row was refused.", part.sku);
            RowFault::new("components", "unknown_reference", message)
        };
        Ok(Component { product_id: id.ok_or_else(unknown)?.clone(), quantity: part.quantity })
    }

    /// A fault of the product as a fault of this row: the column, and the component's SKU in front.
    #[must_use]
    pub fn named(&self, error: FieldError) -> RowFault {
        let mut parts = error.pointer.split('/').skip(1);
        let (field, index) = (parts.next().unwrap_or_default(), parts.next());
        let component = index.and_then(|index| index.parse().ok()).filter(|_| field == "components");
        let sku = component.and_then(|index: usize| self.components.as_ref()?.get(index)).map(|part| part.sku.as_str());
        let message = match sku {
            Some(sku) => format!("Component `{sku}`: {}", error.message),
            None => error.message,
        };
        let field = match index {
            Some(tier) if field == "prices" => format!("price_{tier}"),
            _ => field.to_owned(),
        };
        RowFault { field: Some(field).filter(|field| !field.is_empty()), code: error.code, message }
    }
}
