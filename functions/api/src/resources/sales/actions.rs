//! A person's actions on a sale: void it, authorise its invoice, go on with its fulfilment, add a payment.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use stevedore_aws::{SaleDraft, SaleEdit, SaleOutcome, StoredSale};
use stevedore_domain::digest::Digest;
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::{AccountId, SaleId};
use stevedore_domain::money::{AmountError, Currency, Decimal, LARGEST_AMOUNT, Minor};
use stevedore_domain::reference::Account;
use stevedore_domain::sale::{Actor, Fulfilment, MOST_PAYMENTS, Payment, PaymentRefused};
use stevedore_domain::settings::PickPackShip;
use stevedore_domain::stock::{Level, Levels, StockChange, StockKey};
use utoipa::ToSchema;

use super::view::SaleView;
use crate::Deps;
use crate::http::auth::Caller;
use crate::http::body::{Body, choice, date, decimal, other_than_zero, text};
use crate::http::etag::{IfMatch, etag, tagged};
use crate::http::problem::{Code, FieldFault, Problem};
use crate::http::router::{Routes, routes};
use crate::resources::{Id, Shared, zone};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(void)).routes(routes!(authorise_invoice)).routes(routes!(retry_fulfilment)).routes(routes!(add_payment))
}

/// The longest payment method, in bytes.
const METHOD: usize = 200;
/// The longest id that may be named, in bytes.
const ID: usize = 256;

/// The years that a payment may be of: others are slips of the hand.
const YEARS: std::ops::Range<i16> = 1970..3000;

/// Reason for which a change is refused.
enum Refusal {
    Voided,
    Stale(u64),
    KeyTaken,
    TooManyPayments,
    MoreThanPaid(Minor, Currency),
    TooMuchPaid,
    NothingToFulfil,
    Manual,
}

impl Refusal {
    fn problem(self, id: &SaleId) -> Problem {
        match self {
            Self::Voided => Problem::with_detail(Code::SaleIsVoided, format!("Sale {id} is void and stays as it is.")),
            Self::Stale(version) => Problem::stale(&etag(version)),
            Self::KeyTaken => {
                let message = "Another payment of this invoice has this `id` and says something else.".to_owned();
                Problem::with_errors(Code::Taken, vec![FieldFault { pointer: "/id".to_owned(), code: "taken", message }])
            }
            Self::TooManyPayments => Problem::field("", "too_many", format!("An invoice takes {MOST_PAYMENTS} payments at most.")),
            Self::MoreThanPaid(paid, currency) => {
                let message = format!("{} {currency} was paid, and more than that cannot go back.", currency.text(paid));
                Problem::field("/amount", "more_than_paid", message)
            }
            Self::TooMuchPaid => {
                Problem::field("/amount", "out_of_range", "All payments of the invoice together would be too large to be booked.")
            }
            Self::NothingToFulfil => Problem::new(Code::NothingToFulfil),
            Self::Manual => Problem::new(Code::FulfilmentIsManual),
        }
    }
}

impl Refusal {
    fn of(refused: PaymentRefused, currency: Currency) -> Self {
        match refused {
            PaymentRefused::Voided => Self::Voided,
            PaymentRefused::KeyTaken => Self::KeyTaken,
            PaymentRefused::MoreThanPaid(paid) => Self::MoreThanPaid(paid, currency),
            PaymentRefused::TooLarge => Self::TooMuchPaid,
            PaymentRefused::TooMany => Self::TooManyPayments,
        }
    }
}

/// One change of one sale: of which, when, and of which version where the caller names one.
struct Step<'a> {
    deps: &'a Deps,
    caller: &'a Caller,
    id: SaleId,
    now: Timestamp,
    expected: Option<IfMatch>,
}

impl<'a> Step<'a> {
    fn new(deps: &'a Deps, caller: &'a Caller, id: impl Into<SaleId>, headers: &HeaderMap) -> Self {
        Self { deps, caller, id: id.into(), now: deps.now(), expected: IfMatch::given(headers) }
    }

    /// Reads the sale, lets `decide` change it, and answers with what was written. What is done already is answered as such, whatever version the caller
    /// had seen (RFC 9110, section 13.1.1).
    async fn take(
        &self,
        levels: Levels,
        // Known when it runs: what goes round it would be there once for each action otherwise, and it is large.
        decide: &mut (dyn FnMut(&mut SaleDraft) -> Result<Option<SaleEdit>, Refusal> + Send),
    ) -> Result<Response, Problem> {
        let guarded = |draft: &mut SaleDraft| {
            let edit = decide(draft)?;
            let stale = self.expected.as_ref().is_some_and(|expected| expected.check(draft.version).is_err());
            if edit.is_some() && stale { Err(Refusal::Stale(draft.version)) } else { Ok(edit) }
        };
        match self.deps.table.change_sale(&self.id, levels, self.now, guarded).await? {
            SaleOutcome::Written(stored) => {
                tracing::info!(sale_id = %self.id, version = stored.version, "sale changed");
                Ok(self.shown(*stored))
            }
            SaleOutcome::Unchanged(stored) => Ok(self.shown(*stored)),
            SaleOutcome::Absent => Err(Problem::not_found("sale")),
            SaleOutcome::Refused(refusal) => Err(refusal.problem(&self.id)),
        }
    }

    /// The sale as it is answered, and for the record of what people do, what there is to say of it.
    fn shown(&self, stored: StoredSale) -> Response {
        let sale = &stored.sale;
        self.caller.change.is_new(serde_json::json!({
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
        tagged(stored.version, Json(SaleView::from(stored.sale)))
    }
}

fn edit(stock: Vec<StockChange>, event: EventKind) -> SaleEdit {
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
        (status = 412, description = "`stale_version`: it changed since, and what is asked for is not done yet.",
            headers(("ETag" = String, description = "The present version."))),
    ))]
async fn void(State(deps): Shared, caller: Caller, Id(id): Id, headers: HeaderMap) -> Result<Response, Problem> {
    let step = Step::new(&deps, &caller, id, &headers);
    let mut void = |draft: &mut SaleDraft| {
        if draft.sale.voided_at.is_some() {
            return Ok(None);
        }
        let stock = draft.sale.void(&draft.levels, step.now);
        if let Some(entry) = &mut draft.entry {
            entry.sale_voided(step.now, &caller.by);
        }
        Ok(Some(edit(stock, EventKind::SaleVoided)))
    };
    step.take(Levels::default(), &mut void).await
}

/// Authorise a sale's invoice
#[utoipa::path(post, path = "/v1/sales/{id}/authorise_invoice", tag = "sales", operation_id = "authorise_invoice",
    description = "From then on the accounting system has a pending sync for it. Again is fine.",
    security(("bearer" = ["integration:shipstation:operate"])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag of the sale as it was looked at.")),
    responses(
        (status = 200, description = "The sale.", body = SaleView, headers(("ETag" = String, description = "Its version."))),
        (status = 409, description = "`sale_is_voided`"),
        (status = 412, description = "`stale_version`: it changed since, and what is asked for is not done yet.",
            headers(("ETag" = String, description = "The present version."))),
    ))]
async fn authorise_invoice(State(deps): Shared, caller: Caller, Id(id): Id, headers: HeaderMap) -> Result<Response, Problem> {
    let step = Step::new(&deps, &caller, id, &headers);
    let mut authorise = |draft: &mut SaleDraft| {
        if draft.sale.voided_at.is_some() {
            return Err(Refusal::Voided);
        }
        if !draft.sale.invoice.authorise(step.now) {
            return Ok(None);
        }
        if let Some(entry) = &mut draft.entry {
            entry.add_event(step.now, "invoice authorised", caller.by.clone());
        }
        Ok(Some(edit(Vec::new(), EventKind::InvoiceAuthorised)))
    };
    step.take(Levels::default(), &mut authorise).await
}

/// Extent to which fulfilment is to go.
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
        (status = 412, description = "`stale_version`: it changed since, and what is asked for is not done yet.",
            headers(("ETag" = String, description = "The present version."))),
    ))]
async fn retry_fulfilment(State(deps): Shared, caller: Caller, Id(id): Id, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    const STEPS: &[(&str, PickPackShip)] =
        &[("pick", PickPackShip::Pick), ("pick_pack", PickPackShip::PickPack), ("pick_pack_ship", PickPackShip::PickPackShip)];
    let to = body.read_optional(|fields| fields.optional("to", choice(STEPS)))?;
    let step = Step::new(&deps, &caller, id, &headers);
    let settings = deps.table.settings().await?.value;
    let mode = to.unwrap_or(settings.pick_pack_ship);
    let Some(stored) = deps.table.sale(&step.id).await? else { return Err(Problem::not_found("sale")) };
    let claimed = stored.sale.allocations.iter().map(|allocation| allocation.product_id.clone());
    let products = deps.table.products_by_id(claimed.collect::<Vec<_>>()).await?;
    let levels = levels(&deps, stored.sale.stock_keys(&products)).await?;
    let mut fulfil = |draft: &mut SaleDraft| {
        if draft.sale.voided_at.is_some() {
            return Err(Refusal::Voided);
        }
        if draft.sale.is_sent_by_others() {
            return Err(Refusal::NothingToFulfil);
        }
        if mode == PickPackShip::None {
            return Err(Refusal::Manual);
        }
        let (as_it_was, before) = (draft.sale.clone(), draft.sale.position());
        let with = Fulfilment {
            mode,
            auto_assembly: settings.auto_assembly,
            products: &products,
            levels: &draft.levels,
            actor: Actor::Person,
            at: step.now,
        };
        let stock = draft.sale.fulfil(&before, with);
        if draft.sale == as_it_was {
            return Ok(None);
        }
        if let Some(entry) = &mut draft.entry {
            entry.take_warnings_of(&draft.sale);
            entry.add_event(step.now, format!("fulfilment retried: {}", draft.sale.fulfilment_in_words()), caller.by.clone());
        }
        Ok(Some(edit(stock, EventKind::FulfilmentChanged)))
    };
    step.take(levels, &mut fulfil).await
}

/// These levels as they are now: a person waits, and is to see what is really there.
async fn levels(deps: &Deps, wanted: Vec<StockKey>) -> Result<Levels, Problem> {
    let mut levels = Levels::default();
    for key in &wanted {
        // A level that nothing was ever moved at is zero.
        levels.learn(key.clone(), Level::default());
    }
    for stock in deps.table.stock_levels(wanted).await? {
        levels.learn(stock.key, stock.level);
    }
    Ok(levels)
}

/// A payment, as it is stated by a person.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentInput)]
#[allow(dead_code, reason = "describes the body")]
struct PaymentInput {
    /// In the sale's currency; negative for money that went back, of which there is no more than was paid. Not zero.
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
    description = "Less than the total, or more, of which the sale's warnings then tell (`paid_above_total`); a negative one takes back at most what was paid. \
        Sent again, a payment is not added twice.",
    security(("bearer" = ["integration:shipstation:operate"])), request_body = PaymentInput,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag of the sale as it was looked at.")),
    responses(
        (status = 200, description = "The sale.", body = SaleView, headers(("ETag" = String, description = "Its version."))),
        (status = 409, description = "`sale_is_voided`; `taken`: another payment has the `id`."),
        (status = 422, description = "`validation_failed`, with `more_than_paid` where more would go back than was paid."),
        (status = 412, description = "`stale_version`: it changed since, and what is asked for is not done yet.",
            headers(("ETag" = String, description = "The present version."))),
    ))]
async fn add_payment(State(deps): Shared, caller: Caller, Id(id): Id, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let most = Decimal::from(LARGEST_AMOUNT);
    let (amount, account, method, on, key) = body.read(|fields| {
        let amount = fields.required("amount", other_than_zero(decimal(-most..=most), "A payment of nothing is none."));
        let on = fields.optional("date", date);
        if on.is_some_and(|on| !YEARS.contains(&on.year())) {
            fields.refuse("date", "out_of_range", format!("Days from {} to {} are taken.", YEARS.start, YEARS.end - 1));
        }
        let account = fields.optional("account", text(ID)).map(AccountId);
        (amount, account, fields.optional("method", text(METHOD)), on, fields.optional("id", text(ID)))
    })?;
    let step = Step::new(&deps, &caller, id, &headers);
    let settings = deps.table.settings().await?.value;
    let Some(stored) = deps.table.sale(&step.id).await? else { return Err(Problem::not_found("sale")) };
    let amount = stored.sale.currency.minor(amount).map_err(|error| {
        let code = if matches!(error, AmountError::NotExact(..)) { "not_exact" } else { "out_of_range" };
        Problem::field("/amount", code, format!("{error}."))
    })?;
    let account = receiving_account(&deps, account, settings.payment_account(method.as_deref())).await?;
    let on = on.unwrap_or_else(|| step.now.to_zoned(zone(&settings)).date());
    let key = key.unwrap_or_else(|| {
        let content = format!("{amount:?}\n{account}\n{method:?}\n{on}");
        Digest::of_bytes(content.as_bytes()).to_string().get(..16).unwrap_or_default().to_owned()
    });
    let payment = Payment { amount, account, method, date: Some(on), id: Some(key), by: Some(caller.by.clone()) };
    let mut pay = |draft: &mut SaleDraft| {
        let currency = draft.sale.currency;
        if !draft.sale.pay(payment.clone()).map_err(|refused| Refusal::of(refused, currency))? {
            return Ok(None);
        }
        if let Some(entry) = &mut draft.entry {
            let text = draft.sale.currency.text(payment.amount);
            entry.add_event(step.now, format!("payment of {text} {} added", draft.sale.currency), caller.by.clone());
        }
        Ok(Some(edit(Vec::new(), EventKind::PaymentAdded)))
    };
    step.take(Levels::default(), &mut pay).await
}

/// The account that receives a payment: the one that is named, else that of the settings (S73).
async fn receiving_account(deps: &Deps, named: Option<AccountId>, of_settings: Option<&AccountId>) -> Result<AccountId, Problem> {
    let Some(account) = named.or_else(|| of_settings.cloned()) else {
        return Err(Problem::field("/account", "required", "The settings name no payment account, so the payment must."));
    };
    match deps.table.record::<Account>(account.as_str()).await? {
        None => Err(Problem::field("/account", "unknown_reference", format!("There is no account `{account}`."))),
        Some(found) if !found.value.receives_payments => {
            Err(Problem::field("/account", "wrong_kind", format!("The account `{account}` cannot receive payments.")))
        }
        Some(_) => Ok(account),
    }
}
