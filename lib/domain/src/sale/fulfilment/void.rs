//! Voiding a sale (S152).

use jiff::Timestamp;

use super::super::assembly::Assembly;
use super::super::record::Sale;
use super::super::stage::StageStatus;
use crate::reason::Reason;
use crate::stock::{Floor, Levels, StockChange};
use crate::warning::Warning;

impl Sale {
    /// Undoes the sale and keeps it as a record (S152): its totals stay, its stock goes back, payments and invoice are void.
    ///
    /// What was made for it is taken apart again, unless others have taken it meanwhile; then it stays, with a warning.
    pub fn void(&mut self, levels: &Levels, at: Timestamp) -> Vec<StockChange> {
        let before = self.position();
        self.voided_at = Some(at);
        self.invoice.void(at);
        for stage in [&mut self.pick, &mut self.pack, &mut self.ship] {
            if stage.status != StageStatus::NotAvailable {
                stage.status = StageStatus::Voided;
            }
        }
        for purchase in &mut self.purchases {
            purchase.status = StageStatus::Voided;
        }
        for assembly in &mut self.assemblies {
            assembly.status = StageStatus::Voided;
        }
        loop {
            let changes = self.changes(&before, |_, change| match change.unpicked {
                less if less < 0 => Floor::Unpicked(-less),
                _ => Floor::None,
            });
            let lacking = changes.iter().find(|change| levels.get(&change.key).is_some_and(|level| !change.floor.holds(level)));
            let Some(lacking) = lacking else { return changes };
            let kept = |made: &&mut Assembly| made.status == StageStatus::Voided && made.at.is_some() && made.key() == lacking.key;
            let Some(assembly) = self.assemblies.iter_mut().find(kept) else { return changes };
            assembly.status = StageStatus::Authorised;
            let what = format!("{} × {} at {}.", assembly.quantity, assembly.product_id, assembly.location_id);
            self.warnings.push(Warning::new(Reason::AssemblyKept, &what));
        }
    }
}
