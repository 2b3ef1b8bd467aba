//! V1's order object (facts sheet, sections 3.2 to 3.4), only what is read. Leaves keep their JSON text, so numbers stay exact and a
//! leaf of a wrong type is found with its place. Fields that are not named here are skipped.

use super::leaf::Problem;
use crate::json::{NotJson, Scanner};

/// A leaf: the text of any JSON value; `null` and absent are nothing.
pub(super) type Leaf<'a> = Option<&'a str>;

#[derive(Default)]
pub(crate) struct OrderWire<'a> {
    pub(super) order_id: Leaf<'a>,
    pub(super) order_number: Leaf<'a>,
    pub(super) order_key: Leaf<'a>,
    pub(super) order_date: Leaf<'a>,
    pub(super) create_date: Leaf<'a>,
    pub(super) modify_date: Leaf<'a>,
    pub(super) payment_date: Leaf<'a>,
    pub(super) order_status: Leaf<'a>,
    pub(super) customer_id: Leaf<'a>,
    pub(super) customer_username: Leaf<'a>,
    pub(super) customer_email: Leaf<'a>,
    pub(super) bill_to: Option<AddressWire<'a>>,
    pub(super) ship_to: Option<AddressWire<'a>>,
    pub(super) items: Option<Vec<ItemWire<'a>>>,
    pub(super) order_total: Leaf<'a>,
    pub(super) amount_paid: Leaf<'a>,
    pub(super) tax_amount: Leaf<'a>,
    pub(super) shipping_amount: Leaf<'a>,
    pub(super) customer_notes: Leaf<'a>,
    pub(super) internal_notes: Leaf<'a>,
    pub(super) payment_method: Leaf<'a>,
    pub(super) requested_shipping_service: Leaf<'a>,
    pub(super) advanced_options: Option<AdvancedWire<'a>>,
    pub(super) tag_ids: Option<Vec<&'a str>>,
    pub(super) externally_fulfilled: Leaf<'a>,
}

#[derive(Default)]
pub(super) struct AddressWire<'a> {
    pub(super) name: Leaf<'a>,
    pub(super) company: Leaf<'a>,
    pub(super) street1: Leaf<'a>,
    pub(super) street2: Leaf<'a>,
    pub(super) street3: Leaf<'a>,
    pub(super) city: Leaf<'a>,
    pub(super) state: Leaf<'a>,
    pub(super) postal_code: Leaf<'a>,
    pub(super) country: Leaf<'a>,
    pub(super) phone: Leaf<'a>,
}

#[derive(Default)]
pub(super) struct ItemWire<'a> {
    pub(super) order_item_id: Leaf<'a>,
    pub(super) line_item_key: Leaf<'a>,
    pub(super) sku: Leaf<'a>,
    pub(super) name: Leaf<'a>,
    pub(super) quantity: Leaf<'a>,
    pub(super) unit_price: Leaf<'a>,
    pub(super) tax_amount: Leaf<'a>,
    pub(super) options: Option<Vec<Option<OptionWire<'a>>>>,
    pub(super) product_id: Leaf<'a>,
    pub(super) adjustment: Leaf<'a>,
}

#[derive(Default)]
pub(super) struct OptionWire<'a> {
    pub(super) name: Leaf<'a>,
    pub(super) value: Leaf<'a>,
}

#[derive(Default)]
pub(super) struct AdvancedWire<'a> {
    pub(super) warehouse_id: Leaf<'a>,
    pub(super) merged_or_split: Leaf<'a>,
    pub(super) merged_ids: Option<Vec<&'a str>>,
    pub(super) parent_id: Leaf<'a>,
    pub(super) store_id: Leaf<'a>,
    pub(super) source: Leaf<'a>,
}

/// Why an order could not be taken apart.
pub(crate) enum Stop {
    /// The text is no JSON, so nothing behind this place can be trusted.
    Syntax,
    /// Something has another shape than V1's order.
    Shape(Problem),
}

impl From<NotJson> for Stop {
    fn from(_: NotJson) -> Self {
        Self::Syntax
    }
}

type Taken<T> = Result<T, Stop>;

/// Takes the next value apart as an order.
pub(crate) fn order<'a>(scanner: &mut Scanner<'a>) -> Taken<OrderWire<'a>> {
    let mut order = OrderWire::default();
    members(scanner, |scanner, name| match name.as_bytes() {
        b"orderId" => leaf(scanner, &mut order.order_id),
        b"orderNumber" => leaf(scanner, &mut order.order_number),
        b"orderKey" => leaf(scanner, &mut order.order_key),
        b"orderDate" => leaf(scanner, &mut order.order_date),
        b"createDate" => leaf(scanner, &mut order.create_date),
        b"modifyDate" => leaf(scanner, &mut order.modify_date),
        b"paymentDate" => leaf(scanner, &mut order.payment_date),
        b"orderStatus" => leaf(scanner, &mut order.order_status),
        b"customerId" => leaf(scanner, &mut order.customer_id),
        b"customerUsername" => leaf(scanner, &mut order.customer_username),
        b"customerEmail" => leaf(scanner, &mut order.customer_email),
        b"billTo" => optional(scanner, &mut order.bill_to, address),
        b"shipTo" => optional(scanner, &mut order.ship_to, address),
        b"items" => list(scanner, &mut order.items, item),
        b"orderTotal" => leaf(scanner, &mut order.order_total),
        b"amountPaid" => leaf(scanner, &mut order.amount_paid),
        b"taxAmount" => leaf(scanner, &mut order.tax_amount),
        b"shippingAmount" => leaf(scanner, &mut order.shipping_amount),
        b"customerNotes" => leaf(scanner, &mut order.customer_notes),
        b"internalNotes" => leaf(scanner, &mut order.internal_notes),
        b"paymentMethod" => leaf(scanner, &mut order.payment_method),
        b"requestedShippingService" => leaf(scanner, &mut order.requested_shipping_service),
        b"advancedOptions" => optional(scanner, &mut order.advanced_options, advanced),
        b"tagIds" => list(scanner, &mut order.tag_ids, |scanner| Ok(scanner.value()?)),
        b"externallyFulfilled" => leaf(scanner, &mut order.externally_fulfilled),
        _ => skip(scanner),
    })?;
    Ok(order)
}

/// Only what says which order it is, of an order that cannot be taken apart.
pub(super) fn identity<'a>(scanner: &mut Scanner<'a>) -> OrderWire<'a> {
    let mut order = OrderWire::default();
    let _ = members(scanner, |scanner, name| {
        let value = scanner.value()?;
        let place = match name {
            "orderId" => &mut order.order_id,
            "orderNumber" => &mut order.order_number,
            "createDate" => &mut order.create_date,
            "modifyDate" => &mut order.modify_date,
            _ => return Ok(()),
        };
        // Of a member that is stated twice, the first.
        *place = place.or(Some(value)).filter(|value| *value != "null");
        Ok(())
    });
    order
}

fn address<'a>(scanner: &mut Scanner<'a>) -> Taken<AddressWire<'a>> {
    let mut address = AddressWire::default();
    members(scanner, |scanner, name| match name.as_bytes() {
        b"name" => leaf(scanner, &mut address.name),
        b"company" => leaf(scanner, &mut address.company),
        b"street1" => leaf(scanner, &mut address.street1),
        b"street2" => leaf(scanner, &mut address.street2),
        b"street3" => leaf(scanner, &mut address.street3),
        b"city" => leaf(scanner, &mut address.city),
        b"state" => leaf(scanner, &mut address.state),
        b"postalCode" => leaf(scanner, &mut address.postal_code),
        b"country" => leaf(scanner, &mut address.country),
        b"phone" => leaf(scanner, &mut address.phone),
        _ => skip(scanner),
    })?;
    Ok(address)
}

fn item<'a>(scanner: &mut Scanner<'a>) -> Taken<ItemWire<'a>> {
    let mut item = ItemWire::default();
    members(scanner, |scanner, name| match name.as_bytes() {
        b"orderItemId" => leaf(scanner, &mut item.order_item_id),
        b"lineItemKey" => leaf(scanner, &mut item.line_item_key),
        b"sku" => leaf(scanner, &mut item.sku),
        b"name" => leaf(scanner, &mut item.name),
        b"quantity" => leaf(scanner, &mut item.quantity),
        b"unitPrice" => leaf(scanner, &mut item.unit_price),
        b"taxAmount" => leaf(scanner, &mut item.tax_amount),
        b"options" => list(scanner, &mut item.options, |scanner| {
            let mut option = None;
            optional(scanner, &mut option, choice)?;
            Ok(option)
        }),
        b"productId" => leaf(scanner, &mut item.product_id),
        b"adjustment" => leaf(scanner, &mut item.adjustment),
        _ => skip(scanner),
    })?;
    Ok(item)
}

fn choice<'a>(scanner: &mut Scanner<'a>) -> Taken<OptionWire<'a>> {
    let mut option = OptionWire::default();
    members(scanner, |scanner, name| match name.as_bytes() {
        b"name" => leaf(scanner, &mut option.name),
        b"value" => leaf(scanner, &mut option.value),
        _ => skip(scanner),
    })?;
    Ok(option)
}

fn advanced<'a>(scanner: &mut Scanner<'a>) -> Taken<AdvancedWire<'a>> {
    let mut options = AdvancedWire::default();
    members(scanner, |scanner, name| match name.as_bytes() {
        b"warehouseId" => leaf(scanner, &mut options.warehouse_id),
        b"mergedOrSplit" => leaf(scanner, &mut options.merged_or_split),
        b"mergedIds" => list(scanner, &mut options.merged_ids, |scanner| Ok(scanner.value()?)),
        b"parentId" => leaf(scanner, &mut options.parent_id),
        b"storeId" => leaf(scanner, &mut options.store_id),
        b"source" => leaf(scanner, &mut options.source),
        _ => skip(scanner),
    })?;
    Ok(options)
}

/// Goes through an object's members. A problem in one of them is told with its name.
fn members<'a>(scanner: &mut Scanner<'a>, mut take: impl FnMut(&mut Scanner<'a>, &str) -> Taken<()>) -> Taken<()> {
    if !scanner.take(b'{') {
        return Err(Stop::Shape(Problem::quoting("an object", scanner.value()?)));
    }
    let mut first = true;
    while let Some((name, escaped)) = scanner.member(first)? {
        first = false;
        let taken = if escaped {
            let name: String = serde_json::from_str(&format!("\"{name}\"")).unwrap_or_default();
            take(scanner, &name)
        } else {
            take(scanner, name)
        };
        taken.map_err(|stop| stop.under(name))?;
    }
    Ok(())
}

/// Goes through a list, or nothing. A problem in one of its elements is told with its index.
fn list<'a, T>(scanner: &mut Scanner<'a>, place: &mut Option<Vec<T>>, take: impl Fn(&mut Scanner<'a>) -> Taken<T>) -> Taken<()> {
    if place.is_some() {
        return Err(Stop::Shape(Problem::twice()));
    }
    if !scanner.take(b'[') {
        let value = scanner.value()?;
        return if value == "null" { Ok(()) } else { Err(Stop::Shape(Problem::quoting("a list", value))) };
    }
    let mut values = Vec::new();
    while scanner.element(values.is_empty())? {
        values.push(take(scanner).map_err(|stop| stop.under(values.len()))?);
    }
    *place = Some(values);
    Ok(())
}

/// An object, or nothing.
fn optional<'a, T>(scanner: &mut Scanner<'a>, place: &mut Option<T>, take: fn(&mut Scanner<'a>) -> Taken<T>) -> Taken<()> {
    if place.is_some() {
        return Err(Stop::Shape(Problem::twice()));
    }
    *place = if scanner.peek() == b'n' {
        scanner.value()?;
        None
    } else {
        Some(take(scanner)?)
    };
    Ok(())
}

fn leaf<'a>(scanner: &mut Scanner<'a>, place: &mut Leaf<'a>) -> Taken<()> {
    if place.is_some() {
        return Err(Stop::Shape(Problem::twice()));
    }
    *place = scanner.value_or_null()?;
    Ok(())
}

fn skip(scanner: &mut Scanner<'_>) -> Taken<()> {
    scanner.skip()?;
    Ok(())
}

impl Stop {
    #[cold]
    fn under(self, step: impl std::fmt::Display) -> Self {
        match self {
            Self::Syntax => Self::Syntax,
            Self::Shape(problem) => Self::Shape(problem.under(step)),
        }
    }
}
