//! Orders by the number that a person gives: as it is written, else without blanks at its ends and a leading `#`, which the operation says then.

use stevedore_shipstation::{Call, Client, Error, RawOrder};

/// A number without what people add to it or leave out.
fn bare(number: &str) -> &str {
    let number = number.trim();
    number.strip_prefix('#').unwrap_or(number).trim()
}

/// Orders that were found by a number.
pub(crate) enum Found {
    /// Their number is exactly this one.
    AsWritten(Vec<RawOrder>),
    /// Their number differs in blanks at its ends or a leading `#` alone.
    Trimmed(Vec<RawOrder>),
    /// There are none.
    Nothing,
}

/// Asks for the orders with a number.
pub(crate) async fn find(shipstation: &Client, call: &Call<'_>, number: &str) -> Result<Found, Error> {
    let bare_number = bare(number);
    if bare_number.is_empty() {
        let found = shipstation.orders_by_number(call, number).await?;
        return Ok(if found.is_empty() { Found::Nothing } else { Found::AsWritten(found) });
    }
    let alike = |other: &str| bare(other) == bare_number;
    // ShipStation finds what begins with the filter, so that each of these finds some of the ways to write it.
    let with_sign = format!("#{bare_number}");
    let mut filters = vec![number, bare_number, with_sign.as_str()];
    filters.dedup();
    for filter in filters {
        let found = shipstation.orders_numbered(call, filter, &alike).await?;
        let is_exact = |order: &RawOrder| order.number().is_none_or(|other| other == number);
        if found.iter().any(is_exact) {
            return Ok(Found::AsWritten(found.into_iter().filter(is_exact).collect()));
        }
        if !found.is_empty() {
            return Ok(Found::Trimmed(found));
        }
    }
    Ok(Found::Nothing)
}

/// The sentence for orders that were found without blanks or sign.
pub(crate) fn told(number: &str, orders: &[RawOrder]) -> String {
    let mut numbers: Vec<String> = orders.iter().filter_map(RawOrder::number).map(|number| format!("\u{201c}{number}\u{201d}")).collect();
    numbers.dedup();
    format!(
        "ShipStation has no order with exactly the number \u{201c}{number}\u{201d}. Without blanks at its ends and a leading # it is {}, which was loaded.",
        numbers.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn blanks_and_a_leading_sign_do_not_count() {
        for number in ["1001", " 1001", "1001 ", "#1001", " # 1001"] {
            assert_eq!(bare(number), "1001");
        }
        assert_eq!(bare("##1"), "#1");
    }
}
