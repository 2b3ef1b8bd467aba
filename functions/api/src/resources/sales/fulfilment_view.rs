//! Fulfilment of a sale, as it is shown.

use jiff::Timestamp;
use serde::Serialize;
use stevedore_domain::sale::{Assembly, Purchase, Sale, Stage, StageStatus};
use stevedore_domain::stock::{Movement, MovementKind};
use utoipa::ToSchema;

use crate::resources::enums;

/// A stage of fulfilment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stage)]
pub(super) struct StageView {
    #[schema(schema_with = enums::stage_status)]
    status: StageStatus,
    /// Time at which it was done; stays when the sale is voided.
    #[schema(required = true)]
    at: Option<Timestamp>,
    /// Lines that it handles: kits as their components, equal products together. A draft pick shows what it found.
    lines: Vec<StageLineView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StageLine)]
struct StageLineView {
    product_id: String,
    sku: String,
    location_id: String,
    /// Units that the stage has, or found.
    quantity: i64,
    /// Units that the sale needs.
    wanted: i64,
}

/// Units of a product that are made for the sale.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Assembly)]
pub(super) struct AssemblyView {
    id: String,
    product_id: String,
    location_id: String,
    quantity: i64,
    /// `draft` while components are short.
    #[schema(schema_with = enums::stage_status)]
    status: StageStatus,
    #[schema(required = true)]
    at: Option<Timestamp>,
    /// Components that it takes in all.
    components: Vec<AssemblyPartView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AssemblyPart)]
struct AssemblyPartView {
    product_id: String,
    quantity: i64,
}

/// A draft purchase: what a supplier shall send to the buyer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Purchase)]
pub(super) struct PurchaseView {
    id: String,
    supplier: String,
    #[schema(schema_with = enums::stage_status)]
    status: StageStatus,
    lines: Vec<PurchaseLineView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PurchaseLine)]
struct PurchaseLineView {
    /// The sale's line.
    line_no: u32,
    product_id: String,
    #[schema(required = true)]
    sku: Option<String>,
    quantity: i64,
}

/// A movement of stock that the sale caused. Levels are the sum of these and of adjustments.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Movement)]
pub(super) struct MovementView {
    at: Timestamp,
    #[schema(schema_with = enums::movement_kind)]
    kind: MovementKind,
    product_id: String,
    location_id: String,
    quantity: i64,
}

impl StageView {
    pub(super) fn of(sale: &Sale, stage: &Stage, is_pick: bool) -> Self {
        let line = |(index, allocation): (usize, &stevedore_domain::sale::Allocation)| {
            let found = stage.found.as_ref().and_then(|found| found.get(index)).copied().unwrap_or(0);
            let quantity = if stage.at.is_some() { allocation.quantity } else { found };
            (is_pick || stage.at.is_some()).then(|| StageLineView {
                product_id: allocation.product_id.0.clone(),
                sku: sale.sku_of(allocation).to_owned(),
                location_id: allocation.location_id.0.clone(),
                quantity,
                wanted: allocation.quantity,
            })
        };
        Self { status: stage.status, at: stage.at, lines: sale.allocations.iter().enumerate().filter_map(line).collect() }
    }
}

impl AssemblyView {
    pub(super) fn of(sale: &Sale, number: usize, assembly: &Assembly) -> Self {
        let components = assembly.components.iter();
        Self {
            id: format!("{}-A{}", sale.id, number + 1),
            product_id: assembly.product_id.0.clone(),
            location_id: assembly.location_id.0.clone(),
            quantity: assembly.quantity,
            status: assembly.status,
            at: assembly.at,
            components: components
                .map(|part| AssemblyPartView { product_id: part.product_id.0.clone(), quantity: part.quantity })
                .collect(),
        }
    }
}

impl PurchaseView {
    pub(super) fn of(sale: &Sale, number: usize, purchase: &Purchase) -> Self {
        let sku = |line_no| sale.lines.iter().find(|line| line.line_no == line_no).and_then(|line| line.sku.clone());
        let lines = purchase.lines.iter().map(|line| PurchaseLineView {
            line_no: line.line_no,
            product_id: line.product_id.0.clone(),
            sku: sku(line.line_no),
            quantity: line.quantity,
        });
        Self {
            id: format!("{}-P{}", sale.id, number + 1),
            supplier: purchase.supplier.clone(),
            status: purchase.status,
            lines: lines.collect(),
        }
    }
}

impl From<Movement> for MovementView {
    fn from(movement: Movement) -> Self {
        let Movement { at, kind, key, quantity } = movement;
        Self { at, kind, product_id: key.product_id.0, location_id: key.location_id.0, quantity }
    }
}
