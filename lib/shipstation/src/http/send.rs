//! Instructions to ShipStation: requests with a body.

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::Body;
use super::client::Client;
use super::credentials::Call;
use super::error::Error;
use super::request::Request;

/// Behavior of an instruction that ShipStation carries out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// The second time changes nothing, because the body names what it creates: an order by its `orderKey`.
    Harmless,
    /// The second time does it again. The instruction is sent once more only where ShipStation certainly has not carried it out: it answered 429, or no connection was made.
    DoesItAgain,
}

impl Client {
    /// Sends `body` by `POST`, and reads the answer; a reply without a body is read as `null`.
    ///
    /// # Errors
    /// [`Error`]. After [`Error::Unavailable`] ShipStation may have carried the instruction out.
    pub async fn post<T: DeserializeOwned>(&self, call: &Call<'_>, path: &str, body: &Value, repetition: Repetition) -> Result<T, Error> {
        self.send(call, &Request::with_body(Method::POST, path, body, repetition == Repetition::Harmless)).await
    }

    /// Sends `body` by `PUT`, which replaces what is there, so that it may be sent again; otherwise like [`Client::post`].
    ///
    /// # Errors
    /// [`Error`]. After [`Error::Unavailable`] ShipStation may have carried the instruction out.
    pub async fn put<T: DeserializeOwned>(&self, call: &Call<'_>, path: &str, body: &Value) -> Result<T, Error> {
        self.send(call, &Request::with_body(Method::PUT, path, body, true)).await
    }

    async fn send<T: DeserializeOwned>(&self, call: &Call<'_>, request: &Request<'_>) -> Result<T, Error> {
        let read = |body: &Body<'_>| serde_json::from_str(if body.text.trim().is_empty() { "null" } else { body.text });
        self.answer_to(call, request, &mut 0, read).await?.value()
    }
}
