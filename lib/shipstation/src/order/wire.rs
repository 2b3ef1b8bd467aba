//! V1's order object (facts sheet, sections 3.2 to 3.4), only what is read. Leaves keep their JSON text, so numbers stay exact and a
//! leaf of a wrong type is found with its place. Fields that are not named here are skipped.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A leaf: the text of any JSON value; `null` and absent are nothing.
pub(super) type Leaf<'a> = Option<&'a RawValue>;

/// A JSON object. Derived structs would take a list too and fill their fields by place.
#[derive(Default)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderWire<'a> {
    #[serde(borrow, default)]
    pub(super) order_id: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) order_number: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) order_key: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) order_date: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) create_date: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) modify_date: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) payment_date: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) order_status: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) customer_id: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) customer_username: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) customer_email: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) bill_to: Option<Object<AddressWire<'a>>>,
    #[serde(borrow, default)]
    pub(super) ship_to: Option<Object<AddressWire<'a>>>,
    #[serde(borrow, default)]
    pub(super) items: Option<Vec<Object<ItemWire<'a>>>>,
    #[serde(borrow, default)]
    pub(super) order_total: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) amount_paid: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) tax_amount: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) shipping_amount: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) customer_notes: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) internal_notes: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) payment_method: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) requested_shipping_service: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) advanced_options: Option<Object<AdvancedWire<'a>>>,
    #[serde(borrow, default)]
    pub(super) tag_ids: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(super) externally_fulfilled: Leaf<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddressWire<'a> {
    #[serde(borrow, default)]
    pub(super) name: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) company: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) street1: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) street2: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) street3: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) city: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) state: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) postal_code: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) country: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) phone: Leaf<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemWire<'a> {
    #[serde(borrow, default)]
    pub(super) order_item_id: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) line_item_key: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) sku: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) name: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) quantity: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) unit_price: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) tax_amount: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) options: Option<Vec<Option<Object<OptionWire<'a>>>>>,
    #[serde(borrow, default)]
    pub(super) product_id: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) adjustment: Leaf<'a>,
}

#[derive(Deserialize)]
pub(super) struct OptionWire<'a> {
    #[serde(borrow, default)]
    pub(super) name: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) value: Leaf<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdvancedWire<'a> {
    #[serde(borrow, default)]
    pub(super) warehouse_id: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) merged_or_split: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) merged_ids: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(super) parent_id: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) store_id: Leaf<'a>,
    #[serde(borrow, default)]
    pub(super) source: Leaf<'a>,
}
