//! Products: their SKUs, aliases and links, and what they consist of, written together.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};
use stevedore_domain::bill_of_materials::{Uses, Walk};
use stevedore_domain::ids::{OperationId, ProductId};
use stevedore_domain::log::Outcome;
use stevedore_domain::reference::{Product, ProductKind, formerly_normalized_sku, normalize_sku};
use stevedore_domain::settings::FieldError;

use crate::Error;
use crate::table::item::keys;
use crate::table::item::versioned::{Condition, Expected, Transacted};
use crate::table::reference::reference_data::{link_item, record_item};
use crate::table::{RecordKind, RecordOutcome, Stored, Table, item_of, text, text_of, value_of, version_of};

/// Writes of one transaction.
const MOST_WRITES: usize = 100;

/// The attribute of a product that says which import wrote it last.
pub(crate) const IMPORTED: &str = "imported";

/// The products that one folded code names.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct CodeEntry {
    pub(crate) names: Vec<CodeName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CodeName {
    pub(crate) product_id: ProductId,
    code: String,
    alias: bool,
}

/// The import that wrote a product last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Its operation.
    pub by: OperationId,
    /// Outcome of its row.
    pub outcome: Outcome,
}

/// A product as an import finds it.
#[derive(Clone, Debug)]
pub struct ProductFound {
    /// The product.
    pub stored: Stored<Product>,
    /// The import that wrote it last, unless somebody else has since.
    pub imported: Option<Imported>,
}

/// Use of a product in another: one item for each pair.
#[derive(Serialize, Deserialize)]
struct ComponentUse {
    kind: ProductKind,
}

/// Something that carries a version and nothing else.
#[derive(Serialize)]
struct Empty {}

enum Composed {
    /// Writes that go with the product's own.
    As(Vec<TransactWriteItem>),
    Wrong(Vec<FieldError>),
}

impl Table {
    /// Writes a product with its SKU, aliases and link. A SKU is unique as written; a link ties one product to one of ShipStation's (S81).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_product(&self, product: &Product, read: Option<&Stored<Product>>) -> Result<RecordOutcome, Error> {
        self.write_product(product, read, None).await
    }

    /// The same for a row of an import; what became of the row is kept with the product, for who carries out the row once more.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn import_product(
        &self,
        product: &Product,
        read: Option<&Stored<Product>>,
        by: &OperationId,
        outcome: Outcome,
    ) -> Result<RecordOutcome, Error> {
        self.write_product(product, read, Some(&Imported { by: by.clone(), outcome })).await
    }

    async fn write_product(
        &self,
        product: &Product,
        read: Option<&Stored<Product>>,
        imported: Option<&Imported>,
    ) -> Result<RecordOutcome, Error> {
        const OPERATION: &str = "write a product";
        let expected = read.map_or(Expected::Absent, |stored| Expected::Version(stored.version));
        for attempt in 1..=8 {
            let composed = match self.compose(product, read.map(|stored| &stored.value)).await? {
                Composed::As(writes) => writes,
                Composed::Wrong(faults) => return Ok(RecordOutcome::Wrong(faults)),
            };
            let mut item = record_item(OPERATION, RecordKind::Product, product)?;
            if let Some(imported) = imported {
                let imported = serde_json::to_string(imported).map_err(|error| Error::encoding(OPERATION)(error.into()))?;
                item.insert(IMPORTED.to_owned(), text(imported));
            }
            let mut writes = vec![self.put(OPERATION, item, expected)?];
            let codes = |product: &Product| {
                let names = std::iter::once((&product.sku, false)).chain(product.aliases.iter().map(|alias| (alias, true)));
                names.map(|(code, alias)| CodeName { product_id: product.id.clone(), code: code.clone(), alias }).collect::<Vec<_>>()
            };
            let new = codes(product);
            let old = read.map(|stored| codes(&stored.value)).unwrap_or_default();
            let touched: BTreeSet<String> = new
                .iter()
                .filter(|code| !old.contains(code))
                .chain(old.iter().filter(|code| !new.contains(code)))
                .map(|code| normalize_sku(&code.code))
                .collect();
            let known = self.get_items(OPERATION, touched.iter().map(|folded| keys::product_code(folded))).await?;
            for folded in &touched {
                let key = keys::product_code(folded);
                let (expected, mut entry) = match known.get(&key) {
                    Some(item) => (Expected::Version(version_of(item)), value_of::<CodeEntry>(OPERATION, item.clone())?),
                    None => (Expected::Absent, CodeEntry::default()),
                };
                entry.names.retain(|name| name.product_id != product.id);
                let own = new.iter().filter(|code| normalize_sku(&code.code) == *folded);
                for name in own {
                    if let Some(taken) = entry.names.iter().find(|other| other.code == name.code) {
                        let member = if name.alias || taken.alias { "aliases" } else { "sku" };
                        return Ok(RecordOutcome::Taken(member, name.code.clone()));
                    }
                    entry.names.push(name.clone());
                }
                writes.push(match (entry.names.is_empty(), expected) {
                    (true, Expected::Version(version)) => self.delete(OPERATION, &key, Some(version))?,
                    (true, _) => continue,
                    (false, _) => self.put(OPERATION, item_of(OPERATION, &key, "product_code", &entry)?, expected)?,
                });
            }
            let link = |product: &Product| product.shipstation_product_id.map(|id| keys::product_link(self.account, id));
            let old_link = read.and_then(|stored| link(&stored.value));
            let new_link = link(product);
            let mut link_at = None;
            if old_link != new_link {
                if let Some(key) = &new_link {
                    link_at = Some(writes.len());
                    writes.push(self.put(OPERATION, link_item(OPERATION, key, product.id.as_str())?, Expected::Absent)?);
                }
                if let Some(key) = &old_link {
                    writes.push(self.delete(OPERATION, key, None)?);
                }
            }
            writes.extend(composed);
            if writes.len() > MOST_WRITES {
                return Ok(RecordOutcome::Wrong(vec![FieldError {
                    pointer: "/components".to_owned(),
                    code: "too_many_changes",
                    message: "Components and aliases change in too many places at once. Change the aliases first, then the components."
                        .to_owned(),
                }]));
            }
            match self.transact(OPERATION, writes).await? {
                Transacted::Done => return Ok(RecordOutcome::Written(expected.next_version())),
                Transacted::Refused(failed) => {
                    if let Some(Condition::Failed(old)) = failed.first() {
                        return Ok(RecordOutcome::Stale(old.as_ref().map(version_of)));
                    }
                    if link_at.and_then(|at| failed.get(at)).is_some_and(|condition| matches!(condition, Condition::Failed(_))) {
                        let id = product.shipstation_product_id.map(|id| id.to_string()).unwrap_or_default();
                        return Ok(RecordOutcome::Taken("shipstation_product_id", id));
                    }
                }
            }
            tokio::time::sleep(crate::table::item::versioned::jitter(attempt)).await;
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// Writes that a change of kind or components takes, by the products as they are now. All such changes move one item, so that two at once cannot make
    /// together what neither would be allowed alone: the second is decided again.
    async fn compose(&self, product: &Product, known: Option<&Product>) -> Result<Composed, Error> {
        const OPERATION: &str = "check a product's components";
        let old_kind = known.map(|known| known.kind);
        let old = known.map(|known| known.components.as_slice()).unwrap_or_default();
        let same_kind = old_kind.is_none_or(|kind| kind == product.kind);
        if same_kind && old == product.components {
            return Ok(Composed::As(Vec::new()));
        }
        let key = keys::composition();
        let moved = match self.get_item(OPERATION, &key).await? {
            Some(item) => Expected::Version(version_of(&item)),
            None => Expected::Absent,
        };
        let mut walk = Walk::new(product);
        loop {
            let wanted = walk.wanted();
            if wanted.is_empty() {
                break;
            }
            walk.found(self.records::<Product>(wanted.into_iter().map(|id| id.0)).await?);
        }
        let mut faults = walk.faults();
        if !same_kind {
            faults.extend(self.uses(&product.id).await?.faults(product.kind));
        }
        if !faults.is_empty() {
            return Ok(Composed::Wrong(faults));
        }
        let mut writes = vec![self.put(OPERATION, item_of(OPERATION, &key, "composition", &Empty {})?, moved)?];
        let ids = |components: &[stevedore_domain::reference::Component]| {
            components.iter().map(|component| component.product_id.clone()).collect::<BTreeSet<_>>()
        };
        let (before, after) = (ids(old), ids(&product.components));
        for component in after.iter().filter(|id| !same_kind || !before.contains(*id)) {
            let key = keys::component_use(component, product.id.as_str());
            let item = item_of(OPERATION, &key, "component_use", &ComponentUse { kind: product.kind })?;
            writes.push(self.put(OPERATION, item, Expected::Anything)?);
        }
        for component in before.difference(&after) {
            writes.push(self.delete(OPERATION, &keys::component_use(component, product.id.as_str()), None)?);
        }
        Ok(Composed::As(writes))
    }

    /// Products of which a product is a component.
    async fn uses(&self, id: &ProductId) -> Result<Uses, Error> {
        const OPERATION: &str = "read where a product is used";
        let mut uses = Uses::default();
        for item in self.query_prefix(OPERATION, &keys::component_use(id, "").pk, "BY#").await? {
            let user = text_of(&item, "sk").and_then(|sk| sk.strip_prefix("BY#")).map(ProductId::from);
            match value_of::<ComponentUse>(OPERATION, item)?.kind {
                ProductKind::Kit => uses.kit = user,
                _ => uses.assembly = user,
            }
        }
        Ok(uses)
    }

    /// The products with exactly these SKUs, those that exist, in two reads for each hundred.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn products_by_sku(&self, skus: &BTreeSet<String>) -> Result<HashMap<String, ProductFound>, Error> {
        const OPERATION: &str = "find products by SKU";
        let codes = self.get_items(OPERATION, skus.iter().flat_map(|sku| code_keys(sku))).await?;
        let mut ids = BTreeSet::new();
        for item in codes.into_values() {
            let names = value_of::<CodeEntry>(OPERATION, item)?.names;
            ids.extend(names.into_iter().filter(|name| !name.alias && skus.contains(&name.code)).map(|name| name.product_id.0));
        }
        let keys = ids.iter().map(|id| keys::record(RecordKind::Product.partition(), id));
        let mut found = HashMap::new();
        for item in self.get_items(OPERATION, keys.collect::<Vec<_>>()).await?.into_values() {
            let imported = text_of(&item, IMPORTED).and_then(|text| serde_json::from_str(text).ok());
            let stored = Stored { version: version_of(&item), value: value_of::<Product>(OPERATION, item)? };
            found.insert(stored.value.sku.clone(), ProductFound { stored, imported });
        }
        Ok(found)
    }

    /// The products that a person means by a code: those whose SKU or alias it is, whatever its case, as booking matches it; one whose SKU is
    /// written just so comes first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn products_named(&self, code: &str) -> Result<Vec<Product>, Error> {
        const OPERATION: &str = "find products by SKU";
        let folded = normalize_sku(code);
        if folded.is_empty() {
            return Ok(Vec::new());
        }
        let mut ids: BTreeSet<String> = BTreeSet::new();
        for item in self.get_items(OPERATION, code_keys(code)).await?.into_values() {
            ids.extend(value_of::<CodeEntry>(OPERATION, item)?.names.into_iter().map(|name| name.product_id.0));
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut products = self.records::<Product>(ids).await?;
        products.sort_by_key(|product| (product.sku != code, product.sku.clone(), product.id.clone()));
        Ok(products)
    }
}

/// Where products with a code are listed: under its folded form, and under the one that an earlier release gave it.
fn code_keys(code: &str) -> Vec<keys::Key> {
    std::iter::once(normalize_sku(code)).chain(formerly_normalized_sku(code)).map(|folded| keys::product_code(&folded)).collect()
}
