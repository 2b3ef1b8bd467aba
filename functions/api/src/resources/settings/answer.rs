//! The settings as they are answered: the document, and what a person should know about it.

use axum::Json;
use axum::response::Response;
use serde::Serialize;
use stevedore_aws::{List, Table};
use stevedore_domain::reference::TaxRule;
use stevedore_domain::settings::Settings;

use crate::http::etag::tagged;
use crate::http::problem::Problem;
use crate::resources::log::view::WarningView;

/// Tax rules are read in pages of so many.
const PAGE: usize = 200;

/// The document with its warnings, which stand there only where there are any.
#[derive(Serialize)]
pub(super) struct Answer {
    #[serde(flatten)]
    settings: Settings,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<WarningView>,
}

impl Answer {
    /// Reads what the warnings depend on: nothing, while tax is not recalculated.
    pub(super) async fn of(table: &Table, settings: Settings) -> Result<Self, Problem> {
        let rules = if settings.tax.recalculate { tax_rules(table, &settings).await? } else { Vec::new() };
        let warnings = settings.warnings(&rules).into_iter().map(WarningView::from).collect();
        Ok(Self { settings, warnings })
    }

    /// The answer with the version's ETag.
    pub(super) fn tagged(self, version: u64) -> Response {
        tagged(version, Json(self))
    }
}

/// Every tax rule; the default one also where the list does not show it yet.
async fn tax_rules(table: &Table, settings: &Settings) -> Result<Vec<TaxRule>, Problem> {
    let mut list = List { limit: PAGE, ..List::default() };
    let mut rules: Vec<TaxRule> = Vec::new();
    loop {
        let page = table.list_records::<TaxRule>(&list).await?;
        rules.extend(page.items.into_iter().map(|stored| stored.value));
        list.token = page.next;
        if list.token.is_none() {
            break;
        }
    }
    let missing = settings.tax.default_rule.as_ref().filter(|id| rules.iter().all(|rule| rule.id != **id));
    if let Some(id) = missing {
        rules.extend(table.record::<TaxRule>(id.as_str()).await?.map(|stored| stored.value));
    }
    Ok(rules)
}
