//! V1's order object (docs/shipstation.md, sections 3.2 to 3.4), only what is read. Scalars keep their JSON text, so numbers stay exact and a
//! scalar of a wrong type is found with its place. Fields that are not named here are skipped.

use super::scalar::{Problem, Scalar};
use crate::json::{NotJson, Scanner};

#[derive(Default)]
pub(crate) struct OrderWire<'a> {
    pub(super) order_id: Scalar<'a>,
    pub(super) order_number: Scalar<'a>,
    pub(super) order_key: Scalar<'a>,
    pub(super) order_date: Scalar<'a>,
    pub(super) create_date: Scalar<'a>,
    pub(super) modify_date: Scalar<'a>,
    pub(super) payment_date: Scalar<'a>,
    pub(super) order_status: Scalar<'a>,
    pub(super) customer_id: Scalar<'a>,
    pub(super) customer_username: Scalar<'a>,
    pub(super) customer_email: Scalar<'a>,
    pub(super) bill_to: Option<AddressWire<'a>>,
    pub(super) ship_to: Option<AddressWire<'a>>,
    pub(super) items: Option<Vec<Option<ItemWire<'a>>>>,
    pub(super) order_total: Scalar<'a>,
    pub(super) amount_paid: Scalar<'a>,
    pub(super) tax_amount: Scalar<'a>,
    pub(super) shipping_amount: Scalar<'a>,
    pub(super) customer_notes: Scalar<'a>,
    pub(super) internal_notes: Scalar<'a>,
    pub(super) payment_method: Scalar<'a>,
    pub(super) requested_shipping_service: Scalar<'a>,
    pub(super) advanced_options: Option<AdvancedWire<'a>>,
    pub(super) tag_ids: Option<Vec<&'a str>>,
    pub(super) externally_fulfilled: Scalar<'a>,
}

#[derive(Default)]
pub(super) struct AddressWire<'a> {
    pub(super) name: Scalar<'a>,
    pub(super) company: Scalar<'a>,
    pub(super) street1: Scalar<'a>,
    pub(super) street2: Scalar<'a>,
    pub(super) street3: Scalar<'a>,
    pub(super) city: Scalar<'a>,
    pub(super) state: Scalar<'a>,
    pub(super) postal_code: Scalar<'a>,
    pub(super) country: Scalar<'a>,
    pub(super) phone: Scalar<'a>,
}

#[derive(Default)]
pub(super) struct ItemWire<'a> {
    pub(super) order_item_id: Scalar<'a>,
    pub(super) line_item_key: Scalar<'a>,
    pub(super) sku: Scalar<'a>,
    pub(super) name: Scalar<'a>,
    pub(super) quantity: Scalar<'a>,
    pub(super) unit_price: Scalar<'a>,
    pub(super) tax_amount: Scalar<'a>,
    pub(super) options: Option<Vec<Option<OptionWire<'a>>>>,
    pub(super) product_id: Scalar<'a>,
    pub(super) adjustment: Scalar<'a>,
}

#[derive(Default)]
pub(super) struct OptionWire<'a> {
    pub(super) name: Scalar<'a>,
    pub(super) value: Scalar<'a>,
}

#[derive(Default)]
pub(super) struct AdvancedWire<'a> {
    pub(super) warehouse_id: Scalar<'a>,
    pub(super) merged_or_split: Scalar<'a>,
    pub(super) merged_ids: Option<Vec<&'a str>>,
    pub(super) parent_id: Scalar<'a>,
    pub(super) store_id: Scalar<'a>,
    pub(super) source: Scalar<'a>,
}

/// Reason for which an order could not be taken apart.
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

/// Takes an object apart: `name => what is done with its value`, in the order in which ShipStation writes them (docs/shipstation.md, section 3.2). As long as the text keeps to that
/// order, a name is compared with the one that is due and read no further; from the first surprise on, each is read and looked up. A
/// problem in a member is told with its name.
macro_rules! object_fields {
    ($scanner:ident, { $($name:literal => $take:expr),+ $(,)? }) => {{
        if $scanner.peek() != b'{' {
            return Err(Stop::Shape(Problem::quoting("an object", $scanner.value()?)));
        }
        let mut before = b'{';
        $(
            if $scanner.is_member(before, concat!("\"", $name, "\":")) {
                before = b',';
                let taken: Taken<()> = $take;
                taken.map_err(|stop| stop.under($name))?;
            }
        )+
        let mut first = $scanner.has_begun(before);
        while let Some((name, escaped)) = $scanner.member(first)? {
            first = false;
            let plain: std::borrow::Cow<'_, str> = if escaped { unescaped(name).into() } else { name.into() };
            let taken: Taken<()> = match &*plain {
                $($name => $take,)+
                _ => skip($scanner),
            };
            taken.map_err(|stop| stop.under(name))?;
        }
    }};
}

/// Takes the next value apart as an order.
pub(crate) fn order<'a>(scanner: &mut Scanner<'a>) -> Taken<OrderWire<'a>> {
    let mut order = OrderWire::default();
    object_fields!(scanner, {
        "orderId" => scalar(scanner, &mut order.order_id),
        "orderNumber" => scalar(scanner, &mut order.order_number),
        "orderKey" => scalar(scanner, &mut order.order_key),
        "orderDate" => scalar(scanner, &mut order.order_date),
        "createDate" => scalar(scanner, &mut order.create_date),
        "modifyDate" => scalar(scanner, &mut order.modify_date),
        "paymentDate" => scalar(scanner, &mut order.payment_date),
        "shipByDate" => skip(scanner),
        "orderStatus" => scalar(scanner, &mut order.order_status),
        "customerId" => scalar(scanner, &mut order.customer_id),
        "customerUsername" => scalar(scanner, &mut order.customer_username),
        "customerEmail" => scalar(scanner, &mut order.customer_email),
        "billTo" => optional(scanner, &mut order.bill_to, address),
        "shipTo" => optional(scanner, &mut order.ship_to, address),
        "items" => list(scanner, &mut order.items, |scanner| {
            let mut one = None;
            optional(scanner, &mut one, item)?;
            Ok(one)
        }),
        "orderTotal" => scalar(scanner, &mut order.order_total),
        "amountPaid" => scalar(scanner, &mut order.amount_paid),
        "taxAmount" => scalar(scanner, &mut order.tax_amount),
        "shippingAmount" => scalar(scanner, &mut order.shipping_amount),
        "customerNotes" => scalar(scanner, &mut order.customer_notes),
        "internalNotes" => scalar(scanner, &mut order.internal_notes),
        "gift" => skip(scanner),
        "giftMessage" => skip(scanner),
        "paymentMethod" => scalar(scanner, &mut order.payment_method),
        "requestedShippingService" => scalar(scanner, &mut order.requested_shipping_service),
        "carrierCode" => skip(scanner),
        "serviceCode" => skip(scanner),
        "packageCode" => skip(scanner),
        "confirmation" => skip(scanner),
        "shipDate" => skip(scanner),
        "holdUntilDate" => skip(scanner),
        "weight" => skip(scanner),
        "dimensions" => skip(scanner),
        "insuranceOptions" => skip(scanner),
        "internationalOptions" => skip(scanner),
        "advancedOptions" => optional(scanner, &mut order.advanced_options, advanced),
        "tagIds" => list(scanner, &mut order.tag_ids, |scanner| Ok(scanner.value()?)),
        "userId" => skip(scanner),
        "externallyFulfilled" => scalar(scanner, &mut order.externally_fulfilled),
        "externallyFulfilledBy" => skip(scanner),
        "externallyFulfilledById" => skip(scanner),
        "externallyFulfilledByName" => skip(scanner),
        "labelMessages" => skip(scanner),
    });
    Ok(order)
}

/// Only what says which order it is, of an order that cannot be taken apart.
pub(super) fn identity<'a>(scanner: &mut Scanner<'a>) -> OrderWire<'a> {
    let mut order = OrderWire::default();
    let mut take = || -> Taken<()> {
        object_fields!(scanner, {
            "orderId" => first(scanner, &mut order.order_id),
            "orderNumber" => first(scanner, &mut order.order_number),
            "createDate" => first(scanner, &mut order.create_date),
            "modifyDate" => first(scanner, &mut order.modify_date),
        });
        Ok(())
    };
    let _ = take();
    order
}

/// Of a member that is stated twice, the first.
fn first<'a>(scanner: &mut Scanner<'a>, place: &mut Scalar<'a>) -> Taken<()> {
    let value = scanner.value()?;
    *place = place.or(Some(value)).filter(|value| *value != "null");
    Ok(())
}

fn address<'a>(scanner: &mut Scanner<'a>) -> Taken<AddressWire<'a>> {
    let mut address = AddressWire::default();
    object_fields!(scanner, {
        "name" => scalar(scanner, &mut address.name),
        "company" => scalar(scanner, &mut address.company),
        "street1" => scalar(scanner, &mut address.street1),
        "street2" => scalar(scanner, &mut address.street2),
        "street3" => scalar(scanner, &mut address.street3),
        "city" => scalar(scanner, &mut address.city),
        "state" => scalar(scanner, &mut address.state),
        "postalCode" => scalar(scanner, &mut address.postal_code),
        "country" => scalar(scanner, &mut address.country),
        "phone" => scalar(scanner, &mut address.phone),
        "residential" => skip(scanner),
        "addressVerified" => skip(scanner),
    });
    Ok(address)
}

fn item<'a>(scanner: &mut Scanner<'a>) -> Taken<ItemWire<'a>> {
    let mut item = ItemWire::default();
    object_fields!(scanner, {
        "orderItemId" => scalar(scanner, &mut item.order_item_id),
        "lineItemKey" => scalar(scanner, &mut item.line_item_key),
        "sku" => scalar(scanner, &mut item.sku),
        "name" => scalar(scanner, &mut item.name),
        "imageUrl" => skip(scanner),
        "weight" => skip(scanner),
        "quantity" => scalar(scanner, &mut item.quantity),
        "unitPrice" => scalar(scanner, &mut item.unit_price),
        "taxAmount" => scalar(scanner, &mut item.tax_amount),
        "shippingAmount" => skip(scanner),
        "warehouseLocation" => skip(scanner),
        "options" => list(scanner, &mut item.options, |scanner| {
            let mut option = None;
            optional(scanner, &mut option, choice)?;
            Ok(option)
        }),
        "productId" => scalar(scanner, &mut item.product_id),
        "fulfillmentSku" => skip(scanner),
        "adjustment" => scalar(scanner, &mut item.adjustment),
        "upc" => skip(scanner),
        "createDate" => skip(scanner),
        "modifyDate" => skip(scanner),
    });
    Ok(item)
}

fn choice<'a>(scanner: &mut Scanner<'a>) -> Taken<OptionWire<'a>> {
    let mut option = OptionWire::default();
    object_fields!(scanner, {
        "name" => scalar(scanner, &mut option.name),
        "value" => scalar(scanner, &mut option.value),
    });
    Ok(option)
}

fn advanced<'a>(scanner: &mut Scanner<'a>) -> Taken<AdvancedWire<'a>> {
    let mut options = AdvancedWire::default();
    object_fields!(scanner, {
        "warehouseId" => scalar(scanner, &mut options.warehouse_id),
        "nonMachinable" => skip(scanner),
        "saturdayDelivery" => skip(scanner),
        "containsAlcohol" => skip(scanner),
        "mergedOrSplit" => scalar(scanner, &mut options.merged_or_split),
        "mergedIds" => list(scanner, &mut options.merged_ids, |scanner| Ok(scanner.value()?)),
        "parentId" => scalar(scanner, &mut options.parent_id),
        "storeId" => scalar(scanner, &mut options.store_id),
        "customField1" => skip(scanner),
        "customField2" => skip(scanner),
        "customField3" => skip(scanner),
        "source" => scalar(scanner, &mut options.source),
        "billToParty" => skip(scanner),
        "billToAccount" => skip(scanner),
        "billToPostalCode" => skip(scanner),
        "billToCountryCode" => skip(scanner),
        "billToMyOtherAccount" => skip(scanner),
    });
    Ok(options)
}

/// A name whose escapes are resolved. One that makes no sense is nobody's.
#[cold]
fn unescaped(name: &str) -> String {
    serde_json::from_str(&format!("\"{name}\"")).unwrap_or_default()
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

fn scalar<'a>(scanner: &mut Scanner<'a>, place: &mut Scalar<'a>) -> Taken<()> {
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
