//! What a person does with a sale: void it, authorise its invoice, go on with its fulfilment, add a payment.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::civil::Date;
use serde::Serialize;
use stevedore_aws::{SaleDraft, SaleEdit, SaleOutcome};
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::{AccountId, SaleId};
use stevedore_domain::money::{Decimal, LARGEST_AMOUNT};
use stevedore_domain::order::Digest;
use stevedore_domain::reference::Account;
use stevedore_domain::sale::{Actor, Fulfilment, MOST_PAYMENTS, Payment, PaymentRefused, StageStatus};
use stevedore_domain::settings::PickPackShip;
use stevedore_domain::stock::Levels;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Id, Shared, zone};
use crate::Deps;
use crate::access::Caller;
use crate::etag::{IfMatch, tagged};
use crate::input::{Body, choice, date, decimal, text};
use crate::problem::{Code, FieldFault, Problem};
use crate::views::SaleView;

pub(super) fn routes() -> OpenApiRouter<Arc<Deps>> {
    OpenApiRouter::new()
        .routes(routes!(void))
        .routes(routes!(authorise_invoice))
        .routes(routes!(retry_fulfilment))
        .routes(routes!(add_payment))
}

/// The longest payment method, in bytes.
const METHOD: usize = 200;
/// The longest id that may be named, in bytes.
const ID: usize = 256;

/// Why a change is refused.
enum Refusal {
    Voided,
    Stale(u64),
    Payment(PaymentRefused),
    TooManyPayments,
    NothingToPick,
}

impl Refusal {
    fn problem(self, id: &str) -> Problem {
        match self {
            Self::Voided => Problem::with_detail(Code::SaleIsVoided, format!("Sale {id} is void and stays as it is.")),
            Self::Stale(version) => Problem::stale(&crate::etag::etag(version)),
            Self::Payment(PaymentRefused::Voided) => Self::Voided.problem(id),
            Self::Payment(PaymentRefused::KeyTaken) => {
                let message = "Another payment of this invoice has this `id` and says something else.".to_owned();
                Problem::with_errors(Code::Taken, vec![FieldFault { pointer: "/id".to_owned(), code: "taken", message }])
            }
            Self::TooManyPayments => Problem::field("/amount", "too_many", format!("An invoice takes {MOST_PAYMENTS} payments at most.")),
            Self::NothingToPick => Problem::new(Code::NothingToFulfil),
        }
    }
}

/// A change may name the version that it was decided on; then it is refused when that is not the present one.
fn precondition(headers: &HeaderMap) -> Option<IfMatch> {
    IfMatch::of(headers).ok()
}

fn check(precondition: Option<&IfMatch>, draft: &SaleDraft) -> Result<(), Refusal> {
    match precondition.map(|precondition| precondition.check(draft.version)) {
        Some(Err(_)) => Err(Refusal::Stale(draft.version)),
        _ => Ok(()),
    }
}

fn answer(caller: &Caller, id: &str, outcome: SaleOutcome<Refusal>) -> Result<Response, Problem> {
    match outcome {
        SaleOutcome::Written(stored) | SaleOutcome::Unchanged(stored) => {
            let sale = &stored.sale;
            caller.change.is_new(serde_json::json!({
                "sale_id": sale.id,
                "version": stored.version,
                "status": sale.status(),
                "invoice": sale.invoice.status,
                "payments": sale.invoice.payments.len(),
                "pick": sale.pick.status,
                "pack": sale.pack.status,
                "ship": sale.ship.status,
                "voided_at": sale.voided_at,
            }));
            Ok(tagged(stored.version, Json(SaleView::from(stored.sale))))
        }
        SaleOutcome::Absent => Err(Problem::not_found("sale")),
        SaleOutcome::Refused(refusal) => Err(refusal.problem(id)),
    }
}

fn edit(stock: Vec<stevedore_domain::stock::StockChange>, event: EventKind) -> SaleEdit {
    SaleEdit { stock, events: vec![event] }
}

/// Void a sale
#[utoipa::path(post, path = "/v1/sales/{id}/void", tag = "sales", operation_id = "void_sale",
    description = "Keeps the sale and its totals as a record, gives its stock back, and undoes payments and invoice. Again is fine. The order can then be \
        booked anew: by `POST /v1/log/{order_id}/recreate`, or by deleting its log entry and loading it.",
    security(("bearer" = ["integration:shipstation:operate"])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag of the sale as it was looked at.")),
    responses(
        (status = 200, description = "The voided sale.", body = SaleView, headers(("ETag" = String, description = "Its version."))),
        (status = 412, description = "`stale_version`"),
    ))]
async fn void(State(deps): Shared, caller: Caller, Id(id): Id, headers: HeaderMap) -> Result<Response, Problem> {
    let (now, precondition) = (deps.now(), precondition(&headers));
    let change = |draft: &mut SaleDraft| {
        if draft.sale.voided_at.is_some() {
            return Ok(None);
        }
        check(precondition.as_ref(), draft)?;
        let stock = draft.sale.void(&draft.levels, now);
        if let Some(entry) = &mut draft.entry {
            entry.sale_voided(now, &caller.by);
        }
        Ok(Some(edit(stock, EventKind::SaleVoided)))
    };
    let outcome = deps.table.change_sale(&SaleId(id.clone()), Levels::default(), now, change).await?;
    if matches!(outcome, SaleOutcome::Written(_)) {
        tracing::info!(sale_id = id, "sale voided");
    }
    answer(&caller, &id, outcome)
}

/// Authorise a sale's invoice
#[utoipa::path(post, path = "/v1/sales/{id}/authorise_invoice", tag = "sales", operation_id = "authorise_invoice",
    description = "From then on the accounting system has a pending sync for it. Again is fine.",
    security(("bearer" = ["integration:shipstation:operate"])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag of the sale as it was looked at.")),
    responses(
        (status = 200, description = "The sale.", body = SaleView, headers(("ETag" = String, description = "Its version."))),
        (status = 409, description = "`sale_is_voided`"),
        (status = 412, description = "`stale_version`"),
    ))]
async fn authorise_invoice(State(deps): Shared, caller: Caller, Id(id): Id, headers: HeaderMap) -> Result<Response, Problem> {
    let (now, precondition) = (deps.now(), precondition(&headers));
    let change = |draft: &mut SaleDraft| {
        if draft.sale.invoice.status == StageStatus::Voided {
            return Err(Refusal::Voided);
        }
        check(precondition.as_ref(), draft)?;
        if !draft.sale.invoice.authorise(now) {
            return Ok(None);
        }
        if let Some(entry) = &mut draft.entry {
            entry.note(now, "invoice authorised", caller.by.clone());
        }
        Ok(Some(edit(Vec::new(), EventKind::InvoiceAuthorised)))
    };
    answer(&caller, &id, deps.table.change_sale(&SaleId(id.clone()), Levels::default(), now, change).await?)
}

/// How far fulfilment is to go.
#[derive(Serialize, ToSchema)]
#[schema(as = RetryFulfilmentInput)]
#[allow(dead_code, reason = "describes the body")]
struct RetryInput {
    /// `pick`, `pick_pack` or `pick_pack_ship`; left out, as far as the settings say.
    to: Option<String>,
}

/// Go on with a sale's fulfilment
#[utoipa::path(post, path = "/v1/sales/{id}/retry_fulfilment", tag = "sales", operation_id = "retry_fulfilment",
    description = "Makes draft assemblies, then picks, packs and ships, as far as `to` or else the settings say and stock allows. A person may take whatever lies \
        unpicked at the location, also what other sales have a claim on. What is done stays done.",
    security(("bearer" = ["integration:shipstation:operate"])), request_body = Option<RetryInput>,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag of the sale as it was looked at.")),
    responses(
        (status = 200, description = "The sale as it is now; its warnings say what is still short.", body = SaleView,
            headers(("ETag" = String, description = "Its version."))),
        (status = 409, description = "`sale_is_voided`, `nothing_to_fulfil` or `fulfilment_is_manual`"),
        (status = 412, description = "`stale_version`"),
    ))]
async fn retry_fulfilment(State(deps): Shared, caller: Caller, Id(id): Id, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    const STEPS: &[(&str, PickPackShip)] =
        &[("pick", PickPackShip::Pick), ("pick_pack", PickPackShip::PickPack), ("pick_pack_ship", PickPackShip::PickPackShip)];
    let to = body.read_optional(|fields| fields.optional("to", choice(STEPS)))?;
    let settings = deps.table.settings().await?.value;
    let mode = to.unwrap_or(settings.pick_pack_ship);
    let id = SaleId(id);
    let Some(stored) = deps.table.sale(&id).await? else { return Err(Problem::not_found("sale")) };
    if mode == PickPackShip::None && stored.sale.voided_at.is_none() {
        return Err(Problem::new(Code::FulfilmentIsManual));
    }
    // A person waits, and is to see what is really there.
    let claimed = stored.sale.allocations.iter().map(|allocation| allocation.product_id.clone());
    let products = deps.table.products_by_id(claimed.collect::<Vec<_>>()).await?;
    let wanted = stored.sale.stock_keys(&products);
    let mut levels = Levels::default();
    for key in &wanted {
        levels.learn(key.clone(), stevedore_domain::stock::Level::default());
    }
    for stock in deps.table.stock_levels(wanted).await? {
        levels.learn(stock.key, stock.level);
    }
    let (now, precondition) = (deps.now(), precondition(&headers));
    let change = |draft: &mut SaleDraft| {
        if draft.sale.voided_at.is_some() {
            return Err(Refusal::Voided);
        }
        if draft.sale.allocations.is_empty() {
            return Err(Refusal::NothingToPick);
        }
        check(precondition.as_ref(), draft)?;
        let (as_it_was, before) = (draft.sale.clone(), draft.sale.position());
        let with = Fulfilment {
            mode,
            auto_assembly: settings.auto_assembly,
            products: &products,
            levels: &draft.levels,
            actor: Actor::Person,
            at: now,
        };
        let stock = draft.sale.fulfil(&before, with);
        if draft.sale == as_it_was {
            return Ok(None);
        }
        if let Some(entry) = &mut draft.entry {
            entry.take_warnings_of(&draft.sale);
            entry.note(now, format!("fulfilment retried: {}", draft.sale.fulfilment_in_words()), caller.by.clone());
        }
        Ok(Some(edit(stock, EventKind::FulfilmentChanged)))
    };
    let outcome = deps.table.change_sale(&id, levels, now, change).await?;
    answer(&caller, id.as_str(), outcome)
}

/// A payment, as it is stated by a person.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentInput)]
#[allow(dead_code, reason = "describes the body")]
struct PaymentInput {
    /// In the sale's currency; negative for money that went back. Not zero.
    #[schema(example = "12.34")]
    amount: String,
    /// An account that can receive payments; left out, that of the settings.
    account: Option<String>,
    method: Option<String>,
    /// Left out: today, in the merchant's zone.
    date: Option<Date>,
    /// Your own key. Left out it is made from the rest, so that the same payment sent twice is added once: a second one that is equal needs a key of its own.
    id: Option<String>,
}

/// Add a payment
#[utoipa::path(post, path = "/v1/sales/{id}/payments", tag = "sales", operation_id = "add_payment",
    description = "Also more or less than the total. Sent again, a payment is not added twice.",
    security(("bearer" = ["integration:shipstation:operate"])), request_body = PaymentInput,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag of the sale as it was looked at.")),
    responses(
        (status = 200, description = "The sale.", body = SaleView, headers(("ETag" = String, description = "Its version."))),
        (status = 409, description = "`sale_is_voided`; `taken`: another payment has the `id`."),
        (status = 412, description = "`stale_version`"),
    ))]
async fn add_payment(State(deps): Shared, caller: Caller, Id(id): Id, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let most = Decimal::from(LARGEST_AMOUNT);
    let (amount, account, method, on, key) = body.read(|fields| {
        (
            fields.required("amount", decimal(-most..=most)),
            fields.optional("account", text(ID)).map(AccountId),
            fields.optional("method", text(METHOD)),
            fields.optional("date", date),
            fields.optional("id", text(ID)),
        )
    })?;
    let settings = deps.table.settings().await?.value;
    let id = SaleId(id);
    let Some(stored) = deps.table.sale(&id).await? else { return Err(Problem::not_found("sale")) };
    let minor = stored.sale.currency.minor(amount);
    let amount = minor.map_err(|error| Problem::field("/amount", "not_exact", format!("{error}.")))?;
    if amount.0 == 0 {
        return Err(Problem::field("/amount", "out_of_range", "A payment of nothing is none.".to_owned()));
    }
    let Some(account) = account.or_else(|| settings.payment_account(method.as_deref()).cloned()) else {
        return Err(Problem::field("/account", "required", "The settings name no payment account, so the payment must.".to_owned()));
    };
    match deps.table.record::<Account>(account.as_str()).await? {
        None => return Err(Problem::field("/account", "unknown_reference", format!("There is no account `{account}`."))),
        Some(found) if !found.value.receives_payments => {
            return Err(Problem::field("/account", "wrong_kind", format!("The account `{account}` cannot receive payments.")));
        }
        Some(_) => {}
    }
    let now = deps.now();
    let on = on.unwrap_or_else(|| now.to_zoned(zone(&settings)).date());
    let key = key.unwrap_or_else(|| {
        let content = format!("{amount:?}\n{account}\n{method:?}\n{on}");
        Digest::of_bytes(content.as_bytes()).to_string().get(..16).unwrap_or_default().to_owned()
    });
    let payment = Payment { amount, account, method, date: Some(on), id: Some(key), by: Some(caller.by.clone()) };
    let precondition = precondition(&headers);
    let change = |draft: &mut SaleDraft| {
        if draft.sale.voided_at.is_some() {
            return Err(Refusal::Voided);
        }
        check(precondition.as_ref(), draft)?;
        if draft.sale.invoice.payments.len() >= MOST_PAYMENTS {
            return Err(Refusal::TooManyPayments);
        }
        if !draft.sale.invoice.pay(payment.clone()).map_err(Refusal::Payment)? {
            return Ok(None);
        }
        if let Some(entry) = &mut draft.entry {
            let text = draft.sale.currency.text(payment.amount);
            entry.note(now, format!("payment of {text} {} added", draft.sale.currency), caller.by.clone());
        }
        Ok(Some(edit(Vec::new(), EventKind::PaymentAdded)))
    };
    let outcome = deps.table.change_sale(&id, Levels::default(), now, change).await?;
    answer(&caller, id.as_str(), outcome)
}
