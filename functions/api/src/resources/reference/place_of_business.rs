//! A place of business in the United States makes the tax rules of its state, county and city (S64, S65).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stevedore_aws::{RecordOutcome, Stored};
use stevedore_domain::address::Address;
use stevedore_domain::ids::TaxRuleId;
use stevedore_domain::jurisdiction::{PlaceError, PlaceRule, business_address, rules_of_place};
use stevedore_domain::reference::TaxRule;
use utoipa::ToSchema;

use super::view::TaxRuleView;
use super::{Shared, taken, wrong, wrote};
use crate::Deps;
use crate::http::auth::Caller;
use crate::http::body::{Body, Fields, text};
use crate::http::problem::{Code, Problem};
use crate::http::router::{Routes, routes};

/// Number of times that a rule is tried to be made, while others make or name it at the same time.
const ATTEMPTS: usize = 8;

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(add))
}

/// A place of business.
#[derive(Debug, ToSchema)]
#[schema(as = PlaceOfBusiness)]
#[allow(dead_code, reason = "only its schema is used")]
struct PlaceInput {
    /// Five digits; four more may follow.
    #[schema(example = "89501", min_length = 5)]
    zip: String,
    /// One of the cities that mail to the ZIP may name; the first of them where it is left out.
    city: Option<String>,
    /// That of the ZIP, which is taken where it is left out.
    state: Option<String>,
    name: Option<String>,
    company: Option<String>,
    street1: Option<String>,
    street2: Option<String>,
    street3: Option<String>,
    /// `US`, or a territory's code.
    country: Option<String>,
    phone: Option<String>,
}

/// The rules of a place of business.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlaceRules)]
struct PlaceRules {
    /// The widest first: State; State, County; State, County, City. Fewer where the ZIP's county is not known.
    items: Vec<TaxRuleView>,
}

/// Add a place of business in the United States
#[utoipa::path(post, path = "/v1/tax_rules/places_of_business", tag = "tax rules", operation_id = "add_place_of_business",
    security(("bearer" = ["integration:shipstation:configure"])),
    description = "Makes the tax rules of the ZIP's state, county and city, those that are not there yet. Their components take 0 percent until `PUT /v1/tax_rules/{id}` says otherwise. An order shipped to the United States takes the narrowest rule whose place holds for its ship-to address. An address with more than ZIP, city and state is kept with the narrowest of the rules.",
    request_body = PlaceInput,
    responses(
        (status = 200, description = "All of them were there already; nothing was changed.", body = PlaceRules),
        (status = 201, description = "At least one was made.", body = PlaceRules),
        (status = 409, description = "`taken`"),
    ))]
async fn add(State(deps): Shared, caller: Caller, body: Body) -> Result<Response, Problem> {
    let stated = body.read(|fields| {
        let zip = fields.required("zip", text(20));
        Address { postal_code: Some(zip), ..place_address(fields) }
    })?;
    let whole =
        [&stated.name, &stated.company, &stated.street1, &stated.street2, &stated.street3, &stated.phone].into_iter().any(Option::is_some);
    let address = business_address(stated).map_err(|error| refused(&error))?;
    let wanted = rules_of_place(address.postal_code.as_deref().unwrap_or_default(), address.city.as_deref());
    let wanted = wanted.map_err(|error| refused(&error))?;
    let narrowest = wanted.len().saturating_sub(1);
    let (mut items, mut status) = (Vec::new(), StatusCode::OK);
    for (index, rule) in wanted.into_iter().enumerate() {
        let address = Some(&address).filter(|_| whole && index == narrowest);
        let (rule, changed) = ensure(&deps, rule, address).await?;
        if changed {
            status = StatusCode::CREATED;
        }
        items.push(TaxRuleView::from(rule));
    }
    if status == StatusCode::CREATED {
        wrote::<TaxRule>(&deps).await;
    }
    let view = PlaceRules { items };
    caller.change.is_new(&view);
    Ok((status, Json(view)).into_response())
}

/// The members of an address beside its ZIP.
fn place_address(fields: &mut Fields<'_>) -> Address {
    let mut part = |name| fields.optional(name, text(400));
    Address {
        name: part("name"),
        company: part("company"),
        street1: part("street1"),
        street2: part("street2"),
        street3: part("street3"),
        city: part("city"),
        state: part("state"),
        postal_code: None,
        country: part("country"),
        phone: part("phone"),
    }
}

fn refused(error: &PlaceError) -> Problem {
    match error {
        PlaceError::UnknownZip => Problem::field("/zip", "unknown_zip", "There is no such ZIP code in the United States; 89501 is one."),
        PlaceError::UnknownCity(names) => {
            Problem::field("/city", "unknown_city", format!("Mail to this ZIP names one of these cities: {}.", names.join(", ")))
        }
        PlaceError::OtherState(name) => Problem::field("/state", "other_state", format!("The ZIP lies in {name}.")),
        PlaceError::Abroad => {
            Problem::field("/country", "not_in_the_united_states", "A place of business here is in the United States: US.")
        }
    }
}

/// The rule of a place, made unless it is there and bears the address, and whether anything was written. Its id is derived from the place, so that two
/// callers make one.
async fn ensure(deps: &Deps, wanted: PlaceRule, address: Option<&Address>) -> Result<(TaxRule, bool), Problem> {
    let id = TaxRuleId::of_place(&wanted.place);
    let mut name = wanted.name.clone();
    for attempt in 1..=ATTEMPTS {
        let known: Option<Stored<TaxRule>> = deps.table.record(id.as_str()).await?;
        let missing = |rule: &TaxRule| address.filter(|address| !rule.addresses.contains(address));
        let mut rule = match &known {
            Some(known) if known.value.place.as_ref() == Some(&wanted.place) && missing(&known.value).is_none() => {
                return Ok((known.value.clone(), false));
            }
            // Its place was taken away before.
            Some(known) => TaxRule { place: Some(wanted.place.clone()), ..known.value.clone() },
            None => TaxRule {
                id: id.clone(),
                name: name.clone(),
                components: wanted.components.clone(),
                place: Some(wanted.place.clone()),
                addresses: Vec::new(),
                created_at: deps.now(),
            },
        };
        if let Some(address) = missing(&rule) {
            if rule.addresses.len() >= TaxRule::MOST_ADDRESSES {
                let message = format!("{} places of business of this city are kept already, and no more.", TaxRule::MOST_ADDRESSES);
                return Err(Problem::field("/zip", "too_many", message));
            }
            rule.addresses.push(address.clone());
        }
        match deps.table.put_record(&rule, known.as_ref()).await? {
            RecordOutcome::Written(_) => return Ok((rule, true)),
            RecordOutcome::Stale(_) => {}
            // A rule of the merchant's own is called so.
            RecordOutcome::Taken(..) if attempt == 1 => name = format!("{} (place of business)", wanted.name),
            RecordOutcome::Taken(..) if attempt < ATTEMPTS => name = format!("{} (place of business {attempt})", wanted.name),
            RecordOutcome::Taken(member, value) => return Err(taken(member, &value)),
            RecordOutcome::Wrong(errors) => return Err(wrong(errors)),
        }
    }
    Err(Problem::new(Code::Unavailable))
}
