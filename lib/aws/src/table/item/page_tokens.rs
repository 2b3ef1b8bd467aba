//! Page tokens that clients hold: authenticated, and bound to the query that gave them.
//!
//! Without that a client's own text would reach DynamoDB as a start key, which refuses what does not lie within the query with an error of its own. The key is
//! random and stays in the table; each process reads it once, when it first needs it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Serialize;

use crate::Error;
use crate::table::item::keys;
use crate::table::item::versioned::{Conditional, Expected};
use crate::table::{Item, List, Table, blob, blob_of, item_of};

/// Bytes of a token's code: 128 bits.
const CODE: usize = 16;
/// Bytes of the key.
const KEY: usize = 32;

const OPERATION: &str = "read the key of page tokens";

impl Table {
    /// `list` with the token that it was sealed from, for a reader that takes tokens as they are; `context` says which part of which list is read. A list that
    /// no client asked for (see [`List::bound`]) has plain tokens.
    ///
    /// # Errors
    /// [`Error::PageToken`] for a token that this query did not give.
    pub async fn opened(&self, list: &List, context: &str) -> Result<List, Error> {
        let (Some(bound), Some(token)) = (&list.bound, &list.token) else { return Ok(List { bound: None, ..list.clone() }) };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::PageToken)?;
        let (code, inner) = bytes.split_at_checked(CODE).ok_or(Error::PageToken)?;
        let inner = String::from_utf8(inner.to_vec()).map_err(|_| Error::PageToken)?;
        let expected = code_of(self.token_key().await?, bound, list, context, &inner);
        // The code is 128 bits of a keyed digest: comparing all of it takes the same time wherever it differs.
        let differs = expected.as_ref().iter().zip(code).fold(0, |differs, (one, other)| differs | (one ^ other));
        if differs == 0 { Ok(List { token: Some(inner), bound: None, ..list.clone() }) } else { Err(Error::PageToken) }
    }

    /// The token for a client of what continues `list`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn sealed(&self, list: &List, context: &str, next: Option<String>) -> Result<Option<String>, Error> {
        let (Some(bound), Some(inner)) = (&list.bound, &next) else { return Ok(next) };
        let code = code_of(self.token_key().await?, bound, list, context, inner);
        let mut token = code.as_ref().get(..CODE).unwrap_or_default().to_vec();
        token.extend(inner.as_bytes());
        Ok(Some(URL_SAFE_NO_PAD.encode(token)))
    }

    async fn token_key(&self) -> Result<&hmac::Key, Error> {
        self.token_key.get_or_try_init(|| self.read_token_key()).await
    }

    async fn read_token_key(&self) -> Result<hmac::Key, Error> {
        #[derive(Serialize)]
        struct Empty {}
        if let Some(item) = self.get_item(OPERATION, &keys::tokens()).await? {
            return key_of(&item);
        }
        let mut random = [0; KEY];
        SystemRandom::new().fill(&mut random).map_err(|_| Error::encoding(OPERATION)("no randomness".into()))?;
        let mut item = item_of(OPERATION, &keys::tokens(), "token_key", &Empty {})?;
        item.insert("key".to_owned(), blob(random.to_vec()));
        match self.put_if(OPERATION, item.clone(), Expected::Absent).await? {
            Conditional::Written(_) => key_of(&item),
            // Another process was first.
            Conditional::Refused(old) => key_of(&old.unwrap_or_default()),
        }
    }
}

fn key_of(item: &Item) -> Result<hmac::Key, Error> {
    let key = blob_of(item, "key").filter(|key| key.len() == KEY);
    let key = key.ok_or_else(|| Error::unreadable(OPERATION, keys::tokens().to_string(), "no key of 32 bytes"))?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, key))
}

/// The code of a token: over what the client asked for, the window that this meant, the part of the list, and where it stopped.
fn code_of(key: &hmac::Key, bound: &str, list: &List, context: &str, inner: &str) -> hmac::Tag {
    let mut signing = hmac::Context::with_key(key);
    let window = format!("{:?}\n{:?}", list.from, list.to);
    for part in [bound, context, &window, inner] {
        signing.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        signing.update(part.as_bytes());
    }
    signing.sign()
}
