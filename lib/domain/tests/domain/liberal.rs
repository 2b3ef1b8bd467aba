//! Orders as channels write them: what is meant counts where nothing else can be (docs/requirements.md, section 5).

use stevedore_domain::address::Address;
use stevedore_domain::ids::AccountId;
use stevedore_domain::jurisdiction::address_place;
use stevedore_domain::order::{Order, Revision};
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::Consolidation;

use crate::merchant::{Merchant, alias, customer, product, reasons};
use crate::orders::{line, order};

/// Country told apart (outer) and code of the state in it (inner).
#[expect(clippy::option_option, reason = "a country without the state differs from no country")]
fn place(country: Option<&str>, state: &str) -> Option<Option<&'static str>> {
    let address = Address {
        country: country.map(str::to_owned),
        state: Some(state.to_owned()),
        postal_code: Some("94103".to_owned()),
        ..Address::default()
    };
    address_place(&address).map(|place| place.state.map(stevedore_geography::State::code))
}

/// S66, S56: countries and states may be written out, with points, or as a region's code.
#[test]
fn s66_countries_and_states_may_be_written_out() {
    for country in
        ["US", "us", "USA", "U.S.", "U.S.A.", "United States", "united states of america", "The United States", " United  States "]
    {
        for state in ["CA", "ca", "California", "CALIFORNIA", " C.A. ", "US-CA"] {
            assert_eq!(place(Some(country), state), Some(Some("CA")), "{country}, {state}");
        }
    }
    assert_eq!(place(None, "California"), Some(Some("CA")));
    assert_eq!(place(Some("Puerto Rico"), ""), Some(Some("PR")));
    // A state's name is no country's, unless it is one to the postal service alone.
    for country in ["Canada", "CA", "Georgia", "MX", "United Kingdom", "U"] {
        assert_eq!(place(Some(country), "CA"), None, "{country}");
    }
}

/// S123: a SKU that differs in what cannot be seen finds its product, and the sale says so; as written, nothing is said.
#[test]
fn s123_what_cannot_be_seen_in_a_sku_does_not_keep_it_from_its_product() {
    let products = [product("P-1", "AB-1"), alias(product("P-2", "X"), "Caf\u{e9}")];
    let sale_of = |sku: &str| Merchant::with_products(&products).sale(&order(vec![line(sku, 1, "1")], "0", "0"));
    for (sku, found) in [("A\u{200b}B-1", "P-1"), ("\u{feff}ab-1 ", "P-1"), ("CAFE\u{301}", "P-2")] {
        let sale = sale_of(sku);
        assert_eq!(sale.lines[0].product_id.as_ref().map(ToString::to_string).as_deref(), Some(found), "{sku:?}");
        assert!(reasons(&sale).contains(&Reason::SkuNormalized), "{sku:?}");
        assert_eq!(sale.lines[0].sku.as_deref(), Some(sku), "the order's own text stays");
    }
    for sku in ["AB-1", "ab-1", "caf\u{e9}"] {
        assert!(!reasons(&sale_of(sku)).contains(&Reason::SkuNormalized), "{sku:?}");
    }
    // A product that was stored with the same characters is found as it is written.
    let odd = [product("P-3", "C\u{200b}D")];
    let sale = Merchant::with_products(&odd).sale(&order(vec![line("C\u{200b}D", 1, "1")], "0", "0"));
    assert!(sale.lines[0].product_id.is_some() && !reasons(&sale).contains(&Reason::SkuNormalized));
}

/// Nulls that were left out are said on the sale, and count for nothing in the digest: stored orders keep theirs.
#[test]
fn nulls_that_were_left_out_are_said_and_digested_as_nothing() {
    let plain = order(vec![line("A", 1, "1")], "0", "0");
    let odd = Order { nulls_left_out: true, ..plain.clone() };
    assert_eq!(Revision::new(odd.clone(), None).key.digest, Revision::new(plain.clone(), None).key.digest);
    assert!(reasons(&Merchant::new().sale(&odd)).contains(&Reason::NullsLeftOut));
    assert!(!reasons(&Merchant::new().sale(&plain)).contains(&Reason::NullsLeftOut));
}

/// A date that cannot be meant is said also where the order becomes part of a day's sale.
#[test]
fn a_date_left_out_is_said_of_a_days_order_too() {
    for consolidation in [Consolidation::None, Consolidation::Daily] {
        let mut merchant = Merchant::new();
        merchant.settings.consolidation = consolidation;
        merchant.settings.payment.account = Some(AccountId::from("bank"));
        let mut odd = order(vec![line("A", 1, "1")], "0", "0");
        odd.paid_at = Some(jiff::civil::date(9999, 12, 31).at(0, 0, 0, 0));
        merchant.customers.from_settings = Some(customer("C-day", "day@example.com"));
        let sale = merchant.sale(&odd);
        assert!(reasons(&sale).contains(&Reason::DateLeftOut), "{consolidation:?}");
        assert!(sale.invoice.payments.iter().all(|payment| payment.date.is_none_or(|date| date.year() < 9999)));
    }
}
