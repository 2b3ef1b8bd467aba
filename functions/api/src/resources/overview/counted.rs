//! Findings that are a matter of number: orders, sales and messages that want attention, each with the list that shows them.

use stevedore_aws::Count;
use stevedore_domain::reason::Reason;

use super::view::{Facts, FindingView};

/// Sentences about a number of records.
struct Words {
    thing: &'static str,
    one: &'static str,
    many: &'static str,
    advice: &'static str,
}

/// Findings that want attention, the gravest first; those without any record are left out.
pub(super) fn counted(facts: &Facts<'_>) -> Vec<FindingView> {
    let dead_letters = Count { count: facts.dead_letters, more: false };
    let words = Words {
        thing: "order",
        one: "is blocked.",
        many: "are blocked.",
        advice: "Pending orders says why; they go on by themselves when the cause is mended.",
    };
    let mut found = vec![finding("orders_blocked", &words, facts.blocked, "/v1/pending-orders?state=blocked")];
    let words = Words { thing: "order", one: "could not be booked.", many: "could not be booked.", advice: "The log says why." };
    found.push(finding("orders_failed", &words, facts.failed, "/v1/log?state=failed"));
    let words = Words {
        thing: "order",
        one: "could not be read.",
        many: "could not be read.",
        advice: "Each download tries them again. The rows of the operation that met them hold what ShipStation sent.",
    };
    found.push(finding("unreadable", &words, facts.unreadable, "/v1/unreadable-orders"));
    found.extend(facts.warnings.iter().map(|(reason, count)| warning(*reason, *count)));
    let words = Words {
        thing: "message",
        one: "was given up on.",
        many: "were given up on.",
        advice: "Dead letters says why; redrive them when the cause is mended.",
    };
    found.push(finding("dead_letters", &words, dead_letters, "/v1/dead-letters"));
    found.into_iter().flatten().collect()
}

fn finding(code: &'static str, words: &Words, count: Count, list: &str) -> Option<FindingView> {
    let Words { thing, one, many, advice } = words;
    let message = match (count.count, count.more) {
        (0, _) => return None,
        (1, false) => format!("1 {thing} {one} {advice}"),
        (number, more) => format!("{}{number} {thing}s {many} {advice}", if more { "More than " } else { "" }),
    };
    Some(FindingView::many(code, message, count, list.to_owned()))
}

/// Finding for a warning of so many orders or sales. Short picks are the sales'; everything else is an order's.
fn warning(reason: Reason, count: Count) -> Option<FindingView> {
    let of_sales = Reason::SHORT_PICKS.contains(&reason);
    let (one, many) = match reason {
        Reason::CancelledAfterBooking => {
            ("was cancelled in ShipStation after it was booked.", "were cancelled in ShipStation after they were booked.")
        }
        Reason::MergedAfterBooking => {
            ("was combined into another after it was booked.", "were combined into others after they were booked.")
        }
        Reason::ChangedAfterBooking => ("changed in ShipStation after it was booked.", "changed in ShipStation after they were booked."),
        Reason::SplitAfterBooking => {
            ("was split off an order that is booked, and is held.", "were split off orders that are booked, and are held.")
        }
        Reason::PossibleDuplicate => ("may be another one under a new id, and is held.", "may be others under new ids, and are held."),
        Reason::TaxNotAdded => ("has a tax that its total does not include.", "have a tax that their totals do not include."),
        Reason::TaxRuleWithoutPercent => ("has a tax rule without percentages.", "have a tax rule without percentages."),
        Reason::TotalAdjusted => ("was booked with a visible adjustment.", "were booked with a visible adjustment each."),
        Reason::StockShort => ("waits for stock to be picked.", "wait for stock to be picked."),
        Reason::ComponentsShort => ("waits for components to be put together.", "wait for components to be put together."),
        _ => ("has a warning.", "have a warning."),
    };
    let advice = match reason {
        Reason::CancelledAfterBooking => "Their sales stand; void those that should not.",
        Reason::MergedAfterBooking => {
            "Their sales stand, and surviving orders are held: void the sales, or book the survivors all the same."
        }
        Reason::SplitAfterBooking => {
            "Their goods are in the other orders' sales: void and re-create these, or book the split ones all the same."
        }
        Reason::PossibleDuplicate => "Book those all the same that are purchases of their own, and leave or cancel the others.",
        Reason::TaxNotAdded => "Say for each store whether its prices include tax or the marketplace withholds it, then re-create them.",
        Reason::TaxRuleWithoutPercent => "ShipStation's tax was kept; add the rule's percentages, or turn recalculation off.",
        Reason::ChangedAfterBooking => {
            "Their sales stand as they were booked; compare them, and void and re-create those that should follow."
        }
        Reason::TotalAdjusted => "ShipStation's own numbers do not add up to their totals; check the orders.",
        Reason::StockShort => "Bring the stock in, then retry their fulfilment.",
        Reason::ComponentsShort => "Bring the components in, then retry their fulfilment.",
        _ => "The list says what each is about.",
    };
    let words = Words { thing: if of_sales { "sale" } else { "order" }, one, many, advice };
    let list = format!("/v1/{}?warning={reason}", if of_sales { "sales" } else { "log" });
    finding(reason.code(), &words, count, &list)
}
