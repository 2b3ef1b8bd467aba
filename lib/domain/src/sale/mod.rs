//! Sales: what orders become.
//!
//! [`book`] is the one function that turns an order revision, the settings and the reference data into a [`Sale`], or says why it cannot.

mod adjust;
mod adjusted;
mod allocation;
mod amounts;
mod assembly;
mod book;
mod booked_lines;
mod booking;
mod booking_warnings;
mod comment;
mod customer;
mod fulfilment;
mod invoice;
mod invoice_number;
mod line;
mod location;
mod paid_later;
mod payment;
mod product;
mod purchase;
mod record;
mod source;
mod stage;
mod tax;
mod taxation;

pub use adjust::{Adjustment, LineAdjustment, NotAdjusted};
pub use adjusted::{Adjusted, AdjustedBy};
pub use allocation::Allocation;
pub use assembly::{Assembly, AssemblyPart};
pub use book::book;
pub use booking::{Booked, Booking, Unbookable};
pub use comment::{DISPLAYED_COMMENT, displayed_comment, options_comment};
pub use customer::{CustomerChoice, CustomerMatches, NewCustomer, keep_buyer, names_somebody};
pub use fulfilment::{Actor, Fulfilment};
pub use invoice::{Invoice, MOST_PAYMENTS, Payment, PaymentRefused, Sync, SyncAction};
pub use invoice_number::invoice_number;
pub use line::{Charge, Discount, SaleLine, SaleTaxRule};
pub use product::{ProductMatch, Products};
pub use purchase::{Purchase, PurchaseLine};
pub use record::{Sale, SaleCustomer, SaleKind, SaleStatus};
pub use source::{DaySource, OrderSource, Source};
pub use stage::{Stage, StageStatus};
