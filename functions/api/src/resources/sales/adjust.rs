//! A draft invoice, adjusted by a person (S39).

#![allow(clippy::option_option, reason = "a member that is left out is not one that is null")]

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use stevedore_aws::{SaleDraft, SaleEdit, SaleOutcome};
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::{AccountId, SaleId, TaxRuleId};
use stevedore_domain::money::{AmountError, Currency, Decimal, LARGEST_AMOUNT, Minor};
use stevedore_domain::reference::{Account, AccountKind, TaxRule};
use stevedore_domain::sale::{Adjustment, Charge, Discount, LineAdjustment, NotAdjusted, Sale, SaleTaxRule};
use stevedore_domain::stock::LARGEST_QUANTITY;
use stevedore_domain::stock::Levels;
use utoipa::ToSchema;

use super::view::SaleView;
use crate::Deps;
use crate::http::auth::Caller;
use crate::http::body::{Body, Fields, decimal, integer, text};
use crate::http::etag::{IfMatch, etag, tagged};
use crate::http::problem::{Code, FieldFault, Problem};
use crate::http::router::{Routes, routes};
use crate::resources::{Id, Shared};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(adjust))
}

/// The longest id that may be named, in bytes.
const ID: usize = 256;
/// The longest name, in bytes.
const NAME: usize = 400;
/// The longest comment, in bytes.
const COMMENT: usize = 4_000;
/// The most lines of one request.
const MOST_LINES: usize = 2_000;
/// The most charges, and discounts, of a sale that a person states.
const MOST_PARTS: usize = 600;

/// The changes. Members that are left out stay as they are.
#[derive(Serialize, ToSchema)]
#[schema(as = SaleAdjustmentInput)]
#[allow(dead_code, reason = "describes the body")]
struct AdjustmentInput {
    /// Lines to be changed, each named by its number.
    lines: Option<Vec<LineInput>>,
    /// Every additional charge, as they shall be.
    charges: Option<Vec<ChargeInput>>,
    /// Every discount, as they shall be.
    discounts: Option<Vec<DiscountInput>>,
    /// A tax rule for every line that names none of its own.
    tax_rule: Option<String>,
    /// A revenue account for every line that names none of its own.
    account: Option<String>,
}

/// A line to be changed.
#[derive(Serialize, ToSchema)]
#[schema(as = SaleLineAdjustment)]
#[allow(dead_code, reason = "describes the body")]
struct LineInput {
    line_no: u32,
    name: Option<String>,
    /// Null: none.
    comment: Option<String>,
    /// Only of a line that moves no stock: a service, or what others ship.
    quantity: Option<i64>,
    /// The line's total is quantity × price, rounded to the currency's smallest unit, halves away from zero.
    #[schema(example = "0.8504")]
    unit_price: Option<String>,
    /// Stays as it is where it is left out, whatever else changes.
    #[schema(example = "1.23")]
    tax: Option<String>,
    tax_rule: Option<String>,
    /// An account of revenue kind; null: none.
    account: Option<String>,
}

/// An additional charge.
#[derive(Serialize, ToSchema)]
#[schema(as = SaleChargeInput)]
#[allow(dead_code, reason = "describes the body")]
struct ChargeInput {
    name: String,
    comment: Option<String>,
    /// Negative for an adjustment that lowers the total.
    amount: String,
    /// Left out: none.
    tax: Option<String>,
    /// An account of revenue kind; left out: none.
    account: Option<String>,
}

/// A discount.
#[derive(Serialize, ToSchema)]
#[schema(as = SaleDiscountInput)]
#[allow(dead_code, reason = "describes the body")]
struct DiscountInput {
    name: String,
    /// Amount that it takes off: zero or more.
    amount: String,
}

/// The body as it was read: amounts are not of any currency yet, and ids are not known to exist.
#[derive(Default)]
struct Wanted {
    lines: Vec<WantedLine>,
    charges: Option<Vec<WantedCharge>>,
    discounts: Option<Vec<(String, Decimal)>>,
    tax_rule: Option<TaxRuleId>,
    account: Option<Option<AccountId>>,
}

#[derive(Default)]
struct WantedLine {
    line_no: u32,
    name: Option<String>,
    comment: Option<Option<String>>,
    quantity: Option<i64>,
    unit_price: Option<Decimal>,
    tax: Option<Decimal>,
    tax_rule: Option<TaxRuleId>,
    account: Option<Option<AccountId>>,
}

struct WantedCharge {
    name: String,
    comment: Option<String>,
    amount: Decimal,
    tax: Decimal,
    account: Option<AccountId>,
}

/// Adjust a draft
#[utoipa::path(patch, path = "/v1/sales/{id}", tag = "sales", operation_id = "adjust_sale",
    description = "Changes lines, charges and discounts of a sale whose invoice is a draft, and adds it up anew. Who did it and when is kept with the sale, which goes on \
        knowing the total that ShipStation stated (`difference_to_shipstation`). An authorised invoice stays as it is, and so does the quantity of a line that has a claim on stock.",
    security(("bearer" = ["integration:shipstation:operate"])), request_body = AdjustmentInput,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The ETag of the sale as it was looked at.")),
    responses(
        (status = 200, description = "The sale.", body = SaleView, headers(("ETag" = String, description = "Its version."))),
        (status = 409, description = "`sale_is_voided` or `invoice_is_authorised`"),
        (status = 412, description = "`stale_version`: it changed since.", headers(("ETag" = String, description = "The present version."))),
        (status = 422, description = "`validation_failed`, with `moves_stock` for the quantity of a line that has a claim on stock."),
        (status = 428, description = "`precondition_required`"),
    ))]
async fn adjust(State(deps): Shared, caller: Caller, Id(id): Id, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let expected = IfMatch::of(&headers)?;
    let id = SaleId(id);
    let wanted = body.read(read)?;
    let Some(stored) = deps.table.sale(&id).await? else { return Err(Problem::not_found("sale")) };
    expected.check(stored.version)?;
    let rules = check(&deps, &wanted).await?;
    // Of the version that is read, which every write is compared with.
    let adjustment = adjustment(&wanted, &rules, &stored.sale)?;
    let now = deps.now();
    let decide = |draft: &mut SaleDraft| -> Result<Option<SaleEdit>, Refusal> {
        if expected.check(draft.version).is_err() {
            return Err(Refusal::Stale(draft.version));
        }
        let before = draft.sale.total;
        if !draft.sale.adjust(adjustment.clone(), now, &caller.by).map_err(Refusal::Not)? {
            return Ok(None);
        }
        let currency = draft.sale.currency;
        if let Some(entry) = &mut draft.entry {
            entry.sale_total = Some(draft.sale.total);
            let words = format!("draft adjusted: total {} → {} {currency}", currency.text(before), currency.text(draft.sale.total));
            entry.add_event(now, words, caller.by.clone());
        }
        Ok(Some(SaleEdit { stock: Vec::new(), events: vec![EventKind::SaleAdjusted] }))
    };
    let stored_after = match deps.table.change_sale(&id, Levels::default(), now, decide).await? {
        SaleOutcome::Written(after) => {
            tracing::info!(sale_id = %id, version = after.version, "draft adjusted");
            after
        }
        SaleOutcome::Unchanged(after) => after,
        SaleOutcome::Absent => return Err(Problem::not_found("sale")),
        SaleOutcome::Refused(refusal) => return Err(refusal.problem(&id)),
    };
    caller.change.is(Some(summary(stored.version, &stored.sale)), summary(stored_after.version, &stored_after.sale));
    Ok(tagged(stored_after.version, Json(SaleView::from(stored_after.sale))))
}

/// A sale for the record of what people do: one of a thousand lines would not fit there, and says itself what was changed.
fn summary(version: u64, sale: &Sale) -> serde_json::Value {
    let amount = |amount: Minor| sale.currency.text(amount);
    let last = sale.adjusted.as_ref().and_then(|adjusted| adjusted.changes.last());
    serde_json::json!({
        "sale_id": sale.id,
        "version": version,
        "subtotal": amount(sale.subtotal),
        "tax": amount(sale.tax),
        "total": amount(sale.total),
        "difference_to_shipstation": amount(sale.difference_to_shipstation()),
        "adjusted": last.map(|change| &change.what),
    })
}

enum Refusal {
    Stale(u64),
    Not(NotAdjusted),
}

impl Refusal {
    fn problem(self, id: &SaleId) -> Problem {
        match self {
            Self::Stale(version) => Problem::stale(&etag(version)),
            Self::Not(NotAdjusted::Voided) => Problem::with_detail(Code::SaleIsVoided, format!("Sale {id} is void and stays as it is.")),
            Self::Not(NotAdjusted::Authorised) => Problem::new(Code::InvoiceIsAuthorised),
            Self::Not(NotAdjusted::Wrong(errors)) => {
                Problem::with_errors(Code::ValidationFailed, errors.into_iter().map(FieldFault::from).collect())
            }
        }
    }
}

fn amount(json: &str) -> Result<Decimal, crate::http::body::Fault> {
    let most = Decimal::from(LARGEST_AMOUNT);
    decimal(-most..=most)(json)
}

fn read(fields: &mut Fields<'_>) -> Wanted {
    let lines = fields.objects("lines", MOST_LINES, |fields| {
        fields.refuse_null(&["name", "quantity", "unit_price", "tax", "tax_rule"]);
        WantedLine {
            line_no: u32::try_from(fields.required("line_no", integer(1..=i64::from(u32::MAX)))).unwrap_or_default(),
            name: fields.optional("name", text(NAME)),
            comment: or_none(fields, "comment", text(COMMENT)),
            quantity: fields.optional("quantity", integer(-LARGEST_QUANTITY..=LARGEST_QUANTITY)),
            unit_price: fields.optional("unit_price", amount),
            tax: fields.optional("tax", amount),
            tax_rule: fields.optional("tax_rule", text(ID)).map(TaxRuleId),
            account: or_none(fields, "account", text(ID)).map(|account| account.map(AccountId)),
        }
    });
    fields.refuse_null(&["charges", "discounts", "tax_rule"]);
    let charges = fields.objects("charges", MOST_PARTS, |fields| WantedCharge {
        name: fields.required("name", text(NAME)),
        comment: fields.optional("comment", text(COMMENT)),
        amount: fields.required("amount", amount),
        tax: fields.optional("tax", amount).unwrap_or_default(),
        account: fields.optional("account", text(ID)).map(AccountId),
    });
    let discounts = fields.objects("discounts", MOST_PARTS, |fields| {
        let most = Decimal::from(LARGEST_AMOUNT);
        (fields.required("name", text(NAME)), fields.required("amount", decimal(Decimal::ZERO..=most)))
    });
    Wanted {
        lines,
        charges: fields.has("charges").then_some(charges),
        discounts: fields.has("discounts").then_some(discounts),
        tax_rule: fields.optional("tax_rule", text(ID)).map(TaxRuleId),
        account: or_none(fields, "account", text(ID)).map(|account| account.map(AccountId)),
    }
}

/// A member whose `null` says that there is none; left out, it says nothing.
fn or_none<T>(
    fields: &mut Fields<'_>,
    name: &'static str,
    read: impl FnOnce(&str) -> Result<T, crate::http::body::Fault>,
) -> Option<Option<T>> {
    if fields.is_null(name) {
        fields.has(name);
        return Some(None);
    }
    fields.optional(name, read).map(Some)
}

/// The rules that are named, and whether accounts and rules exist.
async fn check(deps: &Deps, wanted: &Wanted) -> Result<BTreeMap<TaxRuleId, SaleTaxRule>, Problem> {
    let own = wanted.lines.iter().enumerate();
    let rules: Vec<(String, &TaxRuleId)> = own
        .clone()
        .filter_map(|(index, line)| Some((format!("/lines/{index}/tax_rule"), line.tax_rule.as_ref()?)))
        .chain(wanted.tax_rule.iter().map(|id| ("/tax_rule".to_owned(), id)))
        .collect();
    let charges = wanted.charges.iter().flatten().enumerate();
    let of_charges = charges.filter_map(|(index, charge)| Some((format!("/charges/{index}/account"), charge.account.as_ref()?)));
    let accounts: Vec<(String, &AccountId)> = own
        .filter_map(|(index, line)| Some((format!("/lines/{index}/account"), line.account.as_ref()?.as_ref()?)))
        .chain(wanted.account.iter().flatten().map(|id| ("/account".to_owned(), id)))
        .chain(of_charges)
        .collect();
    let unique = |mut ids: Vec<String>| {
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let known_rules: Vec<TaxRule> = deps.table.records(unique(rules.iter().map(|(_, id)| id.0.clone()).collect())).await?;
    let known_accounts: Vec<Account> = deps.table.records(unique(accounts.iter().map(|(_, id)| id.0.clone()).collect())).await?;
    let mut faults = Vec::new();
    for (pointer, id) in rules {
        if known_rules.iter().all(|rule| rule.id != *id) {
            faults.push(FieldFault { pointer, code: "unknown_reference", message: format!("There is no tax rule `{id}`.") });
        }
    }
    for (pointer, id) in accounts {
        match known_accounts.iter().find(|account| account.id == *id) {
            None => faults.push(FieldFault { pointer, code: "unknown_reference", message: format!("There is no account `{id}`.") }),
            Some(account) if account.kind != AccountKind::Revenue => {
                faults.push(FieldFault { pointer, code: "wrong_kind", message: format!("The account `{id}` is not of revenue kind.") });
            }
            Some(_) => {}
        }
    }
    if !faults.is_empty() {
        return Err(Problem::with_errors(Code::ValidationFailed, faults));
    }
    let snapshot = |rule: TaxRule| (rule.id.clone(), SaleTaxRule { id: rule.id, name: rule.name, components: rule.components });
    Ok(known_rules.into_iter().map(snapshot).collect())
}

/// The adjustment of this sale: its amounts in its own currency, and what is said of every line said of each.
fn adjustment(wanted: &Wanted, rules: &BTreeMap<TaxRuleId, SaleTaxRule>, sale: &Sale) -> Result<Adjustment, Problem> {
    let mut faults = Vec::new();
    let mut minor = |amount: Decimal, pointer: String| exact(sale.currency, amount, pointer, &mut faults);
    let mut lines: Vec<LineAdjustment> = Vec::with_capacity(wanted.lines.len());
    for (index, line) in wanted.lines.iter().enumerate() {
        lines.push(LineAdjustment {
            line_no: line.line_no,
            name: line.name.clone(),
            comment: line.comment.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            tax: line.tax.map(|tax| minor(tax, format!("/lines/{index}/tax"))),
            tax_rule: line.tax_rule.as_ref().or(wanted.tax_rule.as_ref()).and_then(|id| rules.get(id).cloned()),
            account: line.account.clone().or_else(|| wanted.account.clone()),
        });
    }
    if wanted.tax_rule.is_some() || wanted.account.is_some() {
        let named: std::collections::BTreeSet<u32> = wanted.lines.iter().map(|line| line.line_no).collect();
        let tax_rule = wanted.tax_rule.as_ref().and_then(|id| rules.get(id));
        let rest = sale.lines.iter().filter(|line| !named.contains(&line.line_no));
        lines.extend(rest.map(|line| LineAdjustment {
            line_no: line.line_no,
            tax_rule: tax_rule.cloned(),
            account: wanted.account.clone(),
            ..LineAdjustment::default()
        }));
    }
    let charges = wanted.charges.as_ref().map(|charges| {
        let charge = |(index, charge): (usize, &WantedCharge)| Charge {
            name: charge.name.clone(),
            comment: charge.comment.clone(),
            amount: minor(charge.amount, format!("/charges/{index}/amount")),
            tax: minor(charge.tax, format!("/charges/{index}/tax")),
            account: charge.account.clone(),
        };
        charges.iter().enumerate().map(charge).collect()
    });
    let discounts = wanted.discounts.as_ref().map(|discounts| {
        let discount = |(index, (name, amount)): (usize, &(String, Decimal))| Discount {
            name: name.clone(),
            amount: minor(*amount, format!("/discounts/{index}/amount")),
        };
        discounts.iter().enumerate().map(discount).collect()
    });
    if faults.is_empty() { Ok(Adjustment { lines, charges, discounts }) } else { Err(Problem::with_errors(Code::ValidationFailed, faults)) }
}

fn exact(currency: Currency, amount: Decimal, pointer: String, faults: &mut Vec<FieldFault>) -> Minor {
    currency.minor(amount).unwrap_or_else(|error| {
        let code = if matches!(error, AmountError::NotExact(..)) { "not_exact" } else { "out_of_range" };
        faults.push(FieldFault { pointer, code, message: format!("{error}.") });
        Minor::ZERO
    })
}
