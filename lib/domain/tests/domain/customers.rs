//! Customer of a sale (S26, S103, S111, S112, S118).

use std::sync::Arc;

use stevedore_domain::address::Address;
use stevedore_domain::ids::{CustomerId, SaleId, ShipstationAccount, ShipstationCustomerId};
use stevedore_domain::order::Order;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::{CustomerChoice, names_somebody};

use crate::merchant::{Merchant, blocked, customer, now, reasons};
use crate::orders::{line, order};

fn plain() -> Order {
    order(vec![line("A", 1, "1")], "0", "0")
}

/// An order of a marketplace that tells nothing of its buyer.
fn nameless() -> Order {
    Order {
        customer_id: None,
        customer_username: None,
        customer_email: None,
        bill_to: Address::default(),
        ship_to: Address { postal_code: Some("89501".to_owned()), country: Some("US".to_owned()), ..Address::default() },
        ..plain()
    }
}

fn merchant() -> Merchant {
    let mut merchant = Merchant::with_settings(|settings| settings.customer_id = Some(CustomerId::from("C-store")));
    merchant.customers.from_settings = Some(customer("C-store", "store@example.com"));
    merchant
}

/// S103: the link decides, also against the e-mail address and against the settings' customer.
#[test]
fn s103_the_link_decides() {
    let mut merchant = merchant();
    merchant.customers.linked = Some(customer("C-linked", "other@example.com"));
    merchant.customers.by_email = Some(customer("C-mail", "ann@example.com"));
    merchant.customers.email_is_shared = true;
    let booked = merchant.book(&plain()).unwrap();
    assert!(matches!(&booked.customer, CustomerChoice::Existing(customer) if customer.id.as_str() == "C-linked"));
    assert_eq!((booked.sale.customer.id.as_str(), booked.sale.customer.name.as_str()), ("C-linked", "Customer C-linked"));
    assert!(!reasons(&booked.sale).contains(&Reason::SharedEmail));
}

/// S103: without a link the customer with the e-mail address, who is linked from now on; an address of several customers never blocks and is recorded.
#[test]
fn s103_by_email_and_shared_email() {
    let mut merchant = merchant();
    merchant.customers.by_email = Some(customer("C-mail", "ann@example.com"));
    for shared in [false, true] {
        merchant.customers.email_is_shared = shared;
        let booked = merchant.book(&plain()).unwrap();
        assert!(matches!(&booked.customer, CustomerChoice::Link(customer, ShipstationCustomerId(71)) if customer.id.as_str() == "C-mail"));
        assert_eq!(reasons(&booked.sale).contains(&Reason::SharedEmail), shared);
    }
    let guest = Order { customer_id: None, ..plain() };
    let booked = merchant.book(&guest).unwrap();
    assert!(matches!(&booked.customer, CustomerChoice::Existing(customer) if customer.id.as_str() == "C-mail"));
    assert!(reasons(&booked.sale).contains(&Reason::SharedEmail));
}

fn created(order: &Order) -> stevedore_domain::sale::NewCustomer {
    match merchant().book(order).unwrap().customer {
        CustomerChoice::Create(new) => *new,
        other => panic!("not created: {other:?}"),
    }
}

/// S111, S112: nobody known, so a customer is created, with contact, billing and business address, linked to ShipStation's.
#[test]
fn s111_s112_a_new_customer() {
    let mut order = plain();
    order.bill_to = Address {
        name: Some("Bea Biller".to_owned()),
        company: Some("Biller Ltd".to_owned()),
        street1: Some("1 Invoice Road".to_owned()),
        ..Address::default()
    };
    let new = created(&order);
    assert_eq!(
        (new.link, &new.customer.id),
        (
            Some(ShipstationCustomerId(71)),
            &CustomerId::of_shipstation(stevedore_domain::ids::ShipstationAccount::FIRST, ShipstationCustomerId(71))
        )
    );
    assert_eq!((new.customer.name.as_str(), new.customer.company.as_deref()), ("Bea Biller", Some("Biller Ltd")));
    assert_eq!((new.customer.email.as_deref(), new.customer.phone.as_deref()), (Some("Ann@Example.com"), Some("555-0100")));
    assert_eq!((&new.customer.billing_address, &new.customer.business_address), (&order.bill_to, &order.ship_to));
    assert_eq!(new.customer.created_at, now());
    let sale = merchant().sale(&order);
    assert_eq!(
        (sale.customer.id, sale.customer.name, sale.customer.email.as_deref()),
        (new.customer.id, new.customer.name, Some("Ann@Example.com"))
    );
}

/// S112, S118: most channels leave the billing address blank; the sale keeps it so, and the new customer is billed where the goods go.
#[test]
fn s112_s118_a_blank_billing_address() {
    let order = plain();
    let new = created(&order);
    assert_eq!((&new.customer.billing_address, new.customer.name.as_str()), (&order.ship_to, "Ann Archer"));
    let sale = merchant().sale(&order);
    assert!(sale.bill_to.is_blank());
    assert_eq!(sale.ship_to, order.ship_to);
}

/// S111: whatever names a buyer makes a customer with a name and an id that depends on the buyer alone, without case.
#[test]
fn s111_any_name_will_do() {
    let of = |change: fn(&mut Order)| {
        let mut order = nameless();
        change(&mut order);
        assert!(names_somebody(&order));
        created(&order).customer
    };
    assert_eq!(
        of(|order| order.customer_email = Some("Ann@Example.COM ".to_owned())).id,
        of(|order| order.customer_email = Some("ann@example.com".to_owned())).id
    );
    assert_eq!(of(|order| order.customer_email = Some("ann@example.com".to_owned())).name, "ann@example.com");
    assert_eq!(of(|order| order.customer_username = Some("ann77".to_owned())).name, "ann77");
    assert_eq!(of(|order| order.ship_to.name = Some("Ann".to_owned())).name, "Ann");
    assert_eq!(of(|order| order.ship_to.company = Some("Archer Ltd".to_owned())).name, "Archer Ltd");
    assert!(of(|order| order.customer_id = Some(ShipstationCustomerId(8))).name.contains('8'));
    // Two buyers who are only named are two customers: names are not unique.
    let named = |id| Order { id: stevedore_domain::ids::OrderId(id), customer_username: Some("ann".to_owned()), ..nameless() };
    assert_ne!(created(&named(1)).customer.id, created(&named(2)).customer.id);
}

/// S26: an order that names nobody is the settings' customer's; without one it is blocked.
#[test]
fn s26_nobody_named() {
    assert!(!names_somebody(&nameless()));
    let sale = merchant().sale(&nameless());
    assert_eq!((sale.customer.id.as_str(), reasons(&sale)), ("C-store", vec![Reason::ServiceLine]));
    assert_eq!(blocked(&Merchant::new().refusal(&nameless())), Reason::NoCustomer);

    let mut gone = merchant();
    gone.customers.from_settings = None;
    assert_eq!(blocked(&gone.refusal(&nameless())), Reason::MissingReference);
    assert!(gone.book(&plain()).is_ok(), "an order that names its buyer needs no other");
}

/// S26: an order that names nobody is not matched by what another order left in the matches.
#[test]
fn s26_a_nameless_order_takes_no_stranger() {
    let mut merchant = merchant();
    merchant.customers.by_email = Some(customer("C-mail", "ann@example.com"));
    merchant.customers.email_is_shared = true;
    let booked = merchant.book(&nameless()).unwrap();
    assert!(
        matches!(&booked.customer, CustomerChoice::Existing(customer) if Arc::ptr_eq(customer, merchant.customers.from_settings.as_ref().unwrap()))
    );
    assert!(!reasons(&booked.sale).contains(&Reason::SharedEmail));
}

/// P1, S111: the id of a customer that an order creates names the account of the order, so that the buyers of two accounts stay two customers.
#[test]
fn p1_s111_a_new_customer_is_of_the_orders_account() {
    let merchant = Merchant::new();
    let id = |account: u32, order: &Order| {
        let booked = merchant.book_as(order, &SaleId::of(ShipstationAccount(account), order.id, 1)).unwrap();
        let CustomerChoice::Create(new) = booked.customer else { panic!("account {account}: {:?}", booked.customer) };
        assert_eq!(booked.sale.customer.id, new.customer.id, "account {account}");
        new.customer.id.0
    };
    let known = plain();
    assert_eq!((id(1, &known), id(2, &known)), ("C-71".to_owned(), "C-2.71".to_owned()));
    let guest = Order { customer_id: None, customer_email: None, ..plain() };
    assert_ne!(id(1, &guest), id(2, &guest), "named by the order alone");
}
