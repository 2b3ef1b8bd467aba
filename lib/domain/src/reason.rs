//! Reasons: stable codes with a sentence saying what to do, the same in API, panel and logs (N20, P6).

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $advice:literal;)+) => {
        /// Reason for which an order did not plainly become a sale, or a person should know about how it did; or for which a row of an import was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $code)] $variant),+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// Its meaning and what to do, in one or two sentences.
            #[must_use]
            pub fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice),+ }
            }
        }
    };
}

reasons! {
    // Waiting: not at the stage of `capture_order_when` yet.
    /// Waiting.
    AwaitingPayment = "awaiting_payment", "The order is not paid yet. It is captured when ShipStation reports the payment; nothing to do.";
    /// Waiting.
    OnHold = "on_hold", "The order is on hold in ShipStation. It is captured when the hold is released; nothing to do.";
    /// Waiting.
    NotShipped = "not_shipped", "The order is not shipped yet. It is captured when ShipStation marks it as shipped; nothing to do.";
    /// Waiting.
    UnknownStatus = "unknown_status", "ShipStation reports a status that is not known here, so the order counts as not ready. Check its status in ShipStation.";
    // Skipped.
    /// Skipped and remembered.
    TaxMappingUnfinished = "tax_mapping_unfinished", "No default tax rule is set, so nothing is booked. Choose one in the settings under tax; the order is then captured by itself.";
    /// Skipped.
    ExcludedStore = "excluded_store", "The order's store is excluded in the settings. Remove it from exclude_stores and load the order to capture it.";
    /// Skipped.
    ExcludedTag = "excluded_tag", "The order carries a tag that is excluded in the settings. Remove it from exclude_tags and load the order to capture it.";
    /// Skipped.
    NotConnected = "not_connected", "The connection to ShipStation was removed before the order was processed. Connect again; the order is then read anew.";
    /// Skipped.
    OtherAccount = "other_account", "The order was read from a ShipStation account that is not connected any more, so it was set aside. Connect that account again and load the order.";
    /// Skipped by the schedule.
    BeforeLockDate = "before_order_lock_date", "The order is dated before the order lock date. Load it by hand if it should be captured all the same.";
    // Cancelled, withdrawn.
    /// Not captured because it was cancelled before.
    CancelledInShipstation = "cancelled_in_shipstation", "The order is cancelled in ShipStation and was not captured. Nothing to do.";
    /// A pending order was cancelled.
    Withdrawn = "withdrawn", "The order was cancelled in ShipStation while it was pending, so it was withdrawn. Nothing was booked.";
    /// A pending order was merged into another.
    MergedAway = "merged_away", "The order was combined into another one in ShipStation while it was pending, so it was withdrawn. The surviving order is named in the message.";
    /// A pending order was deleted in ShipStation.
    DeletedInShipstation = "deleted_in_shipstation", "ShipStation has no such order any more, so it was withdrawn. Nothing was booked; if it comes back, it is captured as new.";
    // Unchanged.
    /// The same revision as before.
    AlreadyCaptured = "already_captured", "This revision of the order is in the log already. To book it again, re-create its sale.";
    /// An older revision than the one in the log.
    OlderRevision = "older_revision", "A newer revision of the order is in the log already. Nothing to do.";
    /// A newer revision that is no change for the books.
    NothingBookedChanged = "nothing_booked_changed", "The order moved on in ShipStation, and nothing that was booked of it changed: it was shipped, labelled, tagged or annotated. Nothing to do.";
    // Voided.
    /// The sale was voided by a person.
    SaleVoided = "sale_voided", "The order's sale was voided here by a person. To book the order anew, re-create it, or delete the log entry and load the order.";
    /// Pending again, at a person's word.
    ToBeRecreated = "to_be_recreated", "The order's sale was voided so that it is booked anew; that happens by itself within the hour, or with the next day's sale. Nothing to do.";
    // Blocked: stays pending.
    /// Blocked.
    NoCustomer = "no_customer", "The order names no customer and the settings name none either. Choose a customer in the settings; the order is then processed by itself.";
    /// Blocked.
    NoDefaultLocation = "no_default_location", "The order's warehouse is not mapped to a location and there is no default location. Complete location_map in the settings; the order is then processed by itself.";
    /// Blocked: the settings name something that is gone.
    MissingReference = "missing_reference", "The settings name a customer, account, tax rule or location that does not exist any more or is not active. Correct the settings or the record; the order is then processed by itself.";
    /// Left for the next day.
    DayTooLarge = "day_too_large", "The amounts of the day's orders cannot be added up exactly together with this order's. It is in the next day's sale by itself; nothing to do.";
    /// Held for a person.
    SplitAfterBooking = "split_after_booking", "The order was split off another one whose sale holds its goods already, so it is held and moves no stock. Void and re-create the other sale, and this order is booked by itself, or book it all the same.";
    /// Held for a person.
    PossibleDuplicate = "possible_duplicate", "Another order of the same store has the same number and key, so this one may be the same purchase under a new id. It is held: book it all the same if it is another purchase, else leave it or cancel it in ShipStation.";
    // Failed.
    /// Failed.
    MalformedOrder = "malformed_order", "ShipStation sent an order that cannot be read; its text is kept here. Correct the order in ShipStation and load it again.";
    /// Failed.
    AmountNotExact = "amount_not_exact", "An amount of the order is not a whole number of the currency's smallest unit. Check the currency in the settings and the order in ShipStation, then load it again.";
    /// Failed.
    AmountTooLarge = "amount_too_large", "An amount of the order is too large to be booked. Check the order in ShipStation, then load it again.";
    /// Failed.
    QuantityTooLarge = "quantity_too_large", "A line's quantity is larger than can be booked. Check the order in ShipStation, then load it again.";
    /// Failed.
    PoisonOrder = "poison_order", "ShipStation answers with an error for this order alone, so it could not be read. It is tried again on later runs; ask ShipStation's support if it stays.";
    /// Failed.
    OrderTooLarge = "order_too_large", "The order is larger than a queue message can be, even compressed. Split it in ShipStation and load the parts.";
    /// Failed.
    QueueRefused = "queue_refused", "The queue refuses this order's message for good; the order's text is kept here. Correct the order in ShipStation and load it again.";
    /// Failed.
    NotStorable = "not_storable", "The order holds a text or a number that the table does not take; its text is kept in the log. Correct the order in ShipStation and load it again.";
    /// Failed.
    NotProcessed = "not_processed", "The order was queued and has not been processed. Look at the dead letters and redrive them.";
    // Refused rows of an import.
    /// Failed.
    RowUnreadable = "row_unreadable", "The row cannot be read. Correct it in the file and import the file again; rows that are there already stay as they are.";
    /// Failed.
    RowRepeated = "row_repeated", "The file has several rows with this SKU, and none of them was taken. Keep one and import the file again.";
    /// Failed.
    RowInvalid = "row_invalid", "A value of the row is not taken. Correct it in the file and import the file again.";
    /// Failed.
    RowTaken = "row_taken", "A value that must be unique belongs to another product. Correct one of the two and import the file again.";
    /// Failed.
    RowUnknownReference = "row_unknown_reference", "The row names a product or an account that does not exist. Make it, or correct the row, and import the file again.";
    /// Failed.
    RowComposition = "row_composition", "A product cannot consist of what the row says. Correct its components and import the file again.";
    // Warnings on something that was booked.
    /// Warning.
    TotalAdjusted = "total_adjusted", "ShipStation's own numbers do not add up to its order total. The difference is booked as one visible adjustment charge, so that the total is equal.";
    /// Warning (N17, N31).
    TaxNotAdded = "tax_not_added", "ShipStation's order total does not have the order's tax added to it, so the store's prices include it or the marketplace withholds it. Say which in the settings, in tax.by_store, then re-create the order.";
    /// Warning (S70).
    TaxRuleWithoutPercent = "tax_rule_without_percent", "The tax rule has no percentages, so tax was not recalculated by it and ShipStation's amount was kept. Add the rule's percentages, or turn recalculation off in the settings.";
    /// Warning.
    SplitOrder = "split_order", "The order was split in ShipStation, which does not split totals. Its lines and totals are booked as ShipStation reports them.";
    /// Warning.
    TaxAboveItems = "tax_spread_over_taxed_lines", "The items' own taxes do not add up to the order's tax and no other line could take the difference. It was spread over all lines.";
    /// Warning (N10).
    TaxPlaceUncertain = "tax_place_uncertain", "The ship-to address alone does not tell which tax rule is due. Check where it lies, and the sale's tax.";
    /// Warning.
    ServiceLine = "service_line", "A line's SKU matches no product, so it was booked as a service line. Add the product or an alias.";
    /// Warning.
    AmbiguousSku = "ambiguous_sku", "A line's SKU matches more than one product when case and blanks are ignored, so it was booked as a service line. Add an alias.";
    /// Warning.
    SkuNormalized = "sku_normalized", "A line's SKU holds characters that cannot be seen, or letters in pieces. Its product was found without them. Correct the SKU in the channel if others read it.";
    /// Warning.
    NullsLeftOut = "nulls_left_out", "A list of the order holds entries that are null. They were left out; the order's total decides. Check the lines if one is missing.";
    /// Warning.
    SharedEmail = "shared_email", "More than one customer has the buyer's e-mail address. The oldest was taken.";
    /// Warning.
    DateLeftOut = "date_left_out", "A date of the order cannot be meant, so it was taken as not stated. Correct it in the channel if the books need it.";
    /// Warning.
    ChangedAfterBooking = "changed_after_booking", "The order changed in ShipStation after it was booked. The sale was left as it is; keep it, or re-create it from the newest revision.";
    /// Warning.
    CancelledAfterBooking = "cancelled_after_booking", "The order was cancelled in ShipStation after it was booked. The sale was left as it is; void it by hand if it should not stand.";
    /// Warning; blocked where it is the surviving order.
    MergedAfterBooking = "merged_after_booking", "Orders were combined in ShipStation after one of them was booked, so the same goods are in two orders here. The sale stays as it is and the surviving order is held: void the sale, and the survivor is booked by itself, or book the survivor all the same.";
    /// Warning.
    SaleAlreadyLive = "sale_already_live", "The log entry was deleted while the order's sale was still live, so the order was tied to that sale again instead of being booked twice. Void the sale first to book it anew.";
    /// Warning: two sales had one id.
    SaleRenumbered = "sale_renumbered", "An earlier release gave the order's sale the id of one that was voided before, so the sale was given an id of its own. Its amounts, stock and payments are as they were; nothing to do.";
    /// Warning: the pick stays a draft (S34).
    StockShort = "stock_short", "There was not enough stock at the location, so the pick stays a draft and nothing was packed or shipped. Bring the stock in, then retry the sale's fulfilment.";
    /// Warning: the assembly stays a draft, and the pick with it.
    ComponentsShort = "components_short", "Components of an assembly are short at the location, so assembly and pick stay drafts. Bring them in, then retry the sale's fulfilment.";
    /// Warning: an assembly outlived its sale.
    AssemblyKept = "assembly_kept", "What was made for the sale has been picked for others meanwhile, so it was not taken apart when the sale was voided. Check the components' stock.";
    /// Warning.
    NegativeQuantity = "negative_quantity", "A line has a quantity below zero. Its amount is booked as ShipStation states it, and it moves no stock; adjust stock by hand if goods came back.";
    /// Warning on a payment by hand.
    PaidAboveTotal = "paid_above_total", "More was paid than the sale's total. Check the payments; money that went back is a payment with a negative amount.";
    /// Warning: fulfilled by others.
    ExternallyFulfilled = "externally_fulfilled", "The order is shipped by a marketplace's warehouse, so stock here is not touched.";
}

impl Reason {
    /// True if an order with this reason is not at the stage of capture yet, and gets there by itself.
    #[must_use]
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::AwaitingPayment | Self::OnHold | Self::NotShipped | Self::UnknownStatus)
    }

    /// True if an order with this reason is held because its goods may be in another sale.
    #[must_use]
    pub fn is_of_lineage(self) -> bool {
        matches!(self, Self::MergedAfterBooking | Self::SplitAfterBooking | Self::PossibleDuplicate)
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    /// N20: each reason has a code of its own, that serialises as itself, and says what to do.
    #[test]
    fn n20_reasons_are_stable_and_say_what_to_do() {
        let codes: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_string(reason).ok(), Some(format!("\"{}\"", reason.code())));
            assert!(reason.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!(reason.advice().ends_with('.') && reason.advice().len() > 30, "{reason}");
        }
    }
}
