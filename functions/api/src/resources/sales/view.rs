//! Sales.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use stevedore_aws::{OrderRecord, StoredEntry};
use stevedore_domain::ids::SaleId;
use stevedore_domain::log::LogEntry;
use stevedore_domain::money::{Currency, Minor};
use stevedore_domain::order::{Item, Order};
use stevedore_domain::sale::{
    AdjustedBy, Charge, OrderSource, Payment, Sale, SaleKind, SaleLine, SaleStatus, Source, StageStatus, displayed_comment, options_comment,
};
use utoipa::ToSchema;

use super::fulfilment_view::{AssemblyView, MovementView, PurchaseView, StageView};
use crate::resources::enums;
use crate::resources::log::view::{RevisionView, WarningView};
use crate::resources::reference::view::AddressView;

/// A sale. Amounts are decimal texts in `currency`; a unit price keeps its own decimals.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sale)]
pub(crate) struct SaleView {
    #[schema(example = "SO-123456")]
    id: String,
    /// The order's number. Not unique.
    number: String,
    /// Derived from invoice, pick, pack and ship.
    #[schema(schema_with = enums::sale_status)]
    status: SaleStatus,
    #[schema(schema_with = enums::sale_kind)]
    kind: SaleKind,
    source: SourceView,
    customer: SaleCustomerView,
    bill_to: AddressView,
    ship_to: AddressView,
    #[schema(required = true)]
    sales_representative: Option<String>,
    location_id: String,
    /// Reason for that location.
    location_reason: String,
    /// 1 to 10.
    price_tier: u8,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    lines: Vec<LineView>,
    charges: Vec<ChargeView>,
    discounts: Vec<DiscountView>,
    /// The lines' totals.
    #[schema(example = "12.34")]
    subtotal: String,
    tax: String,
    /// Lines + charges − discounts + tax.
    total: String,
    /// Tax that the marketplace keeps and pays itself: no part of `tax` and `total`. Null where it keeps none.
    #[schema(required = true)]
    withheld_tax: Option<String>,
    invoice: InvoiceView,
    pick: StageView,
    pack: StageView,
    ship: StageView,
    /// Assemblies that are made for it.
    assemblies: Vec<AssemblyView>,
    /// Orders to suppliers who send to the buyer.
    purchases: Vec<PurchaseView>,
    /// None in this version.
    credit_notes: Vec<serde_json::Value>,
    /// None in this version.
    restocks: Vec<serde_json::Value>,
    /// Every movement of stock that it caused, in the order in which they happened.
    movements: Vec<MovementView>,
    warnings: Vec<WarningView>,
    /// The order's own date on the merchant's calendar, or the day of a consolidated sale. Null where it is not known.
    #[schema(required = true)]
    order_date: Option<Date>,
    /// Amount that people's adjustments added to the total that ShipStation stated.
    #[schema(example = "0.00")]
    difference_to_shipstation: String,
    /// People's changes of it while it was a draft, the oldest first.
    adjustments: Vec<AdjustmentView>,
    created_at: Timestamp,
    #[schema(required = true)]
    voided_at: Option<Timestamp>,
    /// The order's revision that it was made from. Null on a day's sale: each of its orders has its own, in the log.
    #[schema(required = true)]
    booked_revision: Option<RevisionView>,
}

/// An adjustment of a draft.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleAdjustment)]
struct AdjustmentView {
    at: Timestamp,
    by: String,
    /// The changes in a few words.
    what: String,
    /// The total since then.
    total: String,
}

/// Origin of a sale.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleSource)]
#[serde(untagged)]
enum SourceView {
    Order(OrderSourceView),
    Day(DaySourceView),
}

/// The day whose orders a sale was made from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleDaySource)]
struct DaySourceView {
    /// The merchant's date.
    local_date: Date,
    order_count: u64,
}

/// The order that a sale was made from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleOrderSource)]
struct OrderSourceView {
    /// ShipStation's id.
    order_id: u64,
    order_number: String,
    #[schema(required = true)]
    order_key: Option<String>,
    #[schema(required = true)]
    store_id: Option<u64>,
    #[schema(required = true)]
    store_name: Option<String>,
}

/// The customer as he was called when the sale was booked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleCustomer)]
struct SaleCustomerView {
    id: String,
    name: String,
    #[schema(required = true)]
    email: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleLine)]
struct LineView {
    /// From 1.
    line_no: u32,
    /// Null on a service line.
    #[schema(required = true)]
    product_id: Option<String>,
    service: bool,
    #[schema(required = true)]
    sku: Option<String>,
    name: String,
    /// The chosen options, in full.
    #[schema(required = true)]
    comment: Option<String>,
    /// The same, 256 characters at most.
    #[schema(required = true)]
    comment_display: Option<String>,
    quantity: i64,
    /// As the store states it: with tax where `tax_included`.
    #[schema(example = "0.8504")]
    unit_price: String,
    /// The unit price includes the tax: `total` and `tax` together are quantity × unit price.
    tax_included: bool,
    /// Without tax.
    total: String,
    tax: String,
    /// The tax rule's id.
    tax_rule: String,
    /// Name of the rule when the sale was booked.
    #[schema(required = true)]
    tax_rule_name: Option<String>,
    /// The line's tax over the rule's components as they were then; the amounts add up to it. Empty where the rule has none.
    tax_allocation: Vec<TaxPartView>,
    /// The revenue account's id.
    #[schema(required = true)]
    account: Option<String>,
    location_id: String,
}

/// A component's part of a tax.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaxPart)]
struct TaxPartView {
    component: String,
    amount: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleCharge)]
struct ChargeView {
    name: String,
    #[schema(required = true)]
    comment: Option<String>,
    amount: String,
    tax: String,
    /// The revenue account's id.
    #[schema(required = true)]
    account: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleDiscount)]
struct DiscountView {
    name: String,
    /// Amount that it takes off: zero or more.
    amount: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invoice)]
struct InvoiceView {
    #[schema(schema_with = enums::stage_status)]
    status: StageStatus,
    number: String,
    /// Its date: the sale's `order_date`.
    #[schema(required = true)]
    order_date: Option<Date>,
    payments: Vec<PaymentView>,
    /// Payments that were on it when it was voided: a record, and no money of anybody's.
    voided_payments: Vec<PaymentView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
struct PaymentView {
    amount: String,
    /// The account that received it.
    account: String,
    #[schema(required = true)]
    method: Option<String>,
    #[schema(required = true)]
    date: Option<Date>,
    /// The key of a payment that a person added.
    #[schema(required = true)]
    id: Option<String>,
    /// Person who added it; null for what ShipStation reported.
    #[schema(required = true)]
    by: Option<String>,
}

/// An order inside a sale.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleOrder)]
pub(crate) struct SaleOrderView {
    /// ShipStation's id.
    order_id: u64,
    order_number: String,
    #[schema(required = true)]
    store_id: Option<u64>,
    /// ShipStation's total of the newest revision; null when the order's log entry was deleted.
    #[schema(required = true)]
    order_total: Option<String>,
    /// The order's part of the sale's total.
    #[schema(required = true)]
    sale_total: Option<String>,
    /// True if the order's log entry names this sale.
    linked: bool,
    /// Lines of it in the sale, with the chosen options in full; empty where the order's log entry was deleted.
    lines: Vec<SaleOrderLineView>,
}

/// A line of an order inside a sale.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleOrderLine)]
pub(crate) struct SaleOrderLineView {
    #[schema(required = true)]
    sku: Option<String>,
    name: String,
    quantity: i64,
    /// The chosen options.
    #[schema(required = true)]
    comment: Option<String>,
}

impl From<&SaleLine> for SaleOrderLineView {
    fn from(line: &SaleLine) -> Self {
        Self { sku: line.sku.clone(), name: line.name.clone(), quantity: line.quantity, comment: line.comment.clone() }
    }
}

impl From<&Item> for SaleOrderLineView {
    fn from(item: &Item) -> Self {
        let name = item.name.clone().or_else(|| item.sku.clone()).unwrap_or_else(|| "Item".to_owned());
        Self { sku: item.sku.clone(), name, quantity: item.quantity, comment: options_comment(&item.options) }
    }
}

impl SaleOrderView {
    pub(crate) fn of(sale: &Sale, source: &OrderSource, entry: Option<&LogEntry>) -> Self {
        Self {
            order_id: source.order_id.0,
            order_number: source.order_number.clone(),
            store_id: source.store_id.map(|id| id.0),
            order_total: entry.and_then(|entry| entry.order_total.map(|total| entry.currency.text(total))),
            sale_total: Some(sale.currency.text(sale.total)),
            linked: entry.is_some_and(|entry| entry.sale_id.as_ref() == Some(&sale.id)),
            lines: sale.lines.iter().map(SaleOrderLineView::from).collect(),
        }
    }

    /// An order of a day's sale, also one whose log entry was deleted; with the revision that is in the sale, where it is there.
    pub(crate) fn of_day(day: &SaleId, known: &OrderRecord, order: Option<&Order>) -> Self {
        let items = order.map(|order| order.items.as_slice()).unwrap_or_default();
        let lines = items.iter().filter(|item| !item.adjustment).map(SaleOrderLineView::from).collect();
        match known {
            OrderRecord::Entry(StoredEntry { entry, .. }) => {
                let linked = entry.sale_id.as_ref() == Some(day);
                let text = |amount: Option<Minor>| amount.map(|amount| entry.currency.text(amount));
                Self {
                    order_id: entry.order_id.0,
                    order_number: entry.order_number.clone(),
                    store_id: entry.store_id.map(|id| id.0),
                    order_total: text(entry.order_total),
                    sale_total: if linked { text(entry.sale_total) } else { None },
                    linked,
                    lines,
                }
            }
            OrderRecord::DetachedSale(detached) => {
                let member = detached.member.as_ref();
                Self {
                    order_id: detached.order_id.0,
                    order_number: member.map(|member| member.order_number.clone()).unwrap_or_default(),
                    store_id: member.and_then(|member| member.store_id).map(|id| id.0),
                    order_total: None,
                    sale_total: member.and_then(|member| member.sale_total.map(|total| member.currency.text(total))),
                    linked: false,
                    lines,
                }
            }
        }
    }
}

impl From<Sale> for SaleView {
    fn from(sale: Sale) -> Self {
        let (status, currency, order_date) = (sale.status(), sale.currency, sale.dated());
        let lines = sale.lines.iter().map(|line| LineView::of(line, &sale)).collect();
        let amount = |amount: Minor| currency.text(amount);
        let payment = |payment: Payment| PaymentView {
            amount: amount(payment.amount),
            account: payment.account.0,
            method: payment.method,
            date: payment.date,
            id: payment.id,
            by: payment.by,
        };
        let (pick, pack, ship) =
            (StageView::of(&sale, &sale.pick, true), StageView::of(&sale, &sale.pack, false), StageView::of(&sale, &sale.ship, false));
        let assemblies = sale.assemblies.iter().enumerate().map(|(number, one)| AssemblyView::of(&sale, number, one)).collect();
        let purchases = sale.purchases.iter().enumerate().map(|(number, one)| PurchaseView::of(&sale, number, one)).collect();
        let movements = sale.movements().into_iter().map(MovementView::from).collect();
        let difference_to_shipstation = amount(sale.difference_to_shipstation());
        let adjustments = sale.adjusted.map(|adjusted| adjusted.changes).unwrap_or_default();
        let adjustment = |one: AdjustedBy| AdjustmentView { at: one.at, by: one.by, what: one.what, total: amount(one.total) };
        Self {
            id: sale.id.0,
            number: sale.number,
            status,
            kind: sale.kind,
            source: sale.source.into(),
            customer: SaleCustomerView { id: sale.customer.id.0, name: sale.customer.name, email: sale.customer.email },
            bill_to: sale.bill_to.into(),
            ship_to: sale.ship_to.into(),
            sales_representative: sale.sales_representative,
            location_id: sale.location_id.0,
            location_reason: sale.location_reason,
            price_tier: sale.price_tier,
            currency: currency.code().to_owned(),
            lines,
            charges: sale.charges.into_iter().map(|charge| ChargeView::of(charge, currency)).collect(),
            discounts: sale.discounts.into_iter().map(|one| DiscountView { name: one.name, amount: amount(one.amount) }).collect(),
            subtotal: amount(sale.subtotal),
            tax: amount(sale.tax),
            total: amount(sale.total),
            withheld_tax: sale.withheld_tax.map(amount),
            invoice: InvoiceView {
                status: sale.invoice.status,
                number: sale.invoice.number,
                order_date,
                payments: sale.invoice.payments.into_iter().map(payment).collect(),
                voided_payments: sale.invoice.voided_payments.into_iter().map(payment).collect(),
            },
            pick,
            pack,
            ship,
            assemblies,
            purchases,
            credit_notes: Vec::new(),
            restocks: Vec::new(),
            movements,
            warnings: sale.warnings.into_iter().map(WarningView::from).collect(),
            order_date,
            difference_to_shipstation,
            adjustments: adjustments.into_iter().map(adjustment).collect(),
            created_at: sale.created_at,
            voided_at: sale.voided_at,
            booked_revision: sale.booked_revision.map(RevisionView::from),
        }
    }
}

impl From<Source> for SourceView {
    fn from(source: Source) -> Self {
        match source {
            Source::Order(order) => Self::Order(OrderSourceView {
                order_id: order.order_id.0,
                order_number: order.order_number,
                order_key: order.order_key,
                store_id: order.store_id.map(|id| id.0),
                store_name: order.store_name,
            }),
            Source::Day(day) => Self::Day(DaySourceView { local_date: day.local_date, order_count: day.order_count }),
        }
    }
}

impl LineView {
    fn of(line: &SaleLine, sale: &Sale) -> Self {
        let currency = sale.currency;
        let allocation = sale.tax_allocation(line).into_iter();
        let allocation = allocation.map(|(part, amount)| TaxPartView { component: part.name.clone(), amount: currency.text(amount) });
        Self {
            line_no: line.line_no,
            product_id: line.product_id.as_ref().map(|id| id.0.clone()),
            service: line.service,
            sku: line.sku.clone(),
            name: line.name.clone(),
            comment_display: line.comment.as_deref().map(|comment| displayed_comment(comment).into_owned()),
            comment: line.comment.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price.to_string(),
            tax_included: line.tax_included,
            total: currency.text(line.total),
            tax: currency.text(line.tax),
            tax_rule: line.tax_rule.0.clone(),
            tax_rule_name: sale.tax_rules.iter().find(|rule| rule.id == line.tax_rule).map(|rule| rule.name.clone()),
            tax_allocation: allocation.collect(),
            account: line.account.as_ref().map(|id| id.0.clone()),
            location_id: line.location_id.0.clone(),
        }
    }
}

impl ChargeView {
    fn of(charge: Charge, currency: Currency) -> Self {
        let (amount, tax) = (currency.text(charge.amount), currency.text(charge.tax));
        Self { name: charge.name, comment: charge.comment, amount, tax, account: charge.account.map(|id| id.0) }
    }
}
