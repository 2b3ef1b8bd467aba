//! Lines of an order that are goods.

use crate::json::Json;

/// The items of an order body that stand for goods.
pub(crate) fn goods(order: &mut Json) -> impl Iterator<Item = &mut Json> {
    let items = order.get_mut("items").and_then(Json::elements_mut).into_iter().flatten();
    items.filter(|item| item.get("adjustment") != Some(&Json::Bool(true)))
}
