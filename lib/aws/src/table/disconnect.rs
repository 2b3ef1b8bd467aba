//! Taking the connection apart (S76): everything that ties us to ShipStation goes; sales, customers, products and stock stay.

use super::paging::IndexQuery;
use super::{List, Table, text_of};
use crate::Error;
use crate::keys::{self, Key};
use crate::schema::BY_TIME;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left.
    Done,
    /// So many log entries went this time, and there are more.
    More(usize),
}

impl Table {
    /// Removes up to a few hundred log entries with their revisions; when none is left, links, cursor, unread places, stores' names and the connection itself.
    ///
    /// Every step can be repeated, and the connection goes last: cut off anywhere, calling it again goes on.
    ///
    /// # Errors
    /// [`Error`]; calling it again goes on.
    pub async fn disconnect_step(&self) -> Result<Progress, Error> {
        const OPERATION: &str = "disconnect";
        let query = IndexQuery { operation: OPERATION, index: BY_TIME, partition: "LOG", newest_first: false };
        let page = self.query_index(&query, &List { limit: 200, ..List::default() }).await?;
        if !page.items.is_empty() {
            for key in &page.items {
                let mut gone: Vec<Key> = Vec::new();
                for item in self.query_prefix(OPERATION, &key.pk, "REV#").await? {
                    gone.extend(text_of(&item, "sk").map(|sk| Key::new(&key.pk, sk)));
                }
                // The entry goes after its revisions, so that it still leads to them when this is cut off.
                self.delete_items(OPERATION, gone).await?;
            }
            let count = page.items.len();
            self.delete_items(OPERATION, page.items).await?;
            return Ok(Progress::More(count));
        }
        self.remove_links().await?;
        let mut gone: Vec<Key> = self.troubles().await?.iter().map(|trouble| keys::trouble(&trouble.position)).collect();
        gone.extend([keys::cursor(), keys::stores()]);
        self.delete_items(OPERATION, gone).await?;
        self.delete_items(OPERATION, vec![keys::connection()]).await?;
        Ok(Progress::Done)
    }
}
