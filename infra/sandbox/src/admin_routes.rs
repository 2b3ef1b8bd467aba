//! `/_sandbox/…`: faults, requests and arrivals over HTTP, for the operator of the sandbox.

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::Sandbox;
use crate::faults::Rule;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewArrivals {
    count: usize,
}

#[derive(Debug, Serialize)]
struct Problem {
    problem: String,
}

pub(crate) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/_sandbox/faults", get(list).put(replace).post(add).delete(clear))
        .route("/_sandbox/requests", get(requests).delete(forget))
        .route("/_sandbox/arrivals", post(arrive))
        .route("/_sandbox/report", get(report))
}

async fn list(State(sandbox): State<Sandbox>) -> Response {
    Json(sandbox.faults().list()).into_response()
}

async fn replace(State(sandbox): State<Sandbox>, rules: Result<Json<serde_json::Value>, JsonRejection>) -> Response {
    switch_on(&sandbox, rules, true)
}

async fn add(State(sandbox): State<Sandbox>, rules: Result<Json<serde_json::Value>, JsonRejection>) -> Response {
    switch_on(&sandbox, rules, false)
}

fn switch_on(sandbox: &Sandbox, rules: Result<Json<serde_json::Value>, JsonRejection>, clear_first: bool) -> Response {
    let rules = match rules {
        Ok(Json(rules)) => rules,
        Err(rejection) => return bad(rejection.body_text()),
    };
    // Parses each rule separately, so that the answer names the wrong word and not only that no
    // form matches.
    let rules = match rules {
        serde_json::Value::Array(rules) => rules,
        one => vec![one],
    };
    match rules.into_iter().map(serde_json::from_value).collect::<Result<Vec<Rule>, _>>() {
        Ok(rules) => {
            if clear_first {
                sandbox.faults().clear();
            }
            for rule in rules {
                sandbox.faults().add(rule);
            }
            Json(sandbox.faults().list()).into_response()
        }
        Err(error) => bad(error.to_string()),
    }
}

async fn clear(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.faults().clear();
    StatusCode::NO_CONTENT
}

async fn requests(State(sandbox): State<Sandbox>) -> Response {
    Json(sandbox.requests()).into_response()
}

async fn forget(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.clear_requests();
    StatusCode::NO_CONTENT
}

async fn arrive(State(sandbox): State<Sandbox>, wanted: Result<Json<NewArrivals>, JsonRejection>) -> Response {
    match wanted {
        Ok(Json(NewArrivals { count })) if count <= 10_000 => Json(sandbox.arrive(count)).into_response(),
        Ok(_) => bad("at most 10000 at once".to_owned()),
        Err(rejection) => bad(rejection.body_text()),
    }
}

async fn report(State(sandbox): State<Sandbox>) -> Response {
    Json(sandbox.report()).into_response()
}

fn bad(problem: String) -> Response {
    (StatusCode::BAD_REQUEST, Json(Problem { problem })).into_response()
}
