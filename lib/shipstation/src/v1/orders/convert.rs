//! The wire structs turned into the domain's order.

use jiff::Timestamp;
use stevedore_domain::address::Address;
use stevedore_domain::ids::{OrderId, ShipstationCustomerId, ShipstationProductId, StoreId, TagId, WarehouseId};
use stevedore_domain::order::{Item, ItemOption, Order, OrderStatus, Revision};
use stevedore_domain::pacific::PacificTime;

use super::raw::Malformed;
use super::scalar::{At as _, Problem, amount, channels_date, flag, id, reference, references, required, text, time, whole};
use super::wire::{self, AddressWire, ItemWire, OptionWire, OrderWire, Stop};
use crate::json::Scanner;

/// Reads one order's JSON, exactly or not at all.
///
/// * Numbers come from their JSON text (a number sent as text counts too) and never pass through a float; one that 28 digits cannot hold is refused.
/// * `null`, absent and blank text are the same: nothing. Other text is kept as written.
/// * Amounts that are not stated are zero, but for `orderTotal`, which must be there, as must `orderId`, `orderNumber`, `orderStatus`, each line's
///   `quantity`, and `modifyDate` or else `createDate`.
/// * A reference of 0 (`customerId`, `productId`, …) refers to nothing.
/// * Fields that are not known are skipped.
///
/// `read_at` tells which of the two is meant by a time in the hour that repeats each November.
///
/// # Errors
/// [`Malformed`], with a pointer to the first thing that cannot be read.
pub fn parse_order(raw: &str, read_at: Option<Timestamp>) -> Result<Revision, Malformed> {
    let mut scanner = Scanner::new(raw);
    let taken = wire::order(&mut scanner);
    match taken {
        Ok(_) if !scanner.is_at_end() => Err(not_an_order(raw)),
        taken => revision(raw, taken, read_at).unwrap_or_else(|| Err(not_an_order(raw))),
    }
}

/// The revision of an order that was taken out of `raw`; nothing if it is no JSON.
pub(crate) fn revision(raw: &str, taken: Result<OrderWire<'_>, Stop>, read_at: Option<Timestamp>) -> Option<Result<Revision, Malformed>> {
    // The wire structs hold the scalars' text: a wrong scalar is found here, a wrong shape was found before.
    Some(match taken {
        Ok(wire) => match order(&wire) {
            Ok(order) => Ok(Revision::new(order, read_at)),
            Err(problem) => Err(malformed(&wire, problem)),
        },
        Err(Stop::Shape(problem)) => Err(malformed(&wire::identity(&mut Scanner::new(raw)), problem)),
        Err(Stop::Syntax) => return None,
    })
}

fn not_an_order(raw: &str) -> Malformed {
    malformed(&OrderWire::default(), Problem::quoting("a JSON object", raw))
}

/// Identity of an order whose text breaks off or is no JSON from somewhere on.
pub(crate) fn unreadable(mut from: Scanner<'_>, problem: String) -> Malformed {
    malformed(&wire::identity(&mut from), Problem::saying(problem))
}

fn malformed(wire: &OrderWire<'_>, problem: Problem) -> Malformed {
    let created_at = time(wire.create_date).ok().flatten().map(PacificTime);
    Malformed {
        order_id: id(wire.order_id).ok().flatten().map(OrderId),
        order_number: text(wire.order_number).ok().flatten(),
        modified_at: time(wire.modify_date).ok().flatten().map(PacificTime).or(created_at),
        created_at,
        pointer: problem.pointer,
        problem: problem.text,
    }
}

fn order(wire: &OrderWire<'_>) -> Result<Order, Problem> {
    let created_at = time(wire.create_date).at("createDate")?.map(PacificTime);
    let modified_at = time(wire.modify_date).at("modifyDate")?.map(PacificTime);
    let advanced = wire.advanced_options.as_ref();
    let in_advanced = |problem: Problem| problem.under("advancedOptions");
    Ok(Order {
        id: id(wire.order_id).and_then(|id| id.ok_or_else(Problem::missing)).map(OrderId).at("orderId")?,
        number: required(wire.order_number).at("orderNumber")?,
        key: text(wire.order_key).at("orderKey")?,
        status: OrderStatus::parse(&required(wire.order_status).at("orderStatus")?),
        created_at,
        modified_at: modified_at.or(created_at).ok_or_else(Problem::missing).at("modifyDate")?,
        ordered_at: channels_date(wire.order_date),
        paid_at: channels_date(wire.payment_date),
        customer_id: reference(wire.customer_id).at("customerId")?.map(ShipstationCustomerId),
        customer_username: text(wire.customer_username).at("customerUsername")?,
        customer_email: text(wire.customer_email).at("customerEmail")?,
        bill_to: address(wire.bill_to.as_ref()).at("billTo")?,
        ship_to: address(wire.ship_to.as_ref()).at("shipTo")?,
        items: items(wire.items.as_deref().unwrap_or_default()).at("items")?,
        total: amount(wire.order_total).and_then(|total| total.ok_or_else(Problem::missing)).at("orderTotal")?,
        amount_paid: amount(wire.amount_paid).at("amountPaid")?.unwrap_or_default(),
        tax: amount(wire.tax_amount).at("taxAmount")?.unwrap_or_default(),
        shipping: amount(wire.shipping_amount).at("shippingAmount")?.unwrap_or_default(),
        payment_method: text(wire.payment_method).at("paymentMethod")?,
        customer_notes: text(wire.customer_notes).at("customerNotes")?,
        internal_notes: text(wire.internal_notes).at("internalNotes")?,
        requested_shipping_service: text(wire.requested_shipping_service).at("requestedShippingService")?,
        externally_fulfilled: flag(wire.externally_fulfilled).at("externallyFulfilled")?,
        tag_ids: references(wire.tag_ids.as_ref()).at("tagIds")?.into_iter().map(TagId).collect(),
        store_id: reference(advanced.and_then(|a| a.store_id)).at("storeId").map_err(in_advanced)?.map(StoreId),
        warehouse_id: reference(advanced.and_then(|a| a.warehouse_id)).at("warehouseId").map_err(in_advanced)?.map(WarehouseId),
        source: text(advanced.and_then(|a| a.source)).at("source").map_err(in_advanced)?,
        merged_or_split: flag(advanced.and_then(|a| a.merged_or_split)).at("mergedOrSplit").map_err(in_advanced)?,
        merged_ids: references(advanced.and_then(|a| a.merged_ids.as_ref()))
            .at("mergedIds")
            .map_err(in_advanced)?
            .into_iter()
            .map(OrderId)
            .collect(),
        parent_id: reference(advanced.and_then(|a| a.parent_id)).at("parentId").map_err(in_advanced)?.map(OrderId),
        nulls_left_out: wire.items.as_deref().unwrap_or_default().iter().any(|item| has_null(item.as_ref())),
    })
}

fn address(wire: Option<&AddressWire<'_>>) -> Result<Address, Problem> {
    let Some(wire) = wire else { return Ok(Address::default()) };
    Ok(Address {
        name: text(wire.name).at("name")?,
        company: text(wire.company).at("company")?,
        street1: text(wire.street1).at("street1")?,
        street2: text(wire.street2).at("street2")?,
        street3: text(wire.street3).at("street3")?,
        city: text(wire.city).at("city")?,
        state: text(wire.state).at("state")?,
        postal_code: text(wire.postal_code).at("postalCode")?,
        country: text(wire.country).at("country")?,
        phone: text(wire.phone).at("phone")?,
    })
}

/// True if an item is null, or one of its options.
fn has_null(item: Option<&ItemWire<'_>>) -> bool {
    item.is_none_or(|item| item.options.as_deref().unwrap_or_default().iter().any(Option::is_none))
}

/// Items; nulls in the list are none.
fn items(wires: &[Option<ItemWire<'_>>]) -> Result<Vec<Item>, Problem> {
    let stated = wires.iter().enumerate().filter_map(|(index, wire)| Some((index, wire.as_ref()?)));
    stated.map(|(index, wire)| item(wire).map_err(|problem| problem.under(index))).collect()
}

fn item(wire: &ItemWire<'_>) -> Result<Item, Problem> {
    Ok(Item {
        id: reference(wire.order_item_id).at("orderItemId")?,
        key: text(wire.line_item_key).at("lineItemKey")?,
        sku: text(wire.sku).at("sku")?,
        name: text(wire.name).at("name")?,
        quantity: whole(wire.quantity).and_then(|quantity| quantity.ok_or_else(Problem::missing)).at("quantity")?,
        unit_price: amount(wire.unit_price).at("unitPrice")?.unwrap_or_default(),
        unit_tax: amount(wire.tax_amount).at("taxAmount")?,
        options: options(wire.options.as_deref().unwrap_or_default()).at("options")?,
        product_id: reference(wire.product_id).at("productId")?.map(ShipstationProductId),
        adjustment: flag(wire.adjustment).at("adjustment")?,
    })
}

/// Options that say something.
fn options(wires: &[Option<OptionWire<'_>>]) -> Result<Vec<ItemOption>, Problem> {
    let mut options = Vec::with_capacity(wires.len());
    for (index, wire) in wires.iter().enumerate() {
        let Some(wire) = wire else { continue };
        let name = text(wire.name).at("name").map_err(|problem| problem.under(index))?;
        let value = text(wire.value).at("value").map_err(|problem| problem.under(index))?;
        if name.is_some() || value.is_some() {
            options.push(ItemOption { name: name.unwrap_or_default(), value: value.unwrap_or_default() });
        }
    }
    Ok(options)
}
