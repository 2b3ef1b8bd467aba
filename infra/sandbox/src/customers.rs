//! The account's customers: every customer id that the orders name.

use std::collections::BTreeMap;

use crate::json::{Json, obj};
use crate::products::count;
use crate::query::{BadParameter, Params, bad};

/// A ShipStation customer, as the newest order names them.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    id: i64,
    created: Json,
    modified: Json,
    username: Json,
    email: Json,
    ship_to: Json,
}

impl Customer {
    /// Adds the customer of an order, or updates the known one.
    pub(crate) fn learn(customers: &mut BTreeMap<i64, Customer>, order: &Json) {
        let Some(id) = order.get("customerId").and_then(Json::as_int) else { return };
        let field = |name: &str| order.get(name).cloned().unwrap_or_default();
        let created = customers.get(&id).map_or_else(|| field("createDate"), |known| known.created.clone());
        let customer = Customer {
            id,
            created,
            modified: field("modifyDate"),
            username: field("customerUsername"),
            email: field("customerEmail"),
            ship_to: field("shipTo"),
        };
        customers.insert(id, customer);
    }

    fn name(&self) -> &str {
        self.ship_to.get("name").and_then(Json::as_text).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Json {
        let part = |name: &str| self.ship_to.get(name).cloned().unwrap_or_default();
        let username = obj! {
            "customerUserId" => self.id + 4_000_000, "customerId" => self.id, "createDate" => self.created.clone(),
            "modifyDate" => self.modified.clone(), "marketplaceId" => 0, "marketplace" => "ShipStation",
            "username" => self.username.clone(),
        };
        obj! {
            "customerId" => self.id, "createDate" => self.created.clone(), "modifyDate" => self.modified.clone(),
            "name" => part("name"), "company" => part("company"), "street1" => part("street1"), "street2" => part("street2"),
            "city" => part("city"), "state" => part("state"), "postalCode" => part("postalCode"),
            "countryCode" => part("country"), "phone" => part("phone"), "email" => self.email.clone(),
            "addressVerified" => "Unverified", "marketplaceUsernames" => Json::Array(vec![username]), "tags" => Json::Null,
        }
    }
}

/// `GET /customers`.
pub(crate) fn list(customers: &BTreeMap<i64, Customer>, params: &Params) -> Result<Json, BadParameter> {
    let paging = params.paging()?;
    let (state, country) = (params.search("stateCode"), params.search("countryCode"));
    let equals = |customer: &Customer, field: &str, wanted: &Option<String>| {
        let own = customer.ship_to.get(field).and_then(Json::as_text).unwrap_or_default();
        wanted.as_ref().is_none_or(|wanted| own.to_lowercase() == *wanted)
    };
    let mut found: Vec<&Customer> =
        customers.values().filter(|customer| equals(customer, "state", &state) && equals(customer, "country", &country)).collect();
    match params.search("sortBy").as_deref() {
        None => {}
        Some("name") => found.sort_by_key(|customer| customer.name().to_owned()),
        Some("modifydate") => found.sort_by_key(|customer| customer.modified.to_string()),
        Some("createdate") => found.sort_by_key(|customer| customer.created.to_string()),
        Some(other) => return Err(bad("sortBy", other, "is not one of Name, ModifyDate, CreateDate")),
    }
    if params.descending()? {
        found.reverse();
    }
    let total = found.len();
    let rows = found.into_iter().skip(paging.skip()).take(paging.size).map(Customer::json).collect();
    Ok(obj! {
        "customers" => Json::Array(rows), "total" => count(total), "page" => count(paging.page), "pages" => count(paging.pages(total)),
    })
}
