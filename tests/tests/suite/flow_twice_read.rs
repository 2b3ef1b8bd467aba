//! An order that one reading shows twice, because it was edited meanwhile: only its newest revision
//! is queued (S117).

use axum::body::Body;
use axum::http::{Request, Response, header};
use jiff::SignedDuration;
use serde_json::Value;
use stevedore_domain::log::Outcome;
use stevedore_domain::reason::Reason;
use stevedore_shipstation::{Client, ClientOptions, http_client};
use tower::ServiceExt as _;

use crate::flow::{accounted, plain};
use crate::world::{Options, World};

/// ShipStation's routes. A page with the order of `extra` also has that state of it, before or
/// after the present one.
fn showing_twice(shipstation: axum::Router, extra: Value, newest_first: bool) -> axum::Router {
    axum::Router::new().fallback(move |request: Request<Body>| {
        let (shipstation, extra) = (shipstation.clone(), extra.clone());
        async move {
            let (mut parts, body) = shipstation.oneshot(request).await.unwrap().into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let Ok(mut page) = serde_json::from_slice::<Value>(&body) else { return Response::from_parts(parts, Body::from(body)) };
            let place = page["orders"].as_array().and_then(|orders| orders.iter().position(|order| order["orderId"] == extra["orderId"]));
            if let Some(place) = place {
                page["orders"].as_array_mut().unwrap().insert(place + usize::from(newest_first), extra);
                page["total"] = (page["total"].as_u64().unwrap() + 1).into();
            }
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(page.to_string()))
        }
    })
}

/// S117, P2: a page shows an order before and after an edit, in either sequence. Only the newest is
/// queued and booked, the order has one row, and its neighbor is booked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s117_of_two_revisions_in_one_page_the_newest_alone_is_queued() {
    for newest_first in [false, true] {
        let case = if newest_first { "the newest first" } else { "the newest last" };
        let mut world = World::new(Options::default()).await;
        let order = world.sandbox.upsert_order(plain("1"));
        let before: Value = serde_json::from_str(&world.sandbox.order(order).unwrap().text).unwrap();
        world.clock.advance(SignedDuration::from_mins(1));
        world.sandbox.edit_order(order, |order| order.set("orderTotal", 15));
        let neighbour = world.sandbox.upsert_order(plain("2"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = showing_twice(world.sandbox.router(), before, newest_first);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        world.fetch.shipstation = Client::new(ClientOptions::new(&url, http_client().unwrap(), world.clock.clock()));

        world.clock.advance(SignedDuration::from_hours(1));
        let answer = world.tick().await.unwrap();
        let queued = world.queues.depth(&world.queues.urls().orders).await.unwrap().total();
        assert_eq!(queued, 2, "{case}: a message of the newest revision, and one of the neighbour");
        world.drain().await;
        let id = stevedore_domain::ids::OperationId(answer["operation_id"].as_str().unwrap().to_owned());
        let operation = world.operation(&id).await;
        accounted(&world, &operation).await;
        assert_eq!(operation.counts.of(Outcome::Captured), 2, "{case}: {:?}", operation.counts);
        let entry = world.logged(order).await.unwrap();
        assert_eq!((world.sale(order).await.total.0, entry.revisions.len()), (1500, 1), "{case}: total in cents, revisions");
        assert!(entry.warnings.iter().all(|warning| warning.reason != Reason::ChangedAfterBooking), "{case}: {:?}", entry.warnings);
        assert_eq!(world.sale(neighbour).await.total.0, 1000, "{case}");
        serving.abort();
    }
}
