//! Tax that each part of an order bears: by what its store says of tax, and by the settings (S53–S55, S68–S71, N17, N31).

use super::Charge;
use super::amounts::Amounts;
use super::tax::{Spread, contained, recalculated, spread_tax};
use crate::money::{AmountError, Minor};
use crate::reason::Reason;
use crate::reference::TaxRule;
use crate::settings::{Settings, StoreTax};
use crate::warning::Warning;

/// The taxes of an order's lines and charges.
pub(super) struct Taxed {
    /// In the order of the lines.
    pub lines: Vec<Minor>,
    /// The amounts of lines and charges include their taxes: less these they are net.
    pub included: bool,
    /// Amount that the marketplace keeps.
    pub withheld: Option<Minor>,
    /// Warnings for a person.
    pub warnings: Vec<Warning>,
}

impl Taxed {
    /// A line's total: without the tax that it includes.
    pub(super) fn net(&self, total: Minor, tax: Minor) -> Minor {
        if self.included { total - tax } else { total }
    }
}

/// Taxes an order's parts. Its charges get their taxes here, and where nothing else could bear the order's tax, there is a charge more that does.
///
/// `adjusted` says that the last charge is a difference in ShipStation's numbers: nobody charged it, so nobody taxed it.
pub(super) fn tax_parts(
    parts: &mut Amounts<'_>,
    adjusted: bool,
    rule: &TaxRule,
    settings: &Settings,
    store_tax: StoreTax,
) -> Result<Taxed, AmountError> {
    let withheld = store_tax == StoreTax::Withheld;
    let included = store_tax == StoreTax::Included;
    let mut warnings = Vec::new();
    // Tax that is not ours is not ours to recalculate, and a rule that says no percentage says nothing.
    let mut recalculate = settings.tax.recalculate && !withheld;
    if recalculate && rule.percent().is_zero() {
        recalculate = false;
        warnings.push(Warning::new(Reason::TaxRuleWithoutPercent, &format!("The rule is {} ({}).", rule.name, rule.id)));
    }
    if withheld {
        let withheld = Some(parts.tax).filter(|tax| *tax != Minor::ZERO);
        return Ok(Taxed { lines: vec![Minor::ZERO; parts.lines.len()], included: false, withheld, warnings });
    }
    let taxable = parts.charges.len() - usize::from(adjusted);
    let (charges, _) = parts.charges.split_at(taxable);
    let mut spread = spread_tax(parts.tax, &parts.lines, charges, settings.shipment_is_taxable, settings.currency)?;
    if recalculate {
        spread = by_rule(parts, taxable, rule, settings.shipment_is_taxable, included);
    } else if spread.contradicted {
        warnings.push(Warning::new(Reason::TaxAboveItems, ""));
    }
    for (charge, tax) in parts.charges.iter_mut().zip(&spread.charges) {
        charge.tax = *tax;
        if included {
            charge.amount -= *tax;
        }
    }
    if spread.unallocated != Minor::ZERO {
        parts.charges.push(Charge {
            name: "Adjustment".to_owned(),
            comment: Some("Tax of an order without lines".to_owned()),
            amount: if included { -spread.unallocated } else { Minor::ZERO },
            tax: spread.unallocated,
            account: None,
        });
    }
    Ok(Taxed { lines: spread.lines, included, withheld: None, warnings })
}

/// Amount that the rule takes of each line, and of each charge where these are taxed; of prices that include tax it is contained in them.
fn by_rule(parts: &Amounts<'_>, taxable: usize, rule: &TaxRule, charges_taxed: bool, included: bool) -> Spread {
    let percent = rule.percent();
    let tax = |amount| if included { contained(amount, percent) } else { recalculated(amount, percent) };
    let charges = parts.charges.iter().take(taxable).map(|charge| if charges_taxed { tax(charge.amount) } else { Minor::ZERO });
    Spread {
        lines: parts.lines.iter().map(|(_, total)| tax(*total)).collect(),
        charges: charges.collect(),
        unallocated: Minor::ZERO,
        contradicted: false,
    }
}
