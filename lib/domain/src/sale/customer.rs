//! Customer of a sale (S103, S111, S112).

use std::sync::Arc;

use jiff::Timestamp;

use crate::address::Address;
use crate::ids::{CustomerId, ShipstationAccount, ShipstationCustomerId};
use crate::order::Order;
use crate::reference::{Customer, identifying_email};

/// The customers that an order may belong to, loaded by their keys.
#[derive(Clone, Debug, Default)]
pub struct CustomerMatches {
    /// Linked to the order's ShipStation customer.
    pub linked: Option<Arc<Customer>>,
    /// The oldest with the order's e-mail address.
    pub by_email: Option<Arc<Customer>>,
    /// True if others have that address too.
    pub email_is_shared: bool,
    /// The settings' customer.
    pub from_settings: Option<Arc<Customer>>,
}

/// Choice of the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomerChoice {
    /// An existing customer.
    Existing(Arc<Customer>),
    /// An existing customer, found by e-mail, to whom the ShipStation customer is linked from now on.
    Link(Arc<Customer>, ShipstationCustomerId),
    /// A customer to create together with the sale.
    Create(Box<NewCustomer>),
}

impl CustomerChoice {
    /// The customer, existing or to be created.
    #[must_use]
    pub fn customer(&self) -> &Customer {
        match self {
            Self::Existing(customer) | Self::Link(customer, _) => customer,
            Self::Create(new) => &new.customer,
        }
    }
}

/// A customer to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCustomer {
    /// With an id derived from the order, so that two orders of one new buyer create one customer.
    pub customer: Customer,
    /// The ShipStation customer that it is linked to.
    pub link: Option<ShipstationCustomerId>,
    /// True if that one is linked to another customer, by a text that identifies nobody.
    pub replaces_link: bool,
}

/// True if the order names a buyer. Marketplace orders may not.
#[must_use]
pub fn names_somebody(order: &Order) -> bool {
    let named = |address: &Address| address.name.is_some() || address.company.is_some();
    order.customer_id.is_some()
        || order.customer_email.as_deref().and_then(identifying_email).is_some()
        || order.customer_username.is_some()
        || named(&order.bill_to)
        || named(&order.ship_to)
}

/// Gives an order that names nobody the buyer of an earlier state of it: marketplaces take the buyer out of an order some time after it was placed.
pub fn keep_buyer(order: &mut Order, earlier: &Order) {
    order.customer_id = earlier.customer_id;
    order.customer_username.clone_from(&earlier.customer_username);
    order.customer_email.clone_from(&earlier.customer_email);
    for (now, before) in [(&mut order.bill_to, &earlier.bill_to), (&mut order.ship_to, &earlier.ship_to)] {
        if now.name.is_none() && now.company.is_none() && now.street1.is_none() {
            now.clone_from(before);
        }
    }
}

/// The link decides, else the oldest customer with the e-mail address, else a new one; nobody named means the settings' customer, else none.
pub(super) fn choose(order: &Order, account: ShipstationAccount, matches: &CustomerMatches, at: Timestamp) -> Option<CustomerChoice> {
    if !names_somebody(order) {
        return matches.from_settings.clone().map(CustomerChoice::Existing);
    }
    if let Some(customer) = matches.linked.as_ref().filter(|customer| !is_linked_by_placeholder(customer, order, account)) {
        return Some(CustomerChoice::Existing(Arc::clone(customer)));
    }
    if let Some(customer) = &matches.by_email {
        return Some(match order.customer_id {
            Some(id) => CustomerChoice::Link(Arc::clone(customer), id),
            None => CustomerChoice::Existing(Arc::clone(customer)),
        });
    }
    let new = NewCustomer { replaces_link: matches.linked.is_some(), ..new_customer(order, account, at) };
    Some(CustomerChoice::Create(Box::new(new)))
}

/// True if an earlier release tied the order's buyer to another buyer's customer, because both had
/// the same text in place of an e-mail address.
fn is_linked_by_placeholder(customer: &Customer, order: &Order, account: ShipstationAccount) -> bool {
    let is_placeholder = customer.email.as_deref().is_some_and(|email| identifying_email(email).is_none());
    let own = order.customer_id.map(|id| CustomerId::of_shipstation(account, id));
    is_placeholder && own.as_ref() != Some(&customer.id)
}

fn new_customer(order: &Order, account: ShipstationAccount, at: Timestamp) -> NewCustomer {
    let id = match (order.customer_id, order.customer_email.as_deref().and_then(identifying_email)) {
        (Some(id), _) => CustomerId::of_shipstation(account, id),
        (None, Some(email)) => CustomerId::of_email(&email),
        (None, None) => CustomerId(format!("C-order-{}", account.qualify(order.id))),
    };
    // Most channels leave the billing address blank (docs/shipstation.md, section 3.2); then both are the ship-to address.
    let billing = if order.bill_to.is_blank() { &order.ship_to } else { &order.bill_to };
    let first = |pick: fn(&Address) -> &Option<String>| pick(&order.bill_to).clone().or_else(|| pick(&order.ship_to).clone());
    let company = first(|address| &address.company);
    let name = first(|address| &address.name)
        .or_else(|| company.clone())
        .or_else(|| order.customer_email.clone())
        .or_else(|| order.customer_username.clone())
        .unwrap_or_else(|| format!("ShipStation customer {id}"));
    let customer = Customer {
        id,
        name,
        email: order.customer_email.clone(),
        phone: first(|address| &address.phone),
        company,
        billing_address: billing.clone(),
        business_address: order.ship_to.clone(),
        revenue_account: None,
        created_at: at,
    };
    NewCustomer { customer, link: order.customer_id, replaces_link: false }
}
