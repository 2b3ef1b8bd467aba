//! ShipStation's HTTP: authentication, request limit, and the form of each reply.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::damage::{damaged, ended};
use crate::faults::{Damage, Defect, Fault, Target};
use crate::json::{Json, obj};
use crate::products::count;
use crate::query::{BadParameter, OrderQuery, Params};
use crate::server::Wire;
use crate::store::OrderPage;
use crate::world::{RequestRecord, World};
use crate::{Sandbox, customers, pacific, products, reference};

/// Value of the limit headers while the limit is lifted.
const LIFTED_LIMIT: u32 = 1_000_000;

/// A reply before it becomes HTTP.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    content_type: &'static str,
    body: String,
    limit: LimitHeaders,
    delay: Duration,
    /// Bytes after which the connection is cut.
    cut_after: Option<i64>,
}

/// `X-Rate-Limit-Limit`, `-Remaining` and `-Reset`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LimitHeaders {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) reset_seconds: i64,
}

/// The catch-all route.
pub(crate) async fn answer(State(sandbox): State<Sandbox>, request: Request) -> Response {
    let wire = request.extensions().get::<ConnectInfo<Wire>>().map(|ConnectInfo(wire)| wire.clone());
    let reply = sandbox.answer(request.method(), request.uri(), request.headers());
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    if let Some(bytes) = reply.cut_after {
        let Some(wire) = wire else {
            // Without a socket of the sandbox (a router that is called directly), no connection can
            // be cut. An error is the closest fault.
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        wire.cut_after(bytes);
    }
    reply.into_response()
}

impl Sandbox {
    fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Reply {
        let (mut state, now) = self.world();
        state.window.turn(now);
        let limit = self.options().requests_per_minute;
        let headers_now = LimitHeaders {
            limit: limit.unwrap_or(LIFTED_LIMIT),
            remaining: limit.unwrap_or(LIFTED_LIMIT).saturating_sub(state.window.used),
            reset_seconds: pacific::seconds_to_next_minute(now),
        };
        let mut struck = Vec::new();
        let reply = if !self.authorized(headers) {
            message(StatusCode::UNAUTHORIZED, "Authorization has been denied for this request.")
        } else if limit.is_some_and(|limit| state.window.used >= limit) {
            too_many()
        } else {
            state.window.used = state.window.used.saturating_add(1);
            let content = route(self, &state, method, uri);
            struck = self.faults().strike(&content.target(uri.path()));
            if struck.contains(&Fault::EditWhileReading)
                && let Some(next) = content.page.as_ref().and_then(|page| page.next)
            {
                state.store.edit(next, now, |order| order.set("internalNotes", "Edited while a page was being read"));
            }
            break_reply(content, &struck, uri.path())
        };
        let reply = reply.with_limit(headers_now);
        state.log(RequestRecord {
            at: now,
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            status: reply.status.as_u16(),
            faults: struck,
        });
        reply
    }

    fn authorized(&self, headers: &HeaderMap) -> bool {
        let expected = {
            let account = self.account();
            format!("{}:{}", account.api_key, account.api_secret)
        };
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let decoded = given.and_then(|value| {
            let (scheme, credentials) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("basic").then(|| BASE64.decode(credentials.trim()).ok())?
        });
        decoded.is_some_and(|decoded| decoded == expected.as_bytes())
    }
}

/// The answer of a route without faults.
struct Content {
    status: StatusCode,
    body: String,
    /// For a page of orders: its parts, so that faults can change them.
    page: Option<OrderPage>,
    page_number: usize,
    pages: usize,
    ids: Vec<i64>,
    single: Option<i64>,
}

impl Content {
    fn new(status: StatusCode, body: String) -> Self {
        Self { status, body, page: None, page_number: 1, pages: 0, ids: Vec::new(), single: None }
    }

    fn target<'a>(&'a self, path: &'a str) -> Target<'a> {
        let more = self.page.as_ref().is_some_and(|page| page.next.is_some());
        Target { path, page: self.page.as_ref().map(|_| self.ids.as_slice()), more, single: self.single }
    }

    /// The text of a page with these orders and this count of pages.
    fn page_text(&self, orders: &[String], pages: usize, extra: &str) -> String {
        let total = self.page.as_ref().map_or(0, |page| page.total);
        let orders = orders.join(",");
        format!(r#"{{"orders":[{orders}],"total":{total},"page":{},"pages":{pages}{extra}}}"#, self.page_number)
    }
}

fn route(sandbox: &Sandbox, state: &World, method: &Method, uri: &Uri) -> Content {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
    let params = Params::new(pairs);
    let segments: Vec<&str> = uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    if !matches!(*method, Method::GET | Method::HEAD) {
        let text = format!("The requested resource does not support http method '{method}'.");
        return Content::new(StatusCode::METHOD_NOT_ALLOWED, obj! { "Message" => text }.to_string());
    }
    let listed = |result: Result<Json, BadParameter>| match result {
        Ok(body) => Content::new(StatusCode::OK, body.to_string()),
        Err(problem) => invalid(&problem),
    };
    let one = |found: Option<Json>| found.map_or_else(missing, |body| Content::new(StatusCode::OK, body.to_string()));
    match segments.as_slice() {
        ["orders"] => orders(sandbox, state, &params),
        ["orders", id] => match id.parse::<i64>().ok().and_then(|id| Some((id, state.store.orders.get(&id)?))) {
            Some((id, entry)) => Content { single: Some(id), ..Content::new(StatusCode::OK, entry.text.to_string()) },
            None => missing(),
        },
        ["stores"] => listed(Ok(reference::stores(sandbox.account().stores_from))),
        ["warehouses"] => listed(Ok(reference::warehouses())),
        ["accounts", "listtags"] => listed(Ok(reference::tags())),
        ["products"] => listed(products::list(&state.store.products, &params)),
        ["products", id] => one(id.parse().ok().and_then(|id: i64| state.store.products.get(&id)).map(products::Product::json)),
        ["customers"] => listed(customers::list(&state.store.customers, &params)),
        ["customers", id] => one(id.parse().ok().and_then(|id: i64| state.store.customers.get(&id)).map(customers::Customer::json)),
        _ => {
            let text = format!("No HTTP resource was found that matches the request URI '{}'.", uri.path());
            Content::new(StatusCode::NOT_FOUND, obj! { "Message" => text }.to_string())
        }
    }
}

fn orders(sandbox: &Sandbox, state: &World, params: &Params) -> Content {
    let query = match OrderQuery::read(params, sandbox.options().modify_start_inclusive) {
        Ok(query) => query,
        Err(problem) => return invalid(&problem),
    };
    let page = state.store.page(&query);
    Content {
        page_number: query.paging.page,
        pages: query.paging.pages(page.total),
        ids: page.orders.iter().map(|(id, _)| *id).collect(),
        page: Some(page),
        ..Content::new(StatusCode::OK, String::new())
    }
}

fn missing() -> Content {
    Content::new(StatusCode::NOT_FOUND, obj! { "Message" => "The requested resource was not found." }.to_string())
}

fn invalid(problem: &BadParameter) -> Content {
    let state = Json::Object(vec![(problem.name.clone(), Json::Array(vec![Json::text(&problem.problem)]))]);
    let body = obj! { "Message" => "The request is invalid.", "ModelState" => state };
    Content::new(StatusCode::BAD_REQUEST, body.to_string())
}

/// The reply after all faults. The first fault that replaces the reply wins.
fn break_reply(content: Content, struck: &[Fault], path: &str) -> Reply {
    let mut reply = struck.iter().find_map(replacement).unwrap_or_else(|| {
        let body =
            if content.page.is_some() { broken_page(&content, struck) } else { ended(struck.iter().fold(content.body.clone(), damaged)) };
        Reply::new(content.status, body)
    });
    for fault in struck {
        match fault {
            Fault::Slow { millis } => reply.delay += Duration::from_millis(*millis),
            Fault::TruncatedJson => {
                let middle = (0..=reply.body.len() / 2).rev().find(|at| reply.body.is_char_boundary(*at)).unwrap_or(0);
                reply.body.truncate(middle);
            }
            Fault::BrokenTransfer => reply.cut_after = Some(count(reply.body.len() / 2).max(1)),
            Fault::ConnectionReset => reply.cut_after = Some(0),
            _ => {}
        }
    }
    if !struck.is_empty() {
        tracing::debug!(path, faults = struck.len(), "a fault struck");
    }
    reply
}

/// The whole reply of a fault that replaces the correct one.
fn replacement(fault: &Fault) -> Option<Reply> {
    Some(match fault {
        Fault::Unauthorized => message(StatusCode::UNAUTHORIZED, "Authorization has been denied for this request."),
        Fault::PaymentRequired => message(StatusCode::PAYMENT_REQUIRED, "Your plan does not include API access."),
        Fault::Forbidden => message(StatusCode::FORBIDDEN, "You do not have permission to perform this action."),
        Fault::NotFound => message(StatusCode::NOT_FOUND, "The requested resource was not found."),
        Fault::TooManyRequests { reset_seconds } => too_many().exhausted(*reset_seconds),
        Fault::TooManyRequestsBody { status, reset_seconds } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Reply { status, ..too_many() }.exhausted(*reset_seconds)
        }
        Fault::ServerError | Fault::PoisonOrder { .. } => server_error(),
        Fault::Unavailable => {
            Reply { content_type: "text/html", ..Reply::new(StatusCode::SERVICE_UNAVAILABLE, html("Service Unavailable")) }
        }
        Fault::Html | Fault::UnreadableOrder { damage: Damage::Html, .. } => {
            Reply { content_type: "text/html", ..Reply::new(StatusCode::OK, html("We will be back soon")) }
        }
        _ => return None,
    })
}

fn broken_page(content: &Content, struck: &[Fault]) -> String {
    let mut orders: Vec<(i64, String)> =
        content.page.as_ref().map(|page| page.orders.iter().map(|(id, text)| (*id, text.to_string())).collect()).unwrap_or_default();
    let (mut pages, mut extra) = (content.pages, "");
    for fault in struck {
        match fault {
            Fault::PagesZero => pages = 0,
            Fault::EmptyPage => orders.clear(),
            Fault::MalformedOrder { order_id, defect } => {
                let wanted = orders.iter_mut().find(|(id, _)| order_id.is_none_or(|wanted| *id == wanted));
                if let Some((_, text)) = wanted {
                    *text = spoil(text, *defect);
                }
            }
            Fault::UnreadableOrder { order_id, .. } => {
                if let Some((_, text)) = orders.iter_mut().find(|(id, _)| id == order_id) {
                    *text = damaged(std::mem::take(text), fault);
                }
            }
            Fault::UnknownFields => {
                extra = r#","continuation":null,"serverTiming":{"total":1.5}"#;
                for (_, text) in &mut orders {
                    *text = with_unknown_fields(text);
                }
            }
            _ => {}
        }
    }
    let texts: Vec<String> = orders.into_iter().map(|(_, text)| text).collect();
    ended(content.page_text(&texts, pages, extra))
}

fn spoil(text: &str, defect: Defect) -> String {
    let mut order: Json = text.parse().unwrap_or_default();
    match defect {
        Defect::ItemsAreText => order.set("items", "none"),
        Defect::TotalIsText => order.set("orderTotal", "abc"),
        Defect::BadModifyDate => order.set("modifyDate", "the day before yesterday"),
        Defect::NoId => {
            if let Json::Object(members) = &mut order {
                members.retain(|(name, _)| name != "orderId");
            }
        }
        Defect::NotAnObject => order = Json::text("order"),
    }
    order.to_string()
}

fn with_unknown_fields(text: &str) -> String {
    let mut order: Json = text.parse().unwrap_or_default();
    order.set("sustainability", obj! { "grams" => 120, "labels" => Json::Array(vec![Json::Null, Json::Bool(true)]) });
    for item in order.get_mut("items").and_then(Json::elements_mut).into_iter().flatten() {
        item.set("bundleOf", Json::Array(vec![Json::from(7)]));
    }
    order.to_string()
}

fn message(status: StatusCode, text: &str) -> Reply {
    Reply::new(status, obj! { "Message" => text }.to_string())
}

fn too_many() -> Reply {
    Reply::new(StatusCode::TOO_MANY_REQUESTS, r#"{"message": "Too Many Requests"}"#.to_owned())
}

fn server_error() -> Reply {
    let body = obj! {
        "Message" => "An error has occurred.",
        "ExceptionMessage" => "Object reference not set to an instance of an object.",
        "ExceptionType" => "System.NullReferenceException",
        "StackTrace" => "   at ShipStation.Api.Orders.OrderMapper.Map(Order order)",
    };
    Reply::new(StatusCode::INTERNAL_SERVER_ERROR, body.to_string())
}

fn html(title: &str) -> String {
    format!("<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>")
}

impl Reply {
    fn new(status: StatusCode, body: String) -> Self {
        let limit = LimitHeaders { limit: 0, remaining: 1, reset_seconds: 0 };
        Self { status, content_type: "application/json; charset=utf-8", body, limit, delay: Duration::ZERO, cut_after: None }
    }

    /// States that no requests remain and the seconds to wait, regardless of the real window.
    fn exhausted(mut self, reset_seconds: Option<u32>) -> Self {
        self.limit.remaining = 0;
        self.limit.reset_seconds = reset_seconds.map_or(0, i64::from);
        self
    }

    fn with_limit(mut self, now: LimitHeaders) -> Self {
        let told = self.limit;
        self.limit = now;
        if told.remaining == 0 {
            self.limit.remaining = 0;
        }
        if told.reset_seconds > 0 {
            self.limit.reset_seconds = told.reset_seconds;
        }
        self
    }

    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        for (name, value) in [
            ("x-rate-limit-limit", i64::from(self.limit.limit)),
            ("x-rate-limit-remaining", i64::from(self.limit.remaining)),
            ("x-rate-limit-reset", self.limit.reset_seconds),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
        response
    }
}
