//! An issuer of tokens for the panel's sign-in: OpenID Connect's authorization code flow with PKCE.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use stevedore_lambda::config::SignIn;

use crate::World;

/// The issuer's token, which the stack accepts.
pub(crate) const TOKEN: &str = "local-token-for-tests";

type Fields = HashMap<String, String>;

/// Requests that it received: at the authorization endpoint, and at the token endpoint.
#[derive(Clone, Default)]
pub(crate) struct Issuer(Arc<Mutex<Vec<Fields>>>);

impl Issuer {
    /// Starts an issuer, and returns the sign-in settings for it.
    pub(crate) async fn start() -> (Self, SignIn) {
        let issuer = Self::default();
        let router = Router::new().route("/authorize", get(authorize)).route("/token", post(token)).with_state(issuer.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let sign_in = SignIn {
            url: format!("{address}/authorize"),
            token_url: format!("{address}/token"),
            client_id: "panel".to_owned(),
            scopes: "openid integration:shipstation/configure".to_owned(),
        };
        (issuer, sign_in)
    }
}

async fn authorize(State(issuer): State<Issuer>, Query(asked): Query<Fields>) -> Response {
    let back = format!("{}?code=the-code&state={}", asked["redirect_uri"], asked["state"]);
    issuer.0.lock().unwrap().push(asked);
    (StatusCode::FOUND, [(LOCATION, back)]).into_response()
}

async fn token(State(issuer): State<Issuer>, headers: HeaderMap, Form(asked): Form<Fields>) -> Response {
    assert!(headers.get("cookie").is_none());
    issuer.0.lock().unwrap().push(asked);
    ([(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], axum::Json(json!({"access_token": TOKEN, "token_type": "Bearer", "id_token": "unused"})))
        .into_response()
}

/// Behind API Gateway people sign in at their issuer and come back. A code that was not requested
/// is refused.
pub(crate) fn signing_in(world: &mut World) {
    let home = format!("{}/", world.stack.api_url());
    let browser = &mut world.browser;
    browser.open(&format!("{home}?code=somebody-elses&state=guessed"));
    browser.says("Signing in did not start here");
    browser.open(&home);
    browser.says("You sign in at your organisation's own page");
    browser.click("Sign in");
    browser.until("the home page", "document.querySelector('main h1')?.innerText === 'Is everything all right?'");
    // Neither code nor token stays in the address.
    assert_eq!(browser.eval("location.search + location.hash"), "");
    let asked = world.issuer.as_ref().unwrap().0.lock().unwrap().clone();
    let [authorized, exchanged] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((authorized["response_type"].as_str(), authorized["code_challenge_method"].as_str()), ("code", "S256"));
    assert_eq!((authorized["client_id"].as_str(), authorized["redirect_uri"].as_str()), ("panel", home.as_str()));
    assert_eq!((exchanged["grant_type"].as_str(), exchanged["code"].as_str()), ("authorization_code", "the-code"));
    assert!(!exchanged.contains_key("client_secret") && exchanged["code_verifier"].len() >= 43);
    let challenge = world.browser.eval(&format!(
        "crypto.subtle.digest('SHA-256', new TextEncoder().encode({})).then((bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))\
         .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''))",
        json!(exchanged["code_verifier"])
    ));
    assert_eq!(challenge, authorized["code_challenge"].as_str());
}
