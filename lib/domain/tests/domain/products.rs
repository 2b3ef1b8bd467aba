//! Product of a line, and the text of its options (S80, S82, S123, S125, S126).

use proptest::prelude::*;
use stevedore_domain::ids::ShipstationProductId;
use stevedore_domain::order::{Item, ItemOption};
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{Product, ProductKind};
use stevedore_domain::sale::{DISPLAYED_COMMENT, Sale, displayed_comment, options_comment};

use crate::merchant::{Merchant, alias, linked, product, reasons};
use crate::orders::{line, order};

fn sale_of(products: &[Product], item: Item) -> Sale {
    Merchant::with_products(products).sale(&order(vec![item], "0.30", "0"))
}

fn found(products: &[Product], item: Item) -> Option<String> {
    sale_of(products, item).lines[0].product_id.as_ref().map(ToString::to_string)
}

fn from_shipstation(item: Item, id: u64) -> Item {
    Item { product_id: Some(ShipstationProductId(id)), ..item }
}

/// S82, S123: the link wins over the SKU; a ShipStation product without a link leaves it to the SKU.
#[test]
fn s82_s123_the_link_wins_over_the_sku() {
    let products = [linked(product("P-linked", "OLD"), 5), product("P-sku", "MUG")];
    assert_eq!(found(&products, from_shipstation(line("MUG", 1, "1"), 5)), Some("P-linked".to_owned()));
    assert_eq!(found(&products, from_shipstation(line("MUG", 1, "1"), 6)), Some("P-sku".to_owned()));
    assert_eq!(found(&products, from_shipstation(Item { sku: None, ..line("", 1, "1") }, 5)), Some("P-linked".to_owned()));
}

/// S123: the SKU as written, among several that differ in case; else the only one that is equal without case and blanks.
#[test]
fn s123_by_sku_exact_then_folded() {
    let products = [product("P-lower", "85123a"), product("P-upper", "85123A"), product("P-mug", "Mug-1")];
    assert_eq!(found(&products, line("85123A", 1, "1")), Some("P-upper".to_owned()));
    assert_eq!(found(&products, line("85123a", 1, "1")), Some("P-lower".to_owned()));
    for spelling in ["Mug-1", "MUG-1", " mug-1 ", "mug-1\t"] {
        assert_eq!(found(&products, line(spelling, 1, "1")), Some("P-mug".to_owned()), "{spelling:?}");
    }
}

/// S123, S125: several that are equal only without case are not guessed: the line is a service line, and the warning names the SKU.
#[test]
fn s123_s125_ambiguous_skus_are_not_guessed() {
    let products = [product("P-lower", "85123a"), product("P-upper", "85123A")];
    let sale = sale_of(&products, line("85123a ", 2, "1.50"));
    assert_eq!((sale.lines[0].product_id.as_ref(), sale.lines[0].service), (None, true));
    assert_eq!(reasons(&sale), [Reason::AmbiguousSku]);
    assert!(sale.warnings[0].message.contains("85123a"));
}

/// S123: an alias names a product where no SKU does, and a SKU wins over it.
#[test]
fn s123_by_alias() {
    let products = [alias(product("P-mug", "MUG-1"), "22423"), product("P-plate", "PLATE")];
    assert_eq!(found(&products, line("22423", 1, "1")), Some("P-mug".to_owned()));
    assert_eq!(found(&products, line(" 22423", 1, "1")), Some("P-mug".to_owned()));
    let taken = [alias(product("P-mug", "MUG-1"), "plate"), product("P-plate", "PLATE")];
    assert_eq!(found(&taken, line("plate", 1, "1")), Some("P-plate".to_owned()));
    let twice = [alias(product("P-a", "A"), "X-1"), alias(product("P-b", "B"), "x-1")];
    assert_eq!(found(&twice, line("x-1", 1, "1")), Some("P-b".to_owned()));
    assert_eq!(found(&twice, line("x-1 ", 1, "1")), None);
}

/// S125, S126: no product, so a service line with everything that ShipStation says: never a lost line.
#[test]
fn s125_s126_a_service_line_keeps_everything() {
    let item = Item { options: vec![ItemOption { name: "Colour".to_owned(), value: "Red".to_owned() }], ..line("UNKNOWN", 3, "4.50") };
    let sale = sale_of(&[product("P-mug", "MUG-1")], item);
    let line = &sale.lines[0];
    assert_eq!(
        (line.product_id.as_ref(), line.service, line.sku.as_deref(), line.name.as_str()),
        (None, true, Some("UNKNOWN"), "Name of UNKNOWN")
    );
    assert_eq!((line.quantity, line.total.0, line.tax.0, line.comment.as_deref()), (3, 1350, 30, Some("Colour: Red")));
    assert_eq!(reasons(&sale), [Reason::ServiceLine]);
}

/// S125: a line without SKU, name or product is still a line.
#[test]
fn s125_a_line_without_anything() {
    let bare = Item { sku: None, name: None, ..line("", 1, "2") };
    let sale = sale_of(&[], bare);
    assert_eq!((sale.lines[0].sku.as_deref(), sale.lines[0].service, sale.lines[0].total.0), (None, true, 200));
    assert!(!sale.lines[0].name.is_empty());
    // A product of ours with a blank SKU is not what it names.
    assert_eq!(found(&[product("P-blank", "")], Item { sku: None, ..line("", 1, "2") }), None);
}

/// S123: a line is named as ShipStation names it, else as the product is; a product without stock is a service line without a warning.
#[test]
fn s123_names_and_services() {
    let fee = Product { kind: ProductKind::Service, ..product("P-fee", "FEE") };
    let sale = sale_of(&[fee], Item { name: None, ..line("FEE", 1, "2") });
    assert_eq!((sale.lines[0].name.as_str(), sale.lines[0].service, reasons(&sale)), ("Product P-fee", true, vec![]));
    let sale = sale_of(&[product("P-mug", "MUG")], line("MUG", 1, "2"));
    assert_eq!((sale.lines[0].name.as_str(), sale.lines[0].service), ("Name of MUG", false));
}

fn option(name: &str, value: &str) -> ItemOption {
    ItemOption { name: name.to_owned(), value: value.to_owned() }
}

/// S80: the chosen options are the line's comment, in full.
#[test]
fn s80_options_in_the_comment() {
    assert_eq!(options_comment(&[option("Colour", "Red"), option("Size", "L")]).as_deref(), Some("Colour: Red; Size: L"));
    assert_eq!(options_comment(&[option("Engraving", ""), option("", "Gift")]).as_deref(), Some("Engraving; Gift"));
    assert_eq!((options_comment(&[]), options_comment(&[option("", "")])), (None, None));
    let long = "x".repeat(5_000);
    let sale = sale_of(&[], Item { options: vec![option("Text", &long)], ..line("A", 1, "1") });
    assert_eq!(sale.lines[0].comment, Some(format!("Text: {long}")));
}

proptest! {
    /// S80: the display form has at most 256 characters, whatever they are, and is the comment itself where that is short enough.
    #[test]
    fn s80_the_display_form(length in 0_usize..600, character in prop::sample::select(vec!['a', 'é', '漢', '👕'])) {
        let comment: String = std::iter::repeat_n(character, length).collect();
        let shown = displayed_comment(&comment);
        prop_assert_eq!(shown.chars().count(), length.min(DISPLAYED_COMMENT));
        if length <= DISPLAYED_COMMENT {
            prop_assert_eq!(shown.as_ref(), comment.as_str());
        } else {
            prop_assert!(shown.ends_with('…') && comment.starts_with(shown.trim_end_matches('…')));
        }
    }
}
